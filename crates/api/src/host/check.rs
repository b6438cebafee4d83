//! What would be in the way of building on a host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HostSpec;

/// `POST /hosts/{name}/check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct CheckHost {
    /// The host as it would be put; as it is declared when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<HostSpec>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostCheck {
    /// Each thing that was looked at.
    pub findings: Vec<HostFinding>,
}

impl HostCheck {
    /// Building there would fail.
    pub fn has_bad(&self) -> bool {
        self.findings.iter().any(|f| f.verdict == Verdict::Bad)
    }
}

/// How it stands with one thing about a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostFinding {
    /// What was looked at: `engine`, `type`, `clock`, `ip_forward`, `limits`, `memory`, `ports`,
    /// `networks`, `disk`, `remark`.
    pub check: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen and, where it is not well, what to do.
    pub what: String,
}

/// Whether somebody has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is wrong.
    Ok,
    /// Somebody should know.
    Warning,
    /// Building will fail.
    Bad,
}
