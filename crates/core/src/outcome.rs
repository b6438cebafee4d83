//! Idempotency: (principal, key) → the outcome of one command.

use serde::{Deserialize, Serialize};

use crate::id::{
    HostId, KeyId, LeaseId, PoolId, QuotaId, ResourceId, TemplateId, UserId, WebhookId,
};
use crate::time::Time;

/// Whose key, and the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutcomeKey {
    /// The principal.
    pub by: KeyId,
    /// 1 to 128 printable ASCII characters.
    pub key: Box<str>,
}

/// What a command with an idempotency key did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whose key, and the key.
    pub at: OutcomeKey,
    /// SHA-256 of the request: another one under the same key is refused.
    pub digest: [u8; 32],
    /// What it was about; a repeat answers it as it is now.
    pub subject: Subject,
    /// The lease it lives with.
    pub lease: Option<LeaseId>,
    /// Forgotten then; none while its lease lives.
    pub until: Option<Time>,
}

/// The noun a command was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A lease.
    Lease(LeaseId),
    /// A resource.
    Resource(ResourceId),
    /// A pool.
    Pool(PoolId),
    /// A host.
    Host(HostId),
    /// A template revision.
    Template(TemplateId),
    /// A key.
    Key(KeyId),
    /// A quota.
    Quota(QuotaId),
    /// A webhook.
    Webhook(WebhookId),
    /// A user.
    User(UserId),
    /// Several nouns, or one that is gone.
    Nothing,
}
