//! A pool as it is: its members by state, who waits, and why it is not as warm as it should be.

use caviada_api::pool::{self as wire, Counts};
use caviada_api::timestamp::Timestamp;
use caviada_core::id::PoolId;
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
        counts: counts(state, pool.id),
        waiting: used.map_or(0, |u| u64::from(u.waiting)),
        why: why(state, pool),
        draining: pool.retiring,
        template_revision: template.map(|t| t.id.0),
        created_at: Timestamp(pool.made_at.0),
        etag: pool.changed.to_string(),
    }
}

/// Members by state.
pub fn counts(state: &State, pool: PoolId) -> Counts {
    let Some(used) = state.index.pools.get(&pool) else {
        return Counts::default();
    };
    let of = |state| u64::from(used.in_state(state));
    Counts {
        planned: of(ResourceState::Planned),
        creating: of(ResourceState::Creating),
        free: of(ResourceState::Free),
        offerable: u64::from(used.ready()).saturating_sub(out_of_reach(state, pool)),
        leased: of(ResourceState::Leased),
        dirty: of(ResourceState::Dirty),
        cleaning: of(ResourceState::Cleaning),
        failed: of(ResourceState::Failed),
        withheld: of(ResourceState::Withheld),
        deleting: of(ResourceState::Deleting),
    }
}

/// Ready members on hosts that take no grants now, because they are not seen for one.
fn out_of_reach(state: &State, pool: PoolId) -> u64 {
    let hosts = state.hosts.values().filter(|host| !host.offers());
    hosts
        .map(|host| state.index.free_on(pool, host.id).count() as u64)
        .sum()
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
    if pool.retiring {
        return None;
    }
    if missing == 0 {
        let far = out_of_reach(state, pool.id);
        return (far > 0).then(|| format!("{far} are on hosts that are not seen or schedulable"));
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
