//! Leases: acquire, read, renew, release and the rest of a lease's life.

pub(super) mod files;
mod list;
mod past;
mod spec;
mod view;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::lease::{
    self as wire, Acquire, Annotate, CleanResult, Give, LeaseState, LeaseWait, Release, Renew,
    Revoke, Share,
};
use caviada_core::access::{Principal, Verb};
use caviada_core::attribute::Labels;
use caviada_core::command::Act;
use caviada_core::id::LeaseId;
use caviada_core::limits;
use caviada_core::outcome::Subject;
use caviada_core::refusal::Refusal;
use caviada_core::state::State as Snapshot;
use caviada_ledger::{Accepted, Failure, Noun};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::futures::Notified;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::amend::amend;
use super::event::caught_up;
use super::{LONG_POLL_MS_MAX, answer, read};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;
use crate::listener::Ending;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(acquire, list::list))
        .routes(routes!(get, release, annotate))
        .routes(routes!(past::import))
        .routes(routes!(files::files))
        .routes(routes!(renew))
        .routes(routes!(give))
        .routes(routes!(share))
        .routes(routes!(revoke))
}

/// Asks for resources: at once, or when there are some.
#[utoipa::path(post, path = "/api/v1/leases", tag = "leases", security(("key" = [])),
    request_body = Acquire,
    responses(
        (status = 201, description = "Granted", body = wire::Lease),
        (status = 202, description = "It waits", body = wire::Lease),
        (status = 200, description = "A repeat whose lease has ended", body = wire::Lease)))]
async fn acquire(State(app): State<App>, mut ask: Ask<Acquire>) -> Result<Response, Error> {
    ask.unconditional()?;
    let acquire = spec::acquire(std::mem::take(&mut ask.body))?;
    let command = ask.command(Act::Acquire(Box::new(acquire)));
    let done = app.ledger().submit(command).await?;
    let lease = after(&app, &ask.caller, done).await?;
    let status = match lease.state {
        LeaseState::Preparing | LeaseState::Active => StatusCode::CREATED,
        LeaseState::Waiting => StatusCode::ACCEPTED,
        LeaseState::Ended => StatusCode::OK,
    };
    shown(status, &lease)
}

/// The lease a command was about. A granted or ended one stands in the answer with all that there
/// is to tell; only the place of a waiting one has to be looked up.
async fn after(app: &App, caller: &Caller, done: Accepted) -> Result<wire::Lease, Error> {
    match &done.noun {
        Noun::Lease(lease, _) if lease.state == caviada_core::lease::LeaseState::Waiting => {
            let state = app.ledger().snapshot().await?;
            let who = caller.principal(&state)?;
            Ok(view::waiting(&state, &who, lease, app.now()))
        }
        Noun::Lease(lease, members) => {
            let members = members.iter().map(|(r, p)| (&**r, &**p));
            Ok(view::granted(lease, members, done.at))
        }
        Noun::Ended(ended) => Ok(view::ended(ended)),
        _ => match done.reply.subject {
            // A repeat so late, or after so many others, that only the history knows of it.
            Subject::Lease(id) => {
                caught_up(app, done.revision).await;
                let past = past::find(app, caller, &id.to_string()).await?;
                Ok(past::short(&past))
            }
            _ => Err(Error::new("internal")),
        },
    }
}

fn shown(status: StatusCode, lease: &wire::Lease) -> Result<Response, Error> {
    match &lease.etag {
        Some(etag) => answer::noun(status, etag, lease),
        None => answer::json(status, lease),
    }
}

/// A lease; with `wait_ms` once it neither waits nor is being prepared, or when that is over.
#[utoipa::path(get, path = "/api/v1/leases/{id}", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`"), LeaseWait),
    responses((status = 200, description = "The lease", body = wire::Lease)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    ending: Ending,
    Query(query): Query<LeaseWait>,
) -> Result<Response, Error> {
    let id = read::id("lease", &id)?;
    let wait_ms = query.wait_ms.unwrap_or(0);
    if wait_ms > LONG_POLL_MS_MAX {
        return Err(Error::invalid(
            "wait_ms",
            format!("at most {LONG_POLL_MS_MAX}"),
        ));
    }
    let until = Instant::now() + Duration::from_millis(wait_ms);
    loop {
        let parked = app.watch().park(id);
        let mut changed = std::pin::pin!(parked.changed());
        // Listens before it looks, or a change in between would be missed.
        changed.as_mut().enable();
        let lease = current(&app, &caller, id).await?;
        let settles = matches!(lease.state, LeaseState::Waiting | LeaseState::Preparing);
        if settles && goes_on(until, changed, ending.clone()).await {
            continue;
        }
        return shown(StatusCode::OK, &lease);
    }
}

/// Waits for a change; false when the time is over or the server ends.
async fn goes_on(until: Instant, changed: Pin<&mut Notified<'_>>, ending: Ending) -> bool {
    tokio::select! {
        () = changed => true,
        () = tokio::time::sleep_until(until) => false,
        () = ending.ended() => false,
    }
}

async fn current(app: &App, caller: &Caller, id: LeaseId) -> Result<wire::Lease, Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.principal(&state)?;
    if let Some(lease) = state.leases.get(&id) {
        let seen = who.may_with(&state, Verb::SeeLease, lease);
        seen.map_err(|_| Error::unknown("lease", &id.to_string()))?;
        return Ok(view::live(&state, &who, lease, app.now()));
    }
    // What the history knows of it is more, but it may not know yet.
    match past::find(app, caller, &id.to_string()).await {
        Ok(past) if past.end.is_some() => Ok(past::whole(&state, &past)),
        past => match state.ended_lease(id) {
            Some(record) if who.may_see_ended(record).is_ok() => Ok(view::ended(record)),
            _ => Err(past
                .err()
                .unwrap_or_else(|| Error::unknown("lease", &id.to_string()))),
        },
    }
}

/// Gives a lease back, or single resources of it. Safe to repeat: the answer is the same.
#[utoipa::path(delete, path = "/api/v1/leases/{id}", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`"), Release),
    responses((status = 200, description = "The lease as it then is", body = wire::Lease)))]
async fn release(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<Release>,
    ask: Ask<Nothing>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    if query.hold_ms.is_none() && query.reason.is_some() {
        return Err(Error::invalid("reason", "only beside hold_ms"));
    }
    let until = query.hold_ms.map(|ms| app.now().plus_ms(ms));
    let hold = until.map(|t| (t, spec::hold_reason(query.reason.as_deref())));
    let act = Act::Release {
        lease: read::id("lease", &id)?,
        members: query.resources,
        hold,
        ok: query.result.is_none_or(|r| r == CleanResult::Ok),
        fence: query.fence,
    };
    done(&app, ask, act).await
}

/// Moves a lease's deadline, or shows that the caller of a waiting one lives.
#[utoipa::path(post, path = "/api/v1/leases/{id}/renew", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`")), request_body = Renew,
    responses((status = 200, description = "The lease", body = wire::Lease)))]
async fn renew(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Renew>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let act = Act::Renew {
        lease: read::id("lease", &id)?,
        ttl_ms: ask.body.ttl_ms,
        fence: ask.body.fence,
    };
    done(&app, ask, act).await
}

/// Makes a lease another owner's.
#[utoipa::path(post, path = "/api/v1/leases/{id}/give", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`")), request_body = Give,
    responses((status = 200, description = "The lease", body = wire::Lease)))]
async fn give(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Give>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let act = Act::Give {
        lease: read::id("lease", &id)?,
        to: read::text("owner", &ask.body.owner)?,
        fence: ask.body.fence,
    };
    done(&app, ask, act).await
}

/// Says who may see and use a lease beside its owner.
#[utoipa::path(post, path = "/api/v1/leases/{id}/share", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`")), request_body = Share,
    responses((status = 200, description = "The lease", body = wire::Lease)))]
async fn share(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Share>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    if ask.body.owners.len() > limits::SHARED_WITH_MAX {
        return Err(Error::invalid(
            "owners",
            format!("at most {}", limits::SHARED_WITH_MAX),
        ));
    }
    let act = Act::Share {
        lease: read::id("lease", &id)?,
        with: read::set("owners", &ask.body.owners)?,
        fence: ask.body.fence,
    };
    done(&app, ask, act).await
}

/// Changes a lease's labels and note; what is absent stays.
#[utoipa::path(patch, path = "/api/v1/leases/{id}", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`")), request_body = Annotate,
    responses((status = 200, description = "The lease", body = wire::Lease)))]
async fn annotate(
    State(app): State<App>,
    Path(id): Path<String>,
    mut ask: Ask<Annotate>,
) -> Result<Response, Error> {
    let id = read::id("lease", &id)?;
    let done = amend(&app, &mut ask, |state, who, ask| {
        annotation(state, who, ask, id)
    })
    .await?;
    shown(StatusCode::OK, &after(&app, &ask.caller, done).await?)
}

/// The lease's labels and note with the changes made, on the condition that it is as it was read.
fn annotation(
    state: &Snapshot,
    who: &Principal,
    ask: &Ask<Annotate>,
    id: LeaseId,
) -> Result<Act, Error> {
    let Some(lease) = state.leases.get(&id) else {
        // The turn says how it ended, or that there is none.
        return Ok(Act::Annotate {
            lease: id,
            labels: Labels::default(),
            note: None,
            expect: None,
        });
    };
    who.may_with(state, Verb::Annotate, lease)?;
    let note = match ask.body.note.as_deref() {
        None => lease.note.clone(),
        Some("") => None,
        Some(note) => Some(note.into()),
    };
    Ok(Act::Annotate {
        lease: id,
        labels: spec::changed_labels(&lease.labels, &ask.body.labels)?,
        note,
        expect: Some(ask.expect().unwrap_or(lease.changed)),
    })
}

/// Ends somebody's lease.
#[utoipa::path(post, path = "/api/v1/leases/{id}/revoke", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`")), request_body = Revoke,
    responses((status = 200, description = "The lease as it ended", body = wire::Lease)))]
async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Revoke>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let lease = read::id("lease", &id)?;
    let reason = ask.body.reason.as_deref().map(Into::into);
    done(&app, ask, Act::Revoke { lease, reason }).await
}

async fn done<T>(app: &App, mut ask: Ask<T>, act: Act) -> Result<Response, Error> {
    let ends = matches!(act, Act::Release { .. } | Act::Revoke { .. });
    let given = match &act {
        Act::Give { lease, to, .. } => Some((*lease, to.clone())),
        _ => None,
    };
    let command = ask.command(act);
    let lease = match app.ledger().submit(command).await {
        Err(Failure::Refused(Refusal::Unknown { noun: "lease", id })) => {
            // It may have ended a moment ago, for somebody that only the history knows to have asked.
            let revision = app.ledger().snapshot().await?.revision();
            caught_up(app, revision).await;
            let past = past::find(app, &ask.caller, &id).await?;
            if !ends {
                return Err(past::ended_error(&past));
            }
            past::short(&past)
        }
        done => match (done?, given) {
            (done, Some((id, to))) if done.reply.subject == Subject::Nothing => {
                view::given_away(id, &to)
            }
            (done, _) => after(app, &ask.caller, done).await?,
        },
    };
    shown(StatusCode::OK, &lease)
}
