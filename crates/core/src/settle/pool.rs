//! Pools: how many members, where, of which revision, and the end of a retiring one.

use std::sync::Arc;

use crate::choose::blank;
use crate::decide::resource::removed;
use crate::event::Event;
use crate::host::Host;
use crate::id::{PoolId, ResourceId, TemplateId};
use crate::index::{HostUse, PoolUse};
use crate::limits;
use crate::name::ResourceName;
use crate::planted;
use crate::pool::{Placement, Pool};
use crate::resource::{Origin, ResourceDoc, ResourceState, Site};
use crate::settle::queue;
use crate::state::{State, Work};
use crate::template::Template;

/// A pool whose numbers changed.
pub(super) fn pool(state: &mut State, id: PoolId) -> Vec<Event> {
    let Some(pool) = state.pools.get(&id).cloned() else {
        return vec![];
    };
    let u = state.index.pools.get(&id).cloned().unwrap_or_default();
    if pool.retiring {
        let empty = u.total() == 0 && u.slices == 0 && u.waiting == 0;
        return if empty {
            vec![Event::PoolGone(id)]
        } else {
            vec![]
        };
    }
    let Some(template) = pool
        .spec
        .template()
        .and_then(|t| state.template_named(t))
        .cloned()
    else {
        return vec![];
    };
    wake_hosts(state, &pool, &u);
    let surplus = surplus(state, &pool, &u);
    if !surplus.is_empty() {
        return surplus;
    }
    let missing = missing(state, &pool, &template, &u);
    if missing > 0 {
        let planned = plan(state, &pool, &template, missing);
        if !planned.is_empty() {
            state.work.insert(Work::Pool(id));
            return planned;
        }
        state.hungry.insert(id);
    } else if state.hosts.values().any(|h| h.spec.autofill) {
        // It would fill what others leave.
        state.hungry.insert(id);
    }
    roll(state, &pool, &template, &u)
}

/// Where members wait for the pool's build budget, one may start now.
fn wake_hosts(state: &mut State, pool: &Pool, u: &PoolUse) {
    use ResourceState::{Cleaning, Creating, Dirty, Planned};
    let busy = u.in_state(Creating) + u.in_state(Cleaning);
    if u.in_state(Planned) + u.in_state(Dirty) == 0 || busy >= pool.spec.builds_max {
        return;
    }
    let waits = |u: &HostUse| {
        let here = u.pools.get(&pool.id);
        here.is_some_and(|s| s[Planned as usize] + s[Dirty as usize] > 0)
    };
    let hosts = state.index.hosts.iter().filter(|(_, u)| waits(u));
    state.work.extend(hosts.map(|(h, _)| Work::Host(*h)));
}

/// Members beyond the pool's max, ready ones first to go.
fn surplus(state: &State, pool: &Pool, u: &PoolUse) -> Vec<Event> {
    let here = u.total() - u.in_state(ResourceState::Deleting);
    let over = here.saturating_sub(pool.spec.max);
    let planned = (pool.id, ResourceState::Planned, ResourceId(0))
        ..=(pool.id, ResourceState::Planned, ResourceId(u64::MAX));
    let unbuilt = state
        .index
        .members
        .range(planned)
        .map(|(_, _, id)| Event::ResourceGone(*id));
    let ready = state.index.free_groups(pool.id).flat_map(|h| {
        let keys: Vec<_> = state
            .index
            .free_on(pool.id, h)
            .take(64)
            .map(|k| k.resource)
            .collect();
        keys
    });
    let ready = ready
        .filter_map(|id| state.resources.get(&id))
        .flat_map(|r| removed(state, r));
    unbuilt.chain(ready).take((over as usize).min(64)).collect()
}

/// How many more members the pool wants: demand and warm, or what its hosts shall be filled with,
/// within its max.
fn missing(state: &State, pool: &Pool, template: &Template, u: &PoolUse) -> u32 {
    let lost: u32 = state
        .hosts
        .values()
        .filter(|h| h.lost)
        .filter_map(|h| state.index.hosts.get(&h.id)?.pools.get(&pool.id))
        .map(|s| s[ResourceState::Deleting as usize])
        .sum();
    let free = pool.spec.max.saturating_sub(u.total() - lost);
    // A selector that names no pool is demand on the first pool that could build for it.
    let supply = (u.ready() + u.coming()).saturating_sub(unschedulable(state, pool));
    let wanted = (u.unmet + roaming(state, pool) + pool.spec.warm).saturating_sub(supply);
    let fill: u32 = state
        .hosts
        .values()
        .filter(|h| h.spec.autofill && carries(pool, template, h))
        .filter_map(|h| Some(room(state, pool, h, state.index.hosts.get(&h.id)?)))
        .sum();
    wanted.max(fill).min(free)
}

/// Members that are ready or on their way on hosts of which nothing is granted, by their
/// operators' will.
pub(crate) fn unschedulable(state: &State, pool: &Pool) -> u32 {
    use ResourceState::{Cleaning, Creating, Dirty, Planned};
    let closed = state
        .hosts
        .values()
        .filter(|h| !h.spec.schedulable || h.retiring);
    closed
        .filter_map(|h| Some((h.id, state.index.hosts.get(&h.id)?.pools.get(&pool.id)?)))
        .map(|(host, states)| {
            let ready = state.index.free_on(pool.id, host).count();
            let coming = [Planned, Creating, Dirty, Cleaning].map(|s| states[s as usize]);
            u32::try_from(ready).unwrap_or(u32::MAX) + coming.iter().sum::<u32>()
        })
        .sum()
}

/// Demand of waiters that name no pool, as far as this is the first pool that could build it.
fn roaming(state: &State, pool: &Pool) -> u32 {
    let open = state.index.waiting.range(
        ..(
            Some(PoolId(0)),
            crate::lease::Rank::new(9, crate::id::LeaseId(0)),
        ),
    );
    let mut n = 0;
    for (_, rank) in open.take(limits::SCAN_MAX) {
        let Some(l) = state.leases.get(&rank.lease) else {
            continue;
        };
        let here = |i: &usize| queue::builds_open(state, l, *i) == Some(pool.id);
        n += (0..l.items.len())
            .filter(here)
            .map(|i| l.unmet(i))
            .sum::<u32>();
    }
    n
}

/// May this host carry members of the pool at all?
fn carries(pool: &Pool, template: &Template, h: &Host) -> bool {
    h.offers()
        && !h.lost
        && template.drivers.iter().any(|d| *d == h.spec.driver)
        && pool
            .spec
            .hosts
            .as_ref()
            .is_none_or(|names| names.contains(&h.name))
}

/// How many more members a host has room for, by its capacity and by what it holds.
fn room(state: &State, pool: &Pool, h: &Host, u: &HostUse) -> u32 {
    let needs = pool.spec.needs.iter().filter(|(_, need)| **need > 0);
    let by_kind = needs.map(|(kind, need)| {
        let whole = h.spec.holds.get(kind).copied().unwrap_or(0);
        let left = u128::from(whole).saturating_sub(u.taken(state, kind)) / u128::from(*need);
        u32::try_from(left).unwrap_or(u32::MAX)
    });
    let by_count = h.spec.capacity.saturating_sub(u.total());
    by_kind.min().map_or(by_count, |n| n.min(by_count))
}

/// Has it room for one more, and no reason to wait?
fn has_room(state: &State, pool: &Pool, template: &Template, h: &Host, u: &HostUse) -> bool {
    let failing = h.backoffs.get(&pool.id).is_some_and(|b| {
        let here = u.pools.get(&pool.id).copied().unwrap_or_default();
        b.until.is_some()
            || here[ResourceState::Planned as usize] + here[ResourceState::Creating as usize] > 0
    });
    !failing
        && room(state, pool, h, u) > 0
        && (!template.ports || !u.blocks.is_empty())
        && (h.spec.network.is_none() || !u.subnets.is_empty())
}

/// Plans up to `n` members, a few at a time.
fn plan(state: &State, pool: &Pool, template: &Arc<Template>, n: u32) -> Vec<Event> {
    const AT_ONCE: u32 = 16;
    let mut hosts: Vec<(Arc<Host>, HostUse)> = state
        .hosts
        .values()
        .filter(|h| carries(pool, template, h))
        .filter_map(|h| Some((h.clone(), state.index.hosts.get(&h.id)?.clone())))
        .collect();
    let mut counter = state.counter();
    let mut events = Vec::new();
    for _ in 0..n.min(AT_ONCE) {
        let Some((h, u)) = best(state, pool, template, &mut hosts) else {
            break;
        };
        counter += 1;
        let mut same = u.blocks.clone();
        let blocks = if planted!(DoublePort) {
            &mut same
        } else {
            &mut u.blocks
        };
        let block = template
            .ports
            .then(|| blocks.take(1, 1))
            .flatten()
            .and_then(|n| u32::try_from(n).ok());
        let subnet = h
            .spec
            .network
            .and_then(|_| u.subnets.take(1, 1))
            .and_then(|n| u32::try_from(n).ok());
        u.pools.entry(pool.id).or_default()[ResourceState::Planned as usize] += 1;
        let site = Site {
            host: h.id,
            template: template.id,
            block,
            subnet,
        };
        let id = ResourceId(counter);
        let name = ResourceName::fitting(&format!("{}-{id}", pool.name));
        let doc = ResourceDoc {
            name,
            attributes: pool.spec.attributes.clone(),
            ..ResourceDoc::default()
        };
        let mut r = blank(id, pool.id, doc, Origin::Built(Arc::new(site)), state);
        r.state = ResourceState::Planned;
        r.deadline = Some(state.now().plus_ms(pool.spec.deadlines.plan_ms));
        events.push(Event::ResourcePlanned(Box::new(r)));
    }
    events
}

/// The host that gets the next one: the emptiest or the fullest, the oldest of equals.
fn best<'a>(
    state: &State,
    pool: &Pool,
    template: &Template,
    hosts: &'a mut [(Arc<Host>, HostUse)],
) -> Option<&'a mut (Arc<Host>, HostUse)> {
    let load = |h: &Host, u: &HostUse| {
        u64::from(u.total()) * 1_000_000 / u64::from(h.spec.capacity.max(1))
    };
    let fit = hosts
        .iter_mut()
        .filter(|(h, u)| has_room(state, pool, template, h, u));
    match pool.spec.placement {
        Placement::Spread => fit.min_by_key(|(h, u)| (load(h, u), h.id)),
        Placement::Pack => fit.min_by_key(|(h, u)| (u64::MAX - load(h, u), h.id)),
    }
}

/// Takes one member of an old revision down when the new one is known to come up; before that,
/// one member is built of it, beside the others where there is room.
fn roll(state: &State, pool: &Pool, template: &Arc<Template>, u: &PoolUse) -> Vec<Event> {
    use ResourceState::{Cleaning, Creating, Deleting, Planned};
    let from = (pool.id, TemplateId(0), ResourceId(0))..(pool.id, template.id, ResourceId(0));
    let Some((_, _, stale)) = state.index.revisions.range(from).next() else {
        return vec![];
    };
    let moving: u32 = [Planned, Creating, Cleaning, Deleting]
        .iter()
        .map(|s| u.in_state(*s))
        .sum();
    let waiting = state
        .hosts
        .values()
        .any(|h| h.backoffs.get(&pool.id).is_some_and(|b| b.until.is_some()));
    if moving > 0 || waiting || u.unmet > 0 {
        return vec![];
    }
    if pool.proven != Some(template.id) && u.total() < pool.spec.max {
        let planned = plan(state, pool, template, 1);
        if !planned.is_empty() {
            return planned;
        }
    }
    state
        .resources
        .get(stale)
        .map_or_else(Vec::new, |r| removed(state, r))
}

/// Looks at some members of a pool that retires, recycles differently or is seen by others, and
/// at the rest later.
pub(super) fn members(state: &mut State, id: PoolId, from: ResourceId) -> Vec<Event> {
    const AT_ONCE: usize = 64;
    let mut ids: Vec<ResourceId> = Vec::new();
    for s in ResourceState::ALL {
        let range = (id, s, from)..=(id, s, ResourceId(u64::MAX));
        let some = state.index.members.range(range).take(AT_ONCE + 1);
        ids.extend(some.map(|(_, _, r)| *r));
    }
    ids.sort_unstable();
    if let Some(next) = ids.get(AT_ONCE) {
        state.work.insert(Work::PoolMembers(id, *next));
    }
    for id in ids.into_iter().take(AT_ONCE) {
        let site = state.resources.get(&id).and_then(|r| r.site());
        let host = site.map(|s| Work::Host(s.host));
        state.work.extend(host);
        state.work.insert(Work::Resource(id));
        if !state.index.waiters.is_empty() {
            state.work.insert(Work::Offer(id));
        }
    }
    vec![]
}
