//! `/api/v1/events`: what happened, as a list or as a stream.

use crate::host::HostFacts;
use crate::image::ImageProgress;
use std::collections::BTreeMap;

use caviada_core::id::{LeaseId, ResourceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::timestamp::Timestamp;

/// What happened, and who did it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// `revision.index`; rises. Also the stream's event id.
    pub id: String,
    /// In ledger time.
    pub at: Timestamp,
    /// Noun and past tense: `lease.granted`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The pool it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The resource it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub resource: Option<ResourceId>,
    /// The lease it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub lease: Option<LeaseId>,
    /// The host it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The owner it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Name of the key that asked for it; none if Caviada did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The command it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The request it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The rest, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, serde_json::Value>,
}

/// A bring-up under way. Volatile: only on the stream, without an id, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// What is being built, reset or removed.
    #[schema(value_type = String)]
    pub resource: ResourceId,
    /// Its pool.
    pub pool: String,
    /// `pulling`, `creating`, `starting`, `waiting`, `running job`, `probing`,
    /// `resetting`, `restarting`, `removing`.
    pub step: String,
    /// The service or image it is about.
    pub subject: String,
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub of: u32,
}

/// What a host just told of itself. Volatile: only on the stream, without an id, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostFigures {
    /// Its name.
    pub host: String,
    /// What it told.
    pub facts: HostFacts,
}

/// Name of the stream's messages that carry a [`Progress`].
pub const PROGRESS: &str = "progress";
/// Name of those that carry [`HostFigures`].
pub const HOST: &str = "host";
/// Name of those that carry an [`ImageProgress`]; all others carry an [`Event`].
pub const IMAGE: &str = "image";

/// One message of the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Something happened.
    Event(Box<Event>),
    /// A bring-up goes on.
    Progress(Progress),
    /// A host told what it has.
    Host(HostFigures),
    /// An image comes to a host.
    Image(ImageProgress),
}

/// `GET /events`: with `after` what followed it, oldest first; without it newest first. All
/// conditions must hold. With `Accept: text/event-stream` the answer is always oldest first and
/// goes on as things happen; `Last-Event-ID` counts as `after`, and without either it begins now.
/// 410 (`events-gone`) when `after` is older than what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Later than this event's id, or than all of this revision (a list's `revision`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// `lease.granted`, or a noun with all its events: `lease`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// About this pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// About this resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub resource: Option<ResourceId>,
    /// About this lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub lease: Option<LeaseId>,
    /// About this host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// About this owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub since: Option<Timestamp>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub until: Option<Timestamp>,
    /// Items on the page, at most 1,000; not on the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before; not on the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
