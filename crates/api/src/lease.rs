//! `/api/v1/leases`: resources held by an owner until a deadline.

use std::collections::BTreeMap;

use caviada_core::id::{Fence, LeaseId, ResourceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::attribute::{Attributes, Labels};
use crate::quantity::Quantity;
use crate::timestamp::Timestamp;

/// `POST /leases`: 201 with a [`Lease`] that is preparing or active, 202 with one that waits.
///
/// Say what is wanted either at the top (`pool`, `selector`, `count`, `slice`) or as `items`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Acquire {
    /// The pool; with none, `selector` looks in all that the caller sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Conditions on labels and attributes: `arch=arm64, cores>=4, gpu exists`. At most 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// How many; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How large a slice of a divisible resource; its own default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceSize>,
    /// Several things at once, all or nothing; at most 64 items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// For whom; the key's own owner when absent. Others need `act_for`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How long from the grant, in milliseconds; the pool's `ttl_ms` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// How long to wait when nothing is free, in milliseconds; refused at once with 0 or when
    /// absent; at most the pool's `wait_ms_max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// While it waits the caller must renew at least this often, in milliseconds, to show it lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_within_ms: Option<u64>,
    /// 0 to 9, higher first; 5 when absent, above 5 only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Whether a live lease of the owner may be the answer.
    #[serde(skip_serializing_if = "is_default")]
    pub reuse: Reuse,
    /// What the lease is for, for people and programs.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub labels: Labels,
    /// Free text, such as a link to the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// To use it, or to clean a dirty one from outside.
    #[serde(skip_serializing_if = "is_default")]
    pub purpose: Purpose,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One kind of thing wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Item {
    /// The pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Conditions on labels and attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// How many; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How large a slice of a divisible resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceSize>,
}

/// How large a slice is cut from a divisible resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SliceSize {
    /// Addresses: the prefix length, `28` for sixteen IPv4 addresses.
    Prefix(u8),
    /// Ports: how many in a row.
    Ports(u32),
    /// A quantity: how much of each dimension.
    Quantity(#[schema(inline)] Quantity),
}

/// Whether a live lease of the owner may be the answer instead of a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// Always a new lease.
    #[default]
    Never,
    /// Any live healthy lease that fits.
    Matching,
    /// The live lease in this slot; there is at most one per owner and slot.
    Slot(String),
}

/// What a lease is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To use free resources.
    #[default]
    Use,
    /// To clean dirty ones; released with a result.
    Clean,
}

/// Where a lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// Nothing granted yet.
    Waiting,
    /// Granted; its resources are being bound to it.
    Preparing,
    /// Usable.
    Active,
    /// Over; `end` says how.
    Ended,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaseEnd {
    /// Its holder gave it back.
    Released,
    /// Its deadline passed.
    Expired,
    /// An operator took it back.
    Revoked,
    /// It was released while it waited.
    Cancelled,
    /// The wait was over.
    TimedOut,
    /// The caller did not show in time that it lives.
    Abandoned,
    /// A resource or host went bad and the pool's policy is to end.
    Lost,
    /// Preparing failed more often than is allowed.
    Failed,
    /// What it waits for can no longer come.
    Impossible,
}

/// A lease as its holder sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    /// `lease_…`.
    #[schema(value_type = String)]
    pub id: LeaseId,
    /// Where it stands.
    pub state: LeaseState,
    /// The grant's number; none while it waits. Hand it to whatever the resource talks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub fence: Option<Fence>,
    /// For whom.
    pub owner: String,
    /// The pools asked or granted from, each once.
    pub pools: Vec<String>,
    /// When it was asked for; told while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_at: Option<Timestamp>,
    /// The deadline, of the lease or of the wait; none if the pool sets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Milliseconds until then, as of this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// What is held; empty while it waits and once it ended.
    pub resources: Vec<LeasedResource>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<LeaseEnd>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What was asked for, while it waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// How many are before it in the queue, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// When it is its turn at the latest, in milliseconds from now, if every holder keeps his until
    /// its present deadline and that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_ms: Option<u64>,
    /// Why it waits, is being prepared or ended, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Priority, 0 to 9; told while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// What it is for; told while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Its slot, if it was acquired by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// Owners who may use it beside its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<String>,
    /// Labels.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub labels: Labels,
    /// Note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Number of the last event that changed it; also in `ETag`; told while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// One resource of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeasedResource {
    /// `res_…`.
    #[schema(value_type = String)]
    pub id: ResourceId,
    /// Unique in its pool.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// Facts.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, crate::attribute::Attribute>)]
    pub attributes: Attributes,
    /// How to reach it: name → address, URL or document.
    #[serde(default)]
    pub endpoints: BTreeMap<String, String>,
    /// Of a slice: what was cut, such as `10.0.0.16/28`, `20000-20009` or `cpu=2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// It was seen unwell since it was granted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
}

/// `GET /leases`: which, in which order. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LeaseQuery {
    /// Holding or asking for something of this pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Of this owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// In this state; the live ones when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LeaseState>,
    /// Conditions on its labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// `created_at` (default), `expires_at` or `owner`; `-` before it turns the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Items on the page, at most 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `GET /leases/{id}`: with `wait_ms` the answer comes when the lease is neither waiting nor
/// preparing any more, or when the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LeaseWait {
    /// Milliseconds, at most 60,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// `GET /leases/{id}/files`: what its holder takes along, as a tar archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LeaseFiles {
    /// Of which resource; may be left out where the lease has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub resource: Option<ResourceId>,
}

/// `DELETE /leases/{id}`, all in the query, all optional: 200 with the lease as it then is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Release {
    /// Only these, separated by commas; the last one ends the lease. Empty releases all.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "commas")]
    #[param(value_type = Option<String>)]
    pub resources: Vec<ResourceId>,
    /// Keep what is released out of the pool for so long, to look at it, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
    /// Why; shown with the withheld resource and in the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a lease with purpose `clean`: did the cleaning succeed?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CleanResult>,
    /// Refused as `stale-fence` unless it is the lease's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<u64>)]
    pub fence: Option<Fence>,
}

/// What came of a cleaning from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CleanResult {
    /// It is clean: free again.
    Ok,
    /// It is not: dirty as before.
    Failed,
}

/// `POST /leases/{id}/renew`: moves the deadline, never to an earlier time. On a waiting lease it
/// shows that the caller lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Renew {
    /// From now, in milliseconds; the lease's own when absent. The pool's maximum bounds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Refused as `stale-fence` unless it is the lease's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub fence: Option<Fence>,
}

/// `POST /leases/{id}/give`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Give {
    /// The new owner, whose quota then counts it.
    pub owner: String,
    /// Refused as `stale-fence` unless it is the lease's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub fence: Option<Fence>,
}

/// `POST /leases/{id}/share`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// All who may use it beside its owner, replacing whoever could; empty ends sharing.
    pub owners: Vec<String>,
    /// Refused as `stale-fence` unless it is the lease's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub fence: Option<Fence>,
}

/// `PATCH /leases/{id}`: what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Annotate {
    /// Labels to set; null removes one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Option<String>>,
    /// The note; an empty one removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /leases/past`: a lease that another system had, and that is over. For admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// Who had it.
    pub owner: String,
    /// The pool it counts as one of.
    pub pool: String,
    /// When it was granted.
    pub granted_at: Timestamp,
    /// When it was given back: past, and within the 90 days that the history keeps.
    pub ended_at: Timestamp,
    /// What else there is to say of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its holder's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /leases/{id}/revoke`: for operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Revoke {
    /// Why; the holder reads it: `why` of the ended lease, and with every refusal of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A list in one query parameter, separated by commas.
mod commas {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(
        items: &[T],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = items.iter().map(T::to_string).collect();
        s.serialize_str(&texts.join(","))
    }

    pub(super) fn deserialize<'de, T, D>(d: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(d)?
            .split(',')
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().map_err(serde::de::Error::custom))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acquire_writes_only_what_was_said() {
        let acquire = Acquire {
            pool: Some("boards".into()),
            wait_ms: Some(0),
            reuse: Reuse::Slot("nightly".into()),
            ..Acquire::default()
        };
        let json =
            serde_json::json!({"pool": "boards", "wait_ms": 0, "reuse": {"slot": "nightly"}});
        assert_eq!(serde_json::to_value(&acquire).unwrap(), json);
        assert_eq!(serde_json::from_value::<Acquire>(json).unwrap(), acquire);
    }

    #[test]
    fn an_acquire_of_everything_is_read() {
        let acquire: Acquire = serde_json::from_str(
            r#"{"items":[{"pool":"boards","selector":"arch=arm64","count":2},
                {"pool":"nets","slice":{"prefix":28}},
                {"pool":"cpu","slice":{"quantity":{"cpu":2}}}],
                "owner":"ana","ttl_ms":60000,"poll_within_ms":5000,"priority":3,
                "reuse":"matching","labels":{"job":"17"},"note":"n","purpose":"clean"}"#,
        )
        .unwrap();
        assert_eq!(acquire.items[1].slice, Some(SliceSize::Prefix(28)));
        assert_eq!(acquire.reuse, Reuse::Matching);
        assert_eq!(acquire.purpose, Purpose::Clean);
    }

    #[test]
    fn an_unknown_field_of_a_request_is_refused() {
        for bad in [
            r#"{"pol":"boards"}"#,
            r#"{"items":[{"pool":"a","number":2}]}"#,
        ] {
            assert!(serde_json::from_str::<Acquire>(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Renew>(r#"{"ttl":1}"#).is_err());
        assert!(serde_json::from_str::<Give>(r#"{"owner":"a","to":"b"}"#).is_err());
    }

    #[test]
    fn a_lease_reads_as_documented() {
        let json = serde_json::json!({
            "id": "lease_0000000000007", "state": "active", "fence": 8, "owner": "ana",
            "pools": ["boards"], "created_at": "2031-04-05T06:07:08.009Z",
            "granted_at": "2031-04-05T06:07:08.009Z",
            "expires_at": "2031-04-05T07:07:08.009Z", "expires_in_ms": 3_600_000,
            "resources": [{
                "id": "res_0000000000003", "name": "board-1", "pool": "boards",
                "attributes": {"cores": 4}, "endpoints": {"ssh": "127.0.0.1:2201"},
            }],
            "priority": 5, "purpose": "use", "labels": {}, "etag": "12.0",
        });
        let lease: Lease = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(lease.fence, Some(Fence(8)));
        assert_eq!(serde_json::to_value(&lease).unwrap(), json);
    }
}
