//! A rendered compose file read into services: our own subset of the Compose schema, in which a
//! key that is not supported is an error and never silently dropped.

mod hint;
mod mount;
mod network;
mod order;
mod port;
mod run;
mod service;

use std::cell::Cell;
use std::collections::BTreeMap;

use super::limits;
use super::problem::{Findings, Problem};
use super::scalar;
use super::tree::{Entry, Node, Value, parse_yaml};
use crate::blueprint::Service;

/// The file's name.
pub(super) const FILE: &str = "compose.yaml";

/// What a compose file says. Ports have no host port yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Project {
    /// Each after those it depends on.
    pub services: Vec<Service>,
    pub volumes: Vec<String>,
    pub networks: Vec<String>,
}

/// Gives the text of another file of the template; what is wrong is told in that file's name.
pub(super) type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, Vec<Problem>>;

/// What each service must have for the drivers a template names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    pub image: bool,
    pub process: bool,
    pub swarm: bool,
}

/// What the rest of the file declares, while a service is read.
struct Declared {
    needs: Needs,
    volumes: Vec<String>,
    networks: Vec<String>,
    configs: BTreeMap<String, String>,
    /// Bytes of files put into services so far: one config may be wanted by all of them.
    file_bytes: Cell<usize>,
}

/// Reads a rendered compose file.
pub(super) fn read(
    text: &str,
    needs: Needs,
    read_file: ReadFile<'_>,
    findings: &Findings,
) -> Option<Project> {
    let mut node = parse_yaml(text, findings)?;
    dollars(&mut node, "", findings);
    let mut fields = node.fields("", findings);
    let volumes = fields.get("volumes", |node, key, findings| {
        declared(node, key, limits::VOLUMES_MAX, findings)
    });
    let networks = fields.get("networks", |node, key, findings| {
        declared(node, key, limits::NETWORKS_MAX, findings)
    });
    let configs = fields.get("configs", |node, key, findings| {
        configs(node, key, read_file, findings)
    });
    let mut networks = networks.unwrap_or_default();
    networks.retain(|name| name != network::DEFAULT);
    let declared = Declared {
        needs,
        volumes: volumes.unwrap_or_default(),
        networks,
        configs: configs.unwrap_or_default(),
        file_bytes: Cell::new(0),
    };
    let services = fields.need("services", |node, key, findings| {
        services(node, key, &declared, findings)
    });
    // Fragments for anchors, except under our own name.
    fields.skip(|key| key.starts_with("x-") && !key.starts_with("x-caviada"));
    fields.finish(hint::top);
    Some(Project {
        services: services?,
        volumes: declared.volumes,
        networks: declared.networks,
    })
}

/// Turns `$$` into `$` in every value and refuses any other dollar.
fn dollars(node: &mut Node, key: &str, findings: &Findings) {
    match &mut node.value {
        Value::Null => {}
        Value::Text { text, .. } => match scalar::dollars(text) {
            Ok(plain) => *text = plain,
            Err(message) => findings.say(node.at, key, message),
        },
        Value::List(items) => items.iter_mut().for_each(|n| dollars(n, key, findings)),
        Value::Map(entries) => {
            for entry in entries {
                let below = match key {
                    "" => entry.key.clone(),
                    key => format!("{key}.{}", entry.key),
                };
                dollars(&mut entry.value, &below, findings);
            }
        }
    }
}

fn services(
    node: &Node,
    key: &str,
    declared: &Declared,
    findings: &Findings,
) -> Option<Vec<Service>> {
    let entries = node.entries(key, limits::SERVICES_MAX, findings);
    if entries.is_empty() {
        findings.say(node.at, key, "needs at least one service");
    }
    let read = |entry: &Entry| {
        let key = format!("{key}.{}", entry.key);
        if !scalar::is_label(&entry.key) {
            findings.say(entry.at, &key, NAME_RULE);
        }
        service::read(entry, &key, declared, findings)
    };
    let services = entries.iter().map(read).collect::<Option<Vec<_>>>()?;
    order::by_dependency(services, entries, key, findings)
}

const NAME_RULE: &str = "must be named by lower case letters, digits and -, at most 63";

/// The names of a map whose values say nothing more.
fn declared(node: &Node, key: &str, max: usize, findings: &Findings) -> Option<Vec<String>> {
    let entries = node.entries(key, max, findings);
    for entry in entries {
        let key = format!("{key}.{}", entry.key);
        if !scalar::is_label(&entry.key) {
            findings.say(entry.at, &key, NAME_RULE);
        }
        entry.value.fields(&key, findings).finish(hint::declared);
    }
    Some(entries.iter().map(|entry| entry.key.clone()).collect())
}

/// Configs by name with their content.
fn configs(
    node: &Node,
    key: &str,
    read_file: ReadFile<'_>,
    findings: &Findings,
) -> Option<BTreeMap<String, String>> {
    let mut configs = BTreeMap::new();
    for entry in node.entries(key, limits::CONFIGS_MAX, findings) {
        let key = format!("{key}.{}", entry.key);
        let mut fields = entry.value.fields(&key, findings);
        let content = fields.text("content");
        let file = fields.get("file", |node, key, findings| {
            let path = node.text(key, findings)?;
            match read_file(path.trim_start_matches("./")) {
                Ok(text) => Some(text),
                Err(problems) => {
                    if problems.is_empty() {
                        let message = format!("the template has no file `{path}`");
                        findings.say(node.at, key, message);
                    }
                    findings.adopt(problems);
                    // Told already; without its content nothing else need be said about it.
                    Some(String::new())
                }
            }
        });
        fields.finish(hint::config);
        match (content, file) {
            (Some(text), None) | (None, Some(text)) => {
                configs.insert(entry.key.clone(), text);
            }
            _ if findings.any_below(&key) => {}
            _ => findings.say(entry.at, &key, "needs one of content and file"),
        }
    }
    Some(configs)
}
