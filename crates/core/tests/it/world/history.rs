//! What only shows between two States: a second State that is changed by the events alone, and
//! what must hold at each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use caviada_core::check::overtaken;
use caviada_core::check::table::{self, Why};
use caviada_core::event::{After, Event};
use caviada_core::evolve::evolve;
use caviada_core::id::{Fence, HostId, LeaseId, PoolId, ResourceId};
use caviada_core::lease::{End, Lease, LeaseState, Purpose, Rank};
use caviada_core::name::Name;
use caviada_core::pool::RecycleClass;
use caviada_core::quota::Quota;
use caviada_core::resource::{Origin, ResourceState};
use caviada_core::space::{Amount, Amounts, Part};
use caviada_core::state::State;

use super::event::{kind, lease, resources, why};
use super::fault::Fault;
use super::offer::kept_back;

/// A resource went from one state to another, for a reason, by an event; `None` is not there.
pub type Move = (
    Option<ResourceState>,
    Why,
    &'static str,
    Option<ResourceState>,
);
/// A lease did.
pub type LeaseMove = (Option<LeaseState>, &'static str, Option<LeaseState>);

/// Follows a ledger by its events.
#[derive(Debug, Default)]
pub struct History {
    pub shadow: State,
    /// What does not hold.
    pub wrong: Vec<String>,
    /// Moves of resources that were seen.
    pub moves: BTreeMap<Move, u64>,
    /// Moves of leases that were seen, but for their ends.
    pub lease_moves: BTreeMap<LeaseMove, u64>,
    /// How leases ended, from which state.
    pub ends: BTreeMap<(LeaseState, End), u64>,
    /// What something bad was just told of.
    fault: Option<Fault>,
    fence: Fence,
    /// Used and not cleaned since, with the attempt of then.
    used: BTreeMap<ResourceId, u64>,
}

impl History {
    fn says(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Applies one event of the batch that began, which came of this act if of any.
    pub fn event(&mut self, event: &Event, act: Option<&str>) {
        let kind = kind(event);
        let spreads = self
            .fault
            .and_then(|f| f.spreads(&self.shadow, event, kind));
        self.wrong.extend(spreads);
        let touched = resources(&self.shadow, event);
        let before: Vec<_> = touched
            .iter()
            .map(|id| {
                let r = self.shadow.resources.get(id);
                let why = r.map_or(Why::Comes, |r| why(&self.shadow, r, kind, act));
                (*id, r.map(|r| r.state), why)
            })
            .collect();
        let lease = lease(event);
        let lease_state = |s: &State| lease.and_then(|id| s.leases.get(&id)).map(|l| l.state);
        let lease_before = lease_state(&self.shadow);
        self.before(event);
        evolve(&mut self.shadow, event);
        for (id, from, why) in before {
            let to = self.shadow.resources.get(&id).map(|r| r.state);
            if !table::moves(from, kind, to) {
                self.says(format!("no table has {from:?} {kind} {to:?} (of {id})"));
            }
            *self.moves.entry((from, why, kind, to)).or_default() += 1;
        }
        if lease.is_some() {
            let to = lease_state(&self.shadow);
            if !table::lease_moves(lease_before, kind, to) {
                self.says(format!("no table has {lease_before:?} {kind} {to:?}"));
            }
            let seen = (lease_before, kind, to);
            *self.lease_moves.entry(seen).or_default() += 1;
        }
        self.after(event);
    }

    /// What one act did begins. `settled`: nothing was left to do before it, so all of it comes of
    /// the act.
    pub fn entry(&mut self, act: Option<&str>, events: &[Event], settled: bool) {
        let reported = matches!(act, Some("record" | "record_health" | "record_host"));
        self.fault = match reported && settled {
            true => Fault::told(events),
            false => None,
        };
    }

    fn before(&mut self, event: &Event) {
        match event {
            Event::LeaseGranted { lease, .. } => {
                if lease.purpose == Purpose::Use {
                    self.overtakes(lease);
                }
                self.granted(
                    lease.fence,
                    (lease.purpose, lease.rank()),
                    lease.members.iter().map(|m| m.resource).collect(),
                );
            }
            Event::LeaseMet { lease, fence, .. } => {
                let l = self.shadow.leases.get(lease).cloned();
                if let Some(l) = l {
                    self.granted(
                        *fence,
                        (l.purpose, l.rank()),
                        l.earmarks.iter().map(|e| e.resource).collect(),
                    );
                }
            }
            Event::LeaseSwapped {
                lease,
                out,
                after,
                member,
                fence,
                ..
            } => {
                let l = self.shadow.leases.get(lease).cloned();
                self.left(*out, after);
                if let Some(l) = l {
                    let to = (l.purpose, l.rank());
                    self.granted(*fence, to, vec![member.resource]);
                }
            }
            Event::LeaseReduced(_, resource, after) => self.left(*resource, after),
            Event::LeaseEnded {
                lease,
                end,
                members,
                ..
            } => {
                for (id, after) in members {
                    self.left(*id, after);
                }
                self.ended(*lease, *end);
            }
            Event::ResourceBuilt { resource, .. } | Event::ResourceCleaned { resource, .. } => {
                let attempt = self.shadow.resources.get(resource).map_or(0, |r| r.attempt);
                if self.used.get(resource).is_some_and(|used| attempt > *used) {
                    self.used.remove(resource);
                }
            }
            Event::ResourceGone(id) => {
                self.used.remove(id);
            }
            _ => {}
        }
    }

    /// 8: nobody before it in the queue lacks what it is given.
    fn overtakes(&mut self, lease: &Lease) {
        for m in &lease.members {
            if let Some(first) = overtaken(&self.shadow, m.resource, lease.rank()) {
                self.says(format!(
                    "8: {} overtakes {first} for {}",
                    lease.id, m.resource
                ));
            }
        }
    }

    /// 1, 2 and 3, and that each member was there to be granted.
    fn granted(&mut self, fence: Fence, to: (Purpose, Rank), members: Vec<ResourceId>) {
        let (purpose, rank) = to;
        if fence <= self.fence {
            self.says(format!("2: fence {fence} after {}", self.fence));
        }
        self.fence = fence;
        for id in members {
            let Some(r) = self.shadow.resources.get(&id).cloned() else {
                self.says(format!("1: {id} was granted and is not there"));
                continue;
            };
            if r.lease.is_some() {
                self.says(format!("1: {id} was granted while leased"));
            }
            if fence <= r.fence {
                self.says(format!("2: {id} was granted at {fence} after {}", r.fence));
            }
            let from = match purpose {
                Purpose::Use => ResourceState::Free,
                Purpose::Clean => ResourceState::Dirty,
            };
            if r.state != from {
                self.says(format!("1: {id} was granted while {}", r.state.as_str()));
            }
            let kept_back = kept_back(&self.shadow, &r, rank);
            if let Some(why) = kept_back.filter(|_| purpose == Purpose::Use) {
                self.says(format!("1: {id} was granted while {why}"));
            }
            if purpose == Purpose::Use && self.used.contains_key(&id) {
                self.says(format!("3: {id} was granted uncleaned"));
            }
        }
    }

    /// A lease lets go of a member: unless its pool keeps, it needs cleaning.
    fn left(&mut self, id: ResourceId, after: &After) {
        let Some(r) = self.shadow.resources.get(&id).cloned() else {
            return self.says(format!("1: {id} left a lease and is not there"));
        };
        let cleaned = matches!(after, After::Cleaned(_)) && r.state == ResourceState::Cleaning;
        let cleaned = cleaned
            || matches!(after, After::Withheld(w) if w.clean) && r.state == ResourceState::Cleaning;
        let keeps = self
            .shadow
            .pools
            .get(&r.pool)
            .is_some_and(|p| p.spec.recycle.class == RecycleClass::Keep);
        if cleaned || (keeps && r.state == ResourceState::Leased) {
            self.used.remove(&id);
        } else {
            self.used.insert(id, r.attempt);
        }
    }

    /// 7: nothing expires early.
    fn ended(&mut self, id: LeaseId, end: End) {
        let now = self.shadow.now();
        let Some(l) = self.shadow.leases.get(&id).cloned() else {
            return self.says(format!("{id} ended and is not there"));
        };
        *self.ends.entry((l.state, end)).or_default() += 1;
        if !table::ENDS
            .iter()
            .any(|(s, e)| *s == l.state && e.contains(&end))
        {
            self.says(format!("no table has {:?} ended {}", l.state, end.as_str()));
        }
        let due = match end {
            End::Expired => l.deadline,
            End::TimedOut => l.wait_until,
            End::Abandoned => l.poll_until,
            _ => Some(now),
        };
        if due.is_none_or(|t| t > now) {
            self.says(format!("7: {id} is {} at {now}, due {due:?}", end.as_str()));
        }
        let all: BTreeSet<ResourceId> = l.members.iter().map(|m| m.resource).collect();
        if (l.state == LeaseState::Waiting) != all.is_empty() {
            self.says(format!("1: {id} is {:?} and has {all:?}", l.state));
        }
    }

    /// 10 and 11, at the moment of placement and of a grant.
    fn after(&mut self, event: &Event) {
        match event {
            Event::ResourcePlanned(r) => self.placed(r.pool, r.site().map(|s| s.host)),
            Event::ResourceCreating(id, _) | Event::ResourceCleaning { resource: id, .. } => {
                self.started(*id);
            }
            Event::LeaseWaiting(lease) => self.within_quota(lease.id),
            Event::LeaseGranted { lease, .. } => self.within_quota(lease.id),
            _ => {}
        }
    }

    fn placed(&mut self, pool: PoolId, host: Option<HostId>) {
        let s = &self.shadow;
        let mut wrong = vec![];
        if let Some(h) = host.and_then(|h| s.hosts.get(&h))
            && let Some(u) = s.index.hosts.get(&h.id)
        {
            if u.total() > h.spec.capacity {
                wrong.push(format!(
                    "10: {} carries {} of {}",
                    h.name,
                    u.total(),
                    h.spec.capacity
                ));
            }
            if let Some(p) = s.pools.get(&pool)
                && let Some(kind) = caviada_core::check::lacks(s, p, h, 0)
            {
                wrong.push(format!("10: {} has too little {kind}", h.name));
            }
            if !h.offers() || h.lost {
                wrong.push(format!("10: placed on {}, which takes nothing", h.name));
            }
        }
        if let (Some(p), Some(u)) = (s.pools.get(&pool), s.index.pools.get(&pool)) {
            let lost: u32 = s
                .hosts
                .values()
                .filter(|h| h.lost)
                .filter_map(|h| s.index.hosts.get(&h.id)?.pools.get(&pool))
                .map(|n| n[ResourceState::Deleting as usize])
                .sum();
            if u.total() - lost > p.spec.max {
                wrong.push(format!(
                    "10: {} has {} of {}",
                    p.name,
                    u.total() - lost,
                    p.spec.max
                ));
            }
        }
        self.wrong.extend(wrong);
    }

    fn started(&mut self, id: ResourceId) {
        let s = &self.shadow;
        let Some(r) = s.resources.get(&id) else {
            return;
        };
        let pool = s.pools.get(&r.pool);
        // For class keep it is a formality: nothing runs on the host.
        if pool.is_some_and(|p| p.spec.recycle.class == RecycleClass::Keep) {
            return;
        }
        let mut wrong = vec![];
        if let Some(h) = r.site().and_then(|site| s.hosts.get(&site.host))
            && let Some(u) = s.index.hosts.get(&h.id)
            && u.building() > h.spec.builds_max
        {
            wrong.push(format!(
                "10: {} builds {} of {}",
                h.name,
                u.building(),
                h.spec.builds_max
            ));
        }
        self.wrong.extend(wrong);
    }

    /// At the moment of asking: a bound that is lowered later binds the next one.
    fn within_quota(&mut self, id: LeaseId) {
        let s = &self.shadow;
        let Some(l) = s.leases.get(&id) else { return };
        let (Some(q), Some(u)) = (s.quota_of(&l.owner), s.index.owners.get(&l.owner)) else {
            return;
        };
        let over = q
            .spec
            .leases_max
            .is_some_and(|max| u.waiting + u.live > max)
            || q.spec.resources_max.is_some_and(|max| u.resources > max)
            || over_quantity(s, q, l);
        if over {
            let what = format!("11: {} is over his quota: {u:?}", l.owner);
            self.says(what);
        }
    }
}

/// How two States differ, for people.
pub fn differs(a: &State, b: &State) -> String {
    let parts = [
        ("pools", a.pools == b.pools),
        ("resources", a.resources == b.resources),
        ("leases", a.leases == b.leases),
        ("hosts", a.hosts == b.hosts),
        ("templates", a.templates == b.templates),
        ("keys", a.keys == b.keys),
        ("quotas", a.quotas == b.quotas),
        ("webhooks", a.webhooks == b.webhooks),
        ("users", a.users == b.users),
        ("outcomes", a.outcomes == b.outcomes),
        ("ended", a.ended().eq(b.ended())),
        ("index", a.index == b.index),
        ("counter", a.counter() == b.counter()),
        ("revision", a.revision() == b.revision()),
        ("now", a.now() == b.now()),
    ];
    let names: Vec<_> = parts
        .iter()
        .filter(|(_, same)| !same)
        .map(|(n, _)| *n)
        .collect();
    let mut out = format!("in {names:?}");
    for r in a.resources.values() {
        if b.resources.get(&r.id) != Some(r) {
            out += &format!("\n{r:?}\n{:?}", b.resources.get(&r.id));
        }
    }
    let ended = |s: &State| -> Vec<_> { s.ended().map(|e| (e.id, e.at)).collect() };
    if ended(a) != ended(b) {
        out += &format!("\n{:?}\n{:?}", ended(a), ended(b));
    }
    for l in a.leases.values() {
        if b.leases.get(&l.id) != Some(l) {
            out += &format!("\n{l:?}\n{:?}", b.leases.get(&l.id));
        }
    }
    out
}

/// Does an owner wait for or have more than his quota says, of a kind that this lease asks for? Counted
/// slice by slice; what a cleaner cleans is not what it has.
fn over_quantity(s: &State, q: &Quota, lease: &Lease) -> bool {
    let mut sums: BTreeMap<&Name, u128> = BTreeMap::new();
    let uses = |l: &&Arc<Lease>| l.owner == q.owner && l.purpose == Purpose::Use;
    for l in s.leases.values().filter(uses) {
        let waits = l.state == LeaseState::Waiting;
        let items = l.items.iter().filter(|_| waits);
        let asked = items.flat_map(|i| std::iter::repeat_n(i.amount.as_ref(), i.count as usize));
        let held = l
            .members
            .iter()
            .filter_map(|m| s.resources.get(&m.resource));
        let held = held.filter_map(|r| match &r.origin {
            Origin::Slice(cut) => match &cut.part {
                Part::Quantity(amounts) => Some(amounts),
                Part::Interval { .. } => None,
            },
            _ => None,
        });
        for (kind, n) in asked.filter_map(quantity).chain(held).flatten() {
            *sums.entry(kind).or_default() += u128::from(*n);
        }
    }
    let asks = |kind: &Name| {
        let mut amounts = lease
            .items
            .iter()
            .filter_map(|i| quantity(i.amount.as_ref()));
        amounts.any(|a| a.contains_key(kind))
    };
    let mut bounds = q.spec.quantity_max.iter();
    bounds.any(|(kind, max)| sums.get(kind).is_some_and(|n| *n > u128::from(*max)) && asks(kind))
}

fn quantity(amount: Option<&Amount>) -> Option<&Amounts> {
    match amount {
        Some(Amount::Quantity(amounts)) => Some(amounts),
        _ => None,
    }
}
