//! What an event does not say itself: the pool of a resource, the owner and pools of a lease, and
//! names. Known from a snapshot and from what was told since.

use std::collections::HashMap;
use std::sync::Arc;

use caviada_core::event::Event;
use caviada_core::id::{LeaseId, PoolId, ResourceId};
use caviada_core::lease::Lease;
use caviada_core::name::Owner;
use caviada_core::state::State;

/// A snapshot, and what came into being after it.
#[derive(Debug)]
pub struct Names {
    /// The snapshot.
    pub state: Arc<State>,
    leases: HashMap<LeaseId, (Owner, Vec<PoolId>)>,
    resources: HashMap<ResourceId, PoolId>,
}

impl Names {
    /// As a snapshot has them.
    pub fn of(state: Arc<State>) -> Self {
        Self {
            state,
            leases: HashMap::new(),
            resources: HashMap::new(),
        }
    }

    /// The pool of a resource.
    pub fn pool_of(&self, id: ResourceId) -> Option<PoolId> {
        let known = || self.state.resources.get(&id).map(|r| r.pool);
        self.resources.get(&id).copied().or_else(known)
    }

    /// Owner and pools of a lease.
    pub fn lease(&self, id: LeaseId) -> Option<(Owner, Vec<PoolId>)> {
        if let Some(known) = self.leases.get(&id) {
            return Some(known.clone());
        }
        if let Some(lease) = self.state.leases.get(&id) {
            return Some((lease.owner.clone(), pools(lease)));
        }
        let ended = self.state.ended_lease(id)?;
        Some((ended.owner.clone(), vec![]))
    }

    /// Before an event is told: what it brings.
    pub fn learn(&mut self, event: &Event) {
        match event {
            Event::ResourceDeclared(r) | Event::ResourcePlanned(r) | Event::ResourceCut(r) => {
                self.resources.insert(r.id, r.pool);
            }
            Event::LeaseWaiting(lease) | Event::LeaseGranted { lease, .. } => {
                let known = (lease.owner.clone(), pools(lease));
                self.leases.insert(lease.id, known);
            }
            Event::LeaseGiven(id, to) => {
                if let Some((_, pools)) = self.lease(*id) {
                    self.leases.insert(*id, (to.clone(), pools));
                }
            }
            _ => {}
        }
    }

    /// After an event was told: what it takes away.
    pub fn forget(&mut self, event: &Event) {
        match event {
            Event::ResourceGone(id) => {
                self.resources.remove(id);
            }
            Event::LeaseEnded { lease, .. } => {
                self.leases.remove(lease);
            }
            _ => {}
        }
    }

    /// Is there a pool, host or key in an event that the snapshot does not name?
    pub fn lacks(&self, event: &Event) -> bool {
        match event {
            Event::PoolDeclared(pool) => self.state.pools.get(&pool.id).is_none(),
            Event::HostDeclared(host) => self.state.hosts.get(&host.id).is_none(),
            Event::KeyMade(key) => self.state.keys.get(&key.id).is_none(),
            _ => false,
        }
    }
}

fn pools(lease: &Lease) -> Vec<PoolId> {
    lease.items.iter().filter_map(|i| i.pool).collect()
}
