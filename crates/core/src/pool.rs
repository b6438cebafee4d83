//! What a pool is: a named set of interchangeable resources with policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attribute::Attributes;
use crate::event::Number;
use crate::id::{PoolId, TemplateId};
use crate::limits;
use crate::name::{Name, Owner};
use crate::space::{Amount, Amounts};
use crate::time::Time;

/// A pool as State holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// From the ledger's counter.
    pub id: PoolId,
    /// Unique among pools.
    pub name: Name,
    /// What its operator asked for.
    pub spec: Arc<PoolSpec>,
    /// Deleted: takes no new lease, its free members go, and it ends with its last member.
    pub retiring: bool,
    /// The newest template revision that has come up here with the pool's parameters; until the
    /// desired one has, no member of another make is taken down for it.
    pub proven: Option<TemplateId>,
    /// When it was declared, in ledger time.
    pub made_at: Time,
    /// Number of the last event that changed it: its ETag.
    pub changed: Number,
}

/// A pool's policies. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// Where its resources come from.
    pub kind: PoolKind,
    /// Free members kept ready beyond demand; only for built pools.
    pub warm: u32,
    /// Upper bound on members that are not gone; only for built pools.
    pub max: u32,
    /// Bounds on leases.
    pub lease: LeasePolicy,
    /// What happens between two leases.
    pub recycle: Recycle,
    /// A grant is bound (environment, identity, thaw) before it is active.
    pub prepare: bool,
    /// Members are frozen when they are ready: they take memory but no processor. Needs `prepare`,
    /// which thaws them and sees that they answer. Those that are ready already stay as they are.
    #[serde(default)]
    pub pause: bool,
    /// Images that holders may bring when they alter what they hold: each is an image, the beginning of
    /// one that ends with `/`, `:` or `@`, or `*` for any. They run on the pool's hosts, which take
    /// them with what they know of registries; so without a word here holders bring none.
    #[serde(default)]
    pub holder_images: BTreeSet<Box<str>>,
    /// Which free member is taken.
    pub pick: Pick,
    /// What becomes of a lease whose member goes bad or whose host is lost.
    pub on_bad: OnBad,
    /// Which host gets the next build.
    pub placement: Placement,
    /// Who sees what.
    pub visibility: Visibility,
    /// Attributes with a posting list of free members, at most 8.
    pub indexed: BTreeSet<Box<str>>,
    /// Attributes of every built member.
    pub attributes: Attributes,
    /// What each built member takes of its host's `holds`. A change counts for those that stand,
    /// too: a host then over its bounds gets no more, and loses none.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub needs: Amounts,
    /// Hosts that may carry built members; none means every host whose driver the template knows.
    pub hosts: Option<BTreeSet<Name>>,
    /// Creating and cleaning at once in this pool.
    pub builds_max: u32,
    /// What an item that names no amount gets from a divisible pool.
    pub slice: Option<Amount>,
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    pub declared_in: Option<Box<str>>,
    /// Deadlines of what may take long.
    pub deadlines: Deadlines,
    /// Failed cleanings of a declared member until it is withheld for repair.
    pub tries_max: u32,
}

/// Where a pool's resources come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// Entered by somebody.
    Declared,
    /// From a template, on hosts.
    Built {
        /// Template name; its newest revision is the desired one.
        template: Name,
        /// Its parameters, a JSON object as text; checked by the entrance.
        parameters: Arc<str>,
    },
}

/// Bounds on a pool's leases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeasePolicy {
    /// Time to live when the caller names none.
    pub ttl_ms: u64,
    /// No deadline is ever later than the grant plus this.
    pub ttl_ms_max: u64,
    /// Leases have no deadline at all (for old clients).
    pub endless: bool,
    /// First deadline of a lease that had to wait.
    pub claim_within_ms: Option<u64>,
    /// Longest wait a caller may ask for.
    pub wait_ms_max: u64,
}

/// What happens to a member between two leases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recycle {
    /// How it gets clean.
    pub class: RecycleClass,
    /// Rest after cleaning (after the lease for `keep`) before it is offered.
    pub cooldown_ms: u64,
    /// A built member older than this is replaced when free.
    pub age_ms_max: Option<u64>,
    /// A built member that served this often is replaced.
    pub uses_max: Option<u32>,
}

/// How a member gets clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecycleClass {
    /// Built anew: a new generation in the same place. Only for built pools.
    Replace,
    /// The template's own reset, then its readiness. Only for built pools.
    Reset,
    /// Somebody outside: a webhook, or a cleaner that leases it with purpose `clean`.
    Hook,
    /// Nothing: what one holder leaves, the next finds.
    Keep,
}

/// Which free member is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The one that exists longest: the lowest id.
    First,
    /// The one that has been free longest (wear levelling).
    Oldest,
}

/// What becomes of a lease with a bad member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBad {
    /// Flagged; the holder decides.
    Keep,
    /// The member is exchanged, the lease prepared again with a new fence.
    Swap,
    /// The lease ends as lost.
    End,
}

/// Which host gets the next build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// The emptiest.
    Spread,
    /// The fullest that has room.
    Pack,
}

/// Who sees what of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visibility {
    /// Who sees the holders of its members.
    pub holders: Holders,
    /// Owners and groups that see and use the pool; none means everybody.
    pub owners: Option<BTreeSet<Owner>>,
}

/// Who sees the holders of a pool's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holders {
    /// Only they themselves, and operators.
    Nobody,
    /// Everybody who shares a group with the holder.
    Group,
    /// Everybody who sees the pool.
    Everyone,
}

/// Deadlines of what may take long, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    /// Planned, until a build starts.
    pub plan_ms: u64,
    /// Creating.
    pub create_ms: u64,
    /// Cleaning.
    pub clean_ms: u64,
    /// Preparing, per member.
    pub prepare_ms: u64,
    /// One try to delete.
    pub delete_ms: u64,
    /// A failed one waits this long for its next try, doubled with each, at most 64 times.
    pub retry_ms: u64,
    /// Dirty for longer raises an alert.
    pub dirty_alert_ms: u64,
}

impl PoolSpec {
    /// May a holder have this image run in what he holds?
    pub fn lets_bring(&self, image: &str) -> bool {
        self.holder_images.iter().any(|word| {
            let begins = word.ends_with(['/', ':', '@']) && image.starts_with(&**word);
            &**word == "*" || &**word == image || begins
        })
    }

    /// A pool of declared resources with the defaults of every policy.
    pub fn declared() -> Self {
        Self {
            kind: PoolKind::Declared,
            warm: 0,
            max: 0,
            lease: LeasePolicy {
                ttl_ms: limits::TTL_MS_DEFAULT,
                ttl_ms_max: 7 * 86_400_000,
                endless: false,
                claim_within_ms: None,
                wait_ms_max: 3_600_000,
            },
            recycle: Recycle {
                class: RecycleClass::Keep,
                cooldown_ms: 0,
                age_ms_max: None,
                uses_max: None,
            },
            prepare: false,
            pause: false,
            holder_images: BTreeSet::new(),
            pick: Pick::First,
            on_bad: OnBad::Keep,
            placement: Placement::Spread,
            visibility: Visibility {
                holders: Holders::Nobody,
                owners: None,
            },
            indexed: BTreeSet::new(),
            attributes: Attributes::default(),
            needs: Amounts::new(),
            hosts: None,
            builds_max: 4,
            slice: None,
            declared_in: None,
            deadlines: Deadlines {
                plan_ms: limits::PLANNED_MS_MAX,
                create_ms: limits::CREATE_MS_DEFAULT,
                clean_ms: limits::CLEAN_MS_DEFAULT,
                prepare_ms: limits::PREPARE_MS_DEFAULT,
                delete_ms: limits::DELETE_MS_DEFAULT,
                retry_ms: limits::RETRY_MS_MIN,
                dirty_alert_ms: limits::DIRTY_ALERT_MS,
            },
            tries_max: limits::CLEAN_ATTEMPTS_MAX,
        }
    }

    /// A pool built from `template`, replaced between leases, with the defaults of every policy.
    pub fn built(template: Name, warm: u32, max: u32) -> Self {
        let mut spec = Self::declared();
        spec.kind = PoolKind::Built {
            template,
            parameters: "{}".into(),
        };
        spec.warm = warm;
        spec.max = max;
        spec.recycle.class = RecycleClass::Replace;
        spec
    }

    /// The template's name, for a built pool.
    pub fn template(&self) -> Option<&Name> {
        match &self.kind {
            PoolKind::Built { template, .. } => Some(template),
            PoolKind::Declared => None,
        }
    }

    /// The template's parameters, for a built pool.
    pub fn parameters(&self) -> Option<&Arc<str>> {
        match &self.kind {
            PoolKind::Built { parameters, .. } => Some(parameters),
            PoolKind::Declared => None,
        }
    }
}
