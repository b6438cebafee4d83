//! Asking for resources.

use std::sync::Arc;

use crate::access::{Asker, Principal, Relation, Verb};
use crate::choose::{self, Choice, Search};
use crate::command::{Acquire, Reuse};
use crate::decide::{Done, text};
use crate::event::{Event, Number};
use crate::grant;
use crate::id::{Fence, LeaseId};
use crate::index::OwnerUse;
use crate::key::Role;
use crate::lease::{Item, Lease, LeaseState, Purpose, Rank};
use crate::limits;
use crate::name::Owner;
use crate::outcome::Subject;
use crate::planted;
use crate::pool::Pool;
use crate::refusal::Refusal;
use crate::state::State;

/// A lease at once, a place in the queue, a live one again, or no.
pub(super) fn acquire(state: &State, who: &Principal, a: &Acquire) -> Result<Done, Refusal> {
    who.may(Verb::Acquire, Relation::Own)?;
    if who.user.is_some() {
        // Which pools are meant, the key of the entrance says.
        return Err(Refusal::Forbidden { needs: "of a key" });
    }
    check(who, a)?;
    let owner = owner(who, a)?;
    let foreign = who.owner.as_ref() != Some(&owner);
    // Nor does its own owner get from elsewhere what only its key's pools were named for.
    let anywhere = !who.act_for.is_empty() && a.items.iter().any(|w| w.pool.is_none());
    let asker = Asker {
        owner,
        by: who.key,
        confined: who.role < Role::Operator && (foreign || anywhere),
    };
    let sees = |p: &Pool| asker.sees(&state.keys, p);
    let items = items(state, who, a, &sees)?;
    if let Some(live) = reusable(state, who, a, &asker, &items)? {
        return Ok(Done::nothing(Subject::Lease(live)));
    }
    let id = LeaseId(state.counter() + 1);
    let lease = lease(state, &asker, a, id, items.clone());
    quota(state, &lease.owner, &OwnerUse::of(&lease))?;
    // A cleaner never waits: what is not there now is not impossible for ever.
    if a.purpose == Purpose::Use {
        choose::ever(state, &sees, &items).map_err(|why| Refusal::Impossible { why })?;
    }

    let rank = Rank::new(a.priority, id);
    let mut search = Search::new(state, &sees, a.purpose, rank, id.0);
    let mut choices: Vec<Choice> = Vec::new();
    let mut short = false;
    for i in choose::most_demanding_first(&items) {
        let item = &items[i];
        let found = search.item(i, item, item.count)?;
        short |= (found.len() as u64) < u64::from(item.count);
        choices.extend(found);
    }
    choices.sort_by_key(|c| c.item);
    let fence = Fence(search.counter() + 1);
    if !short {
        let events = grant::granted(state, lease, choices, fence);
        return Ok(Done::new(Subject::Lease(id), events));
    }
    if a.wait_ms == 0 {
        return Err(Refusal::PoolExhausted {
            waiting: state.index.waiters.len() as u64,
        });
    }
    room_to_wait(state, &lease)?;
    let mut events = grant::earmarked(&lease, choices);
    events.insert(0, Event::LeaseWaiting(Box::new(lease)));
    Ok(Done::new(Subject::Lease(id), events))
}

/// Bounds that do not depend on State.
fn check(who: &Principal, a: &Acquire) -> Result<(), Refusal> {
    if a.items.is_empty() || a.items.len() > limits::ITEMS_PER_LEASE_MAX {
        let reason = format!("1 to {} items", limits::ITEMS_PER_LEASE_MAX);
        return Err(Refusal::invalid("items", reason));
    }
    let total: u64 = a.items.iter().map(|w| u64::from(w.count)).sum();
    if a.items.iter().any(|w| w.count == 0) || total > limits::MEMBERS_PER_LEASE_MAX as u64 {
        let reason = format!(
            "at least 1 each, at most {} together",
            limits::MEMBERS_PER_LEASE_MAX
        );
        return Err(Refusal::invalid("items.count", reason));
    }
    if a.priority > limits::PRIORITY_MAX {
        return Err(Refusal::invalid(
            "priority",
            format!("0 to {}", limits::PRIORITY_MAX),
        ));
    }
    if a.priority > limits::PRIORITY_USER_MAX && who.role < Role::Operator {
        return Err(Refusal::Forbidden { needs: "operator" });
    }
    ttl("ttl_ms", a.ttl_ms)?;
    if a.wait_ms > limits::WAIT_MS_MAX {
        return Err(Refusal::invalid(
            "wait_ms",
            format!("at most {}", limits::WAIT_MS_MAX),
        ));
    }
    if a.poll_within_ms
        .is_some_and(|ms| !(limits::TTL_MS_MIN..=limits::WAIT_MS_MAX).contains(&ms))
    {
        let reason = format!("{} to {}", limits::TTL_MS_MIN, limits::WAIT_MS_MAX);
        return Err(Refusal::invalid("poll_within_ms", reason));
    }
    if a.purpose == Purpose::Clean && a.wait_ms > 0 {
        return Err(Refusal::invalid(
            "wait_ms",
            "a cleaner takes what is dirty now: 0",
        ));
    }
    if let Reuse::Slot(slot) = &a.reuse {
        if slot.is_empty() {
            return Err(Refusal::invalid("reuse.slot", "at least 1 character"));
        }
        text("reuse.slot", slot, limits::SLOT_BYTES_MAX)?;
    }
    note(a.note.as_deref())
}

/// A lease's note within its bounds.
pub(super) fn note(note: Option<&str>) -> Result<(), Refusal> {
    note.map_or(Ok(()), |n| text("note", n, limits::NOTE_BYTES_MAX))
}

/// A time to live within its bounds.
pub(super) fn ttl(field: &'static str, ttl_ms: Option<u64>) -> Result<(), Refusal> {
    if ttl_ms.is_some_and(|ms| !(limits::TTL_MS_MIN..=limits::TTL_MS_MAX).contains(&ms)) {
        let reason = format!("{} to {}", limits::TTL_MS_MIN, limits::TTL_MS_MAX);
        return Err(Refusal::invalid(field, reason));
    }
    Ok(())
}

/// Whom the lease is for.
fn owner(who: &Principal, a: &Acquire) -> Result<Owner, Refusal> {
    let own = who.owner.clone();
    let Some(named) = a.owner.clone() else {
        return own.ok_or_else(|| Refusal::invalid("owner", "must be named here"));
    };
    // An item that names no pool is met from these pools alone.
    let for_pools = || {
        let mut named = a.items.iter().filter_map(|w| w.pool.as_ref());
        !who.act_for.is_empty() && named.all(|p| who.act_for.contains(p))
    };
    if own.as_ref() == Some(&named) || who.role >= Role::Operator || for_pools() {
        return Ok(named);
    }
    Err(Refusal::NotOwner { owner: named })
}

/// What is asked for, with pools and amounts looked up.
fn items(
    state: &State,
    who: &Principal,
    a: &Acquire,
    sees: &dyn Fn(&Pool) -> bool,
) -> Result<Arc<[Item]>, Refusal> {
    let mut items = Vec::with_capacity(a.items.len());
    for want in &a.items {
        let Some(name) = &want.pool else {
            if want.selector.as_ref().is_none_or(|s| s.is_empty()) {
                return Err(Refusal::invalid("items", "each needs a pool or a selector"));
            }
            if want.amount.is_some() {
                return Err(Refusal::invalid("items.slice", "needs a pool"));
            }
            if a.purpose == Purpose::Clean && who.role < Role::Operator {
                return Err(Refusal::Forbidden { needs: "operator" });
            }
            items.push(Item {
                pool: None,
                selector: want.selector.clone(),
                count: want.count,
                amount: None,
            });
            continue;
        };
        let pool = state
            .pool_named(name)
            .filter(|p| sees(p))
            .ok_or_else(|| Refusal::unknown("pool", name))?;
        if pool.retiring {
            return Err(Refusal::Retiring {
                noun: "pool",
                name: name.clone(),
            });
        }
        if a.wait_ms > pool.spec.lease.wait_ms_max {
            let reason = format!("at most {} in pool {name}", pool.spec.lease.wait_ms_max);
            return Err(Refusal::invalid("wait_ms", reason));
        }
        if a.purpose == Purpose::Clean && who.role < Role::Operator && !who.act_for.contains(name) {
            return Err(Refusal::Forbidden { needs: "operator" });
        }
        if a.purpose == Purpose::Clean && want.amount.is_some() {
            let why = "a cleaner takes what is dirty as it is";
            return Err(Refusal::invalid("items.slice", why));
        }
        let whole = a.purpose == Purpose::Clean || pool.spec.slice.is_none();
        let amount = want
            .amount
            .clone()
            .or_else(|| pool.spec.slice.clone().filter(|_| !whole));
        items.push(Item {
            pool: Some(pool.id),
            selector: want.selector.clone(),
            count: want.count,
            amount,
        });
    }
    Ok(items.into())
}

/// A live lease of the owner that may be the answer. What a caller does not act for is none of his
/// business: it neither matches nor is it shown, and a slot that it has taken is refused.
fn reusable(
    state: &State,
    who: &Principal,
    a: &Acquire,
    asker: &Asker,
    items: &[Item],
) -> Result<Option<LeaseId>, Refusal> {
    let owner = &asker.owner;
    let asked = |l: &Lease| l.confined && l.by == asker.by;
    let his = |l: &Lease| !asker.confined || asked(l) || who.acts_for(state, l);
    match &a.reuse {
        Reuse::Never => Ok(None),
        Reuse::Slot(slot) => {
            let slots = &state.index.slots;
            let taken = slots.get(&(owner.clone(), slot.clone())).copied();
            let taken = taken.filter(|_| !planted!(SlotTaken));
            match taken.and_then(|id| state.leases.get(&id)) {
                Some(l) if !his(l) => Err(Refusal::NotOwner {
                    owner: owner.clone(),
                }),
                _ => Ok(taken),
            }
        }
        Reuse::Matching => {
            let from = (owner.clone(), LeaseId(0))..=(owner.clone(), LeaseId(u64::MAX));
            let leases = state.index.owner_leases.range(from).take(limits::SCAN_MAX);
            let fits = |l: &Lease| matching(state, l, items) && his(l);
            let mut ids = leases.map(|(_, id)| *id);
            Ok(ids.find(|id| state.leases.get(id).is_some_and(|l| fits(l))))
        }
    }
}

/// Is a live lease healthy, and does it have just what the items ask for?
fn matching(state: &State, lease: &Lease, items: &[Item]) -> bool {
    if lease.state == LeaseState::Waiting || lease.members.iter().any(|m| m.flagged) {
        return false;
    }
    let mut left: Vec<(&Item, u32)> = items.iter().map(|i| (i, i.count)).collect();
    let placed = lease
        .members
        .iter()
        .filter_map(|m| state.resources.get(&m.resource))
        .all(|r| {
            let place = left
                .iter_mut()
                .find(|(i, n)| *n > 0 && choose::satisfies(r, i));
            place.map(|(_, n)| *n -= 1).is_some()
        });
    placed && left.iter().all(|(_, n)| *n == 0)
}

/// Refuses what would take an owner over his quota: what he has and waits for, with `more`.
pub(super) fn quota(state: &State, owner: &Owner, more: &OwnerUse) -> Result<(), Refusal> {
    let Some(quota) = state.quota_of(owner) else {
        return Ok(());
    };
    let u = state.index.owners.get(owner).cloned().unwrap_or_default();
    let over = |what: &str, max: Option<u64>, used: u128, more: u128| match max {
        Some(allowed) if used + more > u128::from(allowed) => Err(Refusal::QuotaExceeded {
            owner: owner.clone(),
            what: what.into(),
            allowed,
            used: u64::try_from(used).unwrap_or(u64::MAX),
        }),
        _ => Ok(()),
    };
    let leases = |u: &OwnerUse| u128::from(u.live) + u128::from(u.waiting);
    let had = if planted!(WaitingUncounted) {
        u128::from(u.live)
    } else {
        leases(&u)
    };
    let spec = &quota.spec;
    over("leases", spec.leases_max.map(u64::from), had, leases(more))?;
    let resources = [u.resources, more.resources].map(u128::from);
    over(
        "resources",
        spec.resources_max.map(u64::from),
        resources[0],
        resources[1],
    )?;
    let amounts = more.quantity.iter().filter(|_| !planted!(AmountsUncounted));
    for (kind, wanted) in amounts {
        let used = u.quantity.get(kind).copied().unwrap_or(0);
        over(
            kind.as_str(),
            spec.quantity_max.get(kind).copied(),
            used,
            *wanted,
        )?;
    }
    Ok(())
}

/// Every queue has a bound.
fn room_to_wait(state: &State, lease: &Lease) -> Result<(), Refusal> {
    let full = |what, max| Err(Refusal::LimitReached { what, max });
    if state.index.waiters.len() >= limits::WAITING_MAX {
        return full("waiting leases", limits::WAITING_MAX);
    }
    let u = state.index.owners.get(&lease.owner);
    if u.is_some_and(|u| u.waiting as usize >= limits::WAITING_PER_OWNER_MAX) {
        return full(
            "waiting leases of this owner",
            limits::WAITING_PER_OWNER_MAX,
        );
    }
    for pool in lease.items.iter().filter_map(|i| i.pool) {
        let waiting = state.index.pools.get(&pool).map_or(0, |u| u.waiting);
        if waiting as usize >= limits::WAITING_PER_POOL_MAX {
            return full("leases waiting for this pool", limits::WAITING_PER_POOL_MAX);
        }
    }
    Ok(())
}

fn lease(state: &State, asker: &Asker, a: &Acquire, id: LeaseId, items: Arc<[Item]>) -> Lease {
    let now = state.now();
    let waits = a.wait_ms > 0;
    Lease {
        id,
        owner: asker.owner.clone(),
        by: asker.by,
        confined: asker.confined,
        shared: vec![],
        state: LeaseState::Waiting,
        items,
        priority: a.priority,
        fence: Fence(0),
        members: vec![],
        earmarks: vec![],
        asked_at: now,
        granted_at: None,
        deadline: None,
        deadline_max: None,
        ttl_ms: a.ttl_ms,
        claim_within_ms: None,
        wait_until: waits.then(|| now.plus_ms(a.wait_ms)),
        poll_within_ms: a.poll_within_ms,
        poll_until: a.poll_within_ms.filter(|_| waits).map(|ms| now.plus_ms(ms)),
        slot: match &a.reuse {
            Reuse::Slot(slot) => Some(slot.clone()),
            _ => None,
        },
        purpose: a.purpose,
        labels: a.labels.clone(),
        note: a.note.clone(),
        swaps: 0,
        changed: Number::default(),
    }
}
