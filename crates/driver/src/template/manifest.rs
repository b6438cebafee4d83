//! `template.toml`: what a template is called, what it can be told, and what its holder is given.
//!
//! Texts in outputs, readiness and reset are rendered with the parameters like the compose file;
//! they are kept as written here. A service may be a pattern (`node*`): the entry then stands for
//! each service that matches, in order, and `{service}` in a name for its name.

mod check;
mod file;
mod output;

use super::limits;
use super::parameter::{self, Parameter};
use super::problem::{Findings, Place, Problem};
use super::scalar;
use super::tree::{Fields, Node, parse_toml};

pub(super) use check::{CheckKind, ExpectKind, Readiness, ResetEntry, ResetKind, RpcEntry};
pub(super) use file::{FileEntry, FileKind};
pub(super) use output::{OutputEntry, OutputKind};

/// The file's name.
pub(super) const FILE: &str = "template.toml";

/// A text and where it stands, for what is wrong with it once rendered.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub text: String,
    pub at: Place,
    pub key: String,
}

/// All of `template.toml`.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    pub name: String,
    pub description: String,
    pub parameters: Vec<Parameter>,
    pub drivers: Vec<String>,
    pub create_ms_max: u64,
    pub refused: Vec<Refused>,
    pub outputs: Vec<OutputEntry>,
    pub files: Vec<FileEntry>,
    pub readiness: Vec<Readiness>,
    pub reset: Vec<ResetEntry>,
}

const DRIVERS: [&str; 5] = ["docker", "swarm", "kubernetes", "process", "agent"];

impl Manifest {
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let findings = Findings::new(FILE);
        let manifest = parse_toml(text, &findings).and_then(|node| Self::read(&node, &findings));
        findings.into_result(manifest)
    }

    fn read(node: &Node, findings: &Findings) -> Option<Self> {
        let mut fields = node.fields("", findings);
        let name = fields.need("name", |node, key, findings| {
            node.read(key, findings, |text| match scalar::is_label(text) {
                true => Ok(text.to_owned()),
                false => Err("must be lower case letters, digits and -, at most 63".to_owned()),
            })
        });
        let description = fields.text("description").unwrap_or_default();
        let drivers = fields.need("drivers", drivers);
        let create_ms_max = fields.read("create_within", scalar::duration_ms);
        let parameters = fields.get("parameters", |node, key, findings| {
            let entries = node.entries(key, limits::PARAMETERS_MAX, findings).iter();
            let mut parameters = entries
                .clone()
                .map(|entry| Parameter::read(entry, drivers.as_deref(), findings))
                .collect::<Option<Vec<_>>>()?;
            parameter::read_sets(entries.as_slice(), &mut parameters, findings);
            Some(parameters)
        });
        let parameters = parameters.unwrap_or_default();
        let cases: usize = parameters.iter().map(|p| p.samples().len()).sum();
        if cases > limits::CHECKS_MAX {
            let most = limits::CHECKS_MAX;
            let message = format!("have {cases} allowed values together; at most {most} are tried");
            findings.say(node.at, "parameters", message);
        }
        let refused = read_all(&mut fields, "refused", Refused::read);
        let outputs = read_all(&mut fields, "outputs", OutputEntry::read);
        let files = read_all(&mut fields, "files", FileEntry::read);
        let readiness = read_all(&mut fields, "readiness", Readiness::read);
        let reset = read_all(&mut fields, "reset", ResetEntry::read);
        fields.finish_plain();
        Some(Self {
            name: name?,
            description,
            parameters,
            drivers: drivers?,
            create_ms_max: create_ms_max.unwrap_or(limits::CREATE_MS_DEFAULT),
            refused,
            outputs,
            files,
            readiness,
            reset,
        })
    }
}

/// Parameters that go together with no network of this template.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    /// `NAME in LIST`: it is asked of each item of a list.
    pub each: Option<Placed>,
    pub when: Placed,
    pub message: Placed,
}

impl Refused {
    fn read(node: &Node, key: &str, findings: &Findings) -> Option<Self> {
        let mut fields = node.fields(key, findings);
        let each = fields.get("each", Placed::read);
        let when = fields.need("when", Placed::read);
        let message = fields.need("message", Placed::read);
        fields.finish_plain();
        Some(Self {
            each,
            when: when?,
            message: message?,
        })
    }
}

fn drivers(node: &Node, key: &str, findings: &Findings) -> Option<Vec<String>> {
    let drivers = node.texts(key, DRIVERS.len(), findings);
    let unknown = drivers.iter().find(|d| !DRIVERS.contains(&d.as_str()));
    if unknown.is_some() || drivers.is_empty() {
        let message = format!("must be some of {}", DRIVERS.join(", "));
        findings.say(node.at, key, message);
        return None;
    }
    Some(drivers)
}

/// The tables of `[[name]]`, each with its own number in the key.
fn read_all<T>(
    fields: &mut Fields<'_>,
    name: &str,
    read: impl Fn(&Node, &str, &Findings) -> Option<T>,
) -> Vec<T> {
    let all = fields.get(name, |node, key, findings| {
        let items = node.list(key, limits::OUTPUTS_MAX, findings).iter();
        let read = |(i, item): (usize, &Node)| read(item, &format!("{key}[{i}]"), findings);
        Some(items.enumerate().filter_map(read).collect())
    });
    all.unwrap_or_default()
}

impl Placed {
    fn read(node: &Node, key: &str, findings: &Findings) -> Option<Self> {
        Some(Self {
            text: node.text(key, findings)?,
            at: node.at,
            key: key.to_owned(),
        })
    }

    fn read_list(node: &Node, key: &str, findings: &Findings) -> Option<Vec<Self>> {
        let items = node.list(key, limits::ENTRIES_MAX, findings).iter();
        items.map(|item| Self::read(item, key, findings)).collect()
    }
}

/// The one kind an entry has.
fn only<T>(
    mut kinds: Vec<T>,
    node: &Node,
    key: &str,
    names: &str,
    findings: &Findings,
) -> Option<T> {
    let one = kinds.pop();
    if !kinds.is_empty() || (one.is_none() && !findings.any_below(key)) {
        findings.say(node.at, key, format!("needs one of {names}"));
        return None;
    }
    one
}
