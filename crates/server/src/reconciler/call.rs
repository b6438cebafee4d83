//! One driver call: what a verb is in the words of drivers.

use std::sync::Arc;

use caviada_core::alter::Direction;
use caviada_core::command::AttemptOutcome;
use caviada_core::limits;
use caviada_core::plan::{Action, Verb};
use caviada_core::pool::Pool;
use caviada_core::power::Way;
use caviada_core::state::State;
use caviada_driver::blueprint::Blueprint;
use caviada_driver::{self as driver, Built, Capability, Driver, DriverError, Failure, Identity};
use caviada_ledger::kill_point;

use crate::host::Templates;
use crate::progress::UnderWay;

/// Renders what the host shall run, when it is asked.
type Blueprints<'a> = &'a (dyn Fn() -> Result<Blueprint, DriverError> + Sync);

/// One driver call.
pub(super) struct Call {
    pub action: Action,
    pub state: Arc<State>,
    pub driver: Result<Arc<dyn Driver>, String>,
    pub templates: Arc<Templates>,
    pub installation: String,
    pub progress: UnderWay,
}

impl Call {
    pub async fn perform(self) -> AttemptOutcome {
        let Action {
            resource,
            generation,
            verb,
            ..
        } = self.action;
        let done = match &self.driver {
            Ok(driver) => {
                kill_point!("before-driver-call");
                let done = self.call(&**driver).await;
                kill_point!("after-driver-call");
                done
            }
            Err(why) => Err(refused(why.clone())),
        };
        match done {
            Ok(outputs) => {
                tracing::info!(resource.id = %resource, generation, ?verb, "done");
                AttemptOutcome::Done(outputs)
            }
            Err(error) => {
                let why = limits::capped_line(&error.to_string());
                tracing::warn!(resource.id = %resource, generation, ?verb, "{why}");
                let kind = kind(error.kind).into();
                AttemptOutcome::Failed {
                    kind,
                    detail: error.to_string().into(),
                }
            }
        }
    }

    async fn call(
        &self,
        driver: &dyn Driver,
    ) -> Result<caviada_core::resource::Outputs, DriverError> {
        let Action {
            resource,
            generation,
            verb,
            ..
        } = self.action;
        let identity = Identity {
            installation: self.installation.clone(),
            resource,
            generation,
            revision: self.state.revision(),
        };
        let blueprint = || {
            self.templates
                .blueprint(&self.state, resource)
                .map_err(|e| refused(e.to_string()))
        };
        let progress = |p: driver::Progress| {
            tracing::debug!(resource.id = %resource, step = p.step, subject = p.subject, done = p.done, of = p.of);
            self.progress.tell(p.step, p.subject, p.done, p.of);
        };
        let built = match verb {
            Verb::Create | Verb::Reset => {
                let freezes = self.freezes(driver)?;
                let built = match verb {
                    Verb::Reset => {
                        self.wake(driver, &identity, &blueprint, &progress).await?;
                        driver.reset(&identity, &blueprint()?, &progress).await?
                    }
                    _ => driver.create(&identity, &blueprint()?, &progress).await?,
                };
                if freezes {
                    driver.power(&identity, None, driver::Power::Pause).await?;
                }
                built
            }
            Verb::Delete => {
                driver.delete(resource, generation).await?;
                return Ok(vec![]);
            }
            Verb::Bind if up(driver, &identity).await? => return Ok(vec![]),
            // What is thawed is as it was when it came up, and is seen to answer.
            Verb::Bind => driver.create(&identity, &blueprint()?, &progress).await?,
            Verb::Alter => self.alter(driver, &identity, &progress).await?,
            Verb::Turn => {
                self.turn(driver, &identity, &blueprint, &progress).await?;
                return Ok(vec![]);
            }
        };
        Ok(built
            .outputs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect())
    }

    /// Are members frozen once they are ready? Refused before anything is made where they cannot be.
    fn freezes(&self, driver: &dyn Driver) -> Result<bool, DriverError> {
        let freezes = self.pool().is_some_and(|p| p.spec.pause);
        if freezes {
            has(driver, Capability::Power)?;
        }
        Ok(freezes)
    }

    /// Has what was stopped or frozen as it was when it came up: a reset works on nothing else.
    async fn wake(
        &self,
        driver: &dyn Driver,
        identity: &Identity,
        blueprint: Blueprints<'_>,
        progress: driver::OnProgress<'_>,
    ) -> Result<(), DriverError> {
        let r = self.state.resources.get(&identity.resource);
        let stopped = r.is_some_and(|r| r.power.is_some());
        // Only where free members may be frozen.
        let prepares = self.pool().is_some_and(|p| p.spec.prepare);
        if stopped {
            // A stop may be under way there still: it shall not end after this began.
            driver.power(identity, None, driver::Power::Stop).await?;
        } else if !prepares || up(driver, identity).await? {
            return Ok(());
        }
        driver.create(identity, &blueprint()?, progress).await?;
        Ok(())
    }

    fn pool(&self) -> Option<&Pool> {
        let r = self.state.resources.get(&self.action.resource)?;
        self.state.pools.get(&r.pool).map(|p| &**p)
    }

    /// Makes it what its holder wants, or again what it was, as State says.
    async fn alter(
        &self,
        driver: &dyn Driver,
        identity: &Identity,
        progress: driver::OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        has(driver, Capability::Alter)?;
        let id = identity.resource;
        let r = self.state.resources.get(&id);
        let to = match r.and_then(|r| r.altering()) {
            Some(Direction::Towards(to)) => self.templates.blueprint_with(&self.state, id, to),
            Some(Direction::Back) => self.templates.blueprint(&self.state, id),
            None => return Ok(Built::default()),
        };
        let from = self.templates.standing(&self.state, id);
        let (to, from) = to
            .and_then(|to| Ok((to, from?)))
            .map_err(|e| refused(e.to_string()))?;
        driver.alter(identity, &from, &to, progress).await
    }

    /// Starts, stops or restarts what State says. What is started as a whole is ready afterwards.
    async fn turn(
        &self,
        driver: &dyn Driver,
        identity: &Identity,
        blueprint: Blueprints<'_>,
        progress: driver::OnProgress<'_>,
    ) -> Result<(), DriverError> {
        has(driver, Capability::Power)?;
        let r = self.state.resources.get(&identity.resource);
        let Some(turn) = r.and_then(|r| r.turn()) else {
            return Ok(());
        };
        let service = turn.service.as_deref();
        if turn.way != Way::Start {
            driver.power(identity, service, driver::Power::Stop).await?;
        }
        match (turn.way, service) {
            (Way::Stop, _) => Ok(()),
            (_, Some(_)) => driver.power(identity, service, driver::Power::Start).await,
            (_, None) => {
                driver.create(identity, &blueprint()?, progress).await?;
                Ok(())
            }
        }
    }
}

fn has(driver: &dyn Driver, capability: Capability) -> Result<(), DriverError> {
    if driver.can(capability) {
        return Ok(());
    }
    let (op, what) = match capability {
        Capability::Alter => ("alter", "alter what stands"),
        _ => ("power", "start, stop and freeze"),
    };
    Err(DriverError {
        op,
        kind: Failure::Unsupported,
        detail: format!("the driver {} cannot {what}", driver.name()),
        source: None,
    })
}

/// Is a member that gets a new holder up? One that is frozen is not, and can be.
async fn up(driver: &dyn Driver, identity: &Identity) -> Result<bool, DriverError> {
    let listed = driver.list().await?;
    let mine = |s: &&driver::Seen| {
        s.identity.resource == identity.resource && s.identity.generation == identity.generation
    };
    let down = |detail: String| DriverError {
        op: "bind",
        kind: Failure::NotReady,
        detail,
        source: None,
    };
    let Some(seen) = listed.iter().find(mine) else {
        return Err(down(format!("{} is not on its host", identity.resource)));
    };
    match seen.condition {
        driver::Condition::Up => Ok(true),
        driver::Condition::Paused => Ok(false),
        driver::Condition::Partial | driver::Condition::Down => Err(down(
            seen.detail
                .clone()
                .unwrap_or_else(|| "it is not up".to_owned()),
        )),
    }
}

fn refused(detail: String) -> DriverError {
    DriverError {
        op: "prepare",
        kind: Failure::Refused,
        detail,
        source: None,
    }
}

/// The kind of failure as the ledger counts it.
fn kind(failure: Failure) -> &'static str {
    match failure {
        Failure::Unreachable => "unreachable",
        Failure::TimedOut => "timed_out",
        Failure::Refused => "refused",
        Failure::NoImage => "no_image",
        Failure::NoRoom => "no_room",
        Failure::PortTaken(_) => "port_taken",
        Failure::NotReady => "not_ready",
        Failure::NotOurs => "not_ours",
        Failure::Unsupported => "unsupported",
        Failure::Bug => "bug",
    }
}
