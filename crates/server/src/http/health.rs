//! Whether the server lives and is ready, its metrics, and the pages that explain its problems.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use caviada_core::access::Verb;
use caviada_core::limits;

use super::auth::Caller;
use super::problem::{Error, KINDS, page};
use super::{App, exposition};
use crate::listener::Ending;
use crate::meter::recorder;

const TEXT: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "server",
    responses((status = 200, description = "It lives", body = String)))]
pub async fn live(State(_): State<App>) -> Response {
    (TEXT, "ok\n").into_response()
}

/// The ledger has loaded and published: requests are served.
///
/// Also while its store takes nothing, a full disk say: what is there can be read, and each write is told to come
/// again. Not any more once the server or its ledger ends, and not while the ledger publishes nothing.
#[utoipa::path(get, path = "/readyz", tag = "server",
    responses(
        (status = 200, description = "It serves", body = String),
        (status = 503, description = "Not yet, or no more")))]
pub async fn ready(State(app): State<App>, ending: Ending) -> Result<Response, Error> {
    let not = |why: &str| Error::new("unavailable").detail(why);
    if ending.has_begun() || !app.ledger().is_open() {
        return Err(not("this server ends"));
    }
    // Who asks wants to know now, and by a connection that may be the last one free.
    let within = Duration::from_millis(limits::server::READY_MS_MAX);
    let published = tokio::time::timeout(within, app.ledger().snapshot()).await;
    published
        .map_err(|_| not("the ledger does not publish what it has: its store stands still"))??;
    Ok((TEXT, "ok\n").into_response())
}

/// Metrics of the process in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "server",
    security(("key" = [])),
    responses((status = 200, description = "Metrics", body = String)))]
pub async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeEvents)?;
    let text = recorder().render() + &exposition::text(&app, &state);
    let header = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((header, text).into_response())
}

/// What a problem's code means and what to do.
#[utoipa::path(get, path = "/problems/{code}", tag = "server",
    params(("code" = String, Path, description = "A problem's `code`")),
    responses((status = 200, description = "The page", body = String)))]
pub async fn problem(Path(code): Path<String>) -> Result<Response, Error> {
    let kind = KINDS.iter().find(|k| k.code == code);
    let kind = kind.ok_or_else(|| Error::unknown("problem", &code))?;
    Ok((StatusCode::OK, TEXT, page(kind)).into_response())
}
