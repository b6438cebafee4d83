//! API keys: the credential that speaks for an owner, with a role.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::Number;
use crate::id::KeyId;
use crate::name::{Name, Owner};
use crate::time::Time;

/// A key as State holds it. Its secret is known to its bearer alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// From the ledger's counter.
    pub id: KeyId,
    /// For people; unique.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// Whom it speaks for.
    pub owner: Owner,
    /// Groups the owner is in.
    pub groups: BTreeSet<Owner>,
    /// May name any other owner in the leases it asks for, in these pools, and see and release what
    /// others have there; where it names no pool, these alone are meant. Empty means nobody but its
    /// own owner.
    pub act_for: BTreeSet<Name>,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    pub declared_in: Option<Box<str>>,
    /// Refused from then on.
    pub expires_at: Option<Time>,
    /// When it was declared, in ledger time.
    pub made_at: Time,
    /// Number of the last event that changed it: its ETag.
    pub changed: Number,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Leases of its own owner.
    User,
    /// Pools, resources, hosts, templates; leases of everybody.
    Operator,
    /// Everything, keys and quotas included.
    Admin,
}
