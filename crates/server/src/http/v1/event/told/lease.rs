//! Events of leases.

use caviada_core::event::Event;
use caviada_core::id::LeaseId;
use caviada_core::lease::{Lease, Past};
use serde_json::json;

use super::{About, became};
use crate::http::v1::event::names::Names;

impl About {
    pub(super) fn lease_event(&mut self, names: &Names, event: &Event) -> Option<&'static str> {
        let (lease, kind) = match event {
            Event::LeaseWaiting(lease) => {
                self.whole(names, lease);
                self.time("wait_until", lease.wait_until);
                (lease.id, "lease.waiting")
            }
            Event::LeaseGranted { lease, .. } => {
                self.whole(names, lease);
                self.fact("fence", lease.fence.0);
                self.time("expires_at", lease.deadline);
                (lease.id, "lease.granted")
            }
            Event::LeaseMet {
                lease,
                fence,
                deadline,
                ..
            } => {
                self.fact("fence", fence.0);
                self.time("expires_at", *deadline);
                (*lease, "lease.met")
            }
            Event::LeaseActive(id) => (*id, "lease.active"),
            Event::LeaseImported(past) => (self.imported(past), "lease.imported"),
            Event::LeaseRenewed(id, deadline) => {
                self.time("expires_at", *deadline);
                (*id, "lease.renewed")
            }
            Event::LeasePolled(id, until) => {
                self.time("poll_until", Some(*until));
                (*id, "lease.polled")
            }
            Event::LeaseReduced(id, resource, after) => {
                self.resource(names, *resource);
                self.fact("after", became(after));
                (*id, "lease.reduced")
            }
            Event::LeaseSwapped {
                lease,
                out,
                member,
                fence,
                ..
            } => {
                self.resource(names, *out);
                self.resource(names, member.resource);
                self.fact("fence", fence.0);
                (*lease, "lease.swapped")
            }
            Event::LeaseFlagged(id, resource) => {
                self.resource(names, *resource);
                (*id, "lease.flagged")
            }
            Event::LeaseGiven(id, to) => {
                self.fact("to", to.as_str());
                (*id, "lease.given")
            }
            Event::LeaseShared(id, with) => {
                self.fact("with", json!(with));
                (*id, "lease.shared")
            }
            Event::LeaseNoted(id, ..) => (*id, "lease.noted"),
            Event::LeaseEnded {
                lease,
                owner,
                fence,
                end,
                members,
                reason,
                // It was told when it was shared.
                shared: _,
            } => {
                members.iter().for_each(|(r, _)| self.resource(names, *r));
                self.owner = Some(owner.clone());
                self.fact("fence", fence.0);
                self.fact("end", end.as_str());
                if let Some(reason) = reason {
                    self.fact("reason", &**reason);
                }
                (*lease, "lease.ended")
            }
            _ => return None,
        };
        self.of_lease(names, lease);
        Some(kind)
    }

    fn imported(&mut self, past: &Past) -> LeaseId {
        self.owner = Some(past.owner.clone());
        self.pool(past.pool);
        self.time("granted_at", Some(past.granted_at));
        self.time("ended_at", Some(past.ended_at));
        past.id
    }

    fn whole(&mut self, names: &Names, lease: &Lease) {
        self.owner = Some(lease.owner.clone());
        lease
            .items
            .iter()
            .filter_map(|i| i.pool)
            .for_each(|p| self.pool(p));
        let members = lease.members.iter();
        members.for_each(|m| self.resource(names, m.resource));
    }

    /// What an event says of its lease only by its id.
    pub(super) fn of_lease(&mut self, names: &Names, id: LeaseId) {
        self.lease = Some(id);
        if let Some((owner, pools)) = names.lease(id) {
            self.owner.get_or_insert(owner);
            pools.into_iter().for_each(|p| self.pool(p));
        }
    }
}
