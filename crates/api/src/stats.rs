//! `/api/v1/stats`: how things stand, in numbers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::pool::Counts;
use crate::timestamp::Timestamp;

/// The whole installation, as far as the caller may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// The server's version.
    pub version: String,
    /// This installation's id.
    pub installation: String,
    /// The revision these numbers are of.
    pub revision: u64,
    /// Ledger time.
    pub now: Timestamp,
    /// Since the server started, in milliseconds.
    pub uptime_ms: u64,
    /// All resources by state.
    pub resources: Counts,
    /// Leases.
    pub leases: LeaseCounts,
    /// Pools, at most 1,000, by name.
    pub pools: Vec<PoolStats>,
    /// Hosts.
    pub hosts: HostCounts,
    /// The ledger; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerStats>,
}

/// Live leases by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
pub struct LeaseCounts {
    /// Waiting.
    pub waiting: u64,
    /// Preparing.
    pub preparing: u64,
    /// Active.
    pub active: u64,
    /// Of the granted: those without a deadline.
    pub no_deadline: u64,
}

/// One pool in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolStats {
    /// Its name.
    pub name: String,
    /// Its resources by state.
    pub counts: Counts,
    /// Leases that wait for something of it.
    pub waiting: u64,
    /// Why it is not as warm as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Hosts by what is known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
pub struct HostCounts {
    /// Answered the last look.
    pub seen: u64,
    /// Did not, or were not looked at yet.
    pub unseen: u64,
    /// Cordoned.
    pub unschedulable: u64,
}

/// The writer in numbers, since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema, Default)]
#[serde(default)]
pub struct LedgerStats {
    /// Commits.
    pub commits: u64,
    /// Commands decided.
    pub commands: u64,
    /// Commands in the queue now.
    pub queue: u64,
    /// Commands per turn, the median since the start within a factor of two.
    pub batch_p50: u64,
    /// The longest turn that committed, in microseconds, answers and publishing apart.
    pub turn_us_max: u64,
    /// The longest commit of a turn, in microseconds: the disk's time, or the database server's.
    pub commit_us_max: u64,
    /// The longest turn without its commit, in microseconds.
    pub work_us_max: u64,
    /// How far the searchable history is behind, in milliseconds.
    pub history_lag_ms: u64,
}
