//! What is ready, in the order in which it is taken.

use std::ops::Bound;

use crate::id::{HostId, PoolId, ResourceId};
use crate::index::Index;

/// Place of a free member: pool, host, pick order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FreeKey {
    /// The pool.
    pub pool: PoolId,
    /// The host; 0 for what has none.
    pub host: HostId,
    /// 0, or when it became free, as the pool picks.
    pub order: u64,
    /// The resource.
    pub resource: ResourceId,
}

impl FreeKey {
    /// Before every member on a host.
    fn first(pool: PoolId, host: HostId) -> Self {
        Self {
            pool,
            host,
            order: 0,
            resource: ResourceId(0),
        }
    }

    /// After every member on a host.
    fn last(pool: PoolId, host: HostId) -> Self {
        Self {
            pool,
            host,
            order: u64::MAX,
            resource: ResourceId(u64::MAX),
        }
    }
}

impl Index {
    /// Hosts that have ready members of a pool, each with those members in pick order.
    pub fn free_groups(
        &self,
        pool: PoolId,
    ) -> impl Iterator<Item = (HostId, impl Iterator<Item = &FreeKey>)> {
        let mut from = Bound::Included(FreeKey::first(pool, HostId(0)));
        std::iter::from_fn(move || {
            // Where a range ends is searched for like its beginning: to look is cheaper.
            let mut rest = self.free.range((from, Bound::Unbounded));
            let first = rest.next().filter(|k| k.pool == pool)?;
            let host = first.host;
            from = Bound::Excluded(FreeKey::last(pool, host));
            let here = move |k: &&FreeKey| (k.pool, k.host) == (pool, host);
            Some((host, std::iter::once(first).chain(rest.take_while(here))))
        })
    }

    /// Ready members of a pool on one host, in pick order.
    pub fn free_on(&self, pool: PoolId, host: HostId) -> impl Iterator<Item = &FreeKey> {
        self.free
            .range(FreeKey::first(pool, host)..=FreeKey::last(pool, host))
    }
}
