//! What a host says for its services, between the words of the API and those of `core`.

use caviada_api::host::{self as wire, HostDefaults, Ulimit};
use caviada_core::host::{Defaults, LogLevel};

pub(super) fn read(wire: &HostDefaults) -> Defaults {
    let ulimits = wire.ulimits.iter();
    Defaults {
        log_level: wire.log_level.map(level),
        // As a flag without a value takes it back.
        log_server: wire
            .log_server
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(Into::into),
        log_bytes_max: wire.log_bytes_max,
        log_files_max: wire.log_files_max,
        memory_bytes: wire.memory_bytes,
        cpu_milli: wire.cpu_milli,
        pids: wire.pids,
        ulimits: ulimits
            .map(|(name, u)| (name.as_str().into(), (u.soft, u.hard)))
            .collect(),
    }
}

pub(super) fn render(defaults: &Defaults) -> HostDefaults {
    let ulimits = defaults.ulimits.iter();
    HostDefaults {
        log_level: defaults.log_level.map(shown),
        log_server: defaults.log_server.as_deref().map(str::to_owned),
        log_bytes_max: defaults.log_bytes_max,
        log_files_max: defaults.log_files_max,
        memory_bytes: defaults.memory_bytes,
        cpu_milli: defaults.cpu_milli,
        pids: defaults.pids,
        ulimits: ulimits
            .map(|(name, (soft, hard))| {
                let (soft, hard) = (*soft, *hard);
                (name.to_string(), Ulimit { soft, hard })
            })
            .collect(),
    }
}

/// The same levels under the same names.
const LEVELS: [(LogLevel, wire::LogLevel); 6] = [
    (LogLevel::Debug, wire::LogLevel::Debug),
    (LogLevel::Info, wire::LogLevel::Info),
    (LogLevel::Notice, wire::LogLevel::Notice),
    (LogLevel::Warning, wire::LogLevel::Warning),
    (LogLevel::Error, wire::LogLevel::Error),
    (LogLevel::Critical, wire::LogLevel::Critical),
];

fn level(wire: wire::LogLevel) -> LogLevel {
    let found = LEVELS.iter().find(|(_, w)| *w == wire);
    found.map_or(LogLevel::Info, |(l, _)| *l)
}

fn shown(level: LogLevel) -> wire::LogLevel {
    let found = LEVELS.iter().find(|(l, _)| *l == level);
    found.map_or(wire::LogLevel::Info, |(_, w)| *w)
}
