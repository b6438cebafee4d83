//! `/api/v1/quotas`: how much an owner may have, waiting and live together.

use caviada_core::id::QuotaId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::quantity::Quantity;

/// `PUT /quotas/{owner}`: the whole quota. What is absent is not bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaSpec {
    /// Leases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leases_max: Option<u32>,
    /// Resources in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources_max: Option<u32>,
    /// Amounts of divisible resources.
    #[serde(skip_serializing_if = "Quantity::is_empty")]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub quantity_max: Quantity,
    /// Name of the file that `load` declared this from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
}

/// A quota and what is used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quota {
    /// `quota_…`.
    #[schema(value_type = String)]
    pub id: QuotaId,
    /// Whose.
    pub owner: String,
    /// What was put.
    pub spec: QuotaSpec,
    /// What is used.
    pub used: Used,
    /// Number of the last event that changed it; also in `ETag`.
    pub etag: String,
}

/// What an owner has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(default)]
pub struct Used {
    /// Leases, waiting and live.
    pub leases: u64,
    /// Resources held or waited for.
    pub resources: u64,
    /// Amounts held.
    #[serde(skip_serializing_if = "Quantity::is_empty")]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub quantity: Quantity,
}
