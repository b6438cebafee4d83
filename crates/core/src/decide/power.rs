//! Starting, stopping and restarting built resources, by those who hold them and by operators.

use std::sync::Arc;

use crate::access::Principal;
use crate::decide::resource::{bad, unmarked};
use crate::decide::{Done, text};
use crate::event::Event;
use crate::id::{LeaseId, ResourceId};
use crate::limits;
use crate::outcome::Subject;
use crate::power::{Power, STOPPED, Turn, TurnEnd, Way};
use crate::refusal::Refusal;
use crate::resource::{Resource, ResourceState, Withheld};
use crate::state::State;
use crate::template::attempt_by;

/// Starts, stops or restarts a resource, or one service of it.
pub(super) fn turn(
    state: &State,
    who: &Principal,
    id: ResourceId,
    turn: &Turn,
    lease: Option<LeaseId>,
) -> Result<Done, Refusal> {
    let r = state.resources.get(&id);
    let r = r.ok_or_else(|| Refusal::unknown("resource", id))?;
    who.may_operate(state, r)?;
    if lease.is_some() && r.lease != lease {
        return Err(bad(r, "the lease that was named does not have it any more"));
    }
    if let Some(service) = &turn.service {
        if service.is_empty() {
            return Err(Refusal::invalid("service", "its name, or leave it out"));
        }
        text("service", service, limits::NAME_BYTES_MAX)?;
    }
    let pool = state.pools.get(&r.pool);
    let (Some(_), Some(pool)) = (r.site(), pool) else {
        let why = "it was declared: Caviada has nothing on it to start or stop";
        return Err(Refusal::invalid("resource", why));
    };
    let held = matches!(
        r.state,
        ResourceState::Free | ResourceState::Leased | ResourceState::Withheld
    );
    if !held {
        return Err(bad(r, "wait until it is free, leased or withheld"));
    }
    if r.open {
        return Err(bad(r, "something is being done to it; wait for its end"));
    }
    if !r.tried().is_empty() && turn.service.is_none() && turn.way != Way::Start {
        let advice = "what was tried of it and not undone would not come up again; first ask for the \
                      parameters that it shall have";
        return Err(bad(r, advice));
    }
    let subject = Subject::Resource(id);
    let running = Arc::default();
    let power: &Power = r.power.as_ref().unwrap_or(&running);
    if power.stopped && turn.service.is_some() {
        return Err(Refusal::invalid(
            "service",
            "all of it is stopped: start it as a whole",
        ));
    }
    let stops = power.services.len() >= limits::STOPPED_SERVICES_MAX;
    if stops && turn.way == Way::Stop && turn.service.is_some() {
        return Err(Refusal::LimitReached {
            what: "stopped services",
            max: limits::STOPPED_SERVICES_MAX,
        });
    }
    if is_so(power, turn) {
        return Ok(Done::nothing(subject));
    }
    let mut events: Vec<Event> = Vec::new();
    if r.state == ResourceState::Free {
        let withheld = Withheld {
            reason: STOPPED.into(),
            clean: true,
            until: None,
        };
        events.extend(unmarked(r));
        events.push(Event::ResourceWithheld(id, withheld.into()));
    }
    events.push(Event::ResourceTurning {
        resource: id,
        turn: Arc::new(turn.clone()),
        deadline: attempt_by(state, pool, r),
    });
    Ok(Done::new(subject, events))
}

/// It is as it would be afterwards.
fn is_so(power: &Power, turn: &Turn) -> bool {
    match (turn.way, &turn.service) {
        (Way::Restart, _) => false,
        (Way::Start, None) => power.runs(),
        (Way::Stop, None) => power.stopped,
        (Way::Start, Some(service)) => !power.services.contains(service),
        (Way::Stop, Some(service)) => power.services.contains(service),
    }
}

/// The events that end a turn; what was kept out of the pool for it comes back once it runs.
pub(crate) fn turned(r: &Resource, failed: Option<(&str, Box<str>)>) -> Vec<Event> {
    let (end, ended) = match (failed, r.turn()) {
        (Some((kind, cause)), Some(turn)) => {
            let end = TurnEnd::failed(kind, turn);
            let unturned = Event::ResourceUnturned {
                resource: r.id,
                cause,
                untouched: end == TurnEnd::Nothing,
            };
            (end, unturned)
        }
        _ => (TurnEnd::Done, Event::ResourceTurned(r.id)),
    };
    let power = r.power.as_ref().map(|p| p.turned(end)).unwrap_or_default();
    let ours = |w: &Arc<Withheld>| w.clean && &*w.reason == STOPPED;
    let back = power.runs() && r.withheld.as_ref().is_some_and(ours);
    let back = back.then_some(Event::ResourceReturned(r.id));
    [ended].into_iter().chain(back).collect()
}
