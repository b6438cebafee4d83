//! Bring-up: networks and configs, then services by depth, each once what it needs is as it wants it,
//! then readiness. To make a service is to start it.
//!
//! Every step collides with its own deterministic name, so a bring-up that was cut off anywhere is
//! finished by running it again.

use std::collections::BTreeMap;

use caviada_core::limits;
use futures_util::future::try_join_all;

use super::config::{self, Config};
use super::label::{Mark, Role};
use super::request::{self, Place};
use super::site::{Site, Until};
use super::steps::Steps;
use super::{Publish, Swarm, delete, image, network, observe, plan, reset, subnet};
use crate::blueprint::{Blueprint, Dependency, Service};
use crate::reach::Reach as _;
use crate::{Built, DriverError, Failure, OnProgress, output, probe};

/// One bring-up.
struct BringUp<'a> {
    swarm: &'a Swarm,
    site: Site<'a>,
    blueprint: &'a Blueprint,
    depths: BTreeMap<&'a str, usize>,
    configs: BTreeMap<&'a str, Config>,
    steps: Steps<'a>,
}

pub(super) async fn create(
    swarm: &Swarm,
    site: Site<'_>,
    blueprint: &Blueprint,
    progress: OnProgress<'_>,
) -> Result<Built, DriverError> {
    let (call, identity) = (site.call, site.identity);
    let refused = |why: String| call.no(Failure::Refused, why);
    if identity.installation != swarm.installation {
        return Err(refused(
            "this host belongs to another installation".to_owned(),
        ));
    }
    let depths = crate::engine::plan::depths(blueprint).map_err(refused)?;
    let version = call.engine.client_version();
    crate::engine::plan::fits(blueprint, &version, &plan::LATER_KEYS).map_err(refused)?;
    plan::fits(blueprint).map_err(refused)?;
    let nodes = make_way(swarm, &site, blueprint).await?;
    // Each node has an address of its own in each network.
    let layout = subnet::layout(blueprint, subnet::NOBODYS + nodes).map_err(refused)?;

    let count = 2 * blueprint.services.len() + blueprint.readiness.len();
    let steps = Steps::new(progress, count);
    let made = layout
        .into_iter()
        .map(|network| network::ensure(call, identity, network));
    try_join_all(made).await?;
    let configs = config::ensure(call, identity, config::contents(blueprint)).await?;
    let up = BringUp {
        swarm,
        site,
        blueprint,
        depths,
        configs,
        steps,
    };
    let deepest = up.depths.values().max().copied().unwrap_or(0);
    for depth in 0..=deepest {
        let services = blueprint.services.iter();
        let level = services.filter(|s| up.depths[s.name.as_str()] == depth);
        try_join_all(level.map(|s| up.start(s))).await?;
    }
    try_join_all(blueprint.services.iter().map(|s| up.settled(s))).await?;
    ready(swarm, &up.site, blueprint, &|service| {
        up.steps.done("probing", service)
    })
    .await
}

/// The last part of a bring-up and of a reset: probes, outputs, a last look at all.
pub(super) async fn ready(
    swarm: &Swarm,
    site: &Site<'_>,
    blueprint: &Blueprint,
    passed: &(dyn Fn(&str) + Send + Sync),
) -> Result<Built, DriverError> {
    let call = site.call;
    let ready = probe::until_ready(call.op, blueprint, site, call.deadline, passed).await;
    ready.map_err(|e| by_the_mesh(swarm.publish, e))?;
    let outputs = output::render(call.op, blueprint, site).await?;
    // One service may have died while another was waited for.
    let services = blueprint.services.iter();
    let running = services.filter(|s| !blueprint.is_job(&s.name));
    try_join_all(running.map(|s| site.until(&s.name, Until::Well))).await?;
    Ok(Built {
        outputs,
        notes: Vec::new(),
    })
}

/// A routing mesh that cannot work looks like a service that does not listen.
fn by_the_mesh(publish: Publish, mut error: DriverError) -> DriverError {
    let unreached = ["refused", "no answer within"];
    if publish == Publish::Ingress
        && error.kind == Failure::NotReady
        && unreached.iter().any(|words| error.detail.contains(words))
    {
        error.detail.push_str(
            "\n(published by the routing mesh, which needs ip_vs in the kernel of every node; the \
             host's option publish=host does without)",
        );
    }
    error
}

/// Removes older generations, and refuses to stand beside a newer one or where what must run on this
/// node cannot. Returns how many nodes there are.
async fn make_way(
    swarm: &Swarm,
    site: &Site<'_>,
    blueprint: &Blueprint,
) -> Result<u64, DriverError> {
    let (call, identity) = (site.call, site.identity);
    let resource = identity.resource;
    let things = observe::things(call, &identity.installation, Some(resource)).await;
    let things = things.map_err(|f| call.failed(f, ""))?;
    let held = plan::held(blueprint, swarm.publish);
    let closed = things.nodes.get(&site.here).and_then(|node| node.closed);
    if let (Some((service, why)), Some(closed)) = (held.first(), closed) {
        let (here, name) = (&site.here, things.nodes.name(&site.here));
        return Err(call.no(
            Failure::Refused,
            format!(
                "{service} must run on node {name}, whose engine is spoken to, because {why}; but \
                 that node is {closed}: run `docker node update --availability active {here}`"
            ),
        ));
    }
    let generations = || things.marks().map(|mark| mark.identity.generation);
    if let Some(newer) = generations().find(|g| *g > identity.generation) {
        return Err(call.no(
            Failure::Refused,
            format!("{resource} stands here in generation {newer}: this call is late"),
        ));
    }
    if let Some(older) = generations().filter(|g| *g < identity.generation).max() {
        delete::up_to(call, &identity.installation, resource, older).await?;
    }
    Ok(things.nodes.len() as u64)
}

impl<'a> BringUp<'a> {
    /// Makes or adopts a service once what it depends on is as it wants it.
    async fn start(&self, service: &'a Service) -> Result<(), DriverError> {
        for (needed, dependency) in &service.depends_on {
            match dependency {
                Dependency::ServiceStarted => self.site.until(needed, Until::Started).await?,
                Dependency::ServiceHealthy => self.site.until(needed, Until::Well).await?,
                Dependency::ServiceCompletedSuccessfully => {
                    let job = self.blueprint.service(needed).and_then(|s| s.job.as_ref());
                    self.site.until_done(needed, job).await?;
                }
            }
        }
        let mark = Mark {
            identity: self.site.identity.clone(),
            service: Some(service.name.clone()),
            role: match self.blueprint.is_job(&service.name) {
                true => Role::Job,
                false => Role::Service,
            },
            services: self.blueprint.services.len(),
            depth: self.depths[service.name.as_str()],
            swarm: true,
        };
        let variables = self.variables(service).await?;
        let call = self.site.call;
        let (image, credential) = image::in_swarm(call, &self.swarm.images, &service.image).await?;
        let spec = request::body(
            service,
            &Place {
                mark: &mark,
                image: &image,
                publish: self.swarm.publish,
                constraints: self.constraints(service),
                configs: &self.configs,
                variables: &variables,
            },
        );
        // A swarm looks at what the mesh publishes before it looks at names: what stands already is told
        // to be in its own way.
        let name = request::name(self.site.identity, &service.name);
        let itself = format!("is already in use by service '{name}'");
        // What goes with it goes on to every node that pulls.
        match call
            .heavy(call.engine.create_service(spec, credential))
            .await
        {
            Ok(_) => {}
            Err(fault) if fault.is(409) || fault.message.contains(&itself) => {
                self.adopt(service, &mark).await?;
            }
            Err(fault) => return Err(call.failed(fault, &service.name)),
        }
        self.steps.done("starting", &service.name);
        Ok(())
    }

    /// Goes on with the service that bears the name already, if it is this very one. One that ended is
    /// started again; a job that ended is not.
    async fn adopt(&self, service: &Service, mark: &Mark) -> Result<(), DriverError> {
        let look = self.site.look(&service.name).await?;
        let over = look.current().is_some_and(|task| look.is_over(task));
        match over && mark.role == Role::Service {
            true => reset::anew(self.site.call, &service.name, look).await,
            false => Ok(()),
        }
    }

    /// The author's own, and where the service is held or the host's operator wants it.
    fn constraints(&self, service: &Service) -> Vec<String> {
        let mut all = service.constraints.clone();
        let held = plan::held(self.blueprint, self.swarm.publish);
        match held.iter().any(|(name, _)| *name == service.name) {
            true => all.push(format!("node.id=={}", self.site.here)),
            false => all.extend(self.swarm.constraints.iter().cloned()),
        }
        all
    }

    /// What jobs found out.
    async fn variables(&self, service: &Service) -> Result<BTreeMap<String, String>, DriverError> {
        let mut variables = BTreeMap::new();
        for (name, file) in &service.environment_files {
            let read = self.site.read_file(
                &file.service,
                &file.path,
                limits::driver::VARIABLE_BYTES_MAX,
            );
            let text = String::from_utf8(read.await?).map_err(|_| {
                let detail = format!("{name}: {} of {} is no text", file.path, file.service);
                self.site.call.no(Failure::Refused, detail)
            })?;
            variables.insert(name.clone(), text.trim_end_matches('\n').to_owned());
        }
        Ok(variables)
    }

    /// Waits until a job succeeded or a service runs and is healthy.
    async fn settled(&self, service: &Service) -> Result<(), DriverError> {
        let step = match self.blueprint.is_job(&service.name) {
            true => {
                let done = self.site.until_done(&service.name, service.job.as_ref());
                done.await?;
                "running job"
            }
            false => {
                self.site.until(&service.name, Until::Well).await?;
                "waiting"
            }
        };
        self.steps.done(step, &service.name);
        Ok(())
    }
}
