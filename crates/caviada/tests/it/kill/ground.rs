//! What built resources stand on: how they really are, whatever the ledger says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// A resource, by its id, and its generation.
pub type Built = (String, u64);

/// Processes beside the server, which go on while it is dead. Dropped, it ends them all.
pub struct Ground {
    folder: PathBuf,
}

const MANIFEST: &str = r#"
name = "stall"
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

impl Ground {
    /// That of the server on this data directory.
    pub fn new(data: &Path) -> Self {
        let folder = data.join("process");
        Self { folder }
    }

    /// Folders under their names, `<resource>-g<generation>`.
    fn folders(&self) -> BTreeSet<Built> {
        let Ok(folders) = std::fs::read_dir(&self.folder) else {
            return BTreeSet::new();
        };
        let names = folders.map(|f| f.unwrap().file_name().into_string().unwrap());
        names.filter_map(|name| built(&name)).collect()
    }

    /// Shims that run, and the folder each of them was given.
    fn shims(&self) -> Vec<(Pid, Built)> {
        let mut shims = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap() {
            let entry = entry.unwrap();
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
                continue;
            };
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words = line.split(|b| *b == 0).map(String::from_utf8_lossy);
            let below =
                |word: &str| built(Path::new(word).strip_prefix(&self.folder).ok()?.to_str()?);
            if let Some(built) = words.filter_map(|word| below(&word)).next() {
                shims.push((Pid::from_raw(pid), built));
            }
        }
        shims
    }

    /// Body of `PUT /hosts/…`.
    pub fn host() -> Value {
        // Each run its own ports, as far as that goes; a block found taken is not used.
        let first = 22_000 + std::process::id() % 400 * 20;
        let ports = json!({ "first": first, "last": first + 19, "block": 1 });
        json!({ "driver": "process", "capacity": { "resources": 16 }, "ports": ports })
    }

    /// Body of `PUT /templates/…`.
    pub fn template() -> Value {
        json!({ "files": { "template.toml": MANIFEST, "compose.yaml": COMPOSE } })
    }

    /// Compares everything that is really there with what the ledger says is there; what differs,
    /// in words. Halves of what is being made differ too.
    pub fn differs(&self, state: &BTreeSet<Built>) -> Option<String> {
        let shims = self.shims();
        let run: BTreeSet<Built> = shims.iter().map(|(_, built)| built.clone()).collect();
        let folders = self.folders();
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
}

fn built(name: &str) -> Option<Built> {
    let (resource, generation) = name.rsplit_once("-g")?;
    Some((resource.to_owned(), generation.parse().ok()?))
}

/// Nothing that a run built outlives it, whatever became of the run.
impl Drop for Ground {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let shims = self.shims();
            if shims.is_empty() {
                return;
            }
            for (pid, _) in shims {
                let _ = kill(pid, Signal::SIGTERM);
            }
            sleep(Duration::from_millis(50));
        }
    }
}
