//! `settle`: what follows from what happened, one rule at a time — due deadlines, grants, sizing,
//! placement, starts within budgets — until none fires or the turn's work bound is spent. Then
//! the next turn goes on.

mod due;
pub(crate) mod fail;
mod health;
mod host;
pub(crate) mod pool;
pub(crate) mod queue;

use crate::event::Event;
use crate::evolve::evolve;
use crate::index::Carrier;
use crate::lease::LeaseState;
use crate::limits;
use crate::state::{State, Work};
use crate::time::Time;

/// Work a turn may still do.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    events: usize,
}

impl Default for Bound {
    /// A whole turn's.
    fn default() -> Self {
        Self {
            events: limits::EVENTS_PER_TURN_MAX,
        }
    }
}

impl Bound {
    /// So many events, for a turn that shares its bound.
    pub fn events(events: usize) -> Self {
        Self { events }
    }

    /// Nothing is left.
    pub fn is_spent(&self) -> bool {
        self.events == 0
    }
}

/// After a start or a take-over holders have had no chance to renew, and waiting ones none to be
/// asked about: each gets at least until then, even past its latest deadline. As far as the bound
/// goes; says whether each has it now.
pub fn grace(state: &mut State, until: Time, bound: &mut Bound, events: &mut Vec<Event>) -> bool {
    let near = |t: Option<Time>| t.is_some_and(|t| t < until);
    let due = state.index.deadlines.iter();
    let moved: Vec<Event> = due
        .take_while(|(at, _)| *at < until)
        .filter_map(|(_, carrier)| match carrier {
            Carrier::Lease(id) => state.leases.get(id),
            _ => None,
        })
        .filter_map(|l| match l.state {
            LeaseState::Waiting => near(l.poll_until).then(|| Event::LeasePolled(l.id, until)),
            _ => near(l.deadline).then(|| Event::LeaseRenewed(l.id, Some(until))),
        })
        .take(bound.events)
        .collect();
    bound.events -= moved.len();
    for event in &moved {
        evolve(state, event);
    }
    events.extend(moved);
    !bound.is_spent()
}

/// Settles as far as the bound goes and appends what happened.
pub fn settle(state: &mut State, bound: &mut Bound, events: &mut Vec<Event>) {
    while !bound.is_spent() {
        let Some(made) = due::next(state).or_else(|| next(state)) else {
            return;
        };
        bound.events = bound.events.saturating_sub(made.len().max(1));
        for event in &made {
            evolve(state, event);
        }
        events.extend(made);
    }
}

/// The rule for the next thing that wants looking at; none when all is settled.
fn next(state: &mut State) -> Option<Vec<Event>> {
    let work = state.work.pop_first()?;
    let made = match work {
        Work::Lease(id) => queue::lease(state, id),
        Work::Offer(id) => queue::offer(state, id),
        Work::Recheck(pool, from) => queue::recheck(state, pool, from),
        Work::Pool(id) => pool::pool(state, id),
        Work::Host(id) => host::start(state, id),
        Work::HostMembers(id, from) => host::members(state, id, from),
        Work::PoolMembers(id, from) => pool::members(state, id, from),
        Work::Resource(id) => health::resource(state, id),
        Work::Outcomes(by) => due::outcomes(state, by),
    };
    Some(made)
}
