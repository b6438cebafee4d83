//! Keys and quotas in a file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::quantity;
use crate::duration::Duration;
use crate::key::{NewKey, Role};
use crate::quantity::Amount;
use crate::quota::QuotaSpec;

/// A key. Its secret never stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For whom it speaks; its name when absent.
    #[serde(default)]
    pub owner: Option<String>,
    /// Groups of the owner.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Pools in which it may acquire for any other owner, and see and release what others have.
    #[serde(default)]
    pub act_for: Vec<String>,
    /// It stops working so long after it was made.
    #[serde(default)]
    pub expires_in: Option<Duration>,
    /// Environment variable with the secret; without one the server makes it and `load` prints it.
    #[serde(default)]
    pub secret_env: Option<String>,
}

impl KeyEntry {
    /// What is posted, without the secret, which the caller looks up.
    pub fn new_key(&self, declared_in: &str) -> NewKey {
        NewKey {
            name: self.name.clone(),
            role: self.role,
            owner: self.owner.clone(),
            groups: self.groups.clone(),
            act_for: self.act_for.clone(),
            expires_in_ms: self.expires_in.map(|d| d.0),
            secret: None,
            declared_in: Some(declared_in.to_owned()),
        }
    }
}

/// A quota.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaEntry {
    /// Whose.
    pub owner: String,
    /// Leases.
    #[serde(default)]
    pub leases_max: Option<u32>,
    /// Resources in them.
    #[serde(default)]
    pub resources_max: Option<u32>,
    /// Amounts of divisible resources.
    #[serde(default)]
    pub quantity_max: BTreeMap<String, Amount>,
}

impl QuotaEntry {
    /// What is put.
    pub fn spec(&self, declared_in: &str) -> QuotaSpec {
        QuotaSpec {
            leases_max: self.leases_max,
            resources_max: self.resources_max,
            quantity_max: quantity(&self.quantity_max),
            declared_in: Some(declared_in.to_owned()),
        }
    }
}
