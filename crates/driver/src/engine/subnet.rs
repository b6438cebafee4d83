//! A resource's subnet, cut into one for each of its networks: small enough that a host holds
//! hundreds.

use crate::blueprint::{Blueprint, Service, Subnet};
use caviada_core::limits;

/// The network of services that name none; Compose's word.
pub(crate) const DEFAULT: &str = "default";

/// Addresses of a bridge that no service gets: the network's own, the last one, the gateway's.
pub(crate) const NOBODYS: u64 = 3;

/// The networks a blueprint really uses, the default one first, each with its part of the subnet, of
/// which so many addresses are nobody's.
pub(crate) fn layout(
    blueprint: &Blueprint,
    nobodys: u64,
) -> Result<Vec<(&str, Option<Subnet>)>, String> {
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
        let room = (1u64 << (32 - part.prefix)).saturating_sub(nobodys);
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
    if prefix > limits::driver::SUBNET_PREFIX_MAX || subnet.prefix < 8 {
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
            layout(b, NOBODYS)
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
        let refused = layout(&blueprint, NOBODYS).unwrap_err();
        assert_eq!(refused, "network default: /29 holds 5 services, not 6");
    }
}
