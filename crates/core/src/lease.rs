//! What a lease is: resources held by an owner until a deadline.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attribute::Labels;
use crate::event::{Number, is_default};
use crate::id::{Fence, KeyId, LeaseId, PoolId, ResourceId};
use crate::name::Owner;
use crate::selector::Selector;
use crate::space::Amount;
use crate::time::Time;

/// A live lease as State holds it: waiting, preparing or active.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// From the ledger's counter; also its place among equals in the queue.
    pub id: LeaseId,
    /// Whom it is for.
    pub owner: Owner,
    /// The key that asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub by: Option<KeyId>,
    /// That key asked in the name of another owner: it can only ever have what the key acts for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub confined: bool,
    /// Others who may see and use it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shared: Vec<Owner>,
    /// Where it is in its life.
    #[serde(default, skip_serializing_if = "is_default")]
    pub state: LeaseState,
    /// What was asked for.
    pub items: Arc<[Item]>,
    /// 9 is first.
    #[serde(
        default = "ordinary_priority",
        skip_serializing_if = "is_ordinary_priority"
    )]
    pub priority: u8,
    /// Number of its last grant; 0 while it waits.
    pub fence: Fence,
    /// What it has; empty while it waits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub members: Vec<Member>,
    /// What is kept for it while it waits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub earmarks: Vec<Earmark>,
    /// When it was asked for.
    pub asked_at: Time,
    /// When it was first granted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub granted_at: Option<Time>,
    /// When it expires; none while it waits or where the pool says endless.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deadline: Option<Time>,
    /// Latest deadline a renewal may reach.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deadline_max: Option<Time>,
    /// Time to live that was asked for, in milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ttl_ms: Option<u64>,
    /// First deadline after a wait, in milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub claim_within_ms: Option<u64>,
    /// A waiting one gives up then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wait_until: Option<Time>,
    /// A waiting one must be asked about this often, in milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub poll_within_ms: Option<u64>,
    /// When that lapses.
    #[serde(default, skip_serializing_if = "is_default")]
    pub poll_until: Option<Time>,
    /// One live lease per owner and slot.
    #[serde(default, skip_serializing_if = "is_default")]
    pub slot: Option<Box<str>>,
    /// What the members are for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub purpose: Purpose,
    /// Its holder's labels.
    #[serde(default, skip_serializing_if = "is_default")]
    pub labels: Labels,
    /// Its holder's note.
    #[serde(default, skip_serializing_if = "is_default")]
    pub note: Option<Box<str>>,
    /// Members exchanged so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub swaps: u8,
    /// Number of the last event that changed it: its ETag.
    #[serde(default, skip_serializing_if = "is_default")]
    pub changed: Number,
}

/// A lease that began and ended in another system: only the history remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// From the ledger's counter.
    pub id: LeaseId,
    /// Who had it.
    pub owner: Owner,
    /// The pool it counts as one of.
    pub pool: PoolId,
    /// When it was granted.
    pub granted_at: Time,
    /// When it was given back.
    pub ended_at: Time,
    /// What else there was to say of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub labels: Labels,
    /// Its holder's note.
    #[serde(default, skip_serializing_if = "is_default")]
    pub note: Option<Box<str>>,
}

/// The states of a live lease.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// In the queue.
    Waiting,
    /// Granted; its members are being bound.
    Preparing,
    /// The holder's.
    #[default]
    Active,
}

impl LeaseState {
    /// Its name in the APIs and the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Preparing => "preparing",
            Self::Active => "active",
        }
    }
}

/// One thing asked for, `count` times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// From this pool; none means any pool the owner sees.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pool: Option<PoolId>,
    /// And satisfying this.
    #[serde(default, skip_serializing_if = "is_default")]
    pub selector: Option<Selector>,
    /// How many, at least 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u32,
    /// How much, from a divisible pool.
    #[serde(default, skip_serializing_if = "is_default")]
    pub amount: Option<Amount>,
}

/// One resource of a granted lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The resource.
    pub resource: ResourceId,
    /// Index of the item it meets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub item: u16,
    /// Needs nothing more before the holder may use it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bound: bool,
    /// Went bad while leased.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flagged: bool,
}

/// One resource kept for a waiting lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earmark {
    /// The resource.
    pub resource: ResourceId,
    /// Index of the item it meets.
    pub item: u16,
}

/// What a lease's members are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The pool's purpose.
    #[default]
    Use,
    /// An outside cleaner takes a dirty one to clean it.
    Clean,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// By its holder.
    Released,
    /// At its deadline.
    Expired,
    /// By somebody with the right to.
    Revoked,
    /// By its holder while it waited.
    Cancelled,
    /// Its wait was over.
    TimedOut,
    /// Nobody asked about it in time while it waited.
    Abandoned,
    /// A member or its host was lost, and the pool says end.
    Lost,
    /// A member could not be prepared.
    Failed,
    /// What it waits for can no longer come.
    Impossible,
}

impl End {
    /// Its name in the APIs and the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Abandoned => "abandoned",
            Self::Lost => "lost",
            Self::Failed => "failed",
            Self::Impossible => "impossible",
        }
    }
}

/// What stays in State of an ended lease, for an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its id.
    pub id: LeaseId,
    /// Whose it was.
    pub owner: Owner,
    /// How it ended.
    pub end: End,
    /// When.
    pub at: Time,
    /// Its last fence.
    pub fence: Fence,
    /// What who revoked it said to its holder.
    pub reason: Option<Box<str>>,
    /// With whom it was shared: who may end a lease may do so twice.
    pub shared: Vec<Owner>,
}

/// A waiter's place: higher priority first, then who asked earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rank {
    /// 9 less the priority, so that it sorts first to last.
    after: u8,
    /// Arrival.
    pub lease: LeaseId,
}

impl Rank {
    /// Before every other.
    pub(crate) const FIRST: Self = Self::new(crate::limits::PRIORITY_MAX, LeaseId(0));
    /// After every other.
    pub(crate) const LAST: Self = Self::new(0, LeaseId(u64::MAX));

    /// The place of a lease of this priority.
    pub const fn new(priority: u8, lease: LeaseId) -> Self {
        Self {
            after: crate::limits::PRIORITY_MAX.saturating_sub(priority),
            lease,
        }
    }
}

// What nearly every lease has is not written either: leases are most of what is. These numbers are
// part of what is stored, and stay whatever callers are given who ask for nothing else.

/// Priority of a lease whose document names none.
pub fn ordinary_priority() -> u8 {
    5
}

/// A document need not name this priority.
pub fn is_ordinary_priority(priority: &u8) -> bool {
    *priority == ordinary_priority()
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

fn yes() -> bool {
    true
}

fn is_yes(yes: &bool) -> bool {
    *yes
}

impl Lease {
    /// Its place in the queue.
    pub fn rank(&self) -> Rank {
        Rank::new(self.priority, self.id)
    }

    /// How often it asks for each item while it waits, or has it.
    pub fn times(&self, i: usize) -> u32 {
        if self.state == LeaseState::Waiting {
            return self.items[i].count;
        }
        let here = self.members.iter().filter(|m| usize::from(m.item) == i);
        u32::try_from(here.count()).unwrap_or(u32::MAX)
    }

    /// How many more members item `i` needs while the lease waits.
    pub fn unmet(&self, i: usize) -> u32 {
        let have = self
            .earmarks
            .iter()
            .filter(|e| usize::from(e.item) == i)
            .count();
        self.items[i]
            .count
            .saturating_sub(u32::try_from(have).unwrap_or(u32::MAX))
    }

    /// Nothing is missing.
    pub fn is_met(&self) -> bool {
        let asked: u64 = self.items.iter().map(|i| u64::from(i.count)).sum();
        self.earmarks.len() as u64 >= asked
    }

    /// Pools of its unmet items; `None` stands for an item that names no pool.
    pub fn unmet_pools(&self) -> BTreeSet<Option<PoolId>> {
        (0..self.items.len())
            .filter(|i| self.unmet(*i) > 0)
            .map(|i| self.items[i].pool)
            .collect()
    }

    /// Next instant at which something about it is due; each lease has at most one.
    pub fn due(&self) -> Option<Time> {
        match self.state {
            LeaseState::Waiting => match (self.wait_until, self.poll_until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            LeaseState::Preparing | LeaseState::Active => self.deadline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nearly_every_lease_has_is_not_written_and_reads_the_same_where_it_was() {
        let whole = r#"{"id":"lease_000000000000a","owner":"ann","by":"key_0000000000001",
            "state":"active","items":[{"pool":"pool_0000000000002","count":1}],"priority":5,
            "fence":11,"members":[{"resource":"res_0000000000003","item":0,"bound":true,
            "flagged":false}],"asked_at":7,"granted_at":7,"deadline":9,"purpose":"use"}"#;
        let lease: Lease = serde_json::from_str(whole).unwrap();
        let lean = serde_json::to_string(&lease).unwrap();
        assert_eq!(
            lean,
            r#"{"id":"lease_000000000000a","owner":"ann","by":"key_0000000000001",
            "items":[{"pool":"pool_0000000000002"}],"fence":11,
            "members":[{"resource":"res_0000000000003"}],
            "asked_at":7,"granted_at":7,"deadline":9}"#
                .replace(['\n', ' '], "")
        );
        assert_eq!(serde_json::from_str::<Lease>(&lean).unwrap(), lease);
        let other = Lease {
            state: LeaseState::Preparing,
            priority: 0,
            purpose: Purpose::Clean,
            items: Arc::new([Item {
                count: 2,
                ..lease.items[0].clone()
            }]),
            members: vec![Member {
                item: 1,
                bound: false,
                flagged: true,
                ..lease.members[0]
            }],
            ..lease
        };
        let text = serde_json::to_string(&other).unwrap();
        assert_eq!(serde_json::from_str::<Lease>(&text).unwrap(), other);
    }
}
