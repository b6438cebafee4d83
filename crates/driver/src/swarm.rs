//! Docker swarms, over the API of one of their managers (1.41 and later).
//!
//! A resource is a group of services with one replica each, on overlay networks of its own; jobs are
//! services of the mode for jobs. The swarm places them, and places them anew when a node is lost.
//!
//! Volumes are local to a node, and commands and files go only through the engine of the node that
//! runs a task. So whatever keeps data, and whatever the driver has to look into, is held on the node
//! whose engine is spoken to (`plan::held`); all else may run anywhere. That way `delete` leaves no
//! volume behind, a service never finds an empty one after it was moved, and every template works.

mod config;
pub mod constraint;
mod create;
mod delete;
mod health;
mod network;
mod node;
mod observe;
mod plan;
mod request;
mod reset;
mod site;
mod task;

use std::time::Duration;

use async_trait::async_trait;
use bollard::models::LocalNodeState;
use caviada_core::id::ResourceId;
use caviada_core::limits;

use crate::blueprint::Blueprint;
use crate::engine::address::DockerAddress;
use crate::engine::call::{Call, Connection, Deadlines};
use crate::engine::{call, container, fault, image, label, spec, steps, subnet};
use crate::image::{Archive, ImageSources, OnBytes};
use crate::{
    Built, Capability, Driver, DriverError, ExecOutput, Failure, HostFacts, Identity, OnProgress,
    Power, Seen,
};
pub(crate) use plan::possible;
use site::Site;

const VERB_MAX: Duration = Duration::from_millis(limits::driver::VERB_MS_MAX);
const DELETE_MAX: Duration = Duration::from_millis(limits::driver::DELETE_MS_MAX);
/// A pull or load of the largest images over a slow line.
const IMAGE_MAX: Duration = Duration::from_millis(limits::PULL_MS_MAX);

/// How ports of a resource's block are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Publish {
    /// On every node, by the swarm's routing mesh; a service with ports may run anywhere. Needs
    /// `ip_vs` in the kernel of each node.
    #[default]
    Ingress,
    /// On the node whose engine is spoken to, where services with ports are held.
    Host,
}

impl Publish {
    /// As options write it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "ingress" => Some(Self::Ingress),
            "host" => Some(Self::Host),
            _ => None,
        }
    }
}

/// What a swarm is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmOptions {
    /// Written on all that is made; only what bears it is seen.
    pub installation: String,
    /// Where the engine of a manager is.
    pub address: DockerAddress,
    /// The name or address under which holders reach published ports; by default the engine's
    /// host, and 127.0.0.1 for a socket.
    pub published_at: Option<String>,
    /// How ports are published.
    pub publish: Publish,
    /// Where services run that are not held on the engine's own node: `node.labels.disk==ssd`.
    pub constraints: Vec<String>,
    /// Where its images come from.
    pub images: ImageSources,
    /// How long single engine calls may take.
    pub deadlines: Deadlines,
}

impl SwarmOptions {
    /// Options with every default.
    #[must_use]
    pub fn new(installation: impl Into<String>, address: DockerAddress) -> Self {
        Self {
            installation: installation.into(),
            address,
            published_at: None,
            publish: Publish::default(),
            constraints: Vec::new(),
            images: ImageSources::default(),
            deadlines: Deadlines::default(),
        }
    }
}

/// The driver of one swarm.
pub struct Swarm {
    installation: String,
    published_at: String,
    publish: Publish,
    constraints: Vec<String>,
    images: ImageSources,
    connection: Connection,
}

impl Swarm {
    /// A driver that has not connected yet: an absent engine shows at the first verb.
    #[must_use]
    pub fn new(options: SwarmOptions) -> Self {
        let told = options.published_at;
        Self {
            installation: options.installation,
            published_at: told.unwrap_or_else(|| options.address.published_at()),
            publish: options.publish,
            constraints: options.constraints,
            images: options.images,
            connection: Connection::new(options.address, options.deadlines),
        }
    }

    async fn call(&self, op: &'static str, within: Duration) -> Result<Call<'_>, DriverError> {
        self.connection.call(op, within.min(VERB_MAX)).await
    }

    /// The verbs that only pass something through need no more than a few heavy calls.
    async fn short_call(&self, op: &'static str) -> Result<Call<'_>, DriverError> {
        let heavy = self.connection.heavy_limit();
        self.call(op, heavy.saturating_mul(2)).await
    }

    fn site<'a>(&'a self, call: &'a Call<'a>, identity: &'a Identity, here: Here) -> Site<'a> {
        Site {
            call,
            identity,
            published_at: &self.published_at,
            here: here.node,
        }
    }
}

/// The engine that is spoken to, as part of its swarm.
struct Here {
    /// The id of its node.
    node: String,
    /// The id of the swarm.
    swarm: String,
}

/// That the engine is a manager, and of what.
async fn here(call: &Call<'_>) -> Result<Here, DriverError> {
    let info = call.quick(call.engine.info()).await;
    let swarm = info.map_err(|f| call.failed(f, ""))?.swarm;
    let swarm = swarm.unwrap_or_default();
    let no = |why: String| Err(call.no(Failure::Refused, why));
    match swarm.local_node_state {
        Some(LocalNodeState::ACTIVE) if swarm.control_available == Some(true) => Ok(Here {
            node: swarm.node_id.unwrap_or_default(),
            swarm: swarm.cluster.and_then(|c| c.id).unwrap_or_default(),
        }),
        Some(LocalNodeState::ACTIVE) => {
            let managers = swarm.remote_managers.unwrap_or_default();
            let managers: Vec<_> = managers.into_iter().filter_map(|m| m.addr).collect();
            no(format!(
                "the engine is a worker of a swarm: give the host the address of a manager's engine \
                 (managers are at {}), or make it one with `docker node promote`",
                managers.join(", ")
            ))
        }
        Some(LocalNodeState::LOCKED) => no("the swarm is locked: run `docker swarm unlock` there".to_owned()),
        Some(LocalNodeState::ERROR | LocalNodeState::PENDING) => no(format!(
            "the engine is not ready in its swarm: {}",
            swarm.error.filter(|e| !e.is_empty()).unwrap_or_else(|| "it is still joining".to_owned())
        )),
        _ => no(
            "the engine is in no swarm: run `docker swarm init --advertise-addr ADDRESS` there, or \
             give the host driver `docker`"
                .to_owned(),
        ),
    }
}

#[async_trait]
impl Driver for Swarm {
    fn name(&self) -> &'static str {
        "swarm"
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            // A swarm starts anew what is stopped, and pauses nothing.
            Capability::Power | Capability::Alter => false,
            Capability::Reset
            | Capability::Logs
            | Capability::Exec
            | Capability::Files
            | Capability::Images => true,
        }
    }

    async fn probe(&self) -> Result<HostFacts, DriverError> {
        let call = self.short_call("probe").await?;
        let here = here(&call).await?;
        let nodes = node::list(&call).await.map_err(|f| call.failed(f, ""))?;
        let (cpus, memory_bytes) = nodes.room();
        Ok(HostFacts {
            engine: here.swarm,
            version: call.engine.client_version().to_string(),
            cpus,
            memory_bytes,
        })
    }

    async fn list(&self) -> Result<Vec<Seen>, DriverError> {
        let call = self.short_call("list").await?;
        here(&call).await?;
        let things = observe::things(&call, &self.installation, None).await;
        Ok(health::seen(things.map_err(|f| call.failed(f, ""))?))
    }

    async fn create(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let within = Duration::from_millis(blueprint.create_ms_max);
        let call = self.call("create", within).await?;
        let here = here(&call).await?;
        let site = self.site(&call, identity, here);
        create::create(self, site, blueprint, progress).await
    }

    async fn reset(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let within = Duration::from_millis(blueprint.create_ms_max);
        let call = self.call("reset", within).await?;
        let here = here(&call).await?;
        let site = self.site(&call, identity, here);
        reset::reset(self, &site, blueprint, progress).await
    }

    async fn power(&self, _: &Identity, _: Option<&str>, _: Power) -> Result<(), DriverError> {
        Err(DriverError {
            op: "power",
            kind: Failure::Unsupported,
            detail: "a swarm starts again what is stopped and cannot pause; reset or replace the \
                     resource instead"
                .to_owned(),
            source: None,
        })
    }

    async fn delete(&self, resource: ResourceId, generation: u64) -> Result<(), DriverError> {
        let call = self.call("delete", DELETE_MAX).await?;
        here(&call).await?;
        delete::up_to(&call, &self.installation, resource, generation).await
    }

    async fn logs(
        &self,
        identity: &Identity,
        service: &str,
        lines: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let call = self.short_call("logs").await?;
        let here = here(&call).await?;
        self.site(&call, identity, here).log(service, lines).await
    }

    async fn exec(
        &self,
        identity: &Identity,
        service: &str,
        command: &[String],
        timeout: Duration,
        output_bytes_max: usize,
    ) -> Result<ExecOutput, DriverError> {
        let quick = self.connection.quick_limit();
        let within = timeout.saturating_add(quick.saturating_mul(3));
        let call = self.call("exec", within).await?;
        let here = here(&call).await?;
        let site = self.site(&call, identity, here);
        let container = site.container(service).await?;
        container.exec(command, timeout, output_bytes_max).await
    }

    async fn put_files(
        &self,
        identity: &Identity,
        service: &str,
        path: &str,
        tar: Vec<u8>,
    ) -> Result<(), DriverError> {
        let call = self.short_call("put_files").await?;
        let here = here(&call).await?;
        let site = self.site(&call, identity, here);
        site.container(service).await?.put(path, tar).await
    }

    async fn pull(&self, image: &str, bytes: OnBytes<'_>) -> Result<(), DriverError> {
        let call = self.call("pull", IMAGE_MAX).await?;
        here(&call).await?;
        image::ensure_in_swarm(&call, &self.images, image, bytes).await
    }

    async fn load(&self, archive: Archive) -> Result<(), DriverError> {
        let call = self.call("load", IMAGE_MAX).await?;
        here(&call).await?;
        image::load(&call, archive).await
    }

    async fn get_files(
        &self,
        identity: &Identity,
        service: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let call = self.short_call("get_files").await?;
        let here = here(&call).await?;
        let site = self.site(&call, identity, here);
        site.container(service).await?.get(path, bytes_max).await
    }
}
