//! How a seed ends: all faults off, and everything comes to rest; then an old store is put back,
//! and nothing is destroyed.

use std::collections::BTreeSet;
use std::sync::Arc;

use caviada_core::check::{lacks, violations_when_settled};
use caviada_core::command::{Act, AttemptOutcome};
use caviada_core::host::Host;
use caviada_core::id::HostId;
use caviada_core::lease::LeaseState;
use caviada_core::name::Name;
use caviada_core::plan::{Observed, plan};
use caviada_core::pool::{Pool, RecycleClass};
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::settle::Bound;
use caviada_core::state::State;
use caviada_core::step::step;
use caviada_core::template::Template;

use super::coverage::BESIDE_SICK;
use super::engine::{Call, Engine, Mood, Sick};
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
        self.sick_end()?;
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

    /// 15: while one host does not answer, or one template or image comes up nowhere, all else comes
    /// to rest and pools to their warm size, on the same hosts or the others.
    fn sick_end(&mut self) -> Wrong {
        self.sick = match (self.rng.below(4), self.sick.take()) {
            (0, _) => self.some_host_sick(),
            (1 | 2, None) => self.something_sick(),
            (_, sick) => sick,
        };
        let Some(sick) = self.sick.clone() else {
            return Ok(());
        };
        self.say(|| format!("all is well but {sick:?}"));
        for round in 0..ROUNDS_MAX {
            self.clocks.pass(1_000);
            self.turn(vec![])?;
            self.reconciled()?;
            if round % 8 == 7 && self.others_rest(&sick).is_none() {
                let beside = match &sick {
                    Sick::Host(name) => {
                        let engine = self.engines.get_mut(name);
                        engine.unwrap().mood = Mood::Well;
                        BESIDE_SICK[0]
                    }
                    _ => BESIDE_SICK[1],
                };
                self.coverage.other(beside);
                self.sick = None;
                return Ok(());
            }
        }
        let why = self.others_rest(&sick).unwrap_or_default();
        Err(format!("15: not at rest beside {sick:?}: {why}"))
    }

    fn some_host_sick(&mut self) -> Option<Sick> {
        let names: Vec<_> = self.engines.keys().cloned().collect();
        let name = self.rng.pick(&names)?.clone();
        let mood = self.rng.one(&[Mood::Silent, Mood::Away]);
        self.engines.get_mut(&name)?.mood = mood;
        Some(Sick::Host(name))
    }

    /// Why a pool that has nothing to do with what is sick is not at rest.
    fn others_rest(&self, sick: &Sick) -> Option<String> {
        let state = self.state();
        let others = |p: &&Arc<Pool>| !p.retiring && !sick.concerns(state, p.id);
        for pool in state.pools.values().filter(others) {
            let members = state.members_of(pool.id);
            let mut members = members
                .filter_map(|id| state.resources.get(&id))
                .filter(|r| !sick.bears(state, r));
            if let Some(why) = members.find_map(|r| transient(state, r)) {
                return Some(why);
            }
            let Some(template) = pool.spec.template().and_then(|t| state.template_named(t)) else {
                continue;
            };
            let u = state.index.pools.get(&pool.id).cloned();
            let u = u.unwrap_or_default();
            if u.ready() + u.coming() >= pool.spec.warm || u.total() >= pool.spec.max {
                continue;
            }
            let takes = |h: &&Arc<Host>| could_stand(state, sick, pool, template, h);
            if let Some(h) = state.hosts.values().find(takes) {
                let (has, name) = (u.ready(), &pool.name);
                return Some(format!("{name} has {has}, and {} has room", h.name));
            }
        }
        None
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
            if r.open && r.state != ResourceState::Cleaning {
                return Some(format!("something is being done to {}", r.id));
            }
        }
        let mut leases = state.leases.values();
        if let Some(l) = leases.find(|l| l.state == LeaseState::Preparing) {
            return Some(format!("{} is being prepared", l.id));
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

/// Would a host take another one of the pool, if nothing sick stood in its way?
fn could_stand(state: &State, sick: &Sick, pool: &Pool, template: &Template, h: &Host) -> bool {
    use ResourceState::{Cleaning, Creating, Deleting, Failed, Planned};
    let Some(u) = state.index.hosts.get(&h.id) else {
        return false;
    };
    // What is ready, leased or waits for a person has its place by right.
    let vain = [Planned, Creating, Cleaning, Failed, Deleting];
    let concerned = u.pools.iter().filter(|(p, _)| sick.concerns(state, **p));
    let in_the_way: u32 = concerned
        .map(|(_, states)| vain.iter().map(|s| states[*s as usize]).sum::<u32>())
        .sum();
    let named = |names: &BTreeSet<Name>| names.contains(&h.name);
    !sick.is_host(&h.name)
        && h.offers()
        && !h.lost
        && template.drivers.contains(&h.spec.driver)
        && pool.spec.hosts.as_ref().is_none_or(named)
        && u.total() - in_the_way < h.spec.capacity
        && lacks(state, pool, h, 1).is_none()
        && (!template.ports || !u.blocks.is_empty())
        && (h.spec.network.is_none() || !u.subnets.is_empty())
}

fn rounds(state: &mut State, host: HostId, engine: &mut Engine) -> Option<String> {
    for _ in 0..64 {
        let observed: Observed = engine.observed();
        let actions = plan(state, host, &observed);
        if actions.is_empty() {
            return None;
        }
        for action in actions {
            let r = state.resources.get(&action.resource);
            let site = r.and_then(|r| r.site());
            let call = Call {
                action,
                revision: state.revision(),
                block: site.and_then(|s| s.block),
                way: r.and_then(|r| Some(r.turn()?.way)),
                stopped: r.is_some_and(|r| r.power.is_some()),
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
fn holds(state: &State, name: &Name, engine: &Engine) -> Option<String> {
    let host = state.host_named(name)?;
    let known = |r: &&Arc<Resource>| r.site().is_some_and(|s| s.host == host.id);
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
