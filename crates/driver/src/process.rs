//! Linux processes on the machine the server runs on, with no container engine.
//!
//! A resource is a folder, each of its services a process tree under its own `caviada shim`
//! ([`shim`]); volumes are folders, ports are told to the services, which bind them themselves.
//! There is **no isolation**: services run as the server's user and see the whole machine. It makes
//! the demo, the tests and trusted single-node use work anywhere.
//!
//! Nothing is kept here: every verb looks at the disk and at `/proc`, so that a driver that was
//! killed goes on where the host stands. Folders without a label of this installation are never
//! touched.

mod create;
mod delete;
mod files;
mod folder;
mod inside;
mod log;
mod observe;
mod power;
mod record;
pub mod sample;
pub mod shim;
mod site;
mod status;
mod tree;
pub(crate) mod variable;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use caviada_core::host::survey::Survey;
use caviada_core::id::ResourceId;
use caviada_core::limits;
use tokio::time::Instant;

use crate::blueprint::Blueprint;
use crate::machine::Machine;
use crate::{
    Built, Capability, Driver, DriverError, ExecOutput, Failure, HostFacts, Identity, OnProgress,
    Power, Seen,
};
use folder::ResourceFolder;
use record::Record;

/// What a process host is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessConfig {
    /// Where everything is kept; made if it is not there.
    pub root_dir: PathBuf,
    /// Written on all that is made; only what bears it is seen.
    pub installation: String,
    /// The program, and its first words, that run [`shim::run`] with the words after them.
    pub shim: Vec<String>,
    /// Program names that templates may use, and what they stand for.
    pub programs: BTreeMap<String, Vec<String>>,
    /// The name or address under which holders reach the services' ports.
    pub address: String,
}

/// The driver of one process host.
#[derive(Debug, Clone)]
pub struct ProcessDriver {
    config: ProcessConfig,
    machine: Arc<Machine>,
}

impl ProcessDriver {
    /// A driver that has not touched the disk yet.
    #[must_use]
    pub fn new(config: ProcessConfig) -> Self {
        Self {
            config,
            machine: Arc::default(),
        }
    }

    fn call(&self, op: &'static str, within: Duration) -> Call<'_> {
        let now = Instant::now();
        // Beyond a century there is no deadline.
        let deadline = now.checked_add(within).unwrap_or(now + VERB_MAX);
        Call {
            op,
            config: &self.config,
            deadline: deadline.min(now + VERB_MAX),
        }
    }
}

const VERB_MAX: Duration = Duration::from_millis(limits::driver::VERB_MS_MAX);
const SHORT: Duration = Duration::from_millis(limits::driver::PROCESS_SHORT_MS_MAX);
const POWER_MAX: Duration = Duration::from_millis(limits::driver::PROCESS_POWER_MS_MAX);

/// One verb under way.
#[derive(Clone, Copy)]
struct Call<'a> {
    op: &'static str,
    config: &'a ProcessConfig,
    deadline: Instant,
}

impl<'a> Call<'a> {
    fn no(&self, kind: Failure, detail: impl Into<String>) -> DriverError {
        DriverError {
            op: self.op,
            kind,
            detail: detail.into(),
            source: None,
        }
    }

    /// What the disk said no to.
    fn io(&self, subject: impl Into<String>, error: io::Error) -> DriverError {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::NoRoom,
            io::ErrorKind::InvalidData => Failure::Bug,
            _ => Failure::Unreachable,
        };
        let subject: String = subject.into();
        let source: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
        DriverError {
            op: self.op,
            kind,
            detail: format!("{subject}: {source}"),
            source: Some(source),
        }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Work on the disk, off the threads that answer requests.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DriverError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| self.no(Failure::Bug, format!("the work ended early: {e}")))
    }

    /// The folder and record of exactly this generation.
    async fn standing(&self, identity: &Identity) -> Result<site::Site<'a>, DriverError> {
        let folder = ResourceFolder::of(&self.config.root_dir, identity);
        let place = folder.clone();
        let record = self.blocking(move || Record::read(&place)).await?;
        match record.map_err(|e| self.io(folder.0.display().to_string(), e))? {
            Some(record) if record.is_of(identity) => Ok(site::Site {
                call: *self,
                folder,
                record,
            }),
            _ => {
                let generation = identity.generation;
                let detail = format!(
                    "{}, generation {generation}, does not stand here",
                    identity.resource
                );
                Err(self.no(Failure::Refused, detail))
            }
        }
    }
}

#[async_trait]
impl Driver for ProcessDriver {
    fn name(&self) -> &'static str {
        "process"
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Power
            | Capability::Reset
            | Capability::Logs
            | Capability::Exec
            | Capability::Files => true,
            Capability::Alter | Capability::Images => false,
        }
    }

    async fn probe(&self) -> Result<HostFacts, DriverError> {
        let call = self.call("probe", SHORT);
        let root = self.config.root_dir.clone();
        let facts = call.blocking(move || observe::facts(&root)).await?;
        facts.map_err(|e| call.io(self.config.root_dir.display().to_string(), e))
    }

    async fn survey(&self) -> Result<Survey, DriverError> {
        let facts = self.probe().await?;
        let in_use = self.machine.in_use().await;
        Ok(Survey {
            version: facts.version,
            cpus: facts.cpus,
            memory_bytes: facts.memory_bytes,
            cpu_used_millicores: in_use.cpu_millicores,
            memory_used_bytes: in_use.memory.map(|memory| memory.used),
            ..Survey::default()
        })
    }

    async fn list(&self) -> Result<Vec<Seen>, DriverError> {
        let call = self.call("list", SHORT);
        observe::list(&call, None).await
    }

    async fn create(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let within = Duration::from_millis(blueprint.create_ms_max);
        let call = self.call("create", within);
        create::create(&call, identity, blueprint, progress).await
    }

    async fn reset(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let within = Duration::from_millis(blueprint.create_ms_max);
        let call = self.call("reset", within);
        power::reset(&call, identity, blueprint, progress).await
    }

    async fn power(
        &self,
        identity: &Identity,
        service: Option<&str>,
        power: Power,
    ) -> Result<(), DriverError> {
        let call = self.call("power", POWER_MAX);
        power::power(&call, identity, service, power).await
    }

    async fn delete(&self, resource: ResourceId, generation: u64) -> Result<(), DriverError> {
        let call = self.call("delete", SHORT);
        delete::up_to(&call, resource, generation).await
    }

    async fn logs(
        &self,
        identity: &Identity,
        service: &str,
        lines: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let call = self.call("logs", SHORT);
        let site = call.standing(identity).await?;
        inside::logs(&site, service, lines).await
    }

    async fn exec(
        &self,
        identity: &Identity,
        service: &str,
        command: &[String],
        timeout: Duration,
        output_bytes_max: usize,
    ) -> Result<ExecOutput, DriverError> {
        let call = self.call("exec", timeout);
        let site = call.standing(identity).await?;
        inside::exec(&site, service, command, timeout, output_bytes_max).await
    }

    async fn put_files(
        &self,
        identity: &Identity,
        service: &str,
        path: &str,
        tar: Vec<u8>,
    ) -> Result<(), DriverError> {
        let call = self.call("put_files", SHORT);
        let site = call.standing(identity).await?;
        let (base, below) = site.locate(service, path)?;
        let done = call
            .blocking(move || files::put(&base, &below, &tar))
            .await?;
        done.map_err(|e| call.no(e.kind(), format!("{service}:{path}: {e}")))
    }

    async fn get_files(
        &self,
        identity: &Identity,
        service: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let call = self.call("get_files", SHORT);
        let site = call.standing(identity).await?;
        let (base, below) = site.locate(service, path)?;
        let done = call
            .blocking(move || files::get(&base, &below, bytes_max))
            .await?;
        done.map_err(|e| call.no(e.kind(), format!("{service}:{path}: {e}")))
    }
}
