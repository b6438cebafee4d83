//! What events do to leases, and to their members.

use crate::event::Event;
use crate::id::{LeaseId, ResourceId};
use crate::index::{Carrier, Demand};
use crate::lease::{Ended, Lease, LeaseState, Member};
use crate::limits;
use crate::settle::queue::builder;
use crate::state::{State, Work};
use crate::time::Time;

pub(super) fn evolve(state: &mut State, event: &Event) {
    match event {
        Event::LeaseWaiting(lease) => state.insert_lease(lease),
        Event::LeaseGranted { lease, prepare_by } => {
            state.insert_lease(lease);
            state.take_all(lease, *prepare_by);
            state.count(lease.fence.0);
        }
        Event::LeaseMet {
            lease,
            fence,
            deadline,
            deadline_max,
            prepare_by,
        } => {
            state.count(fence.0);
            let now = state.now;
            let binds = state.binding(*lease, prepare_by.is_some());
            state.lease(*lease, |l| {
                l.members = std::mem::take(&mut l.earmarks)
                    .into_iter()
                    .zip(binds)
                    .map(|(e, binds)| Member {
                        resource: e.resource,
                        item: e.item,
                        bound: !binds,
                        flagged: false,
                    })
                    .collect();
                l.state = state_of(&l.members);
                l.fence = *fence;
                l.granted_at = Some(now);
                l.deadline = *deadline;
                l.deadline_max = *deadline_max;
                (l.wait_until, l.poll_until) = (None, None);
            });
            if let Some(lease) = state.leases.get(lease).cloned() {
                state.take_all(&lease, *prepare_by);
            }
        }
        Event::LeaseActive(id) => state.lease(*id, |l| l.state = LeaseState::Active),
        Event::LeaseRenewed(id, deadline) => state.lease(*id, |l| l.deadline = *deadline),
        Event::LeasePolled(id, until) => state.lease(*id, |l| l.poll_until = Some(*until)),
        Event::LeaseReduced(id, resource, after) => {
            state.lease(*id, |l| l.members.retain(|m| m.resource != *resource));
            state.let_go(*resource, after);
        }
        Event::LeaseSwapped {
            lease,
            out,
            after,
            member,
            fence,
            prepare_by,
        } => {
            state.count(fence.0);
            state.lease(*lease, |l| {
                for m in l.members.iter_mut().filter(|m| m.resource == *out) {
                    *m = *member;
                }
                l.fence = *fence;
                l.swaps = l.swaps.saturating_add(1);
                l.state = state_of(&l.members);
            });
            state.let_go(*out, after);
            let bind_by = prepare_by.filter(|_| !member.bound);
            state.take(member.resource, *lease, *fence, bind_by);
        }
        Event::LeaseFlagged(id, resource) => state.lease(*id, |l| {
            for m in l.members.iter_mut().filter(|m| m.resource == *resource) {
                m.flagged = true;
            }
        }),
        Event::LeaseGiven(id, owner) => state.lease(*id, |l| {
            l.owner = owner.clone();
            l.slot = None;
            l.shared.retain(|o| o != owner);
        }),
        Event::LeaseShared(id, with) => {
            state.lease(*id, |l| l.shared = with.iter().cloned().collect());
        }
        Event::LeaseNoted(id, labels, note) => state.lease(*id, |l| {
            l.labels = labels.clone();
            l.note = note.clone();
        }),
        Event::LeaseEnded { .. } => state.end_lease(event),
        _ => debug_assert!(false, "not an event of a lease"),
    }
}

/// A lease is active as soon as nothing of it needs binding.
fn state_of(members: &[Member]) -> LeaseState {
    if members.iter().all(|m| m.bound) {
        LeaseState::Active
    } else {
        LeaseState::Preparing
    }
}

impl State {
    fn take_all(&mut self, lease: &Lease, prepare_by: Option<Time>) {
        for m in &lease.members {
            self.take(
                m.resource,
                lease.id,
                lease.fence,
                prepare_by.filter(|_| !m.bound),
            );
        }
    }

    /// For each earmark of a lease: does its pool bind?
    fn binding(&self, lease: LeaseId, any: bool) -> Vec<bool> {
        let Some(l) = self.leases.get(&lease) else {
            return vec![];
        };
        let binds = |r: ResourceId| {
            let pool = self.resources.get(&r).and_then(|r| self.pools.get(&r.pool));
            any && pool.is_some_and(|p| p.spec.prepare)
        };
        l.earmarks.iter().map(|e| binds(e.resource)).collect()
    }

    fn end_lease(&mut self, event: &Event) {
        let Event::LeaseEnded {
            lease: id,
            end,
            members,
            reason,
            shared,
            ..
        } = event
        else {
            return debug_assert!(false, "not the end of a lease");
        };
        let (id, end) = (*id, *end);
        let Some(l) = self.leases.remove(&id) else {
            return debug_assert!(false, "no {id}");
        };
        let builder = |d: &Demand| builder(&self.pools, &self.keys, d);
        self.index.link_lease(&l, false, &builder);
        self.index.move_due(Carrier::Lease(id), l.due(), None);
        for e in &l.earmarks {
            self.resource(e.resource, |r, _| r.earmark = None);
        }
        for (resource, after) in members {
            self.let_go(*resource, after);
        }
        for pool in l.items.iter().filter_map(|i| i.pool) {
            self.work.insert(Work::Pool(pool));
            if l.state == LeaseState::Waiting {
                self.work.extend(
                    self.index
                        .divisible
                        .range((pool, ResourceId(0))..=(pool, ResourceId(u64::MAX)))
                        .map(|(_, r)| Work::Offer(*r)),
                );
            }
        }
        let at = self.now;
        self.remember(Ended {
            id,
            owner: l.owner.clone(),
            end,
            at,
            fence: l.fence,
            reason: reason.clone(),
            shared: shared.clone(),
        });
        self.end_outcomes(id, at.plus_ms(limits::IDEMPOTENCY_KEEP_MS));
    }
}
