//! What stands on the engine, as its own command line tells it: nothing of the driver is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::kill::ground::Built;
use crate::kill::wire::{Request, Wire};

/// Tries to list and then look while things come and go.
const TRIES: usize = 20;
pub const KINDS: [&str; 3] = ["container", "network", "volume"];

/// Kind, name and labels of one thing.
pub type Thing = (&'static str, String, BTreeMap<String, String>);

/// The things of one installation on the engine. They go when this is dropped.
pub struct Engine {
    installation: String,
}

impl Engine {
    /// Of the server that this wire leads to.
    pub fn of(wire: &mut Wire) -> Self {
        let (_, stats) = wire.call(&Request::get("/api/v1/stats")).unwrap();
        Self {
            installation: stats["installation"].as_str().unwrap().to_owned(),
        }
    }

    /// Its id.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// What all names of its things begin with.
    pub fn prefix(&self) -> String {
        let letters = self
            .installation
            .chars()
            .filter(char::is_ascii_alphanumeric);
        let letters: String = letters.take(8).collect();
        format!("caviada-{}-", letters.to_ascii_lowercase())
    }

    /// Everything with its label or with such a name, in order.
    pub fn things(&self) -> Vec<Thing> {
        for _ in 0..TRIES {
            let found: Option<Vec<_>> = KINDS.iter().map(|kind| self.of_kind(kind)).collect();
            if let Some(found) = found {
                let mut things = found.concat();
                things.sort();
                return things;
            }
        }
        panic!("the engine does not come to rest");
    }

    /// None if something went between the list and the look.
    fn of_kind(&self, kind: &'static str) -> Option<Vec<Thing>> {
        let mut ids = self.list(kind, &self.label());
        ids.extend(self.list(kind, &format!("name={}", self.prefix())));
        if ids.is_empty() {
            return Some(Vec::new());
        }
        let labels = match kind {
            "container" => "{{json .Name}} {{json .Config.Labels}}",
            _ => "{{json .Name}} {{json .Labels}}",
        };
        let words = [kind, "inspect", "--format", labels];
        let output = docker(words.into_iter().chain(ids.iter().map(String::as_str)));
        let thing = |line: &str| -> Thing {
            let (name, labels) = line.split_once(' ').unwrap();
            let name: String = serde_json::from_str(name).unwrap();
            let labels: Option<BTreeMap<_, _>> = serde_json::from_str(labels).unwrap();
            let name = name.trim_start_matches('/').to_owned();
            (kind, name, labels.unwrap_or_default())
        };
        output.map(|text| text.lines().map(thing).collect())
    }

    fn label(&self) -> String {
        format!("label=caviada.installation={}", self.installation)
    }

    fn list(&self, kind: &str, filter: &str) -> BTreeSet<String> {
        let mut words = vec![kind, "ls", "--quiet", "--filter", filter];
        if kind == "container" {
            words.extend(["--all", "--no-trunc"]);
        }
        let text = docker(words).expect("the engine lists");
        text.lines().map(str::to_owned).collect()
    }

    /// Compares everything with what the ledger says is built of [stalls](super::stalls); what
    /// differs, in words. Halves of what is being made differ too.
    pub fn differs(&self, state: &BTreeSet<Built>) -> Option<String> {
        let there: Vec<Thing> = self.things().into_iter().map(comparable).collect();
        let mut wanted: Vec<Thing> = state.iter().flat_map(|built| self.stall(built)).collect();
        wanted.sort();
        (wanted != there).then(|| format!("the ledger has {wanted:#?}, there is {there:#?}"))
    }

    /// What one is on the engine.
    fn stall(&self, (id, generation): &Built) -> [Thing; 3] {
        let labels = [
            ("installation", self.installation.clone()),
            ("resource", id.clone()),
            ("generation", generation.to_string()),
        ];
        let of_service = [
            ("service", "web".to_owned()),
            ("role", "service".to_owned()),
            ("services", "1".to_owned()),
            ("depth", "0".to_owned()),
            ("swarm", "no".to_owned()),
        ];
        let named = |(name, value)| (format!("caviada.{name}"), value);
        let labels = BTreeMap::from(labels.map(named));
        let mut of_service = BTreeMap::from(of_service.map(named));
        of_service.extend(labels.clone());
        let prefix = self.prefix();
        let name = |part| format!("{prefix}{id}-g{generation}-{part}");
        [
            ("container", name("web"), of_service),
            ("network", name("default"), labels.clone()),
            ("volume", name("data"), labels),
        ]
    }

    /// Ids of the containers of one resource, running or not.
    pub fn containers(&self, resource: &str) -> BTreeSet<String> {
        let filter = format!("label=caviada.resource={resource}");
        let of = self.list("container", &filter);
        of.intersection(&self.list("container", &self.label()))
            .cloned()
            .collect()
    }

    /// Kills a container by its name's end.
    pub fn kill(&self, rest: &str) {
        let name = format!("{}{rest}", self.prefix());
        docker(["kill", name.as_str()]).expect("it runs");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for kind in KINDS {
            let ids = self.list(kind, &self.label());
            let mut words = vec![kind, "rm"];
            match kind {
                "container" => words.extend(["--force", "--volumes"]),
                "volume" => words.push("--force"),
                _ => {}
            }
            words.extend(ids.iter().map(String::as_str));
            if !ids.is_empty() {
                let _ = docker(words);
            }
        }
    }
}

/// The revision at which a thing was made and the hash of what a service is told are told by nothing
/// else; they are there.
fn comparable((kind, name, mut labels): Thing) -> Thing {
    let revision = labels.remove("caviada.revision");
    let number = revision.and_then(|text| text.parse::<u64>().ok());
    assert!(number.is_some(), "{name} tells no revision: {labels:?}");
    if kind == "container" {
        let definition = labels.remove("caviada.definition").unwrap_or_default();
        let is_hash = definition.len() == 12 && definition.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(is_hash, "{name} tells not what it is of: {definition:?}");
    }
    (kind, name, labels)
}

/// What the engine's command line printed; none if it failed.
pub fn docker<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    let output = Command::new("docker").args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}
