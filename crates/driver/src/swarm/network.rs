//! A resource's own overlay networks. They reach over all nodes, and are attachable, so that an
//! operator can look at a resource from a container of his own.

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::InspectNetworkOptions;

use super::call::Call;
use super::label::{self, Mark};
use crate::blueprint::Subnet;
use crate::{DriverError, Failure, Identity};

/// Makes one network or adopts the one that is there: a manager lets no name be made twice.
pub(super) async fn ensure(
    call: &Call<'_>,
    identity: &Identity,
    (part, subnet): (&str, Option<Subnet>),
) -> Result<(), DriverError> {
    let name = label::name(identity, part);
    let request = NetworkCreateRequest {
        name: name.clone(),
        driver: Some("overlay".to_owned()),
        attachable: Some(true),
        ipam: subnet.map(|s| Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(format!("{}/{}", s.address, s.prefix)),
                ..IpamConfig::default()
            }]),
            ..Ipam::default()
        }),
        labels: Some(label::labels_in_swarm(identity)),
        ..NetworkCreateRequest::default()
    };
    match call.heavy(call.engine.create_network(request)).await {
        Ok(_) => return Ok(()),
        Err(fault) if fault.is(409) => {}
        Err(fault) => return Err(call.failed(fault, &name)),
    }
    let found = call
        .engine
        .inspect_network(&name, None::<InspectNetworkOptions>);
    let found = call.quick(found).await.map_err(|f| call.failed(f, &name))?;
    let mark = found.labels.as_ref().and_then(Mark::read);
    match mark.is_some_and(|mark| mark.is_of(identity)) {
        true => Ok(()),
        false => Err(call.no(
            Failure::NotOurs,
            format!("a network {name} is there that is not ours; rename or remove it"),
        )),
    }
}
