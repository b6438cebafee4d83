//! `/api/v1/pools`: named sets of interchangeable resources with their policies.

use std::collections::BTreeMap;

use caviada_core::id::PoolId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::attribute::Attributes;
use crate::lease::SliceSize;
use crate::quantity::Quantity;
use crate::timestamp::Timestamp;

/// `PUT /pools/{name}`: the whole pool. What is absent takes its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSpec {
    /// Resources are built from this template; without one they are declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Inputs of the template.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// What one built resource takes of its host's capacity, beside one of `resources`.
    #[serde(skip_serializing_if = "Quantity::is_empty")]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub needs: Quantity,
    /// Free ones kept ready (built pools).
    pub warm: u32,
    /// Most there may be, whatever their state (built pools).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Bounds of leases.
    pub lease: LeasePolicy,
    /// How a used one becomes clean.
    pub recycle: RecyclePolicy,
    /// A grant is bound (environment, identity) before the lease is active.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prepare: bool,
    /// Free ones are frozen: they take memory but no processor. Needs `prepare`, which thaws them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pause: bool,
    /// Images that holders may bring when they alter what they hold (chaincode, say): an image, the
    /// beginning of one that ends with `/`, `:` or `@`, or `*`. None without a word here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holder_images: Vec<String>,
    /// Which free one goes first.
    pub pick: Pick,
    /// Who sees the pool and its holders.
    pub visibility: Visibility,
    /// What happens to a lease whose resource goes bad.
    pub on_bad: OnBad,
    /// How built ones are spread over hosts.
    pub placement: Placement,
    /// Attributes with an index; a selector on them stays fast in a large pool. At most 8. They and `pick` are chosen
    /// before the pool has more than 10,000 members: then they stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexed: Vec<String>,
    /// Facts of every built one.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    #[schema(value_type = BTreeMap<String, crate::attribute::Attribute>)]
    pub attributes: Attributes,
    /// Hosts that may carry built ones; every fitting one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// Resources of this pool are divisible, and callers who name no size get a slice of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceSize>,
    /// Built at once, at most; 4 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builds_max: Option<u32>,
    /// A dirty one that nobody cleans raises an alert after so long, in milliseconds; 15 minutes
    /// when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty_alert_ms: Option<u64>,
    /// Name of the file that `load` declared this from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
}

/// Bounds of leases, all in milliseconds; each has the server's default when absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LeasePolicy {
    /// For callers who name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// The furthest a deadline may lie from the grant, renewals included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms_max: Option<u64>,
    /// Leases have no deadline unless the caller names one. For old clients that cannot renew.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_deadline: bool,
    /// First deadline of a lease that had to wait: its caller must claim it by a renewal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_within_ms: Option<u64>,
    /// Longest wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms_max: Option<u64>,
}

/// How a used resource becomes clean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecyclePolicy {
    /// `replace` for built pools and `keep` for declared ones when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<RecycleClass>,
    /// Not granted again for so long after cleaning, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_ms: Option<u64>,
    /// Replaced once older than this and not leased, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms_max: Option<u64>,
    /// Replaced after so many uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_max: Option<u32>,
    /// A cleaning that takes longer has failed, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_ms_max: Option<u64>,
}

/// The ways to become clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecycleClass {
    /// Built anew.
    Replace,
    /// The template's own reset, then its readiness.
    Reset,
    /// Somebody outside, who leases dirty ones with purpose `clean`.
    Hook,
    /// Free again as it is.
    Keep,
}

/// Which free resource goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The lowest.
    #[default]
    First,
    /// The one free for longest, to level wear.
    Oldest,
}

/// Who sees what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Visibility {
    /// Who, beside operators and the holder, sees who holds a resource.
    pub holders: Holders,
    /// Owners who see and use the pool; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<String>>,
}

/// Who sees who holds a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Holders {
    /// Only the holder.
    #[default]
    Nobody,
    /// Who has a group in common with the holder.
    Group,
    /// Who sees the pool.
    Everyone,
}

/// What happens to a lease whose resource goes bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum OnBad {
    /// It is flagged.
    #[default]
    Keep,
    /// It gets another one, and a new fence.
    Swap,
    /// It ends as `lost`.
    End,
}

/// How built resources are spread over hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// On the host with the most room.
    #[default]
    Spread,
    /// On the host with the least room that suffices.
    Pack,
}

/// A pool as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pool {
    /// `pool_…`.
    #[schema(value_type = String)]
    pub id: PoolId,
    /// DNS-like, unique.
    pub name: String,
    /// What was put.
    pub spec: PoolSpec,
    /// Its resources by state.
    pub counts: Counts,
    /// Leases that wait for something of it.
    pub waiting: u64,
    /// Why it is not as warm as it should be, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// It takes no new leases and goes once its last resource is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
    /// Revision of the template that new ones are built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_revision: Option<u64>,
    /// When it was declared.
    pub created_at: Timestamp,
    /// Number of the last event that changed it; also in `ETag`.
    pub etag: String,
}

/// Resources by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(default)]
pub struct Counts {
    /// Host, ports and subnet are reserved.
    pub planned: u64,
    /// Being built.
    pub creating: u64,
    /// Ready.
    pub free: u64,
    /// Of the free: those that would be granted now.
    pub offerable: u64,
    /// Held.
    pub leased: u64,
    /// Used, not yet clean.
    pub dirty: u64,
    /// Being cleaned.
    pub cleaning: u64,
    /// Did not come up or did not become clean.
    pub failed: u64,
    /// Kept out of the pool.
    pub withheld: u64,
    /// Being removed.
    pub deleting: u64,
}

impl Counts {
    /// All there are, whatever their state.
    pub fn total(&self) -> u64 {
        self.planned
            + self.creating
            + self.free
            + self.leased
            + self.dirty
            + self.cleaning
            + self.failed
            + self.withheld
            + self.deleting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_spec_is_a_declared_pool_with_defaults() {
        let spec: PoolSpec = serde_json::from_str("{}").unwrap();
        assert_eq!(spec, PoolSpec::default());
        assert_eq!(spec.template, None);
    }

    #[test]
    fn a_spec_survives_the_wire() {
        let json = serde_json::json!({
            "template": "tiny", "parameters": {"size": 4}, "needs": {"cpu": 2},
            "warm": 2, "max": 8,
            "lease": {"ttl_ms": 60_000, "ttl_ms_max": 600_000, "claim_within_ms": 5_000},
            "recycle": {"class": "replace", "uses_max": 10},
            "pick": "oldest",
            "visibility": {"holders": "group", "owners": ["ana"]},
            "on_bad": "swap", "placement": "pack", "indexed": ["arch"],
        });
        let spec: PoolSpec = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&spec).unwrap(), json);
    }

    #[test]
    fn an_unknown_policy_is_refused() {
        for bad in [
            r#"{"lease":{"ttl":"30s"}}"#,
            r#"{"recycle":{"class":"wash"}}"#,
            r#"{"colour":"red"}"#,
        ] {
            assert!(serde_json::from_str::<PoolSpec>(bad).is_err(), "{bad}");
        }
    }
}
