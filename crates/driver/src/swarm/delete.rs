//! Removal: what bears the label, up to a generation, until the lists show nothing of it.
//!
//! Tasks that a node out of sight still has are not waited for: it ends them by itself when it is
//! back, and nothing of theirs outlives them, because volumes are only where the driver is.

use bollard::query_parameters::{RemoveContainerOptionsBuilder, RemoveVolumeOptions};
use caviada_core::id::ResourceId;
use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::call::Call;
use super::fault::Fault;
use super::observe::{self, Things};
use crate::pause::Pause;
use crate::{DriverError, Failure};

/// Removes everything of the resource up to and including `generation`.
pub(super) async fn up_to(
    call: &Call<'_>,
    installation: &str,
    resource: ResourceId,
    generation: u64,
) -> Result<(), DriverError> {
    let mut pause = Pause::of_engine();
    let patience = Instant::now() + call.heavy_limit();
    loop {
        let things = observe::things(call, installation, Some(resource)).await;
        let things = things.map_err(|f| call.failed(f, ""))?.up_to(generation);
        if things.is_empty() {
            return Ok(());
        }
        let obstacle = remove(call, things).await?;
        if Instant::now() >= patience {
            let again = || call.no(Failure::Refused, "its things keep coming back");
            return Err(obstacle.unwrap_or_else(again));
        }
        pause.wait().await;
    }
}

/// Services first, or the swarm would start anew what is removed; then the containers here, without
/// the grace in which the swarm would stop them. Returns what stood in the way but may go away by
/// itself.
async fn remove(call: &Call<'_>, things: Things) -> Result<Option<DriverError>, DriverError> {
    let engine = &call.engine;
    let services = things.services.iter().map(|(_, service)| async move {
        let removed = call.heavy(engine.delete_service(&service.id)).await;
        gone(call, removed, &service.id)
    });
    let services = try_join_all(services).await?;
    let containers = things.containers.iter().map(|(_, id)| async move {
        let options = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        let removed = call.heavy(engine.remove_container(id, Some(options))).await;
        gone(call, removed, id)
    });
    let containers = try_join_all(containers).await?;
    let networks = things.networks.iter().map(|(_, id)| async move {
        let removed = call.heavy(engine.remove_network(id)).await;
        gone(call, removed, id)
    });
    let configs = things.configs.iter().map(|(_, id)| async move {
        let removed = call.heavy(engine.delete_config(id)).await;
        gone(call, removed, id)
    });
    let volumes = things.volumes.iter().map(|(_, name)| async move {
        let removed = engine.remove_volume(name, None::<RemoveVolumeOptions>);
        gone(call, call.heavy(removed).await, name)
    });
    let (networks, configs, volumes) = tokio::try_join!(
        try_join_all(networks),
        try_join_all(configs),
        try_join_all(volumes)
    )?;
    let lists = [services, containers, networks, configs, volumes];
    Ok(lists.into_iter().flatten().flatten().next())
}

/// Absent is success; a node that has forgotten a network before its manager did says so with 500. In
/// use (400 from a manager, 403 and 409 from an engine) is an obstacle: its task is still ending.
fn gone(
    call: &Call<'_>,
    removed: Result<(), Fault>,
    subject: &str,
) -> Result<Option<DriverError>, DriverError> {
    let fault = match removed {
        Ok(()) => return Ok(None),
        Err(fault) => fault,
    };
    let says = |words: &str| fault.message.contains(words);
    if fault.is(404) || (fault.is(500) && says("not found")) {
        return Ok(None);
    }
    let in_use = fault.is(409) || fault.is(403) || says("in use by") || says("active endpoints");
    match in_use {
        true => Ok(Some(call.failed(fault, subject))),
        false => Err(call.failed(fault, subject)),
    }
}
