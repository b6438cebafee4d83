//! Hosts in a file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::quantity;
use crate::attribute::{Attributes, Labels};
use crate::duration::Duration;
use crate::host::{DriverName, HostDefaults, HostImages, HostPorts, HostSpec, HostSubnets};
use crate::quantity::Amount;

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
    /// Address under which holders reach what runs there.
    #[serde(default)]
    pub reach: Option<String>,
    /// What it holds.
    #[serde(default)]
    pub capacity: BTreeMap<String, Amount>,
    /// Takes grants and new builds. Absent, it stays as somebody set it; a new one does.
    #[serde(default)]
    pub schedulable: Option<bool>,
    /// Is emptied, and takes nothing. Absent, it stays as somebody set it; a new one is not.
    #[serde(default)]
    pub drain: Option<bool>,
    /// Is filled to its capacity.
    #[serde(default)]
    pub autofill: bool,
    /// Host ports that resources may publish.
    #[serde(default)]
    pub ports: Option<HostPorts>,
    /// Addresses that resources' networks are cut from.
    #[serde(default)]
    pub subnets: Option<HostSubnets>,
    /// What services get there where their template says nothing.
    #[serde(default)]
    pub defaults: HostDefaults,
    /// Stands in for Docker Hub.
    #[serde(default)]
    pub mirror: Option<String>,
    /// Pull nothing before something is built of it.
    #[serde(default)]
    pub pull_late: bool,
    /// Registry → what proves there who we are.
    #[serde(default)]
    pub registries: BTreeMap<String, RegistryFiles>,
    /// Built at once, at most.
    #[serde(default)]
    pub builds_max: Option<u32>,
    /// Given up after it has not been seen for so long.
    #[serde(default)]
    pub lost_after: Option<Duration>,
    /// How the driver proves who it is, by files on the server.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
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

/// Files with what proves to a registry who we are, relative to the document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryFiles {
    /// The user.
    pub username: Option<String>,
    /// File with his password.
    pub password_file: Option<String>,
    /// File with an identity token, alone.
    pub identity_token_file: Option<String>,
}

impl HostEntry {
    /// What is put over what is there, without the credentials, whose files the caller reads. Whoever
    /// cordoned a host in the night finds it cordoned after the next load.
    pub fn spec(&self, declared_in: &str, there: Option<&HostSpec>) -> HostSpec {
        let (takes, empties) = there.map_or((true, false), |h| (h.schedulable, h.drain));
        let (schedulable, drain) = (self.schedulable, self.drain);
        HostSpec {
            driver: self.driver,
            address: self.address.clone(),
            reach: self.reach.clone(),
            capacity: quantity(&self.capacity),
            schedulable: schedulable.unwrap_or(takes && drain != Some(true)),
            drain: drain.unwrap_or(empties && schedulable != Some(true)),
            autofill: self.autofill,
            ports: self.ports,
            subnets: self.subnets.clone(),
            defaults: self.defaults.clone(),
            images: HostImages {
                mirror: self.mirror.clone(),
                late: self.pull_late,
                registries: BTreeMap::new(),
            },
            builds_max: self.builds_max,
            lost_after_ms: self.lost_after.map(|d| d.0),
            options: self.options.clone(),
            attributes: self.attributes.clone(),
            labels: self.labels.clone(),
            allow_plain_tcp: self.allow_plain_tcp,
            credential: None,
            declared_in: Some(declared_in.to_owned()),
        }
    }
}
