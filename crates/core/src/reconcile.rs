//! The reconciler's step: looks at hosts, asks drivers for what `plan` says, and reports what
//! changed as acts. Pure, like `step`; its shell holds the drivers and the time.
//!
//! Level-triggered: it keeps nothing that it could not see again. Losing every wake-up, or this
//! whole value, costs only time. A host that cannot be seen yields no observation, and from no
//! observation nothing is destroyed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::command::{Act, AttemptOutcome};
use crate::host::Host;
use crate::id::{HostId, ResourceId};
use crate::index::HostUse;
use crate::limits;
use crate::plan::{Action, Condition, Observed, Seen, Verb, plan, wanted};
use crate::planted;
use crate::resource::{GONE, Health, MOVED, Resource, ResourceState, UNWELL};
use crate::state::State;
use crate::table::Table;
use crate::time::Time;

/// Periods of the reconciler, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// Between two looks at a host.
    pub probe_ms: u64,
    /// Until the look that confirms a bad one.
    pub second_look_ms: u64,
    /// For how long an orphan must have been seen before it is removed.
    pub orphan_grace_ms: u64,
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            probe_ms: limits::PROBE_PERIOD_MS,
            second_look_ms: limits::SECOND_LOOK_MS,
            orphan_grace_ms: limits::ORPHAN_GRACE_MS,
        }
    }
}

/// What the shell tells.
#[derive(Debug, Clone)]
pub enum Input {
    /// Time passed or State changed.
    Wake,
    /// A look ended; `None` when the host did not answer in full.
    Looked(HostId, Option<Observed>),
    /// A driver call ended.
    Finished(Action, AttemptOutcome),
}

/// What the shell shall do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// List what stands on a host.
    Look(HostId),
    /// Call a driver.
    Act(Action),
    /// Drop the call that is under way for this resource: its attempt is over.
    Cancel(Action),
    /// Hand this act to the ledger.
    Report(Act),
}

/// Hosts, what is in use of them, and what there is to do on them: all of State that a step depends
/// on.
type Stood = (
    Table<HostId, Host>,
    OrdMap<HostId, HostUse>,
    OrdSet<(HostId, ResourceId)>,
);

/// What is known of hosts since this process began.
#[derive(Debug, Clone, Default)]
pub struct Reconciler {
    periods: Periods,
    /// The store is older than it was, or hosts know of later revisions: nothing is changed there.
    rolled_back: bool,
    hosts: BTreeMap<HostId, Watch>,
    /// What the last whole step had.
    stood: Option<Stood>,
    /// When the next look is due.
    next_look: Option<Time>,
}

#[derive(Debug, Clone, Default)]
struct Watch {
    /// Revision of State when the look under way began.
    looking_since: Option<u64>,
    next_look: Time,
    /// A good look was had by this process.
    seen: bool,
    /// Looks in a row that failed.
    failed: u32,
    under_way: BTreeMap<ResourceId, Action>,
    /// Calls whose outcome was reported, until State shows that it knows: the State at hand may
    /// be older than the report.
    reported: BTreeMap<ResourceId, Action>,
    /// Generation that the last look found bad.
    suspects: BTreeMap<ResourceId, u64>,
    /// Unknown things, by when they were first seen.
    orphans: BTreeMap<(ResourceId, u64), Time>,
    observed: Observed,
    /// The plan has not been asked since the last look.
    fresh: bool,
}

impl Reconciler {
    /// Knows nothing yet.
    pub fn new(periods: Periods, rolled_back: bool) -> Self {
        Self {
            periods,
            rolled_back,
            hosts: BTreeMap::new(),
            stood: None,
            next_look: None,
        }
    }

    /// When it wants to be woken at the latest.
    pub fn next_wake(&self) -> Option<Time> {
        self.next_look
    }

    /// Driver calls under way on a host.
    pub fn under_way(&self, host: HostId) -> usize {
        self.hosts.get(&host).map_or(0, |w| w.under_way.len())
    }

    /// Hosts it watches.
    pub fn watched(&self) -> usize {
        self.hosts.len()
    }

    /// Entries it keeps about a host: at most one of each sort for what was last seen there, for its
    /// members and for calls.
    pub fn kept(&self, host: HostId) -> usize {
        let all = |w: &Watch| {
            let seen = w.observed.len() + w.orphans.len() + w.suspects.len();
            seen + w.under_way.len() + w.reported.len()
        };
        self.hosts.get(&host).map_or(0, all)
    }

    /// Hosts carry things of a later revision than State's: the store was rolled back.
    pub fn is_rolled_back(&self) -> bool {
        self.rolled_back
    }

    /// One step with one input.
    pub fn step(&mut self, state: &State, now: Time, input: Input) -> Vec<Output> {
        self.step_with(state, now, [input])
    }

    /// One step with all inputs there are: what they mean for every host is asked once.
    pub fn step_with(
        &mut self,
        state: &State,
        now: Time,
        inputs: impl IntoIterator<Item = Input>,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut woken = self.next_look.is_some_and(|at| at <= now);
        for input in inputs {
            woken |= !matches!(input, Input::Wake);
            match input {
                Input::Wake => {}
                Input::Looked(host, Some(observed)) => {
                    self.looked(state, now, host, observed, &mut outputs);
                }
                Input::Looked(host, None) if planted!(BlindLook) => {
                    self.looked(state, now, host, Observed::new(), &mut outputs);
                }
                Input::Looked(host, None) => self.failed(state, now, host, &mut outputs),
                Input::Finished(action, outcome) => self.finished(action, outcome, &mut outputs),
            }
        }
        // Most of what happens in State is about no host.
        let index = &state.index;
        let stands = |(hosts, uses, attempts): &Stood| {
            hosts.is_same(&state.hosts)
                && uses.ptr_eq(&index.hosts)
                && attempts.ptr_eq(&index.attempts)
        };
        if !woken && self.stood.as_ref().is_some_and(stands) {
            return outputs;
        }
        let (uses, attempts) = (index.hosts.clone(), index.attempts.clone());
        self.stood = Some((state.hosts.clone(), uses, attempts));
        // Nobody watches what is done on a host that is gone.
        self.hosts.retain(|id, watch| {
            let there = state.hosts.get(id).is_some();
            if !there {
                outputs.extend(watch.under_way.values().copied().map(Output::Cancel));
            }
            there
        });
        let held = planted!(SilentHostStopsAll) && self.hosts.values().any(|w| w.failed > 1);
        for host in state.hosts.values() {
            let watch = self.hosts.entry(host.id).or_default();
            if watch.looking_since.is_none() && watch.next_look <= now {
                watch.looking_since = Some(state.revision());
                outputs.push(Output::Look(host.id));
            }
            if (watch.seen || planted!(UnseenHostTouched)) && !self.rolled_back && !held {
                watch.act(state, host.id, &mut outputs);
            }
        }
        let waits = self.hosts.values().filter(|w| w.looking_since.is_none());
        self.next_look = waits.map(|w| w.next_look).min();
        outputs
    }

    fn finished(&mut self, action: Action, outcome: AttemptOutcome, outputs: &mut Vec<Output>) {
        let Some(watch) = self.hosts.get_mut(&action.host) else {
            return;
        };
        if watch.under_way.get(&action.resource) == Some(&action) {
            watch.under_way.remove(&action.resource);
        }
        // What was seen of it before is no longer so.
        watch.observed.retain(|(r, _), _| *r != action.resource);
        if action.attempt > 0 {
            watch.reported.insert(action.resource, action);
            let Action {
                resource,
                generation,
                attempt,
                ..
            } = action;
            outputs.push(Output::Report(Act::Record {
                resource,
                generation,
                attempt,
                outcome,
            }));
        }
    }

    fn failed(&mut self, state: &State, now: Time, host: HostId, outputs: &mut Vec<Output>) {
        let Some(watch) = self.hosts.get_mut(&host) else {
            return;
        };
        watch.looking_since = None;
        watch.failed = watch.failed.saturating_add(1);
        watch.next_look = now.plus_ms(match watch.failed {
            1 => self.periods.second_look_ms,
            _ => self.periods.probe_ms,
        });
        let unknown = |h: &Host| h.seen || (h.lost_at.is_none() && !h.lost);
        if watch.failed >= 2 && state.hosts.get(&host).is_some_and(|h| unknown(h)) {
            outputs.push(Output::Report(Act::RecordHost { host, seen: false }));
        }
    }

    fn looked(
        &mut self,
        state: &State,
        now: Time,
        host: HostId,
        observed: Observed,
        outputs: &mut Vec<Output>,
    ) {
        let Some(watch) = self.hosts.get_mut(&host) else {
            return;
        };
        let since = watch.looking_since.take().unwrap_or(0);
        watch.failed = 0;
        watch.seen = true;
        watch.next_look = now.plus_ms(self.periods.probe_ms);
        if state.hosts.get(&host).is_some_and(|h| !h.seen) {
            outputs.push(Output::Report(Act::RecordHost { host, seen: true }));
        }
        let ahead = observed.values().any(|s| s.revision > state.revision());
        if ahead && !planted!(OrphanOfLater) {
            // A snapshot is never older than a call this process made, so this is no race: some
            // other store knew later revisions.
            self.rolled_back = true;
        }
        let suspects = watch.health(state, host, since, &observed, outputs);
        if suspects {
            watch.next_look = now.plus_ms(self.periods.second_look_ms);
        }
        watch.orphans(
            state,
            now,
            host,
            &observed,
            self.periods.orphan_grace_ms,
            self.rolled_back,
            outputs,
        );
        watch.observed = observed;
        watch.fresh = true;
    }
}

impl Watch {
    /// Compares free and leased members with what was seen. Says whether a second look is wanted.
    fn health(
        &mut self,
        state: &State,
        host: HostId,
        since: u64,
        observed: &Observed,
        outputs: &mut Vec<Output>,
    ) -> bool {
        let mut suspects = BTreeMap::new();
        let mut again = false;
        for r in looked_at(state, host) {
            // It changed while the look was under way, or something is being done to it: the look
            // says nothing about it.
            let busy = r.changed.revision > since
                || r.open
                || self.under_way.contains_key(&r.id)
                || self.reported.contains_key(&r.id);
            if busy {
                continue;
            }
            // Of what somebody stopped only that it is there can be asked. What is frozen is well
            // where it is thawed before it is handed out.
            let pool = state.pools.get(&r.pool);
            let thaws = r.state == ResourceState::Free && pool.is_some_and(|p| p.spec.prepare);
            let seen = observed.get(&(r.id, r.generation));
            let good = seen.is_some_and(|s| {
                let well = s.condition == Condition::Up;
                r.power.is_some() || well || (thaws && s.condition == Condition::Paused)
            });
            let health = match (good, self.suspects.get(&r.id) == Some(&r.generation)) {
                (true, _) => Health::Well,
                (false, false) => Health::Suspect,
                (false, true) => Health::Ill,
            };
            if !good {
                suspects.insert(r.id, r.generation);
                again |= health == Health::Suspect;
            }
            let why = why(seen, good);
            let news = good && r.cause.is_none() && why.is_some();
            let worse = health != r.health && r.health != Health::Ill;
            // Of what was ill something may have been left.
            let vanished = seen.is_none() && health == r.health && r.cause_kind() != Some(GONE);
            if worse
                || news
                || (vanished && health == Health::Ill)
                || (good && r.health != Health::Well)
            {
                outputs.push(Output::Report(Act::RecordHealth {
                    resource: r.id,
                    generation: r.generation,
                    health,
                    why,
                }));
            }
        }
        self.suspects = suspects;
        again
    }

    /// Removes what nobody knows: ours, not newer than State, unknown in two good looks that lie
    /// the grace apart.
    #[expect(
        clippy::too_many_arguments,
        reason = "one rule, all of whose conditions stand here"
    )]
    fn orphans(
        &mut self,
        state: &State,
        now: Time,
        host: HostId,
        observed: &Observed,
        grace_ms: u64,
        rolled_back: bool,
        outputs: &mut Vec<Output>,
    ) {
        // What is known stands where it was planned, for ever. Seen at another host, that is the same
        // engine under a second name.
        let unknown = |id: &ResourceId| state.resources.get(id).is_none();
        let mut orphans = BTreeMap::new();
        for ((resource, generation), seen) in observed {
            let later = seen.revision > state.revision() && !planted!(OrphanOfLater);
            if !unknown(resource) || later {
                continue;
            }
            let first = self
                .orphans
                .get(&(*resource, *generation))
                .copied()
                .unwrap_or(now);
            orphans.insert((*resource, *generation), first);
            let full = self.under_way.len() >= limits::CALLS_PER_HOST_MAX;
            let waits = rolled_back || now.since(first) < grace_ms || full;
            if waits || self.under_way.contains_key(resource) {
                continue;
            }
            let action = Action {
                host,
                resource: *resource,
                generation: *generation,
                attempt: 0,
                verb: Verb::Delete,
            };
            self.under_way.insert(*resource, action);
            outputs.push(Output::Act(action));
        }
        self.orphans = orphans;
    }

    /// Asks for what the plan says and is not under way; drops calls whose attempt is over.
    fn act(&mut self, state: &State, host: HostId, outputs: &mut Vec<Output>) {
        // What an older generation left is found after each look; else only open attempts matter. A
        // host at rest costs nothing, however much stands on it.
        let fresh = std::mem::take(&mut self.fresh);
        let busy = state.index.attempts_on(host).next().is_some();
        if !fresh && !busy && self.under_way.is_empty() && self.reported.is_empty() {
            return;
        }
        let open: BTreeMap<ResourceId, Action> =
            wanted(state, host).map(|a| (a.resource, a)).collect();
        let over = |a: &Action| a.attempt > 0 && open.get(&a.resource) != Some(a);
        self.reported.retain(|id, a| open.get(id) == Some(a));
        let stale: Vec<Action> = self
            .under_way
            .values()
            .filter(|a| over(a))
            .copied()
            .collect();
        for action in stale {
            self.under_way.remove(&action.resource);
            outputs.push(Output::Cancel(action));
        }
        let nothing = Observed::new();
        let observed = if fresh { &self.observed } else { &nothing };
        for action in plan(state, host, observed) {
            if self.under_way.len() >= limits::CALLS_PER_HOST_MAX {
                // What was seen is worth a second try once there is room.
                self.fresh = fresh;
                return;
            }
            if self.reported.contains_key(&action.resource) {
                continue;
            }
            if planted!(CalledTwice) {
                outputs.push(Output::Act(action));
            }
            // Alterations wait for alterations alone: four that hang stop nobody's start and stop.
            let bounded = matches!(action.verb, Verb::Turn | Verb::Alter);
            let alike = |a: &&Action| a.verb == action.verb;
            let busy = || self.under_way.values().filter(alike).count();
            if bounded && busy() >= limits::TURNS_PER_HOST_MAX {
                continue;
            }
            if let Entry::Vacant(free) = self.under_way.entry(action.resource) {
                free.insert(action);
                outputs.push(Output::Act(action));
            }
        }
    }
}

/// Why a resource is not well, or what happened to one that is, by what a look saw of it.
fn why(seen: Option<&Seen>, good: bool) -> Option<Arc<str>> {
    let said = |s: &Seen| s.why.clone().unwrap_or_default();
    match (seen, good) {
        (None, _) => Some(format!("{GONE}: nothing of it is on its host").into()),
        (Some(s), false) => Some(format!("{UNWELL}: {}", said(s)).into()),
        (Some(s), true) if s.condition == Condition::Up && s.why.is_some() => {
            Some(format!("{MOVED}: {}", said(s)).into())
        }
        (Some(_), true) => None,
    }
}

/// Members of a host whose health is looked at.
fn looked_at(state: &State, host: HostId) -> impl Iterator<Item = &Resource> {
    let pools = state
        .index
        .hosts
        .get(&host)
        .into_iter()
        .flat_map(|u| u.pools.keys().copied());
    pools.flat_map(move |pool| {
        [ResourceState::Free, ResourceState::Leased]
            .into_iter()
            .flat_map(move |s| {
                let at = |id| (host, pool, s, ResourceId(id));
                let ids = state.index.placed.range(at(0)..=at(u64::MAX));
                ids.filter_map(|(_, _, _, id)| state.resources.get(id).map(|r| &**r))
            })
    })
}
