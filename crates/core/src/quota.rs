//! Quotas: how much one owner may have at once.

use serde::{Deserialize, Serialize};

use crate::event::Number;
use crate::id::QuotaId;
use crate::name::Owner;
use crate::space::Amounts;

/// A quota as State holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// From the ledger's counter.
    pub id: QuotaId,
    /// Whom it bounds; one quota per owner.
    pub owner: Owner,
    /// Its bounds.
    pub spec: QuotaSpec,
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    pub declared_in: Option<Box<str>>,
    /// Number of the last event that changed it: its ETag.
    pub changed: Number,
}

/// Bounds on one owner; none is no bound.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaSpec {
    /// Waiting and live leases together.
    pub leases_max: Option<u32>,
    /// Resources of waiting and live leases together, asked for or held.
    pub resources_max: Option<u32>,
    /// Amounts of divisible resources in waiting and live leases together, by kind; a kind that is
    /// not named is not bounded.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub quantity_max: Amounts,
}
