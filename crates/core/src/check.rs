//! The invariants of `states.md` that can be read off one State, by their numbers there. The
//! simulation asks after each step, `caviada doctor` after a load.
//!
//! What only shows between two States (fences that rise, a cleaning between two leases, room at
//! the moment of placement) is for whoever watches the events.

mod bound;
mod lease;
mod place;
mod queue;
mod resource;
pub mod table;

use std::fmt;

use crate::id::{LeaseId, ResourceId};
use crate::lease::Rank;
use crate::state::State;

pub use bound::nouns;
pub use place::lacks;

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number in `states.md`.
    pub invariant: u8,
    /// What stands against it.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant, self.what)
    }
}

/// What was found so far.
#[derive(Default)]
struct Report {
    found: Vec<Violation>,
}

impl Report {
    fn says(&mut self, invariant: u8, what: impl Into<String>) {
        self.found.push(Violation {
            invariant,
            what: what.into(),
        });
    }

    /// Notes a violation unless `holds`.
    fn holds(&mut self, invariant: u8, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.says(invariant, what());
        }
    }
}

/// What holds after every event batch: 1, 2, 4, 7, 8, 10, 11, 12 and 17 as far as one State shows them.
pub fn violations(state: &State) -> Vec<Violation> {
    let mut report = Report::default();
    index(state, &mut report);
    resource::check(state, &mut report);
    lease::check(state, &mut report);
    place::check(state, &mut report);
    queue::check(state, &mut report);
    bound::check(state, &mut report);
    report.found
}

/// What holds besides when `settle` stopped for lack of work: nothing is overdue (7), earmarks
/// stand in the queue's order (8), nothing offerable lies idle (9), no more evidence is kept than may be (10),
/// and no more outcomes (17).
pub fn violations_when_settled(state: &State) -> Vec<Violation> {
    let mut report = Report::default();
    if let Some(due) = state.next_due() {
        report.holds(7, due > state.now(), || {
            format!("something was due at {due}, it is {}", state.now())
        });
    }
    report.holds(9, !state.has_work(), || "settle left work".to_owned());
    queue::check_settled(state, &mut report);
    place::check_settled(state, &mut report);
    place::check_evidence(state, &mut report);
    place::check_retiring(state, &mut report);
    lease::check_settled(state, &mut report);
    bound::check_settled(state, &mut report);
    report.found
}

/// 8: a waiter before this place that lacks what is about to be granted, if there is one.
pub fn overtaken(state: &State, resource: ResourceId, rank: Rank) -> Option<LeaseId> {
    let r = state
        .resources
        .get(&resource)
        .filter(|r| r.parent().is_none())?;
    let mut before = state.index.waiters.range(..rank);
    let lacks = |first: &&Rank| {
        let l = state.leases.get(&first.lease);
        l.is_some_and(|l| queue::lacks(state, l, r))
    };
    before.find(lacks).map(|first| first.lease)
}

/// 4: the index is the one recomputed from the tables. Says which part differs.
fn index(state: &State, report: &mut Report) {
    let (is, should) = (&state.index, &state.indexed());
    if is == should {
        return;
    }
    macro_rules! parts {
        ($($part:ident)+) => {$(
            report.holds(4, is.$part == should.$part, || {
                format!("index.{}: is {:?}, should be {:?}", stringify!($part), is.$part, should.$part)
            });
        )+};
    }
    parts!(pool_names host_names key_names key_hashes quota_owners webhook_names user_names templates revision_uses resource_names free
        makes postings earmarks deadlines members busy placed attempts pools hosts places fills autofill spaces divisible
        waiters waiting lacking open owner_leases owners slots lease_outcomes outcome_ends outcome_counts endless);
}
