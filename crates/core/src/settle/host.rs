//! Hosts: what starts on them within their budget, and what becomes of their members when they
//! go out of sight, are given up, retire, or return.

use crate::event::Event;
use crate::grant::{self, Leaving};
use crate::host::Host;
use crate::id::{HostId, PoolId, ResourceId};
use crate::index::PoolUse;
use crate::lease::End;
use crate::limits;
use crate::planted;
use crate::pool::{Pool, RecycleClass};
use crate::resource::ResourceState;
use crate::settle::queue;
use crate::state::{State, Work};
use crate::template::attempt_by;

/// The next build or cleaning on a host, people's demand before refill.
pub(super) fn start(state: &mut State, id: HostId) -> Vec<Event> {
    let Some(h) = state.hosts.get(&id) else {
        return vec![];
    };
    let Some(u) = state.index.hosts.get(&id) else {
        return vec![];
    };
    if h.retiring && u.total() == 0 {
        return vec![Event::HostGone(id)];
    }
    let busy = u.building() >= h.spec.builds_max && !planted!(BudgetIgnored);
    if !h.seen || h.lost || busy {
        return vec![];
    }
    let mut pools: Vec<&std::sync::Arc<Pool>> =
        u.pools.keys().filter_map(|p| state.pools.get(p)).collect();
    pools.sort_by_key(|p| {
        (
            state.index.pools.get(&p.id).map_or(0, |u| u.unmet) == 0,
            p.id,
        )
    });
    let mut throttled = vec![];
    let mut started = vec![];
    for pool in pools {
        let here = u.pools.get(&pool.id).copied().unwrap_or_default();
        let all = state.index.pools.get(&pool.id);
        if all.map_or(0, PoolUse::building) >= pool.spec.builds_max {
            if here[ResourceState::Planned as usize] + here[ResourceState::Dirty as usize] > 0 {
                throttled.push((pool.id, id));
            }
            continue;
        }
        // After a failure one build at a time tries whether it goes again.
        let backoff = h.backoffs.get(&pool.id);
        let trying = u.building_of(pool.id) > 0;
        if backoff.is_some_and(|b| b.until.is_some() || trying) {
            continue;
        }
        if let Some(event) = first(state, id, pool) {
            started.push(event);
            break;
        }
    }
    state.throttled.extend(throttled);
    started
}

/// Starts the first that waits: cleanings before builds, since they are nearer to free. What was
/// altered is never cleaned.
fn first(state: &State, host: HostId, pool: &Pool) -> Option<Event> {
    let waits = |s| {
        let at = |id| (host, pool.id, s, ResourceId(id));
        let cleans = |id: &ResourceId| {
            let r = state.resources.get(id);
            r.is_none_or(|r| r.altered.is_none()) || planted!(AlteredKept)
        };
        let mut all = state.index.placed.range(at(0)..=at(u64::MAX));
        all.find(|(_, _, _, id)| cleans(id))
            .map(|(_, _, _, id)| *id)
    };
    let class = pool.spec.recycle.class;
    if matches!(class, RecycleClass::Replace | RecycleClass::Reset)
        && let Some(resource) = waits(ResourceState::Dirty)
    {
        let replace = class == RecycleClass::Replace;
        let deadline = match replace {
            true => attempt_by(state, pool, state.resources.get(&resource)?),
            false => state.now().plus_ms(pool.spec.deadlines.clean_ms),
        };
        return Some(Event::ResourceCleaning {
            resource,
            replace,
            deadline,
        });
    }
    let resource = waits(ResourceState::Planned)?;
    let deadline = attempt_by(state, pool, state.resources.get(&resource)?);
    Some(Event::ResourceCreating(resource, deadline))
}

/// Looks at some members of a host, and at the rest later. What ends or changes a lease is done
/// before the next one is looked at: it may be a member of the same lease.
pub(super) fn members(state: &mut State, id: HostId, from: ResourceId) -> Vec<Event> {
    let Some(h) = state.hosts.get(&id).cloned() else {
        return vec![];
    };
    let some: Vec<ResourceId> = on_host(state, id, from)
        .take(limits::SETTLED_AT_ONCE_MAX + 1)
        .collect();
    if let Some(next) = some.get(limits::SETTLED_AT_ONCE_MAX) {
        state.work.insert(Work::HostMembers(id, *next));
    }
    let mut events = Vec::new();
    for r in some.iter().take(limits::SETTLED_AT_ONCE_MAX) {
        let held = state.resources.get(r).is_some_and(|r| r.lease.is_some());
        let before = events.len();
        if h.offers() {
            state.work.insert(Work::Offer(*r));
        } else if h.forgotten {
            events.extend(forgotten(state, *r));
        } else if h.retiring || h.spec.drain {
            state.work.insert(Work::Resource(*r));
        } else if h.lost {
            events.extend(lost(state, *r));
        } else {
            events.extend(unplanned(state, &h, *r));
            events.extend(queue::unmark_if_not_offered(state, *r));
        }
        if held && events.len() > before {
            let next = ResourceId(r.0 + 1);
            state.work.insert(Work::HostMembers(id, next));
            break;
        }
    }
    events
}

/// Resources of a host in the order of their ids, from one on.
fn on_host(
    state: &State,
    host: HostId,
    from: ResourceId,
) -> impl Iterator<Item = ResourceId> + use<> {
    let pools: Vec<PoolId> = state
        .index
        .hosts
        .get(&host)
        .map(|u| u.pools.keys().copied().collect())
        .unwrap_or_default();
    let mut ids: Vec<ResourceId> = Vec::new();
    for pool in pools {
        for s in ResourceState::ALL {
            let at = |id| (host, pool, s, id);
            let range = at(from)..=at(ResourceId(u64::MAX));
            ids.extend(
                state
                    .index
                    .placed
                    .range(range)
                    .take(65)
                    .map(|(_, _, _, id)| *id),
            );
        }
    }
    ids.sort_unstable();
    ids.into_iter()
}

/// A host that takes no new builds starts none: they are planned anew elsewhere.
fn unplanned(state: &State, h: &Host, id: ResourceId) -> Option<Event> {
    let r = state.resources.get(&id)?;
    let waits = r.state == ResourceState::Planned && !h.spec.schedulable;
    waits.then_some(Event::ResourceGone(id))
}

/// The host was given up: what was planned there is planned elsewhere.
fn lost(state: &mut State, id: ResourceId) -> Option<Event> {
    let r = state.resources.get(&id)?;
    if r.state == ResourceState::Planned {
        return Some(Event::ResourceGone(id));
    }
    state.work.insert(Work::Resource(id));
    None
}

/// What stands on a forgotten host counts as gone.
fn forgotten(state: &State, id: ResourceId) -> Vec<Event> {
    let Some(r) = state.resources.get(&id) else {
        return vec![];
    };
    let Some(lease) = r.lease.and_then(|l| state.leases.get(&l)) else {
        return r
            .earmark
            .map(|_| Event::ResourceUnmarked(id))
            .into_iter()
            .chain([Event::ResourceGone(id)])
            .collect();
    };
    let mut end = grant::ended(state, lease, End::Lost, &Leaving::default());
    if let Event::LeaseEnded { members, .. } = &mut end {
        for (_, after) in members.iter_mut().filter(|(m, _)| *m == id) {
            *after = crate::event::After::Gone;
        }
    }
    vec![end]
}
