//! The queue: one global order of priority and arrival.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::access::{Asker, lease_sees};
use crate::choose::{self, Choice, Search, offerable};
use crate::event::Event;
use crate::grant;
use crate::id::{KeyId, LeaseId, PoolId, ResourceId};
use crate::index::Demand;
use crate::key::Key;
use crate::lease::{End, Item, Lease, LeaseState, Purpose, Rank};
use crate::limits;
use crate::pool::Pool;
use crate::resource::{Origin, Resource, ResourceState};
use crate::selector::Selector;
use crate::state::{State, Work};
use crate::table::Table;

/// A lease whose members or earmarks changed: grant it, fill it, or call it active.
pub(super) fn lease(state: &mut State, id: LeaseId) -> Vec<Event> {
    let Some(l) = state.leases.get(&id).cloned() else {
        return vec![];
    };
    let l = &l;
    if l.unmet_pools().contains(&None) {
        let builders = builders(state, l);
        state.work.extend(builders.into_iter().map(Work::Pool));
    }
    match l.state {
        LeaseState::Waiting if l.is_met() => vec![grant::met(state, l)],
        LeaseState::Waiting => match fill(state, l) {
            none if none.is_empty() && hopeless(state, l) => {
                grant::ended_waiting(state, l, End::Impossible)
            }
            some => grant::earmarked(l, some),
        },
        LeaseState::Preparing if l.members.iter().all(|m| m.bound) => vec![Event::LeaseActive(id)],
        LeaseState::Preparing | LeaseState::Active => vec![],
    }
}

/// The pool that builds for demand that names none: the first one that could.
pub(crate) fn builder(
    pools: &Table<PoolId, Pool>,
    keys: &Table<KeyId, Key>,
    demand: &Demand,
) -> Option<PoolId> {
    let (selector, who) = demand.selector.as_ref().zip(demand.who.as_ref())?;
    let fits = |p: &&Arc<Pool>| {
        p.spec.template().is_some()
            && !p.retiring
            && selector.matches(&p.spec.attributes, &Default::default())
            && who.sees(keys, p)
    };
    pools.values().find(fits).map(|p| p.id)
}

/// The pools that build for what a lease lacks without naming one.
fn builders(state: &State, l: &Lease) -> Vec<PoolId> {
    let open = |i: &usize| l.items[*i].pool.is_none() && l.unmet(*i) > 0;
    let demands = (0..l.items.len()).filter(open).map(|i| Demand::of(l, i));
    demands
        .filter_map(|d| state.index.open.get(&d)?.builder)
        .collect()
}

/// What can be kept now for a waiting lease's unmet items.
fn fill(state: &State, l: &Lease) -> Vec<Choice> {
    let sees = |p: &Pool| lease_sees(state, l, p);
    let mut search = Search::new(state, &sees, Purpose::Use, l.rank(), state.counter());
    let unmet = choose::most_demanding_first(&l.items)
        .into_iter()
        .map(|i| (i, l.unmet(i)))
        .filter(|(_, n)| *n > 0);
    // A selector that would look too far was refused when the lease was asked for; it is looked
    // at as far as it goes.
    unmet
        .flat_map(|(i, n)| search.item(i, &l.items[i], n).unwrap_or_default())
        .collect()
}

/// A resource became ready, or something of a divisible one came back: the first waiter that
/// lacks it gets it.
pub(super) fn offer(state: &mut State, id: ResourceId) -> Vec<Event> {
    let Some(r) = state.resources.get(&id).cloned() else {
        return vec![];
    };
    if let Origin::Divisible(_) = r.origin {
        return offer_slices(state, r.pool);
    }
    if r.parent().is_some() || !offerable(state, &r) {
        return vec![];
    }
    // Kept for a later one when this work could not be done at once, it moves.
    match first_lacking(state, &r) {
        Some((rank, item)) if r.earmark.is_none_or(|kept| rank < kept) => {
            vec![Event::ResourceEarmarked {
                resource: id,
                rank,
                item,
            }]
        }
        _ => vec![],
    }
}

/// The first waiter that lacks a resource, and for which item.
///
/// It costs what the distinct demands cost that the resource may meet, not what the waiters would.
pub(crate) fn first_lacking(state: &State, r: &Resource) -> Option<(Rank, u16)> {
    if state.index.waiters.is_empty() {
        return None;
    }
    let pool = state.pools.get(&r.pool).filter(|p| !p.retiring)?;
    let (attributes, labels) = (&r.doc.attributes, &r.doc.labels);
    let mut first: Option<Rank> = None;
    for of in [Some(r.pool), None] {
        for (demand, rank) in state.index.lacking(of, r) {
            let fits = |s: &Selector| s.matches(attributes, labels);
            let sees = |who: &Asker| who.sees(&state.keys, pool);
            if first.is_none_or(|f| *rank < f)
                && demand.selector.as_ref().is_none_or(fits)
                && demand.who.as_ref().is_none_or(sees)
            {
                first = Some(*rank);
            }
        }
    }
    let rank = first?;
    let l = state.leases.get(&rank.lease)?;
    let lacks = |i: &usize| {
        let item = &l.items[*i];
        l.unmet(*i) > 0
            && item.amount.is_none()
            && choose::satisfies(r, item)
            && (item.pool.is_some() || lease_sees(state, l, pool))
    };
    let lacking = (0..l.items.len()).filter(lacks);
    let i = lacking.min_by_key(|i| Reverse(choose::demand(&l.items[*i])))?;
    Some((rank, u16::try_from(i).unwrap_or(u16::MAX)))
}

/// Slices go to the first waiter alone: a large demand is not starved by small ones behind it.
fn offer_slices(state: &mut State, pool: PoolId) -> Vec<Event> {
    // Only an item that names the pool can ask for a slice.
    let from = (Some(pool), Rank::new(limits::PRIORITY_MAX, LeaseId(0)));
    let first = state.index.waiting.range(from..).next();
    let Some(l) = first
        .filter(|(p, _)| *p == Some(pool))
        .and_then(|(_, rank)| state.leases.get(&rank.lease))
        .cloned()
    else {
        return vec![];
    };
    let choices = fill(state, &l);
    if choices.is_empty() {
        return vec![];
    }
    // Once it is met, the next one is first.
    let parents = (pool, ResourceId(0))..=(pool, ResourceId(u64::MAX));
    if let Some((_, parent)) = state.index.divisible.range(parents).next() {
        state.work.insert(Work::Offer(*parent));
    }
    grant::earmarked(&l, choices)
}

/// What it still lacks can no longer come.
pub(crate) fn hopeless(state: &State, l: &Lease) -> bool {
    let lacks = |(i, _): &(usize, &Item)| l.unmet(*i) > 0;
    let items = l.items.iter().enumerate().filter(lacks);
    let items: Vec<Item> = items.map(|(_, item)| item.clone()).collect();
    choose::ever(state, &|p| lease_sees(state, l, p), &items).is_err()
}

/// Ends those who wait for what can no longer come, some at a time.
pub(super) fn recheck(state: &mut State, pool: Option<PoolId>, from: Option<Rank>) -> Vec<Event> {
    let first = from.unwrap_or(Rank::new(limits::PRIORITY_MAX, LeaseId(0)));
    let some: Vec<Rank> = state
        .index
        .waiting
        .range((pool, first)..)
        .take_while(|(p, _)| *p == pool)
        .map(|(_, r)| *r)
        .take(limits::SETTLED_AT_ONCE_MAX + 1)
        .collect();
    if let Some(next) = some.get(limits::SETTLED_AT_ONCE_MAX) {
        state.work.insert(Work::Recheck(pool, Some(*next)));
    }
    let leases: Vec<Arc<Lease>> = some
        .iter()
        .take(limits::SETTLED_AT_ONCE_MAX)
        .filter_map(|r| state.leases.get(&r.lease))
        .cloned()
        .collect();
    leases
        .iter()
        .filter(|l| hopeless(state, l))
        .flat_map(|l| grant::ended_waiting(state, l, End::Impossible))
        .collect()
}

/// What a host no longer offers is kept for nobody.
pub(super) fn unmark_if_not_offered(state: &State, id: ResourceId) -> Option<Event> {
    let r = state.resources.get(&id)?;
    let kept = r.earmark.is_some() && r.state == ResourceState::Free;
    (kept && !offerable(state, r)).then_some(Event::ResourceUnmarked(id))
}
