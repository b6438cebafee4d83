//! Hosts by what may stand on them.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdSet;

use crate::host::Host;
use crate::id::{HostId, PoolId, ResourceId};
use crate::index::{Carrier, HostUse, Index};
use crate::resource::ResourceState;

/// A host with room for another resource, by how full it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its driver.
    pub driver: Arc<str>,
    /// Millionths of its capacity that are taken.
    pub load: u64,
    /// The host.
    pub host: HostId,
}

impl Place {
    fn new(driver: &Arc<str>, load: u64, host: u64) -> Self {
        Self {
            driver: driver.clone(),
            load,
            host: HostId(host),
        }
    }
}

/// Places of one driver, the emptiest first; of equals the oldest.
pub(crate) fn emptiest(places: &OrdSet<Place>, driver: &str) -> impl Iterator<Item = HostId> {
    let driver: Arc<str> = driver.into();
    let all = Place::new(&driver, 0, 0)..=Place::new(&driver, u64::MAX, u64::MAX);
    places.range(all).map(|p| p.host)
}

/// The same, the fullest first; of equals the oldest.
pub(crate) fn fullest(places: &OrdSet<Place>, driver: &str) -> impl Iterator<Item = HostId> {
    let driver: Arc<str> = driver.into();
    let mut end = Bound::Included(Place::new(&driver, u64::MAX, u64::MAX));
    let equals = std::iter::from_fn(move || {
        let start = Bound::Included(Place::new(&driver, 0, 0));
        let load = places.range((start, end.clone())).next_back()?.load;
        end = Bound::Excluded(Place::new(&driver, load, 0));
        let all = Place::new(&driver, load, 0)..=Place::new(&driver, load, u64::MAX);
        Some(places.range(all))
    });
    equals.flatten().map(|p| p.host)
}

impl Index {
    /// A host was declared, or declared differently; what stands on it stays.
    pub(crate) fn put_host(&mut self, before: Option<&Host>, host: &Host, mut fresh: HostUse) {
        if let Some(before) = before {
            self.link_host(before, false);
        }
        if let Some(old) = self.hosts.get(&host.id) {
            fresh.pools = old.pools.clone();
            fresh.outside = old.outside.clone();
            fresh.members = old.members;
        }
        self.hosts.insert(host.id, fresh);
        self.host_names.insert(host.name.clone(), host.id);
        self.link_host(host, true);
        let due = before.and_then(Host::due);
        self.move_due(Carrier::Host(host.id), due, host.due());
    }

    /// Something of a host changed, but not what its operator asks for.
    pub(crate) fn change_host(&mut self, before: &Host, host: &Host) {
        self.link_host(before, false);
        if let Some(u) = self.hosts.get_mut(&host.id) {
            for block in host.quarantined.difference(&before.quarantined) {
                u.blocks.take_exact(u128::from(*block), 1);
                u.quarantined.insert(*block);
            }
            u.follow(host);
        }
        self.link_host(host, true);
        self.move_due(Carrier::Host(host.id), before.due(), host.due());
    }

    /// A host is gone, and with it the last of what stood on it.
    pub(crate) fn remove_host(&mut self, host: &Host) {
        self.link_host(host, false);
        self.host_names.remove(&host.name);
        self.hosts.remove(&host.id);
        self.move_due(Carrier::Host(host.id), host.due(), None);
    }

    /// What a host means for the pools of its members, and its place; in or out.
    fn link_host(&mut self, host: &Host, present: bool) {
        let step = |n: &mut u32, by: u32| {
            *n = match present {
                true => *n + by,
                false => n.saturating_sub(by),
            }
        };
        let waits = host.backoffs.iter().filter(|(_, b)| b.until.is_some());
        for (pool, _) in waits {
            self.pool_use(*pool, |u| step(&mut u.backing_off, 1));
        }
        if host.spec.autofill {
            if present {
                self.autofill.insert(host.id);
            } else {
                self.autofill.remove(&host.id);
            }
        }
        let Some(u) = self.hosts.get(&host.id) else {
            return;
        };
        let (closed, lost) = (u.closed, u.lost);
        let pools = u.pools.iter().filter(|_| closed || lost);
        let pools: Vec<(PoolId, [u32; 9])> = pools.map(|(p, s)| (*p, *s)).collect();
        for (pool, states) in pools {
            if lost {
                let deleting = states[ResourceState::Deleting as usize];
                self.pool_use(pool, |u| step(&mut u.stranded, deleting));
            }
            if closed {
                let ready = u32::try_from(self.free_on(pool, host.id).count());
                let coming = ResourceState::COMING.map(|s| states[s as usize]);
                let all = ready.unwrap_or(u32::MAX) + coming.iter().sum::<u32>();
                self.pool_use(pool, |u| step(&mut u.closed, all));
            }
        }
        self.place(host.id, present);
    }

    /// The place of a host that takes another resource, in or out.
    fn place(&mut self, host: HostId, present: bool) {
        let Some(u) = self.hosts.get(&host) else {
            return;
        };
        if !u.open || u.members >= u.capacity {
            return;
        }
        let place = Place::new(&u.driver, u.load(), host.0);
        let sets = [Some(&mut self.places), u.fills.then_some(&mut self.fills)];
        for set in sets.into_iter().flatten() {
            if present {
                set.insert(place.clone());
            } else {
                set.remove(&place);
            }
        }
    }

    /// An outside cleaner took a member, or let go of it.
    pub(super) fn clean_outside(&mut self, pool: PoolId, host: Option<HostId>, takes: bool) {
        let step = |n: u32| if takes { n + 1 } else { n.saturating_sub(1) };
        self.pool_use(pool, |u| u.outside = step(u.outside));
        let Some(u) = host.and_then(|h| self.hosts.get_mut(&h)) else {
            return;
        };
        let n = u.outside.entry(pool).or_default();
        *n = step(*n);
        if *n == 0 {
            u.outside.remove(&pool);
        }
    }

    /// Members of a host for which its driver has something to do.
    pub fn attempts_on(&self, host: HostId) -> impl Iterator<Item = ResourceId> {
        let all = (host, ResourceId(0))..=(host, ResourceId(u64::MAX));
        self.attempts.range(all).map(|(_, id)| *id)
    }

    /// A resource came to a host, or is gone from it.
    pub(super) fn fill_host(&mut self, host: HostId, came: bool) {
        self.place(host, false);
        if let Some(u) = self.hosts.get_mut(&host) {
            u.members = match came {
                true => u.members + 1,
                false => u.members.saturating_sub(1),
            };
        }
        self.place(host, true);
    }
}
