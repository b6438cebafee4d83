//! State: everything live, in memory. `evolve` is the only thing that changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::{OrdMap, Vector};

use crate::event::Number;
use crate::host::Host;
use crate::id::{
    HostId, KeyId, LeaseId, PoolId, QuotaId, ResourceId, TemplateId, UserId, WebhookId,
};
use crate::index::{Carrier, HostUse, Index, ResourceKeys};
use crate::key::Key;
use crate::lease::{Ended, Lease};
use crate::limits;
use crate::name::{Name, Owner};
use crate::outcome::{Outcome, OutcomeKey};
use crate::pool::Pool;
use crate::quota::Quota;
use crate::resource::{Make, Origin, Resource};
use crate::settle::queue::builder;
use crate::table::Table;
use crate::template::Template;
use crate::time::Time;
use crate::user::User;
use crate::webhook::Webhook;

/// All nouns, what is derived from them, and what `settle` has yet to look at.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Number of the next event; its revision is the batch's that is being made.
    pub(crate) next: Number,
    /// Ledger time of the batch that is being made, or of the last one.
    pub(crate) now: Time,
    /// The one counter behind every id and fence: the last number given out.
    pub(crate) counter: u64,
    /// Pools.
    pub pools: Table<PoolId, Pool>,
    /// Resources.
    pub resources: Table<ResourceId, Resource>,
    /// Leases that are waiting, preparing or active.
    pub leases: Table<LeaseId, Lease>,
    /// Hosts.
    pub hosts: Table<HostId, Host>,
    /// Template revisions.
    pub templates: Table<TemplateId, Template>,
    /// API keys.
    pub keys: Table<KeyId, Key>,
    /// Quotas.
    pub quotas: Table<QuotaId, Quota>,
    /// Webhooks.
    pub webhooks: Table<WebhookId, Webhook>,
    /// Users.
    pub users: Table<UserId, User>,
    /// Outcomes of idempotency keys.
    pub outcomes: Table<OutcomeKey, Outcome>,
    /// Short records of leases that ended in the last hour.
    pub(crate) ended: OrdMap<LeaseId, Arc<Ended>>,
    pub(crate) ended_order: Vector<Arc<Ended>>,
    /// Ways to find things.
    pub index: Index,
    /// What `settle` has yet to look at. Not part of what State *is*: after a load everything is
    /// looked at again.
    pub(crate) work: BTreeSet<Work>,
    /// Pools for whose members no host had room; looked at again when a host changes.
    /// Bookkeeping like `work`.
    pub(crate) hungry: BTreeMap<PoolId, Hunger>,
    /// Hosts whose members wait for their pool's build budget; looked at again when some of it is
    /// left. Bookkeeping like `work`.
    pub(crate) throttled: BTreeSet<(PoolId, HostId)>,
}

/// For what a pool found no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hunger {
    /// On the hosts that are filled.
    Fill,
    /// On any host.
    Demand,
}

/// A thing `settle` has to look at, in the order in which it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// A lease whose members or earmarks changed.
    Lease(LeaseId),
    /// A resource that became ready, or a divisible one of which something came back.
    Offer(ResourceId),
    /// Waiters of a pool (or of any), from this one on, of whom some may never be met.
    Recheck(Option<PoolId>, Option<crate::lease::Rank>),
    /// A pool whose numbers changed.
    Pool(PoolId),
    /// A host on which something may start.
    Host(HostId),
    /// Members of a host that was lost, came back, or changed, from this one on.
    HostMembers(HostId, ResourceId),
    /// Members of a pool that retires, recycles differently or is seen by others, from this one on.
    PoolMembers(PoolId, ResourceId),
    /// A resource whose health or readiness wants a decision.
    Resource(ResourceId),
    /// A principal of whom more outcomes are kept than may be.
    Outcomes(KeyId),
}

/// Equal in what it is; what was touched or is yet to be looked at is bookkeeping, and short
/// records past their hour count as gone.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.revision() == other.revision()
            && self.now == other.now
            && self.counter == other.counter
            && self.pools == other.pools
            && self.resources == other.resources
            && self.leases == other.leases
            && self.hosts == other.hosts
            && self.templates == other.templates
            && self.keys == other.keys
            && self.quotas == other.quotas
            && self.webhooks == other.webhooks
            && self.users == other.users
            && self.outcomes == other.outcomes
            && self.ended().eq(other.ended())
            && self.index == other.index
    }
}

/// Everything a store holds, for building a State from it.
#[derive(Debug, Default)]
pub struct Tables {
    /// Revision of the last batch.
    pub revision: u64,
    /// Its ledger time.
    pub now: Time,
    /// The one counter.
    pub counter: u64,
    /// Pools.
    pub pools: Vec<Pool>,
    /// Resources.
    pub resources: Vec<Resource>,
    /// Leases.
    pub leases: Vec<Lease>,
    /// Hosts.
    pub hosts: Vec<Host>,
    /// Template revisions.
    pub templates: Vec<Template>,
    /// API keys.
    pub keys: Vec<Key>,
    /// Quotas.
    pub quotas: Vec<Quota>,
    /// Webhooks.
    pub webhooks: Vec<Webhook>,
    /// Users.
    pub users: Vec<User>,
    /// Outcomes of idempotency keys.
    pub outcomes: Vec<Outcome>,
    /// Short records of ended leases, oldest first.
    pub ended: Vec<Ended>,
}

/// Members that are made of the same parameters share one text, as they did when they were planned.
fn share_parameters(tables: &mut Tables) {
    let of_pools = tables.pools.iter().filter_map(|p| p.spec.parameters());
    let mut texts: BTreeSet<Arc<str>> = of_pools.cloned().collect();
    for r in &mut tables.resources {
        if let Origin::Built(site) = &mut r.origin {
            let site = Arc::make_mut(site);
            match texts.get(&site.parameters) {
                Some(text) => site.parameters = text.clone(),
                None => drop(texts.insert(site.parameters.clone())),
            }
        }
    }
}

impl State {
    /// State as a store holds it. Everything is to be looked at once.
    pub fn load(mut tables: Tables) -> Self {
        share_parameters(&mut tables);
        let mut state = Self {
            next: Number {
                revision: tables.revision + 1,
                index: 0,
            },
            now: tables.now,
            counter: tables.counter,
            pools: Table::load(tables.pools.into_iter().map(|p| (p.id, p))),
            resources: Table::load(tables.resources.into_iter().map(|r| (r.id, r))),
            leases: Table::load(tables.leases.into_iter().map(|l| (l.id, l))),
            hosts: Table::load(tables.hosts.into_iter().map(|h| (h.id, h))),
            templates: Table::load(tables.templates.into_iter().map(|t| (t.id, t))),
            keys: Table::load(tables.keys.into_iter().map(|k| (k.id, k))),
            quotas: Table::load(tables.quotas.into_iter().map(|q| (q.id, q))),
            webhooks: Table::load(tables.webhooks.into_iter().map(|w| (w.id, w))),
            users: Table::load(tables.users.into_iter().map(|u| (u.id, u))),
            outcomes: Table::load(tables.outcomes.into_iter().map(|o| (o.at.clone(), o))),
            ..Self::default()
        };
        for ended in tables.ended {
            state.remember(ended);
        }
        state.index = state.indexed();
        state.look_at_everything();
        state
    }

    /// The index recomputed from the tables.
    pub fn indexed(&self) -> Index {
        let mut index = Index::default();
        for p in self.pools.values() {
            index.pool_names.insert(p.name.clone(), p.id);
        }
        for h in self.hosts.values() {
            index.put_host(None, h, HostUse::of(h));
        }
        for k in self.keys.values() {
            index.key_names.insert(k.name.clone(), k.id);
            index.key_hashes.insert(k.hash, k.id);
        }
        for q in self.quotas.values() {
            index.quota_owners.insert(q.owner.clone(), q.id);
        }
        for w in self.webhooks.values() {
            index.webhook_names.insert(w.name.clone(), w.id);
        }
        for u in self.users.values() {
            index.user_names.insert(u.name.clone(), u.id);
        }
        for t in self.templates.values() {
            index.templates.insert((t.name.clone(), t.id));
        }
        for r in self.resources.values() {
            let pool = self.pools.get(&r.pool).map(Arc::as_ref);
            index.link_resource(r, true);
            index.move_resource(r, pool, None, Some(&ResourceKeys::of(r, pool)));
        }
        for l in self.leases.values() {
            index.link_lease(l, true, &|d| builder(&self.pools, &self.keys, d));
            index.move_due(Carrier::Lease(l.id), None, l.due());
        }
        for o in self.outcomes.values() {
            index.link_outcome(o, true);
        }
        index
    }

    /// Starts the next batch. Ledger time never falls.
    pub fn begin(&mut self, now: Time) {
        self.next = Number {
            revision: self.revision() + 1,
            index: 0,
        };
        self.now = self.now.max(now);
    }

    /// Ends the batch: its revision is State's now, if anything happened in it.
    pub fn finish(&mut self) -> u64 {
        if self.next.index > 0 {
            self.next = Number {
                revision: self.next.revision + 1,
                index: 0,
            };
        }
        self.revision()
    }

    /// Revision of the last finished batch.
    pub fn revision(&self) -> u64 {
        self.next.revision.saturating_sub(1)
    }

    /// Ledger time of the last batch.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The last number given out as id or fence.
    pub fn counter(&self) -> u64 {
        self.counter
    }

    /// Raises the counter, so that every later id and fence is above `at_least`; for restore.
    pub fn raise_counter(&mut self, at_least: u64) {
        self.counter = self.counter.max(at_least);
    }

    /// The next thing that will be due.
    pub fn next_due(&self) -> Option<Time> {
        self.index.deadlines.get_min().map(|(t, _)| *t)
    }

    /// `settle` stopped at its work bound: another turn has to go on.
    pub fn has_work(&self) -> bool {
        !self.work.is_empty()
    }

    /// A pool by name.
    pub fn pool_named(&self, name: &Name) -> Option<&Arc<Pool>> {
        self.index
            .pool_names
            .get(name)
            .and_then(|id| self.pools.get(id))
    }

    /// A host by name.
    pub fn host_named(&self, name: &Name) -> Option<&Arc<Host>> {
        self.index
            .host_names
            .get(name)
            .and_then(|id| self.hosts.get(id))
    }

    /// The newest revision of a template.
    pub fn template_named(&self, name: &Name) -> Option<&Arc<Template>> {
        let ids = (name.clone(), TemplateId(0))..=(name.clone(), TemplateId(u64::MAX));
        self.index
            .templates
            .range(ids)
            .next_back()
            .and_then(|(_, id)| self.templates.get(id))
    }

    /// What members of a pool shall be made of: its template's newest revision, its parameters.
    pub fn make(&self, pool: &Pool) -> Option<Make> {
        let newest = self.template_named(pool.spec.template()?)?;
        Some(Make {
            template: newest.id,
            parameters: pool.spec.parameters()?.clone(),
        })
    }

    /// The key whose secret has this SHA-256. Whether it has expired is for the caller to see.
    pub fn key_hashed(&self, hash: &[u8; 32]) -> Option<&Arc<Key>> {
        self.index
            .key_hashes
            .get(hash)
            .and_then(|id| self.keys.get(id))
    }

    /// An owner's quota.
    pub fn quota_of(&self, owner: &Owner) -> Option<&Arc<Quota>> {
        self.index
            .quota_owners
            .get(owner)
            .and_then(|id| self.quotas.get(id))
    }

    /// A webhook by name.
    pub fn webhook_named(&self, name: &Name) -> Option<&Arc<Webhook>> {
        let id = self.index.webhook_names.get(name);
        id.and_then(|id| self.webhooks.get(id))
    }

    /// A user by name.
    pub fn user_named(&self, name: &Owner) -> Option<&Arc<User>> {
        let id = self.index.user_names.get(name);
        id.and_then(|id| self.users.get(id))
    }

    /// The short record of a lease that ended in the last hour.
    pub fn ended_lease(&self, id: LeaseId) -> Option<&Arc<Ended>> {
        self.ended
            .get(&id)
            .filter(|e| self.now.since(e.at) < limits::ENDED_KEPT_MS)
    }

    /// Short records of the last hour, oldest first.
    pub fn ended(&self) -> impl Iterator<Item = &Arc<Ended>> {
        let now = self.now;
        self.ended_order
            .iter()
            .filter(move |e| now.since(e.at) < limits::ENDED_KEPT_MS)
    }

    /// Keeps the short record of an ended lease. Old ones leave two at a time, so that an idle
    /// hour costs no single turn dearly.
    pub(crate) fn remember(&mut self, ended: Ended) {
        let ended = Arc::new(ended);
        self.ended.insert(ended.id, ended.clone());
        self.ended_order.push_back(ended);
        for _ in 0..2 {
            let Some(oldest) = self.ended_order.front() else {
                break;
            };
            let old = self.now.since(oldest.at) >= limits::ENDED_KEPT_MS;
            if !old && self.ended_order.len() <= limits::ENDED_KEPT_MAX {
                break;
            }
            self.ended.remove(&oldest.id);
            self.ended_order.pop_front();
        }
    }

    /// How many more outcomes of somebody have outlived their lease than are kept.
    pub(crate) fn outcomes_over(&self, by: KeyId) -> usize {
        let kept = self.index.outcome_counts.get(&by).copied().unwrap_or(0);
        (kept as usize).saturating_sub(limits::IDEMPOTENCY_PER_PRINCIPAL_MAX)
    }

    /// After a load nothing is known to be settled.
    fn look_at_everything(&mut self) {
        for rank in &self.index.waiters {
            self.work.insert(Work::Lease(rank.lease));
        }
        for l in self.leases.values() {
            self.work.insert(Work::Lease(l.id));
        }
        for p in self.pools.values() {
            self.work.insert(Work::Pool(p.id));
            if p.retiring {
                self.work.insert(Work::PoolMembers(p.id, ResourceId(0)));
            }
        }
        for h in self.hosts.values() {
            self.work.insert(Work::Host(h.id));
            self.work.insert(Work::HostMembers(h.id, ResourceId(0)));
        }
        for by in self.index.outcome_counts.clone().keys() {
            self.bound_outcomes(*by);
        }
    }
}
