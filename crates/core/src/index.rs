//! Every way to find something quickly, all of it derived from the tables: `Index::of` recomputes
//! the whole, and the simulation compares.

mod count;
mod demand;
mod free;
mod host;
mod member;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::attribute::Value;
use crate::id::{
    HostId, KeyId, LeaseId, PoolId, QuotaId, ResourceId, TemplateId, UserId, WebhookId,
};
use crate::lease::{Lease, LeaseState, Rank};
use crate::name::{Name, Owner, ResourceName};
use crate::outcome::{Outcome, OutcomeKey};
use crate::pool::Pool;
use crate::resource::{Make, Origin, Resource, ResourceState};
use crate::selector::lookup;
use crate::space::Space;
use crate::time::Time;

pub use count::{HostUse, OwnerUse, PoolUse};
pub(crate) use demand::Builder;
pub use demand::{Demand, Open};
pub use free::FreeKey;
pub use host::Place;
pub(crate) use host::{emptiest, fullest};
pub(crate) use member::ResourceKeys;

/// Derived from the tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    /// Pools by name.
    pub pool_names: OrdMap<Name, PoolId>,
    /// Hosts by name.
    pub host_names: OrdMap<Name, HostId>,
    /// Keys by name.
    pub key_names: OrdMap<Name, KeyId>,
    /// Keys by the hash of their secret.
    pub key_hashes: OrdMap<[u8; 32], KeyId>,
    /// Quotas by owner.
    pub quota_owners: OrdMap<Owner, QuotaId>,
    /// Webhooks by name.
    pub webhook_names: OrdMap<Name, WebhookId>,
    /// Users by name.
    pub user_names: OrdMap<Owner, UserId>,
    /// Revisions by template; the last is the newest.
    pub templates: OrdSet<(Name, TemplateId)>,
    /// Number of resources made of each revision.
    pub revision_uses: OrdMap<TemplateId, u32>,
    /// Resources by name.
    pub resource_names: OrdMap<(PoolId, ResourceName), ResourceId>,
    /// Ready and kept for nobody, in the pool's pick order, grouped by host.
    pub free: OrdSet<FreeKey>,
    /// Built ones of them by what they are made of.
    pub makes: OrdSet<(PoolId, Make, ResourceId)>,
    /// The same by indexed attribute: position in the pool's list, value.
    pub postings: OrdSet<(PoolId, u8, Value, FreeKey)>,
    /// Kept for a waiter.
    pub earmarks: OrdSet<(PoolId, Rank, ResourceId)>,
    /// Whoever has something due, once, with when.
    pub deadlines: OrdSet<(Time, Carrier)>,
    /// Members of pools.
    pub members: OrdSet<(PoolId, ResourceId)>,
    /// Those of them that are not free, by state.
    pub busy: OrdSet<(PoolId, ResourceState, ResourceId)>,
    /// Built resources by host, pool and state.
    pub placed: OrdSet<(HostId, PoolId, ResourceState, ResourceId)>,
    /// Built ones for which a driver has something to do, by host.
    pub attempts: OrdSet<(HostId, ResourceId)>,
    /// Counts per pool.
    pub pools: OrdMap<PoolId, PoolUse>,
    /// What is in use of each host.
    pub hosts: OrdMap<HostId, HostUse>,
    /// Hosts that take another resource, by driver, the emptiest first.
    pub places: OrdSet<Place>,
    /// Those of them that are filled to their capacity.
    pub fills: OrdSet<Place>,
    /// Hosts that are filled, whether they take another one or not.
    pub autofill: OrdSet<HostId>,
    /// Divisible resources with what is free of them.
    pub spaces: OrdMap<ResourceId, Space>,
    /// Divisible resources by pool.
    pub divisible: OrdSet<(PoolId, ResourceId)>,
    /// The queue.
    pub waiters: OrdSet<Rank>,
    /// The queue by pool of unmet items; `None` stands for items that name no pool.
    pub waiting: OrdSet<(Option<PoolId>, Rank)>,
    /// The same by what they lack, slices apart.
    pub lacking: OrdSet<(Arc<Demand>, Rank)>,
    /// What is lacked by those who name no pool.
    pub open: OrdMap<Arc<Demand>, Open>,
    /// Live and waiting leases by owner.
    pub owner_leases: OrdSet<(Owner, LeaseId)>,
    /// What each owner has and asks for.
    pub owners: OrdMap<Owner, OwnerUse>,
    /// Live leases by owner and slot.
    pub slots: OrdMap<(Owner, Box<str>), LeaseId>,
    /// Outcomes by the lease they live with.
    pub lease_outcomes: OrdSet<(LeaseId, OutcomeKey)>,
    /// Outcomes that will be forgotten, by principal, first to go first.
    pub outcome_ends: OrdSet<(KeyId, Time, OutcomeKey)>,
    /// Number of those, by principal.
    pub outcome_counts: OrdMap<KeyId, u32>,
    /// Leases without a deadline.
    pub endless: OrdSet<LeaseId>,
}

/// Whoever has something due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// A resource.
    Resource(ResourceId),
    /// A lease.
    Lease(LeaseId),
    /// A host.
    Host(HostId),
    /// An outcome.
    Outcome(OutcomeKey),
}

impl Index {
    /// What of a member changed: moves just that.
    pub(crate) fn move_resource(
        &mut self,
        r: &Resource,
        pool: Option<&Pool>,
        before: Option<&ResourceKeys>,
        after: Option<&ResourceKeys>,
    ) {
        let state = |k: Option<&ResourceKeys>| k.map(|k| k.state);
        self.count(r, state(before), state(after));
        let comes = (before.is_none(), after.is_some());
        if let (Some(site), (true, came @ true) | (false, came @ false)) = (r.site(), comes) {
            self.fill_host(site.host, came);
        }
        let free = |k: Option<&ResourceKeys>| k.and_then(|k| k.free);
        if free(before) != free(after) {
            if let Some(key) = free(before) {
                self.free.remove(&key);
                if let Some(site) = r.site() {
                    self.makes.remove(&(r.pool, site.make(), r.id));
                    self.close(site.host, r.pool, false);
                }
                self.post(r, pool, key, false);
            }
            if let Some(key) = free(after) {
                self.free.insert(key);
                if let Some(site) = r.site() {
                    self.makes.insert((r.pool, site.make(), r.id));
                    self.close(site.host, r.pool, true);
                }
                self.post(r, pool, key, true);
            }
        }
        let earmark = |k: Option<&ResourceKeys>| k.and_then(|k| k.earmark);
        if earmark(before) != earmark(after) {
            if let Some(rank) = earmark(before) {
                self.earmarks.remove(&(r.pool, rank, r.id));
                self.pool_use(r.pool, |u| u.earmarked -= 1);
            }
            if let Some(rank) = earmark(after) {
                self.earmarks.insert((r.pool, rank, r.id));
                self.pool_use(r.pool, |u| u.earmarked += 1);
            }
        }
        let whole = !matches!(r.origin, Origin::Slice(_));
        let resting = |k: Option<&ResourceKeys>| k.is_some_and(|k| k.resting) && whole;
        match (resting(before), resting(after)) {
            (false, true) => self.pool_use(r.pool, |u| u.resting += 1),
            (true, false) => self.pool_use(r.pool, |u| u.resting -= 1),
            _ => {}
        }
        let open = |k: Option<&ResourceKeys>| k.is_some_and(|k| k.open);
        if let (Some(site), true) = (r.site(), open(before) != open(after)) {
            match open(after) {
                true => self.attempts.insert((site.host, r.id)),
                false => self.attempts.remove(&(site.host, r.id)),
            };
        }
        let outside = |k: Option<&ResourceKeys>| k.is_some_and(|k| k.outside);
        if outside(before) != outside(after) {
            self.clean_outside(r.pool, r.site().map(|s| s.host), outside(after));
        }
        self.move_due(
            Carrier::Resource(r.id),
            before.and_then(|k| k.due),
            after.and_then(|k| k.due),
        );
    }

    /// Once per life of a resource: what its coming and going means.
    pub(crate) fn link_resource(&mut self, r: &Resource, present: bool) {
        let name = (r.pool, r.doc.name.clone());
        if present {
            self.resource_names.insert(name, r.id);
        } else {
            self.resource_names.remove(&name);
        }
        match &r.origin {
            Origin::Declared => {}
            Origin::Divisible(space) => {
                if present {
                    self.spaces.insert(r.id, Space::clone(space));
                    self.divisible.insert((r.pool, r.id));
                } else {
                    self.spaces.remove(&r.id);
                    self.divisible.remove(&(r.pool, r.id));
                }
            }
            Origin::Slice(cut) => {
                if let Some(space) = self.spaces.get_mut(&cut.parent) {
                    let _ = if present {
                        space.take(&cut.part)
                    } else {
                        space.put(&cut.part)
                    };
                }
            }
            Origin::Built(site) => {
                let uses = self.revision_uses.get(&site.template).copied().unwrap_or(0);
                match (present, uses) {
                    (true, n) => {
                        self.revision_uses.insert(site.template, n + 1);
                    }
                    (false, 0 | 1) => {
                        self.revision_uses.remove(&site.template);
                    }
                    (false, n) => {
                        self.revision_uses.insert(site.template, n - 1);
                    }
                }
                if let Some(host) = self.hosts.get_mut(&site.host) {
                    let back = site.block.filter(|n| !host.quarantined.contains(n));
                    let block = if present { site.block } else { back };
                    let pairs = [(&mut host.blocks, block), (&mut host.subnets, site.subnet)];
                    for (set, n) in pairs {
                        let Some(n) = n else { continue };
                        if present {
                            set.take_exact(u128::from(n), 1);
                        } else {
                            let _ = set.put(u128::from(n), 1);
                        }
                    }
                }
            }
        }
    }

    /// A member went from one state to another; from none, or to none, as it comes and goes.
    fn count(&mut self, r: &Resource, before: Option<ResourceState>, after: Option<ResourceState>) {
        if before == after {
            return;
        }
        let slice = r.parent().is_some();
        self.pool_use(r.pool, |u| {
            let both = [(before, false), (after, true)];
            for (state, up) in both.into_iter().filter_map(|(s, up)| Some((s?, up))) {
                let n = match slice {
                    true => &mut u.slices,
                    false => &mut u.states[state as usize],
                };
                *n = if up { *n + 1 } else { n.saturating_sub(1) };
            }
        });
        // A lease moves nothing in what lists every member.
        match (before, after) {
            (None, Some(_)) => drop(self.members.insert((r.pool, r.id))),
            (Some(_), None) => drop(self.members.remove(&(r.pool, r.id))),
            _ => {}
        }
        if let Some(state) = before {
            if state != ResourceState::Free {
                self.busy.remove(&(r.pool, state, r.id));
            }
            self.count_on_host(r, state, false);
        }
        if let Some(state) = after {
            if state != ResourceState::Free {
                self.busy.insert((r.pool, state, r.id));
            }
            self.count_on_host(r, state, true);
        }
    }

    fn count_on_host(&mut self, r: &Resource, state: ResourceState, up: bool) {
        let Some(site) = r.site() else { return };
        let step = |n: &mut u32| *n = if up { *n + 1 } else { n.saturating_sub(1) };
        let place = (site.host, r.pool, state, r.id);
        if up {
            self.placed.insert(place);
        } else {
            self.placed.remove(&place);
        }
        let Some(host) = self.hosts.get_mut(&site.host) else {
            return;
        };
        let states = host.pools.entry(r.pool).or_default();
        step(&mut states[state as usize]);
        if states.iter().all(|n| *n == 0) {
            host.pools.remove(&r.pool);
        }
        if host.lost && state == ResourceState::Deleting {
            self.pool_use(r.pool, |u| step(&mut u.stranded));
        }
        if ResourceState::COMING.contains(&state) {
            self.close(site.host, r.pool, up);
        }
    }

    /// A member is ready or on its way on a host of which nothing is granted, or is not any more.
    fn close(&mut self, host: HostId, pool: PoolId, up: bool) {
        if self.hosts.get(&host).is_some_and(|u| u.closed) {
            let step = |n: u32| if up { n + 1 } else { n.saturating_sub(1) };
            self.pool_use(pool, |u| u.closed = step(u.closed));
        }
    }

    pub(crate) fn post(&mut self, r: &Resource, pool: Option<&Pool>, key: FreeKey, present: bool) {
        let Some(pool) = pool else { return };
        for (i, attribute) in pool.spec.indexed.iter().enumerate() {
            let found = lookup(attribute, &r.doc.attributes, &r.doc.labels);
            let Some(value) = found.map(|v| v.to_value()) else {
                continue;
            };
            let Ok(i) = u8::try_from(i) else { return };
            let posting = (r.pool, i, value, key);
            if present {
                self.postings.insert(posting);
            } else {
                self.postings.remove(&posting);
            }
        }
    }

    fn pool_use(&mut self, pool: PoolId, f: impl FnOnce(&mut PoolUse)) {
        recount(&mut self.pools, &pool, f);
    }

    pub(crate) fn move_due(&mut self, carrier: Carrier, before: Option<Time>, after: Option<Time>) {
        if before == after {
            return;
        }
        if let Some(t) = before {
            self.deadlines.remove(&(t, carrier.clone()));
        }
        if let Some(t) = after {
            self.deadlines.insert((t, carrier));
        }
    }

    /// Everything of a lease, in or out; `due` apart.
    pub(crate) fn link_lease(&mut self, l: &Lease, present: bool, builder: Builder<'_>) {
        self.link_demand(l, present, builder);
        let waiting = l.state == LeaseState::Waiting;
        let step = |n: &mut u32, by: u32| {
            *n = if present {
                *n + by
            } else {
                n.saturating_sub(by)
            }
        };
        recount(&mut self.owners, &l.owner, |u| {
            u.change(&OwnerUse::of(l), present)
        });
        let mut sets = vec![];
        if waiting {
            for (i, item) in l.items.iter().enumerate() {
                let unmet = l.unmet(i);
                if let (Some(pool), true) = (item.pool, unmet > 0) {
                    self.pool_use(pool, |u| step(&mut u.unmet, unmet));
                }
            }
            for pool in l.unmet_pools() {
                sets.push(pool);
                if let Some(pool) = pool {
                    self.pool_use(pool, |u| step(&mut u.waiting, 1));
                }
            }
        }
        let own = (l.owner.clone(), l.id);
        let slot = l.slot.clone().map(|s| (l.owner.clone(), s));
        let endless = !waiting && l.deadline.is_none();
        if present {
            self.owner_leases.insert(own);
            for pool in sets {
                self.waiting.insert((pool, l.rank()));
            }
            if waiting {
                self.waiters.insert(l.rank());
            }
            if let Some(slot) = slot {
                self.slots.insert(slot, l.id);
            }
            if endless {
                self.endless.insert(l.id);
            }
        } else {
            self.owner_leases.remove(&own);
            for pool in sets {
                self.waiting.remove(&(pool, l.rank()));
            }
            self.waiters.remove(&l.rank());
            if let Some(slot) = slot {
                self.slots.remove(&slot);
            }
            self.endless.remove(&l.id);
        }
    }

    pub(crate) fn link_outcome(&mut self, o: &Outcome, present: bool) {
        let at = &o.at;
        let live = o
            .lease
            .filter(|_| o.until.is_none())
            .map(|l| (l, at.clone()));
        let ends = o.until.map(|t| (at.by, t, at.clone()));
        if present {
            if let Some(live) = live {
                self.lease_outcomes.insert(live);
            }
            if let Some(ends) = ends
                && self.outcome_ends.insert(ends).is_none()
            {
                *self.outcome_counts.entry(at.by).or_default() += 1;
            }
        } else {
            if let Some(live) = live {
                self.lease_outcomes.remove(&live);
            }
            if let Some(ends) = ends
                && self.outcome_ends.remove(&ends).is_some()
            {
                let n = self.outcome_counts.get(&at.by).copied().unwrap_or(0);
                if n > 1 {
                    self.outcome_counts.insert(at.by, n - 1);
                } else {
                    self.outcome_counts.remove(&at.by);
                }
            }
        }
        let (before, after) = if present {
            (None, o.until)
        } else {
            (o.until, None)
        };
        self.move_due(Carrier::Outcome(at.clone()), before, after);
    }
}

/// Changes what is counted of somebody. Where it is nothing it is not kept.
fn recount<K, U>(counts: &mut OrdMap<K, U>, whose: &K, f: impl FnOnce(&mut U))
where
    K: Clone + Ord,
    U: Clone + Default + PartialEq,
{
    let Some(counted) = counts.get_mut(whose) else {
        let mut counted = U::default();
        f(&mut counted);
        if counted != U::default() {
            counts.insert(whose.clone(), counted);
        }
        return;
    };
    f(counted);
    if *counted == U::default() {
        counts.remove(whose);
    }
}

#[cfg(test)]
mod tests;
