//! A document as a tree in which every key and value knows its place, so that whatever is wrong
//! can be pointed at. YAML and TOML become the same tree and are read by the same code.
//!
//! Scalars stay text until somebody asks for a number: `1.10` as an environment value must remain
//! `1.10`.

mod toml;
mod yaml;

use super::problem::{Findings, Place};

pub(super) use toml::parse as parse_toml;
pub(super) use yaml::parse as parse_yaml;

/// One value and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    /// A scalar; a bare one was written without quotes, so it may stand for a number or a bool.
    Text {
        text: String,
        bare: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    pub at: Place,
    pub value: Node,
}

impl Node {
    fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Text { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    fn unlike(&self, key: &str, wanted: &str, findings: &Findings) {
        findings.say(
            self.at,
            key,
            format!("must be {wanted}, but is {}", self.kind()),
        );
    }

    /// Written without quotes, as numbers are.
    pub(super) fn is_bare(&self) -> bool {
        matches!(self.value, Value::Text { bare: true, .. })
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(super) fn text(&self, key: &str, findings: &Findings) -> Option<String> {
        match &self.value {
            Value::Text { text, .. } if text.contains('\0') => {
                findings.say(self.at, key, "must not contain a NUL character");
                None
            }
            Value::Text { text, .. } => Some(text.clone()),
            _ => {
                self.unlike(key, "a text", findings);
                None
            }
        }
    }

    /// A text read further by `read`, whose error is told at this place.
    pub(super) fn read<T>(
        &self,
        key: &str,
        findings: &Findings,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match read(&self.text(key, findings)?) {
            Ok(value) => Some(value),
            Err(message) => {
                findings.say(self.at, key, message);
                None
            }
        }
    }

    pub(super) fn bool(&self, key: &str, findings: &Findings) -> Option<bool> {
        match &self.value {
            Value::Text { text, bare: true } if text.eq_ignore_ascii_case("true") => Some(true),
            Value::Text { text, bare: true } if text.eq_ignore_ascii_case("false") => Some(false),
            _ => {
                findings.say(self.at, key, "must be true or false");
                None
            }
        }
    }

    pub(super) fn integer<T: std::str::FromStr>(
        &self,
        key: &str,
        findings: &Findings,
    ) -> Option<T> {
        self.read(key, findings, |text| {
            text.parse()
                .map_err(|_| format!("`{text}` is no whole number in range"))
        })
    }

    pub(super) fn list(&self, key: &str, max: usize, findings: &Findings) -> &[Self] {
        match &self.value {
            Value::List(items) if items.len() <= max => items,
            Value::List(items) => {
                let many = items.len();
                findings.say(
                    self.at,
                    key,
                    format!("has {many} entries; at most {max} are allowed"),
                );
                &[]
            }
            _ => {
                self.unlike(key, "a list", findings);
                &[]
            }
        }
    }

    pub(super) fn texts(&self, key: &str, max: usize, findings: &Findings) -> Vec<String> {
        let items = self.list(key, max, findings).iter();
        items.filter_map(|item| item.text(key, findings)).collect()
    }

    /// The entries of a map of free keys; nothing (`data:` alone) is an empty one.
    pub(super) fn entries(&self, key: &str, max: usize, findings: &Findings) -> &[Entry] {
        match &self.value {
            Value::Map(entries) if entries.len() <= max => entries,
            Value::Map(entries) => {
                let many = entries.len();
                findings.say(
                    self.at,
                    key,
                    format!("has {many} entries; at most {max} are allowed"),
                );
                &[]
            }
            Value::Null => &[],
            _ => {
                self.unlike(key, "a map", findings);
                &[]
            }
        }
    }

    /// This map's fields, to be taken one by one; what is left at the end is unknown.
    pub(super) fn fields<'a>(&'a self, key: &str, findings: &'a Findings) -> Fields<'a> {
        let entries = self.entries(key, usize::MAX, findings);
        Fields {
            key: key.to_owned(),
            at: self.at,
            entries: entries.iter().map(Some).collect(),
            findings,
        }
    }
}

/// The keys of one map that nobody asked for yet.
pub(super) struct Fields<'a> {
    key: String,
    pub at: Place,
    entries: Vec<Option<&'a Entry>>,
    findings: &'a Findings,
}

impl<'a> Fields<'a> {
    /// `services.web` + `ports`.
    pub(super) fn path(&self, name: &str) -> String {
        if self.key.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.key)
        }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<&'a Node> {
        let found = self
            .entries
            .iter_mut()
            .find(|e| e.is_some_and(|e| e.key == name))?;
        found.take().map(|entry| &entry.value)
    }

    /// The value of `name` as `read` reads it, told the path of the key.
    pub(super) fn get<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a Node, &str, &'a Findings) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(name)?;
        read(node, &self.path(name), self.findings)
    }

    /// `get` of a key that must be there.
    pub(super) fn need<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a Node, &str, &'a Findings) -> Option<T>,
    ) -> Option<T> {
        let Some(node) = self.take(name) else {
            let message = format!("needs `{name}`");
            self.findings.say(self.at, &self.key, message);
            return None;
        };
        read(node, &self.path(name), self.findings)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.get(name, Node::text)
    }

    pub(super) fn bool(&mut self, name: &str) -> Option<bool> {
        self.get(name, Node::bool)
    }

    pub(super) fn integer<T: std::str::FromStr>(&mut self, name: &str) -> Option<T> {
        self.get(name, Node::integer)
    }

    pub(super) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.get(name, |node, key, findings| node.read(key, findings, read))
    }

    /// Takes what is of no concern here.
    pub(super) fn skip(&mut self, concerns_nobody: impl Fn(&str) -> bool) {
        for entry in &mut self.entries {
            if entry.is_some_and(|e| concerns_nobody(&e.key)) {
                *entry = None;
            }
        }
    }

    /// Refuses every key left, with the advice `hint` has for it.
    pub(super) fn finish(self, hint: impl Fn(&str) -> Option<&'static str>) {
        for entry in self.entries.iter().flatten() {
            let advice = hint(&entry.key).map(|h| format!(": {h}"));
            self.findings.say(
                entry.at,
                &self.path(&entry.key),
                format!("is not supported{}", advice.unwrap_or_default()),
            );
        }
    }

    /// `finish` where no advice is to be had.
    pub(super) fn finish_plain(self) {
        self.finish(|_| None);
    }
}
