//! What the holder of a lease takes along.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caviada_api::lease::LeaseFiles;
use caviada_core::access::Verb;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::lease::{Lease, LeaseState};
use caviada_core::state::State as Snapshot;

use super::current;
use crate::holder::{NoFiles, none};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::Query;
use crate::http::problem::Error;
use crate::http::v1::read;

/// Files of what a lease holds, such as keys and a connection profile: a tar archive, read from
/// the host now and kept nowhere.
#[utoipa::path(get, path = "/api/v1/leases/{id}/files", tag = "leases", security(("key" = [])),
    params(("id" = String, Path, description = "`lease_…`"), LeaseFiles),
    responses((status = 200, description = "A tar archive", content_type = "application/x-tar")))]
pub(super) async fn files(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<LeaseFiles>,
) -> Result<Response, Error> {
    let id = read::id("lease", &id)?;
    let (state, resource) = held(&app, &caller, id, query.resource).await?;
    let archive = match &app.options().files {
        Some(files) => files.archive(&state, resource).await.map_err(refused)?,
        None => none(),
    };
    // It may have been released while they were read, and they are its holder's alone.
    held(&app, &caller, id, Some(resource)).await?;
    let kind = HeaderValue::from_static("application/x-tar");
    // The edge lets nobody on the way keep any answer.
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind)], archive).into_response())
}

/// The resource of an active lease whose files the caller may take along.
async fn held(
    app: &App,
    caller: &Caller,
    id: LeaseId,
    resource: Option<ResourceId>,
) -> Result<(Arc<Snapshot>, ResourceId), Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.principal(&state)?;
    let Some(lease) = state.leases.get(&id) else {
        let ended = current(app, caller, id).await?;
        let how = ended.end.map(|end| format!("{end:?}").to_lowercase());
        let detail = format!("{id} has ended: {}", how.unwrap_or_default());
        return Err(Error::new("lease-ended").detail(detail));
    };
    who.may_with(&state, Verb::TakeFiles, lease)?;
    let resource = member(lease, resource)?;
    Ok((state, resource))
}

fn member(lease: &Lease, wanted: Option<ResourceId>) -> Result<ResourceId, Error> {
    if lease.state != LeaseState::Active {
        let detail = "the lease is not active yet: wait until it is";
        return Err(Error::new("bad-transition").detail(detail));
    }
    let mut members = lease.members.iter().map(|m| m.resource);
    match wanted {
        Some(wanted) if members.any(|m| m == wanted) => Ok(wanted),
        Some(wanted) => Err(Error::unknown("resource", &wanted.to_string())),
        None => match (members.next(), members.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Error::invalid(
                "resource",
                "the lease has several: name one",
            )),
        },
    }
}

/// Why what stands on a host cannot be read.
pub(in crate::http::v1) fn refused(why: NoFiles) -> Error {
    tracing::warn!("files: {why}");
    match why {
        NoFiles::Busy => Error::new("busy").detail(why.to_string()),
        NoFiles::Unavailable(_) => Error::new("host-unavailable"),
        NoFiles::Unfit(_) | NoFiles::Refused(_) => Error::new("conflict").detail(why.to_string()),
    }
}
