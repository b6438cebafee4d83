//! A pool as it is: its members by state, who waits, and why it is not as warm as it should be.

use caviada_api::pool::{self as wire, Counts};
use caviada_api::timestamp::Timestamp;
use caviada_core::index::PoolUse;
use caviada_core::pool::Pool;
use caviada_core::resource::ResourceState;
use caviada_core::state::State;

use super::spec;

/// A pool.
pub fn pool(state: &State, pool: &Pool) -> wire::Pool {
    let used = state.index.pools.get(&pool.id);
    let template = pool.spec.template().and_then(|t| state.template_named(t));
    wire::Pool {
        id: pool.id,
        name: pool.name.to_string(),
        spec: spec::render(&pool.spec),
        counts: used.map(counts).unwrap_or_default(),
        waiting: used.map_or(0, |u| u64::from(u.waiting)),
        why: why(state, pool),
        draining: pool.retiring,
        template_revision: template.map(|t| t.id.0),
        created_at: Timestamp(pool.made_at.0),
        etag: pool.changed.to_string(),
    }
}

/// Members by state.
pub fn counts(used: &PoolUse) -> Counts {
    let of = |state| u64::from(used.in_state(state));
    Counts {
        planned: of(ResourceState::Planned),
        creating: of(ResourceState::Creating),
        free: of(ResourceState::Free),
        offerable: u64::from(used.ready()),
        leased: of(ResourceState::Leased),
        dirty: of(ResourceState::Dirty),
        cleaning: of(ResourceState::Cleaning),
        failed: of(ResourceState::Failed),
        withheld: of(ResourceState::Withheld),
        deleting: of(ResourceState::Deleting),
    }
}

/// Adds up.
pub fn sum(mut all: Counts, more: Counts) -> Counts {
    all.planned += more.planned;
    all.creating += more.creating;
    all.free += more.free;
    all.offerable += more.offerable;
    all.leased += more.leased;
    all.dirty += more.dirty;
    all.cleaning += more.cleaning;
    all.failed += more.failed;
    all.withheld += more.withheld;
    all.deleting += more.deleting;
    all
}

/// Why a built pool is not as warm as it should be.
pub fn why(state: &State, pool: &Pool) -> Option<String> {
    pool.spec.template()?;
    let none = PoolUse::default();
    let used = state.index.pools.get(&pool.id).unwrap_or(&none);
    let missing = pool.spec.warm.saturating_sub(used.ready());
    if missing == 0 || pool.retiring {
        return None;
    }
    let backoff = state.hosts.values().find_map(|host| {
        let backoff = host.backoffs.get(&pool.id)?;
        Some((host, backoff))
    });
    if let Some((host, backoff)) = backoff {
        return Some(format!(
            "builds fail on host {}: {}, {} in a row",
            host.name, backoff.cause, backoff.tries
        ));
    }
    let coming = used.coming();
    if coming > 0 {
        return Some(format!("{coming} are being built or cleaned"));
    }
    if used.total() >= pool.spec.max {
        return Some(format!(
            "all {} that its max allows are in use",
            pool.spec.max
        ));
    }
    if !state.hosts.values().any(|h| h.offers()) {
        return Some("no host is seen and schedulable".to_owned());
    }
    Some("no fitting host has room".to_owned())
}
