//! Leases of the past, from the history.

use axum::extract;
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::lease::{self as wire, LeaseQuery};
use caviada_api::list::List;
use caviada_api::timestamp::Timestamp;
use caviada_core::access::{Principal, Relation, Verb, allows};
use caviada_core::command::Act;
use caviada_core::id::{LeaseId, PoolId};
use caviada_core::lease::{Ended, Past};
use caviada_core::name::Owner;
use caviada_core::outcome::Subject;
use caviada_core::refusal::Refusal;
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_ledger::history::{LeaseSearch, PastLease};

use super::view;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::Ask;
use crate::http::page::Page;
use crate::http::problem::Error;
use crate::http::v1::event::{caught_up, lost};
use crate::http::v1::{answer, read, render};

/// Enters a lease that another system had, and that is over: the history remembers it like one of its
/// own.
#[utoipa::path(post, path = "/api/v1/leases/past", tag = "leases", security(("key" = [])),
    request_body = wire::Past,
    responses((status = 201, description = "The lease as it is remembered", body = wire::Lease)))]
pub async fn import(app: extract::State<App>, mut ask: Ask<wire::Past>) -> Result<Response, Error> {
    ask.unconditional()?;
    let past = ask.body.clone();
    let pool = read::name("pool", &past.pool)?;
    let mut past = Past {
        id: LeaseId(0),
        owner: read::text("owner", &past.owner)?,
        pool: PoolId(0),
        granted_at: Time(past.granted_at.0),
        ended_at: Time(past.ended_at.0),
        labels: read::labels("labels", &past.labels)?,
        note: past.note.map(Into::into),
    };
    let act = Act::ImportLease {
        owner: past.owner.clone(),
        pool: pool.clone(),
        granted_at: past.granted_at,
        ended_at: past.ended_at,
        labels: past.labels.clone(),
        note: past.note.clone(),
    };
    let done = app.ledger().submit(ask.command(act)).await?;
    let Subject::Lease(id) = done.reply.subject else {
        return Err(Error::new("internal"));
    };
    let state = app.ledger().snapshot().await?;
    past.id = id;
    past.pool = state.pool_named(&pool).map_or(past.pool, |p| p.id);
    let past = PastLease::imported(&past, state.revision());
    answer::json(StatusCode::CREATED, &whole(&state, &past))
}

/// A lease that the caller may see, by its id.
///
/// # Errors
/// When there never was one, or none that he may see.
pub async fn find(app: &App, caller: &Caller, text: &str) -> Result<PastLease, Error> {
    let id: LeaseId = read::id("lease", text)?;
    let history = app.history().clone();
    let found = answer::aside(move || history.lease(id).map_err(|e| lost(&e))).await?;
    let state = app.ledger().snapshot().await?;
    let who = caller.principal(&state)?;
    let seen = |past: &PastLease| {
        let owner = past.owner();
        owner.is_some_and(|o| who.sees_past(&state, o, past.by, &past.pools))
    };
    let found = found.filter(seen);
    found.ok_or_else(|| Error::unknown("lease", text))
}

/// Why nothing can be done with it any more.
pub fn ended_error(past: &PastLease) -> Error {
    let (Some(end), Some(at)) = (past.end, past.ended_at) else {
        return Error::new("lease-ended")
            .detail(format!("{} has ended: ended", past.id))
            .fact("lease", past.id.to_string())
            .fact("end", "ended");
    };
    // The same answer as while its short record was kept.
    let refusal = Refusal::LeaseEnded {
        lease: past.id,
        end,
        at,
        reason: past.reason.clone(),
    };
    refusal.into()
}

/// The same as the short record told while it was kept.
pub fn short(past: &PastLease) -> wire::Lease {
    let (Some(owner), Some(end), Some(at)) = (past.owner(), past.end, past.ended_at) else {
        return whole(&State::default(), past);
    };
    view::ended(&Ended {
        id: past.id,
        owner: owner.clone(),
        end,
        at,
        fence: past.fence,
        reason: past.reason.clone(),
        shared: vec![],
    })
}

/// All that is known of it.
pub fn whole(state: &State, past: &PastLease) -> wire::Lease {
    let time = |t: Option<Time>| t.map(|t| Timestamp(t.0));
    let name = |id: &PoolId| {
        let pool = state.pools.get(id);
        pool.map_or_else(|| id.to_string(), |p| p.name.to_string())
    };
    wire::Lease {
        id: past.id,
        state: wire::LeaseState::Ended,
        fence: (past.fence.0 > 0).then_some(past.fence),
        owner: past.owner().map(ToString::to_string).unwrap_or_default(),
        pools: past.pools.iter().map(name).collect(),
        created_at: time(Some(past.asked_at)),
        granted_at: time(past.granted_at),
        expires_at: None,
        expires_in_ms: None,
        resources: vec![],
        end: past.end.map(view::end),
        ended_at: time(past.ended_at),
        items: vec![],
        position: None,
        estimate_ms: None,
        why: past.reason.as_deref().map(Into::into),
        priority: Some(past.priority),
        purpose: None,
        slot: None,
        shared_with: vec![],
        labels: render::labels(&past.labels),
        note: past.note.as_deref().map(Into::into),
        etag: None,
    }
}

/// One page of ended leases, newest first: those of an owner, of a pool, or, for operators, all.
pub async fn list(
    app: &App,
    state: &State,
    who: &Principal,
    query: &LeaseQuery,
) -> Result<List<wire::Lease>, Error> {
    let mut conditions = query.clone();
    (conditions.limit, conditions.cursor) = (None, None);
    let page = Page::<u64>::of(query.limit, query.cursor.as_deref(), "ended", &conditions)?;
    if query.sort.as_deref().is_some_and(|s| s != "-created_at") {
        return Err(Error::invalid(
            "sort",
            "ended leases are listed by `-created_at` only",
        ));
    }
    let everybody = allows(who.role, Verb::SeeLease, Relation::Foreign);
    let asked: Option<Owner> = read::maybe("owner", query.owner.as_deref())?;
    let owner = match asked {
        Some(owner) if everybody || who.owner.as_ref() == Some(&owner) => Some(owner),
        Some(_) => return Err(Error::forbidden("operator")),
        None if everybody => None,
        None => who.owner.clone(),
    };
    let pool = super::list::pool(state, who, query.pool.as_deref())?;
    let selector = read::selector("selector", query.selector.as_deref())?;
    let search = LeaseSearch {
        owner: owner.clone(),
        pool,
        before: page.after.map(LeaseId),
        limit: page.limit,
        ..LeaseSearch::default()
    };
    caught_up(app, state.revision()).await;
    let history = app.history().clone();
    let found = answer::aside(move || history.leases(&search).map_err(|e| lost(&e))).await?;
    let shown = found.items.iter().filter(|past| {
        let of = owner.as_ref().is_none_or(|o| past.owner() == Some(o));
        let labels = &past.labels;
        let fits = selector
            .as_ref()
            .is_none_or(|s| s.matches(&Default::default(), labels));
        past.end.is_some() && of && fits
    });
    Ok(List {
        items: shown.map(|past| whole(state, past)).collect(),
        revision: state.revision(),
        next: found.next.map(|id| page.cursor(&id.0)),
    })
}
