//! A refusal on the wire: RFC 9457, `application/problem+json`, with a code that never changes.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was refused, for programs (`code`, `errors`, facts) and for people (the rest).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Default)]
pub struct Problem {
    /// Address of the page that explains this code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Stable and lower case: `pool-exhausted`, `lease-ended`.
    pub code: String,
    /// When a repeat may fare better, in milliseconds; none if it will not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Fields that cannot be taken, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The refusal's facts by name, such as `pool` or `limit`.
    #[serde(flatten)]
    pub facts: BTreeMap<String, serde_json::Value>,
}

/// One field that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Path of the field: `items[1].count`.
    pub field: String,
    /// What it must be.
    pub reason: String,
}

/// Codes that a client acts on. The server's table of problems has them all.
pub mod code {
    /// No resource is free and the caller would not wait.
    pub const POOL_EXHAUSTED: &str = "pool-exhausted";
    /// The lease is over.
    pub const LEASE_ENDED: &str = "lease-ended";
    /// The fence in the request is not the lease's.
    pub const STALE_FENCE: &str = "stale-fence";
    /// No key came with the request.
    pub const UNAUTHENTICATED: &str = "unauthenticated";
    /// The key is not known, or over.
    pub const UNKNOWN_KEY: &str = "unknown-key";
    /// The key may not do this.
    pub const FORBIDDEN: &str = "forbidden";
    /// The noun changed since it was read.
    pub const CHANGED: &str = "changed";
    /// The events asked for are no longer kept.
    pub const EVENTS_GONE: &str = "events-gone";
    /// The owner's quota is used up.
    pub const QUOTA_EXCEEDED: &str = "quota-exceeded";
    /// The key makes requests faster than it may.
    pub const TOO_MANY_REQUESTS: &str = "too-many-requests";
    /// Another body came with this idempotency key.
    pub const IDEMPOTENCY_KEY_REUSED: &str = "key-reused";
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(&self.title))?;
        write!(f, " ({})", self.code)?;
        for error in &self.errors {
            write!(f, "\n  {}: {}", error.field, error.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_facts_it_does_not_know() {
        let json = serde_json::json!({
            "type": "/problems/pool-exhausted", "title": "No resource is free", "status": 409,
            "code": "pool-exhausted", "retry_after_ms": 1500, "pool": "boards", "waiting": 3,
            "errors": [{"field": "pool", "reason": "is empty"}],
        });
        let problem: Problem = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(problem.facts["pool"], "boards");
        assert_eq!(serde_json::to_value(&problem).unwrap(), json);
        assert_eq!(
            problem.to_string(),
            "No resource is free (pool-exhausted)\n  pool: is empty"
        );
    }
}
