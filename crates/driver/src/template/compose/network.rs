//! `networks` and `extra_hosts` of a service.

use std::collections::BTreeMap;

use super::super::limits;
use super::super::problem::Findings;
use super::super::tree::{Node, Value};
use super::{Declared, hint};

/// The network every service is in that names none.
pub(super) const DEFAULT: &str = "default";

/// Networks joined, with aliases.
pub(super) fn joined(
    node: &Node,
    key: &str,
    declared: &Declared,
    findings: &Findings,
) -> Option<BTreeMap<String, Vec<String>>> {
    let mut networks = BTreeMap::new();
    let known = |name: &str, at| {
        if name != DEFAULT && !declared.networks.iter().any(|n| n == name) {
            let message = format!("`{name}` is not declared under networks");
            findings.say(at, key, message);
        }
    };
    if let Value::List(items) = &node.value {
        for item in items {
            if let Some(name) = item.text(key, findings) {
                known(&name, item.at);
                networks.insert(name, Vec::new());
            }
        }
        return Some(networks);
    }
    for entry in node.entries(key, limits::NETWORKS_MAX, findings) {
        known(&entry.key, entry.at);
        let key = format!("{key}.{}", entry.key);
        let mut fields = entry.value.fields(&key, findings);
        let aliases = fields.get("aliases", |node, key, findings| {
            Some(node.texts(key, limits::ENTRIES_MAX, findings))
        });
        fields.finish(hint::joined);
        networks.insert(entry.key.clone(), aliases.unwrap_or_default());
    }
    Some(networks)
}

/// `extra_hosts` as `name:address`.
pub(super) fn extra_hosts(node: &Node, key: &str, findings: &Findings) -> Option<Vec<String>> {
    if let Value::Map(entries) = &node.value {
        let hosts = entries.iter().filter_map(|entry| {
            let address = entry.value.text(key, findings)?;
            Some(format!("{}:{address}", entry.key))
        });
        return Some(hosts.collect());
    }
    let items = node.list(key, limits::ENTRIES_MAX, findings).iter();
    let hosts = items.filter_map(|item| {
        item.read(key, findings, |text| {
            let pair = text.split_once('=').or_else(|| text.split_once(':'));
            match pair {
                Some((name, address)) if !name.is_empty() && !address.is_empty() => {
                    Ok(format!("{name}:{address}"))
                }
                _ => Err(format!("`{text}` must be name:address")),
            }
        })
    });
    Some(hosts.collect())
}
