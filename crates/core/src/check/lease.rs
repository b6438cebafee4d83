//! Leases: their members, fences, deadlines and slots.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Report;
use crate::lease::{Lease, LeaseState};
use crate::state::State;

pub(super) fn check(state: &State, report: &mut Report) {
    let mut slots = BTreeMap::new();
    let mut fences = BTreeSet::new();
    for l in state.leases.values() {
        let id = l.id;
        report.holds(
            2,
            id.0 <= state.counter() && l.fence.0 <= state.counter(),
            || format!("{id} or its fence is above the counter"),
        );
        report.holds(1, state.ended_lease(id).is_none(), || {
            format!("{id} lives and has ended")
        });
        match l.state {
            LeaseState::Waiting => waiting(l, report),
            LeaseState::Preparing | LeaseState::Active => {
                granted(state, l, report);
                report.holds(2, fences.insert(l.fence), || {
                    format!("the fence {} of {id} is another lease's too", l.fence)
                });
            }
        }
        confined(state, l, report);
        if let Some(slot) = &l.slot
            && let Some(other) = slots.insert((&l.owner, slot), id)
        {
            report.says(
                12,
                format!("{other} and {id} both are in slot {slot} of {}", l.owner),
            );
        }
    }
}

/// 11: what a key was given or is kept in another owner's name is of pools that it acts for.
fn confined(state: &State, l: &Lease, report: &mut Report) {
    let Some(key) = l.by.filter(|_| l.confined).and_then(|k| state.keys.get(&k)) else {
        return;
    };
    let members = l.members.iter().map(|m| m.resource);
    for id in members.chain(l.earmarks.iter().map(|e| e.resource)) {
        let pool = state.resources.get(&id).map(|r| r.pool);
        let pool = pool.and_then(|p| state.pools.get(&p));
        report.holds(
            11,
            pool.is_none_or(|p| key.act_for.contains(&p.name)),
            || {
                format!(
                    "{id} is {}'s by {}, which does not act there",
                    l.id, key.name
                )
            },
        );
    }
}

fn waiting(l: &Lease, report: &mut Report) {
    let id = l.id;
    report.holds(1, l.members.is_empty(), || {
        format!("{id} waits and has members")
    });
    report.holds(7, l.wait_until.is_some(), || {
        format!("{id} waits without an end")
    });
    report.holds(
        7,
        l.poll_until.is_some() == l.poll_within_ms.is_some(),
        || format!("{id} must be asked about, or not: {:?}", l.poll_until),
    );
}

fn granted(state: &State, l: &Lease, report: &mut Report) {
    let id = l.id;
    report.holds(1, !l.members.is_empty(), || {
        format!("{id} was granted nothing")
    });
    report.holds(8, l.earmarks.is_empty(), || {
        format!("{id} was granted and has earmarks")
    });
    let mut seen = BTreeSet::new();
    for m in &l.members {
        report.holds(1, seen.insert(m.resource), || {
            format!("{id} has {} twice", m.resource)
        });
        let Some(r) = state.resources.get(&m.resource) else {
            report.says(1, format!("{} of {id} is gone", m.resource));
            continue;
        };
        report.holds(1, r.lease == Some(id), || {
            format!("{} of {id} names {:?}", r.id, r.lease)
        });
        report.holds(2, l.fence >= r.fence, || {
            format!(
                "{id} has fence {} and {} was granted at {}",
                l.fence, r.id, r.fence
            )
        });
        report.holds(1, m.bound || r.open, || {
            format!("{} of {id} is not bound, and nobody binds it", r.id)
        });
        report.holds(1, usize::from(m.item) < l.items.len(), || {
            format!("{} of {id} meets no item", r.id)
        });
    }
    for (i, item) in l.items.iter().enumerate() {
        let have = l
            .members
            .iter()
            .filter(|m| usize::from(m.item) == i)
            .count();
        report.holds(1, have as u64 <= u64::from(item.count), || {
            format!("{id} has {have} of item {i}, which asks for {}", item.count)
        });
    }
    report.holds(7, l.wait_until.is_none() && l.poll_until.is_none(), || {
        format!("{id} was granted and waits")
    });
    let bound = l.members.iter().all(|m| m.bound);
    report.holds(1, l.state == LeaseState::Preparing || bound, || {
        format!("{id} is active before all members are bound")
    });
}

pub(super) fn check_settled(state: &State, report: &mut Report) {
    for l in state.leases.values() {
        let bound = l.members.iter().all(|m| m.bound);
        report.holds(7, l.state != LeaseState::Preparing || !bound, || {
            format!("{} prepares nothing", l.id)
        });
    }
}
