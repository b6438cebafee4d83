//! Webhooks: who is told what happens. Secrets are sealed before they become a command, and shown
//! once.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::list::{List, PageQuery};
use caviada_api::timestamp::Timestamp;
use caviada_api::webhook::{self as wire, DeclaredWebhook};
use caviada_core::access::Verb;
use caviada_core::command::Act;
use caviada_core::event::Number;
use caviada_core::name::Name;
use caviada_core::state::State as Snapshot;
use caviada_core::webhook::{Webhook, WebhookSpec};
use caviada_ledger::Noun;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{amend, answer, read};
use crate::http::App;
use crate::http::auth::{Caller, check_secret, new_secret};
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
}

/// All webhooks, by name, without their secrets.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks", security(("key" = [])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = List<wire::Webhook>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeKeys)?;
    let shown = |id: &_| Some(render(&app, state.webhooks.get(id)?));
    answer::named(
        &query,
        "webhooks",
        &state,
        &state.index.webhook_names,
        shown,
    )
}

/// A webhook, and how its deliveries stand.
#[utoipa::path(get, path = "/api/v1/webhooks/{name}", tag = "webhooks", security(("key" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The webhook", body = wire::Webhook)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeKeys)?;
    let webhook = state.webhook_named(&read::name("webhook", &name)?);
    let webhook = webhook.ok_or_else(|| Error::unknown("webhook", &name))?;
    let webhook = render(&app, webhook);
    answer::noun(StatusCode::OK, &webhook.etag, &webhook)
}

/// Declares a webhook. A secret that the server made is in this answer and nowhere else.
#[utoipa::path(put, path = "/api/v1/webhooks/{name}", tag = "webhooks", security(("key" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = wire::WebhookSpec,
    responses((status = 200, description = "The webhook as it now is", body = DeclaredWebhook)))]
async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<wire::WebhookSpec>,
) -> Result<Response, Error> {
    // Before the target is looked at: where webhooks may go is not told to everybody.
    ask.caller
        .may(&*app.ledger().snapshot().await?, Verb::Administer)?;
    let name: Name = read::text("name", &name)?;
    let body = &ask.body;
    if let Some(secret) = &body.secret {
        check_secret(secret).map_err(|reason| Error::invalid("secret", reason))?;
    }
    let target = app.webhooks()?.target(&body.url);
    target.map_err(|why| {
        Error::new("target-not-allowed")
            .detail(&*why)
            .field("url", why)
    })?;
    let spec = spec(body)?;
    let made = new_secret()?;
    let done = amend::amend(&app, &mut ask, |state, _, ask| {
        act(&app, state, &name, &spec, &made, ask)
    })
    .await?;
    let Noun::Webhook(webhook) = done.noun else {
        return Err(Error::unknown("webhook", name.as_str()));
    };
    // A repeat made another one, which is not the webhook's.
    let opened = app.webhooks()?.open(&webhook).ok();
    let declared = DeclaredWebhook {
        webhook: render(&app, &webhook),
        secret: Some(made).filter(|made| opened.as_deref() == Some(made.as_bytes())),
    };
    answer::noun(StatusCode::OK, &declared.webhook.etag, &declared)
}

/// The act for the webhook as it stands: what is sealed anew looks different each time, so what is
/// there stays where the secret is the same.
fn act(
    app: &App,
    state: &Snapshot,
    name: &Name,
    spec: &WebhookSpec,
    made: &str,
    ask: &Ask<wire::WebhookSpec>,
) -> Result<Act, Error> {
    let webhooks = app.webhooks()?;
    let old = state.webhook_named(name);
    let present = old.and_then(|w| webhooks.open(w).ok());
    let secret = match (&ask.body.secret, old) {
        (Some(given), _) if present.as_deref() == Some(given.as_bytes()) => None,
        (Some(given), _) => Some(given.as_str()),
        (None, Some(_)) => None,
        (None, None) => Some(made),
    };
    let sealed = secret.map(|secret| webhooks.seal(name, secret));
    Ok(Act::PutWebhook {
        name: name.clone(),
        spec: Box::new(spec.clone()),
        sealed: sealed.transpose().map_err(|error| {
            tracing::error!(%error, "a secret cannot be sealed");
            Error::new("unavailable")
        })?,
        declared_in: ask.body.declared_in.as_deref().map(Into::into),
        // Somebody else may declare it meanwhile: then his secret stays.
        expect: Some(match ask.expect() {
            Some(expect) => expect,
            None => old.map_or(Number::default(), |w| w.changed),
        }),
    })
}

/// Removes a webhook; what it has not been told is lost.
#[utoipa::path(delete, path = "/api/v1/webhooks/{name}", tag = "webhooks", security(("key" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is told nothing more")))]
async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let name = read::name("webhook", &name)?;
    let command = ask.command(Act::DeleteWebhook { name });
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

fn spec(wire: &wire::WebhookSpec) -> Result<WebhookSpec, Error> {
    let events = wire.events.as_ref();
    let pools = wire.pools.as_deref();
    Ok(WebhookSpec {
        url: wire.url.as_str().into(),
        events: events.map(|e| e.iter().map(|k| k.as_str().into()).collect::<BTreeSet<_>>()),
        pools: pools.map(|p| read::set("pools", p)).transpose()?,
    })
}

fn render(app: &App, webhook: &Webhook) -> wire::Webhook {
    let webhooks = app.webhooks().ok();
    let standing = webhooks.and_then(|w| w.standing(webhook.id));
    let list = |texts: &mut dyn Iterator<Item = String>| texts.collect();
    wire::Webhook {
        id: webhook.id,
        name: webhook.name.to_string(),
        spec: wire::WebhookSpec {
            url: webhook.spec.url.to_string(),
            events: webhook
                .spec
                .events
                .as_ref()
                .map(|e| list(&mut e.iter().map(ToString::to_string))),
            pools: webhook
                .spec
                .pools
                .as_ref()
                .map(|p| list(&mut p.iter().map(ToString::to_string))),
            secret: None,
            declared_in: webhook.declared_in.as_deref().map(Into::into),
        },
        told: standing.as_ref().map(|s| match s.told.index {
            u32::MAX => s.told.revision.to_string(),
            _ => s.told.to_string(),
        }),
        failures: standing.as_ref().map_or(0, |s| s.failures),
        why: standing.and_then(|s| s.why),
        created_at: Timestamp(webhook.made_at.0),
        etag: webhook.changed.to_string(),
    }
}
