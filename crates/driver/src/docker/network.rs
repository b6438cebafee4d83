//! A resource's own networks, with subnets small enough that a host holds hundreds.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use tokio::time::Instant;

use super::call::Call;
use super::label::{self, Mark};
use super::site::Pause;
use crate::blueprint::{Blueprint, Service, Subnet};
use crate::{DriverError, Failure, Identity};

/// The network of services that name none; Compose's word.
pub(super) const DEFAULT: &str = "default";

/// A network with fewer addresses has no place for a gateway and a service.
const PREFIX_MAX: u8 = 30;

/// A subnet may be taken for so long by a network of ours that the engine does not list: one that it
/// still makes for a call that was given up, or still removes.
const TAKEN_PATIENCE: Duration = Duration::from_secs(5);

/// The networks a blueprint really uses, the default one first, each with its part of the subnet.
pub(super) fn layout(blueprint: &Blueprint) -> Result<Vec<(&str, Option<Subnet>)>, String> {
    let members = |network| {
        blueprint
            .services
            .iter()
            .filter(|s| joins(s, network))
            .count()
    };
    let mut names = Vec::new();
    if members(DEFAULT) > 0 {
        names.push(DEFAULT);
    }
    names.extend(
        blueprint
            .networks
            .iter()
            .map(String::as_str)
            .filter(|n| *n != DEFAULT),
    );
    let Some(subnet) = blueprint.subnet else {
        return Ok(names.into_iter().map(|n| (n, None)).collect());
    };
    let parts = carve(subnet, names.len()).ok_or_else(|| {
        format!(
            "/{} is too small for {} networks",
            subnet.prefix,
            names.len()
        )
    })?;
    for (name, part) in names.iter().zip(&parts) {
        // Network address, broadcast and gateway are nobody's.
        let room = (1u64 << (32 - part.prefix)) - 3;
        let services = members(name) as u64;
        if services > room {
            return Err(format!(
                "network {name}: /{} holds {room} services, not {services}",
                part.prefix
            ));
        }
    }
    Ok(names.into_iter().zip(parts.into_iter().map(Some)).collect())
}

fn joins(service: &Service, network: &str) -> bool {
    service.networks.contains_key(network) || (service.networks.is_empty() && network == DEFAULT)
}

/// Cuts a subnet into `count` equal parts, in order; none if they would be too small.
fn carve(subnet: Subnet, count: usize) -> Option<Vec<Subnet>> {
    let bits = u8::try_from(count.max(1).next_power_of_two().trailing_zeros()).ok()?;
    let prefix = subnet.prefix.checked_add(bits)?;
    if prefix > PREFIX_MAX || subnet.prefix < 8 {
        return None;
    }
    let base = u32::from(subnet.address) & (u32::MAX << (32 - subnet.prefix));
    let count = u32::try_from(count).ok()?;
    let part = |i: u32| Subnet {
        address: (base + (i << (32 - prefix))).into(),
        prefix,
    };
    Some((0..count).map(part).collect())
}

/// Makes one network or adopts the one that is there; `standing` says a list showed it already.
pub(super) async fn ensure(
    call: &Call<'_>,
    identity: &Identity,
    (part, subnet): (&str, Option<Subnet>),
    standing: bool,
) -> Result<(), DriverError> {
    let name = label::name(identity, part);
    let request = NetworkCreateRequest {
        name: name.clone(),
        driver: Some("bridge".to_owned()),
        ipam: subnet.map(|s| Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(format!("{}/{}", s.address, s.prefix)),
                ..IpamConfig::default()
            }]),
            ..Ipam::default()
        }),
        labels: Some(label::labels(identity)),
        ..NetworkCreateRequest::default()
    };
    let patience = Instant::now() + TAKEN_PATIENCE;
    let mut pause = Pause::new();
    loop {
        let made = match standing {
            true => Ok(()),
            false => call
                .heavy(call.engine.create_network(request.clone()))
                .await
                .map(drop),
        };
        // Looked at in any case. A call of ours that was given up may have made it meanwhile: then
        // the name or the subnet is taken by ourselves, or the network is there twice.
        match (adopt(call, identity, &name).await?, made) {
            (true, _) => return Ok(()),
            (false, Err(fault)) => {
                let taken = fault.kind == Failure::NoRoom && subnet.is_some();
                if !taken || Instant::now() >= patience {
                    return Err(call.failed(fault, &name));
                }
            }
            (false, Ok(())) => {
                return Err(call.no(
                    Failure::Bug,
                    format!("{name}: made, but the engine does not list it"),
                ));
            }
        }
        pause.wait().await;
    }
}

/// Whether the network is there. Engines before 25 let one name be made twice; then all but the
/// oldest go, because a name that means two networks can be joined by nobody.
async fn adopt(call: &Call<'_>, identity: &Identity, name: &str) -> Result<bool, DriverError> {
    // The engine matches parts of names, so the exact one is picked here.
    let filter = HashMap::from([("name".to_owned(), vec![name.to_owned()])]);
    let options = ListNetworksOptionsBuilder::new().filters(&filter).build();
    let found = call
        .quick(call.engine.list_networks(Some(options)))
        .await
        .map_err(|f| call.failed(f, name))?;
    let mut twins: Vec<_> = found
        .into_iter()
        .filter(|n| n.name.as_deref() == Some(name))
        .collect();
    twins.sort_by(|a, b| (&a.created, &a.id).cmp(&(&b.created, &b.id)));
    for twin in &twins {
        let mark = twin.labels.as_ref().and_then(Mark::read);
        if !mark.is_some_and(|m| m.is_of(identity)) {
            return Err(call.no(
                Failure::NotOurs,
                format!("a network {name} is there that is not ours; rename or remove it"),
            ));
        }
    }
    for twin in twins.iter().skip(1).filter_map(|n| n.id.as_deref()) {
        match call.heavy(call.engine.remove_network(twin)).await {
            Err(fault) if !fault.is(404) => return Err(call.failed(fault, name)),
            _ => {}
        }
    }
    Ok(!twins.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn subnet(address: [u8; 4], prefix: u8) -> Subnet {
        Subnet {
            address: Ipv4Addr::from(address),
            prefix,
        }
    }

    fn service(name: &str, networks: &[&str]) -> Service {
        Service {
            name: name.into(),
            networks: networks.iter().map(|n| ((*n).to_owned(), vec![])).collect(),
            ..Service::default()
        }
    }

    #[test]
    fn parts_are_disjoint_equal_and_in_order() {
        assert_eq!(
            carve(subnet([10, 1, 2, 64], 26), 3).unwrap(),
            [
                subnet([10, 1, 2, 64], 28),
                subnet([10, 1, 2, 80], 28),
                subnet([10, 1, 2, 96], 28)
            ]
        );
        assert_eq!(
            carve(subnet([10, 0, 0, 0], 8), 1).unwrap(),
            [subnet([10, 0, 0, 0], 8)]
        );
        assert_eq!(carve(subnet([10, 0, 0, 0], 29), 3), None);
    }

    #[test]
    fn the_default_network_is_made_only_if_somebody_joins_it() {
        let mut blueprint = Blueprint {
            services: vec![service("a", &["back"])],
            networks: vec!["back".into()],
            subnet: Some(subnet([10, 0, 0, 0], 28)),
            ..Blueprint::default()
        };
        let names = |b: &Blueprint| -> Vec<String> {
            layout(b)
                .unwrap()
                .into_iter()
                .map(|(n, _)| n.to_owned())
                .collect()
        };
        assert_eq!(names(&blueprint), ["back"]);
        blueprint.services.push(service("b", &[]));
        assert_eq!(names(&blueprint), ["default", "back"]);
    }

    #[test]
    fn a_subnet_with_too_few_addresses_is_refused_before_anything_is_made() {
        let many = (0..6).map(|i| service(&format!("s{i}"), &[])).collect();
        let blueprint = Blueprint {
            services: many,
            subnet: Some(subnet([10, 0, 0, 0], 29)),
            ..Blueprint::default()
        };
        let refused = layout(&blueprint).unwrap_err();
        assert_eq!(refused, "network default: /29 holds 5 services, not 6");
    }
}
