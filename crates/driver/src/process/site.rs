//! One resource on this host: what is asked of its services, and waited for.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use caviada_core::limits;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::folder::ResourceFolder;
use super::record::Record;
use super::status::{self, Health, Look, State};
use super::{Call, files, inside};
use crate::blueprint::Service;
use crate::pause::Pause;
use crate::reach::Reach;
use crate::{DriverError, ExecOutput, Failure};

const FLUSH_WAIT: Duration = Duration::from_millis(limits::driver::LOG_FLUSH_MS_MAX);

/// One resource on this host.
pub(super) struct Site<'a> {
    pub call: Call<'a>,
    pub folder: ResourceFolder,
    pub record: Record,
}

impl Site<'_> {
    /// The service of that name.
    pub(super) fn service(&self, name: &str) -> Result<&Service, DriverError> {
        self.record.blueprint.service(name).ok_or_else(|| {
            let resource = self.record.resource;
            let detail = format!("{resource} has no service '{name}' here");
            self.call.no(Failure::Refused, detail)
        })
    }

    /// The folder that holds a path of a service, and the path below it.
    pub(super) fn locate(
        &self,
        service: &str,
        path: &str,
    ) -> Result<(PathBuf, PathBuf), DriverError> {
        let service = self.service(service)?;
        if !path.starts_with('/') {
            let detail = format!("{}:{path}: the path must be absolute", service.name);
            return Err(self.call.no(Failure::Refused, detail));
        }
        Ok(self.folder.locate(service, path))
    }

    pub(super) async fn look(&self, service: &str) -> Result<Look, DriverError> {
        let home = self.folder.service(service);
        let looked = self.call.blocking(move || status::look(&home)).await?;
        looked.map_err(|e| self.call.io(service, e))
    }

    /// Has everything put into the log that a service wrote so far; best effort, for a shim that
    /// does not answer must not hide the log.
    pub(super) async fn flush(&self, service: &str) -> Result<(), DriverError> {
        let Look::Lives(before) = self.look(service).await? else {
            return Ok(());
        };
        before.shim.signal(Signal::SIGHUP);
        let flushed = |look: &Look| match look {
            Look::Lives(now) => now.flushes > before.flushes,
            _ => true,
        };
        let until = Instant::now() + FLUSH_WAIT;
        self.until(service, until, flushed).await.map(drop)
    }

    /// Waits until a service runs and, if it has a health check, until that passes.
    pub(super) async fn until_well(&self, service: &str) -> Result<(), DriverError> {
        let mut pause = Pause::of_processes();
        loop {
            let look = self.look(service).await?;
            self.not_over(service, &look).await?;
            let waits_for = match &look {
                Look::Lives(status) if status.state == State::Running => match status.health {
                    Health::Unchecked | Health::Healthy => return Ok(()),
                    Health::Unhealthy => {
                        return Err(self.not_ready(service, "reports itself unhealthy").await);
                    }
                    Health::Starting => "did not report itself healthy in time",
                },
                _ => "did not run in time",
            };
            if self.call.is_over() {
                return Err(self.not_ready(service, waits_for).await);
            }
            pause.wait().await;
        }
    }

    /// Waits until a job ended with exit code 0 and wrote what it should.
    pub(super) async fn until_done(&self, service: &str) -> Result<(), DriverError> {
        let mut pause = Pause::of_processes();
        loop {
            match self.look(service).await? {
                Look::Ended(status) if status.code == Some(0) && status.output_found => {
                    return Ok(());
                }
                Look::Ended(status) if status.code == Some(0) => {
                    let job = self.service(service)?.job.as_ref();
                    let wanted = job.and_then(|j| j.output_contains.as_deref());
                    let wanted = wanted.unwrap_or_default();
                    let why = format!("ended without writing '{wanted}'");
                    return Err(self.not_ready(service, &why).await);
                }
                look => self.not_over(service, &look).await?,
            }
            if self.call.is_over() {
                return Err(self.not_ready(service, "did not end in time").await);
            }
            pause.wait().await;
        }
    }

    /// An error if the service ended and nothing will start it again.
    async fn not_over(&self, service: &str, look: &Look) -> Result<(), DriverError> {
        match look {
            Look::Never | Look::Lives(_) => Ok(()),
            Look::Ended(status) => {
                let code = status.code.unwrap_or(-1);
                let why = format!("ended with exit code {code}");
                Err(self.not_ready(service, &why).await)
            }
            Look::Lost(_) => Err(self.not_ready(service, "lost its shim").await),
        }
    }

    /// `NotReady` with the service's name and its last lines.
    async fn not_ready(&self, service: &str, why: &str) -> DriverError {
        let lines = self.last_lines(service).await;
        let detail = match lines.as_str() {
            "" => format!("{service} {why} and wrote nothing"),
            lines => format!("{service} {why}; its last lines:\n{lines}"),
        };
        self.call.no(Failure::NotReady, detail)
    }

    /// Asks a shim to do something and waits until it did. One that is gone did not.
    pub(super) async fn until(
        &self,
        service: &str,
        deadline: Instant,
        done: impl Fn(&Look) -> bool,
    ) -> Result<bool, DriverError> {
        let mut pause = Pause::of_processes();
        loop {
            let look = self.look(service).await?;
            if done(&look) {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            pause.wait().await;
        }
    }
}

#[async_trait]
impl Reach for Site<'_> {
    fn address(&self) -> &str {
        &self.record.address
    }

    async fn exec(
        &self,
        service: &str,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutput, DriverError> {
        inside::exec(
            self,
            service,
            command,
            timeout,
            limits::driver::READINESS_BYTES_MAX,
        )
        .await
    }

    async fn read_file(
        &self,
        service: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let (base, below) = self.locate(service, path)?;
        let read = move || files::read(&base, &below, bytes_max);
        let read = self.call.blocking(read).await?;
        read.map_err(|e| self.call.no(e.kind(), format!("{service}:{path}: {e}")))
    }

    async fn alive(&self, service: &str) -> Result<(), DriverError> {
        let look = self.look(service).await?;
        self.not_over(service, &look).await
    }

    async fn last_lines(&self, service: &str) -> String {
        if self.flush(service).await.is_err() {
            return String::new();
        }
        let log = self.folder.service(service).log();
        let read = move || {
            super::log::tail(
                &log,
                limits::driver::LAST_LINES_MAX,
                limits::driver::LAST_BYTES_MAX,
            )
        };
        match self.call.blocking(read).await {
            Ok(Ok(text)) => String::from_utf8_lossy(&text).trim_end().to_owned(),
            _ => String::new(),
        }
    }
}
