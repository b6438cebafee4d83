//! Removal: what bears the label, up to a generation, until a list shows nothing of it.

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
///
/// One round of list and remove is the rule. More come when another call of ours, given up or
/// beside this one, still makes or removes something in the engine.
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
        if obstacle.is_some() {
            pause.wait().await;
        }
    }
}

impl Things {
    pub fn up_to(mut self, generation: u64) -> Self {
        self.containers
            .retain(|(m, _)| m.identity.generation <= generation);
        self.networks
            .retain(|(m, ..)| m.identity.generation <= generation);
        self.volumes
            .retain(|(m, _)| m.identity.generation <= generation);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }
}

/// Containers first, with their anonymous volumes: networks and volumes in use cannot go. Returns
/// what stood in the way but may go away by itself.
async fn remove(call: &Call<'_>, things: Things) -> Result<Option<DriverError>, DriverError> {
    let engine = &call.engine;
    let containers = things.containers.iter().map(|(_, container)| async move {
        let options = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        let removed = call
            .heavy(engine.remove_container(&container.id, Some(options)))
            .await;
        gone(call, removed, &container.id)
    });
    let containers = try_join_all(containers).await?;
    let networks = things.networks.iter().map(|(_, id, name)| async move {
        gone(call, call.heavy(engine.remove_network(id)).await, name)
    });
    let volumes = things.volumes.iter().map(|(_, name)| async move {
        let removed = engine.remove_volume(name, None::<RemoveVolumeOptions>);
        gone(call, call.heavy(removed).await, name)
    });
    let (networks, volumes) = tokio::try_join!(try_join_all(networks), try_join_all(volumes))?;
    Ok(containers
        .into_iter()
        .chain(networks)
        .chain(volumes)
        .flatten()
        .next())
}

/// Absent is success. In use (409, and 403 for networks) is an obstacle: it is being removed by
/// another call, or somebody else's container holds on to it, which is not ours to touch.
fn gone(
    call: &Call<'_>,
    removed: Result<(), Fault>,
    subject: &str,
) -> Result<Option<DriverError>, DriverError> {
    match removed {
        Ok(()) => Ok(None),
        Err(fault) if fault.is(404) => Ok(None),
        Err(fault) if fault.is(409) || fault.is(403) => Ok(Some(call.failed(fault, subject))),
        Err(fault) => Err(call.failed(fault, subject)),
    }
}
