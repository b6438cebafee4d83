//! Commands: every act of the product, one variant each, with when it is legal. An act that is
//! not legal is refused and changes nothing.

mod acquire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::alter::Alter;
use crate::attribute::{Attributes, Labels};
use crate::event::Number;
use crate::host::HostSpec;
use crate::id::{Fence, HostId, KeyId, LeaseId, ResourceId, UserId};
use crate::key::Role;
use crate::name::{Name, Owner, ResourceName};
use crate::outcome::Subject;
use crate::pool::PoolSpec;
use crate::power::Turn;
use crate::quota::QuotaSpec;
use crate::refusal::Refusal;
use crate::resource::{Health, Outputs};
use crate::space::Space;
use crate::time::Time;
use crate::user::{Password, Profile, UserSpec};
use crate::webhook::WebhookSpec;

pub use acquire::{Acquire, Reuse, Want};

/// One act, by somebody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Who acts.
    pub by: By,
    /// Repeat-safe under this key.
    pub idempotency: Option<Idempotency>,
    /// The act.
    pub act: Act,
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The bearer of a key; what he may do is looked up when the act is decided.
    Key(KeyId),
    /// A user who has signed in; what he may do is looked up when the act is decided. His acts are
    /// not repeat-safe, and leases he asks for by the key of the entrance where he is.
    User(UserId),
    /// Caviada itself: the reconciler and the first start.
    System,
}

/// A caller's idempotency key and what he asked under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// 1 to 128 printable ASCII characters.
    pub key: Box<str>,
    /// SHA-256 of the request.
    pub digest: [u8; 32],
}

/// What somebody does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// Declares a pool or changes its spec. The kind of a pool that has members stays.
    PutPool {
        /// Its name.
        name: Name,
        /// Its policies.
        spec: Box<PoolSpec>,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Retires a pool: no new leases, waiters end as impossible, free members go, the rest as it
    /// comes back.
    DeletePool {
        /// Its name.
        name: Name,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Declares a host or changes its spec. Its driver and address stay while it has members.
    PutHost {
        /// Its name.
        name: Name,
        /// What it offers.
        spec: Box<HostSpec>,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Retires a host. With `forget`, what stands on it counts as gone at once, and is removed
    /// should the host ever return.
    DeleteHost {
        /// Its name.
        name: Name,
        /// Do not wait for it.
        forget: bool,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Adds a revision of a template; the same files as its newest revision add none.
    PutTemplate {
        /// Its name.
        name: Name,
        /// Path → text.
        files: Arc<BTreeMap<Box<str>, Box<str>>>,
        /// Drivers that can build it.
        drivers: Vec<Box<str>>,
        /// Needs a block of host ports.
        ports: bool,
        /// Can be reset in place.
        reset: bool,
        /// How long a bring-up may take, in milliseconds.
        create_ms: u64,
        /// Name of the file that declares it.
        declared_in: Option<Box<str>>,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Removes a template that no pool names.
    DeleteTemplate {
        /// Its name.
        name: Name,
    },
    /// Makes a key. Its secret never comes here.
    PutKey {
        /// Its name, unique.
        name: Name,
        /// What it may do; never more than its maker.
        role: Role,
        /// Whom it speaks for.
        owner: Owner,
        /// The owner's groups.
        groups: BTreeSet<Owner>,
        /// Pools in which it may name other owners.
        act_for: BTreeSet<Name>,
        /// SHA-256 of the secret.
        hash: [u8; 32],
        /// Refused from then on.
        expires_at: Option<Time>,
        /// Name of the file that declares it.
        declared_in: Option<Box<str>>,
    },
    /// Removes a key; the last admin key stays.
    DeleteKey {
        /// The key.
        key: KeyId,
    },
    /// Bounds an owner.
    PutQuota {
        /// The owner.
        owner: Owner,
        /// The bounds.
        spec: QuotaSpec,
        /// Name of the file that declares it.
        declared_in: Option<Box<str>>,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Unbounds an owner.
    DeleteQuota {
        /// The owner.
        owner: Owner,
    },
    /// Declares a webhook or changes its spec. Its secret comes sealed.
    PutWebhook {
        /// Its name.
        name: Name,
        /// Where to, and what.
        spec: Box<WebhookSpec>,
        /// The signing secret, sealed; none keeps the present one.
        sealed: Option<Box<str>>,
        /// Name of the file that declares it.
        declared_in: Option<Box<str>>,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Removes a webhook; what it has not been told is lost.
    DeleteWebhook {
        /// Its name.
        name: Name,
    },
    /// Enters a user, or changes what his admin says of him. A password comes hashed.
    PutUser {
        /// His name, unique.
        name: Owner,
        /// Role, active or not, balance.
        spec: UserSpec,
        /// What he says of himself; none keeps it.
        profile: Option<Box<Profile>>,
        /// Another password; none keeps the present one, if there is one.
        password: Option<Password>,
        /// Only if he is unchanged since.
        expect: Option<Number>,
    },
    /// Somebody enters himself, with the role of a user. Only Caviada says so, where its
    /// configuration lets people in. Refused for a name that anybody has: a user, who a key speaks
    /// for, one of its groups, or who holds something.
    Register {
        /// His name.
        name: Owner,
        /// His password, hashed.
        password: Password,
        /// May he sign in, or has an admin yet to say so?
        active: bool,
    },
    /// Removes a user; what he holds stays with the owner of his name.
    DeleteUser {
        /// His name.
        name: Owner,
        /// Only if he is unchanged since.
        expect: Option<Number>,
    },
    /// Gives a user another password, which ends his sessions. His own and an admin's act.
    PutPassword {
        /// His name.
        name: Owner,
        /// It, hashed.
        password: Password,
        /// Only if he is unchanged since.
        expect: Option<Number>,
    },
    /// Changes what a user says of himself. His own and an admin's act.
    PutProfile {
        /// His name.
        name: Owner,
        /// All of it.
        profile: Box<Profile>,
        /// Only if he is unchanged since.
        expect: Option<Number>,
    },
    /// A user has shown his password. Only Caviada says so; refused for one who is not active, and
    /// when his password or rights changed since it was checked.
    SignIn {
        /// The user.
        user: UserId,
        /// Where his sessions begin, as whoever checked the password read it.
        sessions: Number,
        /// The same password, hashed as is done now.
        anew: Option<Password>,
    },
    /// Enters a resource into a declared pool, or changes the attributes, labels and endpoints of
    /// the one of that name.
    Declare {
        /// The pool.
        pool: Name,
        /// Unique in the pool.
        name: ResourceName,
        /// Typed facts.
        attributes: Attributes,
        /// For choosing.
        labels: Labels,
        /// How it is reached.
        endpoints: Outputs,
        /// Name of the file that declares it.
        declared_in: Option<Box<str>>,
        /// As what it enters; only for a new one.
        entry: Entry,
        /// Grants cut slices from it; only for a new one.
        space: Option<Box<Space>>,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Removes a resource: at once when nobody holds it; refused while it is leased, unless
    /// `force` revokes the lease.
    DeleteResource {
        /// The resource.
        resource: ResourceId,
        /// Even from its holder.
        force: bool,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Keeps a resource out of the pool: at once, or once it is no longer busy.
    Withhold {
        /// The resource.
        resource: ResourceId,
        /// Why: one word.
        reason: Box<str>,
        /// Ends by itself then.
        until: Option<Time>,
    },
    /// Ends the withholding: clean → free, else → dirty. Refused for one that is not withheld.
    Return {
        /// The resource.
        resource: ResourceId,
    },
    /// Starts, stops or restarts a built resource, or one service of it: by its holder, or by an
    /// operator. What is free is kept out of the pool until it runs again. Refused while something
    /// else is being done to it.
    Power {
        /// The resource.
        resource: ResourceId,
        /// What to do.
        turn: Turn,
        /// Only while this lease has it.
        lease: Option<LeaseId>,
    },
    /// Makes a leased resource what other parameters of the same revision say: by its holder, or by
    /// an operator for him. It ends with the lease: nobody else gets it. Refused while something
    /// else is being done to it, or something of it is stopped.
    Alter(Box<Alter>),
    /// Cleans a built resource that nobody holds, as if a lease had ended: in place, with the same
    /// ports. Refused for one that is busy.
    Recycle {
        /// The resource.
        resource: ResourceId,
    },
    /// Builds one more member of a pool, beyond what it keeps warm and within its max.
    Build {
        /// The pool.
        pool: Name,
        /// Where; none leaves it to the pool's placement.
        host: Option<Name>,
        /// What it is called; none makes a name.
        name: Option<ResourceName>,
    },
    /// Asks for resources.
    Acquire(Box<Acquire>),
    /// Moves a lease's deadline, or shows that its waiting holder lives. Refused at or after the
    /// deadline.
    Renew {
        /// The lease.
        lease: LeaseId,
        /// From now, in milliseconds; none is what was asked for at first.
        ttl_ms: Option<u64>,
        /// Refused unless it is the lease's.
        fence: Option<Fence>,
    },
    /// Ends a lease, or gives single members back. Repeating it changes nothing.
    Release {
        /// The lease.
        lease: LeaseId,
        /// Only these members; empty is all.
        members: Vec<ResourceId>,
        /// Keeps the members for debugging until then, with a reason.
        hold: Option<(Time, Box<str>)>,
        /// How the work went; a lease with purpose `clean` whose work did not go well leaves its
        /// members dirty.
        ok: bool,
        /// Refused unless it is the lease's.
        fence: Option<Fence>,
    },
    /// Ends somebody's lease.
    Revoke {
        /// The lease.
        lease: LeaseId,
        /// Why; told to its holder with the event.
        reason: Option<Box<str>>,
    },
    /// Makes a lease another owner's.
    Give {
        /// The lease.
        lease: LeaseId,
        /// The new owner.
        to: Owner,
        /// Refused unless it is the lease's.
        fence: Option<Fence>,
    },
    /// Lets others see and use a lease; replaces those named before.
    Share {
        /// The lease.
        lease: LeaseId,
        /// The others.
        with: BTreeSet<Owner>,
        /// Refused unless it is the lease's.
        fence: Option<Fence>,
    },
    /// Changes a lease's labels and note.
    Annotate {
        /// The lease.
        lease: LeaseId,
        /// All its labels.
        labels: Labels,
        /// Its note.
        note: Option<Box<str>>,
        /// Only if it is unchanged since.
        expect: Option<Number>,
    },
    /// Enters a lease that began and ended in another system: only the history remembers it.
    ImportLease {
        /// Who had it.
        owner: Owner,
        /// The pool it counts as one of.
        pool: Name,
        /// When it was granted.
        granted_at: Time,
        /// When it was given back.
        ended_at: Time,
        /// What else there is to say of it.
        labels: Labels,
        /// Its holder's note.
        note: Option<Box<str>>,
    },
    /// The outcome of an attempt. One of a stale generation or attempt changes nothing.
    Record {
        /// The resource.
        resource: ResourceId,
        /// The generation it was about.
        generation: u64,
        /// The attempt it was about.
        attempt: u64,
        /// How it went.
        outcome: AttemptOutcome,
    },
    /// What was seen of a resource changed. About another generation it changes nothing.
    RecordHealth {
        /// The resource.
        resource: ResourceId,
        /// The generation seen.
        generation: u64,
        /// What was seen.
        health: Health,
        /// Why it is so, or what happened to it that is well: a kind, and what a driver saw.
        why: Option<Arc<str>>,
    },
    /// A host came into sight or went out of it.
    RecordHost {
        /// The host.
        host: HostId,
        /// In sight.
        seen: bool,
    },
    /// Several acts that succeed or fail as one, at most 256.
    All(Vec<Act>),
}

/// As what a declared resource enters its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Ready.
    Free,
    /// To be cleaned first.
    Dirty,
    /// Kept out until somebody returns it.
    Withheld,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// As asked; a build gives its outputs.
    Done(Outputs),
    /// Not; kind and what people should read.
    Failed {
        /// `refused`, `no_image`, `no_room`, `not_ready`, `port_taken` …
        kind: Box<str>,
        /// Evidence, capped.
        detail: Box<str>,
    },
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The noun it was about, as it now is in State.
    pub subject: Subject,
    /// It changed nothing: a repeat, a reuse, or something stale.
    pub repeated: bool,
}

/// What `step` gives: what it did, or why not.
pub type Decision<T> = Result<T, Refusal>;
