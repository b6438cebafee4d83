//! `/api/v1/hosts`: where built resources live.

mod check;
mod defaults;
mod source;

use std::collections::BTreeMap;
use std::fmt;

use caviada_core::id::HostId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::attribute::{Attributes, Labels};
use crate::pool::Counts;
use crate::quantity::Quantity;
use crate::timestamp::Timestamp;

pub use check::{CheckHost, HostCheck, HostFinding, Verdict};
pub use defaults::{HostDefaults, LogLevel, Ulimit};
pub use source::{HostImages, RegistryCredential};

/// `PUT /hosts/{name}`: the whole host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// How it is spoken to.
    pub driver: DriverName,
    /// Where: `unix:///var/run/docker.sock`, `tcp://10.0.0.5:2376`, `ssh://user@host`. The
    /// driver's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Address under which holders reach what runs there; the engine's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<String>,
    /// What it holds. `resources` counts built resources, whatever their size; other dimensions
    /// meet the `needs` of pools.
    #[serde(default, skip_serializing_if = "Quantity::is_empty")]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub capacity: Quantity,
    /// Takes grants and new builds; holders keep theirs either way.
    #[serde(default = "yes")]
    pub schedulable: bool,
    /// Is emptied: what nobody holds goes and is built elsewhere, what is held once it is given
    /// back; what is withheld stays. Only with `schedulable` = false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drain: bool,
    /// Is filled to its capacity within the pools' maxima, whatever `warm` says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub autofill: bool,
    /// Host ports that resources may publish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<HostPorts>,
    /// Addresses that resources' networks are cut from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<HostSubnets>,
    /// What services get there where their template says nothing.
    #[serde(default, skip_serializing_if = "HostDefaults::is_empty")]
    pub defaults: HostDefaults,
    /// Where its images come from.
    #[serde(default, skip_serializing_if = "HostImages::is_empty")]
    pub images: HostImages,
    /// Built at once, at most; 4 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builds_max: Option<u32>,
    /// Given up after it has not been seen for so long, in milliseconds; 5 minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_after_ms: Option<u64>,
    /// How the driver proves who it is, by files on the server: `tls_ca`, `tls_cert`, `tls_key`,
    /// `ssh_key`, `ssh_known_hosts`. For a swarm also `publish` (`ingress` or `host`) and
    /// `constraints` (`node.role==worker,node.labels.disk==ssd`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Facts; what is built here has them too.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    #[schema(value_type = BTreeMap<String, crate::attribute::Attribute>)]
    pub attributes: Attributes,
    /// For choosing.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub labels: Labels,
    /// Speak plain TCP to an engine: whoever reaches its port owns the machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_plain_tcp: bool,
    /// The same without files, sealed in the store. Never shown; when absent the stored one stays,
    /// an empty one removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<HostCredential>,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
}

fn yes() -> bool {
    true
}

impl HostSpec {
    /// A schedulable host of `driver`, all else by default.
    pub fn new(driver: DriverName) -> Self {
        Self {
            driver,
            address: None,
            reach: None,
            capacity: Quantity::new(),
            schedulable: true,
            drain: false,
            autofill: false,
            ports: None,
            subnets: None,
            defaults: HostDefaults::default(),
            images: HostImages::default(),
            builds_max: None,
            lost_after_ms: None,
            options: BTreeMap::new(),
            attributes: Attributes::new(),
            labels: Labels::new(),
            allow_plain_tcp: false,
            credential: None,
            declared_in: None,
        }
    }
}

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriverName {
    /// A Docker engine.
    Docker,
    /// A Docker swarm, by the engine of one of its managers.
    Swarm,
    /// A Kubernetes cluster.
    Kubernetes,
    /// Processes beside the server.
    Process,
    /// A worker that dials in.
    Agent,
}

/// Host ports, handed out in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostPorts {
    /// First port, above 1023.
    pub first: u16,
    /// Last port, included.
    pub last: u16,
    /// Ports in one block, one block per resource.
    pub block: u16,
}

/// Addresses for resources' own networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostSubnets {
    /// IPv4: `10.200.0.0/16`.
    pub range: String,
    /// Prefix length of one resource's network, 16 to 29.
    pub prefix: u8,
}

/// What proves to a host who we are; PEM texts. Its `Debug` says only what is set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct HostCredential {
    /// Authorities that may have signed the host's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// Our certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_pem: Option<String>,
    /// Private key for SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_key_pem: Option<String>,
    /// Lines of the known_hosts file that the host must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_known_hosts: Option<String>,
}

impl fmt::Debug for HostCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCredential")
            .field("ca_pem", &self.ca_pem.is_some())
            .field("certificate_pem", &self.certificate_pem.is_some())
            .field("key_pem", &self.key_pem.is_some())
            .field("ssh_key_pem", &self.ssh_key_pem.is_some())
            .field("ssh_known_hosts", &self.ssh_known_hosts.is_some())
            .finish()
    }
}

/// `PATCH /hosts/{name}`: what is absent stays. `{"schedulable": false}` cordons, `{"drain": true}`
/// empties and so cordons, `{"schedulable": true}` takes both back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct HostPatch {
    /// Takes grants and new builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedulable: Option<bool>,
    /// Is emptied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<bool>,
    /// Is filled to its capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autofill: Option<bool>,
}

/// `DELETE /hosts/{name}`, in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DeleteHost {
    /// It will not come back: what is on it counts as gone, and is removed should it return.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forget: bool,
}

/// Whether a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// Not looked at yet.
    Unseen,
    /// It answered the last look.
    Seen,
    /// It did not; nothing is concluded from that but that nothing new is placed there.
    Missing,
    /// It has not answered for longer than the host time-out.
    Lost,
}

/// A host as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Host {
    /// `host_…`.
    #[schema(value_type = String)]
    pub id: HostId,
    /// DNS-like, unique.
    pub name: String,
    /// What was put, without the credential.
    pub spec: HostSpec,
    /// A credential is stored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub credential_stored: bool,
    /// Registries for which a credential is stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registries_stored: Vec<String>,
    /// Whether it answers.
    pub state: HostState,
    /// When it last did, as far as the server has looked since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// Why it does not, or why nothing can be built there, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it is, as it said itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<HostFacts>,
    /// Of its capacity: what is taken.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, u64>)]
    pub reserved: Quantity,
    /// Its resources by state.
    pub counts: Counts,
    /// It is emptied, and something is left on it; one that was deleted goes with its last resource.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
    /// When it was declared.
    pub created_at: Timestamp,
    /// Number of the last event that changed it; also in `ETag`.
    pub etag: String,
}

/// What a host is and has, asked for once a minute; absent where it does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
pub struct HostFacts {
    /// The version spoken with it.
    pub version: String,
    /// Logical processors.
    pub cpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Thousandths of a processor in use by everybody there, on average since it was asked before;
    /// told of the server's own machine only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_used_millicores: Option<u64>,
    /// Memory in use by everybody there, without what could be had at once; told of the server's own
    /// machine only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_bytes: Option<u64>,
    /// Containers of everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<u64>,
    /// Those that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers_running: Option<u64>,
    /// Networks of everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<u64>,
    /// Images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<u64>,
    /// Their bytes, what several share counted for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_bytes: Option<u64>,
    /// Left on the disk where it keeps things, if that is the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
    /// All of that disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_one_line_is_schedulable() {
        let spec: HostSpec = serde_json::from_str(r#"{"driver":"docker"}"#).unwrap();
        assert_eq!(spec, HostSpec::new(DriverName::Docker));
        assert!(spec.schedulable);
    }

    #[test]
    fn a_credential_does_not_print_itself() {
        let credential = HostCredential {
            key_pem: Some("hush".into()),
            ..HostCredential::default()
        };
        assert!(!format!("{credential:?}").contains("hush"));
        let registry = RegistryCredential {
            username: Some("robot-7".into()),
            password: Some("hush".into()),
            identity_token: Some("hush".into()),
        };
        let mut spec = HostSpec::new(DriverName::Docker);
        spec.images.registries.insert("r.example".into(), registry);
        let text = format!("{spec:?}");
        assert!(
            !text.contains("hush") && !text.contains("robot-7"),
            "{text}"
        );
    }
}
