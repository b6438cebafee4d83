//! One verb being carried out: the negotiated engine, a deadline, and the places in its queue.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use caviada_core::limits;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::address::DockerAddress;
use super::fault::Fault;
use super::transport;
use crate::{DriverError, Failure};

/// The oldest engine API this driver was written against (engine 20.10).
pub(crate) const API_MIN: bollard::ClientVersion = bollard::ClientVersion {
    major_version: 1,
    minor_version: 41,
};

/// How long single engine calls may take. No verb trusts an engine to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Looking: ping, inspect, list.
    pub quick: Duration,
    /// Making, starting, removing, uploading.
    pub heavy: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            quick: Duration::from_millis(limits::driver::QUICK_CALL_MS_MAX),
            heavy: Duration::from_millis(limits::driver::HEAVY_CALL_MS_MAX),
        }
    }
}

/// The way to one engine, kept open between calls.
pub(crate) struct Connection {
    address: DockerAddress,
    deadlines: Deadlines,
    heavy: Semaphore,
    known: Mutex<Option<bollard::Docker>>,
    negotiating: tokio::sync::Mutex<()>,
}

impl Connection {
    pub fn new(address: DockerAddress, deadlines: Deadlines) -> Self {
        Self {
            address,
            deadlines,
            heavy: Semaphore::new(limits::driver::HEAVY_CALLS_AT_ONCE_MAX),
            known: Mutex::new(None),
            negotiating: tokio::sync::Mutex::new(()),
        }
    }

    /// The engine runs on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.address, DockerAddress::Unix(_))
    }

    /// The deadline of one call that only looks.
    pub fn quick_limit(&self) -> Duration {
        self.deadlines.quick
    }

    /// The deadline of one heavy call.
    pub fn heavy_limit(&self) -> Duration {
        self.deadlines.heavy
    }

    /// Begins a verb that may take `within`.
    pub async fn call(&self, op: &'static str, within: Duration) -> Result<Call<'_>, DriverError> {
        let deadline = Instant::now() + within;
        let limit = within.min(self.deadlines.quick);
        let engine = match timeout(limit, self.negotiated()).await {
            Ok(engine) => engine,
            Err(_) => Err(Fault::late(limit)),
        };
        let engine = engine.map_err(|f| f.into_error(op, &self.address.to_string()))?;
        Ok(Call {
            op,
            deadline,
            engine,
            connection: self,
        })
    }

    async fn negotiated(&self) -> Result<bollard::Docker, Fault> {
        if let Some(engine) = self.known().clone() {
            return Ok(engine);
        }
        // Whoever comes meanwhile wants the same answer; each waiter has its own deadline outside.
        let _alone = self.negotiating.lock().await;
        if let Some(engine) = self.known().clone() {
            return Ok(engine);
        }
        let engine = transport::connect(&self.address)?;
        let engine = engine.negotiate_version().await?;
        let version = engine.client_version();
        if version < API_MIN {
            return Err(Fault::new(
                Failure::Refused,
                format!(
                    "the engine speaks API {version}; {API_MIN} (engine 20.10) or later is needed"
                ),
            ));
        }
        let engine = transport::spoken_as(engine, version);
        *self.known() = Some(engine.clone());
        Ok(engine)
    }

    fn known(&self) -> MutexGuard<'_, Option<bollard::Docker>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One verb being carried out.
pub(crate) struct Call<'a> {
    pub op: &'static str,
    pub deadline: Instant,
    pub engine: bollard::Docker,
    connection: &'a Connection,
}

impl Call<'_> {
    /// A call that only looks. It may end a little after the verb's deadline: whoever waited in
    /// vain still has to see what the end was, and why.
    pub async fn quick<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        self.bounded(self.connection.deadlines.quick, work).await
    }

    /// A call that makes the engine work; waits for one of the engine's few places.
    pub async fn heavy<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        self.heavy_within(self.connection.deadlines.heavy, work)
            .await
    }

    /// A heavy call that may lawfully take longer, such as a stop with its grace.
    pub async fn heavy_within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        let place = timeout_at(self.deadline, self.connection.heavy.acquire()).await;
        let _place = place.map_err(|_| {
            Fault::new(
                Failure::TimedOut,
                "the time was over before the engine was free for this",
            )
        })?;
        self.bounded(limit.min(self.left()), work).await
    }

    /// A call bounded by the verb's own deadline alone, such as a pull.
    pub async fn long<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        self.bounded(self.left(), work).await
    }

    async fn bounded<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        let fault = match timeout(limit, work).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Fault::from(error),
            Err(_) => Fault::late(limit),
        };
        if fault.kind == Failure::Unreachable {
            // It may come back as another version.
            *self.connection.known() = None;
        }
        Err(fault)
    }

    /// What is left of the verb's time.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long the engine may take for one heavy call.
    pub fn heavy_limit(&self) -> Duration {
        self.connection.deadlines.heavy
    }

    /// A no of the driver itself.
    pub fn no(&self, kind: Failure, detail: impl Into<String>) -> DriverError {
        DriverError {
            op: self.op,
            kind,
            detail: detail.into(),
            source: None,
        }
    }

    /// A fault of the engine, with what it was about.
    pub fn failed(&self, fault: Fault, subject: &str) -> DriverError {
        fault.into_error(self.op, subject)
    }
}
