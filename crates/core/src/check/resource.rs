//! Resources: who has them, and what their state implies.

use crate::alter::Direction;
use crate::check::Report;
use crate::id::ResourceId;
use crate::limits;
use crate::resource::{Origin, Resource, ResourceState, Then};
use crate::state::State;

pub(super) fn check(state: &State, report: &mut Report) {
    for r in state.resources.values() {
        held(state, r, report);
        deadline(r, report);
        shape(state, r, report);
        report.holds(
            2,
            r.id.0 <= state.counter() && r.fence.0 <= state.counter(),
            || format!("{} or its fence is above the counter", r.id),
        );
    }
}

/// 1: leased, or cleaning by a lease, exactly when one lease has it.
fn held(state: &State, r: &Resource, report: &mut Report) {
    let id = r.id;
    match r.state {
        ResourceState::Leased => {
            report.holds(1, r.lease.is_some(), || format!("{id} is leased by nobody"));
        }
        ResourceState::Cleaning => {}
        s => report.holds(1, r.lease.is_none(), || {
            format!("{id} is {} and names a lease", s.as_str())
        }),
    }
    let Some(lease) = r.lease else { return };
    let Some(l) = state.leases.get(&lease) else {
        return report.says(1, format!("{id} names {lease}, which is not live"));
    };
    let times = l.members.iter().filter(|m| m.resource == id).count();
    report.holds(1, times == 1, || {
        format!("{id} names {lease}, of which it is a member {times} times")
    });
}

/// 7: what is transient has a deadline.
fn deadline(r: &Resource, report: &mut Report) {
    use ResourceState::{Cleaning, Creating, Deleting, Failed, Leased, Planned, Withheld};
    let needs = match r.state {
        Planned | Creating | Failed | Deleting => true,
        Cleaning => r.lease.is_none(),
        Leased => r.open,
        Withheld => r.open || r.withheld.as_ref().is_some_and(|w| w.until.is_some()),
        _ => false,
    };
    report.holds(7, !needs || r.deadline.is_some(), || {
        format!("{} is {} without a deadline", r.id, r.state.as_str())
    });
}

/// Fields say what the state allows.
fn shape(state: &State, r: &Resource, report: &mut Report) {
    use ResourceState::{Cleaning, Creating, Deleting, Free, Leased, Withheld};
    let id = r.id;
    let open = match r.state {
        Creating => Some(true),
        Cleaning if r.lease.is_none() => Some(true),
        Cleaning => Some(false),
        Leased | Deleting => None,
        Withheld => Some(r.turn().is_some()),
        _ => Some(false),
    };
    report.holds(3, open.is_none_or(|o| o == r.open), || {
        format!(
            "{id} is {} and its attempt is open: {}",
            r.state.as_str(),
            r.open
        )
    });
    report.holds(4, (r.state == Withheld) == r.withheld.is_some(), || {
        format!(
            "{id} is {} with a reason to withhold: {:?}",
            r.state.as_str(),
            r.withheld
        )
    });
    let runs = r.power.is_none() || !matches!(r.state, Free | Creating);
    report.holds(4, runs, || {
        format!("{id} is {} and {:?}", r.state.as_str(), r.power)
    });
    let turns = r.turn().is_none() || (r.open && matches!(r.state, Leased | Withheld));
    report.holds(3, turns, || {
        format!("{id} is {} and does {:?}", r.state.as_str(), r.turn())
    });
    let own = r.altered.is_none() || !matches!(r.state, Free | Creating | Cleaning);
    report.holds(3, own, || {
        format!("{id} is {} and {:?}", r.state.as_str(), r.altered)
    });
    let alters = r.altering().is_none() || (r.open && r.state == Leased && r.turn().is_none());
    report.holds(3, alters, || {
        format!("{id} is {} and does {:?}", r.state.as_str(), r.altering())
    });
    let own = r.site().is_some_and(|s| r.tried().contains(&s.parameters));
    let back = r.altering() != Some(&Direction::Back) || !r.tried().is_empty();
    let bounded = r.tried().len() <= limits::TRIED_PER_RESOURCE_MAX;
    report.holds(3, back && bounded && !own, || {
        format!("{id} is {} and {:?}", r.state.as_str(), r.altered)
    });
    let busy = matches!(r.state, Creating | Cleaning | Leased);
    report.holds(4, busy || r.then.is_none(), || {
        format!(
            "{id} is {} and not busy, but {:?} afterwards",
            r.state.as_str(),
            r.then
        )
    });
    if let Some(Then::Withhold(w)) = &r.then {
        report.holds(3, !w.clean, || {
            format!("{id} will be withheld as clean before it is")
        });
    }
    report.holds(4, r.state == Free || r.cooling_until.is_none(), || {
        format!("{id} cools and is {}", r.state.as_str())
    });
    report.holds(4, state.pools.get(&r.pool).is_some(), || {
        format!("{id} has no pool")
    });
    match &r.origin {
        Origin::Declared | Origin::Divisible(_) => {}
        Origin::Slice(cut) => slice(state, r, cut.parent, report),
        Origin::Built(site) => {
            report.holds(10, state.hosts.get(&site.host).is_some(), || {
                format!("{id} stands on {}, which is gone", site.host)
            });
            report.holds(4, state.templates.get(&site.template).is_some(), || {
                format!("{id} is of {}, which is gone", site.template)
            });
        }
    }
}

fn slice(state: &State, r: &Resource, parent: ResourceId, report: &mut Report) {
    use ResourceState::{Creating, Free, Planned};
    let id = r.id;
    report.holds(10, state.resources.get(&parent).is_some(), || {
        format!("{id} was cut from {parent}, which is gone")
    });
    let idle = r.state == Free && r.earmark.is_none() && r.cooling_until.is_none();
    report.holds(10, !idle, || {
        format!("the slice {id} is nobody's and did not merge")
    });
    report.holds(10, !matches!(r.state, Planned | Creating), || {
        format!("the slice {id} is {}", r.state.as_str())
    });
}
