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

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::attribute::{Attributes, Labels};
use crate::duration::Duration;
use crate::host::{DriverName, HostPorts, HostSpec, HostSubnets};
use crate::key::{NewKey, Role};
use crate::lease::SliceSize;
use crate::pool::{
    LeasePolicy, OnBad, OnEmpty, Pick, Placement, PoolSpec, RecycleClass, RecyclePolicy, Visibility,
};
use crate::quantity::{Amount, Quantity};
use crate::quota::{PoolQuota, QuotaSpec};
use crate::resource::{DeclaredState, Divisible, ResourceSpec, WithheldReason};

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

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostEntry {
    /// DNS-like, unique.
    pub name: String,
    /// How it is spoken to.
    pub driver: DriverName,
    /// Where.
    #[serde(default)]
    pub address: Option<String>,
    /// What it holds.
    #[serde(default)]
    pub capacity: BTreeMap<String, Amount>,
    /// Takes grants and new builds.
    #[serde(default = "yes")]
    pub schedulable: bool,
    /// Is filled to its capacity.
    #[serde(default)]
    pub autofill: bool,
    /// Host ports that resources may publish.
    #[serde(default)]
    pub ports: Option<HostPorts>,
    /// Addresses that resources' networks are cut from.
    #[serde(default)]
    pub subnets: Option<HostSubnets>,
    /// Built at once, at most.
    #[serde(default)]
    pub builds_max: Option<u32>,
    /// Facts.
    #[serde(default)]
    pub attributes: Attributes,
    /// For choosing.
    #[serde(default)]
    pub labels: Labels,
    /// Speak plain TCP to an engine.
    #[serde(default)]
    pub allow_plain_tcp: bool,
    /// Files that prove who we are.
    #[serde(default)]
    pub credential: Option<CredentialFiles>,
}

fn yes() -> bool {
    true
}

/// Files with what proves to a host who we are, relative to the document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct CredentialFiles {
    /// Authorities.
    pub ca_file: Option<String>,
    /// Our certificate.
    pub certificate_file: Option<String>,
    /// Its key.
    pub key_file: Option<String>,
    /// Private key for SSH.
    pub ssh_key_file: Option<String>,
    /// known_hosts for SSH.
    pub ssh_known_hosts_file: Option<String>,
}

impl HostEntry {
    /// What is put, without the credential, whose files the caller reads.
    pub fn spec(&self, declared_in: &str) -> HostSpec {
        HostSpec {
            driver: self.driver,
            address: self.address.clone(),
            capacity: quantity(&self.capacity),
            schedulable: self.schedulable,
            autofill: self.autofill,
            ports: self.ports,
            subnets: self.subnets.clone(),
            builds_max: self.builds_max,
            attributes: self.attributes.clone(),
            labels: self.labels.clone(),
            allow_plain_tcp: self.allow_plain_tcp,
            credential: None,
            declared_in: Some(declared_in.to_owned()),
        }
    }
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolEntry {
    /// DNS-like, unique.
    pub name: String,
    /// Resources are built from this template; without one they are declared.
    #[serde(default)]
    pub template: Option<String>,
    /// Inputs of the template.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// What one built resource takes of its host's capacity.
    #[serde(default)]
    pub needs: BTreeMap<String, Amount>,
    /// Free ones kept ready.
    #[serde(default)]
    pub warm: u32,
    /// Most there may be.
    #[serde(default)]
    pub max: Option<u32>,
    /// Bounds of leases.
    #[serde(default)]
    pub lease: LeaseEntry,
    /// How a used one becomes clean.
    #[serde(default)]
    pub recycle: RecycleEntry,
    /// Which free one goes first.
    #[serde(default)]
    pub pick: Pick,
    /// Who sees the pool and its holders.
    #[serde(default)]
    pub visibility: Visibility,
    /// What happens to a lease whose resource goes bad.
    #[serde(default)]
    pub on_bad: OnBad,
    /// How built ones are spread over hosts.
    #[serde(default)]
    pub placement: Placement,
    /// Attributes with an index.
    #[serde(default)]
    pub indexed: Vec<String>,
    /// What an acquire that does not say gets from an empty pool.
    #[serde(default)]
    pub on_empty: OnEmpty,
    /// Built at once, at most.
    #[serde(default)]
    pub builds_max: Option<u32>,
    /// A free one on a lost host is replaced after so long.
    #[serde(default)]
    pub replace_after: Option<Duration>,
    /// A dirty one that nobody cleans raises an alert after so long.
    #[serde(default)]
    pub dirty_alert: Option<Duration>,
}

/// Bounds of leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LeaseEntry {
    /// For callers who name none; `none` gives leases without deadline.
    pub ttl: Option<Ttl>,
    /// The furthest a deadline may lie from the grant.
    pub ttl_max: Option<Duration>,
    /// First deadline of a lease that had to wait.
    pub claim_within: Option<Duration>,
    /// Longest wait.
    pub wait_max: Option<Duration>,
}

/// A duration, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Leases end by themselves after so long.
    After(Duration),
    /// They do not.
    Never,
}

impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        if text == "none" {
            return Ok(Self::Never);
        }
        text.parse()
            .map(Self::After)
            .map_err(serde::de::Error::custom)
    }
}

/// How a used resource becomes clean.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecycleEntry {
    /// The way.
    pub class: Option<RecycleClass>,
    /// Not granted again for so long after cleaning.
    pub cooldown: Option<Duration>,
    /// Replaced once older than this.
    pub age_max: Option<Duration>,
    /// Replaced after so many uses.
    pub uses_max: Option<u32>,
    /// A cleaning that takes longer has failed.
    pub clean_max: Option<Duration>,
    /// Called for each dirty resource.
    pub hook_url: Option<String>,
}

impl PoolEntry {
    /// What is put.
    pub fn spec(&self, declared_in: &str) -> PoolSpec {
        let ms = |duration: Option<Duration>| duration.map(|d| d.0);
        PoolSpec {
            template: self.template.clone(),
            parameters: self.parameters.clone(),
            needs: quantity(&self.needs),
            warm: self.warm,
            max: self.max,
            lease: LeasePolicy {
                ttl_ms: match self.lease.ttl {
                    Some(Ttl::After(ttl)) => Some(ttl.0),
                    _ => None,
                },
                ttl_ms_max: ms(self.lease.ttl_max),
                no_deadline: self.lease.ttl == Some(Ttl::Never),
                claim_within_ms: ms(self.lease.claim_within),
                wait_ms_max: ms(self.lease.wait_max),
            },
            recycle: RecyclePolicy {
                class: self.recycle.class,
                cooldown_ms: ms(self.recycle.cooldown),
                age_ms_max: ms(self.recycle.age_max),
                uses_max: self.recycle.uses_max,
                clean_ms_max: ms(self.recycle.clean_max),
                hook_url: self.recycle.hook_url.clone(),
            },
            pick: self.pick,
            visibility: self.visibility.clone(),
            on_bad: self.on_bad,
            placement: self.placement,
            indexed: self.indexed.clone(),
            on_empty: self.on_empty,
            builds_max: self.builds_max,
            replace_after_ms: ms(self.replace_after),
            dirty_alert_ms: ms(self.dirty_alert),
            declared_in: Some(declared_in.to_owned()),
        }
    }
}

/// Declared resources that differ only in their names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceEntry {
    /// Its pool.
    pub pool: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Several names.
    #[serde(default)]
    pub names: Vec<String>,
    /// Facts.
    #[serde(default)]
    pub attributes: Attributes,
    /// For choosing.
    #[serde(default)]
    pub labels: Labels,
    /// How to reach it; `{name}` stands for the resource's name.
    #[serde(default)]
    pub endpoints: BTreeMap<String, String>,
    /// How it begins.
    #[serde(default)]
    pub state: DeclaredState,
    /// Why, if it begins withheld.
    #[serde(default)]
    pub reason: Option<WithheldReason>,
    /// Addresses to cut slices from.
    #[serde(default)]
    pub range: Option<String>,
    /// Ports to cut slices from.
    #[serde(default)]
    pub ports: Option<String>,
    /// Amounts to cut slices from.
    #[serde(default)]
    pub quantity: Option<BTreeMap<String, Amount>>,
    /// Size of a slice for callers who name none.
    #[serde(default)]
    pub slice: Option<SliceEntry>,
    /// Never handed out.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Size of a slice: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceEntry {
    /// Prefix length.
    Prefix(u8),
    /// Ports in a row.
    Ports(u32),
    /// Amounts.
    Quantity(BTreeMap<String, Amount>),
}

impl ResourceEntry {
    /// All names, in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.iter().chain(&self.names).map(String::as_str)
    }

    /// What is declared, one for each name.
    pub fn specs(&self, declared_in: &str) -> Vec<ResourceSpec> {
        self.names()
            .map(|name| self.spec(name, declared_in))
            .collect()
    }

    fn spec(&self, name: &str, declared_in: &str) -> ResourceSpec {
        let whole = self.range.is_some() || self.ports.is_some() || self.quantity.is_some();
        let part = self.slice.is_some() || !self.exclude.is_empty();
        ResourceSpec {
            pool: self.pool.clone(),
            name: name.to_owned(),
            attributes: self.attributes.clone(),
            labels: self.labels.clone(),
            endpoints: self
                .endpoints
                .iter()
                .map(|(key, value)| (key.clone(), value.replace("{name}", name)))
                .collect(),
            state: self.state,
            reason: self.reason,
            divisible: (whole || part).then(|| Divisible {
                range: self.range.clone(),
                ports: self.ports.clone(),
                quantity: self.quantity.as_ref().map(quantity),
                slice: self.slice.as_ref().map(|slice| match slice {
                    SliceEntry::Prefix(prefix) => SliceSize::Prefix(*prefix),
                    SliceEntry::Ports(count) => SliceSize::Ports(*count),
                    SliceEntry::Quantity(amounts) => SliceSize::Quantity(quantity(amounts)),
                }),
                exclude: self.exclude.clone(),
            }),
            declared_in: Some(declared_in.to_owned()),
        }
    }
}

/// A key. Its secret never stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For whom it speaks; its name when absent.
    #[serde(default)]
    pub owner: Option<String>,
    /// Groups of the owner.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Owners it may speak for.
    #[serde(default)]
    pub act_for: Vec<String>,
    /// It stops working so long after it was made.
    #[serde(default)]
    pub expires_in: Option<Duration>,
    /// Environment variable with the secret; without one the server makes it and `load` prints it.
    #[serde(default)]
    pub secret_env: Option<String>,
}

impl KeyEntry {
    /// What is posted, without the secret, which the caller looks up.
    pub fn new_key(&self, declared_in: &str) -> NewKey {
        NewKey {
            name: self.name.clone(),
            role: self.role,
            owner: self.owner.clone(),
            groups: self.groups.clone(),
            act_for: self.act_for.clone(),
            expires_in_ms: self.expires_in.map(|d| d.0),
            secret: None,
            declared_in: Some(declared_in.to_owned()),
        }
    }
}

/// A quota.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaEntry {
    /// Whose.
    pub owner: String,
    /// Leases.
    #[serde(default)]
    pub leases_max: Option<u32>,
    /// Resources in them.
    #[serde(default)]
    pub resources_max: Option<u32>,
    /// Amounts of divisible resources.
    #[serde(default)]
    pub quantity_max: BTreeMap<String, Amount>,
    /// Further bounds within single pools.
    #[serde(default)]
    pub pools: BTreeMap<String, PoolQuota>,
}

impl QuotaEntry {
    /// What is put.
    pub fn spec(&self, declared_in: &str) -> QuotaSpec {
        QuotaSpec {
            leases_max: self.leases_max,
            resources_max: self.resources_max,
            quantity_max: quantity(&self.quantity_max),
            pools: self.pools.clone(),
            declared_in: Some(declared_in.to_owned()),
        }
    }
}

fn quantity(amounts: &BTreeMap<String, Amount>) -> Quantity {
    amounts.iter().map(|(k, v)| (k.clone(), v.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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

        [[resource]]
        pool = "boards"
        names = ["b1", "b2"]
        attributes = { cores = 4 }
        endpoints = { ssh = "{name}.lab:22" }

        [[resource]]
        pool = "nets"
        name = "lab"
        range = "10.0.0.0/24"
        slice = { prefix = 28 }
        exclude = ["10.0.0.0/30"]

        [[resource]]
        pool = "compute"
        name = "rack"
        quantity = { cpu = 16, mem = "64Gi" }
        slice = { quantity = { cpu = 1, mem = "1Gi" } }

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
        pools = { boards = { resources_max = 1 } }
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
        assert_eq!(document.hosts[0].spec("lab").capacity["mem"], 64 << 30);

        let boards = document.resources[0].specs("lab");
        assert_eq!(boards.len(), 2);
        assert_eq!(boards[1].endpoints["ssh"], "b2.lab:22");
        assert_eq!(boards[1].divisible, None);
        let nets = document.resources[1].specs("lab").remove(0);
        assert_eq!(nets.divisible.unwrap().slice, Some(SliceSize::Prefix(28)));
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
