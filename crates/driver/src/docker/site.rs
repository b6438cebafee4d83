//! One resource on its engine while it comes up: what is asked of its services, and waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum as State, HealthStatusEnum,
};
use caviada_core::limits;

use super::call::Call;
use super::ending::Ending;
use super::health::{self, Test};
use super::inside;
use crate::blueprint::{Dependency, Service};
use crate::engine::container::{ended, lacks};
use crate::pause::Pause;
use crate::reach::Reach;
use crate::{DriverError, ExecOutput, Failure, Identity};

/// One resource on its engine.
pub(super) struct Site<'a> {
    pub call: &'a Call<'a>,
    pub identity: &'a Identity,
    pub published_at: &'a str,
}

impl Site<'_> {
    /// Waits until a service runs and, if it has a health check, until that passes.
    pub async fn until_well(&self, service: &str) -> Result<(), DriverError> {
        let mut pause = Pause::of_engine();
        let mut said = String::new();
        loop {
            let found = inside::owned(self.call, self.identity, service).await?;
            self.not_over(service, &found).await?;
            let test = Test::due(&found);
            let id = found.id.unwrap_or_default();
            let state = found.state.unwrap_or_default();
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
        let mut pause = Pause::of_engine();
        let mut restarts = BTreeMap::new();
        let id = loop {
            let found = inside::owned(self.call, self.identity, service).await?;
            let state = found.state.as_ref();
            if state.is_some_and(|s| s.status == Some(State::EXITED) && s.exit_code == Some(0)) {
                break found.id.unwrap_or_default();
            }
            self.not_over(service, &found).await?;
            if self.call.left().is_zero() {
                let id = found.id.unwrap_or_default();
                return Err(self.not_ready(service, &id, "did not end in time").await);
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
            self.not_over(service, &found).await?;
            let status = found.state.as_ref().and_then(|state| state.status);
            let count = found.restart_count.unwrap_or(0);
            let since = count - *restarts.entry(service).or_insert(count);
            if status == Some(State::RESTARTING) && since >= limits::driver::RESTARTS_MAX {
                let why = format!("was started again {since} times and {}", Ending::of(&found));
                let id = found.id.unwrap_or_default();
                return Err(self.not_ready(service, &id, &why).await);
            }
        }
        Ok(())
    }

    /// An error if the service ended and nothing will start it again.
    async fn not_over(
        &self,
        service: &str,
        found: &ContainerInspectResponse,
    ) -> Result<(), DriverError> {
        let status = found.state.as_ref().and_then(|state| state.status);
        if !matches!(status, Some(State::EXITED | State::DEAD)) {
            return Ok(());
        }
        let why = self.ending(service, found).await?;
        let id = found.id.as_deref().unwrap_or_default();
        Err(self.not_ready(service, id, &why).await)
    }

    /// How a service ended. That it met its memory limit an engine learns by an event of its own, which
    /// comes after the end, or never if the container's control group went first: a killed one is
    /// looked at again, for some 0.8 s.
    async fn ending(
        &self,
        service: &str,
        found: &ContainerInspectResponse,
    ) -> Result<String, DriverError> {
        let mut ending = Ending::of(found);
        let mut pause = Pause::of_engine();
        for _ in 0..limits::driver::ENDING_LOOKS_MAX {
            if !ending.may_be_for_memory() {
                break;
            }
            pause.wait().await;
            let found = inside::owned(self.call, self.identity, service).await?;
            ending = Ending::of(&found);
        }
        Ok(ending.to_string())
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
        container
            .exec(command, timeout, limits::driver::READINESS_BYTES_MAX)
            .await
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
        let found = inside::owned(self.call, self.identity, service).await?;
        self.not_over(service, &found).await
    }

    async fn last_lines(&self, service: &str) -> String {
        match inside::container(self.call, self.identity, service).await {
            Ok(container) => container.last_lines().await,
            Err(_) => String::new(),
        }
    }
}
