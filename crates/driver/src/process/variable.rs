//! What a process is told through its environment, and `{NAME}` in its arguments.
//!
//! Nothing of the server's own environment is passed on: it may hold its keys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use caviada_core::id::ResourceId;

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
    let whose = Whose {
        resource: record.resource,
        address: &record.address,
        services: &record.blueprint.services,
    };
    whose.variables(folder, service)
}

struct Whose<'a> {
    resource: ResourceId,
    address: &'a str,
    services: &'a [Service],
}

impl Whose<'_> {
    fn variables(&self, folder: &ResourceFolder, service: &Service) -> BTreeMap<String, String> {
        let home = folder.service(&service.name);
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut all = BTreeMap::from([
            ("PATH".to_owned(), PATH.to_owned()),
            ("HOME".to_owned(), text(home.files())),
            ("TMPDIR".to_owned(), text(home.files().join("tmp"))),
            ("DIRECTORY".to_owned(), text(home.files())),
            ("ADDRESS".to_owned(), self.address.to_owned()),
            ("SERVICE".to_owned(), service.name.clone()),
            ("RESOURCE".to_owned(), self.resource.to_string()),
        ]);
        for mount in &service.mounts {
            let name = format!("VOLUME_{}", upper(&mount.volume));
            all.insert(name, text(folder.volume(&mount.volume)));
        }
        for other in self.services {
            for port in &other.ports {
                let kind = match port.protocol {
                    Protocol::Tcp => "PORT",
                    Protocol::Udp => "UDP_PORT",
                };
                let container = port.container;
                if other.name == service.name {
                    all.insert(format!("{kind}_{container}"), port.host.to_string());
                }
                // Services of one resource reach each other under the names a network would give
                // them in containers, so here they are told where.
                let name = format!("{}_{kind}_{container}", upper(&other.name));
                all.insert(name, authority(self.address, port.host));
            }
        }
        all.extend(service.environment.clone());
        all.insert(HOME_TAG.to_owned(), text(home.0));
        all
    }
}

fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// Placeholders of a service's program and arguments that no variable will fill.
pub(crate) fn unknown(services: &[Service], service: &Service) -> Vec<String> {
    let mut words = service.process.iter().flatten();
    if !words.any(|word| word.contains('{')) {
        return Vec::new();
    }
    let known = names(services, service);
    let words = service.process.iter().flatten();
    let parts = words.flat_map(|word| word.split('{').skip(1));
    let names = parts.filter_map(|part| part.split_once('}').map(|(name, _)| name));
    let shaped = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let unknown = names.filter(shaped).filter(|name| !known.contains(*name));
    unknown.map(str::to_owned).collect()
}

/// The names of [`all`], which are known before there is a resource.
fn names(services: &[Service], service: &Service) -> BTreeSet<String> {
    let folder = ResourceFolder(PathBuf::new());
    let whose = Whose {
        resource: ResourceId(0),
        address: "",
        services,
    };
    whose.variables(&folder, service).into_keys().collect()
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
