//! What operators do with a resource.

use std::sync::Arc;

use crate::access::{Principal, Relation, Verb};
use crate::choose::blank;
use crate::command::{Act, Entry};
use crate::decide::{Done, alter, facts, power, text, unchanged};
use crate::event::{Event, Number};
use crate::grant::{self, Leaving};
use crate::id::ResourceId;
use crate::lease::End;
use crate::limits;
use crate::name::{Name, ResourceName};
use crate::outcome::Subject;
use crate::planted;
use crate::pool::Pool;
use crate::refusal::Refusal;
use crate::resource::{Origin, Resource, ResourceDoc, ResourceState, Then, Withheld};
use crate::settle::pool as sizing;
use crate::state::State;
use crate::time::Time;

/// Acts on resources.
pub(super) fn decide(state: &State, who: &Principal, act: &Act) -> Result<Done, Refusal> {
    match act {
        Act::Declare { .. } => declare(state, who, act),
        Act::DeleteResource {
            resource,
            force,
            expect,
        } => delete(state, who, *resource, *force, *expect),
        Act::Withhold {
            resource,
            reason,
            until,
        } => withhold(state, who, *resource, reason, *until),
        Act::Return { resource } => put_back(state, who, *resource),
        Act::Power {
            resource,
            turn,
            lease,
        } => power::turn(state, who, *resource, turn, *lease),
        Act::Alter(wanted) => alter::alter(state, who, wanted),
        Act::Recycle { resource } => recycle(state, who, *resource),
        Act::Build { pool, host, name } => build(state, who, pool, host.as_ref(), name.as_ref()),
        _ => Err(Refusal::invalid("act", "not about a resource")),
    }
}

/// Enters a resource, or changes what does not depend on leasing.
fn declare(state: &State, who: &Principal, act: &Act) -> Result<Done, Refusal> {
    let Act::Declare {
        pool,
        name,
        attributes,
        labels,
        endpoints,
        declared_in,
        entry,
        space,
        expect,
    } = act
    else {
        return Err(Refusal::invalid("act", "not a declaration"));
    };
    who.may(Verb::Manage, Relation::Own)?;
    let pool = growing(state, pool)?;
    if endpoints.len() > limits::ENDPOINTS_PER_RESOURCE_MAX {
        return Err(Refusal::invalid(
            "endpoints",
            format!("at most {}", limits::ENDPOINTS_PER_RESOURCE_MAX),
        ));
    }
    facts(attributes)?;
    for (key, value) in endpoints {
        text("endpoints", key, limits::NAME_BYTES_MAX)?;
        text("endpoints", value, limits::ENDPOINT_BYTES_MAX)?;
    }
    let doc = ResourceDoc {
        name: name.clone(),
        attributes: attributes.clone(),
        labels: labels.clone(),
        endpoints: endpoints.clone(),
        declared_in: declared_in.clone(),
    };
    if let Some(id) = state.index.resource_names.get(&(pool.id, name.clone())) {
        let Some(old) = state.resources.get(id) else {
            return Err(Refusal::unknown("resource", id));
        };
        unchanged(old.changed, *expect)?;
        same_space(old, space.as_deref())?;
        if *old.doc == doc {
            return Ok(Done::nothing(Subject::Resource(*id)));
        }
        // Whoever it was kept for may not want it as it now is.
        let described = Event::ResourceDescribed(*id, Arc::new(doc));
        return Ok(Done::new(
            Subject::Resource(*id),
            unmarked(old).chain([described]).collect(),
        ));
    }
    unchanged(Number::default(), *expect)?;
    enters(state, pool, space.is_some())?;
    let id = ResourceId(state.counter() + 1);
    let origin = space.as_ref().map_or(Origin::Declared, |s| {
        Origin::Divisible(Arc::new((**s).clone()))
    });
    let r = entered(state, pool, *entry, blank(id, pool.id, doc, origin, state));
    Ok(Done::one(
        Subject::Resource(id),
        Event::ResourceDeclared(Box::new(r)),
    ))
}

/// A pool that takes new members.
fn growing<'s>(state: &'s State, name: &Name) -> Result<&'s Arc<Pool>, Refusal> {
    let pool = state.pool_named(name);
    let pool = pool.ok_or_else(|| Refusal::unknown("pool", name))?;
    match pool.retiring {
        false => Ok(pool),
        true => Err(Refusal::Retiring {
            noun: "pool",
            name: name.clone(),
        }),
    }
}

/// May another resource enter this pool?
fn enters(state: &State, pool: &Pool, divisible: bool) -> Result<(), Refusal> {
    if pool.spec.template().is_some() {
        let why = "its members are built from a template, not declared".to_owned();
        return Err(Refusal::Conflict {
            noun: "pool",
            name: pool.name.to_string(),
            why,
        });
    }
    if state.resources.len() >= limits::RESOURCES_MAX {
        return Err(Refusal::LimitReached {
            what: "resources",
            max: limits::RESOURCES_MAX,
        });
    }
    if divisible != pool.spec.slice.is_some() {
        return Err(Refusal::invalid(
            "divisible",
            "all members of a pool with a slice are divisible, others are whole",
        ));
    }
    Ok(())
}

/// As what it enters.
fn entered(state: &State, pool: &Pool, entry: Entry, mut r: Resource) -> Resource {
    match entry {
        Entry::Free => {}
        Entry::Dirty => {
            r.state = ResourceState::Dirty;
            r.deadline = Some(state.now().plus_ms(pool.spec.deadlines.dirty_alert_ms));
        }
        Entry::Withheld => {
            r.state = ResourceState::Withheld;
            r.withheld = Some(Arc::new(Withheld {
                reason: "declared".into(),
                clean: true,
                until: None,
            }));
        }
    }
    r
}

fn same_space(old: &Resource, space: Option<&crate::space::Space>) -> Result<(), Refusal> {
    let same = match &old.origin {
        Origin::Divisible(whole) => space == Some(&**whole),
        _ => space.is_none(),
    };
    if same {
        return Ok(());
    }
    let why = "what is divided stays; declare another resource".to_owned();
    Err(Refusal::Conflict {
        noun: "resource",
        name: old.doc.name.to_string(),
        why,
    })
}

fn get(state: &State, who: &Principal, id: ResourceId) -> Result<Arc<Resource>, Refusal> {
    who.may(Verb::Manage, Relation::Own)?;
    state
        .resources
        .get(&id)
        .cloned()
        .ok_or_else(|| Refusal::unknown("resource", id))
}

pub(super) fn bad(r: &Resource, advice: &'static str) -> Refusal {
    Refusal::BadTransition {
        resource: r.id,
        state: r.state.as_str(),
        advice,
    }
}

/// Takes its keeping for somebody back, if there is any.
pub(super) fn unmarked(r: &Resource) -> impl Iterator<Item = Event> + use<> {
    r.earmark.map(|_| Event::ResourceUnmarked(r.id)).into_iter()
}

/// Removes it, now or once it is no longer busy.
fn delete(
    state: &State,
    who: &Principal,
    id: ResourceId,
    force: bool,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    use ResourceState::{Cleaning, Creating, Deleting, Leased, Planned};
    let r = get(state, who, id)?;
    unchanged(r.changed, expect)?;
    if r.parent().is_some() && r.lease.is_none() {
        return Err(bad(&r, "a slice goes back by itself"));
    }
    if state
        .index
        .spaces
        .get(&id)
        .is_some_and(|s| !s.is_untouched())
    {
        return Err(bad(
            &r,
            "it has slices; withhold it and wait for their release",
        ));
    }
    let subject = Subject::Resource(id);
    let events = match r.state {
        Deleting => vec![],
        Planned => vec![Event::ResourceGone(id)],
        Creating => vec![Event::ResourceThen(id, Then::Delete)],
        Cleaning if r.lease.is_none() => vec![Event::ResourceThen(id, Then::Delete)],
        Leased | Cleaning if force => {
            let lease = r
                .lease
                .and_then(|l| state.leases.get(&l))
                .ok_or_else(|| bad(&r, "its lease is ending"))?;
            if lease.members.len() > 1 {
                let leaving = Leaving {
                    delete: true,
                    ..Leaving::default()
                };
                vec![Event::LeaseReduced(
                    lease.id,
                    id,
                    grant::after(state, &r, lease.purpose, &leaving),
                )]
            } else {
                vec![grant::ended(
                    state,
                    lease,
                    End::Revoked,
                    &Leaving {
                        delete: true,
                        ..Leaving::default()
                    },
                )]
            }
        }
        Leased | Cleaning => return Err(bad(&r, "release its lease, or delete it by force")),
        _ => removed(state, &r),
    };
    Ok(Done::new(subject, events))
}

/// The events that remove one nobody is busy with.
pub(crate) fn removed(state: &State, r: &Resource) -> Vec<Event> {
    let delete_ms = state
        .pools
        .get(&r.pool)
        .map_or(0, |p| p.spec.deadlines.delete_ms);
    let gone = match r.origin {
        Origin::Built(_) => Event::ResourceDeleting(r.id, state.now().plus_ms(delete_ms)),
        _ => Event::ResourceGone(r.id),
    };
    unmarked(r).chain([gone]).collect()
}

/// Keeps it out of the pool, now or once it is no longer busy.
fn withhold(
    state: &State,
    who: &Principal,
    id: ResourceId,
    reason: &str,
    until: Option<Time>,
) -> Result<Done, Refusal> {
    use ResourceState::{Cleaning, Creating, Deleting, Dirty, Failed, Free, Leased, Planned};
    let r = get(state, who, id)?;
    if reason.is_empty() {
        return Err(Refusal::invalid("reason", "say why"));
    }
    text("reason", reason, limits::REASON_BYTES_MAX)?;
    if until.is_some_and(|t| t.since(state.now()) > limits::HOLD_MS_MAX) {
        return Err(Refusal::invalid(
            "until",
            format!("at most {} ms from now", limits::HOLD_MS_MAX),
        ));
    }
    if r.parent().is_some() {
        return Err(bad(&r, "withhold what it was cut from"));
    }
    let clean = r.state == Free;
    let withheld = Arc::new(Withheld {
        reason: reason.into(),
        clean,
        until,
    });
    let events = match r.state {
        Free | Dirty | Failed => unmarked(&r)
            .chain([Event::ResourceWithheld(id, withheld)])
            .collect(),
        Creating | Cleaning | Leased => vec![Event::ResourceThen(id, Then::Withhold(withheld))],
        Planned => return Err(bad(&r, "it is not built yet; delete it instead")),
        Deleting => return Err(bad(&r, "it is going for good")),
        ResourceState::Withheld => return Err(bad(&r, "return it first, to change the reason")),
    };
    Ok(Done::new(Subject::Resource(id), events))
}

/// Cleans one that nobody holds, in its place.
fn recycle(state: &State, who: &Principal, id: ResourceId) -> Result<Done, Refusal> {
    use ResourceState::{Dirty, Free};
    let r = get(state, who, id)?;
    let pool = state.pools.get(&r.pool);
    let (Some(_), Some(pool)) = (r.site(), pool) else {
        let why = "it was declared; withhold it, or lease it with purpose clean";
        return Err(Refusal::invalid("resource", why));
    };
    let subject = Subject::Resource(id);
    let alert_at = state.now().plus_ms(pool.spec.deadlines.dirty_alert_ms);
    let dirtied = Event::ResourceDirtied(id, alert_at);
    let events = match r.state {
        Dirty => vec![],
        Free => {
            let withheld = Withheld {
                reason: "recycled".into(),
                clean: false,
                until: None,
            };
            let withheld = Event::ResourceWithheld(id, withheld.into());
            unmarked(&r).chain([withheld, dirtied]).collect()
        }
        ResourceState::Withheld => vec![dirtied],
        _ => return Err(bad(&r, "only what is free or withheld is cleaned at will")),
    };
    Ok(Done::new(subject, events))
}

/// Plans one more member of a pool.
fn build(
    state: &State,
    who: &Principal,
    pool: &Name,
    host: Option<&Name>,
    name: Option<&ResourceName>,
) -> Result<Done, Refusal> {
    who.may(Verb::Manage, Relation::Own)?;
    let pool = growing(state, pool)?;
    let host = match host {
        Some(host) => Some(
            state
                .host_named(host)
                .ok_or_else(|| Refusal::unknown("host", host))?,
        ),
        None => None,
    };
    if let Some(name) = name
        && state
            .index
            .resource_names
            .contains_key(&(pool.id, name.clone()))
    {
        return Err(Refusal::Conflict {
            noun: "resource",
            name: name.to_string(),
            why: "the pool has a member of this name".to_owned(),
        });
    }
    let ours = format!("{}-res_", pool.name);
    if name.is_some_and(|n| n.as_str().starts_with(&ours)) {
        return Err(Refusal::invalid(
            "name",
            "names that begin so are given to those that nobody names",
        ));
    }
    let planned = sizing::one_more(state, pool, host.map(|h| h.id), name)?;
    Ok(Done::one(
        Subject::Resource(planned.id),
        Event::ResourcePlanned(planned),
    ))
}

/// Ends the withholding.
fn put_back(state: &State, who: &Principal, id: ResourceId) -> Result<Done, Refusal> {
    let r = get(state, who, id)?;
    if r.state != ResourceState::Withheld {
        return Err(bad(&r, "only what is withheld can be returned"));
    }
    Ok(Done::one(Subject::Resource(id), returned(state, &r)))
}

/// What was clean, runs and was not altered is free again; all else is cleaned first.
pub(crate) fn returned(state: &State, r: &Resource) -> Event {
    let as_built = r.is_as_built() || planted!(StoppedReturned);
    let clean = r.withheld.as_ref().is_some_and(|w| w.clean) || planted!(UncleanReturn);
    if clean && as_built {
        return match r.parent() {
            Some(_) => Event::ResourceGone(r.id),
            None => Event::ResourceReturned(r.id),
        };
    }
    let alert_ms = state
        .pools
        .get(&r.pool)
        .map_or(0, |p| p.spec.deadlines.dirty_alert_ms);
    Event::ResourceDirtied(r.id, state.now().plus_ms(alert_ms))
}
