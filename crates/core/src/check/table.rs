//! The transition tables of `states.md` as data: every move there is. Random runs of the core
//! make no other, and the simulation makes each of them. Printed to `docs/reference/states.md`.

use crate::lease::{End, LeaseState};
use crate::resource::ResourceState;

/// From a state, by an event, to one of these; none is not there.
pub type Moves<S> = (Option<S>, &'static str, &'static [Option<S>]);

/// What an act does to a resource in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It becomes this at once; none is gone.
    Becomes(Option<ResourceState>),
    /// It stays, and becomes this when it is no longer busy.
    Later(&'static str),
    /// It stays as it is: it is as asked, or what was told is stale.
    Stays,
    /// Refused, and nothing changes.
    Refused,
}

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

/// Every move of a resource. What leaves its state as it is stands here when it says what comes.
pub const RESOURCE: &[Moves<ResourceState>] = &[
    (GONE, "resource.planned", &[PLANNED]),
    (GONE, "resource.declared", &[FREE, DIRTY, WITHHELD]),
    (GONE, "resource.cut", &[FREE]),
    (PLANNED, "resource.creating", &[CREATING]),
    (PLANNED, "resource.gone", &[GONE]),
    (CREATING, "resource.built", &[FREE]),
    (CREATING, "resource.failed", &[FAILED]),
    (CREATING, "resource.then", &[CREATING]),
    (CREATING, "resource.withheld", &[WITHHELD]),
    (CREATING, "resource.deleting", &[DELETING]),
    (CREATING, "resource.gone", &[GONE]),
    (FREE, "lease.granted", &[LEASED]),
    (FREE, "lease.met", &[LEASED]),
    (FREE, "lease.swapped", &[LEASED]),
    (FREE, "resource.withheld", &[WITHHELD]),
    (FREE, "resource.failed", &[FAILED]),
    (FREE, "resource.deleting", &[DELETING]),
    (FREE, "resource.gone", &[GONE]),
    (LEASED, "resource.bound", &[LEASED]),
    (LEASED, "resource.then", &[LEASED]),
    (
        LEASED,
        "lease.reduced",
        &[FREE, DIRTY, FAILED, WITHHELD, DELETING, GONE],
    ),
    (LEASED, "lease.swapped", &[FAILED]),
    (
        LEASED,
        "lease.ended",
        &[FREE, DIRTY, FAILED, WITHHELD, DELETING, GONE],
    ),
    (DIRTY, "lease.granted", &[CLEANING]),
    (DIRTY, "resource.cleaning", &[CLEANING]),
    (DIRTY, "resource.withheld", &[WITHHELD]),
    (DIRTY, "resource.deleting", &[DELETING]),
    (DIRTY, "resource.gone", &[GONE]),
    (CLEANING, "resource.cleaned", &[FREE]),
    (CLEANING, "resource.failed", &[FAILED]),
    (CLEANING, "resource.then", &[CLEANING]),
    (CLEANING, "resource.withheld", &[WITHHELD]),
    (CLEANING, "resource.deleting", &[DELETING]),
    (CLEANING, "resource.gone", &[GONE]),
    (
        CLEANING,
        "lease.reduced",
        &[FREE, DIRTY, WITHHELD, DELETING, GONE],
    ),
    (
        CLEANING,
        "lease.ended",
        &[FREE, DIRTY, WITHHELD, DELETING, GONE],
    ),
    (FAILED, "resource.dirtied", &[DIRTY]),
    (FAILED, "resource.withheld", &[WITHHELD]),
    (FAILED, "resource.deleting", &[DELETING]),
    (FAILED, "resource.gone", &[GONE]),
    (WITHHELD, "resource.returned", &[FREE]),
    (WITHHELD, "resource.dirtied", &[DIRTY]),
    (WITHHELD, "resource.deleting", &[DELETING]),
    (WITHHELD, "resource.gone", &[GONE]),
    (DELETING, "resource.deleting", &[DELETING]),
    (DELETING, "resource.undeleted", &[DELETING]),
    (DELETING, "resource.gone", &[GONE]),
];

const WAITING: Option<LeaseState> = Some(LeaseState::Waiting);
const PREPARING: Option<LeaseState> = Some(LeaseState::Preparing);
const ACTIVE: Option<LeaseState> = Some(LeaseState::Active);

/// Every move of a lease, but for its ends.
pub const LEASE: &[Moves<LeaseState>] = &[
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

use Effect::{Becomes, Later, Refused, Stays};

/// What people and the reconciler do to a whole resource that nobody else is busy with, by its
/// state in the order of [`ResourceState::ALL`]. A declared resource has no driver: where `delete`
/// says deleting it is gone at once.
pub const COMMANDS: &[(&str, [Effect; 9])] = &[
    (
        "withhold",
        [
            Refused,
            Later("withheld"),
            Becomes(WITHHELD),
            Later("withheld"),
            Becomes(WITHHELD),
            Later("withheld"),
            Becomes(WITHHELD),
            Refused,
            Refused,
        ],
    ),
    (
        "return",
        [
            Refused,
            Refused,
            Refused,
            Refused,
            Refused,
            Refused,
            Refused,
            Becomes(FREE),
            Refused,
        ],
    ),
    (
        "delete",
        [
            Becomes(GONE),
            Later("deleting"),
            Becomes(DELETING),
            Refused,
            Becomes(DELETING),
            Later("deleting"),
            Becomes(DELETING),
            Becomes(DELETING),
            Stays,
        ],
    ),
    (
        "delete by force",
        [
            Becomes(GONE),
            Later("deleting"),
            Becomes(DELETING),
            Becomes(DELETING),
            Becomes(DELETING),
            Later("deleting"),
            Becomes(DELETING),
            Becomes(DELETING),
            Stays,
        ],
    ),
    (
        "done",
        [
            Stays,
            Becomes(FREE),
            Stays,
            Stays,
            Stays,
            Becomes(FREE),
            Stays,
            Stays,
            Becomes(GONE),
        ],
    ),
    (
        "failed",
        [
            Stays,
            Becomes(FAILED),
            Stays,
            Stays,
            Stays,
            Becomes(FAILED),
            Stays,
            Stays,
            Stays,
        ],
    ),
    ("done, stale", [Stays; 9]),
    ("failed, stale", [Stays; 9]),
    (
        "seen bad twice",
        [
            Stays,
            Stays,
            Becomes(FAILED),
            Stays,
            Stays,
            Stays,
            Stays,
            Stays,
            Stays,
        ],
    ),
];
