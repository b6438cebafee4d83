//! Reset in place: acting on services that stand.

use bollard::query_parameters::UpdateServiceOptionsBuilder;

use super::call::Call;
use super::site::{Look, Site, Until};
use super::steps::Steps;
use super::{Swarm, create};
use crate::blueprint::{Blueprint, ResetStep};
use crate::{Built, DriverError, Failure, OnProgress, probe};

pub(super) async fn reset(
    swarm: &Swarm,
    site: &Site<'_>,
    blueprint: &Blueprint,
    progress: OnProgress<'_>,
) -> Result<Built, DriverError> {
    let call = site.call;
    if blueprint.reset.is_empty() {
        return Err(call.no(
            Failure::Unsupported,
            "reset: the template says no steps; let the pool replace instead",
        ));
    }
    let steps = Steps::new(progress, blueprint.reset.len() + blueprint.readiness.len());
    for step in &blueprint.reset {
        match step {
            ResetStep::Exec { service, command } => {
                site.container(service).await?.reset(command).await?;
                steps.done("resetting", service);
            }
            ResetStep::Restart { service } => {
                let look = site.look(service).await?;
                anew(call, service, look).await?;
                site.until(service, Until::Well).await?;
                steps.done("restarting", service);
            }
            ResetStep::JsonRpc(rpc) => {
                probe::reset(blueprint, site.published_at, rpc, call.left()).await?;
                steps.done("resetting", &rpc.service);
            }
        }
    }
    create::ready(swarm, site, blueprint, &|service| {
        steps.done("probing", service)
    })
    .await
}

/// Ends a service's task, if one runs, and lets another begin from the image.
pub(super) async fn anew(call: &Call<'_>, service: &str, look: Look) -> Result<(), DriverError> {
    let version = look.told.version.and_then(|v| v.index).unwrap_or(0);
    let version = i32::try_from(version);
    let version = version.map_err(|_| call.no(Failure::Bug, "the swarm's index is too large"))?;
    let mut spec = look.told.spec.unwrap_or_default();
    if let Some(template) = spec.task_template.as_mut() {
        template.force_update = Some(look.service.forced + 1);
    }
    let options = UpdateServiceOptionsBuilder::new().version(version).build();
    let name = &look.service.id;
    let updated = call.engine.update_service(name, spec, options, None);
    let updated = Box::pin(call.heavy(updated)).await;
    updated.map(drop).map_err(|f| call.failed(f, service))
}
