//! Events: what happened, past tense. `decide` and `settle` make them, `evolve` applies them, the
//! journal keeps them. They are lean: an event says what its subject does not already say.

pub mod kind;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attribute::Labels;
use crate::host::Host;
use crate::id::{
    Fence, HostId, KeyId, LeaseId, PoolId, QuotaId, ResourceId, TemplateId, UserId, WebhookId,
};
use crate::key::Key;
use crate::lease::{End, Lease, Member, Past, Rank};
use crate::name::Owner;
use crate::outcome::Outcome;
use crate::pool::Pool;
use crate::power::Turn;
use crate::quota::Quota;
use crate::resource::{Health, Outputs, Resource, ResourceDoc, Then, Withheld};
use crate::template::Template;
use crate::time::Time;
use crate::user::{Password, User};
use crate::webhook::Webhook;

/// An event's place: the revision of its batch and its index in it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Number {
    /// Revision of the batch.
    pub revision: u64,
    /// Index in the batch.
    pub index: u32,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.revision, self.index)
    }
}

/// What is as it begins is not written: nouns in events are lean, too.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a member becomes when its lease lets go of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// Back in the pool, offered once it has cooled.
    Free(Option<Time>),
    /// Waits for cleaning; raises an alert then.
    Dirty(Time),
    /// Cleaned by the lease that ends; offered once it has cooled.
    Cleaned(Option<Time>),
    /// Kept out of the pool.
    Withheld(Arc<Withheld>),
    /// Removed; this try ends then.
    Deleting(Time),
    /// Broken; looked at again then.
    Failed(Box<str>, Time),
    /// A slice merges at once.
    Gone,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A pool was declared, or declared differently.
    #[serde(rename = "pool.declared")]
    PoolDeclared(Box<Pool>),
    /// A pool takes no new leases and ends with its last member.
    #[serde(rename = "pool.retiring")]
    PoolRetiring(PoolId),
    /// A template revision came up with the pool's parameters for the first time.
    #[serde(rename = "pool.proven")]
    PoolProven(PoolId, TemplateId),
    /// A pool is gone.
    #[serde(rename = "pool.gone")]
    PoolGone(PoolId),

    /// A host was declared, or declared differently.
    #[serde(rename = "host.declared")]
    HostDeclared(Box<Host>),
    /// The reconciler sees a host.
    #[serde(rename = "host.seen")]
    HostSeen(HostId),
    /// The reconciler cannot see a host; given up at the time named.
    #[serde(rename = "host.unseen")]
    HostUnseen(HostId, Time),
    /// A host was given up.
    #[serde(rename = "host.lost")]
    HostLost(HostId),
    /// A host takes no new builds and ends with its last member.
    #[serde(rename = "host.retiring")]
    HostRetiring {
        /// The host.
        host: HostId,
        /// Do not wait for it.
        forget: bool,
    },
    /// Builds of a pool wait here.
    #[serde(rename = "host.backoff")]
    HostBackoff {
        /// The host.
        host: HostId,
        /// The pool.
        pool: PoolId,
        /// Kind of failure.
        cause: Box<str>,
        /// Failures in a row.
        tries: u32,
        /// No build before.
        until: Time,
    },
    /// A back-off's time is over; the next build is the try.
    #[serde(rename = "host.backoff_over")]
    HostBackoffOver(HostId, PoolId),
    /// A build of the pool came up: failures count from 0 again.
    #[serde(rename = "host.recovered")]
    HostRecovered(HostId, PoolId),
    /// A port of a block was found taken: the block is given to nobody.
    #[serde(rename = "host.quarantined")]
    HostQuarantined(HostId, u32),
    /// A host is gone.
    #[serde(rename = "host.gone")]
    HostGone(HostId),

    /// A template has a new revision.
    #[serde(rename = "template.revised")]
    TemplateRevised(Box<Template>),
    /// A revision that nothing uses any more is gone.
    #[serde(rename = "template.gone")]
    TemplateGone(TemplateId),

    /// A key was made, or changed.
    #[serde(rename = "key.made")]
    KeyMade(Box<Key>),
    /// A key is gone.
    #[serde(rename = "key.gone")]
    KeyGone(KeyId),

    /// An owner's quota was set.
    #[serde(rename = "quota.set")]
    QuotaSet(Box<Quota>),
    /// An owner has no quota any more.
    #[serde(rename = "quota.gone")]
    QuotaGone(QuotaId),

    /// A webhook was declared, or declared differently.
    #[serde(rename = "webhook.declared")]
    WebhookDeclared(Box<Webhook>),
    /// A webhook is gone.
    #[serde(rename = "webhook.gone")]
    WebhookGone(WebhookId),

    /// A user was entered, or changed.
    #[serde(rename = "user.set")]
    UserSet(Box<User>),
    /// A user signed in; the same password may have been hashed anew.
    #[serde(rename = "user.signed_in")]
    UserSignedIn(UserId, Option<Password>),
    /// A user is gone.
    #[serde(rename = "user.gone")]
    UserGone(UserId),

    /// Somebody entered a resource.
    #[serde(rename = "resource.declared")]
    ResourceDeclared(Box<Resource>),
    /// What does not change with leasing was entered differently.
    #[serde(rename = "resource.described")]
    ResourceDescribed(ResourceId, Arc<ResourceDoc>),
    /// A place was reserved for a new built resource.
    #[serde(rename = "resource.planned")]
    ResourcePlanned(Box<Resource>),
    /// A slice was cut from a divisible resource.
    #[serde(rename = "resource.cut")]
    ResourceCut(Box<Resource>),
    /// Its first build began; overdue then.
    #[serde(rename = "resource.creating")]
    ResourceCreating(ResourceId, Time),
    /// Its build came up.
    #[serde(rename = "resource.built")]
    ResourceBuilt {
        /// The resource.
        resource: ResourceId,
        /// Endpoint name → value.
        outputs: Arc<Outputs>,
        /// Too old for the pool then.
        retire_at: Option<Time>,
    },
    /// Its cleaning began; overdue then. With `replace` it is a new generation.
    #[serde(rename = "resource.cleaning")]
    ResourceCleaning {
        /// The resource.
        resource: ResourceId,
        /// Built anew.
        replace: bool,
        /// Overdue then.
        deadline: Time,
    },
    /// It is clean.
    #[serde(rename = "resource.cleaned")]
    ResourceCleaned {
        /// The resource.
        resource: ResourceId,
        /// New ones after a rebuild; empty keeps the old.
        outputs: Arc<Outputs>,
        /// Offered from then on.
        cooling_until: Option<Time>,
        /// Too old for the pool then; set by a rebuild.
        retire_at: Option<Time>,
    },
    /// A build, cleaning or member failed; looked at again then.
    #[serde(rename = "resource.failed")]
    ResourceFailed {
        /// The resource.
        resource: ResourceId,
        /// Why, for people.
        cause: Box<str>,
        /// Next look.
        retry_at: Time,
    },
    /// It waits for cleaning; raises an alert then.
    #[serde(rename = "resource.dirtied")]
    ResourceDirtied(ResourceId, Time),
    /// It was kept out of the pool.
    #[serde(rename = "resource.withheld")]
    ResourceWithheld(ResourceId, Arc<Withheld>),
    /// It came back clean.
    #[serde(rename = "resource.returned")]
    ResourceReturned(ResourceId),
    /// What it becomes after what it is busy with.
    #[serde(rename = "resource.then")]
    ResourceThen(ResourceId, Then),
    /// Its removal began, or began again; this try is overdue then.
    #[serde(rename = "resource.deleting")]
    ResourceDeleting(ResourceId, Time),
    /// A try to remove it failed; the next one begins then.
    #[serde(rename = "resource.undeleted")]
    ResourceUndeleted(ResourceId, Box<str>, Time),
    /// It is gone.
    #[serde(rename = "resource.gone")]
    ResourceGone(ResourceId),
    /// What was seen of it changed, and why.
    #[serde(rename = "resource.health")]
    ResourceHealth(
        ResourceId,
        Health,
        #[serde(default, skip_serializing_if = "is_default")] Option<Arc<str>>,
    ),
    /// Somebody wants it started, stopped or restarted; overdue then.
    #[serde(rename = "resource.turning")]
    ResourceTurning {
        /// The resource.
        resource: ResourceId,
        /// What is done to it.
        turn: Arc<Turn>,
        /// Overdue then.
        deadline: Time,
    },
    /// It was started, stopped or restarted.
    #[serde(rename = "resource.turned")]
    ResourceTurned(ResourceId),
    /// It could not be.
    #[serde(rename = "resource.unturned")]
    ResourceUnturned {
        /// The resource.
        resource: ResourceId,
        /// Why, for people.
        cause: Box<str>,
        /// It is as it was before.
        untouched: bool,
    },
    /// Its holder wants it altered; overdue then.
    #[serde(rename = "resource.altering")]
    ResourceAltering {
        /// The resource.
        resource: ResourceId,
        /// What it shall be made with: the revision's parameters, a JSON object as text.
        parameters: Arc<str>,
        /// Overdue then.
        deadline: Time,
    },
    /// It was.
    #[serde(rename = "resource.altered")]
    ResourceAltered {
        /// The resource.
        resource: ResourceId,
        /// Its endpoints; none keeps those it had.
        outputs: Arc<Outputs>,
    },
    /// It could not be, or what was begun could not be undone.
    #[serde(rename = "resource.unaltered")]
    ResourceUnaltered {
        /// The resource.
        resource: ResourceId,
        /// Why, for people.
        cause: Box<str>,
        /// What was begun is being undone; overdue then.
        undo_by: Option<Time>,
    },
    /// What was begun is undone: it is as it was.
    #[serde(rename = "resource.restored")]
    ResourceRestored(ResourceId),
    /// It has cooled down.
    #[serde(rename = "resource.cooled")]
    ResourceCooled(ResourceId),
    /// It has been dirty for too long: nobody cleans it.
    #[serde(rename = "resource.alert")]
    ResourceAlert(ResourceId),
    /// It is bound to the lease that prepares it.
    #[serde(rename = "resource.bound")]
    ResourceBound(ResourceId),
    /// It is kept for a waiting lease.
    #[serde(rename = "resource.earmarked")]
    ResourceEarmarked {
        /// The resource.
        resource: ResourceId,
        /// The waiting lease's place.
        rank: Rank,
        /// Index of the item it meets.
        item: u16,
    },
    /// It is no longer kept for anybody.
    #[serde(rename = "resource.unmarked")]
    ResourceUnmarked(ResourceId),

    /// Somebody waits.
    #[serde(rename = "lease.waiting")]
    LeaseWaiting(Box<Lease>),
    /// A lease was granted without waiting; the members stand in it.
    #[serde(rename = "lease.granted")]
    LeaseGranted {
        /// The lease as it now is.
        lease: Box<Lease>,
        /// Its members' bindings are overdue then.
        #[serde(default, skip_serializing_if = "is_default")]
        prepare_by: Option<Time>,
    },
    /// A waiting lease was granted what was kept for it.
    #[serde(rename = "lease.met")]
    LeaseMet {
        /// The lease.
        lease: LeaseId,
        /// Its fence.
        fence: Fence,
        /// First deadline.
        deadline: Option<Time>,
        /// Latest deadline.
        deadline_max: Option<Time>,
        /// Its members' bindings are overdue then; none where there is nothing to bind.
        #[serde(default, skip_serializing_if = "is_default")]
        prepare_by: Option<Time>,
    },
    /// All members are bound.
    #[serde(rename = "lease.active")]
    LeaseActive(LeaseId),
    /// Its deadline moved.
    #[serde(rename = "lease.renewed")]
    LeaseRenewed(LeaseId, Option<Time>),
    /// Its waiting holder showed that he lives.
    #[serde(rename = "lease.polled")]
    LeasePolled(LeaseId, Time),
    /// One member left it, its last excepted.
    #[serde(rename = "lease.reduced")]
    LeaseReduced(LeaseId, ResourceId, After),
    /// A member took the place of one that left.
    #[serde(rename = "lease.swapped")]
    LeaseSwapped {
        /// The lease.
        lease: LeaseId,
        /// Who left.
        out: ResourceId,
        /// What he became.
        after: After,
        /// Who came.
        member: Member,
        /// The lease's new fence.
        fence: Fence,
        /// The newcomer's binding is overdue then.
        #[serde(default, skip_serializing_if = "is_default")]
        prepare_by: Option<Time>,
    },
    /// A member went bad; the holder decides.
    #[serde(rename = "lease.flagged")]
    LeaseFlagged(LeaseId, ResourceId),
    /// It belongs to another owner.
    #[serde(rename = "lease.given")]
    LeaseGiven(LeaseId, Owner),
    /// Others may use it.
    #[serde(rename = "lease.shared")]
    LeaseShared(LeaseId, BTreeSet<Owner>),
    /// Its labels and note changed.
    #[serde(rename = "lease.noted")]
    LeaseNoted(LeaseId, Labels, Option<Box<str>>),
    /// One that another system had, and that is over, is remembered.
    #[serde(rename = "lease.imported")]
    LeaseImported(Arc<Past>),
    /// It ended.
    #[serde(rename = "lease.ended")]
    LeaseEnded {
        /// The lease.
        lease: LeaseId,
        /// Whose it was.
        owner: Owner,
        /// Its last fence.
        fence: Fence,
        /// How.
        end: End,
        /// What its members became.
        members: Vec<(ResourceId, After)>,
        /// What who revoked it said to its holder.
        #[serde(default, skip_serializing_if = "is_default")]
        reason: Option<Box<str>>,
        /// With whom it was shared.
        #[serde(default, skip_serializing_if = "is_default")]
        shared: Vec<Owner>,
    },

    /// An idempotency key has its outcome.
    #[serde(rename = "outcome.kept")]
    OutcomeKept(Box<Outcome>),
    /// An idempotency key may be used anew.
    #[serde(rename = "outcome.forgotten")]
    OutcomeForgotten(crate::outcome::OutcomeKey),
}
