//! The queue: earmarks and idle resources.

use std::sync::Arc;

use crate::access::lease_sees;
use crate::check::Report;
use crate::choose::{offerable, satisfies};
use crate::lease::{Lease, LeaseState};
use crate::resource::{Health, Origin, Resource, ResourceState};
use crate::settle::queue::hopeless;
use crate::state::State;

/// 8: an earmark stands on both sides, on something free, for something asked for.
pub(super) fn check(state: &State, report: &mut Report) {
    for r in state.resources.values() {
        let Some(rank) = r.earmark else { continue };
        let id = r.id;
        report.holds(8, r.state == ResourceState::Free, || {
            format!(
                "{id} is kept for {} and is {}",
                rank.lease,
                r.state.as_str()
            )
        });
        let Some(l) = state.leases.get(&rank.lease) else {
            report.says(
                8,
                format!("{id} is kept for {}, which is not live", rank.lease),
            );
            continue;
        };
        report.holds(8, l.rank() == rank, || {
            format!("{id} knows a wrong place of {}", l.id)
        });
        let times = l.earmarks.iter().filter(|e| e.resource == id).count();
        report.holds(8, times == 1, || {
            format!("{id} is kept for {}, which knows of it {times} times", l.id)
        });
    }
    for l in state.leases.values() {
        report.holds(
            8,
            l.state == LeaseState::Waiting || l.earmarks.is_empty(),
            || format!("{} has earmarks and does not wait", l.id),
        );
        for e in &l.earmarks {
            let Some(r) = state.resources.get(&e.resource) else {
                report.says(8, format!("{} is kept for {} and gone", e.resource, l.id));
                continue;
            };
            report.holds(8, r.earmark == Some(l.rank()), || {
                format!("{} is not kept for {}, which says so", r.id, l.id)
            });
            let item = l.items.get(usize::from(e.item));
            let fits = item.is_some_and(|i| satisfies(r, i) && slice_fits(r, i.amount.is_some()));
            report.holds(8, fits, || {
                format!("{} does not satisfy item {} of {}", r.id, e.item, l.id)
            });
        }
        for (i, item) in l.items.iter().enumerate() {
            let have = l
                .earmarks
                .iter()
                .filter(|e| usize::from(e.item) == i)
                .count();
            report.holds(8, have as u64 <= u64::from(item.count), || {
                format!(
                    "{have} are kept for item {i} of {}, which asks for {}",
                    l.id, item.count
                )
            });
        }
    }
}

fn slice_fits(r: &Resource, cut: bool) -> bool {
    matches!(r.origin, Origin::Slice(_)) == cut
}

/// 8: no waiter before the one it is kept for could use it. 9: nothing offerable lies idle while
/// somebody waits for it, and nobody who has all waits on.
pub(super) fn check_settled(state: &State, report: &mut Report) {
    let waiters: Vec<&Arc<Lease>> = state
        .index
        .waiters
        .iter()
        .filter_map(|rank| state.leases.get(&rank.lease))
        .collect();
    for l in &waiters {
        report.holds(9, !l.is_met(), || format!("{} has all and waits", l.id));
        if l.items.iter().all(|i| i.pool.is_some()) {
            report.holds(9, !hopeless(state, l), || format!("{} waits in vain", l.id));
        }
    }
    for r in state.resources.values().filter(|r| r.parent().is_none()) {
        if r.state != ResourceState::Free || matches!(r.origin, Origin::Divisible(_)) {
            continue;
        }
        let can = offerable(state, r);
        report.holds(8, can || r.earmark.is_none(), || {
            format!("{} is kept for somebody and cannot be offered", r.id)
        });
        if !can {
            continue;
        }
        let first = waiters.iter().find(|l| lacks(state, l, r));
        let Some(first) = first else { continue };
        match r.earmark {
            None => report.says(9, format!("{} is idle, {} lacks it", r.id, first.id)),
            Some(rank) if first.rank() < rank => {
                report.says(
                    8,
                    format!(
                        "{} is kept for {}, {} is before it",
                        r.id, rank.lease, first.id
                    ),
                );
            }
            Some(_) => {}
        }
    }
    slices(state, &waiters, report);
}

/// Could a waiter use it? Asked of one after the other, by no index.
pub(super) fn lacks(state: &State, l: &Lease, r: &Resource) -> bool {
    let Some(pool) = state.pools.get(&r.pool) else {
        return false;
    };
    l.items.iter().enumerate().any(|(i, item)| {
        l.unmet(i) > 0
            && item.amount.is_none()
            && satisfies(r, item)
            && (item.pool.is_some() || lease_sees(state, l, pool))
    })
}

/// 9: the first who waits for slices of a pool cannot be given one.
fn slices(state: &State, waiters: &[&Arc<Lease>], report: &mut Report) {
    for pool in state.pools.values().filter(|p| p.spec.slice.is_some()) {
        let lacks = |l: &Lease| {
            (0..l.items.len()).find(|i| l.items[*i].pool == Some(pool.id) && l.unmet(*i) > 0)
        };
        let Some((l, i)) = waiters.iter().find_map(|l| Some((l, lacks(l)?))) else {
            continue;
        };
        let Some(amount) = &l.items[i].amount else {
            continue;
        };
        for (id, space) in &state.index.spaces {
            let open = state.resources.get(id).is_some_and(|r| {
                r.pool == pool.id
                    && r.state == ResourceState::Free
                    && r.health == Health::Well
                    && satisfies(r, &l.items[i])
            });
            report.holds(9, !open || space.find(amount).is_none(), || {
                format!("{id} has a slice for {}, which waits", l.id)
            });
        }
    }
}
