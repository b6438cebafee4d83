//! Whom an event is about.

use caviada_core::event::Event;
use caviada_core::id::{
    HostId, KeyId, LeaseId, PoolId, QuotaId, ResourceId, TemplateId, UserId, WebhookId,
};
use caviada_core::lease::{Lease, Past};
use caviada_core::name::Owner;
use sha2::{Digest as _, Sha256};

use super::lease::PastLease;

/// A noun by its id, or an owner by a number below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject(pub i64);

impl Subject {
    /// A noun: no two of whatever kind have the same id.
    pub fn noun(id: u64) -> Self {
        Self(id.cast_signed() & i64::MAX)
    }

    /// An owner. Two with the same number would only be searched together: whoever reads looks at
    /// the name again.
    pub fn owner(owner: &Owner) -> Self {
        let digest = Sha256::digest(owner.as_str());
        let first = digest
            .first_chunk()
            .map_or(0, |bytes| i64::from_be_bytes(*bytes));
        Self(first | i64::MIN)
    }
}

/// What an event does not say itself.
pub(crate) trait Context {
    /// The pool of a resource.
    fn pool_of(&self, resource: ResourceId) -> Option<PoolId>;
    /// Shows a lease as it was until now, if there was one.
    fn lease(&self, lease: LeaseId, look: impl FnOnce(&PastLease));
    /// An owner's number.
    fn owner(&self, owner: &Owner) -> Subject {
        Subject::owner(owner)
    }
}

/// Everybody an event is about: the nouns it names, the pools of its resources, and the owner of
/// its lease. Some may come twice.
pub(crate) fn subjects(event: &Event, context: &impl Context, found: &mut Vec<Subject>) {
    Found { found, context }.event(event);
}

struct Found<'a, C> {
    found: &'a mut Vec<Subject>,
    context: &'a C,
}

impl<C: Context> Found<'_, C> {
    fn noun(&mut self, id: u64) {
        self.found.push(Subject::noun(id));
    }

    fn owner(&mut self, owner: &Owner) {
        self.found.push(self.context.owner(owner));
    }

    fn resource(&mut self, id: ResourceId) {
        self.noun(id.0);
        if let Some(pool) = self.context.pool_of(id) {
            self.noun(pool.0);
        }
    }

    fn lease(&mut self, id: LeaseId) {
        self.noun(id.0);
        let context = self.context;
        context.lease(id, |lease| {
            // Owners had, and everything that was a member.
            lease.owners.iter().for_each(|o| self.owner(o));
            lease.members.iter().for_each(|r| self.resource(*r));
        });
    }

    fn owned(&mut self, id: u64, owner: &Owner) {
        self.noun(id);
        self.owner(owner);
    }

    fn whole_lease(&mut self, lease: &Lease) {
        self.noun(lease.id.0);
        self.owner(&lease.owner);
        lease
            .items
            .iter()
            .filter_map(|i| i.pool)
            .for_each(|p| self.noun(p.0));
        lease.members.iter().for_each(|m| self.resource(m.resource));
    }

    fn past_lease(&mut self, past: &Past) {
        self.owned(past.id.0, &past.owner);
        self.noun(past.pool.0);
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::PoolDeclared(pool) => self.noun(pool.id.0),
            Event::PoolRetiring(PoolId(id))
            | Event::PoolGone(PoolId(id))
            | Event::HostSeen(HostId(id))
            | Event::HostUnseen(HostId(id), _)
            | Event::HostLost(HostId(id))
            | Event::HostRetiring {
                host: HostId(id), ..
            }
            | Event::HostQuarantined(HostId(id), _)
            | Event::HostGone(HostId(id))
            | Event::TemplateGone(TemplateId(id))
            | Event::KeyGone(KeyId(id))
            | Event::QuotaGone(QuotaId(id))
            | Event::WebhookGone(WebhookId(id))
            | Event::UserSignedIn(UserId(id), _)
            | Event::UserGone(UserId(id)) => self.noun(*id),
            Event::PoolProven(PoolId(pool), TemplateId(other))
            | Event::HostBackoff {
                host: HostId(other),
                pool: PoolId(pool),
                ..
            }
            | Event::HostBackoffOver(HostId(other), PoolId(pool))
            | Event::HostRecovered(HostId(other), PoolId(pool)) => {
                self.noun(*pool);
                self.noun(*other);
            }
            Event::HostDeclared(host) => self.noun(host.id.0),
            Event::WebhookDeclared(webhook) => self.noun(webhook.id.0),
            Event::TemplateRevised(template) => self.noun(template.id.0),
            Event::KeyMade(key) => self.owned(key.id.0, &key.owner),
            Event::UserSet(user) => self.owned(user.id.0, &user.name),
            Event::QuotaSet(quota) => self.owned(quota.id.0, &quota.owner),
            Event::ResourceDeclared(r) | Event::ResourcePlanned(r) | Event::ResourceCut(r) => {
                self.resource(r.id);
                if let Some(site) = r.site() {
                    self.noun(site.host.0);
                }
            }
            Event::ResourceDescribed(id, _)
            | Event::ResourceCreating(id, _)
            | Event::ResourceDirtied(id, _)
            | Event::ResourceWithheld(id, _)
            | Event::ResourceReturned(id)
            | Event::ResourceThen(id, _)
            | Event::ResourceDeleting(id, _)
            | Event::ResourceUndeleted(id, ..)
            | Event::ResourceGone(id)
            | Event::ResourceHealth(id, ..)
            | Event::ResourceTurning { resource: id, .. }
            | Event::ResourceTurned(id)
            | Event::ResourceUnturned { resource: id, .. }
            | Event::ResourceAltering { resource: id, .. }
            | Event::ResourceAltered { resource: id, .. }
            | Event::ResourceUnaltered { resource: id, .. }
            | Event::ResourceRestored(id)
            | Event::ResourceCooled(id)
            | Event::ResourceAlert(id)
            | Event::ResourceBound(id)
            | Event::ResourceUnmarked(id)
            | Event::ResourceBuilt { resource: id, .. }
            | Event::ResourceCleaning { resource: id, .. }
            | Event::ResourceCleaned { resource: id, .. }
            | Event::ResourceFailed { resource: id, .. } => self.resource(*id),
            Event::ResourceEarmarked { resource, rank, .. } => {
                self.resource(*resource);
                self.lease(rank.lease);
            }
            Event::LeaseWaiting(lease) | Event::LeaseGranted { lease, .. } => {
                self.whole_lease(lease);
            }
            Event::LeaseMet { lease, .. }
            | Event::LeaseActive(lease)
            | Event::LeaseRenewed(lease, _)
            | Event::LeasePolled(lease, _)
            | Event::LeaseReduced(lease, ..)
            | Event::LeaseSwapped { lease, .. }
            | Event::LeaseFlagged(lease, _)
            | Event::LeaseGiven(lease, _)
            | Event::LeaseShared(lease, _)
            | Event::LeaseNoted(lease, ..)
            | Event::LeaseEnded { lease, .. } => self.lease(*lease),
            Event::LeaseImported(past) => self.past_lease(past),
            Event::OutcomeKept(_) | Event::OutcomeForgotten(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_no_noun() {
        let owner = Subject::owner(&Owner::new("ann").unwrap());
        assert!(owner.0 < 0);
        assert!(Subject::noun(u64::MAX).0 >= 0);
        assert_ne!(owner, Subject::owner(&Owner::new("ben").unwrap()));
    }
}
