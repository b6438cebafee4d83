//! What events do to hosts.

use std::sync::Arc;

use crate::event::Event;
use crate::host::{Backoff, Host};
use crate::id::{HostId, ResourceId};
use crate::index::HostUse;
use crate::state::{State, Work};

pub(super) fn evolve(state: &mut State, event: &Event) {
    match event {
        Event::HostDeclared(host) => state.put_host(host),
        Event::HostSeen(id) => {
            state.host(*id, |h| {
                h.seen = true;
                h.lost = false;
                h.lost_at = None;
            });
            state.work.insert(Work::HostMembers(*id, ResourceId(0)));
        }
        Event::HostUnseen(id, lost_at) => {
            state.host(*id, |h| {
                h.seen = false;
                h.lost_at = Some(*lost_at);
            });
            state.work.insert(Work::HostMembers(*id, ResourceId(0)));
        }
        Event::HostLost(id) => {
            state.host(*id, |h| {
                h.lost = true;
                h.lost_at = None;
            });
            // What is being removed there does not count any more.
            let pools = state.index.hosts.get(id).map(|u| &u.pools);
            let pools = pools.into_iter().flat_map(|p| p.keys());
            state.work.extend(pools.map(|p| Work::Pool(*p)));
            state.work.insert(Work::HostMembers(*id, ResourceId(0)));
        }
        Event::HostRetiring { host, forget } => {
            state.host(*host, |h| {
                h.retiring = true;
                h.forgotten |= *forget;
            });
            state.work.insert(Work::HostMembers(*host, ResourceId(0)));
        }
        Event::HostBackoff {
            host,
            pool,
            cause,
            tries,
            until,
        } => {
            let since = state.next;
            state.host(*host, |h| {
                let backoff = Backoff {
                    cause: cause.clone(),
                    tries: *tries,
                    until: Some(*until),
                    since,
                };
                h.backoffs.insert(*pool, backoff);
            });
        }
        Event::HostBackoffOver(host, pool) => {
            state.host(*host, |h| {
                if let Some(b) = h.backoffs.get_mut(pool) {
                    b.until = None;
                }
            });
            state.work.insert(Work::Pool(*pool));
        }
        Event::HostRecovered(host, pool) => state.host(*host, |h| {
            h.backoffs.remove(pool);
        }),
        Event::HostQuarantined(host, block) => {
            state.host(*host, |h| {
                h.quarantined.insert(*block);
            });
        }
        Event::HostGone(id) => {
            if let Some(host) = state.hosts.remove(id) {
                state.index.remove_host(&host);
                state.throttled.retain(|(_, h)| h != id);
                state.look_at_built_pools();
            }
        }
        _ => debug_assert!(false, "not an event of a host"),
    }
}

impl State {
    pub(super) fn host(&mut self, id: HostId, f: impl FnOnce(&mut Host)) {
        let changed = self.next;
        let Some(before) = self.hosts.get(&id).cloned() else {
            return debug_assert!(false, "no {id}");
        };
        let Some(host) = self.hosts.edit(&id) else {
            return;
        };
        f(host);
        host.changed = changed;
        self.index.change_host(&before, host);
        self.work.insert(Work::Host(id));
        self.wake_hungry();
    }

    fn put_host(&mut self, host: &Host) {
        self.count(host.id.0);
        let id = host.id;
        let before = self.hosts.get(&id).cloned();
        let mut row = host.clone();
        row.changed = self.next;
        self.hosts.insert(id, Arc::new(row));
        let mut fresh = HostUse::of(host);
        let from = (
            id,
            crate::id::PoolId(0),
            crate::resource::ResourceState::Planned,
            ResourceId(0),
        );
        for (on, _, _, r) in self.index.placed.range(from..) {
            if *on != id {
                break;
            }
            let Some(site) = self.resources.get(r).and_then(|r| r.site().cloned()) else {
                continue;
            };
            if let Some(n) = site.block {
                fresh.blocks.take_exact(u128::from(n), 1);
            }
            if let Some(n) = site.subnet {
                fresh.subnets.take_exact(u128::from(n), 1);
            }
        }
        self.index.put_host(before.as_deref(), host, fresh);
        self.work.insert(Work::Host(id));
        self.work.insert(Work::HostMembers(id, ResourceId(0)));
        self.look_at_built_pools();
    }
}
