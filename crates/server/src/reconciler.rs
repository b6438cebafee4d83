//! The reconciler's shell: holds the drivers and the time around `caviada_core::reconcile`.
//!
//! Each look and each driver call is a task of its own, so that a sick host blocks only itself.
//! Outcomes are handed to the ledger until it answers; a call whose attempt is over is dropped.

mod call;

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use caviada_api::host::HostFacts;
use caviada_core::command::{Act, By, Command};
use caviada_core::host::HostSpec;
use caviada_core::id::{HostId, ResourceId};
use caviada_core::limits;
use caviada_core::plan::{Action, Condition, Observed, Seen};
use caviada_core::reconcile::{Input, Output, Periods, Reconciler};
use caviada_core::state::State;
use caviada_driver::{self as driver, Driver};
use caviada_ledger::{Failure as NoAnswer, Handle, kill_point};
use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use call::Call;

use crate::host::{Drivers, Templates};
use crate::progress::Progress;
use crate::sight::Sights;

const LOOK_MAX: Duration = Duration::from_millis(limits::server::LOOK_MS_MAX);
const REST: Duration = Duration::from_millis(limits::server::RECONCILE_REST_MS);
const REPORT_PAUSE_MAX: Duration = Duration::from_millis(limits::server::REPORT_PAUSE_MS_MAX);
const IDLE: Duration = Duration::from_millis(limits::server::RECONCILE_IDLE_MS);

/// What the reconciler runs on.
pub struct Options {
    /// What drivers are made of.
    pub drivers: Drivers,
    /// Its periods.
    pub periods: Periods,
    /// The store is older than one this data directory has seen: nothing is changed on hosts.
    pub rolled_back: bool,
    /// Where driver calls tell how far they are.
    pub progress: Progress,
    /// Where looks tell what they saw.
    pub sights: Sights,
    /// Templates that were read, each once for the whole server.
    pub templates: Arc<Templates>,
}

/// Runs until the ledger ends or the task is dropped; dropping it drops every call under way,
/// which the next process finds half made and finishes.
pub async fn run(handle: Handle, options: Options) {
    let (inputs, mut inbox) = mpsc::channel(limits::server::RECONCILE_INPUTS_MAX);
    let mut shell = Shell {
        handle,
        options,
        inputs,
        tasks: JoinSet::new(),
        calls: HashMap::new(),
        drivers: HashMap::new(),
    };
    let mut reconciler = Reconciler::new(shell.options.periods, shell.options.rolled_back);
    let mut committed = shell.handle.committed();
    let mut told = vec![Input::Wake];
    loop {
        committed.mark_unchanged();
        let Ok(state) = shell.handle.snapshot().await else {
            return;
        };
        let now = shell.handle.now();
        shell.forget(&state);
        told.iter().for_each(|input| shell.ended(input));
        let mut touched: BTreeMap<HostId, bool> = BTreeMap::new();
        for (host, looked) in told.iter().filter_map(touches) {
            *touched.entry(host).or_default() |= looked;
        }
        for output in reconciler.step_with(&state, now, told.drain(..)) {
            if let Output::Act(action) = &output {
                touched.entry(action.host).or_default();
            }
            shell.perform(&state, output);
        }
        for (host, looked) in touched {
            let calls = reconciler.under_way(host);
            shell.options.sights.acted(host, looked, calls);
        }
        if !shell.options.rolled_back && reconciler.is_rolled_back() {
            shell.options.rolled_back = true;
            tracing::error!(
                "hosts carry things of a later revision than the store's: it was rolled back. Nothing is changed on hosts; run `caviada doctor`"
            );
        }
        let wake = reconciler
            .next_wake()
            .map_or(IDLE, |t| Duration::from_millis(t.since(now)));
        let rest = if state.hosts.is_empty() { IDLE } else { REST };
        tokio::time::sleep(rest).await;
        tokio::select! {
            // All that gathered meanwhile: a step costs the same for one as for many.
            _ = inbox.recv_many(&mut told, limits::server::RECONCILE_INPUTS_MAX) => {}
            changed = committed.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(wake.saturating_sub(rest)) => {}
        }
        while shell.tasks.try_join_next().is_some() {}
    }
}

struct Shell {
    handle: Handle,
    options: Options,
    inputs: mpsc::Sender<Input>,
    tasks: JoinSet<()>,
    calls: HashMap<(HostId, ResourceId), (Action, AbortHandle)>,
    drivers: HashMap<HostId, (Arc<HostSpec>, Arc<dyn Driver>)>,
}

impl Shell {
    /// A call that ended is nobody's to cancel.
    fn ended(&mut self, input: &Input) {
        if let Input::Finished(action, _) = input {
            let at = (action.host, action.resource);
            if self.calls.get(&at).is_some_and(|(a, _)| a == action) {
                self.calls.remove(&at);
            }
        }
    }

    fn perform(&mut self, state: &Arc<State>, output: Output) {
        match output {
            Output::Look(host) => {
                let named = state.hosts.get(&host);
                let look = Look {
                    host,
                    name: named.map(|h| h.name.to_string()).unwrap_or_default(),
                    driver: self.driver(state, host),
                    handle: self.handle.clone(),
                    sights: self.options.sights.clone(),
                };
                self.tasks.spawn(look.take(self.inputs.clone()));
            }
            Output::Act(action) => {
                let call = Call {
                    action,
                    state: state.clone(),
                    driver: self.driver(state, action.host),
                    templates: self.options.templates.clone(),
                    installation: self.options.drivers.installation.clone(),
                    progress: self.options.progress.begin(
                        action.resource,
                        state.resources.get(&action.resource).and_then(|r| r.lease),
                        &pool(state, action),
                    ),
                };
                let inputs = self.inputs.clone();
                let task = self.tasks.spawn(async move {
                    let outcome = call.perform().await;
                    let _ = inputs.send(Input::Finished(action, outcome)).await;
                });
                self.calls
                    .insert((action.host, action.resource), (action, task));
            }
            Output::Cancel(action) => {
                let at = (action.host, action.resource);
                if self.calls.get(&at).is_some_and(|(a, _)| *a == action)
                    && let Some((_, task)) = self.calls.remove(&at)
                {
                    task.abort();
                }
            }
            Output::Report(act) => {
                let handle = self.handle.clone();
                self.tasks.spawn(report(handle, act));
            }
        }
    }

    /// Forgets hosts that are gone, and what their drivers hold to prove who they are.
    fn forget(&mut self, state: &State) {
        if self.drivers.len() > state.hosts.len() {
            self.drivers.retain(|id, _| state.hosts.get(id).is_some());
        }
        self.options.sights.retain(state);
    }

    /// The host's driver; made anew when its spec changed.
    fn driver(&mut self, state: &State, id: HostId) -> Result<Arc<dyn Driver>, String> {
        let host = state
            .hosts
            .get(&id)
            .ok_or_else(|| format!("{id} is gone"))?;
        if let Some((spec, driver)) = self.drivers.get(&id)
            && *spec == host.spec
        {
            return Ok(driver.clone());
        }
        let driver = self.options.drivers.of(host).map_err(|e| e.to_string())?;
        self.drivers.insert(id, (host.spec.clone(), driver.clone()));
        self.options.sights.changed(id);
        Ok(driver)
    }
}

/// The host that an input is about, and whether it is a good look at it.
fn touches(input: &Input) -> Option<(HostId, bool)> {
    match input {
        Input::Looked(host, seen) => Some((*host, seen.is_some())),
        Input::Finished(action, _) => Some((action.host, false)),
        Input::Wake => None,
    }
}

/// Name of the pool that an action is about; a resource nobody knows has none.
fn pool(state: &State, action: Action) -> String {
    let resource = state.resources.get(&action.resource);
    let pool = resource.and_then(|r| state.pools.get(&r.pool));
    pool.map(|p| p.name.to_string()).unwrap_or_default()
}

/// Hands an act to the ledger until it is answered.
async fn report(handle: Handle, act: Act) {
    let command = Command {
        by: By::System,
        idempotency: None,
        act,
    };
    let mut pause = Duration::from_millis(limits::server::REPORT_PAUSE_MS_MIN);
    loop {
        kill_point!("before-record");
        let answer = handle.submit(command.clone()).await;
        kill_point!("after-record");
        match answer {
            Err(NoAnswer::Busy | NoAnswer::Unavailable) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(REPORT_PAUSE_MAX);
            }
            Err(NoAnswer::Refused(refusal)) => {
                return tracing::warn!(?refusal, "the ledger refused a report");
            }
            Ok(_) | Err(NoAnswer::Internal) => return,
        }
    }
}

/// One look at a host.
struct Look {
    host: HostId,
    name: String,
    driver: Result<Arc<dyn Driver>, String>,
    handle: Handle,
    sights: Sights,
}

impl Look {
    async fn take(self, inputs: mpsc::Sender<Input>) {
        let Self { host, driver, .. } = &self;
        let seen = match driver {
            Ok(driver) => match survived(listed(&**driver)).await {
                Ok(seen) => Ok((driver, seen)),
                Err(why) => Err(format!("its driver cannot reach it: {why}")),
            },
            Err(why) => Err(why.clone()),
        };
        let (asks, seen) = match seen {
            Ok((driver, seen)) => {
                let asks = self.sights.seen(*host, self.handle.now());
                (asks.then_some(driver), Some(seen))
            }
            Err(why) => {
                tracing::warn!(host.id = %host, "{}", limits::capped_line(&why));
                self.sights.missed(*host, &why);
                (None, None)
            }
        };
        let _ = inputs.send(Input::Looked(*host, seen)).await;
        // After the look, which shall not wait for what people may like to know.
        if let Some(driver) = asks {
            let facts = facts(&**driver).await;
            self.sights
                .told(*host, &self.name, self.handle.now(), facts);
        }
    }
}

/// A driver that panics fails this once: a look or a pull that nobody ends would be the last one at its
/// host.
pub(crate) async fn survived<T>(
    asked: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let ended = AssertUnwindSafe(asked).catch_unwind().await;
    ended.unwrap_or_else(|_| Err("it panicked; the log says where".to_owned()))
}

async fn facts(driver: &dyn Driver) -> Option<HostFacts> {
    let told = tokio::time::timeout(LOOK_MAX, driver.survey()).await;
    let told = told.ok()?.ok()?;
    Some(HostFacts {
        version: told.version,
        cpus: told.cpus,
        memory_bytes: told.memory_bytes,
        cpu_used_millicores: told.cpu_used_millicores,
        memory_used_bytes: told.memory_used_bytes,
        containers: told.containers,
        containers_running: told.running,
        networks: told.networks,
        images: told.images,
        image_bytes: told.image_bytes,
        disk_free_bytes: told.disk_free_bytes,
        disk_bytes: told.disk_bytes,
    })
}

async fn listed(driver: &dyn Driver) -> Result<Observed, String> {
    let listed = tokio::time::timeout(LOOK_MAX, driver.list()).await;
    let late = |_| format!("no answer within {} s", LOOK_MAX.as_secs());
    let listed = listed.map_err(late)?.map_err(|e| e.detail)?;
    let seen = |s: driver::Seen| {
        let condition = match s.condition {
            driver::Condition::Up => Condition::Up,
            driver::Condition::Partial => Condition::Partial,
            driver::Condition::Paused => Condition::Paused,
            driver::Condition::Down => Condition::Down,
        };
        let at = (s.identity.resource, s.identity.generation);
        (
            at,
            Seen {
                revision: s.identity.revision,
                condition,
                why: s.detail.map(Into::into),
            },
        )
    };
    Ok(listed.into_iter().map(seen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_driver_that_panics_fails_one_look_and_not_all_after_it() {
        let panics = async {
            if true {
                panic!("an answer nobody thought of")
            } else {
                Ok(())
            }
        };
        assert!(survived(panics).await.unwrap_err().contains("panicked"));
        assert_eq!(survived(async { Ok(7) }).await, Ok(7));
    }
}
