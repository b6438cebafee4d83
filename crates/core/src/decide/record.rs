//! What the reconciler reports: outcomes of attempts, and changes of what is seen. A report about
//! a stale generation or attempt changes nothing.

use std::sync::Arc;

use crate::access::Principal;
use crate::command::AttemptOutcome;
use crate::decide::{Done, alter, power};
use crate::event::Event;
use crate::id::{HostId, ResourceId};
use crate::limits;
use crate::outcome::Subject;
use crate::planted;
use crate::pool::Pool;
use crate::refusal::Refusal;
use crate::resource::{
    GONE, Health, Origin, Outputs, Resource, ResourceState, Then, Withheld, kind_of,
};
use crate::settle::fail;
use crate::state::State;

/// Only Caviada itself reports.
fn only_system(who: &Principal) -> Result<(), Refusal> {
    if !who.is_caviada() {
        Err(Refusal::Forbidden {
            needs: "the reconciler",
        })
    } else {
        Ok(())
    }
}

/// How an attempt went.
pub(super) fn outcome(
    state: &State,
    who: &Principal,
    id: ResourceId,
    generation: u64,
    attempt: u64,
    outcome: &AttemptOutcome,
) -> Result<Done, Refusal> {
    only_system(who)?;
    let subject = Subject::Resource(id);
    let Some(r) = state.resources.get(&id) else {
        return Ok(Done::nothing(subject));
    };
    let stale = r.generation != generation || r.attempt != attempt;
    if !r.open || (stale && !planted!(StaleOutcome)) {
        return Ok(Done::nothing(subject));
    }
    let Some(pool) = state.pools.get(&r.pool) else {
        return Ok(Done::nothing(subject));
    };
    let events = match outcome {
        AttemptOutcome::Done(outputs) => done(state, pool, r, outputs),
        AttemptOutcome::Failed { kind, detail } => {
            let mut events = fail::attempt(state, pool, r, kind, &limits::capped(detail));
            if planted!(FailureSpreads) {
                let mut others = state.resources.values().filter(|o| o.pool == r.pool);
                let other = others.find(|o| o.id != r.id && o.state == ResourceState::Free);
                events.extend(other.map(|o| Event::ResourceHealth(o.id, Health::Ill, None)));
            }
            events
        }
    };
    Ok(Done::new(subject, events))
}

fn done(state: &State, pool: &Pool, r: &Resource, outputs: &Outputs) -> Vec<Event> {
    use ResourceState::{Cleaning, Creating, Deleting, Leased};
    let now = state.now();
    let retire_at = pool.spec.recycle.age_ms_max.map(|ms| now.plus_ms(ms));
    let outputs = Arc::new(outputs.clone());
    let mut events = Vec::new();
    match r.state {
        Creating => {
            events.push(Event::ResourceBuilt {
                resource: r.id,
                outputs,
                retire_at,
            });
            events.extend(came_up(state, pool, r));
        }
        Cleaning => {
            let rebuilt = pool.spec.recycle.class == crate::pool::RecycleClass::Replace;
            let cooldown = pool.spec.recycle.cooldown_ms;
            events.push(Event::ResourceCleaned {
                resource: r.id,
                outputs,
                cooling_until: (cooldown > 0).then(|| now.plus_ms(cooldown)),
                retire_at: retire_at.filter(|_| rebuilt),
            });
            events.extend(came_up(state, pool, r));
        }
        Leased | ResourceState::Withheld if r.turn().is_some() => {
            events.extend(power::turned(r, None));
        }
        Leased if r.altering().is_some() => events.push(alter::done(r, &outputs)),
        Leased => events.push(Event::ResourceBound(r.id)),
        Deleting => events.push(Event::ResourceGone(r.id)),
        _ => {}
    }
    if matches!(r.state, Creating | Cleaning) {
        match &r.then {
            Some(Then::Withhold(w)) => {
                let clean = Arc::new(Withheld {
                    clean: true,
                    ..(**w).clone()
                });
                events.push(Event::ResourceWithheld(r.id, clean));
            }
            Some(Then::Delete) => {
                events.push(match r.site() {
                    Some(_) => {
                        Event::ResourceDeleting(r.id, now.plus_ms(pool.spec.deadlines.delete_ms))
                    }
                    None => Event::ResourceGone(r.id),
                });
            }
            None => {}
        }
    }
    events
}

/// A build that came up clears its host's record with the pool, and proves what it is made of.
fn came_up(state: &State, pool: &Pool, r: &Resource) -> Vec<Event> {
    let Some(site) = r.site() else { return vec![] };
    let mut events = Vec::new();
    if state
        .hosts
        .get(&site.host)
        .is_some_and(|h| h.backoffs.contains_key(&pool.id))
    {
        events.push(Event::HostRecovered(site.host, pool.id));
    }
    let desired = state.make(pool) == Some(site.make());
    if desired && pool.proven != Some(site.template) {
        events.push(Event::PoolProven(pool.id, site.template));
    }
    events
}

/// What was seen of a resource changed, or what happened to one that is well is told.
pub(super) fn health(
    state: &State,
    who: &Principal,
    id: ResourceId,
    generation: u64,
    health: Health,
    why: Option<&str>,
) -> Result<Done, Refusal> {
    only_system(who)?;
    let subject = Subject::Resource(id);
    let Some(r) = state.resources.get(&id) else {
        return Ok(Done::nothing(subject));
    };
    // Of what is divisible there is nothing to see.
    let whole = matches!(r.origin, Origin::Declared | Origin::Built(_));
    let looked_at = whole && matches!(r.state, ResourceState::Free | ResourceState::Leased);
    // What is well has one thing to tell at most: its first since it came up.
    let told = r.health == health && (why.is_none() || r.cause.is_some());
    // And what is ill one: that nothing of it is left any more.
    let vanished = health == Health::Ill && r.cause_kind() != Some(GONE);
    let told = told && !(vanished && why.is_some_and(|why| kind_of(why) == GONE));
    if !looked_at || r.generation != generation || told {
        return Ok(Done::nothing(subject));
    }
    let why = why.map(|why| limits::capped(why).into());
    Ok(Done::one(subject, Event::ResourceHealth(id, health, why)))
}

/// A host came into sight or went out of it.
pub(super) fn host(
    state: &State,
    who: &Principal,
    id: HostId,
    seen: bool,
) -> Result<Done, Refusal> {
    only_system(who)?;
    let subject = Subject::Host(id);
    let Some(h) = state.hosts.get(&id) else {
        return Ok(Done::nothing(subject));
    };
    let event = match (seen, h.seen) {
        (true, false) => Event::HostSeen(id),
        (false, true) => Event::HostUnseen(id, state.now().plus_ms(h.spec.lost_after_ms)),
        (false, false) if h.lost_at.is_none() && !h.lost => {
            Event::HostUnseen(id, state.now().plus_ms(h.spec.lost_after_ms))
        }
        _ => return Ok(Done::nothing(subject)),
    };
    Ok(Done::one(subject, event))
}
