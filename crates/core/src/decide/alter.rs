//! Altering what one holds: its template's parameters, as far as the template leaves them to him.

use std::sync::Arc;

use crate::access::Principal;
use crate::alter::{Alter, Direction, NOT_UNDONE};
use crate::decide::resource::bad;
use crate::decide::{Done, unchanged};
use crate::event::Event;
use crate::limits;
use crate::outcome::Subject;
use crate::pool::Pool;
use crate::refusal::Refusal;
use crate::resource::{Health, Outputs, Resource, ResourceState};
use crate::state::State;
use crate::template::attempt_by;

/// Makes a leased resource what other parameters say.
pub(super) fn alter(state: &State, who: &Principal, wanted: &Alter) -> Result<Done, Refusal> {
    let Alter {
        resource: id,
        parameters,
        from,
        tried,
        lease,
        expect,
    } = wanted;
    let r = state.resources.get(id);
    let r = r.ok_or_else(|| Refusal::unknown("resource", id))?;
    who.may_operate(state, r)?;
    unchanged(r.changed, *expect)?;
    if lease.is_some() && r.lease != *lease {
        return Err(bad(r, "the lease that was named does not have it any more"));
    }
    let pool = state.pools.get(&r.pool);
    let (Some(site), Some(pool)) = (r.site(), pool) else {
        let why = "it was declared: it has no template with parameters";
        return Err(Refusal::invalid("resource", why));
    };
    if parameters.len() > limits::PARAMETERS_BYTES_MAX {
        let why = format!("at most {} bytes", limits::PARAMETERS_BYTES_MAX);
        return Err(Refusal::invalid("parameters", why));
    }
    if r.state != ResourceState::Leased {
        let advice = "only what is leased is altered; for all members change the pool's parameters";
        return Err(bad(r, advice));
    }
    let subject = Subject::Resource(*id);
    let own = site.parameters == *parameters;
    match r.altering() {
        Some(Direction::Towards(under_way)) if under_way == parameters => {
            return Ok(Done::nothing(subject));
        }
        // Of what was tried and not undone a part may stand in its place, and of what is not well
        // something may be missing.
        None if !r.open && own && r.tried().is_empty() && r.health == Health::Well => {
            return Ok(Done::nothing(subject));
        }
        _ => {}
    }
    if r.open {
        return Err(bad(r, "something is being done to it; wait for its end"));
    }
    if r.power.is_some() {
        return Err(bad(r, "something of it is stopped; start it first"));
    }
    let known = own || r.tried().contains(parameters);
    if !known && r.tried().len() >= limits::TRIED_PER_RESOURCE_MAX {
        let advice = "too much was tried of it and could not be undone; ask for what it was before, \
                      or for one of those again";
        return Err(bad(r, advice));
    }
    if site.make() != *from || r.tried() != tried.as_slice() {
        return Err(Refusal::Conflict {
            noun: "resource",
            name: r.doc.name.to_string(),
            why: "it was altered meanwhile; look at it and ask again".to_owned(),
        });
    }
    let deadline = attempt_by(state, pool, r);
    let altering = Event::ResourceAltering {
        resource: *id,
        parameters: parameters.clone(),
        deadline,
    };
    Ok(Done::one(subject, altering))
}

/// The event that ends the open attempt of an alteration well.
pub(crate) fn done(r: &Resource, outputs: &Arc<Outputs>) -> Event {
    match r.altering() {
        Some(Direction::Back) => Event::ResourceRestored(r.id),
        _ => Event::ResourceAltered {
            resource: r.id,
            outputs: outputs.clone(),
        },
    }
}

/// The event that ends it badly. What was begun is undone, once; what a driver cannot do it did not
/// begin.
pub(crate) fn failed(
    state: &State,
    pool: &Pool,
    r: &Resource,
    kind: &str,
    cause: Box<str>,
) -> Event {
    let (towards, undoes) = match r.altering() {
        // To undo that would be to do the same again.
        Some(Direction::Towards(to)) => (true, r.site().is_some_and(|s| s.parameters != *to)),
        _ => (false, false),
    };
    let undo_by = attempt_by(state, pool, r);
    let first = r.cause.as_deref().filter(|_| !towards);
    let cause = match first {
        Some(first) => limits::capped(&format!("{first}{NOT_UNDONE}{cause}")).into(),
        None => cause,
    };
    Event::ResourceUnaltered {
        resource: r.id,
        cause,
        undo_by: (undoes && kind != "unsupported").then_some(undo_by),
    }
}
