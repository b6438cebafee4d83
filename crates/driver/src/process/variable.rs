//! What a process is told through its environment, and `{NAME}` in its arguments.
//!
//! Nothing of the server's own environment is passed on: it may hold its keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::folder::ResourceFolder;
use super::record::Record;
use crate::blueprint::{Protocol, Service};
use crate::reach::authority;

/// Says of every process whose it is; what escaped its shim is found by it.
pub(super) const HOME_TAG: &str = "CAVIADA_SERVICE_DIRECTORY";

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The whole environment of a service's processes; the template's own values win.
pub(super) fn all(
    record: &Record,
    folder: &ResourceFolder,
    service: &Service,
) -> BTreeMap<String, String> {
    let home = folder.service(&service.name);
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let mut all = BTreeMap::from([
        ("PATH".to_owned(), PATH.to_owned()),
        ("HOME".to_owned(), text(home.files())),
        ("TMPDIR".to_owned(), text(home.files().join("tmp"))),
        ("DIRECTORY".to_owned(), text(home.files())),
        ("ADDRESS".to_owned(), record.address.clone()),
        ("SERVICE".to_owned(), service.name.clone()),
        ("RESOURCE".to_owned(), record.resource.to_string()),
    ]);
    for mount in &service.mounts {
        let name = format!("VOLUME_{}", upper(&mount.volume));
        all.insert(name, text(folder.volume(&mount.volume)));
    }
    for other in &record.blueprint.services {
        for port in &other.ports {
            let kind = match port.protocol {
                Protocol::Tcp => "PORT",
                Protocol::Udp => "UDP_PORT",
            };
            let container = port.container;
            if other.name == service.name {
                all.insert(format!("{kind}_{container}"), port.host.to_string());
            }
            // Services of one resource reach each other under the names a network would give them
            // in containers, so here they are told where.
            let name = format!("{}_{kind}_{container}", upper(&other.name));
            all.insert(name, authority(&record.address, port.host));
        }
    }
    all.extend(service.environment.clone());
    all.insert(HOME_TAG.to_owned(), text(home.0));
    all
}

fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// Puts variables in for `{NAME}`; braces around anything else stay.
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, tail) = rest.split_at(open);
        expanded.push_str(before);
        let value = tail[1..].split_once('}').and_then(|(name, after)| {
            let value = variables.get(name)?;
            Some((value, after))
        });
        match value {
            Some((value, after)) => {
                expanded.push_str(value);
                rest = after;
            }
            None => {
                expanded.push('{');
                rest = &tail[1..];
            }
        }
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_in_braces_are_replaced() {
        let variables = BTreeMap::from([("PORT_80".to_owned(), "20001".to_owned())]);
        let expand = |text| expand(text, &variables);
        assert_eq!(expand("--port={PORT_80}"), "--port=20001");
        assert_eq!(expand("{PORT_80}{PORT_80}"), "2000120001");
        assert_eq!(expand("{\"a\": {PORT_81}, {"), "{\"a\": {PORT_81}, {");
    }
}
