//! Hosts as the reconciler reaches them: the driver of each, and what it is asked to build.

pub mod check;
pub mod credential;
pub mod registry;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use caviada_api::host::HostCredential;
use caviada_core::host::{Host, HostSpec};
use caviada_core::id::{ResourceId, TemplateId};
use caviada_core::limits;
use caviada_core::state::State;
use caviada_driver::Driver;
use caviada_driver::alteration;
use caviada_driver::blueprint::{Blueprint, Subnet};
use caviada_driver::docker::{Credentials, Docker, DockerAddress, DockerOptions, PlainTcp};
use caviada_driver::image::ImageSources;
use caviada_driver::process::{ProcessConfig, ProcessDriver};
use caviada_driver::swarm::{Publish, Swarm, SwarmOptions, constraint};
use caviada_driver::template::{Parameters, PortBlock, Problem, Reserved, Source, Template};
use caviada_ledger::seal::MasterKey;

/// Why a host or a blueprint cannot be had; for people.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// There is no such driver here, or nothing it could prove itself with.
    #[error("{0}")]
    Host(String),
    /// What a field of the host says is nothing that a driver could be made with.
    #[error("{field}: {why}")]
    Field {
        /// The field, in the words of the API.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// The resource, its pool or its template is gone.
    #[error("{0} is gone")]
    Gone(ResourceId),
    /// The template does not render with the resource's parameters.
    #[error("template {name}: {}", .problems.first().map_or_else(String::new, ToString::to_string))]
    Template {
        /// The template.
        name: String,
        /// What is wrong, at least one.
        problems: Vec<Problem>,
    },
}

impl Unfit {
    fn field(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            why: why.into(),
        }
    }
}

/// Makes the driver of a host.
pub type StandIn = fn(&Host) -> Arc<dyn Driver>;

/// What this server makes drivers of.
#[derive(Debug, Clone)]
pub struct Drivers {
    /// Written on all that is made.
    pub installation: String,
    /// Where the process driver keeps its resources.
    pub process_dir: PathBuf,
    /// This program, which the process driver starts again as a shim and as a sample.
    pub program: String,
    /// Opens credentials; without it only hosts that have none can be reached.
    pub key: Option<Arc<MasterKey>>,
    /// Stands in for the drivers of all hosts: a bench has hosts that are none.
    pub stand_in: Option<StandIn>,
}

impl Drivers {
    /// The driver for a host.
    ///
    /// # Errors
    /// What is said of it does not fit together, or its credential cannot be opened.
    pub fn of(&self, host: &Host) -> Result<Arc<dyn Driver>, Unfit> {
        if let Some(stand_in) = self.stand_in {
            return Ok(stand_in(host));
        }
        let spec = &host.spec;
        match &*spec.driver {
            "docker" => {
                let mut options = docker(&self.installation, spec, &self.credential(host)?)?;
                options.images = self.sources(host)?;
                Ok(Arc::new(Docker::new(options)))
            }
            "swarm" => {
                let mut options = swarm(&self.installation, spec, &self.credential(host)?)?;
                options.images = self.sources(host)?;
                Ok(Arc::new(Swarm::new(options)))
            }
            "process" => Ok(Arc::new(self.process(spec))),
            other => {
                let why =
                    format!("there is no driver '{other}' here; use docker, swarm or process");
                Err(Unfit::Host(why))
            }
        }
    }

    fn credential(&self, host: &Host) -> Result<HostCredential, Unfit> {
        let Some(sealed) = &host.spec.credential else {
            return Ok(HostCredential::default());
        };
        let no = |why: &str| {
            Unfit::Host(format!(
                "its credential cannot be opened: {why}; put it again, or use the master key it \
                 was sealed under"
            ))
        };
        let key = self
            .key
            .as_deref()
            .ok_or_else(|| no("no master key is here"))?;
        credential::open(key, &host.name, sealed).map_err(|e| no(&e.to_string()))
    }

    fn sources(&self, host: &Host) -> Result<ImageSources, Unfit> {
        let key = self.key.as_deref();
        registry::sources(key, &host.name, &host.spec.images).map_err(|why| {
            Unfit::Host(format!(
                "{why}; put it again, or use the master key it was sealed under"
            ))
        })
    }

    fn process(&self, spec: &HostSpec) -> ProcessDriver {
        let sample = vec![self.program.clone(), "sample".to_owned()];
        ProcessDriver::new(ProcessConfig {
            root_dir: self.process_dir.clone(),
            installation: self.installation.clone(),
            shim: vec![self.program.clone(), "shim".to_owned()],
            programs: BTreeMap::from([("sample".to_owned(), sample)]),
            address: reach(spec),
        })
    }
}

fn docker(
    installation: &str,
    spec: &HostSpec,
    plain: &HostCredential,
) -> Result<DockerOptions, Unfit> {
    let mut options = DockerOptions::new(installation, credential::address(spec, plain)?);
    if !spec.reach.is_empty() {
        options.published_at = Some(spec.reach.to_string());
    }
    Ok(options)
}

fn swarm(
    installation: &str,
    spec: &HostSpec,
    plain: &HostCredential,
) -> Result<SwarmOptions, Unfit> {
    let mut options = SwarmOptions::new(installation, credential::address(spec, plain)?);
    if !spec.reach.is_empty() {
        options.published_at = Some(spec.reach.to_string());
    }
    (options.publish, options.constraints) = placing(spec)?;
    Ok(options)
}

/// Option of a swarm: how ports are published.
const PUBLISH: &str = "publish";
/// Option of a swarm: where services run, a list with commas.
const CONSTRAINTS: &str = "constraints";

/// What a swarm's own options say.
///
/// # Errors
/// The option that says nothing a swarm could do.
fn placing(spec: &HostSpec) -> Result<(Publish, Vec<String>), Unfit> {
    let wrong = |name: &str, why: String| Unfit::field(format!("options.{name}"), why);
    let publish = match spec.options.get(PUBLISH) {
        None => Publish::default(),
        Some(word) => Publish::read(word).ok_or_else(|| {
            let why = format!("'{word}' is neither ingress nor host");
            wrong(PUBLISH, why)
        })?,
    };
    let told = spec.options.get(CONSTRAINTS).map_or("", |v| &**v);
    let constraints = told.split(',').map(str::trim).filter(|c| !c.is_empty());
    let constraints: Result<_, _> = constraints.map(constraint::read).collect();
    let constraints = constraints.map_err(|why| wrong(CONSTRAINTS, why))?;
    Ok((publish, constraints))
}

/// Parsed templates, each revision once.
#[derive(Debug, Default)]
pub struct Templates {
    parsed: Mutex<HashMap<TemplateId, Arc<Template>>>,
    images: Mutex<HashMap<(TemplateId, String), ImageNames>>,
}

/// What one revision with the same parameters is made of, or why nothing is.
pub type ImageNames = Result<Arc<BTreeSet<String>>, Arc<Unfit>>;

impl Templates {
    /// What the host shall run for a resource.
    pub fn blueprint(&self, state: &State, resource: ResourceId) -> Result<Blueprint, Unfit> {
        let parameters = made_with(state, resource)?;
        self.blueprint_with(state, resource, &parameters)
    }

    /// All parameters of a resource whose holder wants some otherwise, a JSON object as text: as
    /// far as its template leaves them to him, as what stands can be altered, and as he may bring what
    /// images are new.
    ///
    /// # Errors
    /// What stands against it.
    pub fn altered(
        &self,
        state: &State,
        resource: ResourceId,
        wanted: &Parameters,
        lets_bring: impl Fn(&str) -> bool,
    ) -> Result<Arc<str>, Unfit> {
        let gone = || Unfit::Gone(resource);
        let r = state.resources.get(&resource).ok_or_else(gone)?;
        let site = r.site().ok_or_else(gone)?;
        let revision = state.templates.get(&site.template).ok_or_else(gone)?;
        let wrong = |problems| Unfit::Template {
            name: revision.name.to_string(),
            problems,
        };
        let text = made_with(state, resource)?;
        let now = read(resource, &text)?;
        let template = self.parse(revision).map_err(wrong)?;
        let all = template.altered(&now, wanted).map_err(wrong)?;
        if all == now {
            return Ok(text);
        }
        let all: Arc<str> = serde_json::to_string(&all).unwrap_or_default().into();
        let to = self.blueprint_with(state, resource, &all)?;
        let from = self.standing(state, resource)?;
        for from in &from {
            alteration::between(from, &to).map_err(|why| {
                let why = format!("what stands cannot be altered so: {why}");
                Unfit::field("parameters", why)
            })?;
        }
        // What he gave up of his pool's own he may have again.
        let pool = state.pools.get(&r.pool);
        let pools = pool.and_then(|p| p.spec.parameters());
        let pools = pools.and_then(|p| self.blueprint_with(state, resource, p).ok());
        // What he tried and could not undo he brings anew, if his pool still lets him.
        let known = from.iter().take(1).chain(&pools).flat_map(|f| &f.services);
        let known: BTreeSet<&str> = known.map(|s| s.image.as_str()).collect();
        let mut brought = to.services.iter().map(|s| s.image.as_str());
        if let Some(image) = brought.find(|image| !known.contains(image) && !lets_bring(image)) {
            let why = format!(
                "holders may not bring the image {image}: its pool's operator lists in holder_images what they may"
            );
            return Err(Unfit::field("parameters", why));
        }
        Ok(all)
    }

    /// All that parts may stand of: first what its own parameters say, then what was tried of it.
    pub fn standing(&self, state: &State, resource: ResourceId) -> Result<Vec<Blueprint>, Unfit> {
        let own = self.blueprint(state, resource)?;
        let r = state.resources.get(&resource);
        let tried = r.into_iter().flat_map(|r| r.tried());
        let tried = tried.map(|tried| self.blueprint_with(state, resource, tried));
        [Ok(own)].into_iter().chain(tried).collect()
    }

    /// What the host would run for a resource that is made with these parameters.
    pub fn blueprint_with(
        &self,
        state: &State,
        resource: ResourceId,
        parameters: &str,
    ) -> Result<Blueprint, Unfit> {
        let gone = || Unfit::Gone(resource);
        let r = state.resources.get(&resource).ok_or_else(gone)?;
        let site = r.site().ok_or_else(gone)?;
        let host = state.hosts.get(&site.host).ok_or_else(gone)?;
        let revision = state.templates.get(&site.template).ok_or_else(gone)?;
        let wrong = |problems| Unfit::Template {
            name: revision.name.to_string(),
            problems,
        };
        let template = self.parse(revision).map_err(wrong)?;
        let parameters = read(resource, parameters)?;
        let ports = host.spec.ports.zip(site.block).and_then(|(range, block)| {
            Some(PortBlock {
                first: range.first_of(block)?,
                count: range.block,
            })
        });
        let reserved = Reserved {
            ports: ports.unwrap_or(PortBlock { first: 0, count: 0 }),
            subnet: host
                .spec
                .network
                .zip(site.subnet)
                .map(|(network, n)| Subnet {
                    address: network.first_of(n),
                    prefix: network.subnet,
                }),
            address: reach(&host.spec),
            log_level: host.spec.defaults.log_level.unwrap_or_default(),
        };
        let mut blueprint = template.render(&parameters, &reserved).map_err(wrong)?;
        blueprint.fill(&host.spec.defaults);
        Ok(blueprint)
    }

    /// The images that members with these parameters are made of. Rendered once, also in vain: they hang
    /// on nothing else.
    pub fn images(
        &self,
        revision: &caviada_core::template::Template,
        parameters: &str,
    ) -> ImageNames {
        let at = (revision.id, parameters.to_owned());
        if let Ok(known) = self.images.lock()
            && let Some(images) = known.get(&at)
        {
            return images.clone();
        }
        let images = self.rendered(revision, parameters);
        let images = images.map(Arc::new).map_err(Arc::new);
        if let Ok(mut known) = self.images.lock() {
            if known.len() >= limits::server::RENDERED_MAX {
                known.clear();
            }
            known.insert(at, images.clone());
        }
        images
    }

    fn rendered(
        &self,
        revision: &caviada_core::template::Template,
        parameters: &str,
    ) -> Result<BTreeSet<String>, Unfit> {
        let read: Parameters = serde_json::from_str(parameters)
            .map_err(|e| Unfit::Host(format!("the parameters are not JSON: {e}")))?;
        let images = self.parse(revision).and_then(|t| t.images(&read));
        images.map_err(|problems| Unfit::Template {
            name: revision.name.to_string(),
            problems,
        })
    }

    fn parse(
        &self,
        revision: &caviada_core::template::Template,
    ) -> Result<Arc<Template>, Vec<Problem>> {
        if let Ok(parsed) = self.parsed.lock()
            && let Some(template) = parsed.get(&revision.id)
        {
            return Ok(template.clone());
        }
        let template = Arc::new(Template::parse(&source(&revision.files))?);
        if let Ok(mut parsed) = self.parsed.lock() {
            parsed.insert(revision.id, template.clone());
        }
        Ok(template)
    }
}

/// What a resource is made with, a JSON object as text.
///
/// # Errors
/// It is gone.
pub fn made_with(state: &State, resource: ResourceId) -> Result<Arc<str>, Unfit> {
    let gone = || Unfit::Gone(resource);
    let r = state.resources.get(&resource).ok_or_else(gone)?;
    let site = r.site().ok_or_else(gone)?;
    if !site.parameters.is_empty() {
        return Ok(site.parameters.clone());
    }
    let pool = state.pools.get(&r.pool);
    let parameters = pool.and_then(|p| p.spec.parameters());
    parameters.cloned().ok_or_else(gone)
}

fn read(resource: ResourceId, parameters: &str) -> Result<Parameters, Unfit> {
    serde_json::from_str(parameters)
        .map_err(|e| Unfit::Host(format!("the parameters of {resource} are not JSON: {e}")))
}

/// A revision's files as a template's source.
pub fn source(files: &BTreeMap<Box<str>, Box<str>>) -> Source {
    Source {
        files: files
            .iter()
            .map(|(path, text)| (path.to_string(), text.to_string()))
            .collect(),
    }
}

/// Whether it is reached as a Docker engine is.
pub fn is_engine(spec: &HostSpec) -> bool {
    matches!(&*spec.driver, "docker" | "swarm")
}

/// How holders reach what runs on a host; unless told otherwise, where its engine is reached.
fn reach(spec: &HostSpec) -> String {
    let told = Some(spec.reach.to_string()).filter(|told| !told.is_empty());
    let engine = || {
        // Only where, so nothing has to be proven.
        let unproven = Credentials {
            plain_tcp: PlainTcp::Allow,
            ..Credentials::default()
        };
        let address = DockerAddress::parse(&spec.address, unproven).ok();
        let address = address.filter(|_| is_engine(spec));
        address.map(|address| address.published_at())
    };
    told.or_else(engine).unwrap_or("127.0.0.1".to_owned())
}

/// A host for tests, with nothing but these.
#[cfg(test)]
pub(crate) fn spec(driver: &str, address: &str, reach: &str) -> HostSpec {
    HostSpec {
        driver: driver.into(),
        address: address.into(),
        options: BTreeMap::new(),
        credential: None,
        reach: reach.into(),
        capacity: 1,
        holds: Default::default(),
        schedulable: true,
        drain: false,
        autofill: false,
        ports: None,
        network: None,
        defaults: Default::default(),
        images: Default::default(),
        builds_max: 4,
        attributes: Default::default(),
        labels: Default::default(),
        declared_in: None,
        lost_after_ms: 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_render_is_tried_once() {
        let templates = Templates::default();
        let revision = caviada_core::template::Template {
            id: TemplateId(1),
            name: "t".parse().unwrap(),
            files: BTreeMap::from([("template.toml".into(), "nonsense".into())]).into(),
            drivers: vec!["docker".into()],
            ports: false,
            reset: false,
            create_ms: 120_000,
            declared_in: None,
            made_at: caviada_core::time::Time(1),
            changed: caviada_core::event::Number::default(),
        };
        for parameters in ["{}", "no JSON"] {
            let first = templates.images(&revision, parameters).unwrap_err();
            let again = templates.images(&revision, parameters).unwrap_err();
            assert!(Arc::ptr_eq(&first, &again), "{first}");
        }
    }

    #[test]
    fn what_runs_on_an_engine_far_away_is_reached_there() {
        for (spec, reached) in [
            (spec("docker", "unix:///run/docker.sock", ""), "127.0.0.1"),
            (spec("docker", "ssh://ana@lab.example", ""), "lab.example"),
            (spec("docker", "tcp://lab.example:2376", ""), "lab.example"),
            (
                spec("docker", "ssh://ana@lab.example", "10.0.0.7"),
                "10.0.0.7",
            ),
            (spec("swarm", "tcp://lab.example:2376", ""), "lab.example"),
            (spec("process", "", ""), "127.0.0.1"),
        ] {
            assert_eq!(reach(&spec), reached);
        }
    }
}
