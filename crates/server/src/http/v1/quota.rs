//! Quotas: how much one owner may have at once.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::list::{List, PageQuery};
use caviada_api::quantity::Quantity;
use caviada_api::quota::{self as wire, Used};
use caviada_core::access::Verb;
use caviada_core::command::Act;
use caviada_core::index::OwnerUse;
use caviada_core::name::{Name, Owner};
use caviada_core::quota::{Quota, QuotaSpec};
use caviada_core::state::State as Snapshot;
use caviada_ledger::Noun;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, read, render};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
}

/// All quotas, by owner.
#[utoipa::path(get, path = "/api/v1/quotas", tag = "quotas", security(("key" = [])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = List<wire::Quota>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeKeys)?;
    let shown = |id: &_| Some(shown(&state, state.quotas.get(id)?));
    answer::named(&query, "quotas", &state, &state.index.quota_owners, shown)
}

/// An owner's quota and what is used of it. Everybody may read his own.
#[utoipa::path(get, path = "/api/v1/quotas/{owner}", tag = "quotas", security(("key" = [])),
    params(("owner" = String, Path, description = "The owner")),
    responses((status = 200, description = "The quota", body = wire::Quota)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(owner): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.principal(&state)?;
    let own = who.owner.as_ref().is_some_and(|o| *o == *owner);
    if !own {
        caller.may(&state, Verb::SeeKeys)?;
    }
    let unknown = || Error::unknown("quota", &owner);
    let name = Owner::new(&owner).map_err(|_| unknown())?;
    let quota = shown(&state, state.quota_of(&name).ok_or_else(unknown)?);
    answer::noun(StatusCode::OK, &quota.etag, &quota)
}

/// Bounds an owner.
#[utoipa::path(put, path = "/api/v1/quotas/{owner}", tag = "quotas", security(("key" = [])),
    params(("owner" = String, Path, description = "The owner")),
    request_body = wire::QuotaSpec,
    responses((status = 200, description = "The quota as it now is", body = wire::Quota)))]
async fn put(
    State(app): State<App>,
    Path(owner): Path<String>,
    mut ask: Ask<wire::QuotaSpec>,
) -> Result<Response, Error> {
    let act = Act::PutQuota {
        owner: read::text("owner", &owner)?,
        spec: QuotaSpec {
            leases_max: ask.body.leases_max,
            resources_max: ask.body.resources_max,
            quantity_max: read::amounts("quantity_max", &ask.body.quantity_max)?,
        },
        declared_in: ask.body.declared_in.as_deref().map(Into::into),
        expect: ask.expect(),
    };
    let command = ask.command(act);
    let Noun::Quota(quota) = app.ledger().submit(command).await?.noun else {
        return Err(Error::unknown("quota", &owner));
    };
    let state = app.ledger().snapshot().await?;
    let quota = shown(&state, &quota);
    answer::noun(StatusCode::OK, &quota.etag, &quota)
}

/// Unbounds an owner.
#[utoipa::path(delete, path = "/api/v1/quotas/{owner}", tag = "quotas", security(("key" = [])),
    params(("owner" = String, Path, description = "The owner")),
    responses((status = 204, description = "Nothing bounds him any more")))]
async fn delete(
    State(app): State<App>,
    Path(owner): Path<String>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let owner = Owner::new(&owner).map_err(|_| Error::unknown("quota", &owner))?;
    let command = ask.command(Act::DeleteQuota { owner });
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

fn shown(state: &Snapshot, quota: &Quota) -> wire::Quota {
    let used = state.index.owners.get(&quota.owner);
    wire::Quota {
        id: quota.id,
        owner: quota.owner.to_string(),
        spec: wire::QuotaSpec {
            leases_max: quota.spec.leases_max,
            resources_max: quota.spec.resources_max,
            quantity_max: render::amounts(&quota.spec.quantity_max),
            declared_in: quota.declared_in.as_deref().map(Into::into),
        },

        used: used.map_or_else(Used::default, |u| Used {
            leases: u64::from(u.waiting) + u64::from(u.live),
            resources: u64::from(u.resources),
            quantity: quantity(u),
        }),
        etag: quota.changed.to_string(),
    }
}

fn quantity(used: &OwnerUse) -> Quantity {
    let each = |(kind, n): (&Name, &u128)| {
        let n = u64::try_from(*n).unwrap_or(u64::MAX);
        (kind.to_string(), n)
    };
    used.quantity.iter().map(each).collect()
}
