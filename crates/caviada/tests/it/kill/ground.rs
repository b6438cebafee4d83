//! What built resources stand on: processes beside the server, which go on while it is dead. How
//! they really are, whatever the ledger says.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::site::Site;

/// A resource, by its id, and its generation.
pub type Built = (String, u64);

const MANIFEST: &str = r#"
name = "shed"
description = "One web server"
drivers = ["process"]
create_within = "60s"

[[outputs]]
name = "web"
port = { service = "web", port = 8080 }
format = "http://{address}:{port}"

[[readiness]]
tcp = { service = "web", port = 8080 }
within = "60s"
"#;

const COMPOSE: &str = r#"
services:
  web:
    image: none
    ports: ["8080"]
    stop_grace_period: 2s
    x-caviada-process:
      program: sample
      args: [serve, --port, "{PORT_8080}"]
"#;

/// Body of `PUT /hosts/…`.
pub fn host() -> Value {
    // Each run its own ports, as far as that goes; a block found taken is not used.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id() + COUNT.fetch_add(1, Ordering::Relaxed);
    let first = 22_000 + own % 400 * 20;
    let ports = json!({ "first": first, "last": first + 19, "block": 1 });
    json!({ "driver": "process", "capacity": { "resources": 16 }, "ports": ports })
}

/// Body of `PUT /templates/…`.
pub fn template() -> Value {
    json!({ "files": { "template.toml": MANIFEST, "compose.yaml": COMPOSE } })
}

/// Folders of what was built, by their names: `<resource>-g<generation>`.
fn folders(site: &Site) -> BTreeSet<Built> {
    let Ok(folders) = std::fs::read_dir(site.processes()) else {
        return BTreeSet::new();
    };
    let names = folders.map(|f| f.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| built(&name)).collect()
}

/// Compares everything that is really there with what the ledger says is there; what differs, in
/// words. Halves of what is being made differ too.
pub fn differs(site: &Site, state: &BTreeSet<Built>) -> Option<String> {
    let shims = site.shims();
    let run: BTreeSet<Built> = shims.iter().filter_map(|(_, name)| built(name)).collect();
    let folders = folders(site);
    if shims.len() > run.len() {
        return Some(format!("two shims of one service: {shims:?}"));
    }
    if run != *state || folders != *state {
        return Some(format!(
            "the ledger has {state:?}, the disk {folders:?}, and these run: {run:?}"
        ));
    }
    None
}

fn built(name: &str) -> Option<Built> {
    let (resource, generation) = name.rsplit_once("-g")?;
    Some((resource.to_owned(), generation.parse().ok()?))
}
