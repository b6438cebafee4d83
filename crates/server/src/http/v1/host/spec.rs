//! A host's spec, between the words of the API and those of `core`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use caviada_api::host::{self as wire, DriverName};
use caviada_api::quantity::Quantity;
use caviada_core::host::{HostSpec, Network, PortRange};
use caviada_core::limits;
use caviada_core::space::Amounts;

use super::{defaults, source};
use crate::host::credential::PLAIN_TCP;
use crate::http::problem::Error;
use crate::http::v1::{read, render as rendered};

/// The dimension of a host's capacity that counts resources, whatever their size.
const RESOURCES: &str = "resources";

/// What was put, with defaults where nothing was said; without its credentials.
pub fn read(wire: &wire::HostSpec) -> Result<HostSpec, Error> {
    let built = !matches!(wire.driver, DriverName::Kubernetes | DriverName::Agent);
    let driver = name(wire.driver);
    read::without(
        "driver",
        built,
        &format!("this version has no driver `{driver}` yet; there are docker, swarm and process"),
    )?;
    let options = wire.options.iter();
    let mut options: BTreeMap<Box<str>, Box<str>> = options
        .map(|(k, v)| (k.as_str().into(), v.as_str().into()))
        .collect();
    if wire.allow_plain_tcp {
        options.insert(PLAIN_TCP.into(), "allow".into());
    }
    let builds_max = limits::BUILDS_PER_HOST_DEFAULT;
    let (capacity, holds) = capacity(wire)?;
    Ok(HostSpec {
        driver: driver.into(),
        address: wire
            .address
            .as_deref()
            .unwrap_or(default_address(wire.driver))
            .into(),
        options,
        credential: None,
        reach: wire.reach.as_deref().unwrap_or_default().into(),
        capacity,
        holds,
        schedulable: wire.schedulable,
        drain: wire.drain,
        autofill: wire.autofill,
        ports: wire.ports.map(|p| PortRange {
            first: p.first,
            last: p.last,
            block: p.block,
        }),
        network: wire.subnets.as_ref().map(network).transpose()?,
        defaults: defaults::read(&wire.defaults),
        images: source::read(&wire.images),
        builds_max: wire
            .builds_max
            .unwrap_or(u32::try_from(builds_max).unwrap_or(1)),
        attributes: read::attributes("attributes", wire.attributes.clone())?,
        labels: read::labels("labels", &wire.labels)?,
        declared_in: wire.declared_in.as_deref().map(Into::into),
        lost_after_ms: wire.lost_after_ms.unwrap_or(limits::HOST_LOST_MS_DEFAULT),
    })
}

/// What was put, as it will be shown.
pub fn filled(wire: &wire::HostSpec) -> Result<wire::HostSpec, Error> {
    Ok(render(&read(wire)?))
}

/// How many resources, and how much of everything else.
fn capacity(wire: &wire::HostSpec) -> Result<(u32, Amounts), Error> {
    let mut others = wire.capacity.clone();
    let max = limits::RESOURCES_PER_HOST_MAX;
    let resources = others.remove(RESOURCES).map(u32::try_from).transpose();
    let resources = resources
        .map_err(|_| Error::invalid("capacity.resources", format!("at most {max}")))?
        .unwrap_or(limits::server::HOST_CAPACITY_DEFAULT);
    Ok((resources, read::amounts("capacity", &others)?))
}

fn network(wire: &wire::HostSubnets) -> Result<Network, Error> {
    let odd = || Error::invalid("subnets.range", "an IPv4 network like 10.200.0.0/16");
    let (address, prefix) = wire.range.split_once('/').ok_or_else(odd)?;
    let address: Ipv4Addr = address.parse().map_err(|_| odd())?;
    let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
    let prefix = prefix.parse().ok().filter(|p: &u8| digits && *p <= 32);
    Ok(Network {
        address,
        prefix: prefix.ok_or_else(odd)?,
        subnet: wire.prefix,
    })
}

fn default_address(driver: DriverName) -> &'static str {
    match driver {
        DriverName::Docker | DriverName::Swarm => "unix:///var/run/docker.sock",
        DriverName::Kubernetes | DriverName::Process | DriverName::Agent => "",
    }
}

fn name(driver: DriverName) -> &'static str {
    match driver {
        DriverName::Docker => "docker",
        DriverName::Swarm => "swarm",
        DriverName::Kubernetes => "kubernetes",
        DriverName::Process => "process",
        DriverName::Agent => "agent",
    }
}

fn driver(name: &str) -> DriverName {
    let all = [
        DriverName::Docker,
        DriverName::Swarm,
        DriverName::Kubernetes,
        DriverName::Process,
    ];
    let found = all.into_iter().find(|d| self::name(*d) == name);
    found.unwrap_or(DriverName::Agent)
}

/// One quantity of resources and everything else.
pub fn of_all(resources: u64, mut others: Quantity) -> Quantity {
    others.insert(RESOURCES.to_owned(), resources);
    others
}

/// What was put, with every default said.
pub fn render(spec: &HostSpec) -> wire::HostSpec {
    let plain = spec.options.get(PLAIN_TCP).is_some_and(|v| &**v == "allow");
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let options = spec.options.iter().filter(|(k, _)| &***k != PLAIN_TCP);
    wire::HostSpec {
        driver: driver(&spec.driver),
        address: said(&spec.address),
        reach: said(&spec.reach),
        capacity: of_all(u64::from(spec.capacity), rendered::amounts(&spec.holds)),
        schedulable: spec.schedulable,
        drain: spec.drain,
        autofill: spec.autofill,
        ports: spec.ports.map(|p| wire::HostPorts {
            first: p.first,
            last: p.last,
            block: p.block,
        }),
        subnets: spec.network.map(|n| wire::HostSubnets {
            range: format!("{}/{}", n.address, n.prefix),
            prefix: n.subnet,
        }),
        defaults: defaults::render(&spec.defaults),
        images: source::render(&spec.images),
        builds_max: Some(spec.builds_max),
        lost_after_ms: Some(spec.lost_after_ms),
        options: options
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect(),
        attributes: rendered::attributes(&spec.attributes),
        labels: rendered::labels(&spec.labels),
        allow_plain_tcp: plain,
        credential: None,
        declared_in: spec.declared_in.as_deref().map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_reads_as_it_was_put() {
        let mut put = wire::HostSpec::new(DriverName::Docker);
        put.subnets = Some(wire::HostSubnets {
            range: "10.200.0.0/16".into(),
            prefix: 24,
        });
        put.allow_plain_tcp = true;
        put.capacity.insert("resources".into(), 3);
        put.capacity.insert("cpu".into(), 16);
        let shown = render(&read(&put).unwrap());
        assert_eq!(shown.subnets, put.subnets);
        assert_eq!(shown.capacity, put.capacity);
        assert!(shown.allow_plain_tcp && shown.options.is_empty());
        assert_eq!(render(&read(&shown).unwrap()), shown);
    }

    #[test]
    fn what_a_host_cannot_be_is_named() {
        let base = || wire::HostSpec::new(DriverName::Docker);
        let mut dimensions = base();
        dimensions.capacity.insert("C P U".into(), 4);
        let mut subnets = base();
        subnets.subnets = Some(wire::HostSubnets {
            range: "10.200.0.0/+6".into(),
            prefix: 24,
        });
        for (spec, field) in [(dimensions, "capacity.C P U"), (subnets, "subnets.range")] {
            let problem = read(&spec).unwrap_err().document("r");
            assert_eq!(problem.errors[0].field, field);
        }
    }
}
