//! Altering what stands: what differs is made beside or instead of what was, what stays is not
//! touched, and what is no longer wanted goes last, once the rest is ready. So a failure before that
//! leaves everything that was.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{
    ContainerStateStatusEnum as State, ContainerSummaryStateEnum, HealthStatusEnum,
};
use bollard::query_parameters::{
    InspectContainerOptions, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::{join_all, try_join_all};

use super::call::Call;
use super::create::{BringUp, Member, pulled, ready};
use super::observe::Things;
use super::steps::Steps;
use super::{Docker, inside, label, observe, plan, power, volume};
use crate::alteration::between;
use crate::blueprint::{Blueprint, Service};
use crate::pause::Pause;
use crate::{Built, DriverError, Failure, Identity, OnProgress};

pub(super) async fn alter(
    docker: &Docker,
    call: &Call<'_>,
    identity: &Identity,
    (from, to): (&[Blueprint], &Blueprint),
    progress: OnProgress<'_>,
) -> Result<Built, DriverError> {
    let refused = |why: String| call.no(Failure::Refused, why);
    let mut differ = BTreeSet::new();
    for from in from {
        differ.extend(between(from, to).map_err(refused)?);
    }
    let depths = plan::depths(to).map_err(refused)?;
    plan::fits(to, &call.engine.client_version(), &[]).map_err(refused)?;
    let things = stands(call, identity).await?;
    differ.extend(lame(&things, identity, to));

    let anew = to.services.iter();
    let anew: Vec<&Service> = anew.filter(|s| differ.contains(s.name.as_str())).collect();
    let images: BTreeSet<_> = anew.iter().map(|s| s.image.as_str()).collect();
    let count = images.len() + 3 * anew.len() + to.readiness.len();
    // A word that names no image is found out before anything is touched.
    let steps = Steps::new(progress, count);
    let images = pulled(docker, call, images, &steps).await?;
    let up = BringUp {
        docker,
        call,
        site: docker.site(call, identity),
        blueprint: to,
        depths,
        images,
        steps,
    };
    let made = to.volumes.iter();
    try_join_all(made.map(|part| volume::ensure(call, identity, part))).await?;

    let mut notes = Vec::new();
    let deepest = up.depths.values().max().copied().unwrap_or(0);
    for depth in 0..=deepest {
        let level = anew
            .iter()
            .filter(|s| up.depths[s.name.as_str()] == depth)
            .map(|s| Box::pin(up.anew(s)));
        // None is left to the engine half made: whoever undoes this must see what there is.
        for noted in join_all(level).await {
            notes.extend(noted?);
        }
    }
    try_join_all(anew.iter().map(|s| up.settled(s))).await?;
    let built = ready(&up.site, to, notes, &|service| {
        up.steps.done("probing", service)
    })
    .await?;
    tidy(call, identity, from, to).await?;
    Ok(built)
}

/// Services that shall run and do not, or are not well, though nothing about them differs: what is asked
/// for waits for them. A job has done its work, whatever became of its container.
fn lame<'a>(things: &Things, identity: &Identity, to: &'a Blueprint) -> BTreeSet<&'a str> {
    let runs = |service: &str| {
        things.containers.iter().any(|(mark, container)| {
            mark.is_of(identity)
                && mark.service.as_deref() == Some(service)
                && container.state == ContainerSummaryStateEnum::RUNNING
                && !container.is_unhealthy()
        })
    };
    let names = to.services.iter().map(|s| s.name.as_str());
    names
        .filter(|name| !to.is_job(name) && !runs(name))
        .collect()
}

/// What stands here of it. Refuses to alter what does not.
async fn stands(call: &Call<'_>, identity: &Identity) -> Result<Things, DriverError> {
    let things = observe::things(call, &identity.installation, Some(identity.resource)).await;
    let things = things.map_err(|f| call.failed(f, ""))?;
    // Of a single service nothing but its network may stand, where it was not made again.
    let containers = things.containers.iter().map(|(mark, _)| mark);
    let mut marks = containers.chain(things.networks.iter().map(|(mark, ..)| mark));
    if marks.any(|mark| mark.is_of(identity)) {
        return Ok(things);
    }
    let (resource, generation) = (identity.resource, identity.generation);
    let detail = format!("{resource} does not stand here in generation {generation}");
    Err(call.no(Failure::Refused, detail))
}

impl<'a> BringUp<'a> {
    /// Has a service as it shall be, started; whatever stands in its place otherwise goes first, once
    /// what it waits for is so. Returns what the engine remarked.
    async fn anew(&self, service: &'a Service) -> Result<Vec<String>, DriverError> {
        self.needed(service).await?;
        self.make_place(service).await?;
        let member: Member<'_> = match service.environment_files.is_empty() {
            true => Box::pin(self.make(service, &BTreeMap::new())).await?,
            false => self.make_late(service).await?,
        };
        self.start(&member).await?;
        Ok(member.notes)
    }

    /// Removes the container of a service unless it is the one that is wanted.
    async fn make_place(&self, service: &Service) -> Result<(), DriverError> {
        let (call, identity) = (self.call, self.site.identity);
        let name = label::name(identity, &service.name);
        let mut pause = Pause::of_engine();
        loop {
            let found = call
                .engine
                .inspect_container(&name, None::<InspectContainerOptions>);
            let found = match call.quick(found).await {
                Ok(found) => found,
                Err(fault) if fault.is(404) => return Ok(()),
                Err(fault) => return Err(call.failed(fault, &name)),
            };
            // That of somebody else is told of when it is to be made.
            let ours = inside::mark(&found).is_some_and(|m| m.is_of(identity));
            let labels = found.config.as_ref().and_then(|c| c.labels.as_ref());
            let definition = labels.and_then(|l| l.get(label::DEFINITION));
            let same = definition.is_some_and(|d| *d == label::definition(service));
            let state = found.state.unwrap_or_default();
            let succeeded = self.blueprint.is_job(&service.name)
                && state.status == Some(State::EXITED)
                && state.exit_code == Some(0);
            let health = state.health.as_ref().and_then(|h| h.status);
            let works = matches!(state.status, Some(State::RUNNING | State::CREATED))
                && health != Some(HealthStatusEnum::UNHEALTHY);
            if !ours || (same && (works || succeeded)) {
                return Ok(());
            }
            let id = found.id.unwrap_or_default();
            let runs = state.running.unwrap_or(false);
            remove(call, &id, &service.name, runs).await?;
            if call.left().is_zero() {
                let detail = format!("{name} does not go away");
                return Err(call.no(Failure::TimedOut, detail));
            }
            pause.wait().await;
        }
    }
}

/// Stops a container in its own time and removes it with its anonymous volumes.
async fn remove(call: &Call<'_>, id: &str, service: &str, runs: bool) -> Result<(), DriverError> {
    let options = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(true)
        .build();
    if runs && let Err(fault) = power::stop(call, id).await {
        // What does not stop is killed.
        tracing::debug!(service, "{}", fault.message);
    }
    let removed = call.engine.remove_container(id, Some(options));
    match call.heavy(removed).await {
        Err(fault) if !fault.is(404) && !fault.is(409) => Err(call.failed(fault, service)),
        _ => Ok(()),
    }
}

/// Removes the services and volumes that are no longer wanted.
async fn tidy(
    call: &Call<'_>,
    identity: &Identity,
    from: &[Blueprint],
    to: &Blueprint,
) -> Result<(), DriverError> {
    let things = observe::things(call, &identity.installation, Some(identity.resource)).await;
    let things = things.map_err(|f| call.failed(f, ""))?;
    let containers = things.containers.iter();
    let (wanted, unwanted): (Vec<_>, Vec<_>) = containers
        .filter(|(mark, _)| mark.is_of(identity))
        .partition(|(mark, _)| {
            let service = mark.service.as_deref().unwrap_or_default();
            to.service(service).is_some()
        });
    let tallies = things.volumes.iter();
    let tallies: Vec<_> = tallies
        .filter(|(mark, _)| mark.is_of(identity) && mark.services > 0)
        .collect();
    let marks = wanted.iter().map(|(mark, _)| mark);
    let told = observe::expected(marks.chain(tallies.iter().map(|(mark, _)| mark)));
    // Those that stay would count those that go.
    if told != Some(to.services.len()) {
        volume::tally(call, identity, to.services.len()).await?;
        let older = tallies.into_iter().map(|(_, name)| name.as_str());
        try_join_all(older.map(|name| remove_volume(call, name))).await?;
    }
    let gone = unwanted.into_iter().map(|(mark, container)| {
        let service = mark.service.as_deref().unwrap_or_default();
        let runs = container.state == ContainerSummaryStateEnum::RUNNING;
        remove(call, &container.id, service, runs)
    });
    try_join_all(gone).await?;
    let known: BTreeSet<&String> = from.iter().flat_map(|f| &f.volumes).collect();
    let unwanted = known.into_iter().filter(|v| !to.volumes.contains(v));
    let names: Vec<_> = unwanted.map(|v| label::name(identity, v)).collect();
    try_join_all(names.iter().map(|name| remove_volume(call, name))).await?;
    Ok(())
}

async fn remove_volume(call: &Call<'_>, name: &str) -> Result<(), DriverError> {
    let mut pause = Pause::of_engine();
    loop {
        let removed = call.engine.remove_volume(name, None::<RemoveVolumeOptions>);
        match call.heavy(removed).await {
            // A container that uses it is being removed, by a call of ours that was given up.
            Err(fault) if fault.is(409) && !call.left().is_zero() => pause.wait().await,
            Err(fault) if !fault.is(404) => return Err(call.failed(fault, name)),
            _ => return Ok(()),
        }
    }
}
