//! What a grant gives and what its end leaves: the terms of a lease, and what becomes of members.
//! One place, used by `decide` and by `settle`.

use std::sync::Arc;

use crate::choose::Choice;
use crate::event::{After, Event};
use crate::id::{Fence, ResourceId};
use crate::lease::{Earmark, End, Lease, LeaseState, Member, Purpose};
use crate::planted;
use crate::pool::{Pool, RecycleClass};
use crate::resource::{Health, Origin, Resource, ResourceState, Then, Withheld};
use crate::state::State;
use crate::time::Time;

/// Deadlines of a grant, the strictest of the pools involved.
pub(crate) struct Terms {
    pub deadline: Option<Time>,
    pub deadline_max: Option<Time>,
    pub prepare_by: Option<Time>,
}

/// What pools say together about one grant. `waited` shortens the first deadline to the claim.
pub(crate) fn terms(
    now: Time,
    pools: &[Arc<Pool>],
    ttl_ms: Option<u64>,
    claim_ms: Option<u64>,
) -> Terms {
    let binds = pools
        .iter()
        .filter(|p| p.spec.prepare)
        .map(|p| p.spec.deadlines.prepare_ms)
        .max();
    let prepare_by = binds.map(|ms| now.plus_ms(ms));
    if !pools.is_empty() && pools.iter().all(|p| p.spec.lease.endless) {
        return Terms {
            deadline: None,
            deadline_max: None,
            prepare_by,
        };
    }
    let bounded = || {
        pools
            .iter()
            .filter(|p| !p.spec.lease.endless)
            .map(|p| &p.spec.lease)
    };
    let max = bounded().map(|l| l.ttl_ms_max).min().unwrap_or(u64::MAX);
    let ttl = ttl_ms
        .or_else(|| bounded().map(|l| l.ttl_ms).min())
        .unwrap_or(max)
        .min(max);
    let first = claim_ms.map_or(ttl, |c| c.min(ttl));
    Terms {
        deadline: Some(now.plus_ms(first)),
        deadline_max: Some(now.plus_ms(max)),
        prepare_by,
    }
}

/// The pools of a lease's members.
pub(crate) fn pools_of(state: &State, members: impl Iterator<Item = ResourceId>) -> Vec<Arc<Pool>> {
    let mut pools: Vec<Arc<Pool>> = members
        .filter_map(|r| state.resources.get(&r))
        .filter_map(|r| state.pools.get(&r.pool))
        .cloned()
        .collect();
    pools.dedup_by_key(|p| p.id);
    pools.sort_by_key(|p| p.id);
    pools.dedup_by_key(|p| p.id);
    pools
}

/// The events that make chosen resources members of a lease that does not wait.
pub(crate) fn granted(
    state: &State,
    mut lease: Lease,
    choices: Vec<Choice>,
    fence: Fence,
) -> Vec<Event> {
    let clean = lease.purpose == Purpose::Clean;
    let mut pools: Vec<Arc<Pool>> = Vec::with_capacity(choices.len());
    let mut events = Vec::with_capacity(1);
    lease.members.reserve_exact(choices.len());
    for choice in choices {
        let pool = if let Some(slice) = choice.cut {
            let pool = state.pools.get(&slice.pool);
            events.push(Event::ResourceCut(slice));
            pool
        } else {
            let r = state.resources.get(&choice.resource);
            if r.is_some_and(|r| r.earmark.is_some()) {
                events.push(Event::ResourceUnmarked(choice.resource));
            }
            r.and_then(|r| state.pools.get(&r.pool))
        };
        let binds = !clean && pool.is_some_and(|p| p.spec.prepare);
        pools.extend(pool.cloned());
        lease.members.push(Member {
            resource: choice.resource,
            item: choice.item,
            bound: !binds,
            flagged: false,
        });
    }
    pools.dedup_by_key(|p| p.id);
    let now = state.now();
    let terms = terms(now, &pools, lease.ttl_ms, None);
    let active = lease.members.iter().all(|m| m.bound);
    lease.state = if active {
        LeaseState::Active
    } else {
        LeaseState::Preparing
    };
    lease.fence = fence;
    lease.granted_at = Some(now);
    lease.deadline = terms.deadline;
    lease.deadline_max = terms.deadline_max;
    (lease.wait_until, lease.poll_until) = (None, None);
    let prepare_by = terms.prepare_by.filter(|_| !active);
    events.push(Event::LeaseGranted {
        lease: Box::new(lease),
        prepare_by,
    });
    events
}

/// The events that keep chosen resources for a waiting lease.
pub(crate) fn earmarked(lease: &Lease, choices: Vec<Choice>) -> Vec<Event> {
    let rank = lease.rank();
    choices
        .into_iter()
        .flat_map(|c| {
            let mark = Event::ResourceEarmarked {
                resource: c.resource,
                rank,
                item: c.item,
            };
            c.cut.map(Event::ResourceCut).into_iter().chain([mark])
        })
        .collect()
}

/// The event that grants a waiting lease what is kept for it.
pub(crate) fn met(state: &State, lease: &Lease) -> Event {
    let pools = pools_of(state, lease.earmarks.iter().map(|e: &Earmark| e.resource));
    let claim = lease.claim_within_ms.or_else(|| {
        pools
            .iter()
            .filter_map(|p| p.spec.lease.claim_within_ms)
            .min()
    });
    let terms = terms(state.now(), &pools, lease.ttl_ms, claim);
    Event::LeaseMet {
        lease: lease.id,
        fence: Fence(state.counter() + u64::from(!planted!(FenceNotRaised))),
        deadline: terms.deadline,
        deadline_max: terms.deadline_max,
        prepare_by: terms.prepare_by,
    }
}

/// How a holder leaves what he held.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaving {
    /// Kept for debugging until then.
    pub hold: Option<(Time, Box<str>)>,
    /// The work went well; matters to a lease with purpose `clean`.
    pub ok: bool,
    /// A person wants it gone.
    pub delete: bool,
}

/// What a member becomes when its lease lets go of it.
pub(crate) fn after(state: &State, r: &Resource, purpose: Purpose, leaving: &Leaving) -> After {
    let now = state.now();
    let Some(pool) = state.pools.get(&r.pool) else {
        return After::Gone;
    };
    let spec = &pool.spec;
    let keep = spec.recycle.class == RecycleClass::Keep;
    let cooling = (spec.recycle.cooldown_ms > 0).then(|| now.plus_ms(spec.recycle.cooldown_ms));
    let deleting = || match r.origin {
        Origin::Built(_) => After::Deleting(now.plus_ms(spec.deadlines.delete_ms)),
        _ => After::Gone,
    };
    let dirty = After::Dirty(now.plus_ms(spec.deadlines.dirty_alert_ms));
    if retires(state, pool, r) {
        return deleting();
    }
    match &r.then {
        Some(Then::Delete) => return deleting(),
        _ if leaving.delete => return deleting(),
        Some(Then::Withhold(w)) => {
            let clean = keep || (purpose == Purpose::Clean && leaving.ok);
            return After::Withheld(Arc::new(Withheld {
                clean,
                ..(**w).clone()
            }));
        }
        None => {}
    }
    if let Some((until, reason)) = &leaving.hold {
        let held = Withheld {
            reason: reason.clone(),
            clean: keep,
            until: Some(*until),
        };
        return After::Withheld(Arc::new(held));
    }
    if worn(state, pool, r) {
        return deleting();
    }
    if purpose == Purpose::Clean {
        return match (leaving.ok, r.parent(), cooling) {
            (false, ..) => dirty,
            (true, Some(_), None) => After::Gone,
            (true, ..) => After::Cleaned(cooling),
        };
    }
    if !keep && !planted!(UncleanRelease) {
        return dirty;
    }
    if r.health == Health::Ill {
        return After::Failed(
            "bad when its lease ended".into(),
            retry_at(now, pool, r.tries),
        );
    }
    match (r.parent(), cooling) {
        (Some(_), None) => After::Gone,
        _ => After::Free(cooling),
    }
}

/// Its pool or its host goes, and it with them.
pub(crate) fn retires(state: &State, pool: &Pool, r: &Resource) -> bool {
    let host = r.site().and_then(|s| state.hosts.get(&s.host));
    pool.retiring || host.is_some_and(|h| h.retiring)
}

/// Its host is emptied, and nobody holds it or keeps it out of the pool.
pub(crate) fn drains(state: &State, r: &Resource) -> bool {
    let host = r.site().and_then(|s| state.hosts.get(&s.host));
    let kept = matches!(r.state, ResourceState::Leased | ResourceState::Withheld);
    !kept && host.is_some_and(|h| h.spec.drain)
}

/// Too old, used too often, of an old revision, altered, or on a host that takes nothing: built anew elsewhere.
pub(crate) fn worn(state: &State, pool: &Pool, r: &Resource) -> bool {
    let Some(site) = r.site() else { return false };
    let old = r.retire_at.is_some_and(|t| t <= state.now());
    let used = pool
        .spec
        .recycle
        .uses_max
        .is_some_and(|max| r.uses.saturating_add(1) >= max);
    let stale = state
        .make(pool)
        .is_some_and(|m| pool.proven == Some(m.template) && m != site.make());
    let host = state.hosts.get(&site.host);
    let worn = old || used || stale || stays_changed(pool, r);
    worn || host.is_none_or(|h| !h.spec.schedulable || h.retiring || h.lost)
}

/// Its holder altered it, or somebody stopped it and how its pool cleans does not start it again.
pub(crate) fn stays_changed(pool: &Pool, r: &Resource) -> bool {
    let starts = matches!(
        pool.spec.recycle.class,
        RecycleClass::Replace | RecycleClass::Reset
    );
    let altered = r.altered.is_some() && !planted!(AlteredKept);
    altered || (r.power.is_some() && !starts)
}

/// The instant of the next try after this many failures: doubled each time, at most 64-fold.
pub(crate) fn retry_at(now: Time, pool: &Pool, tries: u32) -> Time {
    now.plus_ms(
        pool.spec
            .deadlines
            .retry_ms
            .saturating_mul(1 << tries.min(6)),
    )
}

/// The event that ends a lease.
pub(crate) fn ended(state: &State, lease: &Lease, end: End, leaving: &Leaving) -> Event {
    let members = lease
        .members
        .iter()
        .filter_map(|m| state.resources.get(&m.resource))
        .map(|r| (r.id, after(state, r, lease.purpose, leaving)))
        .collect();
    Event::LeaseEnded {
        lease: lease.id,
        owner: lease.owner.clone(),
        fence: lease.fence,
        end,
        members,
        reason: None,
        shared: lease.shared.clone(),
    }
}

/// Slices kept for a waiting lease go back with it.
pub(crate) fn ended_waiting(state: &State, lease: &Lease, end: End) -> Vec<Event> {
    let slices = lease
        .earmarks
        .iter()
        .filter(|e| {
            state
                .resources
                .get(&e.resource)
                .is_some_and(|r| r.parent().is_some())
        })
        .map(|e| Event::ResourceGone(e.resource));
    slices
        .chain([ended(state, lease, end, &Leaving::default())])
        .collect()
}
