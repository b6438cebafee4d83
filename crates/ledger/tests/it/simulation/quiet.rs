//! How a seed ends: all faults off, and everything comes to rest; then an old store is put back,
//! and nothing is destroyed.

use caviada_core::check::violations_when_settled;
use caviada_core::command::{Act, AttemptOutcome};
use caviada_core::id::HostId;
use caviada_core::plan::{Observed, plan};
use caviada_core::pool::RecycleClass;
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::settle::Bound;
use caviada_core::state::State;
use caviada_core::step::step;

use super::engine::{Call, Engine, Mood};
use super::run::{Simulation, Wrong, system};

/// Rounds of a second after which all is at rest.
const ROUNDS_MAX: u32 = 4_000;

impl Simulation {
    /// 18: without faults and in bounded time nothing transient is left, nobody waits for what is
    /// there, and each host holds exactly what State says.
    pub fn quiet_end(&mut self) -> Wrong {
        self.faults = false;
        self.disk.mend(true);
        for engine in self.engines.values_mut() {
            engine.mood = Mood::Well;
        }
        self.calm_pools()?;
        for round in 0..ROUNDS_MAX {
            self.clocks.pass(1_000);
            self.turn(vec![])?;
            self.reconciled()?;
            if round % 8 == 7 && self.at_rest().is_none() {
                self.coverage.other("a quiet end");
                self.plan_settles()?;
                return self.same_everywhere();
            }
        }
        let why = self.at_rest().unwrap_or_default();
        Err(format!("18: not at rest after {ROUNDS_MAX} s: {why}"))
    }

    /// Without ages and wear, which never rest.
    fn calm_pools(&mut self) -> Wrong {
        let pools: Vec<_> = self.state().pools.values().cloned().collect();
        for pool in pools.iter().filter(|p| !p.retiring) {
            let mut spec = (*pool.spec).clone();
            spec.recycle.age_ms_max = None;
            let act = Act::PutPool {
                name: pool.name.clone(),
                spec: Box::new(spec),
                expect: None,
            };
            self.turn(vec![system(act)])?;
        }
        Ok(())
    }

    /// The reconciler does what there is to do, and reports it.
    fn reconciled(&mut self) -> Wrong {
        for _ in 0..3 {
            self.wake()?;
            self.end_looks()?;
            self.honest_calls()?;
            let reports = self.take_reports();
            if reports.is_empty() {
                break;
            }
            self.turn(reports)?;
        }
        Ok(())
    }

    /// Every call on its way is done as asked.
    fn honest_calls(&mut self) -> Wrong {
        for _ in 0..200 {
            if self.engines.values().all(|e| e.calls.is_empty()) {
                break;
            }
            self.outcome()?;
        }
        Ok(())
    }

    /// Why the world is not at rest.
    fn at_rest(&self) -> Option<String> {
        let state = self.state();
        if let Some(v) = violations_when_settled(state).first() {
            return Some(v.to_string());
        }
        for r in state.resources.values() {
            if let Some(why) = transient(state, r) {
                return Some(why);
            }
        }
        for (name, engine) in &self.engines {
            if let Some(why) = holds(state, name, engine) {
                return Some(why);
            }
        }
        None
    }

    /// 16: once all that a plan asks for is done by an honest host, the plan is empty.
    pub fn plan_settles(&mut self) -> Wrong {
        let mut state = self.state().clone();
        let hosts: Vec<HostId> = state.hosts.iter().map(|(id, _)| *id).collect();
        for host in hosts {
            let name = state.hosts.get(&host).map(|h| h.name.clone());
            let engine = name.and_then(|n| self.engines.get(&n));
            let mut engine = engine.cloned().unwrap_or_default();
            let wrong = rounds(&mut state, host, &mut engine);
            if let Some(wrong) = wrong {
                return Err(wrong);
            }
        }
        Ok(())
    }

    /// 14: with an older store nothing is removed from any host.
    pub fn roll_back(&mut self) -> Wrong {
        let old = self.disk.copy();
        let enough = self.steps + 300;
        while self.steps < enough {
            self.step()?;
        }
        if self.engines.values().all(|e| e.things.is_empty()) {
            return Ok(());
        }
        let known = old.stands_at().revision;
        let newer = |e: &Engine| e.things.values().any(|t| t.revision > known);
        if !self.engines.values().any(newer) {
            return Ok(());
        }
        self.coverage.other("an old store was put back");
        self.clocks.pass(1_000);
        self.restart_on(old)?;
        for _ in 0..60 {
            self.clocks.pass(2_000);
            self.turn(vec![])?;
            self.reconciled()?;
        }
        Ok(())
    }
}

fn rounds(state: &mut State, host: HostId, engine: &mut Engine) -> Option<String> {
    for _ in 0..64 {
        let observed: Observed = engine.observed();
        let actions = plan(state, host, &observed);
        if actions.is_empty() {
            return None;
        }
        for action in actions {
            let site = state.resources.get(&action.resource).and_then(|r| r.site());
            let call = Call {
                action,
                revision: state.revision(),
                block: site.and_then(|s| s.block),
                ghost: false,
            };
            let mut wrong = None;
            let outcome = engine.perform(&call, &State::default(), &mut wrong);
            if action.attempt == 0 {
                continue;
            }
            let act = Act::Record {
                resource: action.resource,
                generation: action.generation,
                attempt: action.attempt,
                outcome: match outcome {
                    AttemptOutcome::Done(outputs) => AttemptOutcome::Done(outputs),
                    failed => failed,
                },
            };
            if let Err(refusal) = step(state, &system(act), &mut Bound::default()) {
                return Some(format!("16: {refusal}"));
            }
        }
    }
    Some(format!("16: the plan of {host} does not come to an end"))
}

/// What of a resource has yet to happen by itself.
fn transient(state: &State, r: &Resource) -> Option<String> {
    use ResourceState::{Cleaning, Creating, Deleting, Dirty, Failed, Planned};
    let pool = state.pools.get(&r.pool)?;
    let waits = match r.state {
        Planned | Creating | Deleting | Failed => true,
        Cleaning => r.lease.is_none() && pool.spec.recycle.class != RecycleClass::Hook,
        Dirty => pool.spec.recycle.class != RecycleClass::Hook,
        _ => false,
    };
    waits.then(|| format!("{} is {}", r.id, r.state.as_str()))
}

/// How what a host holds differs from what State says.
fn holds(state: &State, name: &caviada_core::name::Name, engine: &Engine) -> Option<String> {
    let host = state.host_named(name)?;
    let known = |r: &&std::sync::Arc<Resource>| r.site().is_some_and(|s| s.host == host.id);
    for r in state.resources.values().filter(known) {
        let there = engine.things.contains_key(&(r.id, r.generation));
        // Of others nobody looks whether they are there; a leased one may be flagged and stay.
        if r.state == ResourceState::Free && !there {
            return Some(format!(
                "{} is {} and not on {name}",
                r.id,
                r.state.as_str()
            ));
        }
    }
    for (id, generation) in engine.things.keys() {
        let ours = state.resources.get(id).filter(known);
        if ours.is_none_or(|r| r.generation != *generation) {
            return Some(format!(
                "{name} holds generation {generation} of {id}, which is not there"
            ));
        }
    }
    None
}
