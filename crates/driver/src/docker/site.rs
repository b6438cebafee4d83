//! One resource on its engine while it comes up: what is asked of its services, and waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::{ContainerState, ContainerStateStatusEnum as State, HealthStatusEnum};

use super::call::Call;
use super::health::{self, Test};
use super::inside;
use super::pause::Pause;
use crate::blueprint::{Dependency, Service};
use crate::engine::container::{ended, lacks};
use crate::reach::Reach;
use crate::{DriverError, ExecOutput, Failure, Identity};

/// Output of a readiness command that is looked at.
const EXEC_BYTES_MAX: usize = 64 << 10;

/// How often an engine starts a service again before a job that has it beside it is told that it will
/// not come up: with the engine's own pauses, some 3 s.
const RESTARTS_MAX: i64 = 5;

/// One resource on its engine.
pub(super) struct Site<'a> {
    pub call: &'a Call<'a>,
    pub identity: &'a Identity,
    pub published_at: &'a str,
}

impl Site<'_> {
    /// The container's id and state.
    pub async fn state(&self, service: &str) -> Result<(String, ContainerState), DriverError> {
        let found = inside::owned(self.call, self.identity, service).await?;
        Ok((
            found.id.unwrap_or_default(),
            found.state.unwrap_or_default(),
        ))
    }

    /// Waits until a service runs and, if it has a health check, until that passes.
    pub async fn until_well(&self, service: &str) -> Result<(), DriverError> {
        let mut pause = Pause::new();
        let mut said = String::new();
        loop {
            let found = inside::owned(self.call, self.identity, service).await?;
            let test = Test::due(&found);
            let id = found.id.unwrap_or_default();
            let state = found.state.unwrap_or_default();
            self.not_over(service, &id, &state).await?;
            let told = state.health.as_ref().and_then(|h| h.status);
            let runs = state.status == Some(State::RUNNING);
            let mut waits_for = match told {
                None | Some(HealthStatusEnum::EMPTY | HealthStatusEnum::NONE) if runs => {
                    return Ok(());
                }
                Some(HealthStatusEnum::HEALTHY) if runs => return Ok(()),
                Some(HealthStatusEnum::UNHEALTHY) if runs && test.is_none() => {
                    let why = match health::last_said(&state) {
                        said if said.is_empty() => "reports itself unhealthy".to_owned(),
                        said => format!("reports itself unhealthy: {said}"),
                    };
                    return Err(self.not_ready(service, &id, &why).await);
                }
                _ if runs => "did not report itself healthy in time".to_owned(),
                _ => "did not run in time".to_owned(),
            };
            if let Some(test) = test.filter(|_| runs) {
                let call = self.call;
                match test.passes(call, self.identity, service, call.left()).await {
                    Ok(()) => return Ok(()),
                    // A last try that was cut short tells less than the one before.
                    Err(_) if !said.is_empty() && call.left().is_zero() => {}
                    Err(why) => said = why,
                }
            }
            if self.call.left().is_zero() {
                if !said.is_empty() {
                    waits_for = format!("{waits_for}: {said}");
                }
                return Err(self.not_ready(service, &id, &waits_for).await);
            }
            pause.wait().await;
        }
    }

    /// Waits until a job ended with exit code 0 and wrote what it should; not for one that waits for
    /// what is lost beside it. `told` is what the template tells of it.
    pub async fn until_done(
        &self,
        service: &str,
        told: Option<&Service>,
    ) -> Result<(), DriverError> {
        let mut pause = Pause::new();
        let mut restarts = BTreeMap::new();
        let id = loop {
            let (id, state) = self.state(service).await?;
            match (state.status, state.exit_code.unwrap_or(0)) {
                (Some(State::EXITED), 0) => break id,
                (Some(State::EXITED | State::DEAD), code) => {
                    let why = format!("ended with exit code {code}");
                    return Err(self.not_ready(service, &id, &why).await);
                }
                _ if self.call.left().is_zero() => {
                    return Err(self.not_ready(service, &id, "did not end in time").await);
                }
                _ => {}
            }
            self.none_lost(told, &mut restarts).await?;
            pause.wait().await;
        };
        let job = told.and_then(|s| s.job.as_ref());
        if job.is_none_or(|job| job.output_contains.is_none()) {
            return Ok(());
        }
        let said = inside::at(self.call, id.clone(), service).said().await?;
        match lacks(&said, job) {
            None => Ok(()),
            Some(why) => Err(self.not_ready(service, &id, &why).await),
        }
    }

    /// An error if one of the services that a job has beside it ended for good, or time and again since
    /// the first look, of which `restarts` keeps how often each was started again until then.
    async fn none_lost<'a>(
        &self,
        job: Option<&'a Service>,
        restarts: &mut BTreeMap<&'a str, i64>,
    ) -> Result<(), DriverError> {
        let needed = job.into_iter().flat_map(|job| &job.depends_on);
        let beside = needed.filter(|(_, how)| **how == Dependency::ServiceStarted);
        for (service, _) in beside {
            let found = inside::owned(self.call, self.identity, service).await?;
            let id = found.id.unwrap_or_default();
            let state = found.state.unwrap_or_default();
            self.not_over(service, &id, &state).await?;
            let count = found.restart_count.unwrap_or(0);
            let since = count - *restarts.entry(service).or_insert(count);
            let down = state.status == Some(State::RESTARTING);
            if down && since >= RESTARTS_MAX {
                let code = state.exit_code.unwrap_or(-1);
                let why =
                    format!("was started again {since} times and ended with exit code {code}");
                return Err(self.not_ready(service, &id, &why).await);
            }
        }
        Ok(())
    }

    /// An error if the service ended and nothing will start it again.
    async fn not_over(
        &self,
        service: &str,
        id: &str,
        state: &ContainerState,
    ) -> Result<(), DriverError> {
        match state.status {
            Some(State::EXITED | State::DEAD) => {
                let code = state.exit_code.unwrap_or(-1);
                let why = if self.at_memory_limit(service, state).await? {
                    format!("was killed at its memory limit (exit code {code})")
                } else {
                    format!("ended with exit code {code}")
                };
                Err(self.not_ready(service, id, &why).await)
            }
            _ => Ok(()),
        }
    }

    /// Whether a service that ended met its memory limit. Of that an engine learns by an event of
    /// its own, which comes after the end, on a busy machine by more than a second: a killed one is looked at
    /// again, for some 3 s.
    async fn at_memory_limit(
        &self,
        service: &str,
        ended: &ContainerState,
    ) -> Result<bool, DriverError> {
        const KILLED: i64 = 128 + 9;
        const LOOKS: usize = 10;
        let mut told = ended.oom_killed;
        let mut pause = Pause::new();
        for _ in 0..LOOKS {
            if told == Some(true) || ended.exit_code != Some(KILLED) {
                break;
            }
            pause.wait().await;
            told = self.state(service).await?.1.oom_killed;
        }
        Ok(told == Some(true))
    }

    /// `NotReady` with the service's name and its last lines.
    async fn not_ready(&self, service: &str, id: &str, why: &str) -> DriverError {
        let container = inside::at(self.call, id.to_owned(), service);
        let lines = container.last_lines().await;
        self.call.no(Failure::NotReady, ended(service, why, &lines))
    }
}

#[async_trait]
impl Reach for Site<'_> {
    fn address(&self) -> &str {
        self.published_at
    }

    async fn exec(
        &self,
        service: &str,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutput, DriverError> {
        let container = inside::container(self.call, self.identity, service).await?;
        container.exec(command, timeout, EXEC_BYTES_MAX).await
    }

    async fn read_file(
        &self,
        service: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, DriverError> {
        let container = inside::container(self.call, self.identity, service).await?;
        container.file(path, bytes_max).await
    }

    async fn alive(&self, service: &str) -> Result<(), DriverError> {
        let (id, state) = self.state(service).await?;
        self.not_over(service, &id, &state).await
    }

    async fn last_lines(&self, service: &str) -> String {
        match inside::container(self.call, self.identity, service).await {
            Ok(container) => container.last_lines().await,
            Err(_) => String::new(),
        }
    }
}
