//! What a host is: where built resources live.

mod defaults;
mod source;
pub mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attribute::{Attributes, Labels};
use crate::event::Number;
use crate::id::{HostId, PoolId};
use crate::name::Name;
use crate::space::Amounts;
use crate::time::Time;

pub use defaults::{Defaults, LogLevel};
pub use source::{Sources, registry_place};

/// A host as State holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// From the ledger's counter.
    pub id: HostId,
    /// Unique among hosts.
    pub name: Name,
    /// What its operator asked for.
    pub spec: Arc<HostSpec>,
    /// The reconciler sees it. A new host is not seen until it is.
    pub seen: bool,
    /// When it is given up, unless it is seen before.
    pub lost_at: Option<Time>,
    /// It was given up: its free members are replaced elsewhere.
    pub lost: bool,
    /// Deleted without waiting for it: what stands on it counts as gone.
    pub forgotten: bool,
    /// Deleted: no new builds, its members go, and it ends with the last.
    pub retiring: bool,
    /// Port blocks in which a port was found taken by somebody else.
    pub quarantined: BTreeSet<u32>,
    /// Pools whose builds fail here and have to wait.
    pub backoffs: BTreeMap<PoolId, Backoff>,
    /// When it was declared, in ledger time.
    pub made_at: Time,
    /// Number of the last event that changed it: its ETag.
    pub changed: Number,
}

/// What a host's operator asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// `docker`, `process`, …
    pub driver: Box<str>,
    /// Where the engine is (`unix:///var/run/docker.sock`); read by the driver.
    pub address: Box<str>,
    /// How the driver proves who it is: option → value (file names, never secrets).
    pub options: BTreeMap<Box<str>, Box<str>>,
    /// The same without files: sealed for the place [`credential_place`] names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Box<str>>,
    /// Address under which holders reach what runs here; empty leaves it to the driver.
    pub reach: Box<str>,
    /// Most resources at once.
    pub capacity: u32,
    /// What else it has (`cpu`, `mem`), for the pools whose members need some of it.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub holds: Amounts,
    /// May be given new builds, and its free members may be granted.
    pub schedulable: bool,
    /// Emptied: what nobody holds goes now and is built elsewhere, what is held once it is given
    /// back; what is withheld stays. Only while it is not schedulable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drain: bool,
    /// Filled to its capacity within the pools' max, whatever their warm says.
    pub autofill: bool,
    /// Host ports that may be given to resources.
    pub ports: Option<PortRange>,
    /// Network that may be cut into subnets for resources.
    pub network: Option<Network>,
    /// What services get there where their template says nothing.
    #[serde(default, skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
    /// Where its images come from.
    #[serde(default, skip_serializing_if = "Sources::is_empty")]
    pub images: Sources,
    /// Creating and cleaning at once.
    pub builds_max: u32,
    /// Typed facts.
    pub attributes: Attributes,
    /// For choosing.
    pub labels: Labels,
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    pub declared_in: Option<Box<str>>,
    /// Not seen for this long, it is lost, in milliseconds.
    pub lost_after_ms: u64,
}

/// Host ports in blocks of fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// First port.
    pub first: u16,
    /// Last port, included.
    pub last: u16,
    /// Ports per resource.
    pub block: u16,
}

/// A network in subnets of fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// First address.
    pub address: Ipv4Addr,
    /// Prefix length of the whole.
    pub prefix: u8,
    /// Prefix length of each resource's part.
    pub subnet: u8,
}

/// Builds of one pool fail on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Kind of the last failure: one of a driver's few words, never its text.
    pub cause: Box<str>,
    /// Failures in a row of that kind: another one begins at one again.
    pub tries: u32,
    /// No build before; none once that passed.
    pub until: Option<Time>,
    /// Number of the event with which it last began: what was under way then and fails later is
    /// no failure more.
    #[serde(default)]
    pub since: Number,
}

/// What a host's credential is sealed for.
pub fn credential_place(name: &Name) -> String {
    format!("host/{name}/credential")
}

impl Host {
    /// One that nobody has seen yet.
    pub fn new(id: HostId, name: Name, spec: HostSpec, now: Time) -> Self {
        Self {
            id,
            name,
            spec: Arc::new(spec),
            seen: false,
            lost_at: None,
            lost: false,
            forgotten: false,
            retiring: false,
            quarantined: BTreeSet::new(),
            backoffs: BTreeMap::new(),
            made_at: now,
            changed: Number::default(),
        }
    }

    /// May its free members be granted?
    pub fn offers(&self) -> bool {
        self.seen && self.spec.schedulable && !self.retiring
    }

    /// Next instant at which something about it is due.
    pub fn due(&self) -> Option<Time> {
        self.backoffs
            .values()
            .filter_map(|b| b.until)
            .chain(self.lost_at)
            .min()
    }
}

impl PortRange {
    /// Number of whole blocks.
    pub fn blocks(&self) -> u32 {
        (u32::from(self.last) + 1).saturating_sub(u32::from(self.first))
            / u32::from(self.block.max(1))
    }

    /// First port of a block.
    pub fn first_of(&self, block: u32) -> Option<u16> {
        u16::try_from(u32::from(self.first) + block * u32::from(self.block)).ok()
    }
}

impl Network {
    /// Number of subnets.
    pub fn subnets(&self) -> u32 {
        1u32.checked_shl(u32::from(self.subnet.saturating_sub(self.prefix)))
            .unwrap_or(u32::MAX)
    }

    /// First address of a subnet.
    pub fn first_of(&self, subnet: u32) -> Ipv4Addr {
        let size = 1u32
            .checked_shl(32 - u32::from(self.subnet.min(32)))
            .unwrap_or(0);
        Ipv4Addr::from(u32::from(self.address).wrapping_add(subnet.wrapping_mul(size)))
    }
}
