//! The server's configuration: the file first, then variables, a line each.

use caviada_server::config::{self, ConfigError, KEYS, Kind, Sources, variable};

use super::{Target, is_a_reason};
use crate::BETWEEN;

pub const TARGET: Target = Target {
    name: "config",
    check,
    seeds: &[
        "",
        "listen = \"0.0.0.0:80\"\ndata_dir = \"/var/lib/caviada\"\nstore = \"sqlite\"\nlog = \"debug\"\nlog_format = \"json\"\nrequests_per_s = 100\n",
        "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n[reconciler]\nprobe = \"1s\"\nsecond_look = \"200ms\"\norphan_grace = \"1m\"\n",
        "tls.self_signed = true\ntls.names = [\"a.example\", \"::1\"]\n",
        "store = \"postgres://user:secret-word@host/db\"\n=====\nCAVIADA_LISTEN=[::1]:7632\nCAVIADA_TLS__SELF_SIGNED=true",
        "\n=====\nCAVIADA_REQUESTS_PER_S=5\nCAVIADA_RECONCILER__PROBE=2s\nCAVIADA_COLOUR=red\nCAVIADA_KEY=x",
    ],
    words: &[
        "listen",
        "data_dir",
        "store",
        "log",
        "log_format",
        "requests_per_s",
        "[tls]\n",
        "tls.",
        "certificate",
        "key",
        "self_signed",
        "names",
        "[reconciler]\n",
        "probe",
        "second_look",
        "orphan_grace",
        " = ",
        "\"",
        "true",
        "false",
        "\"5s\"",
        "\"sqlite\"",
        "\"json\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "#",
        "\n=====\n",
        "CAVIADA_LISTEN=",
        "CAVIADA_TLS__KEY=",
        "'''",
        "0x",
    ],
};

fn check(text: &str) {
    let (file, variables) = text.split_once(BETWEEN).unwrap_or((text, ""));
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let sources = Sources {
        file: Some(("caviada.toml".to_owned(), file.to_owned())),
        variables: variables
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect(),
        flags: Vec::new(),
    };
    let loaded = match config::load(&sources) {
        Ok(loaded) => loaded,
        Err(errors) => {
            assert!(!errors.is_empty());
            let lines = file.split('\n').count();
            errors.iter().for_each(|error| is_placed(error, lines));
            return;
        }
    };
    let names = KEYS.iter().map(|key| key.name);
    assert!(
        loaded.shown.iter().map(|s| s.key).eq(names),
        "each key once"
    );
    let of_store = loaded.shown.iter().find(|s| s.key == "store");
    let shown = of_store.map_or("", |s| s.value.as_str());
    assert!(!shown.contains(":secret"), "a password is shown: {shown}");
    // What is shown, set as variables, is the same configuration: a password aside.
    let secret = |name: &str| {
        KEYS.iter()
            .any(|k| k.name == name && k.kind == Kind::Secret)
    };
    let (kept, hidden): (Vec<_>, Vec<_>) = loaded.shown.iter().partition(|s| !secret(s.key));
    let mut again = Sources {
        variables: kept
            .iter()
            .map(|s| (variable(s.key), s.value.clone()))
            .collect(),
        ..Sources::default()
    };
    // Where the value cannot be seen it stays where it was.
    again.file = Some(("caviada.toml".to_owned(), file.to_owned()));
    let stores = sources
        .variables
        .iter()
        .filter(|(name, _)| hidden.iter().any(|s| variable(s.key) == *name));
    again.variables.extend(stores.cloned());
    let loaded_again = config::load(&again).expect("what is shown can be set");
    assert_eq!(loaded_again.config, loaded.config);
}

/// The error names its file and a line that is there, or its variable.
fn is_placed(error: &ConfigError, lines: usize) {
    is_a_reason(&error.to_string());
    let line = match error {
        ConfigError::Syntax { line, .. } => Some(*line),
        ConfigError::Unknown { origin, .. } | ConfigError::Value { origin, .. } => {
            match origin.strip_prefix("caviada.toml:") {
                Some(line) => Some(line.parse().expect("a line's number")),
                None => {
                    assert!(
                        origin.starts_with("CAVIADA_") || origin == "default",
                        "{origin}"
                    );
                    None
                }
            }
        }
    };
    let there = line.is_none_or(|line| (1..=lines).contains(&line));
    assert!(there, "{lines} lines, and yet {error}");
}
