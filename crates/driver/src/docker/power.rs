//! Power and reset: acting on services that stand.

use std::time::Duration;

use bollard::query_parameters::{
    InspectContainerOptions, StartContainerOptions, StopContainerOptions,
};
use caviada_core::limits;
use futures_util::future::try_join_all;

use super::call::Call;
use super::label::{Mark, Role};
use super::observe;
use super::steps::Steps;
use super::{Docker, create, inside};
use crate::blueprint::{Blueprint, ResetStep};
use crate::{Built, DriverError, Failure, Identity, OnProgress, Power, probe};

const STOP_MORE: Duration = Duration::from_millis(limits::driver::ENGINE_STOP_MORE_MS);
const GRACE_DEFAULT_S: i64 = limits::driver::ENGINE_GRACE_S_DEFAULT;

pub(super) async fn power(
    docker: &Docker,
    call: &Call<'_>,
    identity: &Identity,
    service: Option<&str>,
    power: Power,
) -> Result<(), DriverError> {
    let things = observe::things(call, &docker.installation, Some(identity.resource)).await;
    let things = things.map_err(|f| call.failed(f, ""))?;
    let mut members: Vec<(Mark, String)> = things
        .containers
        .into_iter()
        .filter(|(mark, _)| mark.is_of(identity) && mark.role == Role::Service)
        .map(|(mark, container)| (mark, container.id))
        .collect();
    if members.is_empty() {
        let resource = identity.resource;
        let generation = identity.generation;
        return Err(call.no(
            Failure::Refused,
            format!("{resource} does not stand here in generation {generation}"),
        ));
    }
    if let Some(service) = service {
        members.retain(|(mark, _)| mark.service.as_deref() == Some(service));
    }
    if members.is_empty() {
        let service = service.unwrap_or_default();
        let detail = format!("it has no service '{service}' that lasts");
        return Err(call.no(Failure::Refused, detail));
    }
    members.sort_by_key(|(mark, _)| mark.depth);
    let mut levels: Vec<_> = members
        .chunk_by(|(a, _), (b, _)| a.depth == b.depth)
        .collect();
    if power == Power::Stop {
        levels.reverse();
    }
    for level in levels {
        let all = level.iter().map(|(mark, id)| one(call, mark, id, power));
        try_join_all(all).await?;
    }
    Ok(())
}

async fn one(call: &Call<'_>, mark: &Mark, id: &str, power: Power) -> Result<(), DriverError> {
    let engine = &call.engine;
    let done = match power {
        Power::Start => {
            call.heavy(engine.start_container(id, None::<StartContainerOptions>))
                .await
        }
        Power::Stop => stop(call, id).await,
        Power::Pause => call.heavy(engine.pause_container(id)).await,
        Power::Unpause => call.heavy(engine.unpause_container(id)).await,
    };
    match done {
        // So it was already: 409 is what 20.10 and later say to pausing twice.
        Err(fault) if fault.message.contains("is already paused") && power == Power::Pause => {
            Ok(())
        }
        Err(fault) if fault.message.contains("is not paused") && power == Power::Unpause => Ok(()),
        Err(fault) => Err(call.failed(fault, mark.service.as_deref().unwrap_or(id))),
        Ok(()) => Ok(()),
    }
}

/// Stops a container within its own grace, which the engine bounds by killing it.
pub(super) async fn stop(call: &Call<'_>, id: &str) -> Result<(), super::fault::Fault> {
    let found = call
        .engine
        .inspect_container(id, None::<InspectContainerOptions>);
    let found = call.quick(found).await?;
    let grace_s = found
        .config
        .and_then(|c| c.stop_timeout)
        .unwrap_or(GRACE_DEFAULT_S);
    let grace = Duration::from_secs(u64::try_from(grace_s).unwrap_or(0));
    let options = StopContainerOptions {
        signal: None,
        t: Some(i32::try_from(grace_s).unwrap_or(i32::MAX)),
    };
    let stopped = call.engine.stop_container(id, Some(options));
    call.heavy_within(grace.saturating_add(STOP_MORE), stopped)
        .await
}

pub(super) async fn reset(
    docker: &Docker,
    call: &Call<'_>,
    identity: &Identity,
    blueprint: &Blueprint,
    progress: OnProgress<'_>,
) -> Result<Built, DriverError> {
    if blueprint.reset.is_empty() {
        return Err(call.no(
            Failure::Unsupported,
            "reset: the template says no steps; let the pool replace instead",
        ));
    }
    let site = docker.site(call, identity);
    let steps = Steps::new(progress, blueprint.reset.len() + blueprint.readiness.len());
    for step in &blueprint.reset {
        match step {
            ResetStep::Exec { service, command } => {
                let container = inside::container(call, identity, service).await?;
                container.reset(command).await?;
                steps.done("resetting", service);
            }
            ResetStep::Restart { service } => {
                let id = inside::owned(call, identity, service)
                    .await?
                    .id
                    .unwrap_or_default();
                stop(call, &id).await.map_err(|f| call.failed(f, service))?;
                let start = call
                    .engine
                    .start_container(&id, None::<StartContainerOptions>);
                call.heavy(start)
                    .await
                    .map_err(|f| call.failed(f, service))?;
                steps.done("restarting", service);
            }
            ResetStep::JsonRpc(rpc) => {
                probe::reset(blueprint, &docker.published_at, rpc, call.left()).await?;
                steps.done("resetting", &rpc.service);
            }
        }
    }
    create::ready(&site, blueprint, Vec::new(), &|service| {
        steps.done("probing", service)
    })
    .await
}
