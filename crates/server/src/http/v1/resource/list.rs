//! The list of resources: pool by pool in order of names, or sorted by something else within
//! bounds.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::list::List;
use caviada_api::resource::{self as wire, ResourceQuery};
use caviada_core::access::{Principal, Verb};
use caviada_core::host::Host;
use caviada_core::limits::server::RESOURCES_LOOKED_AT_MAX;
use caviada_core::name::ResourceName;
use caviada_core::pool::Pool;
use caviada_core::resource::Resource;
use caviada_core::selector::Selector;
use caviada_core::state::State as Snapshot;

use super::view;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::Query;
use crate::http::page::Page;
use crate::http::problem::Error;
use crate::http::v1::{answer, read};
use crate::progress::Progress;

/// Sort value, pool, name: where a resource stands in the list.
type Place = (u64, String, String);

/// Resources of pools that the caller sees.
#[utoipa::path(get, path = "/api/v1/resources", tag = "resources", security(("key" = [])),
    params(ResourceQuery),
    responses((status = 200, description = "One page", body = List<wire::Resource>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ResourceQuery>,
) -> Result<Response, Error> {
    let mut conditions = query.clone();
    (conditions.limit, conditions.cursor) = (None, None);
    let page = Page::of(
        query.limit,
        query.cursor.as_deref(),
        "resources",
        &conditions,
    )?;
    let order = Order::of(query.sort.as_deref())?;
    let state = app.ledger().snapshot().await?;
    let who = caller.may(&state, Verb::SeePools)?;
    let progress = app.progress().clone();
    let list = answer::aside(move || {
        let matching = Conditions::of(&state, &who, &progress, &query)?;
        match order {
            Order::Names => Ok(matching.in_order(&page)),
            other => matching.sorted(&page, other),
        }
    })
    .await?;
    answer::json(StatusCode::OK, &list)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Names,
    NamesTurned,
    By(Sort, bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sort {
    State,
    Uses,
}

impl Order {
    fn of(text: Option<&str>) -> Result<Self, Error> {
        Ok(match text {
            None | Some("name") => Self::Names,
            Some("-name") => Self::NamesTurned,
            Some("state") => Self::By(Sort::State, false),
            Some("-state") => Self::By(Sort::State, true),
            Some("uses") => Self::By(Sort::Uses, false),
            Some("-uses") => Self::By(Sort::Uses, true),
            Some(_) => {
                let rule = "`name`, `state` or `uses`, with `-` before it to turn the order";
                return Err(Error::invalid("sort", rule));
            }
        })
    }

    fn value(self, r: &Resource) -> u64 {
        match self {
            Self::By(Sort::State, _) => r.state as u64,
            Self::By(Sort::Uses, _) => u64::from(r.uses),
            Self::Names | Self::NamesTurned => 0,
        }
    }

    fn turned(self) -> bool {
        matches!(self, Self::NamesTurned | Self::By(_, true))
    }
}

/// All that must hold for a resource to be in the list.
struct Conditions<'s> {
    state: &'s Snapshot,
    who: &'s Principal,
    progress: &'s Progress,
    pools: Vec<&'s Arc<Pool>>,
    name: Option<ResourceName>,
    host: Option<Option<&'s Arc<Host>>>,
    selector: Option<Selector>,
    query: &'s ResourceQuery,
}

impl<'s> Conditions<'s> {
    fn of(
        state: &'s Snapshot,
        who: &'s Principal,
        progress: &'s Progress,
        query: &'s ResourceQuery,
    ) -> Result<Self, Error> {
        let pools: Vec<_> = match &query.pool {
            Some(name) => {
                let pool = state.pool_named(&read::name("pool", name)?);
                let pool = pool.filter(|p| who.sees(p));
                vec![pool.ok_or_else(|| Error::unknown("pool", name))?]
            }
            None => {
                let all = state.index.pool_names.values();
                let all = all.filter_map(|id| state.pools.get(id));
                all.filter(|p| who.sees(p)).collect()
            }
        };
        let host = match &query.host {
            None => None,
            // Hosts are the operators' business, and so is who stands on which.
            Some(_)
                if !caviada_core::access::allows(
                    who.role,
                    Verb::SeeHosts,
                    caviada_core::access::Relation::Own,
                ) =>
            {
                return Err(Error::forbidden("operator"));
            }
            Some(name) => Some(state.host_named(&read::name("host", name)?)),
        };
        Ok(Self {
            state,
            who,
            progress,
            pools,
            name: read::maybe("name", query.name.as_deref())?,
            host,
            selector: read::selector("selector", query.selector.as_deref())?,
            query,
        })
    }

    fn hold(&self, r: &Resource) -> bool {
        let q = self.query;
        let on = |host: Option<&Arc<Host>>| {
            r.site()
                .is_some_and(|s| host.is_some_and(|h| h.id == s.host))
        };
        self.host.is_none_or(on)
            && q.state.is_none_or(|s| view::state_of(r.state) == s)
            && q.declared_in
                .as_deref()
                .is_none_or(|d| r.doc.declared_in.as_deref() == Some(d))
            && self
                .selector
                .as_ref()
                .is_none_or(|s| s.matches(&r.doc.attributes, &r.doc.labels))
    }

    /// Every candidate from a place on, pool by pool in order of names.
    fn candidates<'p>(
        &'p self,
        from: Option<&'p Place>,
    ) -> impl Iterator<Item = (Place, &'s Resource)> + 'p {
        let (pool, name) = from.map_or(("", ""), |(_, pool, name)| (pool, name));
        let pools = self.pools.iter().filter(move |p| p.name.as_str() >= pool);
        pools.flat_map(move |p| {
            let from = if p.name == *pool { name } else { "" };
            members(self.state, p, from, self.name.as_ref())
        })
    }

    fn shown(&self, r: &Resource) -> wire::Resource {
        view::resource(self.state, self.who, self.progress, r)
    }

    fn in_order(&self, page: &Page<Place>) -> List<wire::Resource> {
        let mut items = Vec::new();
        let mut last = None;
        let after = page.after.as_ref();
        let past = |place: &Place| after.is_none_or(|a| (&place.1, &place.2) > (&a.1, &a.2));
        for (seen, (place, r)) in self.candidates(after).enumerate() {
            if items.len() == page.limit || seen == RESOURCES_LOOKED_AT_MAX {
                return List {
                    items,
                    revision: self.state.revision(),
                    next: last.as_ref().map(|place| page.cursor(place)),
                };
            }
            if past(&place) && self.hold(r) {
                items.push(self.shown(r));
            }
            last = Some(place);
        }
        List {
            items,
            revision: self.state.revision(),
            next: None,
        }
    }

    fn sorted(&self, page: &Page<Place>, order: Order) -> Result<List<wire::Resource>, Error> {
        let mut found: Vec<(Place, &Resource)> = Vec::new();
        for (seen, (mut place, r)) in self.candidates(None).enumerate() {
            if seen == RESOURCES_LOOKED_AT_MAX {
                let rule = format!(
                    "lists of more than {RESOURCES_LOOKED_AT_MAX} are sorted by name only; name a pool"
                );
                return Err(Error::invalid("sort", rule));
            }
            if self.hold(r) {
                place.0 = order.value(r);
                found.push((place, r));
            }
        }
        found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if order.turned() {
            found.reverse();
        }
        let past = |place: &Place| {
            page.after.as_ref().is_none_or(|after| {
                if order.turned() {
                    place < after
                } else {
                    place > after
                }
            })
        };
        let rest = found.into_iter().filter(|(place, _)| past(place));
        let shown = rest.map(|(place, r)| (place, self.shown(r)));
        Ok(page.fill(self.state.revision(), shown))
    }
}

/// Members of a pool in order of names, from a name on.
fn members<'s>(
    state: &'s Snapshot,
    pool: &'s Pool,
    from: &str,
    only: Option<&ResourceName>,
) -> Box<dyn Iterator<Item = (Place, &'s Resource)> + 's> {
    let place = |name: &ResourceName| (0, pool.name.to_string(), name.to_string());
    let names = &state.index.resource_names;
    // No name is below a single blank.
    let lowest = || ResourceName::new(" ").unwrap_or_default();
    if let Some(name) = only {
        let id = names.get(&(pool.id, name.clone()));
        let found = id.and_then(|id| state.resources.get(id));
        return Box::new(found.map(|r| (place(name), &**r)).into_iter());
    }
    let from = ResourceName::new(from).unwrap_or_else(|_| lowest());
    Box::new(
        names
            .range((pool.id, from)..)
            .take_while(|((of, _), _)| *of == pool.id)
            .filter_map(move |((_, name), id)| Some((place(name), &**state.resources.get(id)?))),
    )
}
