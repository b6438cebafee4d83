//! Hosts: where built resources live.

mod check;
mod credential;
mod defaults;
mod source;
mod spec;
mod why;

pub use spec::filled;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::host::{self as wire, DeleteHost, HostPatch, HostState};
use caviada_api::list::{List, PageQuery};
use caviada_api::pool::Counts;
use caviada_api::timestamp::Timestamp;
use caviada_core::access::{Relation, Verb};
use caviada_core::command::Act;
use caviada_core::event::Number;
use caviada_core::host::Host;
use caviada_core::name::Name;
use caviada_core::resource::ResourceState;
use caviada_core::state::State as Snapshot;
use caviada_ledger::{Accepted, Noun};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::amend::amend;
use super::{answer, read};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, patch, delete))
        .routes(routes!(check::check))
}

/// All hosts, by name.
#[utoipa::path(get, path = "/api/v1/hosts", tag = "hosts", security(("key" = [])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = List<wire::Host>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeHosts)?;
    let shown = |id: &_| Some(render(&app, &state, state.hosts.get(id)?));
    answer::named(&query, "hosts", &state, &state.index.host_names, shown)
}

/// A host.
#[utoipa::path(get, path = "/api/v1/hosts/{name}", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host")),
    responses((status = 200, description = "The host", body = wire::Host)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeHosts)?;
    let host = state.host_named(&read::name("host", &name)?);
    let host = render(
        &app,
        &state,
        host.ok_or_else(|| Error::unknown("host", &name))?,
    );
    answer::noun(StatusCode::OK, &host.etag, &host)
}

/// Declares a host, or declares it differently. What is absent takes its default.
///
/// But a stored credential stays where none is given. One that is given is tried before it is
/// sealed and takes the place of all that is stored; an empty one, `{}`, removes it. So do the
/// credentials of registries, each for itself; but where another engine might answer, as `driver`,
/// `address`, `allow_plain_tcp` or whom the server believes there changes (`tls_ca`,
/// `ssh_known_hosts` and the texts instead of them), each that is stored is given again or removed.
#[utoipa::path(put, path = "/api/v1/hosts/{name}", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host")),
    request_body = wire::HostSpec,
    responses((status = 200, description = "The host as it now is", body = wire::Host)))]
async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<wire::HostSpec>,
) -> Result<Response, Error> {
    let name: Name = read::text("name", &name)?;
    let spec = spec::read(&ask.body)?;
    let given = ask.body.credential.take();
    credential::bounded(given.as_ref())?;
    let registries = source::given(std::mem::take(&mut ask.body.images.registries))?;
    let done = amend(&app, &mut ask, |state, who, ask| {
        who.may(Verb::Manage, Relation::Own)?;
        let old = state.host_named(&name);
        let mut spec = spec.clone();
        spec.credential = credential::kept(&app, &name, &spec, old, given.as_ref())?;
        spec.images.registries = source::kept(&app, &name, &spec, old, &registries)?;
        Ok(Act::PutHost {
            name: name.clone(),
            spec: Box::new(spec),
            // Somebody else may declare it meanwhile: then his credential is looked at.
            expect: Some(match ask.expect() {
                Some(expect) => expect,
                None => old.map_or(Number::default(), |h| h.changed),
            }),
        })
    })
    .await?;
    shown(&app, &done).await
}

async fn shown(app: &App, done: &Accepted) -> Result<Response, Error> {
    let Noun::Host(host) = &done.noun else {
        return Err(Error::unknown("host", "any more"));
    };
    let state = app.ledger().snapshot().await?;
    let host = render(app, &state, host);
    answer::noun(StatusCode::OK, &host.etag, &host)
}

/// Changes single fields of a host: `{"schedulable": false}` takes no new builds and no grants.
///
/// `{"drain": true}` does so too, and what nobody holds goes from it and is built elsewhere; what is
/// held goes once it is given back. `{"schedulable": true}` takes both back.
#[utoipa::path(patch, path = "/api/v1/hosts/{name}", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host")),
    request_body = HostPatch,
    responses((status = 200, description = "The host as it now is", body = wire::Host)))]
async fn patch(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<HostPatch>,
) -> Result<Response, Error> {
    let name = read::name("host", &name)?;
    let done = amend(&app, &mut ask, |state, who, ask| {
        who.may(Verb::Manage, Relation::Own)?;
        let host = state.host_named(&name);
        let host = host.ok_or_else(|| Error::unknown("host", name.as_str()))?;
        let mut spec = (*host.spec).clone();
        let HostPatch {
            schedulable, drain, ..
        } = ask.body;
        spec.drain = drain.unwrap_or(spec.drain && schedulable != Some(true));
        spec.schedulable = schedulable.unwrap_or(spec.schedulable && drain != Some(true));
        spec.autofill = ask.body.autofill.unwrap_or(spec.autofill);
        Ok(Act::PutHost {
            name: name.clone(),
            spec: Box::new(spec),
            expect: Some(ask.expect().unwrap_or(host.changed)),
        })
    })
    .await?;
    shown(&app, &done).await
}

/// Drains a host and removes it; with `forget` without waiting for it.
#[utoipa::path(delete, path = "/api/v1/hosts/{name}", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host"), DeleteHost),
    responses((status = 204, description = "It is being removed")))]
async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<DeleteHost>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    let act = Act::DeleteHost {
        name: read::name("host", &name)?,
        forget: query.forget,
        expect: ask.expect(),
    };
    let command = ask.command(act);
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

fn render(app: &App, state: &Snapshot, host: &Host) -> wire::Host {
    let sight = app.sights().of(host.id).unwrap_or_default();
    let used = state.index.hosts.get(&host.id);
    let total = used.map_or(0, |u| u64::from(u.total()));
    let taken = |kind| used.map_or(0, |u| u.taken(state, kind));
    let taken = host.spec.holds.keys().map(|kind| {
        let taken = u64::try_from(taken(kind)).unwrap_or(u64::MAX);
        (kind.to_string(), taken)
    });
    wire::Host {
        id: host.id,
        name: host.name.to_string(),
        spec: spec::render(&host.spec),
        credential_stored: host.spec.credential.is_some(),
        registries_stored: host
            .spec
            .images
            .registries
            .keys()
            .map(ToString::to_string)
            .collect(),
        state: match (host.seen, host.lost, host.lost_at) {
            (true, _, _) => HostState::Seen,
            (false, true, _) => HostState::Lost,
            (false, false, Some(_)) => HostState::Missing,
            (false, false, None) => HostState::Unseen,
        },
        seen_at: sight.seen_at.map(|at| Timestamp(at.0)),
        why: why::of(state, host, &sight, &app.images().of(host.id)),
        facts: sight.facts,
        reserved: spec::of_all(total, taken.collect()),
        counts: counts(state, host),
        draining: host.retiring || host.spec.drain && total > 0,
        created_at: Timestamp(host.made_at.0),
        etag: host.changed.to_string(),
    }
}

/// Resources on the host by state. Free ones that cool down or are kept for somebody are not told
/// apart here: the pools tell.
fn counts(state: &Snapshot, host: &Host) -> Counts {
    let Some(used) = state.index.hosts.get(&host.id) else {
        return Counts::default();
    };
    let of = |state| u64::from(used.in_state(state));
    Counts {
        planned: of(ResourceState::Planned),
        creating: of(ResourceState::Creating),
        free: of(ResourceState::Free),
        offerable: if host.offers() {
            of(ResourceState::Free)
        } else {
            0
        },
        leased: of(ResourceState::Leased),
        dirty: of(ResourceState::Dirty),
        cleaning: of(ResourceState::Cleaning),
        failed: of(ResourceState::Failed),
        withheld: of(ResourceState::Withheld),
        deleting: of(ResourceState::Deleting),
    }
}
