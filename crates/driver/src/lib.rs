//! How a host is spoken to, and what a template becomes there.
//!
//! A driver has no choices: the reconciler says what shall be, the driver makes it so. Every verb
//! is idempotent and keyed by resource *and generation*; names on the engine are deterministic, so
//! that a second create of one generation finds the first one's things and adopts them.

pub mod alteration;
pub mod blueprint;
pub mod docker;
mod engine;
pub mod holder;
pub mod image;
mod machine;
pub mod output;
mod pause;
pub mod probe;
pub mod process;
pub mod reach;
pub mod swarm;
pub mod template;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use caviada_core::host::survey::Survey;
use caviada_core::id::ResourceId;

use blueprint::Blueprint;
use image::{Archive, OnBytes};

/// Who a made thing is, written as labels on everything a driver makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The installation that made it; a driver lists and touches only things of its own.
    pub installation: String,
    /// The resource it belongs to.
    pub resource: ResourceId,
    /// Rises with each build of the resource.
    pub generation: u64,
    /// The ledger's revision when it was made: an orphan newer than State is never removed.
    pub revision: u64,
}

/// One resource's remains on a host, as one `list` saw them. A generation that left anything
/// behind (a network, a volume) is seen, even if nothing of it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// From the labels.
    pub identity: Identity,
    /// What the services together amount to.
    pub condition: Condition,
    /// Why it is not `Up`, or what happened to it that is `Up`, for people; names the service.
    pub detail: Option<String>,
}

/// What the services of one resource together amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Every long-running service runs, none reports itself unhealthy, every job succeeded.
    Up,
    /// Being made, or left half-made by a driver that went away.
    Partial,
    /// Every long-running service is paused.
    Paused,
    /// Complete, but at least one long-running service stopped, died or is unhealthy.
    Down,
}

/// What a host is, as told by `probe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// The engine's own id, so that one engine entered twice is noticed.
    pub engine: String,
    /// The version spoken with the engine.
    pub version: String,
    /// Logical processors.
    pub cpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

/// What stands on the host after a `create` or `reset` that came up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Built {
    /// Endpoint name → value (an address `host:port`, a URL, a file's text), in the template's order.
    pub outputs: Vec<(String, String)>,
    /// The last lines of the slowest part, kept only when something was odd.
    pub notes: Vec<String>,
}

/// One step of a bring-up, for the stream; volatile, never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// `pulling`, `creating`, `starting`, `waiting`, `running job`, `probing`,
    /// `resetting`, `restarting`, `removing`.
    pub step: &'static str,
    /// The service or image it is about.
    pub subject: String,
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub of: u32,
}

/// Takes progress as it happens.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// What `power` shall do with services of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Start what is stopped.
    Start,
    /// Stop, keeping volumes, networks and ports.
    Stop,
    /// Freeze without losing memory.
    Pause,
    /// Undo `Pause`.
    Unpause,
}

/// What `exec` gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// The exit code; a signal counts as 128 + its number.
    pub code: i64,
    /// Standard output, cut at the limit asked for.
    pub stdout: Vec<u8>,
    /// Standard error, cut likewise.
    pub stderr: Vec<u8>,
}

/// Optional verbs; one that a driver lacks is refused by name before it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// `power`.
    Power,
    /// `reset` in place.
    Reset,
    /// `logs`.
    Logs,
    /// `exec`.
    Exec,
    /// `put_files` and `get_files`.
    Files,
    /// `alter`.
    Alter,
    /// `pull` and `load`.
    Images,
}

/// A way to speak to hosts. Every call ends by itself: `within` bounds it from outside too, but a
/// driver passes deadlines on to the engine where it can.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// `docker`, `process`, …
    fn name(&self) -> &'static str;

    /// What this driver can do beyond making, listing and deleting.
    fn can(&self, capability: Capability) -> bool;

    /// Is the host there, and what is it?
    async fn probe(&self) -> Result<HostFacts, DriverError>;

    /// What the host is and has right now, for people; what it does not tell is left open.
    async fn survey(&self) -> Result<Survey, DriverError> {
        let facts = self.probe().await?;
        Ok(Survey {
            version: facts.version,
            cpus: facts.cpus,
            memory_bytes: facts.memory_bytes,
            ..Survey::default()
        })
    }

    /// Everything on the host that bears this installation's label, and nothing else. Complete or
    /// an error: a partial list would read as things gone.
    async fn list(&self) -> Result<Vec<Seen>, DriverError>;

    /// Makes the resource and returns once it is ready. Things of the same generation are adopted
    /// and finished; things of an older generation of the same resource are removed first.
    async fn create(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError>;

    /// Brings the resource of this generation back to how it was when it came up.
    async fn reset(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError>;

    /// Makes a resource one as `to` says, and returns once it is ready. It stands as `from` says;
    /// where those are several, parts of each may stand. See [`alteration::between`]: what all have
    /// alike is not touched; a job that is another, or did not succeed, runs again. What `to` has not
    /// is removed at last. Safe to repeat.
    async fn alter(
        &self,
        identity: &Identity,
        from: &[Blueprint],
        to: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        let _ = (identity, from, to, progress);
        Err(DriverError {
            op: "alter",
            kind: Failure::Unsupported,
            detail: format!("the driver {} alters nothing that stands", self.name()),
            source: None,
        })
    }

    /// Starts, stops, freezes or thaws a service of a resource, or all of them, jobs apart. It waits
    /// for no readiness: `create` of what stands does.
    async fn power(
        &self,
        identity: &Identity,
        service: Option<&str>,
        power: Power,
    ) -> Result<(), DriverError>;

    /// Removes everything of `resource` up to and including `generation`: containers, anonymous
    /// and named volumes, networks. Nothing there is success.
    async fn delete(&self, resource: ResourceId, generation: u64) -> Result<(), DriverError>;

    /// The last `lines` lines (at most 10,000) of a service.
    async fn logs(
        &self,
        identity: &Identity,
        service: &str,
        lines: usize,
    ) -> Result<Vec<u8>, DriverError>;

    /// Runs a command inside a service and waits for its end, at most `timeout`.
    async fn exec(
        &self,
        identity: &Identity,
        service: &str,
        command: &[String],
        timeout: Duration,
        output_bytes_max: usize,
    ) -> Result<ExecOutput, DriverError>;

    /// Unpacks a tar archive below `path` in a service.
    async fn put_files(
        &self,
        identity: &Identity,
        service: &str,
        path: &str,
        tar: Vec<u8>,
    ) -> Result<(), DriverError>;

    /// Has an image on the host, pulling it if it is not there.
    async fn pull(&self, image: &str, bytes: OnBytes<'_>) -> Result<(), DriverError> {
        let _ = (image, bytes);
        Err(no_images(self.name(), "pull"))
    }

    /// Takes in an archive of images as it comes. One that breaks off brings none.
    async fn load(&self, archive: Archive) -> Result<(), DriverError> {
        drop(archive);
        Err(no_images(self.name(), "load"))
    }

    /// `path` of a service as a tar archive of at most `bytes_max`.
    async fn get_files(
        &self,
        identity: &Identity,
        service: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, DriverError>;
}

/// What a driver without images answers.
fn no_images(driver: &'static str, op: &'static str) -> DriverError {
    DriverError {
        op,
        kind: Failure::Unsupported,
        detail: format!("hosts of the driver {driver} have no images"),
        source: None,
    }
}

/// A driver's no. The ledger reacts to `kind`; people read the message and its sources.
#[derive(Debug)]
pub struct DriverError {
    /// The verb that failed.
    pub op: &'static str,
    /// The cause by which back-off is counted.
    pub kind: Failure,
    /// What went wrong, and what to do next; never a secret.
    pub detail: String,
    /// The library's error.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Why a driver call failed, as far as somebody acts differently on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The host did not answer: look again later, conclude nothing.
    Unreachable,
    /// The call's deadline passed while the host was thinking.
    TimedOut,
    /// The engine understood and said no: the blueprint is wrong for this host.
    Refused,
    /// An image is neither here nor to be had.
    NoImage,
    /// Memory, disk, networks or ports ran out.
    NoRoom,
    /// A host port of the block is taken by somebody else; the port.
    PortTaken(u16),
    /// A service ended or never became ready.
    NotReady,
    /// A thing of that name exists without our labels; it is left alone.
    NotOurs,
    /// The driver cannot do this verb at all.
    Unsupported,
    /// The engine answered something no version of it should.
    Bug,
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op, self.detail)
    }
}

impl std::error::Error for DriverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}
