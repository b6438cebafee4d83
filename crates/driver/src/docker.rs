//! Docker engines, over their HTTP API (1.41 and later).
//!
//! A resource is a group of containers, networks and named volumes that bear its labels. Nothing
//! about it is kept here: every verb looks at the engine, so that a driver that was killed goes on
//! where the engine stands. What bears no label of this installation is never touched.

mod alter;
mod container;
mod create;
mod delete;
mod ending;
mod files;
mod health;
mod inside;
mod network;
mod observe;
mod power;
mod site;
mod survey;
mod volume;

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use caviada_core::host::survey::Survey;
use caviada_core::id::ResourceId;
use caviada_core::limits;

pub use crate::engine::address::{Credentials, DockerAddress, InvalidAddress, PlainTcp};
pub use crate::engine::call::Deadlines;
pub use crate::engine::credential::{Material, Part, SshCredential, TlsCredential, Unusable};

use crate::blueprint::Blueprint;
use crate::engine::{call, fault, image, label, plan, spec, steps, subnet};
use crate::image::bundle::Bundled;
use crate::image::{Archive, ImageSources, OnBytes};
use crate::machine::Machine;
use crate::{
    Built, Capability, Driver, DriverError, ExecOutput, HostFacts, Identity, OnProgress, Power,
    Seen,
};
use call::{Call, Connection};
use site::Site;

const VERB_MAX: Duration = Duration::from_millis(limits::driver::VERB_MS_MAX);
const DELETE_MAX: Duration = Duration::from_millis(limits::driver::DELETE_MS_MAX);
/// A pull or load of the largest images over a slow line.
const IMAGE_MAX: Duration = Duration::from_millis(limits::PULL_MS_MAX);

/// What a Docker host is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerOptions {
    /// Written on all that is made; only what bears it is seen.
    pub installation: String,
    /// Where the engine is.
    pub address: DockerAddress,
    /// The name or address under which holders reach published ports; by default the engine's
    /// host, and 127.0.0.1 for a socket.
    pub published_at: Option<String>,
    /// The address of the host that ports are bound to; by default all of them, but loopback for
    /// an engine reached by socket and published nowhere else.
    pub bind_address: Option<IpAddr>,
    /// Where its images come from.
    pub images: ImageSources,
    /// How long single engine calls may take.
    pub deadlines: Deadlines,
}

impl DockerOptions {
    /// Options with every default.
    #[must_use]
    pub fn new(installation: impl Into<String>, address: DockerAddress) -> Self {
        Self {
            installation: installation.into(),
            address,
            published_at: None,
            bind_address: None,
            images: ImageSources::default(),
            deadlines: Deadlines::default(),
        }
    }
}

/// The driver of one Docker host.
pub struct Docker {
    installation: String,
    published_at: String,
    bind_address: String,
    images: ImageSources,
    connection: Connection,
    machine: Machine,
}

impl Docker {
    /// A driver that has not connected yet: an absent engine shows at the first verb.
    #[must_use]
    pub fn new(options: DockerOptions) -> Self {
        let told = options.published_at.clone();
        let published_at = told.unwrap_or_else(|| options.address.published_at());
        let loopback = published_at
            .parse::<IpAddr>()
            .is_ok_and(|a| a.is_loopback());
        let bind_address = match options.bind_address {
            Some(address) => address.to_string(),
            None if loopback => published_at.clone(),
            None => "0.0.0.0".to_owned(),
        };
        Self {
            installation: options.installation,
            published_at,
            bind_address,
            images: options.images,
            connection: Connection::new(options.address, options.deadlines),
            machine: Machine::default(),
        }
    }

    async fn call(&self, op: &'static str, within: Duration) -> Result<Call<'_>, DriverError> {
        self.connection.call(op, within.min(VERB_MAX)).await
    }

    /// One resource here, for one call.
    fn site<'a>(&'a self, call: &'a Call<'a>, identity: &'a Identity) -> Site<'a> {
        Site {
            call,
            identity,
            published_at: &self.published_at,
        }
    }

    /// Makes and starts all that a blueprint has and waits for nothing: what the engine can do by
    /// itself, to compare a bring-up with. Its images must be there.
    ///
    /// # Errors
    /// As [`Driver::create`], as far as making and starting goes.
    pub async fn create_bare(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
    ) -> Result<(), DriverError> {
        let within = Duration::from_millis(blueprint.create_ms_max);
        let call = self.call("create", within).await?;
        create::bare(self, &call, identity, blueprint).await
    }

    /// What an image is called in a bundle; pulled if it is not there. What is pinned by digest gets a
    /// name that an archive keeps.
    ///
    /// # Errors
    /// It is not there and cannot be had.
    pub async fn bundled(&self, image: &str, bytes: OnBytes<'_>) -> Result<Bundled, DriverError> {
        let call = self.call("bundle", IMAGE_MAX).await?;
        image::bundled(&call, &self.images, image, bytes).await
    }

    /// The archive of these.
    ///
    /// # Errors
    /// The engine does not answer; what else goes wrong is told while it comes.
    pub async fn archive(&self, images: &[Bundled]) -> Result<Archive, DriverError> {
        let call = self.short_call("bundle").await?;
        Ok(image::archive(&call, images))
    }

    /// The verbs that only pass something through need no more than a few heavy calls.
    async fn short_call(&self, op: &'static str) -> Result<Call<'_>, DriverError> {
        let heavy = self.connection.heavy_limit();
        self.call(op, heavy.saturating_mul(2)).await
    }
}

#[async_trait]
impl Driver for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Power
            | Capability::Reset
            | Capability::Logs
            | Capability::Exec
            | Capability::Files
            | Capability::Alter
            | Capability::Images => true,
        }
    }

    async fn probe(&self) -> Result<HostFacts, DriverError> {
        let call = self.short_call("probe").await?;
        let info = call.quick(call.engine.info()).await;
        let info = info.map_err(|f| call.failed(f, ""))?;
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        Ok(HostFacts {
            engine: info.id.unwrap_or_default(),
            version: call.engine.client_version().to_string(),
            cpus: count(info.ncpu),
            memory_bytes: count(info.mem_total),
        })
    }

    async fn survey(&self) -> Result<Survey, DriverError> {
        let call = self.short_call("survey").await?;
        let survey = Box::pin(survey::take(&call, &self.installation)).await;
        let mut survey = survey.map_err(|f| call.failed(f, ""))?;
        if self.connection.is_local() {
            survey::look_at_disk(&mut survey).await;
            survey::look_at_use(&mut survey, &self.machine).await;
        }
        Ok(survey.survey)
    }

    async fn list(&self) -> Result<Vec<Seen>, DriverError> {
        let call = self.short_call("list").await?;
        let things = observe::things(&call, &self.installation, None).await;
        let things = things.map_err(|f| call.failed(f, ""))?;
        Ok(health::seen(&call, things).await)
    }

    async fn create(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let within = Duration::from_millis(blueprint.create_ms_max);
        let call = self.call("create", within).await?;
        create::create(self, &call, identity, blueprint, progress).await
    }

    async fn reset(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let within = Duration::from_millis(blueprint.create_ms_max);
        let call = self.call("reset", within).await?;
        power::reset(self, &call, identity, blueprint, progress).await
    }

    async fn alter(
        &self,
        identity: &Identity,
        from: &[Blueprint],
        to: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let within = Duration::from_millis(to.create_ms_max);
        let call = self.call("alter", within).await?;
        alter::alter(self, &call, identity, (from, to), progress).await
    }

    async fn power(
        &self,
        identity: &Identity,
        service: Option<&str>,
        power: Power,
    ) -> Result<(), DriverError> {
        let call = self.call("power", DELETE_MAX).await?;
        power::power(self, &call, identity, service, power).await
    }

    async fn delete(&self, resource: ResourceId, generation: u64) -> Result<(), DriverError> {
        let call = self.call("delete", DELETE_MAX).await?;
        delete::up_to(&call, &self.installation, resource, generation).await
    }

    async fn logs(
        &self,
        identity: &Identity,
        service: &str,
        lines: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let call = self.short_call("logs").await?;
        let container = inside::container(&call, identity, service).await?;
        container.log(lines).await
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
        let within = timeout.saturating_add(quick.saturating_mul(2));
        let call = self.call("exec", within).await?;
        let container = inside::container(&call, identity, service).await?;
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
        let container = inside::container(&call, identity, service).await?;
        container.put(path, tar).await
    }

    async fn pull(&self, image: &str, bytes: OnBytes<'_>) -> Result<(), DriverError> {
        let call = self.call("pull", IMAGE_MAX).await?;
        let pulled = image::ensure(&call, &self.images, image, bytes);
        pulled.await.map(drop)
    }

    async fn load(&self, archive: Archive) -> Result<(), DriverError> {
        let call = self.call("load", IMAGE_MAX).await?;
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
        let container = inside::container(&call, identity, service).await?;
        container.get(path, bytes_max).await
    }
}
