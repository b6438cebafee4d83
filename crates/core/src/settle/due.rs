//! What is due.

use crate::choose::offerable;
use crate::decide::resource::{removed, returned};
use crate::event::Event;
use crate::grant::{self, Leaving};
use crate::id::{HostId, KeyId, LeaseId, ResourceId};
use crate::index::Carrier;
use crate::lease::{End, LeaseState};
use crate::limits;
use crate::outcome::OutcomeKey;
use crate::pool::Pool;
use crate::resource::{Resource, ResourceState, Withheld};
use crate::settle::fail;
use crate::state::{State, Work};
use crate::time::Time;

/// The events of the earliest thing that is due, if any is.
pub(super) fn next(state: &State) -> Option<Vec<Event>> {
    let (at, carrier) = state.index.deadlines.get_min()?;
    if *at > state.now() {
        return None;
    }
    Some(match carrier {
        Carrier::Resource(id) => resource(state, *id),
        Carrier::Lease(id) => lease(state, *id),
        Carrier::Host(id) => host(state, *id),
        Carrier::Outcome(at) => vec![Event::OutcomeForgotten(at.clone())],
    })
}

/// Of outcomes that outlived their lease only so many are kept for one principal: the oldest go early,
/// some at a time.
pub(super) fn outcomes(state: &mut State, by: KeyId) -> Vec<Event> {
    let over = state.outcomes_over(by);
    if over > limits::SETTLED_AT_ONCE_MAX {
        state.work.insert(Work::Outcomes(by));
    }
    let from = (by, Time(0), OutcomeKey { by, key: "".into() });
    let his = state.index.outcome_ends.range(from..);
    his.take(over.min(limits::SETTLED_AT_ONCE_MAX))
        .map(|(_, _, at)| Event::OutcomeForgotten(at.clone()))
        .collect()
}

fn lease(state: &State, id: LeaseId) -> Vec<Event> {
    let Some(l) = state.leases.get(&id) else {
        return vec![];
    };
    if l.state != LeaseState::Waiting {
        return vec![grant::ended(state, l, End::Expired, &Leaving::default())];
    }
    let timed_out = l.wait_until.is_some_and(|t| t <= state.now());
    grant::ended_waiting(
        state,
        l,
        if timed_out {
            End::TimedOut
        } else {
            End::Abandoned
        },
    )
}

fn host(state: &State, id: HostId) -> Vec<Event> {
    let Some(h) = state.hosts.get(&id) else {
        return vec![];
    };
    let now = state.now();
    if h.lost_at.is_some_and(|t| t <= now) {
        return vec![Event::HostLost(id)];
    }
    let over = |b: &crate::host::Backoff| b.until.is_some_and(|t| t <= now);
    let pools = h.backoffs.iter().filter(|(_, b)| over(b));
    pools
        .map(|(pool, _)| Event::HostBackoffOver(id, *pool))
        .collect()
}

fn resource(state: &State, id: ResourceId) -> Vec<Event> {
    use ResourceState::{Cleaning, Creating, Deleting, Dirty, Failed, Free, Leased, Planned};
    let Some(r) = state.resources.get(&id) else {
        return vec![];
    };
    let Some(pool) = state.pools.get(&r.pool) else {
        return vec![Event::ResourceGone(id)];
    };
    match r.state {
        Planned => vec![Event::ResourceGone(id)],
        ResourceState::Withheld if !r.open => vec![returned(state, r)],
        Creating | Cleaning | Leased | ResourceState::Withheld => fail::attempt(
            state,
            pool,
            r,
            "timed_out",
            "no outcome before its deadline",
        ),
        Free => free(state, r),
        Dirty => vec![Event::ResourceAlert(id)],
        Failed => failed(state, pool, r),
        Deleting if r.open => fail::attempt(
            state,
            pool,
            r,
            "timed_out",
            "no outcome before its deadline",
        ),
        Deleting => {
            vec![Event::ResourceDeleting(
                id,
                state.now().plus_ms(pool.spec.deadlines.delete_ms),
            )]
        }
    }
}

/// Rested, or too old.
fn free(state: &State, r: &Resource) -> Vec<Event> {
    if r.cooling_until.is_some_and(|t| t <= state.now()) {
        return vec![match r.parent() {
            Some(_) => Event::ResourceGone(r.id),
            None => Event::ResourceCooled(r.id),
        }];
    }
    debug_assert!(!offerable(state, r) || r.retire_at.is_some());
    removed(state, r)
}

/// Its back-off is over: a declared one is cleaned again, or withheld after too many tries; a
/// built one makes room for another.
fn failed(state: &State, pool: &Pool, r: &Resource) -> Vec<Event> {
    if r.site().is_some() {
        return removed(state, r);
    }
    if r.tries >= pool.spec.tries_max {
        let withheld = Withheld {
            reason: "needs_repair".into(),
            clean: false,
            until: None,
        };
        return vec![Event::ResourceWithheld(r.id, withheld.into())];
    }
    vec![Event::ResourceDirtied(
        r.id,
        state.now().plus_ms(pool.spec.deadlines.dirty_alert_ms),
    )]
}
