//! How each version shows a cluster.

use caviada_core::access::Verb;
use caviada_core::attribute::ValueRef;
use caviada_core::host::Host;
use caviada_core::lease::Lease;
use caviada_core::resource::{Health, Resource, ResourceState};
use caviada_core::state::State;
use caviada_core::time::Time;
use serde_json::{Map, Value};

use super::field::{access_points, gmt, iso};
use super::{Id, MODE, PLUGIN, SIZE, long_id, text};
use crate::compat::poolmanager::caller::Caller;
use crate::compat::poolmanager::record::Record;
use crate::compat::poolmanager::version::Version;

/// How a version shows clusters to somebody.
pub(in crate::compat::poolmanager) struct View<'a> {
    pub version: Version,
    pub caller: &'a Caller,
    /// Where hosts are looked up; without it they are not named.
    pub state: Option<&'a State>,
}

impl View<'_> {
    /// A cluster that was just given to somebody: as much of it as apply tells.
    pub fn given(&self, r: &Resource, lease: &Lease) -> Record {
        let mut record = Record::default();
        let (daemon, points) = (self.daemon_url(r), access_points(r, self.version));
        record
            .put("id", Id::of(r).to_string())
            .put("name", r.doc.name.as_str())
            .put("user_id", lease.owner.as_str());
        match self.version {
            Version::Pm1 => {
                record.put("api_url", points.api_url());
            }
            Version::Pm2 => {
                record
                    .put("daemon_url", daemon)
                    .put("api_url", points.api_url())
                    .put(PLUGIN, text(r, PLUGIN))
                    .put(MODE, text(r, MODE))
                    .put(SIZE, size(r));
            }
            _ => return self.whole(r, Some(lease)),
        }
        record
    }

    /// All that there is to tell of a cluster.
    pub fn whole(&self, r: &Resource, lease: Option<&Lease>) -> Record {
        let version = self.version;
        let mut record = Record::default();
        record
            .put("id", Id::of(r).to_string())
            .put("name", r.doc.name.as_str())
            .put("user_id", self.user_id(r, lease));
        self.place(r, &mut record);
        let points = access_points(r, version);
        // 0.6 keeps it to itself, and from 0.8 on it is nearly always empty.
        match version {
            Version::Cello06 => {}
            Version::Cello08 | Version::Cello09 => drop(record.put("api_url", "")),
            _ => drop(record.put("api_url", points.api_url())),
        }
        if !version.is_pm() {
            record
                .put("service_url", points.service_url())
                .put("mapped_ports", points.mapped_ports());
        }
        if version >= Version::Cello07 {
            record.put("service_ports", points.service_ports());
        }
        if matches!(version, Version::Cello06 | Version::Cello07) {
            record.put("fabric_version", or(text(r, "fabric_version"), "1.0.0"));
        }
        if version >= Version::Cello07 {
            record.put("network_type", or(text(r, "network_type"), "fabric-1.0"));
        }
        record.put(PLUGIN, text(r, PLUGIN));
        if version <= Version::Cello07 {
            record.put(MODE, text(r, MODE));
        }
        record.put(SIZE, size(r));
        self.times(r, lease, &mut record);
        if version <= Version::Cello07 {
            record.put("node_containers", Map::new());
        }
        match version >= Version::Cello08 {
            true => record.put("containers", Vec::<Value>::new()),
            false => record.put("containers", Map::new()),
        };
        if !version.is_pm() {
            record
                .put("status", self.status(r))
                .put("health", health(r));
        }
        record
    }

    /// Looks at what is told at little cost: most of a long list is built for nothing otherwise.
    pub fn may_fit(
        &self,
        r: &Resource,
        lease: Option<&Lease>,
        conditions: &[(String, Value)],
    ) -> bool {
        conditions.iter().all(|(name, wanted)| match &**name {
            "id" => *wanted == Id::of(r).to_string(),
            "name" => *wanted == r.doc.name.as_str(),
            "user_id" => *wanted == self.user_id(r, lease),
            "host_id" => *wanted == host_id(r),
            PLUGIN => *wanted == text(r, PLUGIN),
            _ => true,
        })
    }

    /// Where it stands.
    fn place(&self, r: &Resource, record: &mut Record) {
        let version = self.version;
        if version >= Version::Pm2 {
            record.put("host_id", host_id(r));
        }
        if version.names_hosts() {
            record.put("host", self.host(r).map_or("", |h| h.name.as_str()));
        }
        let daemon = self.daemon_url(r);
        if version <= Version::Cello07 {
            record.put("daemon_url", daemon.clone());
        }
        if version >= Version::Cello07 {
            record.put("worker_api", daemon);
        }
    }

    fn times(&self, r: &Resource, lease: Option<&Lease>, record: &mut Record) {
        let version = self.version;
        let time = |at: Option<Time>| match (at, version) {
            (Some(at), Version::Cello08 | Version::Cello09) => iso(at),
            (Some(at), _) => gmt(at),
            (None, Version::Cello08 | Version::Cello09) => Value::Null,
            (None, _) => "".into(),
        };
        let came_up = (r.generation > 0 || r.site().is_none()).then_some(r.born_at);
        record
            .put("create_ts", time(came_up))
            .put("apply_ts", time(lease.and_then(|l| l.granted_at)))
            .put("release_ts", time(None));
        match version {
            Version::Pm1 => {}
            Version::Cello08 | Version::Cello09 => drop(record.put("duration", 0)),
            _ => drop(record.put("duration", "")),
        }
    }

    /// Whose it is, or what is being done with it in nobody's name.
    fn user_id(&self, r: &Resource, lease: Option<&Lease>) -> String {
        let end = if self.version == Version::Pm2 {
            "__"
        } else {
            ""
        };
        match (lease, r.state) {
            (Some(lease), _) => lease.owner.to_string(),
            (None, ResourceState::Free | ResourceState::Leased) => String::new(),
            (None, ResourceState::Withheld) if is_stopped(r) => String::new(),
            (None, ResourceState::Planned | ResourceState::Creating) => {
                format!("__SYSTEM__CREATING{end}")
            }
            (None, ResourceState::Dirty | ResourceState::Cleaning | ResourceState::Deleting) => {
                format!("__SYSTEM__DELETING{end}")
            }
            (None, ResourceState::Failed | ResourceState::Withheld) => {
                format!("__SYSTEM__RESETTING{end}")
            }
        }
    }

    fn status(&self, r: &Resource) -> &'static str {
        match r.state {
            _ if is_stopped(r) => "stopped",
            _ if self.version < Version::Cello08 => "running",
            ResourceState::Planned | ResourceState::Creating => "creating",
            ResourceState::Dirty | ResourceState::Cleaning | ResourceState::Deleting => "deleting",
            _ => "running",
        }
    }

    fn host(&self, r: &Resource) -> Option<&Host> {
        let host = self.state?.hosts.get(&r.site()?.host)?;
        Some(host)
    }

    /// The engine's address; whoever knows it has the host, so only operators are told.
    fn daemon_url(&self, r: &Resource) -> String {
        if !self.caller.may(Verb::SeeHosts) {
            return String::new();
        }
        self.host(r)
            .map_or(String::new(), |h| h.spec.address.to_string())
    }
}

/// Somebody stopped all of it.
fn is_stopped(r: &Resource) -> bool {
    r.power.as_ref().is_some_and(|p| p.stopped)
}

fn host_id(r: &Resource) -> String {
    let site = r.site().map(|site| long_id(site.host.0));
    site.unwrap_or_default()
}

fn or(text: String, default: &str) -> String {
    match text.is_empty() {
        true => default.to_owned(),
        false => text,
    }
}

pub(super) fn size(r: &Resource) -> Value {
    match r.doc.attributes.get(SIZE).map(ValueRef::canonical) {
        Some(ValueRef::Number(n)) => n.into(),
        _ => 4.into(),
    }
}

fn health(r: &Resource) -> &'static str {
    match (r.state, r.health) {
        _ if is_stopped(r) => "",
        (ResourceState::Free | ResourceState::Leased, Health::Ill) => "FAIL",
        (ResourceState::Free | ResourceState::Leased, _) => "OK",
        (ResourceState::Failed, _) => "FAIL",
        _ => "",
    }
}
