//! 15: what goes wrong with one thing, or on one host, changes no resource elsewhere but by new
//! placements.

use caviada_core::event::{After, Event};
use caviada_core::id::{HostId, LeaseId, ResourceId};
use caviada_core::resource::{Health, Resource, ResourceState};
use caviada_core::state::State;

use super::event::touched;

/// What something bad was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not seen, or given up.
    Host(HostId),
    /// It failed, or is not well: of its own, or because its template or image is sick.
    Resource(ResourceId),
}

impl Fault {
    /// What the events of a report tell of, if something bad.
    pub fn told(events: &[Event]) -> Option<Self> {
        let told = |event: &Event| match event {
            Event::HostUnseen(host, _) | Event::HostLost(host) => Some(Self::Host(*host)),
            Event::ResourceFailed { resource, .. }
            | Event::ResourceUndeleted(resource, ..)
            | Event::ResourceUnturned { resource, .. }
            | Event::ResourceUnaltered { resource, .. } => Some(Self::Resource(*resource)),
            Event::ResourceHealth(id, health, _) if *health != Health::Well => {
                Some(Self::Resource(*id))
            }
            // A member that could not be bound: exchanged, or the end of its lease.
            Event::LeaseSwapped { out, .. } => Some(Self::Resource(*out)),
            Event::LeaseEnded { members, .. } => {
                let failed = members.iter().find(|(_, after)| is_failed(after));
                failed.map(|(id, _)| Self::Resource(*id))
            }
            _ => None,
        };
        // What its host does about it is told first.
        let of_host =
            |e: &&Event| matches!(e, Event::HostBackoff { .. } | Event::HostQuarantined(..));
        events.iter().find(|e| !of_host(e)).and_then(told)
    }

    fn is_of(self, r: &Resource) -> bool {
        match self {
            Self::Host(host) => r.site().is_some_and(|s| s.host == host),
            Self::Resource(id) => r.id == id,
        }
    }

    /// Has a lease something of it?
    fn hits(self, state: &State, lease: LeaseId) -> bool {
        let lease = state.leases.get(&lease);
        let mut members = lease.into_iter().flat_map(|l| &l.members);
        members.any(|m| {
            let r = state.resources.get(&m.resource);
            r.is_some_and(|r| self.is_of(r))
        })
    }

    /// What an event changes that has nothing to do with it, if so.
    pub fn spreads(self, state: &State, event: &Event, kind: &str) -> Option<String> {
        let follows = match event {
            // Something else takes its place: built, started, kept for a waiter, handed to him.
            Event::ResourcePlanned(_)
            | Event::ResourceCut(_)
            | Event::ResourceCreating(..)
            | Event::ResourceCleaning { .. }
            | Event::ResourceEarmarked { .. }
            | Event::LeaseMet { .. } => true,
            // The lease that had it is as its pool says.
            Event::LeaseSwapped { lease, .. } | Event::LeaseEnded { lease, .. } => {
                self.hits(state, *lease)
            }
            _ => false,
        };
        if follows {
            return None;
        }
        let other = |id: &ResourceId| {
            let r = state.resources.get(id)?;
            (!self.is_of(r) && !goes_anyway(state, r, event)).then_some(*id)
        };
        let changed = touched(state, event).iter().find_map(other)?;
        Some(format!("15: {kind} of {changed}, though of {self:?}"))
    }
}

fn is_failed(after: &After) -> bool {
    matches!(after, After::Failed(..))
}

/// Is it removed because there is, now, no reason to keep it?
fn goes_anyway(state: &State, r: &Resource, event: &Event) -> bool {
    if !matches!(event, Event::ResourceDeleting(..)) {
        return false;
    }
    let (Some(pool), Some(site)) = (state.pools.get(&r.pool), r.site()) else {
        return true;
    };
    let newest = pool.spec.template().and_then(|t| state.template_named(t));
    let stale = newest.is_some_and(|t| t.id > site.template);
    let used = state.index.pools.get(&r.pool);
    let over = used.is_some_and(|u| u.total() > pool.spec.max);
    let host = state.hosts.get(&site.host);
    let lost = host.is_none_or(|h| h.lost || h.retiring || h.spec.drain);
    let evidence = r.state == ResourceState::Failed;
    stale || over || lost || evidence || pool.retiring
}
