//! Pools: declared with `PUT`, retired with `DELETE`.

mod spec;
mod view;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::list::{List, PageQuery};
use caviada_api::pool::{self as wire, PoolSpec};
use caviada_core::access::Verb;
use caviada_core::command::Act;
use caviada_core::outcome::Subject;
use caviada_core::pool::{PoolKind, PoolSpec as Spec};
use caviada_core::state::State as Snapshot;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, read, template};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;
pub use spec::filled;
pub(super) use spec::slice;
pub(super) use view::{counts, sum, why};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
}

/// The pools that the caller sees, by name.
#[utoipa::path(get, path = "/api/v1/pools", tag = "pools", security(("key" = [])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = List<wire::Pool>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.may(&state, Verb::SeePools)?;
    let shown = |id: &_| {
        let pool = state.pools.get(id).filter(|pool| who.sees(pool))?;
        Some(view::pool(&state, pool))
    };
    answer::named(&query, "pools", &state, &state.index.pool_names, shown)
}

/// A pool.
#[utoipa::path(get, path = "/api/v1/pools/{name}", tag = "pools", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the pool")),
    responses((status = 200, description = "The pool", body = wire::Pool)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.may(&state, Verb::SeePools)?;
    let pool = state
        .pool_named(&read::name("pool", &name)?)
        .filter(|pool| who.sees(pool))
        .ok_or_else(|| Error::unknown("pool", &name))?;
    let pool = view::pool(&state, pool);
    answer::noun(StatusCode::OK, &pool.etag, &pool)
}

/// Declares a pool, or declares it differently. What is absent takes its default.
#[utoipa::path(put, path = "/api/v1/pools/{name}", tag = "pools", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the pool")),
    request_body = PoolSpec,
    responses((status = 200, description = "The pool as it now is", body = wire::Pool)))]
async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<PoolSpec>,
) -> Result<Response, Error> {
    // Before its template is looked at, which not everybody may read.
    ask.caller
        .may(&*app.ledger().snapshot().await?, Verb::Manage)?;
    let name = read::text("name", &name)?;
    let spec = spec::read(std::mem::take(&mut ask.body))?;
    let spec = Box::new(rendered_once(&app, spec).await?);
    let expect = ask.expect();
    let command = ask.command(Act::PutPool { name, spec, expect });
    let done = app.ledger().submit(command).await?;
    let state = app.ledger().snapshot().await?;
    shown(&state, done.reply.subject)
}

/// Sees that the template takes the parameters, so that a pool that can never build is not put. A
/// template that is not there is for the turn to tell.
async fn rendered_once(app: &App, spec: Spec) -> Result<Spec, Error> {
    let PoolKind::Built {
        template,
        parameters,
    } = &spec.kind
    else {
        return Ok(spec);
    };
    let state = app.ledger().snapshot().await?;
    let Some(template) = state.template_named(template).cloned() else {
        return Ok(spec);
    };
    drop(state);
    let parameters = parameters.clone();
    answer::aside(move || template::takes(&template, &parameters)).await?;
    Ok(spec)
}

fn shown(state: &Snapshot, subject: Subject) -> Result<Response, Error> {
    let pool = match subject {
        Subject::Pool(id) => state.pools.get(&id),
        _ => None,
    };
    // It may be gone again by now.
    let pool = view::pool(
        state,
        pool.ok_or_else(|| Error::unknown("pool", "any more"))?,
    );
    answer::noun(StatusCode::OK, &pool.etag, &pool)
}

/// Retires a pool: it takes no new lease and ends with its last member.
#[utoipa::path(delete, path = "/api/v1/pools/{name}", tag = "pools", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the pool")),
    responses((status = 204, description = "It is being removed")))]
async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    let name = read::name("pool", &name)?;
    let expect = ask.expect();
    let command = ask.command(Act::DeletePool { name, expect });
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}
