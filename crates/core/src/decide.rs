//! `decide`: reads State and says what an act does, or why not. Changes nothing.

mod acquire;
pub(crate) mod alter;
mod host;
mod key;
mod lease;
mod pool;
pub(crate) mod power;
mod record;
pub(crate) mod resource;
mod template;
mod user;
mod webhook;

use crate::access::Principal;
use crate::attribute::{Attributes, ValueRef};
use crate::command::{Act, By};
use crate::event::{Event, Number};
use crate::outcome::Subject;
use crate::refusal::Refusal;
use crate::state::State;

/// What an act does.
pub(crate) struct Done {
    pub subject: Subject,
    pub events: Vec<Event>,
}

impl Done {
    fn new(subject: Subject, events: Vec<Event>) -> Self {
        Self { subject, events }
    }

    fn one(subject: Subject, event: Event) -> Self {
        Self::new(subject, vec![event])
    }

    /// It is as asked already.
    fn nothing(subject: Subject) -> Self {
        Self::new(subject, vec![])
    }
}

/// Decides one act; `All` is unfolded by `step`, since each of its acts sees what the former did.
pub(crate) fn decide(state: &State, by: By, act: &Act) -> Result<Done, Refusal> {
    let who = Principal::of(state, by)?;
    match act {
        Act::PutPool { name, spec, expect } => pool::put(state, &who, name, spec, *expect),
        Act::DeletePool { name, expect } => pool::delete(state, &who, name, *expect),
        Act::PutHost { name, spec, expect } => host::put(state, &who, name, spec, *expect),
        Act::DeleteHost {
            name,
            forget,
            expect,
        } => host::delete(state, &who, name, *forget, *expect),
        Act::PutTemplate { .. } => template::put(state, &who, act),
        Act::DeleteTemplate { name } => template::delete(state, &who, name),
        Act::PutKey { .. } => key::put(state, &who, act),
        Act::DeleteKey { key } => key::delete(state, &who, *key),
        Act::PutQuota {
            owner,
            spec,
            declared_in,
            expect,
        } => key::put_quota(state, &who, owner, spec, declared_in.as_deref(), *expect),
        Act::DeleteQuota { owner } => key::delete_quota(state, &who, owner),
        Act::PutWebhook { .. } => webhook::put(state, &who, act),
        Act::DeleteWebhook { name } => webhook::delete(state, &who, name),
        Act::PutUser { .. }
        | Act::Register { .. }
        | Act::DeleteUser { .. }
        | Act::PutPassword { .. }
        | Act::PutProfile { .. }
        | Act::SignIn { .. } => user::decide(state, &who, act),
        Act::Declare { .. }
        | Act::DeleteResource { .. }
        | Act::Withhold { .. }
        | Act::Return { .. }
        | Act::Power { .. }
        | Act::Alter(_)
        | Act::Recycle { .. }
        | Act::Build { .. } => resource::decide(state, &who, act),
        Act::Acquire(acquire) => acquire::acquire(state, &who, acquire),
        Act::Renew {
            lease,
            ttl_ms,
            fence,
        } => lease::renew(state, &who, *lease, *ttl_ms, *fence),
        Act::Release {
            lease,
            members,
            hold,
            ok,
            fence,
        } => {
            let leaving = crate::grant::Leaving {
                hold: hold.clone(),
                ok: *ok,
                delete: false,
            };
            lease::release(state, &who, *lease, members, leaving, *fence)
        }
        Act::Revoke { lease, reason } => lease::revoke(state, &who, *lease, reason.as_deref()),
        Act::Give { lease, to, fence } => lease::give(state, &who, *lease, to, *fence),
        Act::Share { lease, with, fence } => lease::share(state, &who, *lease, with, *fence),
        Act::Annotate {
            lease,
            labels,
            note,
            expect,
        } => lease::annotate(state, &who, *lease, labels, note.as_deref(), *expect),
        Act::ImportLease { .. } => lease::import(state, &who, act),
        Act::Record {
            resource,
            generation,
            attempt,
            outcome,
        } => record::outcome(state, &who, *resource, *generation, *attempt, outcome),
        Act::RecordHealth {
            resource,
            generation,
            health,
            why,
        } => record::health(state, &who, *resource, *generation, *health, why.as_deref()),
        Act::RecordHost { host, seen } => record::host(state, &who, *host, *seen),
        Act::All(_) => Err(Refusal::invalid("all", "acts cannot be nested")),
    }
}

/// The caller read this noun when it was at `expect`.
fn unchanged(current: Number, expect: Option<Number>) -> Result<(), Refusal> {
    match expect {
        Some(expect) if expect != current => Err(Refusal::Changed { current }),
        _ => Ok(()),
    }
}

/// Facts of a thing, whose texts have no control characters.
fn facts(attributes: &Attributes) -> Result<(), Refusal> {
    let odd = |value: ValueRef<'_>| match value {
        ValueRef::Text(text) => text.chars().any(char::is_control),
        ValueRef::Bool(_) | ValueRef::Number(_) => false,
    };
    match attributes.iter().find(|(_, value)| odd(*value)) {
        Some((key, _)) => {
            let why = format!("no control characters; {key} has one");
            Err(Refusal::invalid("attributes", why))
        }
        None => Ok(()),
    }
}

/// Text within bounds and without control characters.
fn text(field: &'static str, text: &str, bytes_max: usize) -> Result<(), Refusal> {
    if text.len() > bytes_max {
        return Err(Refusal::invalid(
            field,
            format!("at most {bytes_max} bytes"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::invalid(field, "no control characters"));
    }
    Ok(())
}
