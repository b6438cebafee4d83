//! Webhooks.

use std::sync::Arc;

use crate::access::{Principal, Relation, Verb};
use crate::command::Act;
use crate::decide::{Done, text, unchanged};
use crate::event::kind::is_told;
use crate::event::{Event, Number};
use crate::id::WebhookId;
use crate::limits;
use crate::name::Name;
use crate::outcome::Subject;
use crate::refusal::Refusal;
use crate::state::State;
use crate::webhook::{Webhook, WebhookSpec};

/// Declares a webhook, or declares it differently; a secret that is not given stays.
pub(super) fn put(state: &State, who: &Principal, act: &Act) -> Result<Done, Refusal> {
    let Act::PutWebhook {
        name,
        spec,
        sealed,
        declared_in,
        expect,
    } = act
    else {
        return Err(Refusal::invalid("act", "not a webhook"));
    };
    who.may(Verb::Administer, Relation::Own)?;
    let old = state.webhook_named(name);
    unchanged(old.map_or(Number::default(), |w| w.changed), *expect)?;
    sound(spec)?;
    let kept = old.map(|w| &w.sealed);
    let Some(sealed) = sealed.as_ref().or(kept) else {
        return Err(Refusal::invalid("secret", "a new webhook needs one"));
    };
    if let Some(old) = old
        && *old.spec == **spec
        && old.sealed == *sealed
        && old.declared_in == *declared_in
    {
        return Ok(Done::nothing(Subject::Webhook(old.id)));
    }
    if old.is_none() && state.webhooks.len() >= limits::WEBHOOKS_MAX {
        return Err(Refusal::LimitReached {
            what: "webhooks",
            max: limits::WEBHOOKS_MAX,
        });
    }
    let webhook = Webhook {
        id: old.map_or(WebhookId(state.counter() + 1), |w| w.id),
        name: name.clone(),
        spec: Arc::new((**spec).clone()),
        sealed: sealed.clone(),
        since: old.map_or(Number::default(), |w| w.since),
        declared_in: declared_in.clone(),
        made_at: old.map_or(state.now(), |w| w.made_at),
        changed: Number::default(),
    };
    Ok(Done::one(
        Subject::Webhook(webhook.id),
        Event::WebhookDeclared(Box::new(webhook)),
    ))
}

fn sound(spec: &WebhookSpec) -> Result<(), Refusal> {
    text("url", &spec.url, limits::WEBHOOK_URL_BYTES_MAX)?;
    let Some(events) = &spec.events else {
        return Ok(());
    };
    if events.len() > limits::WEBHOOK_EVENTS_MAX {
        let max = limits::WEBHOOK_EVENTS_MAX;
        return Err(Refusal::invalid("events", format!("at most {max}")));
    }
    events.iter().try_for_each(|word| {
        text("events", word, limits::NAME_BYTES_MAX)?;
        if is_told(word) {
            return Ok(());
        }
        let reason = format!("{word} is neither a kind of event nor a noun that has any");
        Err(Refusal::invalid("events", reason))
    })
}

/// Removes a webhook.
pub(super) fn delete(state: &State, who: &Principal, name: &Name) -> Result<Done, Refusal> {
    who.may(Verb::Administer, Relation::Own)?;
    let webhook = state
        .webhook_named(name)
        .ok_or_else(|| Refusal::unknown("webhook", name))?;
    Ok(Done::one(Subject::Nothing, Event::WebhookGone(webhook.id)))
}
