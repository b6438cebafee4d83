//! How things stand, in numbers, as far as the caller may see.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::pool::Counts;
use caviada_api::stats::{HostCounts, LeaseCounts, LedgerStats, PoolStats, Stats};
use caviada_api::timestamp::Timestamp;
use caviada_core::access::{Relation, Verb, allows};
use caviada_core::lease::LeaseState;
use caviada_core::limits;
use caviada_core::state::State as Snapshot;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, pool};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::Query;
use crate::http::problem::Error;
use serde::Deserialize;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

/// How things stand. Users get the numbers of the pools they see and of their own leases.
#[utoipa::path(get, path = "/api/v1/stats", tag = "stats", security(("key" = [])),
    responses((status = 200, description = "The numbers", body = Stats)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Query(NoQuery {}): Query<NoQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.may(&state, Verb::SeePools)?;
    let everybody = allows(who.role, Verb::SeeEvents, Relation::Own);
    let mut pools = Vec::new();
    let mut resources = Counts::default();
    for p in state.pools.values().filter(|p| who.sees(p)) {
        let used = state.index.pools.get(&p.id);
        let counts = pool::counts(&state, p.id);
        resources = pool::sum(resources, counts);
        if pools.len() < limits::server::POOLS_SHOWN_MAX {
            pools.push(PoolStats {
                name: p.name.to_string(),
                counts,
                waiting: used.map_or(0, |u| u64::from(u.waiting)),
                why: pool::why(&state, p),
            });
        }
    }
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    let leases = if everybody {
        all_leases(&state)
    } else {
        own_leases(&state, &caller)
    };
    let stats = Stats {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        installation: app.options().installation.clone(),
        revision: state.revision(),
        now: Timestamp(app.now().0),
        uptime_ms: app.uptime_ms(),
        resources,
        leases,
        pools,
        hosts: if everybody {
            hosts(&state)
        } else {
            HostCounts::default()
        },
        ledger: everybody.then(|| ledger(&app)),
    };
    answer::json(StatusCode::OK, &stats)
}

fn ledger(app: &App) -> LedgerStats {
    let stats = app.ledger().stats();
    LedgerStats {
        commits: stats.commits,
        commands: stats.commands,
        queue: stats.queue,
        batch_p50: stats.batch.quantile(0.5).unwrap_or(0),
        turn_us_max: stats.turn_us_max,
        commit_us_max: stats.commit_us_max,
        work_us_max: stats.work_us_max,
        history_lag_ms: app.history_lag_ms(),
    }
}

/// From the counts that are kept, not by looking at each lease.
fn all_leases(state: &Snapshot) -> LeaseCounts {
    let waiting = state.index.waiters.len() as u64;
    let granted = (state.leases.len() as u64).saturating_sub(waiting);
    LeaseCounts {
        waiting,
        preparing: 0,
        active: granted,
        no_deadline: state.index.endless.len() as u64,
    }
}

fn own_leases(state: &Snapshot, caller: &Caller) -> LeaseCounts {
    use caviada_core::id::LeaseId;
    let owner = &caller.key.owner;
    let own = (owner.clone(), LeaseId(0))..=(owner.clone(), LeaseId(u64::MAX));
    let ids = state.index.owner_leases.range(own).map(|(_, id)| id);
    let mut counts = LeaseCounts::default();
    for lease in ids.filter_map(|id| state.leases.get(id)) {
        match lease.state {
            LeaseState::Waiting => counts.waiting += 1,
            LeaseState::Preparing => counts.preparing += 1,
            LeaseState::Active => counts.active += 1,
        }
        let endless = lease.deadline.is_none() && lease.state != LeaseState::Waiting;
        counts.no_deadline += u64::from(endless);
    }
    counts
}

fn hosts(state: &Snapshot) -> HostCounts {
    let mut counts = HostCounts::default();
    for host in state.hosts.values() {
        if host.seen {
            counts.seen += 1;
        } else {
            counts.unseen += 1;
        }
        counts.unschedulable += u64::from(!host.spec.schedulable);
    }
    counts
}
