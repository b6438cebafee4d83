//! Resources: declared, listed, withheld, returned, deleted.

mod alter;
mod list;
mod spec;
mod view;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caviada_api::list::List;
use caviada_api::resource::{
    self as wire, Build, Declare, DeleteResource, LOG_LINES, LOG_LINES_MAX, LogQuery, PowerAction,
    Turn, Withhold,
};
use caviada_core::access::{Principal, Relation, Verb};
use caviada_core::command::Act;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::limits;
use caviada_core::name::{Name, ResourceName};
use caviada_core::outcome::Subject;
use caviada_core::pool::RecycleClass;
use caviada_core::power::{self, Way};
use caviada_core::resource::Resource;
use caviada_core::state::State as Snapshot;
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lease::files;
use super::{answer, read};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(declare, list::list))
        .routes(routes!(get, delete))
        .routes(routes!(withhold))
        .routes(routes!(put_back))
        .routes(routes!(power))
        .routes(routes!(alter::alter))
        .routes(routes!(recycle))
        .routes(routes!(build))
        .routes(routes!(logs))
}

/// Declares resources, all or none. A name that its pool has already takes the new attributes,
/// labels and endpoints; its state stays. One that stands twice in a call is refused.
#[utoipa::path(post, path = "/api/v1/resources", tag = "resources", security(("key" = [])),
    request_body = Declare,
    responses((status = 201, description = "They, in the same order", body = List<wire::Resource>)))]
async fn declare(State(app): State<App>, mut ask: Ask<Declare>) -> Result<Response, Error> {
    let items = std::mem::take(&mut ask.body.items);
    if !(1..=wire::DECLARE_MAX).contains(&items.len()) {
        let reason = format!("1 to {}", wire::DECLARE_MAX);
        return Err(Error::invalid("items", reason));
    }
    let expect = ask.expect();
    if expect.is_some() && items.len() > 1 {
        return Err(Error::malformed("If-Match", "only with a single item"));
    }
    let acts = items
        .into_iter()
        .enumerate()
        .map(|(i, item)| spec::declare(i, item, expect))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<_> = acts.iter().filter_map(named).collect();
    let mut known = BTreeSet::new();
    if let Some(i) = names.iter().position(|name| !known.insert(name)) {
        let field = format!("items[{i}].name");
        return Err(Error::invalid(
            field,
            "stands in this call before, for the same pool",
        ));
    }
    let command = ask.command(Act::All(acts));
    app.ledger().submit(command).await?;
    let state = app.ledger().snapshot().await?;
    let who = ask.caller.principal(&state)?;
    let found = names.iter().filter_map(|(pool, name)| {
        let pool = state.index.pool_names.get(pool)?;
        let id = state.index.resource_names.get(&(*pool, name.clone()))?;
        state.resources.get(id)
    });
    let list = List {
        items: found
            .map(|r| view::resource(&state, &who, app.progress(), r))
            .collect(),
        revision: state.revision(),
        next: None,
    };
    answer::json(StatusCode::CREATED, &list)
}

fn named(act: &Act) -> Option<(Name, ResourceName)> {
    match act {
        Act::Declare { pool, name, .. } => Some((pool.clone(), name.clone())),
        _ => None,
    }
}

/// A resource, as far as the caller may see.
#[utoipa::path(get, path = "/api/v1/resources/{id}", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`")),
    responses((status = 200, description = "The resource", body = wire::Resource)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.may(&state, Verb::SeePools)?;
    let resource = seen(&state, &who, read::id("resource", &id)?);
    shown(
        &app,
        &state,
        &who,
        resource.ok_or_else(|| Error::unknown("resource", &id))?,
    )
}

/// A resource of a pool that the caller sees.
fn seen<'s>(state: &'s Snapshot, who: &Principal, id: ResourceId) -> Option<&'s Arc<Resource>> {
    let resource = state.resources.get(&id)?;
    let pool = state.pools.get(&resource.pool)?;
    who.sees(pool).then_some(resource)
}

fn shown(
    app: &App,
    state: &Snapshot,
    who: &Principal,
    resource: &Resource,
) -> Result<Response, Error> {
    let resource = view::resource(state, who, app.progress(), resource);
    answer::noun(StatusCode::OK, &resource.etag, &resource)
}

/// Removes a resource; with `force` even a leased one, whose lease then lets go of it.
#[utoipa::path(delete, path = "/api/v1/resources/{id}", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`"), DeleteResource),
    responses((status = 204, description = "It is gone, or being removed")))]
async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<DeleteResource>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    let act = Act::DeleteResource {
        resource: read::id("resource", &id)?,
        force: query.force,
        expect: ask.expect(),
    };
    let command = ask.command(act);
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

/// Takes a resource out of its pool, now or once it is no longer busy.
#[utoipa::path(post, path = "/api/v1/resources/{id}/withhold", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`")),
    request_body = Withhold,
    responses((status = 200, description = "The resource as it now is", body = wire::Resource)))]
async fn withhold(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Withhold>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let resource = read::id("resource", &id)?;
    let act = Act::Withhold {
        resource,
        reason: spec::reason(ask.body.reason, ask.body.note.as_deref()),
        until: ask.body.hold_ms.map(|ms| app.now().plus_ms(ms)),
    };
    changed(&app, ask, act, resource).await
}

/// Puts a withheld resource back: free if it was clean, else to be cleaned.
#[utoipa::path(post, path = "/api/v1/resources/{id}/return", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`")),
    responses((status = 200, description = "The resource as it now is", body = wire::Resource)))]
async fn put_back(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Nothing>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let resource = read::id("resource", &id)?;
    changed(&app, ask, Act::Return { resource }, resource).await
}

/// Starts, stops or restarts a built resource, or one of its services: by its holder, or by an
/// operator. It is done once `power` says so; what went wrong stands in `failure`.
#[utoipa::path(post, path = "/api/v1/resources/{id}/power", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`")),
    request_body = Turn,
    responses((status = 200, description = "The resource as it now is", body = wire::Resource)))]
async fn power(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Turn>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let resource = read::id("resource", &id)?;
    let way = match ask.body.action {
        PowerAction::Start => Way::Start,
        PowerAction::Stop => Way::Stop,
        PowerAction::Restart => Way::Restart,
    };
    let service = ask.body.service.as_deref().map(Into::into);
    let act = Act::Power {
        resource,
        turn: power::Turn { way, service },
        lease: ask.body.lease,
    };
    changed(&app, ask, act, resource).await
}

/// Cleans a built resource that nobody holds, in its place: as its pool cleans after a lease.
#[utoipa::path(post, path = "/api/v1/resources/{id}/recycle", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`")),
    responses((status = 200, description = "The resource as it now is", body = wire::Resource)))]
async fn recycle(
    State(app): State<App>,
    Path(id): Path<String>,
    ask: Ask<Nothing>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let resource = read::id("resource", &id)?;
    changed(&app, ask, Act::Recycle { resource }, resource).await
}

/// Builds one more member of a pool, beyond what it keeps warm and within its max.
#[utoipa::path(post, path = "/api/v1/pools/{name}/build", tag = "pools", security(("key" = [])),
    params(("name" = String, Path, description = "The pool")),
    request_body = Build,
    responses((status = 201, description = "The resource, planned", body = wire::Resource)))]
async fn build(
    State(app): State<App>,
    Path(pool): Path<String>,
    mut ask: Ask<Build>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let act = Act::Build {
        pool: read::name("pool", &pool)?,
        host: read::maybe("host", ask.body.host.as_deref())?,
        name: read::maybe("name", ask.body.name.as_deref())?,
    };
    let command = ask.command(act);
    let done = app.ledger().submit(command).await?;
    let state = app.ledger().snapshot().await?;
    let who = ask.caller.principal(&state)?;
    let built = match done.reply.subject {
        Subject::Resource(id) => state.resources.get(&id),
        _ => None,
    };
    let built = built.ok_or_else(|| Error::unknown("resource", "that was planned"))?;
    let shown = view::resource(&state, &who, app.progress(), built);
    answer::noun(StatusCode::CREATED, &shown.etag, &shown)
}

/// The last lines that a service of a built resource wrote: for operators, and for its holder
/// where what is handed out was built anew and no earlier holder's lines can be among them.
#[utoipa::path(get, path = "/api/v1/resources/{id}/logs", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`"), LogQuery),
    responses((status = 200, description = "Lines of text, as they were written",
        body = String, content_type = "text/plain")))]
async fn logs(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Response, Error> {
    let id = read::id("resource", &id)?;
    let (state, lease) = readable(&app, &caller, id).await?;
    let lines = query.lines.unwrap_or(LOG_LINES);
    if !(1..=LOG_LINES_MAX).contains(&lines) {
        return Err(Error::invalid("lines", format!("1 to {LOG_LINES_MAX}")));
    }
    let lines = usize::try_from(lines).unwrap_or(usize::MAX);
    if !(1..=limits::NAME_BYTES_MAX).contains(&query.service.len()) {
        let why = format!("1 to {} bytes", limits::NAME_BYTES_MAX);
        return Err(Error::invalid("service", why));
    }
    let text = match &app.options().files {
        Some(holder) => holder.logs(&state, id, &query.service, lines).await,
        None => Ok(vec![]),
    };
    let text = text.map_err(files::refused)?;
    // It may have got another holder while they were read.
    if readable(&app, &caller, id).await?.1 != lease {
        let why = "it changed hands meanwhile";
        return Err(Error::new("conflict").detail(why));
    }
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind)], text).into_response())
}

/// The lease that has a resource whose logs the caller may read now.
async fn readable(
    app: &App,
    caller: &Caller,
    id: ResourceId,
) -> Result<(Arc<Snapshot>, Option<LeaseId>), Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.principal(&state)?;
    let r = state.resources.get(&id);
    let r = r.ok_or_else(|| Error::unknown("resource", &id.to_string()))?;
    who.may_operate(&state, r)?;
    let pool = state.pools.get(&r.pool);
    let anew = pool.is_some_and(|p| p.spec.recycle.class == RecycleClass::Replace);
    if !anew && who.may(Verb::Manage, Relation::Own).is_err() {
        let why = "its pool does not build anew between leases, so lines of earlier holders may be \
                   among them: ask an operator";
        return Err(Error::new("conflict").detail(why));
    }
    let lease = r.lease;
    Ok((state, lease))
}

async fn changed<T>(
    app: &App,
    mut ask: Ask<T>,
    act: Act,
    id: ResourceId,
) -> Result<Response, Error> {
    let command = ask.command(act);
    app.ledger().submit(command).await?;
    let state = app.ledger().snapshot().await?;
    let who = ask.caller.principal(&state)?;
    let resource = state.resources.get(&id);
    // It may be gone again by now.
    shown(
        app,
        &state,
        &who,
        resource.ok_or_else(|| Error::unknown("resource", &id.to_string()))?,
    )
}
