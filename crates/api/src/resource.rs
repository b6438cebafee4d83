//! `/api/v1/resources`: the things that are leased.

use std::collections::BTreeMap;

use caviada_core::id::{LeaseId, ResourceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::attribute::{Attributes, Labels};
use crate::event::Progress;
use crate::lease::SliceSize;
use crate::quantity::Quantity;
use crate::timestamp::Timestamp;

/// `POST /resources`: declares all or none. A name that its pool has already takes the new
/// attributes, labels and endpoints; its state stays. Answers 201 with them, in the same order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Declare {
    /// At most [`DECLARE_MAX`].
    pub items: Vec<ResourceSpec>,
}

/// Most resources in one [`Declare`].
pub const DECLARE_MAX: usize = caviada_core::limits::COMMANDS_PER_ALL_MAX;

/// One declared resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct ResourceSpec {
    /// Its pool.
    pub pool: String,
    /// Any text up to 255 bytes without control characters, unique in the pool.
    pub name: String,
    /// Facts.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    #[schema(value_type = BTreeMap<String, crate::attribute::Attribute>)]
    pub attributes: Attributes,
    /// For choosing.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub labels: Labels,
    /// How to reach it: name → address or URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, String>,
    /// How it begins.
    #[serde(default, skip_serializing_if = "is_free")]
    pub state: DeclaredState,
    /// Why, if it begins withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<WithheldReason>,
    /// A grant cuts a slice of it instead of taking it whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divisible: Option<Divisible>,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_free(state: &DeclaredState) -> bool {
    *state == DeclaredState::Free
}

/// How a declared resource begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum DeclaredState {
    /// Ready.
    #[default]
    Free,
    /// To be cleaned first.
    Dirty,
    /// Kept out of the pool.
    Withheld,
}

/// What a divisible resource is cut from: exactly one of `range`, `ports` and `quantity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Divisible {
    /// Addresses, IPv4 or IPv6: `10.0.0.0/24`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Ports, both ends included: `20000-29999`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<String>,
    /// Amounts: `{"cpu": 16}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, u64>>)]
    pub quantity: Option<Quantity>,
    /// Size of a slice for callers who name none; one address or port when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceSize>,
    /// Never handed out: addresses, prefixes, ports or port ranges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

/// Where a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceState {
    /// Host, ports and subnet are reserved.
    Planned,
    /// Being built.
    Creating,
    /// Ready.
    Free,
    /// Held.
    Leased,
    /// Used, not yet clean.
    Dirty,
    /// Being cleaned.
    Cleaning,
    /// Did not come up or did not become clean.
    Failed,
    /// Kept out of the pool.
    Withheld,
    /// Being removed.
    Deleting,
}

/// How a resource was when it was last looked at. Declared ones are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Healthy,
    /// There, but not well.
    Unhealthy,
    /// Not there.
    Gone,
    /// Not seen yet, or its host cannot be seen.
    Unknown,
}

/// Whether a resource runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It runs, as far as anybody wants it to.
    Running,
    /// It is being started.
    Starting,
    /// It is being stopped.
    Stopping,
    /// It was stopped.
    Stopped,
    /// It is being stopped and started.
    Restarting,
}

/// `POST /resources/{id}/power`: starts, stops or restarts it. What is free is kept out of the pool
/// until it runs again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What to do.
    pub action: PowerAction,
    /// With which of its services; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only while this lease has it: another holder's is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub lease: Option<LeaseId>,
}

/// What is done to power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    /// What is stopped runs again, on the same ports and with the same data.
    Start,
    /// What runs is stopped; ports and data stay.
    Stop,
    /// Stopped and started.
    Restart,
}

/// `POST /resources/{id}/parameters`: its holder has it made with other parameters, as far as its
/// template leaves them to him. It ends with the lease: nobody else gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Alter {
    /// Those that change, each with its whole new value.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Only while this lease has it: another holder's is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub lease: Option<LeaseId>,
}

/// What its holder made of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alteration {
    /// It is being altered.
    Altering,
    /// That failed, and what was begun is being undone.
    Restoring,
    /// It was altered, or may have been.
    Altered,
    /// What was begun failed and could not be undone: parts of it stand beside what `parameters` say.
    /// Whichever is asked for next is made of all of it.
    Torn,
}

/// `POST /pools/{name}/build`: one more member, beyond what the pool keeps warm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    /// Where; absent, the pool's placement says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What it is called, unique in the pool; absent, it gets a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Lines of a log when nobody says how many.
pub const LOG_LINES: u32 = caviada_core::limits::client::LOG_LINES_DEFAULT;

/// Most lines of a log at once.
pub const LOG_LINES_MAX: u32 = caviada_core::limits::driver::LOG_LINES_MAX;

/// `GET /resources/{id}/logs`, in the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// The service that wrote them.
    pub service: String,
    /// The last so many lines, at most 10,000; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u32>,
}

/// What a busy resource becomes afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Withheld.
    Withheld,
    /// Deleted.
    Delete,
}

/// Why a resource is kept out of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum WithheldReason {
    /// Somebody works on it.
    #[default]
    Maintenance,
    /// It failed too often.
    NeedsRepair,
    /// Something about it is not as it should be.
    Quarantine,
    /// A holder wants to look at it.
    Debugging,
    /// It was stopped, or is being restarted; it comes back by itself once it runs.
    Stopped,
}

/// A resource as it is, as far as the caller may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Resource {
    /// `res_…`.
    #[schema(value_type = String)]
    pub id: ResourceId,
    /// Unique in its pool.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// Where it stands.
    pub state: ResourceState,
    /// Since when, of one that is free or leased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the state's deadline is over, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why it is as it is, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// It would be granted now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offerable: bool,
    /// As last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Whether a built one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// Services of it that were stopped by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<String>,
    /// Whether its holder altered it; then it goes when he gives it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alteration: Option<Alteration>,
    /// What a built one is made with; only for its holder and operators.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// How far what is done to it is, while it is; of a leased one only for those who see its lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What it becomes once it is no longer busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// Who has it, if the caller may see that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Of a withheld one: why and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// What last went wrong, why it is not well, or what became of it since it came up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Evidence>,
    /// Of a built one: where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How often it was built; 0 for a declared one.
    #[serde(default)]
    pub generation: u64,
    /// Revision of the template it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_revision: Option<u64>,
    /// Leases served.
    #[serde(default)]
    pub uses: u64,
    /// Facts.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, crate::attribute::Attribute>)]
    pub attributes: Attributes,
    /// For choosing.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub labels: Labels,
    /// How to reach it; only for its holder and operators.
    #[serde(default)]
    pub endpoints: BTreeMap<String, String>,
    /// Of a divisible one: what it is cut from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divisible: Option<Divisible>,
    /// Of a divisible one: how much is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// Of a slice: what it was cut from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub slice_of: Option<ResourceId>,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
    /// Number of the last event that changed it; also in `ETag`.
    pub etag: String,
}

/// Who has a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    /// The lease.
    #[schema(value_type = String)]
    pub lease: LeaseId,
    /// Its owner.
    pub owner: String,
    /// Its note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Since when.
    pub granted_at: Timestamp,
    /// Until when; none if it has no deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Kept out of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Withheld {
    /// Why.
    pub reason: WithheldReason,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// It becomes dirty then; none waits for a return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// It was clean when it was withheld, so a return makes it free.
    pub clean: bool,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// The cause by which back-off is counted: `no_image`, `timed_out` …; of what was seen, `unwell`,
    /// `gone` or `moved`.
    pub cause: String,
    /// In words.
    pub detail: String,
    /// Failures in a row.
    pub attempts: u32,
}

/// What is left of a divisible resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(default)]
pub struct Left {
    /// Free addresses or ports as decimal text (an IPv6 range exceeds 64 bits).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// Free amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, u64>>)]
    pub quantity: Option<Quantity>,
}

/// `GET /resources`: which, in which order. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ResourceQuery {
    /// Of this pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// With this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// On this host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// In this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ResourceState>,
    /// Conditions on labels and attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Declared by the file of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
    /// `name` (default; pool by pool), `state` or `uses`; `-` before it turns the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Items on the page, at most 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `DELETE /resources/{id}`, in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DeleteResource {
    /// A leased one too: its lease is revoked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// `POST /resources/{id}/withhold`: out of the pool now, or once it is no longer busy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Withhold {
    /// Why.
    pub reason: WithheldReason,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// It becomes dirty after so long, in milliseconds; none waits for a return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_reads_as_documented() {
        let declare: Declare = serde_json::from_str(
            r#"{"items":[
                {"pool":"boards","name":"board 1","attributes":{"cores":4},
                 "endpoints":{"ssh":"127.0.0.1:2201"},"state":"withheld","reason":"quarantine"},
                {"pool":"nets","name":"lab","divisible":{"range":"10.0.0.0/24",
                 "slice":{"prefix":28},"exclude":["10.0.0.0/30"]}}]}"#,
        )
        .unwrap();
        assert_eq!(declare.items[0].state, DeclaredState::Withheld);
        let divisible = declare.items[1].divisible.clone().unwrap();
        assert_eq!(divisible.slice, Some(SliceSize::Prefix(28)));
        assert!(serde_json::from_str::<Declare>(r#"{"items":[{"pool":"a"}]}"#).is_err());
        assert!(serde_json::from_str::<Declare>(r#"[{"pool":"a","name":"b"}]"#).is_err());
    }

    #[test]
    fn a_plain_resource_is_written_in_few_words() {
        let spec = ResourceSpec {
            pool: "boards".into(),
            name: "b1".into(),
            ..ResourceSpec::default()
        };
        assert_eq!(
            serde_json::to_string(&spec).unwrap(),
            r#"{"pool":"boards","name":"b1"}"#
        );
    }
}
