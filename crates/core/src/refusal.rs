//! The domain's no. Knows no HTTP: `server/http/problem.rs` maps codes to statuses.

use crate::event::Number;
use crate::id::{Fence, LeaseId, ResourceId};
use crate::lease::End;
use crate::name::{Name, Owner};
use crate::time::Time;

/// Why an act was refused. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field of the act is out of its bounds or contradicts another.
    #[error("{field}: {reason}")]
    Invalid {
        /// Path of the field, as the caller knows it.
        field: &'static str,
        /// What would be right.
        reason: String,
    },
    /// The key is unknown or expired.
    #[error("this key is not known here, or it has expired")]
    UnknownKey,
    /// The key's role does not allow the act.
    #[error("this needs the role {needs}")]
    Forbidden {
        /// What would allow it.
        needs: &'static str,
    },
    /// The key may not speak for that owner.
    #[error("this key may not act for {owner}")]
    NotOwner {
        /// Who was named.
        owner: Owner,
    },
    /// There is no such noun, or none that the caller may see.
    #[error("there is no {noun} {id}")]
    Unknown {
        /// `pool`, `resource`, …
        noun: &'static str,
        /// Its name or id.
        id: String,
    },
    /// Nothing free meets the demand now, and the caller would not wait.
    #[error("nothing free meets this now; ask again with a wait")]
    PoolExhausted {
        /// Waiters before a new one.
        waiting: u64,
    },
    /// Nothing present, planned or buildable could ever meet the demand.
    #[error("nothing here could ever meet this: {why}")]
    Impossible {
        /// The first item that cannot be met, and why.
        why: String,
    },
    /// The owner has as much as he may have.
    #[error("the quota of {owner} allows {allowed} {what}, {used} are in use")]
    QuotaExceeded {
        /// The owner.
        owner: Owner,
        /// `leases`, `resources` or a kind of quantity.
        what: Box<str>,
        /// The bound.
        allowed: u64,
        /// In use or waited for.
        used: u64,
    },
    /// A bound of this installation is reached.
    #[error("there are {max} {what} already, which is the limit")]
    LimitReached {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// The lease is over.
    #[error("{lease} has ended: {}{}", .end.as_str(), said(.reason.as_deref()))]
    LeaseEnded {
        /// The lease.
        lease: LeaseId,
        /// How.
        end: End,
        /// When.
        at: Time,
        /// What who revoked it said to its holder.
        reason: Option<Box<str>>,
    },
    /// Somebody else was granted it since.
    #[error("fence {given} is stale, the lease's is {current}")]
    StaleFence {
        /// The caller's.
        given: Fence,
        /// The lease's.
        current: Fence,
    },
    /// The noun changed since the caller read it.
    #[error("it changed since: it is at {current}")]
    Changed {
        /// Its ETag now.
        current: Number,
    },
    /// The noun's state does not allow the act.
    #[error("{resource} is {state}: {advice}")]
    BadTransition {
        /// The resource.
        resource: ResourceId,
        /// Its state.
        state: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A selector would look at too many candidates.
    #[error("more than {max} candidates would have to be looked at; {}", match attribute {
        Some(attribute) => format!("index {attribute} in the pool, or narrow the selector"),
        None => "narrow the selector by the value of an attribute that the pool indexes".to_owned(),
    })]
    ScanTooLong {
        /// One that would help: the selector says its value, and the pool does not index it.
        attribute: Option<String>,
        /// The bound.
        max: usize,
    },
    /// The idempotency key stands for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The name is taken by something that cannot become this.
    #[error("{noun} {name}: {why}")]
    Conflict {
        /// `pool`, `host`, …
        noun: &'static str,
        /// Its name.
        name: String,
        /// What stands against it.
        why: String,
    },
    /// The noun is being removed.
    #[error("{noun} {name} is being removed")]
    Retiring {
        /// `pool` or `host`.
        noun: &'static str,
        /// Its name.
        name: Name,
    },
    /// One of several acts was refused, so none was done.
    #[error("act {index}: {refusal}")]
    InAll {
        /// Which.
        index: usize,
        /// Why.
        refusal: Box<Refusal>,
    },
}

/// A reason behind what it is the reason of.
fn said(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |r| format!(", {r}"))
}

impl Refusal {
    /// Every code there is, for the docs and for tests of completeness.
    pub const CODES: [&'static str; 17] = [
        "invalid",
        "unknown-key",
        "forbidden",
        "not-owner",
        "unknown",
        "pool-exhausted",
        "impossible",
        "quota-exceeded",
        "limit-reached",
        "lease-ended",
        "stale-fence",
        "changed",
        "bad-transition",
        "scan-too-long",
        "key-reused",
        "conflict",
        "retiring",
    ];

    /// Stable name of the refusal, part of the API; one in `All` has its act's code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::UnknownKey => "unknown-key",
            Self::Forbidden { .. } => "forbidden",
            Self::NotOwner { .. } => "not-owner",
            Self::Unknown { .. } => "unknown",
            Self::PoolExhausted { .. } => "pool-exhausted",
            Self::Impossible { .. } => "impossible",
            Self::QuotaExceeded { .. } => "quota-exceeded",
            Self::LimitReached { .. } => "limit-reached",
            Self::LeaseEnded { .. } => "lease-ended",
            Self::StaleFence { .. } => "stale-fence",
            Self::Changed { .. } => "changed",
            Self::BadTransition { .. } => "bad-transition",
            Self::ScanTooLong { .. } => "scan-too-long",
            Self::KeyReused => "key-reused",
            Self::Conflict { .. } => "conflict",
            Self::Retiring { .. } => "retiring",
            Self::InAll { refusal, .. } => refusal.code(),
        }
    }

    /// A field is out of its bounds.
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            reason: reason.into(),
        }
    }

    /// No such noun.
    pub(crate) fn unknown(noun: &'static str, id: impl ToString) -> Self {
        Self::Unknown {
            noun,
            id: id.to_string(),
        }
    }
}
