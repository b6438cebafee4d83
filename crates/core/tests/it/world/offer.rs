//! Whether a resource was there to be granted, asked of the tables alone and not of the code that
//! chooses.

use caviada_core::lease::Rank;
use caviada_core::resource::{Health, Origin, Resource};
use caviada_core::state::State;

/// Why a free resource must not be granted to the lease of this place in the queue, if so.
pub fn kept_back(state: &State, r: &Resource, to: Rank) -> Option<&'static str> {
    if matches!(r.origin, Origin::Divisible(_)) {
        return Some("divisible");
    }
    if r.cooling_until.is_some() {
        return Some("resting");
    }
    // What was kept for it may have gone out of sight since, as long as it is still kept.
    match r.earmark {
        Some(kept) if kept == to => return None,
        Some(kept) if kept < to => return Some("kept for one before it"),
        _ => {}
    }
    if r.health != Health::Well {
        return Some("not well");
    }
    let host = state.hosts.get(&r.site()?.host)?;
    let whys = [
        (!host.seen, "on a host out of sight"),
        (!host.spec.schedulable, "on a host that offers nothing"),
        (host.retiring, "on a host that retires"),
    ];
    whys.into_iter().find(|(is, _)| *is).map(|(_, why)| why)
}
