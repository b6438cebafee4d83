//! Configuration: one TOML file, `CAVIADA_*` over it, flags over those. What a key means stands in
//! one table, from which the reference page is written and `config show` speaks.

mod compat;
mod key;
mod layer;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use caviada_api::duration::Duration;
use caviada_core::reconcile::Periods;
use caviada_core::webhook::target::Targets;
use caviada_ledger::Place;

use crate::compat::poolmanager;

pub use compat::is_old;
pub use key::{KEYS, Key, Kind, variable};
pub use layer::{Loaded, Origin, Shown, Sources};

/// Between a body that takes any single call and what a server may be made to hold per request.
const BODY_BYTES: std::ops::RangeInclusive<usize> = 64 * 1024..=64 * 1024 * 1024;

/// What the server does, every default said.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// Where the ledger's store is.
    pub store: Place,
    /// What is logged: a level, or `part=level`, with commas between.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Requests per second that one key may make; none is no bound.
    pub requests_per_s: Option<NonZeroU32>,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// A request that takes longer is given up, in milliseconds.
    pub answer_within_ms: u64,
    /// TLS of the server itself.
    pub tls: Option<Tls>,
    /// Periods of the reconciler.
    pub periods: Periods,
    /// Where webhooks may go.
    pub targets: Targets,
    /// The API of PoolManager.
    pub poolmanager: poolmanager::Settings,
}

/// How is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Where the server's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// From PEM files.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// Made at the start for these names.
    SelfSigned {
        /// DNS names and addresses.
        names: Vec<String>,
    },
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is no TOML.
    #[error("{file}:{line}: {reason}")]
    Syntax {
        /// Which file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// There is no such key.
    #[error("{origin}: there is no key `{key}`{}", hint(.nearest))]
    Unknown {
        /// Where it stands.
        origin: String,
        /// What was written.
        key: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A value cannot be what it should.
    #[error("{origin}: `{key}` {reason}")]
    Value {
        /// Where it stands.
        origin: String,
        /// Of which key.
        key: &'static str,
        /// What it must be.
        reason: String,
    },
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |key| format!("; did you mean `{key}`?"))
}

/// Reads everything there is, and says where each value comes from.
///
/// # Errors
/// Everything that is wrong, all at once.
pub fn load(sources: &Sources) -> Result<Loaded, Vec<ConfigError>> {
    let layered = layer::read(sources)?;
    let mut errors = Vec::new();
    let config = build(&layered, &mut errors);
    match config.filter(|_| errors.is_empty()) {
        Some(config) => {
            let mut warnings = compat::told(&sources.variables, &config.poolmanager);
            warnings.extend(layered.warnings.iter().cloned());
            Ok(Loaded {
                config,
                shown: layered.shown(),
                warnings,
            })
        }
        None => Err(errors),
    }
}

fn build(l: &layer::Layered, errors: &mut Vec<ConfigError>) -> Option<Config> {
    let listen = l.parsed("listen", errors, |text| {
        text.parse()
            .map_err(|_| "must be an address and a port, like 127.0.0.1:7632".to_owned())
    });
    let store = l.parsed("store", errors, |text| match text {
        "sqlite" => Ok(Place::Sqlite),
        url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Place::Postgres(url.to_owned()))
        }
        _ => Err("must be `sqlite` or a URL postgres://…".to_owned()),
    });
    let log_format = l.parsed("log_format", errors, |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be `text` or `json`".to_owned()),
    });
    let requests_per_s: Option<Option<NonZeroU32>> =
        l.parsed("requests_per_s", errors, |text| match text {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| format!("must be a whole number from 1 to {}", u32::MAX)),
        });
    let body_bytes_max = l.parsed("body_bytes_max", errors, |text| {
        let bytes = text.parse().ok().filter(|b| BODY_BYTES.contains(b));
        let (least, most) = (BODY_BYTES.start(), BODY_BYTES.end());
        bytes.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
    });
    let log = l.parsed("log", errors, log);
    let poolmanager = compat::poolmanager(l, errors);
    let mut ms = |key| {
        l.parsed(key, errors, |text| {
            let duration: Duration = text.parse().map_err(|e| format!("{e}"))?;
            Some(duration.0)
                .filter(|ms| *ms > 0)
                .ok_or_else(|| "must be longer than 0".to_owned())
        })
    };
    let answer_within_ms = ms("answer_within");
    let periods = (
        ms("reconciler.probe"),
        ms("reconciler.second_look"),
        ms("reconciler.orphan_grace"),
    );
    let targets = l.parsed("webhook.targets", errors, |text| {
        let entries = text.split(',').map(str::trim).filter(|t| !t.is_empty());
        Targets::parse(entries).map_err(|e| e.to_string())
    });
    let tls = tls(l, errors);
    let (Some(probe_ms), Some(second_look_ms), Some(orphan_grace_ms)) = periods else {
        return None;
    };
    Some(Config {
        listen: listen?,
        data_dir: l.text("data_dir").into(),
        store: store?,
        log: log?,
        log_format: log_format?,
        requests_per_s: requests_per_s?,
        body_bytes_max: body_bytes_max?,
        answer_within_ms: answer_within_ms?,
        tls: tls?,
        periods: Periods {
            probe_ms,
            second_look_ms,
            orphan_grace_ms,
        },
        targets: targets?,
        poolmanager: poolmanager?,
    })
}

/// A filter of what is logged. Unlike the library's own, it takes a slip like `inof` for no part
/// whose name nobody knows.
fn log(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let sound = |part: &str| {
        let level = part.split_once('=').map_or(part, |(_, level)| level);
        LEVELS.contains(&level.trim().to_lowercase().as_str())
    };
    if text.split(',').all(sound) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "must be one of {}, or such levels by part, like `info,caviada::access=warn`",
        LEVELS.join(", ")
    ))
}

fn tls(l: &layer::Layered, errors: &mut Vec<ConfigError>) -> Option<Option<Tls>> {
    let (certificate, key) = (l.text("tls.certificate"), l.text("tls.key"));
    let self_signed = l.text("tls.self_signed") == "true";
    match (certificate, key, self_signed) {
        ("", "", false) => Some(None),
        ("", "", true) => {
            let names = l.text("tls.names").split(',').map(str::trim);
            let names = names.filter(|n| !n.is_empty()).map(str::to_owned).collect();
            Some(Some(Tls::SelfSigned { names }))
        }
        (certificate, key, false) if !certificate.is_empty() && !key.is_empty() => {
            Some(Some(Tls::Files {
                certificate: certificate.into(),
                key: key.into(),
            }))
        }
        _ => {
            let reason = "goes with `tls.key`, and not with `tls.self_signed`";
            errors.push(l.wrong("tls.certificate", reason.to_owned()));
            None
        }
    }
}
