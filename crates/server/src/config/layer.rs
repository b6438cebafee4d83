//! File, environment and flags, one over the other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{self, KEYS, Key, Kind, variable};
use super::{Config, ConfigError};

/// Variables of other parts of the program, which are no keys: the first admin key, what client
/// commands use, and what `run` hands to its child.
const OTHERS: [&str; 11] = [
    "CAVIADA_ADMIN_KEY",
    "CAVIADA_CA",
    "CAVIADA_CONFIG",
    "CAVIADA_CONTEXT",
    "CAVIADA_FENCE",
    "CAVIADA_KEY",
    "CAVIADA_LEASE",
    "CAVIADA_MASTER_KEY",
    "CAVIADA_OUTPUT",
    "CAVIADA_RESOURCE",
    "CAVIADA_URL",
];
/// And those of which there are many.
const MANY: [&str; 3] = ["CAVIADA_ENDPOINT_", "CAVIADA_RESOURCE_", "CAVIADA_TEST_"];

/// What is there to read.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Path and text of the file.
    pub file: Option<(String, String)>,
    /// The environment, or at least what begins with `CAVIADA_`.
    pub variables: Vec<(String, String)>,
    /// Key and value of each flag that was given.
    pub flags: Vec<(&'static str, String)>,
}

/// A configuration and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every key with its value and origin.
    pub shown: Vec<Shown>,
    /// What people should look at.
    pub warnings: Vec<String>,
}

/// One key as `config show` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub key: &'static str,
    /// Its value as text, without passwords.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said one.
    Default,
    /// The file, at a line.
    File(String, usize),
    /// A variable.
    Variable(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{file}:{line}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The values that are left when all are laid over each other.
pub(super) struct Layered {
    values: BTreeMap<&'static str, (String, Origin)>,
    pub warnings: Vec<String>,
}

impl Layered {
    /// A key's value as text.
    pub fn text(&self, key: &'static str) -> &str {
        match self.values.get(key) {
            Some((text, _)) => text,
            None => key::named(key).map_or("", |k| k.default),
        }
    }

    /// A key's value, or one more error.
    pub fn parsed<T>(
        &self,
        key: &'static str,
        errors: &mut Vec<ConfigError>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(self.text(key))
            .map_err(|reason| errors.push(self.wrong(key, reason)))
            .ok()
    }

    /// The error of a key's value.
    pub fn wrong(&self, key: &'static str, reason: String) -> ConfigError {
        ConfigError::Value {
            origin: self.origin(key).to_string(),
            key,
            reason,
        }
    }

    fn origin(&self, key: &str) -> &Origin {
        self.values.get(key).map_or(&Origin::Default, |(_, o)| o)
    }

    pub fn shown(&self) -> Vec<Shown> {
        let one = |key: &Key| Shown {
            key: key.name,
            value: match key.kind {
                Kind::Secret => without_password(self.text(key.name)),
                _ => self.text(key.name).to_owned(),
            },
            origin: self.origin(key.name).clone(),
        };
        KEYS.iter().map(one).collect()
    }
}

/// `postgres://user:password@host:port/database?…` without password and query, and without
/// anything where the parts cannot be told apart: a password may hold what should not stand in it.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (who, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user = who.split(':').next().unwrap_or_default();
    let (place, query) = match place.split_once('?') {
        Some((place, _)) => (place, "?…"),
        None => (place, ""),
    };
    let hosts = place.split('/').next().unwrap_or_default();
    let is_host = |host: &str| match host.rsplit_once(':') {
        Some((_, port)) => host.ends_with(']') || port.bytes().all(|b| b.is_ascii_digit()),
        None => true,
    };
    let apart = !who.contains(['/', '?', '#'])
        && hosts.split(',').all(is_host)
        && !place[hosts.len()..].contains(':');
    match (apart, user) {
        (false, _) => format!("{scheme}://…"),
        (true, "") => format!("{scheme}://{place}{query}"),
        (true, user) => format!("{scheme}://{user}:…@{place}{query}"),
    }
}

/// Reads all sources; the later ones win.
pub(super) fn read(sources: &Sources) -> Result<Layered, Vec<ConfigError>> {
    let mut layered = Layered {
        values: BTreeMap::new(),
        warnings: Vec::new(),
    };
    let mut errors = Vec::new();
    if let Some((path, text)) = &sources.file {
        file(path, text, &mut layered, &mut errors);
    }
    for (name, value) in &sources.variables {
        environment(name, value, &mut layered, &mut errors);
    }
    for (name, value) in &sources.flags {
        let origin = Origin::Flag(format!("--{}", name.replace(['.', '_'], "-")));
        layered.values.insert(name, (value.clone(), origin));
    }
    if errors.is_empty() {
        Ok(layered)
    } else {
        Err(errors)
    }
}

fn environment(name: &str, value: &str, layered: &mut Layered, errors: &mut Vec<ConfigError>) {
    let many = MANY.iter().any(|prefix| name.starts_with(prefix));
    if !name.starts_with("CAVIADA_") || OTHERS.contains(&name) || many {
        return;
    }
    let Some(key) = KEYS.iter().find(|key| variable(key.name) == name) else {
        layered
            .warnings
            .push(format!("the variable {name} is not known and does nothing"));
        return;
    };
    let origin = Origin::Variable(name.to_owned());
    let sound = match key.kind {
        Kind::Number => value.bytes().all(|b| b.is_ascii_digit()),
        Kind::Flag => matches!(value, "true" | "false"),
        _ => true,
    };
    if sound {
        layered.values.insert(key.name, (value.to_owned(), origin));
    } else {
        errors.push(ConfigError::Value {
            origin: origin.to_string(),
            key: key.name,
            reason: key.kind.rule().to_owned(),
        });
    }
}

fn file(path: &str, text: &str, layered: &mut Layered, errors: &mut Vec<ConfigError>) {
    let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            errors.push(ConfigError::Syntax {
                file: path.to_owned(),
                line: line(error.span().map_or(0, |s| s.start)),
                reason: error.message().to_owned(),
            });
            return;
        }
    };
    let mut found = Vec::new();
    flatten("", table.get_ref(), &mut found);
    found.sort_by_key(|(_, at, _)| *at);
    for (name, at, value) in found {
        let origin = Origin::File(path.to_owned(), line(at));
        let Some(key) = key::named(&name) else {
            errors.push(ConfigError::Unknown {
                origin: origin.to_string(),
                nearest: key::nearest(&name),
                // Somebody's slip of the file may be long, and may hold anything.
                key: name.escape_debug().take(128).collect(),
            });
            continue;
        };
        match as_text(key.kind, value) {
            Some(text) => {
                layered.values.insert(key.name, (text, origin));
            }
            None => errors.push(ConfigError::Value {
                origin: origin.to_string(),
                key: key.name,
                reason: key.kind.rule().to_owned(),
            }),
        }
    }
}

/// Every value of nested tables, with its whole name and place.
fn flatten<'t>(
    before: &str,
    table: &'t DeTable<'_>,
    found: &mut Vec<(String, usize, &'t DeValue<'t>)>,
) {
    let entries: Vec<(&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)> = table.iter().collect();
    for (key, value) in entries {
        let name = format!("{before}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => flatten(&format!("{name}."), inner, found),
            plain => found.push((name, key.span().start, plain)),
        }
    }
}

fn as_text(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    match (kind, value) {
        (Kind::Text | Kind::Secret | Kind::Duration, DeValue::String(text)) => {
            Some(text.to_string())
        }
        (Kind::Number, DeValue::Integer(n)) if n.radix() == 10 => Some(n.as_str().replace('_', "")),
        (Kind::Flag, DeValue::Boolean(flag)) => Some(flag.to_string()),
        (Kind::Texts, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) if !text.contains(',') => Some(text.to_string()),
                _ => None,
            });
            Some(texts.collect::<Option<Vec<_>>>()?.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LogFormat, Tls, load};
    use super::*;

    fn of(file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Sources {
        let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        Sources {
            file: Some(("caviada.toml".to_owned(), file.to_owned())),
            variables: variables.iter().map(own).collect(),
            flags: flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
        }
    }

    fn origin(loaded: &Loaded, key: &str) -> String {
        let shown = loaded.shown.iter().find(|s| s.key == key).unwrap();
        shown.origin.to_string()
    }

    #[test]
    fn flags_lie_over_variables_and_those_over_the_file() {
        let file = "listen = \"127.0.0.1:1\"\nlog = \"warn\"\n[reconciler]\nprobe = \"2s\"\n";
        let variables = [("CAVIADA_LISTEN", "127.0.0.1:2"), ("CAVIADA_LOG", "debug")];
        let flags = [("listen", "127.0.0.1:3")];
        let loaded = load(&of(file, &variables, &flags)).unwrap();
        assert_eq!(loaded.config.listen.port(), 3);
        assert_eq!(loaded.config.log, "debug");
        assert_eq!(loaded.config.periods.probe_ms, 2_000);
        assert_eq!(loaded.config.log_format, LogFormat::Text);
        assert_eq!(origin(&loaded, "listen"), "--listen");
        assert_eq!(origin(&loaded, "log"), "CAVIADA_LOG");
        assert_eq!(origin(&loaded, "reconciler.probe"), "caviada.toml:4");
        assert_eq!(origin(&loaded, "store"), "default");
    }

    #[test]
    fn everything_wrong_in_a_file_is_told_with_its_line() {
        let file = "listn = \"x\"\nlog = 5\n\n[tls]\nself_signed = \"yes\"\n";
        let errors = load(&of(file, &[], &[])).unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "caviada.toml:1: there is no key `listn`; did you mean `listen`?",
                "caviada.toml:2: `log` must be a text",
                "caviada.toml:5: `tls.self_signed` must be true or false",
            ]
        );
        let errors = load(&of("listen = \n", &[], &[])).unwrap_err();
        assert!(
            errors[0].to_string().starts_with("caviada.toml:1: "),
            "{errors:?}"
        );
    }

    #[test]
    fn an_unknown_variable_warns_and_those_of_others_do_not() {
        let variables = [
            ("CAVIADA_LISTN", "x"),
            ("CAVIADA_KEY", "secret"),
            ("CAVIADA_ENDPOINT_WEB", "y"),
            ("HOME", "/"),
        ];
        let loaded = load(&of("", &variables, &[])).unwrap();
        assert_eq!(loaded.warnings.len(), 1);
        assert!(loaded.warnings[0].contains("CAVIADA_LISTN"));
        assert!(!loaded.warnings[0].contains("secret"));
    }

    #[test]
    fn a_password_is_not_shown() {
        let store = ("CAVIADA_STORE", "postgres://ann:hush@db.test/caviada");
        let loaded = load(&of("", &[store], &[])).unwrap();
        let shown = loaded.shown.iter().find(|s| s.key == "store").unwrap();
        assert_eq!(shown.value, "postgres://ann:…@db.test/caviada");
        assert!(!format!("{loaded:?}").contains("hush"));
        for (url, value) in [
            ("postgres://db.test:5432/a", "postgres://db.test:5432/a"),
            ("postgres://a@[::1]:1,b/c", "postgres://a:…@[::1]:1,b/c"),
            ("postgres://db/a?user=u&password=hush", "postgres://db/a?…"),
            ("postgres://ann:hush/db", "postgres://…"),
            ("postgres://ann:hu?sh@db/a", "postgres://…"),
            ("postgres://db/a?password=hu@sh", "postgres://…"),
        ] {
            assert_eq!(without_password(url), value);
        }
    }

    #[test]
    fn tls_comes_from_files_or_is_made() {
        let files = "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
        let loaded = load(&of(files, &[], &[])).unwrap();
        assert!(matches!(loaded.config.tls, Some(Tls::Files { .. })));
        let made = "[tls]\nself_signed = true\nnames = [\"a.test\", \"::1\"]\n";
        let loaded = load(&of(made, &[], &[])).unwrap();
        let names = vec!["a.test".to_owned(), "::1".to_owned()];
        assert_eq!(loaded.config.tls, Some(Tls::SelfSigned { names }));
        assert!(load(&of("[tls]\nkey = \"k.pem\"\n", &[], &[])).is_err());
    }

    #[test]
    fn limits_of_requests_are_within_reason() {
        let loaded = load(&of("", &[], &[])).unwrap();
        let body = caviada_core::limits::BODY_BYTES_MAX;
        assert_eq!(loaded.config.body_bytes_max, body);
        let file = "body_bytes_max = 65_536\nanswer_within = \"5s\"\nrequests_per_s = 7\n";
        let config = load(&of(file, &[], &[])).unwrap().config;
        assert_eq!(config.body_bytes_max, 65_536);
        assert_eq!(config.answer_within_ms, 5_000);
        assert_eq!(config.requests_per_s.map(u32::from), Some(7));
        for bad in [
            "body_bytes_max = 1\n",
            "answer_within = \"0s\"\n",
            "requests_per_s = 0\n",
        ] {
            assert_eq!(load(&of(bad, &[], &[])).unwrap_err().len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_level_nobody_knows_is_refused() {
        for good in ["off", "WARN", "info,caviada::access=off"] {
            assert!(
                load(&of("", &[("CAVIADA_LOG", good)], &[])).is_ok(),
                "{good}"
            );
        }
        for bad in ["inof", "", "info,caviada::access", "a=b"] {
            assert!(
                load(&of("", &[("CAVIADA_LOG", bad)], &[])).is_err(),
                "{bad}"
            );
        }
    }
}
