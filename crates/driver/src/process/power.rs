//! Power and reset: shims are asked by signal, and what they did is read from their status.

use std::time::Duration;

use caviada_core::limits;
use futures_util::future::try_join_all;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::create::{self, Steps};
use super::site::Site;
use super::status::Look;
use super::{Call, inside};
use crate::blueprint::{Blueprint, ResetStep, Service};
use crate::{Built, DriverError, Failure, Identity, OnProgress, Power, probe};

const STOP_MORE: Duration = Duration::from_millis(limits::driver::SHIM_STOP_MORE_MS);
const SIGNAL_WAIT: Duration = Duration::from_millis(limits::driver::SIGNAL_MS_MAX);

pub(super) async fn power(
    call: &Call<'_>,
    identity: &Identity,
    service: Option<&str>,
    power: Power,
) -> Result<(), DriverError> {
    let site = call.standing(identity).await?;
    let blueprint = &site.record.blueprint;
    let meant = |s: &&Service| service.is_none_or(|name| name == s.name);
    let lasting = || {
        let services = blueprint.services.iter();
        services
            .filter(|s| !blueprint.is_job(&s.name))
            .filter(meant)
    };
    if let (Some(service), None) = (service, lasting().next()) {
        let detail = format!("it has no service '{service}' that lasts");
        return Err(call.no(Failure::Refused, detail));
    }
    match power {
        Power::Start => {
            for service in lasting() {
                create::start(&site, service).await?;
            }
            Ok(())
        }
        Power::Stop => {
            // Dependents first, so that none sees what it needs go away.
            for service in blueprint.services.iter().rev().filter(meant) {
                stop(&site, service).await?;
            }
            Ok(())
        }
        Power::Pause => each(&site, lasting(), Signal::SIGUSR1, true).await,
        Power::Unpause => each(&site, lasting(), Signal::SIGUSR2, false).await,
    }
}

/// Thaws one service.
pub(super) async fn thaw(site: &Site<'_>, service: &Service) -> Result<(), DriverError> {
    each(site, [service].into_iter(), Signal::SIGUSR2, false).await
}

async fn each<'a>(
    site: &Site<'_>,
    services: impl Iterator<Item = &'a Service>,
    signal: Signal,
    paused: bool,
) -> Result<(), DriverError> {
    let all = services.map(|service| async move {
        let name = service.name.as_str();
        if let Look::Lives(status) = site.look(name).await? {
            status.shim.signal(signal);
        }
        let until = Instant::now() + SIGNAL_WAIT;
        let done = |look: &Look| match look {
            Look::Lives(status) => status.paused == paused,
            _ => true,
        };
        match site.until(name, until, done).await? {
            true => Ok(()),
            false => {
                let detail = format!("{name}: its shim does not answer");
                Err(site.call.no(Failure::TimedOut, detail))
            }
        }
    });
    try_join_all(all).await.map(drop)
}

/// Stops a service within its grace; one that does not run is stopped.
pub(super) async fn stop(site: &Site<'_>, service: &Service) -> Result<(), DriverError> {
    let name = service.name.as_str();
    let Look::Lives(status) = site.look(name).await? else {
        return Ok(());
    };
    status.shim.signal(Signal::SIGTERM);
    let grace = Duration::from_secs(u64::from(service.stop_grace_s));
    let until = Instant::now() + grace.saturating_add(STOP_MORE);
    let over = |look: &Look| !matches!(look, Look::Lives(_));
    if site.until(name, until, over).await? {
        return Ok(());
    }
    let detail = format!("{name}: its shim did not stop it");
    Err(site.call.no(Failure::TimedOut, detail))
}

pub(super) async fn reset(
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
    let site = call.standing(identity).await?;
    let steps = Steps::new(progress, blueprint.reset.len() + blueprint.readiness.len());
    for step in &blueprint.reset {
        match step {
            ResetStep::Exec { service, command } => {
                let left = call.deadline.saturating_duration_since(Instant::now());
                let ran = inside::exec(&site, service, command, left, 64 << 10).await?;
                if ran.code != 0 {
                    let said = String::from_utf8_lossy(&ran.stderr).trim_end().to_owned();
                    let code = ran.code;
                    let detail =
                        format!("{service}: {command:?} ended with exit code {code}: {said}");
                    return Err(call.no(Failure::NotReady, detail));
                }
                steps.done("resetting", service);
            }
            ResetStep::Restart { service } => {
                let service = site.service(service)?;
                stop(&site, service).await?;
                create::start_anew(&site, service).await?;
                steps.done("restarting", &service.name);
            }
            ResetStep::JsonRpc(rpc) => {
                let left = call.deadline.saturating_duration_since(Instant::now());
                probe::reset(blueprint, &site.record.address, rpc, left).await?;
                steps.done("resetting", &rpc.service);
            }
        }
    }
    for service in &site.record.blueprint.services {
        create::settled(&site, service).await?;
    }
    create::ready(&site, blueprint, &steps).await
}
