//! The transition tables as data: every move there is. Random runs of the core make no other, the
//! simulation makes each of them, and `docs/reference/states.md` is written from them.

use crate::lease::{End, LeaseState};
use crate::resource::ResourceState;

/// Why a resource moves: the columns of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It comes into being: sized, declared, or cut from a divisible one.
    Comes,
    /// A lease takes it.
    Grant,
    /// Its turn came: a budget, a back-off or a cooldown; or it is stale, aged or surplus.
    Start,
    /// The open attempt went well.
    Done,
    /// The open attempt failed, or a deadline passed.
    Failed,
    /// Its lease ends, or lets go of it.
    LeaseEnds,
    /// A person keeps it out.
    Withhold,
    /// A person brings it back.
    Return,
    /// A person removes it.
    Delete,
    /// Seen bad or missing twice.
    Unhealthy,
    /// Its host is lost or forgotten.
    HostLost,
    /// Its pool or its host retires.
    Retires,
}

impl Why {
    /// In the order of the table's columns.
    pub const ALL: [Self; 12] = [
        Self::Comes,
        Self::Grant,
        Self::Start,
        Self::Done,
        Self::Failed,
        Self::LeaseEnds,
        Self::Withhold,
        Self::Return,
        Self::Delete,
        Self::Unhealthy,
        Self::HostLost,
        Self::Retires,
    ];

    /// Its heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comes => "comes",
            Self::Grant => "grant",
            Self::Start => "start",
            Self::Done => "done ok",
            Self::Failed => "failed or deadline",
            Self::LeaseEnds => "lease ends",
            Self::Withhold => "withhold",
            Self::Return => "return",
            Self::Delete => "delete",
            Self::Unhealthy => "unhealthy",
            Self::HostLost => "host lost",
            Self::Retires => "retires",
        }
    }
}

/// From a state (none is not there), for a reason, by an event, to one of these.
pub type Moves = (
    Option<ResourceState>,
    Why,
    &'static str,
    &'static [Option<ResourceState>],
);

const PLANNED: Option<ResourceState> = Some(ResourceState::Planned);
const CREATING: Option<ResourceState> = Some(ResourceState::Creating);
const FREE: Option<ResourceState> = Some(ResourceState::Free);
const LEASED: Option<ResourceState> = Some(ResourceState::Leased);
const DIRTY: Option<ResourceState> = Some(ResourceState::Dirty);
const CLEANING: Option<ResourceState> = Some(ResourceState::Cleaning);
const FAILED: Option<ResourceState> = Some(ResourceState::Failed);
const WITHHELD: Option<ResourceState> = Some(ResourceState::Withheld);
const DELETING: Option<ResourceState> = Some(ResourceState::Deleting);
const GONE: Option<ResourceState> = None;

/// Every move of a resource. What leaves its state as it is stands here where it says what comes.
pub const RESOURCE: &[Moves] = &[
    (GONE, Why::Comes, "resource.planned", &[PLANNED]),
    (
        GONE,
        Why::Comes,
        "resource.declared",
        &[FREE, DIRTY, WITHHELD],
    ),
    (GONE, Why::Comes, "resource.cut", &[FREE]),
    (PLANNED, Why::Start, "resource.creating", &[CREATING]),
    (PLANNED, Why::Start, "resource.gone", &[GONE]),
    (PLANNED, Why::Failed, "resource.gone", &[GONE]),
    (PLANNED, Why::Delete, "resource.gone", &[GONE]),
    (PLANNED, Why::HostLost, "resource.gone", &[GONE]),
    (PLANNED, Why::Retires, "resource.gone", &[GONE]),
    (CREATING, Why::Done, "resource.built", &[FREE]),
    (CREATING, Why::Failed, "resource.failed", &[FAILED]),
    (CREATING, Why::Failed, "resource.withheld", &[WITHHELD]),
    (CREATING, Why::Failed, "resource.deleting", &[DELETING]),
    (CREATING, Why::Withhold, "resource.then", &[CREATING]),
    (CREATING, Why::Delete, "resource.then", &[CREATING]),
    (CREATING, Why::HostLost, "resource.gone", &[GONE]),
    (CREATING, Why::Retires, "resource.then", &[CREATING]),
    (FREE, Why::Grant, "lease.granted", &[LEASED]),
    (FREE, Why::Grant, "lease.met", &[LEASED]),
    (FREE, Why::Grant, "lease.swapped", &[LEASED]),
    (FREE, Why::Start, "resource.deleting", &[DELETING]),
    (FREE, Why::Start, "resource.gone", &[GONE]),
    (FREE, Why::Done, "resource.withheld", &[WITHHELD]),
    (FREE, Why::Done, "resource.deleting", &[DELETING]),
    (FREE, Why::LeaseEnds, "resource.gone", &[GONE]),
    (FREE, Why::Withhold, "resource.withheld", &[WITHHELD]),
    (FREE, Why::Delete, "resource.deleting", &[DELETING]),
    (FREE, Why::Delete, "resource.gone", &[GONE]),
    (FREE, Why::Unhealthy, "resource.failed", &[FAILED]),
    (FREE, Why::HostLost, "resource.deleting", &[DELETING]),
    (FREE, Why::HostLost, "resource.gone", &[GONE]),
    (FREE, Why::Retires, "resource.deleting", &[DELETING]),
    (FREE, Why::Retires, "resource.gone", &[GONE]),
    (LEASED, Why::Done, "resource.bound", &[LEASED]),
    (LEASED, Why::Failed, "lease.swapped", &[FAILED]),
    (
        LEASED,
        Why::LeaseEnds,
        "lease.reduced",
        &[FREE, DIRTY, FAILED, WITHHELD, DELETING, GONE],
    ),
    (
        LEASED,
        Why::LeaseEnds,
        "lease.ended",
        &[FREE, DIRTY, FAILED, WITHHELD, DELETING, GONE],
    ),
    (LEASED, Why::Withhold, "resource.then", &[LEASED]),
    (DIRTY, Why::Grant, "lease.granted", &[CLEANING]),
    (DIRTY, Why::Start, "resource.cleaning", &[CLEANING]),
    (DIRTY, Why::Start, "resource.deleting", &[DELETING]),
    (DIRTY, Why::Start, "resource.gone", &[GONE]),
    (DIRTY, Why::Withhold, "resource.withheld", &[WITHHELD]),
    (DIRTY, Why::Delete, "resource.deleting", &[DELETING]),
    (DIRTY, Why::Delete, "resource.gone", &[GONE]),
    (DIRTY, Why::HostLost, "resource.gone", &[GONE]),
    (DIRTY, Why::Retires, "resource.deleting", &[DELETING]),
    (DIRTY, Why::Retires, "resource.gone", &[GONE]),
    (CLEANING, Why::Done, "resource.cleaned", &[FREE]),
    (CLEANING, Why::Failed, "resource.failed", &[FAILED]),
    (CLEANING, Why::Failed, "resource.withheld", &[WITHHELD]),
    (CLEANING, Why::Failed, "resource.deleting", &[DELETING]),
    (
        CLEANING,
        Why::LeaseEnds,
        "lease.reduced",
        &[FREE, DIRTY, WITHHELD, DELETING, GONE],
    ),
    (
        CLEANING,
        Why::LeaseEnds,
        "lease.ended",
        &[FREE, DIRTY, WITHHELD, DELETING, GONE],
    ),
    (CLEANING, Why::Withhold, "resource.then", &[CLEANING]),
    (CLEANING, Why::Delete, "resource.then", &[CLEANING]),
    (CLEANING, Why::HostLost, "resource.gone", &[GONE]),
    (CLEANING, Why::Retires, "resource.then", &[CLEANING]),
    (FAILED, Why::Start, "resource.dirtied", &[DIRTY]),
    (FAILED, Why::Start, "resource.withheld", &[WITHHELD]),
    (FAILED, Why::Start, "resource.deleting", &[DELETING]),
    (FAILED, Why::Failed, "resource.deleting", &[DELETING]),
    (FAILED, Why::Withhold, "resource.withheld", &[WITHHELD]),
    (FAILED, Why::Delete, "resource.deleting", &[DELETING]),
    (FAILED, Why::Delete, "resource.gone", &[GONE]),
    (FAILED, Why::HostLost, "resource.gone", &[GONE]),
    (FAILED, Why::Retires, "resource.deleting", &[DELETING]),
    (FAILED, Why::Retires, "resource.gone", &[GONE]),
    (WITHHELD, Why::Failed, "resource.returned", &[FREE]),
    (WITHHELD, Why::Failed, "resource.dirtied", &[DIRTY]),
    (WITHHELD, Why::Failed, "resource.gone", &[GONE]),
    (WITHHELD, Why::Return, "resource.returned", &[FREE]),
    (WITHHELD, Why::Return, "resource.dirtied", &[DIRTY]),
    (WITHHELD, Why::Return, "resource.gone", &[GONE]),
    (WITHHELD, Why::Delete, "resource.deleting", &[DELETING]),
    (WITHHELD, Why::Delete, "resource.gone", &[GONE]),
    (WITHHELD, Why::HostLost, "resource.gone", &[GONE]),
    (WITHHELD, Why::Retires, "resource.deleting", &[DELETING]),
    (WITHHELD, Why::Retires, "resource.gone", &[GONE]),
    (DELETING, Why::Start, "resource.deleting", &[DELETING]),
    (DELETING, Why::Done, "resource.gone", &[GONE]),
    (DELETING, Why::Failed, "resource.undeleted", &[DELETING]),
    (DELETING, Why::HostLost, "resource.gone", &[GONE]),
];

/// Is there such a move, whatever its reason?
pub fn moves(from: Option<ResourceState>, event: &str, to: Option<ResourceState>) -> bool {
    let is = |m: &&Moves| m.0 == from && m.2 == event && m.3.contains(&to);
    RESOURCE.iter().any(|m| is(&m))
}

const WAITING: Option<LeaseState> = Some(LeaseState::Waiting);
const PREPARING: Option<LeaseState> = Some(LeaseState::Preparing);
const ACTIVE: Option<LeaseState> = Some(LeaseState::Active);

/// From a state (none is not there), by an event, to one of these.
pub type LeaseMoves = (
    Option<LeaseState>,
    &'static str,
    &'static [Option<LeaseState>],
);

/// Every move of a lease but for its ends.
pub const LEASE: &[LeaseMoves] = &[
    (None, "lease.waiting", &[WAITING]),
    (None, "lease.granted", &[PREPARING, ACTIVE]),
    (WAITING, "lease.met", &[PREPARING, ACTIVE]),
    (WAITING, "lease.polled", &[WAITING]),
    (WAITING, "lease.given", &[WAITING]),
    (WAITING, "lease.shared", &[WAITING]),
    (WAITING, "lease.noted", &[WAITING]),
    (PREPARING, "lease.active", &[ACTIVE]),
    (PREPARING, "lease.swapped", &[PREPARING, ACTIVE]),
    (PREPARING, "lease.renewed", &[PREPARING]),
    (PREPARING, "lease.reduced", &[PREPARING]),
    (PREPARING, "lease.given", &[PREPARING]),
    (PREPARING, "lease.shared", &[PREPARING]),
    (PREPARING, "lease.noted", &[PREPARING]),
    (ACTIVE, "lease.swapped", &[PREPARING, ACTIVE]),
    (ACTIVE, "lease.flagged", &[ACTIVE]),
    (ACTIVE, "lease.renewed", &[ACTIVE]),
    (ACTIVE, "lease.reduced", &[ACTIVE]),
    (ACTIVE, "lease.given", &[ACTIVE]),
    (ACTIVE, "lease.shared", &[ACTIVE]),
    (ACTIVE, "lease.noted", &[ACTIVE]),
];

/// Is there such a move?
pub fn lease_moves(from: Option<LeaseState>, event: &str, to: Option<LeaseState>) -> bool {
    LEASE
        .iter()
        .any(|(f, e, t)| *f == from && *e == event && t.contains(&to))
}

/// How a lease ends, by its state.
pub const ENDS: &[(LeaseState, &[End])] = &[
    (
        LeaseState::Waiting,
        &[
            End::Cancelled,
            End::TimedOut,
            End::Abandoned,
            End::Impossible,
            End::Revoked,
        ],
    ),
    (
        LeaseState::Preparing,
        &[
            End::Released,
            End::Expired,
            End::Failed,
            End::Lost,
            End::Revoked,
        ],
    ),
    (
        LeaseState::Active,
        &[End::Released, End::Expired, End::Lost, End::Revoked],
    ),
];

/// What an act does to a resource in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It goes there at once; see [`RESOURCE`]. A declared one has no driver: where others are
    /// deleting it is gone.
    Moves,
    /// It stays, and goes when it is no longer busy.
    Later,
    /// It stays as it is: it is as asked, or what was told is stale.
    Stays,
    /// Refused, and nothing changes.
    Refused,
}

use Effect::{Later, Moves as Goes, Refused, Stays};

/// What people do to a resource that is whole and no cleaner's, and what comes late from hosts, by
/// its state in the order of [`ResourceState::ALL`].
pub const ACTS: &[(&str, [Effect; 9])] = &[
    (
        "withhold",
        [
            Refused, Later, Goes, Later, Goes, Later, Goes, Refused, Refused,
        ],
    ),
    (
        "return",
        [
            Refused, Refused, Refused, Refused, Refused, Refused, Refused, Goes, Refused,
        ],
    ),
    (
        "delete",
        [Goes, Later, Goes, Refused, Goes, Later, Goes, Goes, Stays],
    ),
    (
        "delete by force",
        [Goes, Later, Goes, Goes, Goes, Later, Goes, Goes, Stays],
    ),
    ("stale outcome", [Stays; 9]),
];

/// What is asked of a lease that has ended: the same answer again, or `lease-ended`.
pub const ENDED: &[(&str, Effect)] = &[
    ("release", Stays),
    ("revoke", Stays),
    ("renew", Refused),
    ("give", Refused),
    ("share", Refused),
    ("annotate", Refused),
];

#[cfg(test)]
mod tests;
