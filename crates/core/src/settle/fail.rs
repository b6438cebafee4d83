//! What a failed attempt means, whoever tells of it: the reconciler or a deadline.

use crate::access::lease_sees;
use crate::choose::Search;
use crate::decide::{alter, power};
use crate::event::{After, Event};
use crate::grant::{self, Leaving};
use crate::id::{Fence, ResourceId};
use crate::lease::{End, Lease, Member};
use crate::limits;
use crate::pool::Pool;
use crate::resource::{self, Resource, ResourceState, Then};
use crate::state::State;

/// The open attempt on a resource failed.
pub(crate) fn attempt(
    state: &State,
    pool: &Pool,
    r: &Resource,
    kind: &str,
    detail: &str,
) -> Vec<Event> {
    use ResourceState::{Cleaning, Creating, Deleting, Leased, Withheld};
    let now = state.now();
    let cause: Box<str> = format!("{kind}: {detail}").into();
    match r.state {
        Creating | Cleaning => {
            let mut events = vec![];
            if r.lease.is_none() {
                events.extend(host(state, pool, r, kind));
            } else if let Some(lease) = r.lease.and_then(|l| state.leases.get(&l)) {
                // The lease of an outside cleaner ends as a whole.
                return vec![grant::ended(state, lease, End::Failed, &Leaving::default())];
            }
            match &r.then {
                Some(Then::Delete) if r.site().is_some() => {
                    events.push(Event::ResourceDeleting(
                        r.id,
                        now.plus_ms(pool.spec.deadlines.delete_ms),
                    ));
                }
                Some(Then::Delete) => events.push(Event::ResourceGone(r.id)),
                Some(Then::Withhold(w)) => {
                    let unclean = resource::Withheld {
                        clean: false,
                        ..(**w).clone()
                    };
                    events.push(Event::ResourceWithheld(r.id, unclean.into()));
                }
                None => {
                    let retry_at = grant::retry_at(now, pool, r.tries);
                    events.push(Event::ResourceFailed {
                        resource: r.id,
                        cause,
                        retry_at,
                    });
                }
            }
            events
        }
        Leased | Withheld if r.turn().is_some() => power::turned(r, Some((kind, cause))),
        Leased if r.altering().is_some() => vec![alter::failed(state, pool, r, kind, cause)],
        Leased => match r.lease.and_then(|l| state.leases.get(&l)) {
            Some(lease) => swap(
                state,
                lease,
                r,
                After::Failed(cause, grant::retry_at(now, pool, r.tries)),
                End::Failed,
            ),
            None => vec![],
        },
        Deleting => vec![Event::ResourceUndeleted(
            r.id,
            cause,
            grant::retry_at(now, pool, r.tries),
        )],
        _ => vec![],
    }
}

/// The host's record with the pool, and a port that is not ours to give.
fn host(state: &State, pool: &Pool, r: &Resource, kind: &str) -> Vec<Event> {
    let Some(site) = r.site() else { return vec![] };
    let Some(h) = state.hosts.get(&site.host) else {
        return vec![];
    };
    let backoff = h.backoffs.get(&pool.id);
    // What fails for another reason than before begins its own back-off.
    let same = backoff.filter(|b| *b.cause == *kind);
    let tries = same.map_or(0, |b| b.tries);
    let mut events = vec![];
    // Builds that were under way together and fail for one reason are one failure: none began
    // since the back-off did.
    if backoff.is_none_or(|b| b.since < r.changed) {
        events.push(Event::HostBackoff {
            host: h.id,
            pool: pool.id,
            cause: kind.into(),
            tries: tries.saturating_add(1),
            until: grant::retry_at(state.now(), pool, tries),
        });
    }
    if let (true, Some(block)) = (kind == "port_taken", site.block)
        && !h.quarantined.contains(&block)
    {
        events.push(Event::HostQuarantined(h.id, block));
    }
    events
}

/// Failed ones are kept for looking at, but only so many on one host: the oldest goes.
pub(super) fn evidence(state: &State, r: &Resource) -> Option<Event> {
    let site = r.site()?;
    let mut kept = 0;
    let mut oldest: Option<&Resource> = None;
    for pool in state.index.hosts.get(&site.host)?.pools.keys() {
        let at = |id| (site.host, *pool, ResourceState::Failed, ResourceId(id));
        for (_, _, _, id) in state.index.placed.range(at(0)..=at(u64::MAX)) {
            kept += 1;
            let Some(f) = state.resources.get(id) else {
                continue;
            };
            if oldest.is_none_or(|o| f.id < o.id) {
                oldest = Some(f);
            }
        }
    }
    let oldest = oldest.filter(|_| kept > limits::EVIDENCE_PER_HOST_MAX)?;
    let delete_ms = state.pools.get(&oldest.pool)?.spec.deadlines.delete_ms;
    Some(Event::ResourceDeleting(
        oldest.id,
        state.now().plus_ms(delete_ms),
    ))
}

/// Exchanges a member for a free one, or ends the lease if there is none or it was tried too often.
pub(crate) fn swap(
    state: &State,
    lease: &Lease,
    out: &Resource,
    after: After,
    otherwise: End,
) -> Vec<Event> {
    let place = lease.members.iter().find(|m| m.resource == out.id);
    let Some(item) = place.map(|m| m.item) else {
        return vec![];
    };
    let sees = |p: &Pool| lease_sees(state, lease, p);
    let mut search = Search::new(state, &sees, lease.purpose, lease.rank(), state.counter());
    let found = match lease.items.get(usize::from(item)) {
        Some(wanted)
            if usize::from(lease.swaps) < limits::SWAPS_PER_LEASE_MAX
                && wanted.amount.is_none() =>
        {
            search
                .item(usize::from(item), wanted, 1)
                .unwrap_or_default()
        }
        _ => vec![],
    };
    let fresh = found.into_iter().find(|c| {
        state
            .resources
            .get(&c.resource)
            .is_some_and(|r| r.earmark.is_none())
    });
    let Some(fresh) = fresh else {
        return end(state, lease, out, after, otherwise);
    };
    let pool = state
        .resources
        .get(&fresh.resource)
        .and_then(|r| state.pools.get(&r.pool));
    let binds = pool
        .filter(|p| p.spec.prepare)
        .map(|p| p.spec.deadlines.prepare_ms);
    vec![Event::LeaseSwapped {
        lease: lease.id,
        out: out.id,
        after,
        member: Member {
            resource: fresh.resource,
            item,
            bound: binds.is_none(),
            flagged: false,
        },
        fence: Fence(state.counter() + 1),
        prepare_by: binds.map(|ms| state.now().plus_ms(ms)),
    }]
}

/// Ends the lease for the sake of one member, which becomes what it is.
fn end(state: &State, lease: &Lease, out: &Resource, after: After, how: End) -> Vec<Event> {
    let mut event = grant::ended(state, lease, how, &Leaving::default());
    if let Event::LeaseEnded { members, .. } = &mut event {
        for (id, becomes) in members {
            if *id == out.id {
                becomes.clone_from(&after);
            }
        }
    }
    vec![event]
}
