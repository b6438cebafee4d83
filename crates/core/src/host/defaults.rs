//! What services get on a host where their template says nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::refusal::Refusal;

/// How a host treats the services on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// How much they shall log: `host_log_level` in templates; none is `info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    /// The syslog server that their logs go to, `udp://10.0.0.9:514`; none keeps them at the
    /// engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_server: Option<Box<str>>,
    /// Bytes of one log file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bytes_max: Option<u64>,
    /// Log files kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_files_max: Option<u32>,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Thousandths of a processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_milli: Option<u64>,
    /// Processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
    /// Name → (soft, hard); -1 is no limit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ulimits: BTreeMap<Box<str>, (i64, i64)>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// All of it.
    Debug,
    /// What happens.
    #[default]
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

impl LogLevel {
    /// All, the most talkative first.
    pub const ALL: [Self; 6] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
    ];

    /// As templates, files and the wire write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The level of that name, in letters of any size.
    pub fn named(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|level| level.as_str().eq_ignore_ascii_case(text))
    }
}

/// How a syslog server is reached.
const SCHEMES: [&str; 4] = ["udp://", "tcp://", "tcp+tls://", "unix://"];

impl Defaults {
    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What no engine could do is refused by field.
    pub(crate) fn check(&self, driver: &str) -> Result<(), Refusal> {
        let no = |field, reason: String| Err(Refusal::invalid(field, reason));
        if let Some(server) = &self.log_server {
            let scheme = SCHEMES.iter().find_map(|s| server.strip_prefix(s));
            let plain = |c: char| c.is_ascii_graphic();
            let sound = scheme.is_some_and(|place| !place.is_empty()) && server.chars().all(plain);
            if !sound || server.len() > limits::ENDPOINT_BYTES_MAX {
                let reason = "write udp://, tcp://, tcp+tls:// or unix:// and where, like udp://10.0.0.9:514";
                return no("defaults.log_server", reason.to_owned());
            }
            if driver == "process" {
                return no(
                    "defaults.log_server",
                    "only container engines send logs on".to_owned(),
                );
            }
        }
        let bounded = [
            ("defaults.log_bytes_max", self.log_bytes_max, 4_096, 1 << 40),
            (
                "defaults.log_files_max",
                self.log_files_max.map(u64::from),
                1,
                1_000,
            ),
            // Engines refuse to run anything in less.
            ("defaults.memory_bytes", self.memory_bytes, 6 << 20, 1 << 50),
            ("defaults.cpu_milli", self.cpu_milli, 10, 10_000_000),
            ("defaults.pids", self.pids.map(u64::from), 1, 4_194_304),
        ];
        for (field, value, least, most) in bounded {
            if value.is_some_and(|n| !(least..=most).contains(&n)) {
                return no(field, format!("{least} to {most}"));
            }
        }
        if self.ulimits.len() > limits::ULIMITS_MAX {
            return no(
                "defaults.ulimits",
                format!("at most {}", limits::ULIMITS_MAX),
            );
        }
        let endless = |n: i64| if n == -1 { i64::MAX } else { n };
        for (name, (soft, hard)) in &self.ulimits {
            let named = !name.is_empty() && name.len() <= 16;
            let named = named && name.bytes().all(|b| b.is_ascii_lowercase());
            if !named || *soft < -1 || *hard < -1 || endless(*soft) > endless(*hard) {
                let reason =
                    format!("{name}: a name like nofile, soft not above hard, -1 is no limit");
                return no("defaults.ulimits", reason);
            }
        }
        Ok(())
    }
}
