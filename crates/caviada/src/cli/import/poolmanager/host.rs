//! Hosts.

use std::collections::BTreeSet;

use caviada_api::host::{DriverName, HostPorts, HostSpec};
use caviada_core::limits;
use caviada_core::name::Name;

use super::{ID, NAME, Plan, Step, id, label};
use crate::cli::import::PoolmanagerArgs;
use crate::cli::import::extended::Document;
use crate::cli::import::there::There;

/// Ports that the old systems published on workers.
const PORTS: HostPorts = HostPorts {
    first: 7_050,
    last: 9_999,
    block: 16,
};

/// Hosts, cordoned.
pub(super) fn hosts(args: &PoolmanagerArgs, found: &[Document], there: &There, plan: &mut Plan) {
    let mut names = there.hosts.clone();
    let mut known = there.known_hosts.clone();
    for d in found {
        let shown = d.text(&["name"]).unwrap_or_default();
        let what = format!("host {shown}");
        let Some(id) = id(d) else {
            plan.skip(d, &what, "it has no id");
            continue;
        };
        let Some(address) = d.text(&["worker_api", "daemon_url"]) else {
            plan.skip(d, &what, "it has no daemon_url and no worker_api");
            continue;
        };
        let address = match address.trim() {
            text if text.contains("://") => text.to_owned(),
            text => format!("tcp://{text}"),
        };
        if known.contains(&id) || known.contains(&address) {
            plan.skip(d, &what, "it is there already");
            continue;
        }
        if d.is_odd(&["type", "host_type"]) {
            plan.skip(d, &what, "its type cannot be read");
            continue;
        }
        match d.text(&["type", "host_type"]).as_deref() {
            None | Some("single" | "docker") => {}
            Some("swarm") => {
                let why = "a swarm is entered by hand, with its manager's credentials: `caviada host set`";
                plan.skip(d, &what, why);
                continue;
            }
            Some(kind) => {
                let why = format!("this version drives no host of the type {}", label(kind));
                plan.skip(d, &what, why);
                continue;
            }
        }
        if address.starts_with("tcp://") && !args.allow_plain_tcp {
            let why = "its engine listens without TLS: give it TLS or SSH and enter it by hand, or import with --allow-plain-tcp";
            plan.skip(d, &what, why);
            continue;
        }
        let capacity = match d.number("capacity").map(|n| u32::try_from(n.unwrap_or(1))) {
            Ok(Ok(capacity)) => capacity,
            _ => {
                plan.skip(d, &what, "its capacity is no whole number");
                continue;
            }
        };
        let Some(name) = host_name(&shown, &id, &names) else {
            plan.skip(d, &what, "no name can be made of it");
            continue;
        };
        let mut spec = HostSpec::new(DriverName::Docker);
        spec.allow_plain_tcp = address.starts_with("tcp://");
        spec.schedulable = false;
        spec.capacity
            .insert("resources".to_owned(), u64::from(capacity));
        spec.ports = Some(PORTS);
        spec.labels.insert(ID.to_owned(), id.clone());
        spec.labels.insert(NAME.to_owned(), label(&shown));
        for field in ["log_level", "log_type", "log_server"] {
            if let Some(text) = d.text(&[field]) {
                spec.labels.insert(field.to_owned(), label(&text));
            }
        }
        if d.is("autofill") == Ok(Some(true)) {
            let key = "poolmanager/autofill".to_owned();
            spec.labels.insert(key, "true".to_owned());
        }
        spec.address = Some(address.clone());
        known.extend([id, address]);
        names.insert(name.clone());
        plan.steps.push(Step::Host {
            at: d.at.clone(),
            name,
            spec: Box::new(spec),
        });
    }
}

/// A host's name as near to the old one as the rule allows, and nobody else's.
fn host_name(shown: &str, id: &str, taken: &BTreeSet<String>) -> Option<String> {
    let fitting = |text: &str| {
        let letters = text.chars().map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        });
        let name: String = letters.take(limits::NAME_BYTES_MAX).collect();
        Name::new(name.trim_matches('-')).ok()
    };
    let plain = fitting(shown).map(|name| name.to_string());
    let free = |name: &String| !taken.contains(name);
    plain.filter(free).or_else(|| {
        let short: String = shown.chars().take(40).collect();
        let end: String = id.chars().rev().take(12).collect();
        let end: String = end.chars().rev().collect();
        let numbered = fitting(&format!("{short}-{end}"))?.to_string();
        Some(numbered).filter(free)
    })
}
