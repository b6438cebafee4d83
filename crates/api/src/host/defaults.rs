//! What services get on a host where their template says nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a host treats the services on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct HostDefaults {
    /// How much they shall log: `host_log_level` in templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    /// Syslog server that their logs go to, `udp://10.0.0.9:514` (also `tcp://`, `tcp+tls://`,
    /// `unix://`), whatever the template says; absent, logs stay on the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_server: Option<String>,
    /// Bytes of one log file kept on the host; 10 MiB when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bytes_max: Option<u64>,
    /// Log files kept on the host; 3 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_files_max: Option<u32>,
    /// Bytes of memory of one service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Thousandths of a processor that one service may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_milli: Option<u64>,
    /// Processes of one service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
    /// `nofile`, `nproc` and others as the system names them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ulimits: BTreeMap<String, Ulimit>,
}

impl HostDefaults {
    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// All of it.
    Debug,
    /// What happens; so unless a host says otherwise.
    Info,
    /// What matters of it.
    Notice,
    /// What may become wrong.
    Warning,
    /// What is wrong.
    Error,
    /// What cannot go on.
    Critical,
}

/// A bound on what one process may use; -1 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ulimit {
    /// What holds.
    pub soft: i64,
    /// Up to where the process may raise it itself.
    pub hard: i64,
}
