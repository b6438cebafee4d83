//! What holders and operators do with a lease.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::access::{Principal, Relation, Verb};
use crate::attribute::Labels;
use crate::command::Act;
use crate::decide::acquire::{note as check_note, quota, ttl as check_ttl};
use crate::decide::{Done, text, unchanged};
use crate::event::{Event, Number};
use crate::grant::{self, Leaving};
use crate::id::{Fence, LeaseId, ResourceId};
use crate::index::OwnerUse;
use crate::lease::{End, Ended, Lease, LeaseState, Past};
use crate::limits;
use crate::name::Owner;
use crate::outcome::Subject;
use crate::planted;
use crate::refusal::Refusal;
use crate::state::State;

/// A live lease the caller may do this with, or the short record of an ended one.
enum Found {
    Live(Arc<Lease>),
    Ended(Arc<Ended>),
}

fn find(
    state: &State,
    who: &Principal,
    verb: Verb,
    id: LeaseId,
    fence: Option<Fence>,
) -> Result<Found, Refusal> {
    if let Some(lease) = state.leases.get(&id) {
        let open = match verb {
            Verb::Release => planted!(ForeignRelease),
            Verb::Annotate => planted!(ForeignNote),
            _ => false,
        };
        if !open {
            who.may_with(state, verb, lease)?;
        }
        if let Some(given) = fence.filter(|f| *f != lease.fence) {
            return Err(Refusal::StaleFence {
                given,
                current: lease.fence,
            });
        }
        return Ok(Found::Live(lease.clone()));
    }
    let ended = state
        .ended_lease(id)
        .ok_or_else(|| Refusal::unknown("lease", id))?;
    // Who asked for it, and of which pools it was, the record does not tell; the history does, of
    // which the entrance asks then. For whoever else may not read it, it does not exist.
    who.may_see_ended(ended)?;
    who.may(verb, who.relation_ended(ended))?;
    Ok(Found::Ended(ended.clone()))
}

fn live(
    state: &State,
    who: &Principal,
    verb: Verb,
    id: LeaseId,
    fence: Option<Fence>,
) -> Result<Arc<Lease>, Refusal> {
    match find(state, who, verb, id, fence)? {
        Found::Live(lease) => Ok(lease),
        Found::Ended(e) => Err(Refusal::LeaseEnded {
            lease: id,
            end: e.end,
            at: e.at,
            reason: e.reason.clone(),
        }),
    }
}

/// Moves the deadline; shows that a waiting holder lives.
pub(super) fn renew(
    state: &State,
    who: &Principal,
    id: LeaseId,
    ttl_ms: Option<u64>,
    fence: Option<Fence>,
) -> Result<Done, Refusal> {
    check_ttl("ttl_ms", ttl_ms)?;
    let lease = live(state, who, Verb::Renew, id, fence)?;
    let now = state.now();
    let subject = Subject::Lease(id);
    if lease.state == LeaseState::Waiting {
        let Some(within) = lease.poll_within_ms else {
            return Ok(Done::nothing(subject));
        };
        return Ok(Done::one(
            subject,
            Event::LeasePolled(id, now.plus_ms(within)),
        ));
    }
    let Some(deadline) = lease.deadline else {
        return Ok(Done::nothing(subject));
    };
    if deadline <= now {
        return Err(Refusal::LeaseEnded {
            lease: id,
            end: End::Expired,
            at: deadline,
            reason: None,
        });
    }
    let pools = grant::pools_of(state, lease.members.iter().map(|m| m.resource));
    let asked = grant::terms(now, &pools, ttl_ms.or(lease.ttl_ms), None)
        .deadline
        .unwrap_or(deadline);
    let moved = deadline.max(lease.deadline_max.map_or(asked, |max| asked.min(max)));
    if moved == deadline {
        return Ok(Done::nothing(subject));
    }
    Ok(Done::one(subject, Event::LeaseRenewed(id, Some(moved))))
}

/// Gives all back, or single members. Safe to repeat.
pub(super) fn release(
    state: &State,
    who: &Principal,
    id: LeaseId,
    members: &[ResourceId],
    leaving: Leaving,
    fence: Option<Fence>,
) -> Result<Done, Refusal> {
    if let Some((until, reason)) = &leaving.hold {
        text("reason", reason, limits::REASON_BYTES_MAX)?;
        if until.since(state.now()) > limits::HOLD_MS_MAX {
            return Err(Refusal::invalid(
                "hold_ms",
                format!("at most {}", limits::HOLD_MS_MAX),
            ));
        }
    }
    let subject = Subject::Lease(id);
    let Found::Live(lease) = find(state, who, Verb::Release, id, fence)? else {
        return Ok(Done::nothing(subject));
    };
    if lease.state == LeaseState::Waiting {
        return Ok(Done::new(
            subject,
            grant::ended_waiting(state, &lease, End::Cancelled),
        ));
    }
    let left: BTreeSet<ResourceId> = members.iter().copied().collect();
    if left.len() > limits::MEMBERS_PER_LEASE_MAX {
        return Err(Refusal::invalid(
            "resources",
            format!("at most {}", limits::MEMBERS_PER_LEASE_MAX),
        ));
    }
    let mine: Vec<_> = lease
        .members
        .iter()
        .filter(|m| left.contains(&m.resource))
        .collect();
    if !left.is_empty() && mine.len() < left.len() {
        // One of them may have been given back by the call this one repeats.
        if mine.is_empty() {
            return Ok(Done::nothing(subject));
        }
    }
    if left.is_empty() || mine.len() == lease.members.len() {
        return Ok(Done::one(
            subject,
            grant::ended(state, &lease, End::Released, &leaving),
        ));
    }
    let events = mine
        .iter()
        .filter_map(|m| state.resources.get(&m.resource))
        .map(|r| Event::LeaseReduced(id, r.id, grant::after(state, r, lease.purpose, &leaving)))
        .collect();
    Ok(Done::new(subject, events))
}

/// Ends somebody's lease.
pub(super) fn revoke(
    state: &State,
    who: &Principal,
    id: LeaseId,
    why: Option<&str>,
) -> Result<Done, Refusal> {
    if let Some(why) = why {
        text("reason", why, limits::NOTE_BYTES_MAX)?;
    }
    let subject = Subject::Lease(id);
    match find(state, who, Verb::Revoke, id, None)? {
        Found::Ended(_) => Ok(Done::nothing(subject)),
        Found::Live(lease) => {
            let mut events = revoked(state, &lease);
            for event in &mut events {
                if let Event::LeaseEnded { reason, .. } = event {
                    *reason = why.map(Into::into);
                }
            }
            Ok(Done::new(subject, events))
        }
    }
}

/// The events that end a lease against its holder's will.
pub(super) fn revoked(state: &State, lease: &Lease) -> Vec<Event> {
    if lease.state == LeaseState::Waiting {
        return grant::ended_waiting(state, lease, End::Revoked);
    }
    vec![grant::ended(
        state,
        lease,
        End::Revoked,
        &Leaving::default(),
    )]
}

/// Makes it another owner's.
pub(super) fn give(
    state: &State,
    who: &Principal,
    id: LeaseId,
    to: &Owner,
    fence: Option<Fence>,
) -> Result<Done, Refusal> {
    let lease = live(state, who, Verb::Give, id, fence)?;
    let subject = Subject::Lease(id);
    if lease.owner == *to {
        return Ok(Done::nothing(subject));
    }
    quota(state, to, &OwnerUse::of(&lease))?;
    Ok(Done::one(subject, Event::LeaseGiven(id, to.clone())))
}

/// Lets others see and use it.
pub(super) fn share(
    state: &State,
    who: &Principal,
    id: LeaseId,
    with: &BTreeSet<Owner>,
    fence: Option<Fence>,
) -> Result<Done, Refusal> {
    if with.len() > limits::SHARED_WITH_MAX {
        return Err(Refusal::invalid(
            "owners",
            format!("at most {}", limits::SHARED_WITH_MAX),
        ));
    }
    let lease = live(state, who, Verb::Give, id, fence)?;
    let subject = Subject::Lease(id);
    if lease.shared.iter().eq(with.iter()) {
        return Ok(Done::nothing(subject));
    }
    Ok(Done::one(subject, Event::LeaseShared(id, with.clone())))
}

/// Enters a lease that another system had.
pub(super) fn import(state: &State, who: &Principal, act: &Act) -> Result<Done, Refusal> {
    let Act::ImportLease {
        owner,
        pool,
        granted_at,
        ended_at,
        labels,
        note,
    } = act
    else {
        return Err(Refusal::invalid("act", "not of a past lease"));
    };
    who.may(Verb::Administer, Relation::Own)?;
    check_note(note.as_deref())?;
    let pool = state
        .pool_named(pool)
        .ok_or_else(|| Refusal::unknown("pool", pool))?;
    let now = state.now();
    if ended_at > &now {
        return Err(Refusal::invalid("ended_at", "it is yet to come"));
    }
    if granted_at > ended_at {
        return Err(Refusal::invalid("granted_at", "it is after `ended_at`"));
    }
    if now.since(*ended_at) >= limits::HISTORY_KEPT_MS {
        let days = limits::HISTORY_KEPT_MS / limits::DAY_MS;
        let reason = format!("the history keeps what ended within {days} days");
        return Err(Refusal::invalid("ended_at", reason));
    }
    let id = LeaseId(state.counter() + 1);
    let past = Past {
        id,
        owner: owner.clone(),
        pool: pool.id,
        granted_at: *granted_at,
        ended_at: *ended_at,
        labels: labels.clone(),
        note: note.clone(),
    };
    Ok(Done::one(
        Subject::Lease(id),
        Event::LeaseImported(Arc::new(past)),
    ))
}

/// Changes labels and note.
pub(super) fn annotate(
    state: &State,
    who: &Principal,
    id: LeaseId,
    labels: &Labels,
    note: Option<&str>,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    check_note(note)?;
    let lease = live(state, who, Verb::Annotate, id, None)?;
    unchanged(lease.changed, expect)?;
    let subject = Subject::Lease(id);
    if lease.labels == *labels && lease.note.as_deref() == note {
        return Ok(Done::nothing(subject));
    }
    Ok(Done::one(
        subject,
        Event::LeaseNoted(id, labels.clone(), note.map(Into::into)),
    ))
}
