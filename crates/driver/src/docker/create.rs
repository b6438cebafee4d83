//! Bring-up: images, networks, volumes, containers, then starts by depth, then readiness.
//!
//! Every step looks first or collides with its own deterministic name, so a bring-up that was cut
//! off anywhere is finished by running it again.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{ContainerStateStatusEnum as State, NetworkConnectRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, RemoveContainerOptionsBuilder,
    StartContainerOptions,
};
use caviada_core::limits;
use futures_util::future::try_join_all;

use super::call::Call;
use super::container::{self, Place};
use super::label::{self, Role};
use super::site::Site;
use super::steps::Steps;
use super::{Docker, delete, files, image, inside, network, observe, plan, spec, subnet, volume};
use crate::blueprint::{Blueprint, Dependency, Service};
use crate::pause::Pause;
use crate::reach::Reach as _;
use crate::{Built, DriverError, Failure, Identity, OnProgress, output, probe};

/// One bring-up.
pub(super) struct BringUp<'a> {
    pub docker: &'a Docker,
    pub call: &'a Call<'a>,
    pub site: Site<'a>,
    pub blueprint: &'a Blueprint,
    pub depths: BTreeMap<&'a str, usize>,
    /// Image → the name by which the engine knows it, where that is another.
    pub images: BTreeMap<&'a str, String>,
    pub steps: Steps<'a>,
}

/// Has the engine take in these images; each with the name by which it knows it.
pub(super) async fn pulled<'a>(
    docker: &Docker,
    call: &Call<'_>,
    images: BTreeSet<&'a str>,
    steps: &Steps<'_>,
) -> Result<BTreeMap<&'a str, String>, DriverError> {
    let pulls = images.into_iter().map(|image| async move {
        let bytes = |done, of| steps.bytes(image, done, of);
        let name = image::ensure(call, &docker.images, image, &bytes).await?;
        steps.done("pulling", image);
        Ok((image, name))
    });
    Ok(try_join_all(pulls).await?.into_iter().collect())
}

/// A service's container on the engine.
pub(super) struct Member<'a> {
    service: &'a Service,
    id: String,
    state: State,
    /// What the engine remarked when it made the container.
    pub notes: Vec<String>,
}

pub(super) async fn create(
    docker: &Docker,
    call: &Call<'_>,
    identity: &Identity,
    blueprint: &Blueprint,
    progress: OnProgress<'_>,
) -> Result<Built, DriverError> {
    let refused = |why: String| call.no(Failure::Refused, why);
    if identity.installation != docker.installation {
        return Err(refused(
            "this host belongs to another installation".to_owned(),
        ));
    }
    let depths = plan::depths(blueprint).map_err(refused)?;
    plan::fits(blueprint, &call.engine.client_version(), &[]).map_err(refused)?;
    let networks = subnet::layout(blueprint, subnet::NOBODYS).map_err(refused)?;
    let standing = make_way(call, identity).await?;

    let images: BTreeSet<_> = blueprint
        .services
        .iter()
        .map(|s| s.image.as_str())
        .collect();
    let count = images.len() + 3 * blueprint.services.len() + blueprint.readiness.len();
    let steps = Steps::new(progress, count);
    let images = pulled(docker, call, images, &steps).await?;
    let made = networks.into_iter().map(|network| {
        let standing = standing.contains(&label::name(identity, network.0));
        network::ensure(call, identity, network, standing)
    });
    try_join_all(made).await?;
    let made = blueprint
        .volumes
        .iter()
        .map(|part| volume::ensure(call, identity, part));
    try_join_all(made).await?;

    let up = BringUp {
        docker,
        call,
        site: docker.site(call, identity),
        blueprint,
        depths,
        images,
        steps,
    };
    let (late, early): (Vec<_>, Vec<_>) = blueprint
        .services
        .iter()
        .partition(|s| !s.environment_files.is_empty());
    let none = BTreeMap::new();
    let mut members = try_join_all(early.into_iter().map(|s| up.make(s, &none))).await?;
    let deepest = up.depths.values().max().copied().unwrap_or(0);
    for depth in 0..=deepest {
        let late = late.iter().filter(|s| up.depths[s.name.as_str()] == depth);
        members.extend(try_join_all(late.map(|s| up.make_late(s))).await?);
        let level = members
            .iter()
            .filter(|m| up.depths[m.service.name.as_str()] == depth);
        try_join_all(level.map(|m| up.start(m))).await?;
    }
    try_join_all(members.iter().map(|m| up.settled(m.service))).await?;
    let notes = members.into_iter().flat_map(|m| m.notes).collect();
    ready(&up.site, blueprint, notes, &|service| {
        up.steps.done("probing", service)
    })
    .await
}

/// Makes and starts everything a blueprint has at once and waits for nothing: what the engine can do
/// by itself, whatever becomes of what it started.
pub(super) async fn bare(
    docker: &Docker,
    call: &Call<'_>,
    identity: &Identity,
    blueprint: &Blueprint,
) -> Result<(), DriverError> {
    let refused = |why: String| call.no(Failure::Refused, why);
    let networks = subnet::layout(blueprint, subnet::NOBODYS).map_err(refused)?;
    let made = networks.into_iter();
    try_join_all(made.map(|n| network::ensure(call, identity, n, false))).await?;
    let made = blueprint.volumes.iter();
    try_join_all(made.map(|part| volume::ensure(call, identity, part))).await?;
    let nobody: OnProgress<'_> = &|_| {};
    let up = BringUp {
        docker,
        call,
        site: docker.site(call, identity),
        blueprint,
        depths: plan::depths(blueprint).map_err(refused)?,
        images: BTreeMap::new(),
        steps: Steps::new(nobody, 3 * blueprint.services.len()),
    };
    let none = BTreeMap::new();
    let services = blueprint.services.iter();
    let members = try_join_all(services.map(|s| up.make(s, &none))).await?;
    let starts = members.iter().map(|member| async {
        let options = None::<StartContainerOptions>;
        let started = call.engine.start_container(&member.id, options);
        let started = call.heavy(started).await;
        started.map_err(|f| call.failed(f, &member.service.name))
    });
    try_join_all(starts).await?;
    Ok(())
}

/// The last part of a bring-up and of a reset: probes, outputs, a last look at all.
pub(super) async fn ready(
    site: &Site<'_>,
    blueprint: &Blueprint,
    notes: Vec<String>,
    passed: &(dyn Fn(&str) + Send + Sync),
) -> Result<Built, DriverError> {
    let call = site.call;
    probe::until_ready(call.op, blueprint, site, call.deadline, passed).await?;
    let outputs = output::render(call.op, blueprint, site).await?;
    // One service may have died while another was waited for.
    let services = blueprint.services.iter();
    let running = services.filter(|s| !blueprint.is_job(&s.name));
    try_join_all(running.map(|s| site.until_well(&s.name))).await?;
    Ok(Built { outputs, notes })
}

/// Removes older generations and refuses to stand beside a newer one. Returns the names of the
/// networks that stand of this one.
async fn make_way(call: &Call<'_>, identity: &Identity) -> Result<BTreeSet<String>, DriverError> {
    let resource = identity.resource;
    let things = observe::things(call, &identity.installation, Some(resource)).await;
    let things = things.map_err(|f| call.failed(f, ""))?;
    let mine = things
        .networks
        .iter()
        .filter(|(mark, ..)| mark.is_of(identity));
    let standing = mine.map(|(_, _, name)| name.clone()).collect();
    let seen = things.seen();
    let generations = || seen.iter().map(|s| s.identity.generation);
    if let Some(newer) = generations().find(|g| *g > identity.generation) {
        return Err(call.no(
            Failure::Refused,
            format!("{resource} stands here in generation {newer}: this call is late"),
        ));
    }
    if let Some(older) = generations().filter(|g| *g < identity.generation).max() {
        delete::up_to(call, &identity.installation, resource, older).await?;
    }
    Ok(standing)
}

impl<'a> BringUp<'a> {
    /// Makes a service's container once jobs have found out some of its environment.
    pub async fn make_late(&self, service: &'a Service) -> Result<Member<'a>, DriverError> {
        let mut variables = BTreeMap::new();
        for (name, file) in &service.environment_files {
            let job = self.blueprint.service(&file.service);
            self.site.until_done(&file.service, job).await?;
            let read = self.site.read_file(
                &file.service,
                &file.path,
                limits::driver::VARIABLE_BYTES_MAX,
            );
            let text = String::from_utf8(read.await?).map_err(|_| {
                let detail = format!("{name}: {} of {} is no text", file.path, file.service);
                self.call.no(Failure::Refused, detail)
            })?;
            variables.insert(name.clone(), text.trim_end_matches('\n').to_owned());
        }
        Box::pin(self.make(service, &variables)).await
    }

    /// Makes or adopts a service's container, complete but not started.
    pub async fn make(
        &self,
        service: &'a Service,
        variables: &BTreeMap<String, String>,
    ) -> Result<Member<'a>, DriverError> {
        let identity = self.site.identity;
        let name = label::name(identity, &service.name);
        let place = Place {
            identity,
            bind_address: &self.docker.bind_address,
            role: match self.blueprint.is_job(&service.name) {
                true => Role::Job,
                false => Role::Service,
            },
            services: self.blueprint.services.len(),
            depth: self.depths[service.name.as_str()],
        };
        let failed = |f| self.call.failed(f, &service.name);
        let mut pause = Pause::of_engine();
        let member = loop {
            let options = CreateContainerOptionsBuilder::new().name(&name).build();
            let mut body = container::body(service, &place);
            if let Some(name) = self.images.get(service.image.as_str()) {
                body.image = Some(name.clone());
            }
            let more = variables.iter().map(|(k, v)| format!("{k}={v}"));
            body.env.get_or_insert_default().extend(more);
            let made = self.call.engine.create_container(Some(options), body);
            match self.call.heavy(made).await {
                Ok(made) => {
                    break Member {
                        service,
                        notes: self.remarks(service, &made.id, made.warnings).await?,
                        id: made.id,
                        state: State::CREATED,
                    };
                }
                Err(fault) if fault.is(409) => {
                    if let Some(member) = self.adopt(service, &name).await? {
                        break member;
                    }
                }
                Err(fault) => return Err(failed(fault)),
            }
            if self.call.left().is_zero() {
                let detail = format!("{name} is neither there nor free to be made");
                return Err(self.call.no(Failure::TimedOut, detail));
            }
            pause.wait().await;
        };
        if member.state == State::CREATED {
            self.complete(&member).await?;
        }
        self.steps.done("creating", &service.name);
        Ok(member)
    }

    /// The container that bears the name already, if it is this very service's. None while it is
    /// being made or removed by a call that was given up.
    async fn adopt(
        &self,
        service: &'a Service,
        name: &str,
    ) -> Result<Option<Member<'a>>, DriverError> {
        let found = self
            .call
            .engine
            .inspect_container(name, None::<InspectContainerOptions>);
        let found = match self.call.quick(found).await {
            Ok(found) => found,
            Err(fault) if fault.is(404) => return Ok(None),
            Err(fault) => return Err(self.call.failed(fault, name)),
        };
        if !inside::mark(&found).is_some_and(|m| m.is_of(self.site.identity)) {
            let detail =
                format!("a container {name} is there that is not ours; remove or rename it");
            return Err(self.call.no(Failure::NotOurs, detail));
        }
        let state = found.state.and_then(|s| s.status).unwrap_or(State::EMPTY);
        if matches!(state, State::REMOVING | State::DEAD) {
            return Ok(None);
        }
        let id = found.id.unwrap_or_default();
        Ok(Some(Member {
            service,
            id,
            state,
            notes: Vec::new(),
        }))
    }

    /// What the engine remarked. One that drops a key because its kernel cannot do it says so only
    /// there, and a limit that does not hold is worse than none: refused, by name. The container
    /// goes, or the next try would adopt it without the remark.
    async fn remarks(
        &self,
        service: &Service,
        id: &str,
        remarks: Vec<String>,
    ) -> Result<Vec<String>, DriverError> {
        let name = &service.name;
        let dropped = |r: &&String| r.to_lowercase().contains("discarded");
        if let Some(dropped) = remarks.iter().find(dropped) {
            let detail = format!("{name}: this host cannot do what is asked: {dropped}");
            let options = RemoveContainerOptionsBuilder::new().v(true).build();
            let removed = self.call.engine.remove_container(id, Some(options));
            self.call
                .heavy(removed)
                .await
                .map_err(|f| self.call.failed(f, name))?;
            return Err(self.call.no(Failure::Refused, detail));
        }
        Ok(remarks
            .into_iter()
            .map(|r| format!("{name}: {r}"))
            .collect())
    }

    /// What creation cannot carry: further networks (before API 1.44) and files. Doing it twice
    /// does no harm.
    async fn complete(&self, member: &Member<'_>) -> Result<(), DriverError> {
        let service = member.service;
        let failed = |f| self.call.failed(f, &service.name);
        for (part, aliases) in spec::networks(service).into_iter().skip(1) {
            let request = NetworkConnectRequest {
                container: member.id.clone(),
                endpoint_config: Some(container::endpoint(aliases)),
            };
            let network = label::name(self.site.identity, part);
            let connected = self.call.engine.connect_network(&network, request);
            self.call.heavy(connected).await.map_err(failed)?;
        }
        let archives = files::archives(service).map_err(|e| {
            self.call
                .no(Failure::Refused, format!("{}: {e}", service.name))
        })?;
        for (path, tar) in archives {
            let container = inside::at(self.call, member.id.clone(), &service.name);
            container.put(path, tar).await?;
        }
        Ok(())
    }

    /// Waits until what a service depends on is as it wants it.
    pub async fn needed(&self, service: &Service) -> Result<(), DriverError> {
        for (needed, dependency) in &service.depends_on {
            match dependency {
                Dependency::ServiceStarted => {}
                Dependency::ServiceHealthy => self.site.until_well(needed).await?,
                Dependency::ServiceCompletedSuccessfully => {
                    let job = self.blueprint.service(needed);
                    self.site.until_done(needed, job).await?;
                }
            }
        }
        Ok(())
    }

    /// Starts a service once what it depends on is as it wants it.
    pub async fn start(&self, member: &Member<'_>) -> Result<(), DriverError> {
        let service = member.service;
        self.needed(service).await?;
        let ended_job = member.state == State::EXITED && self.blueprint.is_job(&service.name);
        let started = match member.state {
            State::RUNNING | State::RESTARTING => Ok(()),
            _ if ended_job => Ok(()),
            State::PAUSED => {
                self.call
                    .heavy(self.call.engine.unpause_container(&member.id))
                    .await
            }
            _ => {
                let options = None::<StartContainerOptions>;
                self.call
                    .heavy(self.call.engine.start_container(&member.id, options))
                    .await
            }
        };
        started.map_err(|mut fault| {
            // Some sentence of a new engine without the number: then it is one of these.
            if let (Failure::PortTaken(0), Some(port)) = (fault.kind, service.ports.first()) {
                fault.kind = Failure::PortTaken(port.host);
            }
            self.call.failed(fault, &service.name)
        })?;
        self.steps.done("starting", &service.name);
        Ok(())
    }

    /// Waits until a job succeeded or a service runs and is healthy.
    pub async fn settled(&self, service: &Service) -> Result<(), DriverError> {
        let step = match self.blueprint.is_job(&service.name) {
            true => {
                self.site.until_done(&service.name, Some(service)).await?;
                "running job"
            }
            false => {
                self.site.until_well(&service.name).await?;
                "waiting"
            }
        };
        self.steps.done(step, &service.name);
        Ok(())
    }
}
