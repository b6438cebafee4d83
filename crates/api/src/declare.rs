//! The document that `caviada load FILE` reads: every noun in one TOML file.
//!
//! Durations are written as `30s` and amounts as `64Gi`; everything else has the names of the API.
//! The file's `name` marks what it declares, so that a later load with `--prune` knows what it may
//! remove.
//!
//! ```toml
//! name = "lab"
//!
//! [[pool]]
//! name = "boards"
//! lease = { ttl = "30m", ttl_max = "8h" }
//!
//! [[resource]]
//! pool = "boards"
//! names = ["board-1", "board-2"]
//! attributes = { arch = "arm64", cores = 4 }
//! ```

mod host;
mod key;
mod pool;
mod resource;
mod webhook;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::quantity::{Amount, Quantity};
pub use host::{CredentialFiles, HostEntry, RegistryFiles};
pub use key::{KeyEntry, QuotaEntry};
pub use pool::{LeaseEntry, PoolEntry, RecycleEntry, Ttl};
pub use resource::{ResourceEntry, SliceEntry};
pub use webhook::WebhookEntry;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Marks what this file declares. Two files of one name are two versions of one file.
    pub name: String,
    /// Templates.
    #[serde(default, rename = "template")]
    pub templates: Vec<TemplateEntry>,
    /// Hosts.
    #[serde(default, rename = "host")]
    pub hosts: Vec<HostEntry>,
    /// Pools.
    #[serde(default, rename = "pool")]
    pub pools: Vec<PoolEntry>,
    /// Declared resources.
    #[serde(default, rename = "resource")]
    pub resources: Vec<ResourceEntry>,
    /// Keys.
    #[serde(default, rename = "key")]
    pub keys: Vec<KeyEntry>,
    /// Quotas.
    #[serde(default, rename = "quota")]
    pub quotas: Vec<QuotaEntry>,
    /// Webhooks.
    #[serde(default, rename = "webhook")]
    pub webhooks: Vec<WebhookEntry>,
}

/// A template: a folder beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateEntry {
    /// DNS-like, unique.
    pub name: String,
    /// The folder, relative to the file; `templates/NAME` when absent.
    #[serde(default)]
    pub path: Option<String>,
}

fn quantity(amounts: &BTreeMap<String, Amount>) -> Quantity {
    amounts.iter().map(|(k, v)| (k.clone(), v.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::SliceSize;

    const EVERYTHING: &str = r#"
        name = "lab"

        [[template]]
        name = "tiny"

        [[host]]
        name = "here"
        driver = "docker"
        capacity = { resources = 8, mem = "64Gi" }
        ports = { first = 20000, last = 29999, block = 16 }
        subnets = { range = "10.200.0.0/16", prefix = 28 }
        credential = { ca_file = "ca.pem" }
        mirror = "mirror.lab:5000"
        registries = { "mirror.lab:5000" = { username = "puller", password_file = "mirror.password" } }

        [[pool]]
        name = "clusters"
        template = "tiny"
        parameters = { size = 4 }
        needs = { mem = "2Gi" }
        warm = 2
        max = 8
        lease = { ttl = "30m", ttl_max = "8h", claim_within = "1m", wait_max = "10m" }
        recycle = { class = "replace", uses_max = 10, cooldown = "5s" }
        visibility = { holders = "everyone" }

        [[pool]]
        name = "boards"
        lease = { ttl = "none" }

        [[pool]]
        name = "nets"
        slice = { prefix = 28 }

        [[resource]]
        pool = "boards"
        names = ["b1", "b2"]
        attributes = { cores = 4 }
        endpoints = { ssh = "{name}.lab:22" }

        [[resource]]
        pool = "nets"
        name = "lab"
        range = "10.0.0.0/24"
        exclude = ["10.0.0.0/30"]

        [[resource]]
        pool = "compute"
        name = "rack"
        quantity = { cpu = 16, mem = "64Gi" }

        [[key]]
        name = "ci"
        role = "user"
        groups = ["builders"]
        expires_in = "4w"
        secret_env = "CI_KEY"

        [[quota]]
        owner = "ci"
        leases_max = 10
        quantity_max = { mem = "32Gi" }
    "#;

    #[test]
    fn a_file_with_every_noun_becomes_what_the_api_takes() {
        let document: Document = toml::from_str(EVERYTHING).unwrap();
        let pool = document.pools[0].spec("lab");
        assert_eq!(pool.lease.ttl_ms, Some(1_800_000));
        assert_eq!(pool.recycle.cooldown_ms, Some(5_000));
        assert_eq!(pool.parameters["size"], 4);
        assert_eq!(pool.declared_in.as_deref(), Some("lab"));
        assert!(document.pools[1].spec("lab").lease.no_deadline);
        assert_eq!(
            document.hosts[0].spec("lab", None).capacity["mem"],
            64 << 30
        );

        let boards = document.resources[0].specs("lab");
        assert_eq!(boards.len(), 2);
        assert_eq!(boards[1].endpoints["ssh"], "b2.lab:22");
        assert_eq!(boards[1].divisible, None);
        let nets = document.resources[1].specs("lab").remove(0);
        assert_eq!(nets.divisible.unwrap().range.unwrap(), "10.0.0.0/24");
        let slice = document.pools[2].spec("lab").slice;
        assert_eq!(slice, Some(SliceSize::Prefix(28)));
        let rack = document.resources[2].specs("lab").remove(0);
        assert_eq!(rack.divisible.unwrap().quantity.unwrap()["mem"], 64 << 30);

        assert_eq!(
            document.keys[0].new_key("lab").expires_in_ms,
            Some(2_419_200_000)
        );
        assert_eq!(document.quotas[0].spec("lab").quantity_max["mem"], 32 << 30);
    }

    #[test]
    fn an_error_names_line_and_key() {
        for (text, named) in [
            (
                "name = \"a\"\n[[pool]]\nname = \"p\"\nwarmth = 2\n",
                "warmth",
            ),
            (
                "name = \"a\"\n[[pool]]\nname = \"p\"\nlease = { ttl = \"30\" }\n",
                "not a duration",
            ),
            (
                "name = \"a\"\n[[host]]\nname = \"h\"\ndriver = \"rkt\"\n",
                "rkt",
            ),
        ] {
            let error = toml::from_str::<Document>(text).unwrap_err().to_string();
            assert!(error.contains("line 4") && error.contains(named), "{error}");
        }
        assert!(
            toml::from_str::<Document>("")
                .unwrap_err()
                .to_string()
                .contains("name")
        );
    }
}
