//! A lease as its holder sees it.

use std::collections::BTreeSet;

use caviada_api::lease::{self as wire, LeasedResource};
use caviada_api::timestamp::Timestamp;
use caviada_core::access::Principal;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::lease::{End, Ended, Item, Lease, LeaseState, Purpose};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::pool::Pool;
use caviada_core::resource::{Origin, Resource, ResourceState};
use caviada_core::state::State;
use caviada_core::time::Time;

use crate::http::v1::pool::slice;
use crate::http::v1::render;

/// A granted lease and its members. Needs no snapshot: this is what leasing answers with.
pub fn granted<'a>(
    lease: &Lease,
    members: impl Iterator<Item = (&'a Resource, &'a Pool)>,
    now: Time,
) -> wire::Lease {
    let mut view = plain(lease, now);
    for (r, pool) in members {
        let name = pool.name.as_str();
        if !view.pools.iter().any(|p| p == name) {
            view.pools.push(name.to_owned());
        }
        let flagged = lease
            .members
            .iter()
            .any(|m| m.resource == r.id && m.flagged);
        view.resources.push(LeasedResource {
            id: r.id,
            name: r.doc.name.to_string(),
            pool: name.to_owned(),
            attributes: render::attributes(&r.doc.attributes),
            endpoints: render::endpoints(r.endpoints()),
            part: match &r.origin {
                Origin::Slice(cut) => Some(cut.part.to_string()),
                _ => None,
            },
            flagged,
        });
    }
    view
}

/// A waiting lease with its place in the queue and what it waits for.
pub fn waiting(state: &State, who: &Principal, lease: &Lease, now: Time) -> wire::Lease {
    let mut view = plain(lease, now);
    let name = |item: &Item| item.pool.and_then(|p| state.pools.get(&p));
    let pools: BTreeSet<&str> = lease
        .items
        .iter()
        .filter_map(name)
        .map(|p| p.name.as_str())
        .collect();
    view.pools = pools.into_iter().map(str::to_owned).collect();
    view.items = lease.items.iter().map(|i| item(state, i)).collect();
    let place = place(state, lease);
    view.position = Some(place);
    view.estimate_ms = estimate(state, lease, place).map(|at| at.since(now));
    view.why = why(state, who, lease);
    view
}

/// The short record of an ended one.
pub fn ended(ended: &Ended) -> wire::Lease {
    wire::Lease {
        fence: (ended.fence.0 > 0).then_some(ended.fence),
        end: Some(end(ended.end)),
        ended_at: Some(Timestamp(ended.at.0)),
        why: ended.reason.as_deref().map(Into::into),
        ..over(ended.id, &ended.owner)
    }
}

/// What who gave it away is told of it when he repeats that: for him it is over.
pub fn given_away(id: LeaseId, to: &Owner) -> wire::Lease {
    wire::Lease {
        why: Some(format!("it was given to {to}")),
        ..over(id, to)
    }
}

fn over(id: LeaseId, owner: &Owner) -> wire::Lease {
    wire::Lease {
        id,
        state: wire::LeaseState::Ended,
        fence: None,
        owner: owner.to_string(),
        pools: vec![],
        created_at: None,
        granted_at: None,
        expires_at: None,
        expires_in_ms: None,
        resources: vec![],
        end: None,
        ended_at: None,
        items: vec![],
        position: None,
        estimate_ms: None,
        why: None,
        priority: None,
        purpose: None,
        slot: None,
        shared_with: vec![],
        labels: Default::default(),
        note: None,
        etag: None,
    }
}

/// A live lease as a snapshot has it.
pub fn live(state: &State, who: &Principal, lease: &Lease, now: Time) -> wire::Lease {
    if lease.state == LeaseState::Waiting {
        return waiting(state, who, lease, now);
    }
    let members = lease.members.iter().filter_map(|m| {
        let r = state.resources.get(&m.resource)?;
        Some((&**r, &**state.pools.get(&r.pool)?))
    });
    granted(lease, members, now)
}

/// All that a lease tells by itself.
fn plain(lease: &Lease, now: Time) -> wire::Lease {
    let waits = lease.state == LeaseState::Waiting;
    let until = if waits {
        lease.wait_until
    } else {
        lease.deadline
    };
    wire::Lease {
        id: lease.id,
        state: state_of(lease.state),
        fence: (!waits).then_some(lease.fence),
        owner: lease.owner.to_string(),
        pools: vec![],
        created_at: Some(Timestamp(lease.asked_at.0)),
        granted_at: lease.granted_at.map(|t| Timestamp(t.0)),
        expires_at: until.map(|t| Timestamp(t.0)),
        expires_in_ms: until.map(|t| t.since(now)),
        resources: Vec::with_capacity(lease.members.len()),
        end: None,
        ended_at: None,
        items: vec![],
        position: None,
        estimate_ms: None,
        why: match lease.state {
            LeaseState::Preparing => Some("its resources are being bound to it".to_owned()),
            _ => None,
        },
        priority: Some(lease.priority),
        purpose: Some(match lease.purpose {
            Purpose::Use => wire::Purpose::Use,
            Purpose::Clean => wire::Purpose::Clean,
        }),
        slot: lease.slot.as_deref().map(Into::into),
        shared_with: lease.shared.iter().map(ToString::to_string).collect(),
        labels: render::labels(&lease.labels),
        note: lease.note.as_deref().map(Into::into),
        etag: Some(lease.changed.to_string()),
    }
}

/// A state in the words of the API.
pub fn state_of(state: LeaseState) -> wire::LeaseState {
    match state {
        LeaseState::Waiting => wire::LeaseState::Waiting,
        LeaseState::Preparing => wire::LeaseState::Preparing,
        LeaseState::Active => wire::LeaseState::Active,
    }
}

/// How it ended, in the words of the API.
pub fn end(end: End) -> wire::LeaseEnd {
    match end {
        End::Released => wire::LeaseEnd::Released,
        End::Expired => wire::LeaseEnd::Expired,
        End::Revoked => wire::LeaseEnd::Revoked,
        End::Cancelled => wire::LeaseEnd::Cancelled,
        End::TimedOut => wire::LeaseEnd::TimedOut,
        End::Abandoned => wire::LeaseEnd::Abandoned,
        End::Lost => wire::LeaseEnd::Lost,
        End::Failed => wire::LeaseEnd::Failed,
        End::Impossible => wire::LeaseEnd::Impossible,
    }
}

fn item(state: &State, item: &Item) -> wire::Item {
    let pool = item.pool.and_then(|p| state.pools.get(&p));
    wire::Item {
        pool: pool.map(|p| p.name.to_string()),
        selector: item.selector.as_ref().map(ToString::to_string),
        count: Some(item.count),
        slice: item.amount.as_ref().map(slice),
    }
}

/// How many are before it where it waits: of all its pools, the longest queue.
fn place(state: &State, lease: &Lease) -> u64 {
    let rank = lease.rank();
    let first = caviada_core::lease::Rank::new(limits::PRIORITY_MAX, LeaseId(0));
    let before = |pool| {
        let from = (pool, first);
        state
            .index
            .waiting
            .range(from..(pool, rank))
            .take(limits::server::PLACES_MAX)
            .count()
    };
    lease
        .unmet_pools()
        .into_iter()
        .map(before)
        .max()
        .unwrap_or(0) as u64
}

/// When it is its turn if every holder keeps his till its deadline: for one that waits for a
/// single pool of leased members, not too many of them.
fn estimate(state: &State, lease: &Lease, place: u64) -> Option<Time> {
    let mut pools = lease.unmet_pools().into_iter();
    let (Some(Some(pool)), None) = (pools.next(), pools.next()) else {
        return None;
    };
    let members = (pool, ResourceState::Leased, ResourceId(0))
        ..=(pool, ResourceState::Leased, ResourceId(u64::MAX));
    let members = state.index.busy.range(members);
    let mut ends: Vec<Time> = members
        .take(limits::server::ESTIMATED_MAX + 1)
        .filter_map(|(_, _, id)| state.resources.get(id)?.lease)
        .filter_map(|id| state.leases.get(&id)?.deadline)
        .collect();
    let unmet: u64 = (0..lease.items.len())
        .map(|i| u64::from(lease.unmet(i)))
        .sum();
    // Those before it take one each at least, then come its own.
    let last = usize::try_from(place.saturating_add(unmet.max(1)) - 1).ok()?;
    if ends.len() > limits::server::ESTIMATED_MAX || last >= ends.len() {
        return None;
    }
    Some(*ends.select_nth_unstable(last).1)
}

/// What stands between it and a grant, as far as the caller sees the pools.
fn why(state: &State, who: &Principal, lease: &Lease) -> Option<String> {
    let unmet = lease.unmet_pools().into_iter();
    let mut said = unmet.filter_map(|pool| {
        let Some(pool) = pool else {
            return Some("nothing that its selector takes is free".to_owned());
        };
        let pool = state.pools.get(&pool).filter(|p| who.sees(p))?;
        let used = state.index.pools.get(&pool.id)?;
        let mut text = format!(
            "pool {} has {} free, {} leased, {} on their way",
            pool.name,
            used.ready(),
            used.in_state(ResourceState::Leased),
            used.coming(),
        );
        if let Some(why) = crate::http::v1::pool::why(state, pool) {
            text.push_str("; ");
            text.push_str(&why);
        }
        Some(text)
    });
    said.next()
}
