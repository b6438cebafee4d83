//! `evolve`: applies an event. Total: it cannot fail and chooses nothing; an event about a noun
//! that is not there is a bug of `decide` or `settle` and asserted.

mod host;
mod lease;
mod resource;
mod user;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::event::{Event, Number};
use crate::host::Host;
use crate::id::{HostId, KeyId, LeaseId, PoolId, ResourceId};
use crate::index::{Carrier, Demand, Index, ResourceKeys};
use crate::lease::Lease;
use crate::outcome::OutcomeKey;
use crate::planted;
use crate::pool::Pool;
use crate::resource::{Origin, Resource};
use crate::settle::queue::builder;
use crate::state::{State, Work};
use crate::time::Time;

/// Applies one event and gives it its number.
pub fn evolve(state: &mut State, event: &Event) -> Number {
    let number = state.next;
    match event {
        Event::PoolDeclared(pool) => state.put_pool(pool),
        Event::PoolRetiring(id) => {
            state.pool(id, |p| p.retiring = true);
            state.choose_builders();
            state.work.insert(Work::PoolMembers(*id, ResourceId(0)));
            state.work.insert(Work::Recheck(Some(*id), None));
            state.work.insert(Work::Pool(*id));
            state.look_at_open_demand();
        }
        Event::PoolProven(id, template) => state.pool(id, |p| p.proven = Some(*template)),
        Event::PoolGone(id) => {
            if let Some(pool) = state.pools.remove(id) {
                state.index.pool_names.remove(&pool.name);
                state.forget_pool(*id);
            }
        }
        Event::HostDeclared(_)
        | Event::HostSeen(_)
        | Event::HostUnseen(..)
        | Event::HostLost(_)
        | Event::HostRetiring { .. }
        | Event::HostBackoff { .. }
        | Event::HostBackoffOver(..)
        | Event::HostRecovered(..)
        | Event::HostQuarantined(..)
        | Event::HostGone(_) => host::evolve(state, event),
        Event::TemplateRevised(t) => {
            state.count(t.id.0);
            state.index.templates.insert((t.name.clone(), t.id));
            let mut row = (**t).clone();
            row.changed = number;
            state.templates.insert(t.id, Arc::new(row));
            state.look_at_pools_of(&t.name);
        }
        Event::TemplateGone(id) => {
            if let Some(t) = state.templates.remove(id) {
                state.index.templates.remove(&(t.name.clone(), *id));
            }
        }
        Event::KeyMade(key) => {
            state.count(key.id.0);
            if let Some(old) = state.keys.get(&key.id) {
                state.index.key_hashes.remove(&old.hash);
            }
            state.index.key_names.insert(key.name.clone(), key.id);
            state.index.key_hashes.insert(key.hash, key.id);
            let mut row = (**key).clone();
            row.changed = number;
            state.keys.insert(key.id, Arc::new(row));
        }
        Event::KeyGone(id) => {
            if let Some(key) = state.keys.remove(id) {
                state.index.key_names.remove(&key.name);
                state.index.key_hashes.remove(&key.hash);
            }
            state.choose_builders();
            state.look_at_open_demand();
        }
        Event::QuotaSet(quota) => {
            state.count(quota.id.0);
            state
                .index
                .quota_owners
                .insert(quota.owner.clone(), quota.id);
            let mut row = (**quota).clone();
            row.changed = number;
            state.quotas.insert(quota.id, Arc::new(row));
        }
        Event::QuotaGone(id) => {
            if let Some(quota) = state.quotas.remove(id) {
                state.index.quota_owners.remove(&quota.owner);
            }
        }
        Event::WebhookDeclared(webhook) => {
            state.count(webhook.id.0);
            let named = (webhook.name.clone(), webhook.id);
            state.index.webhook_names.insert(named.0, named.1);
            let mut row = (**webhook).clone();
            row.changed = number;
            if row.since == Number::default() {
                row.since = number;
            }
            state.webhooks.insert(webhook.id, Arc::new(row));
        }
        Event::WebhookGone(id) => {
            if let Some(webhook) = state.webhooks.remove(id) {
                state.index.webhook_names.remove(&webhook.name);
            }
        }
        Event::UserSet(_) | Event::UserSignedIn(..) | Event::UserGone(_) => {
            user::evolve(state, event);
        }
        Event::OutcomeKept(outcome) => {
            state.index.link_outcome(outcome, true);
            state
                .outcomes
                .insert(outcome.at.clone(), Arc::new((**outcome).clone()));
            state.bound_outcomes(outcome.at.by);
        }
        Event::OutcomeForgotten(at) => {
            if let Some(outcome) = state.outcomes.remove(at) {
                state.index.link_outcome(&outcome, false);
            }
        }
        Event::LeaseImported(past) => state.count(past.id.0),
        Event::LeaseWaiting(_)
        | Event::LeaseGranted { .. }
        | Event::LeaseMet { .. }
        | Event::LeaseActive(_)
        | Event::LeaseRenewed(..)
        | Event::LeasePolled(..)
        | Event::LeaseReduced(..)
        | Event::LeaseSwapped { .. }
        | Event::LeaseFlagged(..)
        | Event::LeaseGiven(..)
        | Event::LeaseShared(..)
        | Event::LeaseNoted(..)
        | Event::LeaseEnded { .. } => lease::evolve(state, event),
        _ => resource::evolve(state, event),
    }
    state.next.index += 1;
    number
}

impl State {
    /// A number was given out.
    fn count(&mut self, n: u64) {
        self.counter = self.counter.max(n);
    }

    fn pool(&mut self, id: &PoolId, f: impl FnOnce(&mut Pool)) {
        let changed = self.next;
        let Some(pool) = self.pools.edit(id) else {
            return debug_assert!(false, "no {id}");
        };
        f(pool);
        pool.changed = changed;
        self.work.insert(Work::Pool(*id));
    }

    fn put_pool(&mut self, pool: &Pool) {
        self.count(pool.id.0);
        let reindex = self.pools.get(&pool.id).is_some_and(|old| {
            old.spec.pick != pool.spec.pick || old.spec.indexed != pool.spec.indexed
        });
        let looks = self.pools.get(&pool.id).is_some_and(|old| {
            old.spec.recycle.class != pool.spec.recycle.class
                || old.spec.visibility.owners != pool.spec.visibility.owners
                || old.spec.on_bad != pool.spec.on_bad
        });
        let lighter = |old: &Arc<Pool>| old.spec.needs != pool.spec.needs;
        if self.pools.get(&pool.id).is_some_and(lighter) {
            self.wake_hungry();
        }
        if looks {
            self.work.insert(Work::PoolMembers(pool.id, ResourceId(0)));
        }
        let members: Vec<ResourceId> = if reindex {
            self.members_of(pool.id).collect()
        } else {
            vec![]
        };
        for id in &members {
            self.relink(*id, false);
        }
        self.index.pool_names.insert(pool.name.clone(), pool.id);
        let mut row = pool.clone();
        row.changed = self.next;
        self.pools.insert(pool.id, Arc::new(row));
        self.hungry.remove(&pool.id);
        self.choose_builders();
        for id in &members {
            self.relink(*id, true);
        }
        self.work.insert(Work::Recheck(Some(pool.id), None));
        self.work.insert(Work::Pool(pool.id));
        self.look_at_open_demand();
    }

    /// Every member of a pool, slices included.
    pub fn members_of(&self, pool: PoolId) -> impl Iterator<Item = ResourceId> {
        let all = (pool, ResourceId(0))..=(pool, ResourceId(u64::MAX));
        self.index.members.range(all).map(|(_, id)| *id)
    }

    /// Takes a member's keys out of the index, or puts them back, when its pool's order changes.
    fn relink(&mut self, id: ResourceId, present: bool) {
        let Some(r) = self.resources.get(&id).cloned() else {
            return;
        };
        let pool = self.pools.get(&r.pool).map(Arc::as_ref);
        let keys = ResourceKeys::of(&r, pool);
        let (before, after) = if present {
            (None, Some(&keys))
        } else {
            (Some(&keys), None)
        };
        self.index.move_resource(&r, pool, before, after);
    }

    /// A host may have room now for pools that found none.
    fn wake_hungry(&mut self) {
        let hungry = std::mem::take(&mut self.hungry);
        self.work.extend(hungry.into_keys().map(Work::Pool));
    }

    /// Of a pool that is gone nothing stays behind.
    fn forget_pool(&mut self, id: PoolId) {
        self.hungry.remove(&id);
        self.throttled.retain(|(pool, _)| *pool != id);
        let failed = |h: &&Arc<Host>| h.backoffs.contains_key(&id);
        let hosts: Vec<HostId> = self.hosts.values().filter(failed).map(|h| h.id).collect();
        for host in hosts {
            self.host(host, |h| {
                h.backoffs.remove(&id);
            });
        }
    }

    /// Pools, or who sees them, changed.
    fn choose_builders(&mut self) {
        let (pools, keys) = (&self.pools, &self.keys);
        self.index.choose_builders(&|d| builder(pools, keys, d));
    }

    fn look_at_built_pools(&mut self) {
        let built = self.pools.values().filter(|p| p.spec.template().is_some());
        self.work.extend(built.map(|p| Work::Pool(p.id)));
        self.hungry.clear();
    }

    /// Another pool may have to build for those who name none.
    fn look_at_open_demand(&mut self) {
        if self
            .index
            .waiting
            .get_min()
            .is_some_and(|(p, _)| p.is_none())
        {
            self.look_at_built_pools();
            self.work.insert(Work::Recheck(None, None));
        }
    }

    /// What is gone or described differently may have been somebody's hope. Slices and built ones
    /// are not: more of them can be made.
    fn fewer(&mut self, r: &Resource) {
        if matches!(r.origin, Origin::Declared | Origin::Divisible(_)) {
            self.work.insert(Work::Recheck(Some(r.pool), None));
            self.work.insert(Work::Recheck(None, None));
        }
    }

    fn look_at_pools_of(&mut self, template: &crate::name::Name) {
        let of = |p: &&Arc<Pool>| p.spec.template() == Some(template);
        let pools: Vec<PoolId> = self.pools.values().filter(of).map(|p| p.id).collect();
        for pool in pools {
            self.hungry.remove(&pool);
            self.work.insert(Work::Pool(pool));
        }
    }

    /// Changes a resource and moves what the index knows of it.
    fn resource(&mut self, id: ResourceId, f: impl FnOnce(&mut Resource, Time)) {
        let (changed, now) = (self.next, self.now);
        let Some(r) = self.resources.edit(&id) else {
            return debug_assert!(false, "no {id}");
        };
        let pool = self.pools.get(&r.pool).map(Arc::as_ref);
        let before = ResourceKeys::of(r, pool);
        f(r, now);
        r.changed = changed;
        let after = ResourceKeys::of(r, pool);
        self.index
            .move_resource(r, pool, Some(&before), Some(&after));
        let creating = crate::resource::ResourceState::Creating;
        if before.is(creating) && !after.is(creating) {
            // After a failure one build at a time tries: there may be room for the next.
            self.hungry.remove(&r.pool);
        }
        look_at(&mut self.work, &self.index, r, pool);
    }

    fn insert_resource(&mut self, resource: &Resource) {
        self.count(resource.id.0);
        self.count(resource.fence.0);
        let mut row = resource.clone();
        row.changed = self.next;
        self.index.link_resource(&row, true);
        let pool = self.pools.get(&row.pool).map(Arc::as_ref);
        self.index
            .move_resource(&row, pool, None, Some(&ResourceKeys::of(&row, pool)));
        look_at(&mut self.work, &self.index, &row, pool);
        self.resources.insert(row.id, Arc::new(row));
    }

    fn remove_resource(&mut self, id: ResourceId) {
        let Some(r) = self.resources.remove(&id) else {
            return debug_assert!(false, "no {id}");
        };
        let pool = self.pools.get(&r.pool).map(Arc::as_ref);
        self.index
            .move_resource(&r, pool, Some(&ResourceKeys::of(&r, pool)), None);
        self.index.link_resource(&r, false);
        if let Some(parent) = r.parent() {
            self.work.insert(Work::Offer(parent));
            self.work.insert(Work::Resource(parent));
        }
        if let Some(rank) = r.earmark {
            self.lease(rank.lease, |l| l.earmarks.retain(|e| e.resource != id));
        }
        if let Some(site) = r.site() {
            self.work.insert(Work::Host(site.host));
            self.wake_hungry();
        }
        self.work.insert(Work::Pool(r.pool));
        self.fewer(&r);
    }

    /// Changes a lease and moves what the index knows of it.
    fn lease(&mut self, id: LeaseId, f: impl FnOnce(&mut Lease)) {
        let changed = self.next;
        let Some(l) = self.leases.edit(&id) else {
            return debug_assert!(false, "no {id}");
        };
        let before = l.due();
        let builder = |d: &Demand| builder(&self.pools, &self.keys, d);
        self.index.link_lease(l, false, &builder);
        f(l);
        l.changed = changed;
        self.index.link_lease(l, true, &builder);
        self.index.move_due(Carrier::Lease(id), before, l.due());
        self.work.insert(Work::Lease(id));
    }

    fn insert_lease(&mut self, lease: &Lease) {
        self.count(lease.id.0);
        self.count(lease.fence.0);
        let mut row = lease.clone();
        row.changed = self.next;
        let builder = |d: &Demand| builder(&self.pools, &self.keys, d);
        self.index.link_lease(&row, true, &builder);
        self.index.move_due(Carrier::Lease(row.id), None, row.due());
        for item in row.items.iter().filter_map(|i| i.pool) {
            if row.state == crate::lease::LeaseState::Waiting {
                self.work.insert(Work::Pool(item));
            }
        }
        // What somebody before it has yet to take of what is free it was not given; nor what he leaves.
        let behind = matches!(self.work.first(), Some(Work::Lease(_)));
        if behind || row.items.iter().any(|i| i.pool.is_none()) {
            self.work.insert(Work::Lease(row.id));
        }
        self.leases.insert(row.id, Arc::new(row));
    }

    /// An outcome lives as long as its lease and a day after.
    fn end_outcomes(&mut self, lease: LeaseId, until: Time) {
        let from = (
            lease,
            OutcomeKey {
                by: KeyId(0),
                key: "".into(),
            },
        );
        let keys: Vec<OutcomeKey> = self
            .index
            .lease_outcomes
            .range(from..)
            .take_while(|(l, _)| *l == lease)
            .map(|(_, k)| k.clone())
            .collect();
        for key in keys {
            let Some(o) = self.outcomes.edit(&key) else {
                continue;
            };
            self.index.link_outcome(o, false);
            o.until = Some(until);
            self.index.link_outcome(o, true);
            self.bound_outcomes(key.by);
        }
    }

    /// Has `settle` look at the outcomes of somebody if more outlived their lease than are kept.
    pub(crate) fn bound_outcomes(&mut self, by: KeyId) {
        if self.outcomes_over(by) > 0 {
            self.work.insert(Work::Outcomes(by));
        }
    }
}

/// Notes what `settle` has to look at after a resource changed.
fn look_at(work: &mut BTreeSet<Work>, index: &Index, r: &Resource, pool: Option<&Pool>) {
    use crate::resource::ResourceState::{Dirty, Free, Leased};
    let built = r.site().map(|s| s.host);
    match r.state {
        Free if !index.waiters.is_empty() && r.earmark.is_none() && !planted!(LostWakeUp) => {
            work.insert(Work::Offer(r.id));
        }
        _ => {}
    }
    let ill = r.health != crate::resource::Health::Well;
    if built.is_some() || r.state == Dirty || ill || pool.is_some_and(|p| p.retiring) {
        work.insert(Work::Resource(r.id));
    }
    let Some(host) = built else { return };
    work.insert(Work::Host(host));
    if r.state != Leased || r.lease.is_some() {
        work.insert(Work::Pool(r.pool));
    }
}
