//! What the ledger answers, always after the commit.

use std::sync::Arc;

use caviada_core::command::Reply;
use caviada_core::host::Host;
use caviada_core::key::Key;
use caviada_core::lease::{Ended, Lease};
use caviada_core::outcome::Subject;
use caviada_core::pool::Pool;
use caviada_core::quota::Quota;
use caviada_core::refusal::Refusal;
use caviada_core::resource::Resource;
use caviada_core::state::State;
use caviada_core::template::Template;
use caviada_core::time::Time;
use caviada_core::user::User;
use caviada_core::webhook::Webhook;

/// What became of a command.
pub type Answer = Result<Accepted, Failure>;

/// A command that is done, durably.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// What it did.
    pub reply: Reply,
    /// The noun it was about, as the command left it.
    pub noun: Noun,
    /// Ledger time of its batch.
    pub at: Time,
    /// A snapshot of this revision or a later one holds it.
    pub revision: u64,
}

/// Why a command is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The domain says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many commands are queued; nothing changed, ask again soon.
    #[error("too many commands are waiting; ask again in a moment")]
    Busy,
    /// The store did not take it, nothing changed; or the process ends, and nobody knows. Ask again
    /// under the same idempotency key.
    #[error("the store does not take this now; ask again in a moment")]
    Unavailable,
    /// A bug: deciding it panicked. Nothing changed.
    #[error("this is a bug in Caviada; nothing changed")]
    Internal,
}

/// A noun and what is needed to show it.
#[derive(Debug, Clone)]
pub enum Noun {
    /// A waiting or live lease, and each member with its pool.
    Lease(Arc<Lease>, Vec<(Arc<Resource>, Arc<Pool>)>),
    /// A lease that ended within the hour.
    Ended(Arc<Ended>),
    /// A resource.
    Resource(Arc<Resource>),
    /// A pool.
    Pool(Arc<Pool>),
    /// A host.
    Host(Arc<Host>),
    /// A template revision.
    Template(Arc<Template>),
    /// A key.
    Key(Arc<Key>),
    /// A quota.
    Quota(Arc<Quota>),
    /// A webhook.
    Webhook(Arc<Webhook>),
    /// A user.
    User(Arc<User>),
    /// Several nouns, or one that is gone.
    Nothing,
}

impl Noun {
    /// A noun as it is in State.
    pub fn of(state: &State, subject: Subject) -> Self {
        let found = match subject {
            Subject::Lease(id) => match state.leases.get(&id) {
                Some(lease) => Some(Self::Lease(lease.clone(), members(state, lease))),
                None => state.ended_lease(id).cloned().map(Self::Ended),
            },
            Subject::Resource(id) => state.resources.get(&id).cloned().map(Self::Resource),
            Subject::Pool(id) => state.pools.get(&id).cloned().map(Self::Pool),
            Subject::Host(id) => state.hosts.get(&id).cloned().map(Self::Host),
            Subject::Template(id) => state.templates.get(&id).cloned().map(Self::Template),
            Subject::Key(id) => state.keys.get(&id).cloned().map(Self::Key),
            Subject::Quota(id) => state.quotas.get(&id).cloned().map(Self::Quota),
            Subject::Webhook(id) => state.webhooks.get(&id).cloned().map(Self::Webhook),
            Subject::User(id) => state.users.get(&id).cloned().map(Self::User),
            Subject::Nothing => None,
        };
        found.unwrap_or(Self::Nothing)
    }
}

fn members(state: &State, lease: &Lease) -> Vec<(Arc<Resource>, Arc<Pool>)> {
    let member = |id| {
        let resource = state.resources.get(id)?;
        Some((resource.clone(), state.pools.get(&resource.pool)?.clone()))
    };
    lease
        .members
        .iter()
        .filter_map(|m| member(&m.resource))
        .collect()
}
