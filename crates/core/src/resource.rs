//! What a resource is: one leasable thing, and the states it goes through.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::alter::{Altered, Direction};
use crate::attribute::{Attributes, Labels};
use crate::event::{Number, is_default};
use crate::id::{Fence, HostId, LeaseId, PoolId, ResourceId, TemplateId};
use crate::lease::Rank;
use crate::name::ResourceName;
use crate::planted;
use crate::power::{Power, Turn};
use crate::space::{Part, Space};
use crate::time::Time;

/// A resource as State holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// From the ledger's counter.
    pub id: ResourceId,
    /// Its pool, for ever.
    pub pool: PoolId,
    /// What does not change with leasing.
    pub doc: Arc<ResourceDoc>,
    /// Where it came from.
    pub origin: Origin,
    /// Where it is in its life.
    pub state: ResourceState,
    /// Rises with each build; 0 before the first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub generation: u64,
    /// Rises with each piece of work given out (a build, a cleaning, a binding, a deletion).
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempt: u64,
    /// The attempt waits for its outcome; it closes with the first one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub open: bool,
    /// When the state it is in is overdue, or next looks at itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deadline: Option<Time>,
    /// The lease that has it as a member.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lease: Option<LeaseId>,
    /// The waiting lease it is kept for, by its place in the queue.
    #[serde(default, skip_serializing_if = "is_default")]
    pub earmark: Option<Rank>,
    /// Fence of its last grant.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fence: Fence,
    /// What a busy one becomes afterwards.
    #[serde(default, skip_serializing_if = "is_default")]
    pub then: Option<Then>,
    /// What was last seen of it.
    pub health: Health,
    /// Free, but resting until then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cooling_until: Option<Time>,
    /// When it last became free.
    pub freed_at: Time,
    /// When its generation came up, or it was declared.
    pub born_at: Time,
    /// Cleanings passed since it was built.
    #[serde(default, skip_serializing_if = "is_default")]
    pub uses: u32,
    /// Failures in a row.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tries: u32,
    /// Too old for its pool then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retire_at: Option<Time>,
    /// Why it failed or is not well, or what happened to it since it came up: a kind, `: `, and what
    /// a driver says, for people; capped.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cause: Option<Arc<str>>,
    /// Why it is kept out of the pool.
    #[serde(default, skip_serializing_if = "is_default")]
    pub withheld: Option<Arc<Withheld>>,
    /// What of it is stopped, or being started or stopped; none while it simply runs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub power: Option<Arc<Power>>,
    /// Its holder had it altered, or tried to: it ends with him.
    #[serde(default, skip_serializing_if = "is_default")]
    pub altered: Option<Arc<Altered>>,
    /// What its last build gave: endpoint name → value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub outputs: Arc<Outputs>,
    /// Number of the last event that changed it: its ETag.
    #[serde(default, skip_serializing_if = "is_default")]
    pub changed: Number,
}

/// Endpoint name → value, in the template's order.
pub type Outputs = Vec<(Box<str>, Box<str>)>;

/// What of a resource does not change with leasing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ResourceDoc {
    /// Unique in its pool.
    pub name: ResourceName,
    /// Typed facts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attributes: Attributes,
    /// For choosing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub labels: Labels,
    /// How a declared one is reached: name → value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub endpoints: Outputs,
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    #[serde(default, skip_serializing_if = "is_default")]
    pub declared_in: Option<Box<str>>,
}

/// Where a resource came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Entered by somebody, whole.
    Declared,
    /// Entered by somebody; grants cut slices from it. Holds the whole; what is free of it is
    /// derived from its slices.
    Divisible(Arc<Space>),
    /// Cut from a divisible one, to which it returns.
    Slice(Arc<Cut>),
    /// Made from a template on a host.
    Built(Arc<Site>),
}

/// Where a slice comes from. It stands by itself, since most resources are none and each would be
/// as large as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// The divisible resource.
    pub parent: ResourceId,
    /// What was cut.
    pub part: Part,
}

/// Where a built resource stands and what is reserved for it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The host.
    pub host: HostId,
    /// The template's revision it is (or will be) made of.
    pub template: TemplateId,
    /// The revision's parameters, a JSON object as text: those that its pool had when it was
    /// planned. Empty where a store is older than this: then it is of another make than any.
    #[serde(default)]
    pub parameters: Arc<str>,
    /// Number of the port block, counted from the start of the host's range.
    pub block: Option<u32>,
    /// Number of the subnet, counted from the start of the host's network.
    pub subnet: Option<u32>,
}

/// What a resource is made of: two of the same make are interchangeable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Make {
    /// The template's revision.
    pub template: TemplateId,
    /// Its parameters, a JSON object as text.
    pub parameters: Arc<str>,
}

impl Site {
    /// What it is made of.
    pub fn make(&self) -> Make {
        Make {
            template: self.template,
            parameters: self.parameters.clone(),
        }
    }
}

/// The states of `states.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ResourceState {
    /// A place is reserved; waits for the build budget.
    Planned,
    /// Being built for the first time.
    Creating,
    /// In the pool.
    Free,
    /// Member of a lease.
    Leased,
    /// Used; waits for cleaning.
    Dirty,
    /// Being cleaned: by its driver, a hook, or a lease with purpose `clean`.
    Cleaning,
    /// A build or a cleaning failed, or it went bad; waits for its back-off.
    Failed,
    /// Kept out of the pool by a person or a policy.
    Withheld,
    /// Being removed.
    Deleting,
}

impl ResourceState {
    /// Every state, in the order of the tables.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Creating,
        Self::Free,
        Self::Leased,
        Self::Dirty,
        Self::Cleaning,
        Self::Failed,
        Self::Withheld,
        Self::Deleting,
    ];

    /// On their way to free.
    pub const COMING: [Self; 4] = [Self::Planned, Self::Creating, Self::Dirty, Self::Cleaning];

    /// Its name in the APIs and the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Creating => "creating",
            Self::Free => "free",
            Self::Leased => "leased",
            Self::Dirty => "dirty",
            Self::Cleaning => "cleaning",
            Self::Failed => "failed",
            Self::Withheld => "withheld",
            Self::Deleting => "deleting",
        }
    }
}

/// What a busy resource becomes afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Kept out of the pool.
    Withhold(Arc<Withheld>),
    /// Removed.
    Delete,
}

/// What was last seen of a resource. Not its state: a leased one that goes bad stays leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nothing bad.
    Well,
    /// One bad or missing look; not offered until the second look tells.
    Suspect,
    /// Two good looks agree that it is bad or gone.
    Ill,
}

/// Why and how long a resource is kept out of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// `maintenance`, `needs_repair`, `quarantine`, `hold`, or a person's own word.
    pub reason: Box<str>,
    /// It was clean when it was taken out, so that its return is not a cleaning.
    pub clean: bool,
    /// A hold ends by itself.
    pub until: Option<Time>,
}

/// Kind of a cause that a look found: nothing of it is on its host.
pub const GONE: &str = "gone";
/// Kind of a cause that a look found: it stands and does not work.
pub const UNWELL: &str = "unwell";
/// Kind of a cause that a look found: it works elsewhere than it did.
pub const MOVED: &str = "moved";

/// Kinds of causes that looks find; all others are of what was done.
pub const LOOKS: [&str; 3] = [GONE, UNWELL, MOVED];

/// The kind of a cause: what stands before its first colon.
pub fn kind_of(cause: &str) -> &str {
    cause.split_once(": ").map_or(cause, |(kind, _)| kind)
}

impl Resource {
    /// Next instant at which something about it is due; each resource has at most one.
    pub fn due(&self) -> Option<Time> {
        match self.state {
            ResourceState::Free => match (self.cooling_until, self.deadline) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            _ => self.deadline,
        }
    }

    /// Where it stands, if it was built.
    pub fn site(&self) -> Option<&Site> {
        match &self.origin {
            Origin::Built(site) => Some(site),
            _ => None,
        }
    }

    /// What its open attempt does to its power.
    pub fn turn(&self) -> Option<&Turn> {
        self.power.as_ref()?.turn.as_ref()
    }

    /// What its open attempt makes of it, if it alters it.
    pub fn altering(&self) -> Option<&Direction> {
        self.altered.as_ref()?.direction.as_ref()
    }

    /// What was begun to be made of it and neither done nor undone: see [`Altered::tried`].
    pub fn tried(&self) -> &[Arc<str>] {
        self.altered.as_ref().map_or(&[], |a| &a.tried)
    }

    /// The kind of its cause.
    pub fn cause_kind(&self) -> Option<&str> {
        self.cause.as_deref().map(kind_of)
    }

    /// It runs, and nobody altered it: as a build or a cleaning leaves it.
    pub fn is_as_built(&self) -> bool {
        self.power.is_none() && self.altered.is_none()
    }

    /// The divisible resource it was cut from.
    pub fn parent(&self) -> Option<ResourceId> {
        match &self.origin {
            Origin::Slice(cut) => Some(cut.parent),
            _ => None,
        }
    }

    /// May a waiter or a caller be given it, as far as it can tell by itself? Its host has a say too.
    pub fn is_ready(&self) -> bool {
        self.state == ResourceState::Free
            && self.health == Health::Well
            && (self.cooling_until.is_none() || planted!(CoolingGranted))
            && !matches!(self.origin, Origin::Divisible(_))
    }

    /// The endpoints a holder is given: those of the last build, else those declared.
    pub fn endpoints(&self) -> &Outputs {
        if self.outputs.is_empty() {
            &self.doc.endpoints
        } else {
            &self.outputs
        }
    }
}
