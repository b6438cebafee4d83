//! A service's own health test, asked by us as long as the engine has not come to it.
//!
//! An engine tests for the first time one interval after a start, and calls the service `starting`
//! until then. A bring-up need not wait so long, and what was started again (with its host, say)
//! is not well because nobody has looked yet.

use std::time::Duration;

use bollard::models::{ContainerInspectResponse, ContainerState, HealthStatusEnum};
use bollard::query_parameters::InspectContainerOptions;
use caviada_core::limits;
use futures_util::{StreamExt, stream};

use super::call::Call;
use super::inside;
use super::observe::Things;
use crate::{Condition, Identity, Seen};

const TIMEOUT_DEFAULT: Duration = Duration::from_millis(limits::driver::HEALTH_TEST_MS_DEFAULT);
const LOOK_TIMEOUT_MAX: Duration = Duration::from_millis(limits::driver::HEALTH_LOOK_MS_MAX);

/// A test that the engine has not done yet.
pub(super) struct Test {
    command: Vec<String>,
    timeout: Duration,
}

impl Test {
    /// None if there is no test, or the engine has an answer already that is one.
    pub fn due(found: &ContainerInspectResponse) -> Option<Self> {
        let state = found.state.as_ref()?;
        let told = state.health.as_ref()?.status;
        if told != Some(HealthStatusEnum::STARTING) && !is_left_over(state) {
            return None;
        }
        let config = found.config.as_ref()?;
        let check = config.healthcheck.as_ref()?;
        let command = match check.test.as_deref()? {
            [kind, command @ ..] if kind == "CMD" => command.to_vec(),
            [kind, line] if kind == "CMD-SHELL" => {
                let shell = config.shell.clone().filter(|shell| !shell.is_empty());
                let mut command = shell.unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into()]);
                command.push(line.clone());
                command
            }
            _ => return None,
        };
        let told = check.timeout.and_then(|ns| u64::try_from(ns).ok());
        let timeout = match told {
            Some(ns) if ns > 0 => Duration::from_nanos(ns),
            _ => TIMEOUT_DEFAULT,
        };
        Some(Self { command, timeout })
    }

    /// Asks once; the reason if it does not pass.
    pub async fn passes(
        &self,
        call: &Call<'_>,
        identity: &Identity,
        service: &str,
        timeout_max: Duration,
    ) -> Result<(), String> {
        let timeout = self.timeout.min(timeout_max).min(call.left());
        let container = inside::container(call, identity, service).await;
        let container = container.map_err(|e| e.detail)?;
        let ran = container.exec(&self.command, timeout, limits::driver::HEALTH_BYTES_MAX);
        let ran = ran.await.map_err(|e| e.detail)?;
        if ran.code == 0 {
            return Ok(());
        }
        let said = match ran.stderr.is_empty() {
            true => ran.stdout,
            false => ran.stderr,
        };
        Err(match shown(&String::from_utf8_lossy(&said)) {
            "" => format!("its health test ended with exit code {}", ran.code),
            said => said.to_owned(),
        })
    }
}

/// Is `unhealthy` not what a test said? An engine calls so what it stopped testing because it was
/// frozen, and goes on until its next test, an interval after the thaw.
fn is_left_over(state: &ContainerState) -> bool {
    state.health.as_ref().is_some_and(|health| {
        let failed = health.failing_streak.unwrap_or(0) > 0;
        health.status == Some(HealthStatusEnum::UNHEALTHY) && !failed
    })
}

/// The end of what a test said.
fn shown(said: &str) -> &str {
    let said = said.trim_end();
    let from = said
        .char_indices()
        .rev()
        .nth(limits::driver::HEALTH_SHOWN_CHARS_MAX - 1);
    &said[from.map_or(0, |(i, _)| i)..]
}

/// What the engine's last test of a service said; empty if it said nothing.
pub(super) fn last_said(state: &ContainerState) -> String {
    let health = state.health.as_ref();
    let last = health.and_then(|h| h.log.as_ref()?.last());
    let said = last.and_then(|test| test.output.as_deref());
    shown(said.unwrap_or_default()).to_owned()
}

/// One `Seen` per resource and generation. What looks well is asked where the engine has not
/// looked since its start.
pub(super) async fn seen(call: &Call<'_>, mut things: Things) -> Vec<Seen> {
    let left_over: Vec<String> = stream::iter(things.unhealthy())
        .map(|id| async move {
            let found = call
                .engine
                .inspect_container(&id, None::<InspectContainerOptions>);
            let state = call.quick(found).await.ok()?.state?;
            is_left_over(&state).then_some(id)
        })
        .buffer_unordered(limits::driver::HEALTH_LOOKS_AT_ONCE_MAX)
        .filter_map(std::future::ready)
        .collect()
        .await;
    things.untest(&left_over);
    let waiting = things.untested();
    let mut all = things.seen();
    let up: Vec<_> = all
        .iter()
        .filter(|s| s.condition == Condition::Up)
        .map(|s| (s.identity.resource, s.identity.generation))
        .collect();
    let asked = waiting
        .into_iter()
        .filter(|(identity, _)| up.contains(&(identity.resource, identity.generation)))
        .map(|(identity, service)| async move {
            let why = one(call, &identity, &service).await.err()?;
            Some((identity, format!("{service}: {why}")))
        });
    let failed: Vec<_> = stream::iter(asked)
        .buffer_unordered(limits::driver::HEALTH_LOOKS_AT_ONCE_MAX)
        .filter_map(std::future::ready)
        .collect()
        .await;
    for (identity, why) in failed {
        let mine = |s: &&mut Seen| {
            s.identity.resource == identity.resource && s.identity.generation == identity.generation
        };
        if let Some(seen) = all.iter_mut().find(mine) {
            seen.condition = Condition::Down;
            seen.detail.get_or_insert(why);
        }
    }
    all
}

async fn one(call: &Call<'_>, identity: &Identity, service: &str) -> Result<(), String> {
    let found = inside::owned(call, identity, service).await;
    match Test::due(&found.map_err(|e| e.detail)?) {
        Some(test) => test.passes(call, identity, service, LOOK_TIMEOUT_MAX).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerConfig, Health, HealthConfig};

    use super::*;

    fn container(status: HealthStatusEnum, test: &[&str]) -> ContainerInspectResponse {
        ContainerInspectResponse {
            state: Some(ContainerState {
                health: Some(Health {
                    failing_streak: Some(i64::from(status == HealthStatusEnum::UNHEALTHY)),
                    status: Some(status),
                    ..Health::default()
                }),
                ..ContainerState::default()
            }),
            config: Some(ContainerConfig {
                healthcheck: Some(HealthConfig {
                    test: Some(test.iter().map(|w| (*w).to_owned()).collect()),
                    ..HealthConfig::default()
                }),
                ..ContainerConfig::default()
            }),
            ..ContainerInspectResponse::default()
        }
    }

    #[test]
    fn a_test_is_due_until_the_engine_has_an_answer() {
        let due = |status| Test::due(&container(status, &["CMD", "true"])).is_some();
        assert!(due(HealthStatusEnum::STARTING));
        assert!(!due(HealthStatusEnum::HEALTHY));
        assert!(!due(HealthStatusEnum::UNHEALTHY));
        assert!(Test::due(&container(HealthStatusEnum::STARTING, &["NONE"])).is_none());
    }

    #[test]
    fn what_was_frozen_is_not_unhealthy_for_that() {
        let mut found = container(HealthStatusEnum::UNHEALTHY, &["CMD", "true"]);
        assert!(Test::due(&found).is_none(), "a test of it failed");
        let health = found.state.as_mut().and_then(|s| s.health.as_mut());
        health.unwrap().failing_streak = Some(0);
        assert!(Test::due(&found).is_some(), "none did: it was frozen");
    }

    #[test]
    fn a_line_is_given_to_the_shell() {
        let found = container(HealthStatusEnum::STARTING, &["CMD-SHELL", "a && b"]);
        let test = Test::due(&found).unwrap();
        assert_eq!(test.command, ["/bin/sh", "-c", "a && b"]);
        assert_eq!(test.timeout, TIMEOUT_DEFAULT);
    }
}
