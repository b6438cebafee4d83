//! `/api/v1/webhooks`: who is told what happens.
//!
//! A webhook is sent each [`Event`](crate::event::Event) as the body of a `POST`, at least once, and
//! events about the same thing in their order. `Caviada-Event` is the event's id,
//! `Caviada-Timestamp` the seconds since 1970 when the call was signed, `Caviada-Signature` is `v1=`
//! and in hexadecimal HMAC-SHA256 over the timestamp, a dot and the body under the webhook's secret.
//! Any 2xx is an acceptance; all else is sent again, with growing pauses. Who lags by more than
//! 100,000 events is told of a [`GAP`] instead of them.

use std::fmt;

use caviada_core::id::WebhookId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;

/// `type` of the one event that stands for all that was missed: `facts.after` is the last number
/// before it, `id` the revision up to which nothing is told.
pub const GAP: &str = "gap";

/// `PUT /webhooks/{name}`: the whole webhook, but its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// Where to. It must be among the targets that the server's configuration allows.
    pub url: String,
    /// Kinds of events (`lease.granted`) or nouns with all theirs (`lease`); all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Only what is about these pools; all, and what is about none, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pools: Option<Vec<String>>,
    /// A signing secret of one's own, 8 to 256 printable ASCII characters. When absent the present
    /// one stays, and a new webhook gets one made. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
}

impl fmt::Debug for WebhookSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSpec")
            .field("url", &self.url)
            .field("events", &self.events)
            .field("pools", &self.pools)
            .finish_non_exhaustive()
    }
}

/// A webhook as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// `hook_…`.
    #[schema(value_type = String)]
    pub id: WebhookId,
    /// DNS-like, unique.
    pub name: String,
    /// What was put, without the secret.
    pub spec: WebhookSpec,
    /// Everything up to this event was accepted by the target, or was not for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// Rounds of failed calls in a row.
    #[serde(default)]
    pub failures: u32,
    /// Why they fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it was declared.
    pub created_at: Timestamp,
    /// Number of the last event that changed it; also in `ETag`.
    pub etag: String,
}

/// The answer to a `PUT`. A secret that the server made is shown this once; a repeat of the request
/// answers without it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeclaredWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// What calls are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl fmt::Debug for DeclaredWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeclaredWebhook")
            .field("webhook", &self.webhook)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let spec: WebhookSpec =
            serde_json::from_str(r#"{"url":"https://a.example","secret":"hush-hush"}"#).unwrap();
        assert!(!format!("{spec:?}").contains("hush"));
    }
}
