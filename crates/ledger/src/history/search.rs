//! What can be asked of the history.

use caviada_core::command::By;
use caviada_core::event::{Event, Number};
use caviada_core::id::{HostId, LeaseId, PoolId, ResourceId};
use caviada_core::name::Owner;
use caviada_core::time::Time;

use super::lease::PastLease;
use super::subject::Subject;

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct EventSearch {
    /// About leases of this owner, or this owner's keys and quota.
    pub owner: Option<Owner>,
    /// About this lease.
    pub lease: Option<LeaseId>,
    /// About this resource.
    pub resource: Option<ResourceId>,
    /// About this host.
    pub host: Option<HostId>,
    /// About this pool or its members.
    pub pool: Option<PoolId>,
    /// Of this kind (`lease.granted`), or of all kinds of a noun (`lease.`).
    pub kind: Option<String>,
    /// Not older.
    pub since: Option<Time>,
    /// Not newer.
    pub until: Option<Time>,
    /// Which come first.
    pub order: Order,
    /// Beyond this one: where the last page ended.
    pub beyond: Option<Number>,
    /// At most so many.
    pub limit: usize,
}

/// Which come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The last that happened.
    #[default]
    Newest,
    /// The first that is kept.
    Oldest,
}

/// Which leases.
#[derive(Debug, Clone, Default)]
pub struct LeaseSearch {
    /// That belonged to this owner at some time.
    pub owner: Option<Owner>,
    /// That had this resource as a member.
    pub resource: Option<ResourceId>,
    /// That asked for this pool or had a member of it.
    pub pool: Option<PoolId>,
    /// Asked for not before.
    pub since: Option<Time>,
    /// Asked for not after.
    pub until: Option<Time>,
    /// Before this one: where the last page ended.
    pub before: Option<LeaseId>,
    /// At most so many.
    pub limit: usize,
}

/// One event as the journal has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its number.
    pub number: Number,
    /// Its ledger time.
    pub at: Time,
    /// Who acted; nobody where something was due.
    pub by: Option<By>,
    /// Name of the act.
    pub act: Option<Box<str>>,
    /// What happened.
    pub event: Event,
}

/// What was found, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, C> {
    /// In the order asked for.
    pub items: Vec<T>,
    /// There may be more beyond this one.
    pub next: Option<C>,
}

impl EventSearch {
    /// Whom it is about, the rarest first.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        let nouns = [
            self.lease.map(|l| l.0),
            self.resource.map(|r| r.0),
            self.host.map(|h| h.0),
        ];
        let owner = self.owner.as_ref().map(Subject::owner);
        let pool = self.pool.map(|p| Subject::noun(p.0));
        nouns
            .into_iter()
            .map(|n| n.map(Subject::noun))
            .chain([owner, pool])
            .flatten()
            .collect()
    }
}

impl EventSearch {
    pub(super) fn is_beyond(&self, number: Number) -> bool {
        self.beyond.is_none_or(|beyond| match self.order {
            Order::Newest => number < beyond,
            Order::Oldest => number > beyond,
        })
    }

    /// Everything further on is outside the times asked for.
    pub(super) fn ends_before(&self, at: Time) -> bool {
        match self.order {
            Order::Newest => self.since.is_some_and(|since| at < since),
            Order::Oldest => self.until.is_some_and(|until| at > until),
        }
    }
}

impl LeaseSearch {
    /// The rarest of whom it is about.
    pub(super) fn subject(&self) -> Option<Subject> {
        let resource = self.resource.map(|r| Subject::noun(r.0));
        let owner = || self.owner.as_ref().map(Subject::owner);
        resource
            .or_else(owner)
            .or_else(|| self.pool.map(|p| Subject::noun(p.0)))
    }

    pub(super) fn wants(&self, lease: &PastLease) -> bool {
        self.owner.as_ref().is_none_or(|o| lease.owners.contains(o))
            && self.resource.is_none_or(|r| lease.members.contains(&r))
            && self.pool.is_none_or(|p| lease.pools.contains(&p))
            && self.until.is_none_or(|until| lease.asked_at <= until)
    }
}
