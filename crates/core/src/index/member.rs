//! All of a resource that the index knows, so that a change moves only what differs.

use crate::id::HostId;
use crate::index::FreeKey;
use crate::lease::Rank;
use crate::pool::{Pick, Pool};
use crate::resource::{Resource, ResourceState};
use crate::time::Time;

/// All of a resource that the index knows, so that a change moves only what differs.
#[derive(Debug, PartialEq)]
pub(crate) struct ResourceKeys {
    pub(super) state: ResourceState,
    pub(super) free: Option<FreeKey>,
    pub(super) earmark: Option<Rank>,
    pub(super) resting: bool,
    /// An outside cleaner has it.
    pub(super) outside: bool,
    /// A driver has something to do for it.
    pub(super) open: bool,
    pub(super) due: Option<Time>,
}

impl ResourceKeys {
    pub(crate) fn is(&self, state: ResourceState) -> bool {
        self.state == state
    }

    pub(crate) fn of(r: &Resource, pool: Option<&Pool>) -> Self {
        let ready = r.is_ready();
        let slice = r.parent().is_some();
        let order = match pool.map(|p| p.spec.pick) {
            Some(Pick::Oldest) => r.freed_at.0,
            _ => 0,
        };
        Self {
            state: r.state,
            free: (ready && !slice && r.earmark.is_none()).then(|| FreeKey {
                pool: r.pool,
                host: r.site().map_or(HostId(0), |s| s.host),
                order,
                resource: r.id,
            }),
            earmark: r.earmark,
            resting: r.state == ResourceState::Free && !ready,
            outside: r.state == ResourceState::Cleaning && r.lease.is_some(),
            open: r.open,
            due: r.due(),
        }
    }
}
