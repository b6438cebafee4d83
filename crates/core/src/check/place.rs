//! Hosts and spaces: nothing stands in the same place twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::lease_sees;
use crate::attribute::Labels;
use crate::check::Report;
use crate::id::{HostId, ResourceId};
use crate::lease::{Lease, LeaseState};
use crate::limits;
use crate::pool::Pool;
use crate::resource::{Origin, Resource, ResourceState};
use crate::space::Part;
use crate::state::State;

/// 10: ports, subnets and slices are disjoint.
pub(super) fn check(state: &State, report: &mut Report) {
    let mut blocks: BTreeMap<(HostId, u32), ResourceId> = BTreeMap::new();
    let mut subnets: BTreeMap<(HostId, u32), ResourceId> = BTreeMap::new();
    let mut parts: BTreeMap<ResourceId, Vec<&Part>> = BTreeMap::new();
    for r in state.resources.values() {
        match &r.origin {
            Origin::Built(site) => {
                for (what, taken, n) in [
                    ("port block", &mut blocks, site.block),
                    ("subnet", &mut subnets, site.subnet),
                ] {
                    let Some(n) = n else { continue };
                    if let Some(other) = taken.insert((site.host, n), r.id) {
                        report.says(
                            10,
                            format!("{} and {other} share {what} {n} of {}", r.id, site.host),
                        );
                    }
                }
            }
            Origin::Slice(cut) => parts.entry(cut.parent).or_default().push(&cut.part),
            Origin::Declared | Origin::Divisible(_) => {}
        }
    }
    for r in state.resources.values() {
        let Origin::Divisible(whole) = &r.origin else {
            continue;
        };
        let taken = parts.remove(&r.id).unwrap_or_default();
        match whole.with_parts(taken) {
            Err(e) => report.says(10, format!("slices of {} overlap: {e}", r.id)),
            Ok(space) => {
                let same = state.index.spaces.get(&r.id) == Some(&space);
                report.holds(10, same, || {
                    format!("what is free of {} is not the rest", r.id)
                });
            }
        }
    }
    for (parent, _) in parts {
        report.says(10, format!("{parent} has slices and is not divisible"));
    }
}

/// 10: the evidence kept is within its cap.
pub(super) fn check_evidence(state: &State, report: &mut Report) {
    let mut failed: BTreeMap<HostId, usize> = BTreeMap::new();
    let kept = state
        .resources
        .values()
        .filter(|r| r.state == ResourceState::Failed);
    for site in kept.filter_map(|r| r.site()) {
        *failed.entry(site.host).or_default() += 1;
    }
    for (host, n) in failed {
        let max = limits::EVIDENCE_PER_HOST_MAX;
        report.holds(10, n <= max, || {
            format!("{n} failed are kept on {host}, at most {max}")
        });
    }
}

/// 18: of what retires nothing lies about.
pub(super) fn check_retiring(state: &State, report: &mut Report) {
    use ResourceState::{Dirty, Failed, Free, Planned, Withheld};
    for r in state.resources.values() {
        let Some(pool) = state.pools.get(&r.pool) else {
            continue;
        };
        let idle = matches!(r.state, Planned | Free | Dirty | Failed | Withheld);
        let cut = |s: &crate::space::Space| !s.is_untouched();
        if idle
            && (crate::grant::retires(state, pool, r) || crate::grant::drains(state, r))
            && !state.index.spaces.get(&r.id).is_some_and(cut)
        {
            let what = r.state.as_str();
            report.says(
                18,
                format!(
                    "{} is {what}, and its pool or host goes or is emptied",
                    r.id
                ),
            );
        }
    }
    for p in state.pools.values().filter(|p| p.retiring) {
        report.holds(18, state.index.pools.contains_key(&p.id), || {
            format!("{} retires and is empty", p.name)
        });
    }
    for h in state.hosts.values().filter(|h| h.retiring) {
        let total = state.index.hosts.get(&h.id).map_or(0, |u| u.total());
        report.holds(18, total > 0, || format!("{} retires and is empty", h.name));
    }
}

/// 9: what is asked for is on its way as far as there is room, or a reason to wait.
pub(super) fn check_settled(state: &State, report: &mut Report) {
    for pool in state.pools.values().filter(|p| !p.retiring) {
        let Some(template) = pool.spec.template().and_then(|t| state.template_named(t)) else {
            continue;
        };
        let u = state.index.pools.get(&pool.id).cloned().unwrap_or_default();
        let wanted = u.unmet + roaming(state, pool) + pool.spec.warm;
        let closed = closed(state, pool);
        let supply = (u.ready() + u.coming()).saturating_sub(closed);
        if u.total() >= pool.spec.max {
            continue;
        }
        // Beyond what is wanted, hosts may have to be filled.
        let fill = supply >= wanted;
        let hosts = state.hosts.values();
        let room = hosts.filter(|h| !fill || h.spec.autofill).find(|h| {
            state
                .index
                .hosts
                .get(&h.id)
                .is_some_and(|u| takes(state, pool, template, h, u))
        });
        if let Some(h) = room {
            report.says(
                9,
                format!(
                    "{} wants {wanted}, has {supply}, and {} would take another",
                    pool.name, h.name
                ),
            );
        }
    }
}

/// Members that are ready or on their way on hosts of which nothing is granted, by their
/// operators' will.
fn closed(state: &State, pool: &Pool) -> u32 {
    let members = state.members_of(pool.id);
    let members = members.filter_map(|id| state.resources.get(&id));
    let here = members.filter(|r| {
        let host = r.site().and_then(|s| state.hosts.get(&s.host));
        let supplies =
            r.is_ready() && r.earmark.is_none() || ResourceState::COMING.contains(&r.state);
        supplies && host.is_some_and(|h| !h.spec.schedulable || h.retiring)
    });
    u32::try_from(here.count()).unwrap_or(u32::MAX)
}

/// Members asked for by waiters who name no pool, for whom this one builds: the first that could.
fn roaming(state: &State, pool: &Pool) -> u32 {
    let waiting = |l: &&Arc<Lease>| l.state == LeaseState::Waiting;
    let leases = state.leases.values().filter(waiting);
    let asked = leases.flat_map(|l| (0..l.items.len()).map(move |i| (l, i)));
    let open = asked.filter(|(l, i)| {
        let item = &l.items[*i];
        let could = |p: &&Arc<Pool>| {
            let built = p.spec.template().is_some() && !p.retiring && lease_sees(state, l, p);
            let selector = item.selector.as_ref();
            built && selector.is_some_and(|s| s.matches(&p.spec.attributes, &Labels::default()))
        };
        item.pool.is_none() && state.pools.values().find(could).map(|p| p.id) == Some(pool.id)
    });
    open.map(|(l, i)| l.unmet(i)).sum()
}

fn takes(
    state: &State,
    pool: &Pool,
    template: &crate::template::Template,
    h: &crate::host::Host,
    u: &crate::index::HostUse,
) -> bool {
    h.offers()
        && !h.lost
        && !h.backoffs.contains_key(&pool.id)
        && template.drivers.contains(&h.spec.driver)
        && pool
            .spec
            .hosts
            .as_ref()
            .is_none_or(|names| names.contains(&h.name))
        && u.total() < h.spec.capacity
        && lacks(state, pool, h, 1).is_none()
        && (!template.ports || !u.blocks.is_empty())
        && (h.spec.network.is_none() || !u.subnets.is_empty())
}

/// A kind of which the host has too little for `more` further members of the pool: counted
/// resource by resource.
pub fn lacks(state: &State, pool: &Pool, h: &crate::host::Host, more: u64) -> Option<String> {
    let mut needs = pool.spec.needs.iter();
    let lacking = needs.find(|(kind, need)| {
        let here = |r: &&Arc<Resource>| r.site().is_some_and(|s| s.host == h.id);
        let members = state.resources.values().filter(here);
        let each = |r: &Arc<Resource>| state.pools.get(&r.pool)?.spec.needs.get(*kind).copied();
        let taken: u128 = members.filter_map(each).map(u128::from).sum();
        let whole = h.spec.holds.get(*kind).copied().unwrap_or(0);
        taken + u128::from(more) * u128::from(**need) > u128::from(whole)
    });
    lacking.map(|(kind, _)| kind.to_string())
}
