//! The list of leases: the oldest first, or sorted by something else within bounds.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::lease::{self as wire, LeaseQuery};
use caviada_api::list::List;
use caviada_core::access::{Principal, Verb};
use caviada_core::attribute::Attributes;
use caviada_core::id::{LeaseId, PoolId};
use caviada_core::lease::Lease;
use caviada_core::limits;
use caviada_core::limits::server::LEASES_SORTED_MAX;
use caviada_core::name::Owner;
use caviada_core::selector::Selector;
use caviada_core::state::State as Snapshot;
use caviada_core::time::Time;

use super::{past, view};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::Query;
use crate::http::page::Page;
use crate::http::problem::Error;
use crate::http::v1::{answer, read};

/// Sort value and id: where a lease stands in the list.
type Place = (String, u64);

/// Leases that the caller may see: the live ones, or with `state=ended` those of the past.
#[utoipa::path(get, path = "/api/v1/leases", tag = "leases", security(("key" = [])),
    params(LeaseQuery),
    responses((status = 200, description = "One page", body = List<wire::Lease>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LeaseQuery>,
) -> Result<Response, Error> {
    if query.state == Some(wire::LeaseState::Ended) {
        let state = app.ledger().snapshot().await?;
        let who = caller.principal(&state)?;
        let list = past::list(&app, &state, &who, &query).await?;
        return answer::json(StatusCode::OK, &list);
    }
    let mut conditions = query.clone();
    (conditions.limit, conditions.cursor) = (None, None);
    let page = Page::of(query.limit, query.cursor.as_deref(), "leases", &conditions)?;
    let order = Order::of(query.sort.as_deref())?;
    let state = app.ledger().snapshot().await?;
    let who = caller.principal(&state)?;
    let now = app.now();
    let list = answer::aside(move || {
        let matching = Conditions::of(&state, &who, &query, now)?;
        if order == Order::Age {
            return Ok(matching.by_age(&page));
        }
        matching.sorted(&page, order)
    })
    .await?;
    answer::json(StatusCode::OK, &list)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Age,
    AgeTurned,
    Expiry(bool),
    Owner(bool),
}

impl Order {
    fn of(text: Option<&str>) -> Result<Self, Error> {
        Ok(match text {
            None | Some("created_at") => Self::Age,
            Some("-created_at") => Self::AgeTurned,
            Some("expires_at") => Self::Expiry(false),
            Some("-expires_at") => Self::Expiry(true),
            Some("owner") => Self::Owner(false),
            Some("-owner") => Self::Owner(true),
            Some(_) => {
                let rule =
                    "`created_at`, `expires_at` or `owner`, with `-` before it to turn the order";
                return Err(Error::invalid("sort", rule));
            }
        })
    }

    fn place(self, lease: &Lease) -> Place {
        let value = match self {
            Self::Expiry(_) => {
                let at = lease.deadline.or(lease.wait_until);
                format!("{:020}", at.map_or(u64::MAX, |t| t.0))
            }
            Self::Owner(_) => lease.owner.to_string(),
            Self::Age | Self::AgeTurned => String::new(),
        };
        (value, lease.id.0)
    }

    fn turned(self) -> bool {
        matches!(
            self,
            Self::AgeTurned | Self::Expiry(true) | Self::Owner(true)
        )
    }
}

/// A pool that the caller sees.
pub fn pool(
    state: &Snapshot,
    who: &Principal,
    name: Option<&str>,
) -> Result<Option<PoolId>, Error> {
    let Some(name) = name else {
        return Ok(None);
    };
    let pool = state.pool_named(&read::name("pool", name)?);
    let pool = pool.filter(|p| who.sees(p));
    Ok(Some(pool.ok_or_else(|| Error::unknown("pool", name))?.id))
}

/// All that must hold for a lease to be in the list.
struct Conditions<'s> {
    state: &'s Snapshot,
    who: &'s Principal,
    pool: Option<PoolId>,
    owner: Option<Owner>,
    lease_state: Option<wire::LeaseState>,
    selector: Option<Selector>,
    now: Time,
}

impl<'s> Conditions<'s> {
    fn of(
        state: &'s Snapshot,
        who: &'s Principal,
        query: &LeaseQuery,
        now: Time,
    ) -> Result<Self, Error> {
        Ok(Self {
            state,
            who,
            pool: pool(state, who, query.pool.as_deref())?,
            owner: read::maybe("owner", query.owner.as_deref())?,
            lease_state: query.state,
            selector: read::selector("selector", query.selector.as_deref())?,
            now,
        })
    }

    fn hold(&self, lease: &Lease) -> bool {
        let of_pool = |pool: PoolId| {
            let held = |m: &caviada_core::lease::Member| {
                self.state
                    .resources
                    .get(&m.resource)
                    .is_some_and(|r| r.pool == pool)
            };
            lease.items.iter().any(|i| i.pool == Some(pool)) || lease.members.iter().any(held)
        };
        self.who.may_with(self.state, Verb::SeeLease, lease).is_ok()
            && self.owner.as_ref().is_none_or(|o| *o == lease.owner)
            && self
                .lease_state
                .is_none_or(|s| s == view::state_of(lease.state))
            && self.pool.is_none_or(of_pool)
            && self
                .selector
                .as_ref()
                .is_none_or(|s| s.matches(&Attributes::default(), &lease.labels))
    }

    fn candidates(&self, from: LeaseId) -> Box<dyn Iterator<Item = &'s Lease> + 's> {
        match &self.owner {
            Some(owner) => {
                let range = (owner.clone(), from)..=(owner.clone(), LeaseId(u64::MAX));
                let ids = self.state.index.owner_leases.range(range);
                Box::new(
                    ids.filter_map(|(_, id)| self.state.leases.get(id))
                        .map(AsRef::as_ref),
                )
            }
            None => Box::new(self.state.leases.range(from..).map(|(_, l)| l.as_ref())),
        }
    }

    fn by_age(&self, page: &Page<Place>) -> List<wire::Lease> {
        let after = page.after.as_ref().map_or(0, |(_, id)| *id);
        let mut list = List {
            items: Vec::new(),
            revision: self.state.revision(),
            next: None,
        };
        let mut last = None;
        let rest = self.candidates(LeaseId(after.saturating_add(1)));
        for (seen, lease) in rest.enumerate() {
            if list.items.len() == page.limit || seen == limits::server::LEASES_LOOKED_AT_MAX {
                list.next = last.map(|id| page.cursor(&(String::new(), id)));
                return list;
            }
            if self.hold(lease) {
                list.items
                    .push(view::live(self.state, self.who, lease, self.now));
            }
            last = Some(lease.id.0);
        }
        list
    }

    fn sorted(&self, page: &Page<Place>, order: Order) -> Result<List<wire::Lease>, Error> {
        let found = self.candidates(LeaseId(0)).filter(|l| self.hold(l));
        let mut found: Vec<_> = found
            .take(LEASES_SORTED_MAX + 1)
            .map(|lease| (order.place(lease), lease))
            .collect();
        if found.len() > LEASES_SORTED_MAX {
            let rule =
                format!("more than {LEASES_SORTED_MAX} leases are listed by `created_at` only");
            return Err(Error::invalid("sort", rule));
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
        let shown = rest.map(|(place, l)| (place, view::live(self.state, self.who, l, self.now)));
        Ok(page.fill(self.state.revision(), shown))
    }
}
