//! What the health of a resource means, and dirty ones that need no cleaning.

use crate::decide::resource::removed;
use crate::event::{After, Event};
use crate::grant::{self, Leaving};
use crate::id::ResourceId;
use crate::lease::{End, LeaseState};
use crate::planted;
use crate::pool::{OnBad, Pool, RecycleClass};
use crate::resource::{GONE, Health, Resource, ResourceState, Then, UNWELL};
use crate::settle::fail;
use crate::space::Space;
use crate::state::State;

pub(super) fn resource(state: &State, id: ResourceId) -> Vec<Event> {
    let Some(r) = state.resources.get(&id) else {
        return vec![];
    };
    let Some(pool) = state.pools.get(&r.pool) else {
        return vec![];
    };
    let now = state.now();
    let drains = grant::drains(state, r) && !planted!(DrainForgotten);
    if grant::retires(state, pool, r) || drains {
        return retired(state, r);
    }
    let host = r.site().and_then(|s| state.hosts.get(&s.host));
    if r.state == ResourceState::Free && host.is_some_and(|h| h.lost) {
        return removed(state, r);
    }
    // Nobody who cleans it would make it what it was.
    if r.state == ResourceState::Dirty && grant::stays_changed(pool, r) {
        return removed(state, r);
    }
    match (r.state, r.health) {
        (ResourceState::Free, Health::Suspect) if r.earmark.is_some() => {
            vec![Event::ResourceUnmarked(id)]
        }
        (ResourceState::Free, Health::Ill) => {
            let unmark = r.earmark.map(|_| Event::ResourceUnmarked(id));
            let retry_at = grant::retry_at(now, pool, r.tries);
            let cause = seen(r);
            unmark
                .into_iter()
                .chain([Event::ResourceFailed {
                    resource: id,
                    cause,
                    retry_at,
                }])
                .collect()
        }
        (ResourceState::Failed, _) => fail::evidence(state, r).into_iter().collect(),
        (ResourceState::Leased, _) if host.is_some_and(|h| h.lost) => {
            bad_member(state, r, pool.spec.on_bad)
        }
        (ResourceState::Leased, Health::Ill) => bad_member(state, r, on_bad(pool, r)),
        // For class keep there is nothing to do between dirty and free.
        (ResourceState::Dirty, Health::Well) if pool.spec.recycle.class == RecycleClass::Keep => {
            let cooldown = pool.spec.recycle.cooldown_ms;
            if r.parent().is_some() && cooldown == 0 {
                return vec![Event::ResourceGone(id)];
            }
            vec![
                Event::ResourceCleaning {
                    resource: id,
                    replace: false,
                    deadline: now.plus_ms(pool.spec.deadlines.clean_ms),
                },
                Event::ResourceCleaned {
                    resource: id,
                    outputs: Default::default(),
                    cooling_until: (cooldown > 0).then(|| now.plus_ms(cooldown)),
                    retire_at: None,
                },
            ]
        }
        // It went bad, and cleaning will tell: nobody looks at it before.
        (ResourceState::Dirty, _) if pool.spec.recycle.class == RecycleClass::Keep => {
            vec![Event::ResourceHealth(id, Health::Well, None)]
        }
        _ => vec![],
    }
}

/// What becomes of a lease whose member is ill. What its holder altered is told to him and stays: that
/// something he brought breaks must not cost him all that he has. Nothing of it is there to stay once it
/// is gone from its host.
fn on_bad(pool: &Pool, r: &Resource) -> OnBad {
    match r.altered.is_some() && r.cause_kind() != Some(GONE) {
        true => OnBad::Keep,
        false => pool.spec.on_bad,
    }
}

/// Why it is ill.
fn seen(r: &Resource) -> Box<str> {
    r.cause.as_deref().unwrap_or(UNWELL).into()
}

/// Its pool or host retires, or its host is emptied: what nobody holds goes now, what is busy once it is done. A divisible
/// one goes with its last slice.
fn retired(state: &State, r: &Resource) -> Vec<Event> {
    use ResourceState::{Cleaning, Creating, Deleting, Leased, Planned};
    let cut = |s: &Space| !s.is_untouched();
    match r.state {
        Deleting | Leased => vec![],
        Planned => vec![Event::ResourceGone(r.id)],
        Creating | Cleaning if r.lease.is_some() || r.then.is_some() => vec![],
        Creating | Cleaning => vec![Event::ResourceThen(r.id, Then::Delete)],
        _ if state.index.spaces.get(&r.id).is_some_and(cut) => vec![],
        _ => removed(state, r),
    }
}

/// A leased resource went bad, or its host was given up: the pool says what the lease makes of it.
fn bad_member(state: &State, r: &Resource, policy: OnBad) -> Vec<Event> {
    let Some(lease) = r.lease.and_then(|l| state.leases.get(&l)) else {
        return vec![];
    };
    let Some(pool) = state.pools.get(&r.pool) else {
        return vec![];
    };
    let Some(member) = lease.members.iter().find(|m| m.resource == r.id) else {
        return vec![];
    };
    let policy = if lease.state == LeaseState::Preparing && r.altered.is_none() {
        OnBad::Swap
    } else {
        policy
    };
    match policy {
        OnBad::Keep if member.flagged => vec![],
        OnBad::Keep => vec![Event::LeaseFlagged(lease.id, r.id)],
        OnBad::Swap => {
            let cause = match r.health {
                Health::Ill => seen(r),
                Health::Well | Health::Suspect => "unreachable: its host was given up".into(),
            };
            let after = After::Failed(cause, grant::retry_at(state.now(), pool, r.tries));
            let end = if lease.state == LeaseState::Preparing {
                End::Failed
            } else {
                End::Lost
            };
            fail::swap(state, lease, r, after, end)
        }
        OnBad::End => vec![grant::ended(state, lease, End::Lost, &Leaving::default())],
    }
}
