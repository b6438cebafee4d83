//! Events: what happened, as a list, or as a stream that goes on.

pub(crate) mod names;
mod stream;
pub(crate) mod told;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use caviada_api::event::{self as wire, EventQuery};
use caviada_api::list::List;
use caviada_core::access::Verb;
use caviada_core::event::Number;
use caviada_core::id::{HostId, PoolId};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::state::State as Snapshot;
use caviada_core::time::Time;
use caviada_ledger::history::{EventSearch, Order, Page as Found, Recorded};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, read};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::{Query, number};
use crate::http::page::Page;
use crate::http::problem::Error;
use crate::listener::Ending;
use names::Names;
use told::{About, Happened};

const LAG_MAX: Duration = Duration::from_millis(limits::server::HISTORY_LAG_MS_MAX);
const LOOK: Duration = Duration::from_millis(limits::server::HISTORY_LOOK_MS);

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What happened: a page of it, or with `Accept: text/event-stream` all of it as it happens.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", security(("key" = [])),
    params(EventQuery,
        ("last-event-id" = Option<String>, Header, description = "Counts as `after`, on the stream")),
    responses(
        (status = 200, description = "One page, or the stream", content(
            (List<wire::Event> = "application/json"),
            (String = "text/event-stream"))),
        (status = 410, description = "`after` is older than what is kept")))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    ending: Ending,
    headers: HeaderMap,
    Query(query): Query<EventQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeEvents)?;
    let streamed = headers
        .get(header::ACCEPT)
        .is_some_and(|a| a.as_bytes().starts_with(b"text/event-stream"));
    if streamed {
        endless(&query)?;
        let last = headers.get("last-event-id");
        let after = match last.map(|last| last.to_str().unwrap_or_default()) {
            Some(last) => Some(number_of(&state, "Last-Event-ID", last)?),
            None => after(&state, &query)?,
        };
        let filter = Filter::of(&state, &query)?;
        return stream::open(app, state, filter, after, ending).await;
    }
    let filter = Filter::of(&state, &query)?;
    let list = page(&app, &state, &query, &filter).await?;
    answer::json(StatusCode::OK, &list)
}

/// Refuses of a stream what only a page has.
fn endless(query: &EventQuery) -> Result<(), Error> {
    let of_pages = [
        ("limit", query.limit.is_some()),
        ("cursor", query.cursor.is_some()),
    ];
    match of_pages.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Error::invalid(field, "a page has one, the stream does not")),
        None => Ok(()),
    }
}

/// Where `after` points, if it is there.
fn after(state: &Snapshot, query: &EventQuery) -> Result<Option<Number>, Error> {
    let text = query.after.as_deref();
    text.map(|text| number_of(state, "after", text)).transpose()
}

/// Behind one event, or behind all of a revision. Ahead of all there is, it is of another past: a
/// store was restored since.
fn number_of(state: &Snapshot, field: &str, text: &str) -> Result<Number, Error> {
    let revision = || {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    };
    let whole = |revision| Number {
        revision,
        index: u32::MAX,
    };
    let after = number(text)
        .or_else(|| revision().map(whole))
        .ok_or_else(|| Error::malformed(field, "an event's id like 12.0, or a revision like 12"))?;
    if after.revision > state.revision() {
        return Err(Error::new("events-gone").fact("newest", state.revision()));
    }
    Ok(after)
}

/// What must hold for an event to be told.
#[derive(Debug, Clone, Default)]
struct Filter {
    kind: Option<String>,
    pool: Option<PoolId>,
    resource: Option<caviada_core::id::ResourceId>,
    lease: Option<caviada_core::id::LeaseId>,
    host: Option<HostId>,
    owner: Option<Owner>,
    since: Option<Time>,
    until: Option<Time>,
}

impl Filter {
    fn of(state: &Snapshot, query: &EventQuery) -> Result<Self, Error> {
        let pool = query.pool.as_deref().map(|name| {
            let pool = state.pool_named(&read::name("pool", name)?);
            pool.map(|p| p.id)
                .ok_or_else(|| Error::unknown("pool", name))
        });
        let host = query.host.as_deref().map(|name| {
            let host = state.host_named(&read::name("host", name)?);
            host.map(|h| h.id)
                .ok_or_else(|| Error::unknown("host", name))
        });
        // A noun alone stands for all that happens to it.
        let kind = query.kind.as_deref().map(|kind| {
            if kind.contains('.') {
                kind.to_owned()
            } else {
                format!("{kind}.")
            }
        });
        Ok(Self {
            kind,
            pool: pool.transpose()?,
            resource: query.resource,
            lease: query.lease,
            host: host.transpose()?,
            owner: read::maybe("owner", query.owner.as_deref())?,
            since: query.since.map(|t| Time(t.0)),
            until: query.until.map(|t| Time(t.0)),
        })
    }

    fn takes(&self, about: &About, at: Time) -> bool {
        let of_kind = |kind: &String| {
            about.kind == kind || kind.ends_with('.') && about.kind.starts_with(&**kind)
        };
        self.kind.as_ref().is_none_or(of_kind)
            && self.pool.is_none_or(|p| about.pools.contains(&p))
            && self.resource.is_none_or(|r| about.resources.contains(&r))
            && self.lease.is_none_or(|l| about.lease == Some(l))
            && self.host.is_none_or(|h| about.host == Some(h))
            && self
                .owner
                .as_ref()
                .is_none_or(|o| about.owner.as_ref() == Some(o))
            && self.since.is_none_or(|t| at >= t)
            && self.until.is_none_or(|t| at < t)
    }
}

impl Filter {
    /// Steps are about a resource and its pool; who asks for kinds, leases, hosts or owners asks
    /// for none.
    fn takes_step(&self, names: &Names, step: &wire::Progress) -> bool {
        let pool = names.state.pools.values().find(|p| p.name == *step.pool);
        let other = self.kind.is_some()
            || self.lease.is_some()
            || self.host.is_some()
            || self.owner.is_some();
        !other
            && self.pool.is_none_or(|id| pool.is_some_and(|p| p.id == id))
            && self.resource.is_none_or(|id| id == step.resource)
    }

    /// Figures and images are about a host and nothing else.
    fn takes_host(&self, names: &Names, host: &str) -> bool {
        let host = names.state.hosts.values().find(|h| h.name == *host);
        let other = self.kind.is_some()
            || self.lease.is_some()
            || self.pool.is_some()
            || self.resource.is_some()
            || self.owner.is_some();
        !other && self.host.is_none_or(|id| host.is_some_and(|h| h.id == id))
    }
}

async fn page(
    app: &App,
    state: &Arc<Snapshot>,
    query: &EventQuery,
    filter: &Filter,
) -> Result<List<wire::Event>, Error> {
    let mut conditions = query.clone();
    (conditions.limit, conditions.cursor) = (None, None);
    let page = Page::<(u64, u32)>::of(query.limit, query.cursor.as_deref(), "events", &conditions)?;
    let after = after(state, query)?;
    let from = page
        .after
        .map(|(revision, index)| Number { revision, index });
    let search = EventSearch {
        owner: filter.owner.clone(),
        lease: filter.lease,
        resource: filter.resource,
        host: filter.host,
        pool: filter.pool,
        kind: filter.kind.clone(),
        since: filter.since,
        // The history's bound is still in, the API's is not.
        until: filter.until.map(|t| Time(t.0.saturating_sub(1))),
        order: if after.is_some() {
            Order::Oldest
        } else {
            Order::Newest
        },
        beyond: from.or(after),
        limit: page.limit,
    };
    // Only the page that holds the newest events has to wait for them; the others, under load, would
    // each wait for nothing.
    let first = page.after.is_none();
    if after.is_none() && first {
        caught_up(app, state.revision()).await;
    }
    let names = Names::of(state.clone());
    let mut found = searched(app, search.clone(), after).await?;
    if after.is_some() && found.next.is_none() && app.history().mark().0 < state.revision() {
        caught_up(app, state.revision()).await;
        found = searched(app, search, after).await?;
    }
    let items = found.items.iter().filter_map(|r| {
        let happened = Happened {
            number: r.number,
            at: r.at,
            by: r.by,
            act: r.act.as_deref(),
        };
        Some(told::render(&names, happened, About::of(&names, &r.event)?))
    });
    Ok(List {
        items: items.collect(),
        revision: state.revision(),
        next: found.next.map(|n| page.cursor(&(n.revision, n.index))),
    })
}

/// What the history has; refused when that begins behind `after`.
async fn searched(
    app: &App,
    search: EventSearch,
    after: Option<Number>,
) -> Result<Found<Recorded, Number>, Error> {
    let history = app.history().clone();
    answer::aside(move || {
        let found = history.events(&search).map_err(|e| lost(&e))?;
        // Looked at afterwards: what went in between is missed by nobody.
        let kept_from = history.oldest().map_err(|e| lost(&e))?;
        if let (Some(after), Some(oldest)) = (after, kept_from)
            && after.revision + 1 < oldest.revision
        {
            return Err(Error::new("events-gone").fact("oldest", oldest.to_string()));
        }
        Ok(found)
    })
    .await
}

/// Waits, within bounds, until the history tells of this revision.
pub(in crate::http::v1) async fn caught_up(app: &App, revision: u64) {
    let until = tokio::time::Instant::now() + LAG_MAX;
    while app.history().mark().0 < revision && tokio::time::Instant::now() < until {
        tokio::time::sleep(LOOK).await;
    }
}

/// The history cannot be read now.
pub(in crate::http::v1) fn lost(error: &caviada_ledger::store::StoreError) -> Error {
    tracing::error!(%error, "the history cannot be read");
    Error::new("unavailable")
}
