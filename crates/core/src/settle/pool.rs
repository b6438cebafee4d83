//! Pools: how many members, where, of which revision, and the end of a retiring one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::choose::blank;
use crate::decide::resource::removed;
use crate::event::Event;
use crate::host::Host;
use crate::id::{HostId, PoolId, ResourceId, TemplateId};
use crate::index::{HostUse, PoolUse, emptiest, fullest};
use crate::limits;
use crate::name::{Name, ResourceName};
use crate::planted;
use crate::pool::{Placement, Pool};
use crate::refusal::Refusal;
use crate::resource::{Make, Origin, Resource, ResourceDoc, ResourceState, Site};
use crate::space::IntervalSet;
use crate::state::{Hunger, State, Work};
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
    if u.building() < pool.spec.builds_max {
        wake_throttled(state, id);
    }
    let surplus = surplus(state, &pool, &u);
    if !surplus.is_empty() {
        return surplus;
    }
    if let Some(planned) = grow(state, &pool, &template, &u) {
        state.work.insert(Work::Pool(id));
        return vec![planned];
    }
    roll(state, &pool, &template, &u)
}

/// Members that waited for the pool's build budget may start now, one of them at least.
fn wake_throttled(state: &mut State, pool: PoolId) {
    let all = (pool, HostId(0))..=(pool, HostId(u64::MAX));
    let hosts: Vec<_> = state.throttled.range(all).copied().collect();
    for waits in hosts {
        state.throttled.remove(&waits);
        state.work.insert(Work::Host(waits.1));
    }
}

/// Members beyond the pool's max: what is not built goes first, then what would have to be cleaned, then
/// what is ready.
fn surplus(state: &State, pool: &Pool, u: &PoolUse) -> Vec<Event> {
    let here = u.total() - u.in_state(ResourceState::Deleting);
    let over = here.saturating_sub(pool.spec.max);
    if over == 0 {
        return vec![];
    }
    let those = |s| {
        let all = (pool.id, s, ResourceId(0))..=(pool.id, s, ResourceId(u64::MAX));
        state.index.busy.range(all).map(|(_, _, id)| *id)
    };
    let unbuilt = those(ResourceState::Planned).map(Event::ResourceGone);
    let groups = state.index.free_groups(pool.id);
    let ready = groups.flat_map(|(_, members)| members.take(64).map(|k| k.resource));
    let standing = those(ResourceState::Dirty)
        .chain(ready)
        .filter_map(|id| state.resources.get(&id))
        .flat_map(|r| removed(state, r));
    unbuilt
        .chain(standing)
        .take((over as usize).min(64))
        .collect()
}

/// One more member, if the pool wants it for demand or warmth, or as its hosts shall be filled, within
/// its max.
fn grow(state: &mut State, pool: &Pool, template: &Arc<Template>, u: &PoolUse) -> Option<Event> {
    if pool.spec.max <= u.total().saturating_sub(u.stranded) {
        return None;
    }
    let supply = (u.ready() + u.coming()).saturating_sub(u.closed);
    let hunger = match u.unmet + u.roaming + pool.spec.warm {
        wanted if wanted > supply => Hunger::Demand,
        _ if state.index.autofill.is_empty() => return None,
        _ => Hunger::Fill,
    };
    // Since nobody had room nothing changed on any host.
    if state.hungry.get(&pool.id) >= Some(&hunger) {
        return None;
    }
    let planned = plan(state, pool, template, hunger);
    if planned.is_none() {
        state.hungry.insert(pool.id, hunger);
    }
    planned
}

/// May this host carry members of such a pool at all?
fn carries(template: &Template, h: &Host) -> bool {
    h.offers() && !h.lost && template.drivers.contains(&h.spec.driver)
}

/// Is there a place for one more on a host, by its capacity and by what it holds?
fn has_place(state: &State, pool: &Pool, h: &Host, u: &HostUse) -> bool {
    let counts = |need: &u64| *need > 0 && !planted!(HoldsIgnored);
    let mut needs = pool.spec.needs.iter().filter(|(_, need)| counts(need));
    let left = |(kind, need): (&Name, &u64)| {
        let whole = h.spec.holds.get(kind).copied().unwrap_or(0);
        u.taken(state, kind) + u128::from(*need) <= u128::from(whole)
    };
    u.total() < h.spec.capacity && needs.all(left)
}

/// Has it room for one more, and no reason to wait?
fn has_room(state: &State, pool: &Pool, template: &Template, h: &Host, u: &HostUse) -> bool {
    let failing = h.backoffs.get(&pool.id).is_some_and(|b| {
        let here = u.pools.get(&pool.id).copied().unwrap_or_default();
        b.until.is_some()
            || here[ResourceState::Planned as usize] + here[ResourceState::Creating as usize] > 0
    });
    let failing = failing || planted!(FailedForAll) && !h.backoffs.is_empty();
    !failing
        && has_place(state, pool, h, u)
        && (!template.ports || !u.blocks.is_empty())
        && (h.spec.network.is_none() || !u.subnets.is_empty())
}

/// Plans a member where there is room for it.
fn plan(state: &State, pool: &Pool, template: &Arc<Template>, hunger: Hunger) -> Option<Event> {
    let place = best(state, pool, template, hunger)?;
    let planned = planned(state, pool, template, place, None)?;
    Some(Event::ResourcePlanned(planned))
}

/// One more member, since somebody asks for it: within the pool's max, where it may stand.
///
/// # Errors
/// The pool or the host has no room for it, or the pool's members are not built.
pub(crate) fn one_more(
    state: &State,
    pool: &Pool,
    host: Option<HostId>,
    name: Option<&ResourceName>,
) -> Result<Box<Resource>, Refusal> {
    let template = pool.spec.template().and_then(|t| state.template_named(t));
    let Some(template) = template else {
        let why = "its members are declared, not built from a template";
        return Err(Refusal::invalid("pool", why));
    };
    let full = |noun, name: &Name, why: &str| Refusal::Conflict {
        noun,
        name: name.to_string(),
        why: why.to_owned(),
    };
    let nowhere = || full("pool", &pool.name, "no host has room for another member");
    let u = state.index.pools.get(&pool.id);
    let members = u.map_or(0, |u| u.total().saturating_sub(u.stranded));
    if pool.spec.max <= members {
        return Err(full(
            "pool",
            &pool.name,
            "it has as many members as its max",
        ));
    }
    let place = match host {
        None => best(state, pool, template, Hunger::Demand).ok_or_else(nowhere)?,
        Some(id) => {
            let known = state.hosts.get(&id).zip(state.index.hosts.get(&id));
            let (h, u) = known.ok_or_else(|| Refusal::unknown("host", id))?;
            let listed = |names: &BTreeSet<Name>| names.contains(&h.name);
            if !carries(template, h) || !pool.spec.hosts.as_ref().is_none_or(listed) {
                let why = "it takes no new member of this pool: not schedulable, lost, of another \
                           driver, or not among the pool's hosts";
                return Err(full("host", &h.name, why));
            }
            if !has_room(state, pool, template, h, u) {
                let why =
                    "it has no room for another member of this pool, or builds of it fail there";
                return Err(full("host", &h.name, why));
            }
            (h, u)
        }
    };
    planned(state, pool, template, place, name).ok_or_else(nowhere)
}

/// A member of the desired make, at a place with room for it.
fn planned(
    state: &State,
    pool: &Pool,
    template: &Arc<Template>,
    (h, u): (&Arc<Host>, &HostUse),
    name: Option<&ResourceName>,
) -> Option<Box<Resource>> {
    let first = |free: &IntervalSet| {
        let n = free.find(1)?.first();
        u32::try_from(n).ok()
    };
    let block = template.ports.then(|| first(&u.blocks)).flatten();
    let block = block.map(|n| if planted!(DoublePort) { 0 } else { n });
    let subnet = h.spec.network.and_then(|_| first(&u.subnets));
    let site = Site {
        host: h.id,
        template: template.id,
        parameters: pool.spec.parameters()?.clone(),
        block,
        subnet,
    };
    let id = ResourceId(state.counter() + 1);
    let made = || ResourceName::fitting(&format!("{}-{id}", pool.name));
    let doc = ResourceDoc {
        name: name.cloned().unwrap_or_else(made),
        attributes: pool.spec.attributes.clone(),
        ..ResourceDoc::default()
    };
    let mut r = blank(id, pool.id, doc, Origin::Built(Arc::new(site)), state);
    r.state = ResourceState::Planned;
    r.deadline = Some(state.now().plus_ms(pool.spec.deadlines.plan_ms));
    Some(Box::new(r))
}

/// The host that gets the next one: the emptiest or the fullest, the oldest of equals. Only hosts
/// that take another resource are looked at, in this order, until one has room for this pool.
fn best<'a>(
    state: &'a State,
    pool: &Pool,
    template: &Template,
    hunger: Hunger,
) -> Option<(&'a Arc<Host>, &'a HostUse)> {
    let fit = |id: HostId| {
        let (h, u) = (state.hosts.get(&id)?, state.index.hosts.get(&id)?);
        let fits = carries(template, h) && has_room(state, pool, template, h, u);
        fits.then_some((h, u))
    };
    let order = |(h, u): &(&Arc<Host>, &HostUse)| match pool.spec.placement {
        Placement::Spread => (u.load(), h.id),
        Placement::Pack => (u64::MAX - u.load(), h.id),
    };
    let fill = hunger == Hunger::Fill;
    if let Some(names) = &pool.spec.hosts {
        let ids = names.iter().filter_map(|n| state.index.host_names.get(n));
        let wanted = ids.filter(|id: &&HostId| !fill || state.index.autofill.contains(*id));
        return wanted.filter_map(|id| fit(*id)).min_by_key(order);
    }
    let places = match hunger {
        Hunger::Fill => &state.index.fills,
        Hunger::Demand => &state.index.places,
    };
    let drivers = template.drivers.iter();
    let first = drivers.filter_map(|driver| match pool.spec.placement {
        Placement::Spread => emptiest(places, driver).find_map(fit),
        Placement::Pack => fullest(places, driver).find_map(fit),
    });
    first.min_by_key(order)
}

/// Takes one member of another make down when the desired one is known to come up; before that,
/// one member is built of it, beside the others where there is room.
fn roll(state: &State, pool: &Pool, template: &Arc<Template>, u: &PoolUse) -> Vec<Event> {
    use ResourceState::{Cleaning, Creating, Deleting, Planned};
    let Some(stale) = stale(state, pool) else {
        return vec![];
    };
    let moving: u32 = [Planned, Creating, Cleaning, Deleting]
        .iter()
        .map(|s| u.in_state(*s))
        .sum();
    let moving = moving.saturating_sub(u.outside);
    if moving > 0 || u.backing_off > 0 || u.unmet > 0 {
        return vec![];
    }
    if pool.proven != Some(template.id)
        && u.total() < pool.spec.max
        && let Some(planned) = plan(state, pool, template, Hunger::Demand)
    {
        return vec![planned];
    }
    state
        .resources
        .get(&stale)
        .map_or_else(Vec::new, |r| removed(state, r))
}

/// A ready member that is made of something else than the pool's members shall be. They stand in
/// the order of what they are made of, so one is at either end.
fn stale(state: &State, pool: &Pool) -> Option<ResourceId> {
    let desired = state.make(pool)?;
    let at = |template| {
        let make = Make {
            template,
            parameters: "".into(),
        };
        (pool.id, make, ResourceId(0))
    };
    let next = PoolId(pool.id.0 + 1);
    let end = (next, at(TemplateId(0)).1, ResourceId(0));
    let mut members = state.index.makes.range(at(TemplateId(0))..end);
    let ends = [members.next(), members.next_back()];
    let other = ends.into_iter().flatten().find(|(_, m, _)| *m != desired);
    other.map(|(_, _, id)| *id)
}

/// Looks at some members of a pool that retires, recycles differently or is seen by others, and
/// at the rest later.
pub(super) fn members(state: &mut State, id: PoolId, from: ResourceId) -> Vec<Event> {
    let rest = (id, from)..=(id, ResourceId(u64::MAX));
    let some = state
        .index
        .members
        .range(rest)
        .take(limits::SETTLED_AT_ONCE_MAX + 1);
    let ids: Vec<ResourceId> = some.map(|(_, r)| *r).collect();
    if let Some(next) = ids.get(limits::SETTLED_AT_ONCE_MAX) {
        state.work.insert(Work::PoolMembers(id, *next));
    }
    for id in ids.into_iter().take(limits::SETTLED_AT_ONCE_MAX) {
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
