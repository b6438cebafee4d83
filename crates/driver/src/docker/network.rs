//! A resource's own networks.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use caviada_core::limits;
use tokio::time::Instant;

use super::call::Call;
use super::label::{self, Mark};
use crate::blueprint::Subnet;
use crate::pause::Pause;
use crate::{DriverError, Failure, Identity};

const TAKEN_PATIENCE: Duration = Duration::from_millis(limits::driver::SUBNET_TAKEN_MS_MAX);

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
    let mut pause = Pause::of_engine();
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
