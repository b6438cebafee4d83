//! `plan`: a table from (state, generation) × (what was seen) to at most one driver verb per
//! resource. It has no choices: it creates no row, picks no host and counts nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{HostId, ResourceId};
use crate::pool::RecycleClass;
use crate::resource::{Resource, ResourceState};
use crate::state::State;

/// What one good look at a host saw of one generation of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The ledger's revision when it was made, from its label.
    pub revision: u64,
    /// What its parts amount to.
    pub condition: Condition,
    /// Why it is not up, or what happened to it that is, for people.
    pub why: Option<Arc<str>>,
}

/// What the parts of one resource amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// As it should be.
    Up,
    /// Half made.
    Partial,
    /// Frozen.
    Paused,
    /// Something of it stopped or is unhealthy.
    Down,
}

/// Everything of this installation that one good look at a host saw.
pub type Observed = BTreeMap<(ResourceId, u64), Seen>;

/// What a driver shall do with one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Make it, or finish what was begun; older generations of it go first.
    Create,
    /// Bring it back to how it came up.
    Reset,
    /// Make it its new holder's.
    Bind,
    /// Start, stop or restart it, or a part of it, as State says.
    Turn,
    /// Make it what its holder altered its parameters to, or again what it was, as State says.
    Alter,
    /// Remove it, up to its generation.
    Delete,
}

/// One driver call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    /// Where.
    pub host: HostId,
    /// What about.
    pub resource: ResourceId,
    /// Of which generation.
    pub generation: u64,
    /// Whose outcome it is.
    pub attempt: u64,
    /// What to do.
    pub verb: Verb,
}

/// Every action a host needs, given what was seen there.
pub fn plan(state: &State, host: HostId, observed: &Observed) -> Vec<Action> {
    let mut actions: Vec<Action> = wanted(state, host).collect();
    // What an older generation left behind once the newer one stands. A resource that is busy is
    // left alone: its own verb removes what is older.
    for (resource, generation) in observed.keys() {
        let Some(r) = state.resources.get(resource) else {
            continue;
        };
        let here = r.site().is_some_and(|s| s.host == host);
        if here && *generation < r.generation && !r.open && r.state != ResourceState::Deleting {
            actions.push(Action {
                host,
                resource: *resource,
                generation: *generation,
                attempt: 0,
                verb: Verb::Delete,
            });
        }
    }
    actions.sort_unstable();
    actions.dedup_by_key(|a| a.resource);
    actions
}

/// The verbs of the open attempts on a host.
pub fn wanted(state: &State, host: HostId) -> impl Iterator<Item = Action> {
    state.index.attempts_on(host).filter_map(move |id| {
        let r = state.resources.get(&id)?;
        let verb = verb(state, r)?;
        let (generation, attempt) = (r.generation, r.attempt);
        Some(Action {
            host,
            resource: id,
            generation,
            attempt,
            verb,
        })
    })
}

/// The verb of a resource's open attempt.
fn verb(state: &State, r: &Resource) -> Option<Verb> {
    let pool = || state.pools.get(&r.pool);
    match r.state {
        ResourceState::Creating => Some(Verb::Create),
        ResourceState::Deleting => Some(Verb::Delete),
        ResourceState::Leased | ResourceState::Withheld if r.turn().is_some() => Some(Verb::Turn),
        ResourceState::Leased if r.altering().is_some() => Some(Verb::Alter),
        ResourceState::Leased => pool()?.spec.prepare.then_some(Verb::Bind),
        ResourceState::Cleaning if r.lease.is_none() => match pool()?.spec.recycle.class {
            RecycleClass::Replace => Some(Verb::Create),
            RecycleClass::Reset => Some(Verb::Reset),
            RecycleClass::Hook | RecycleClass::Keep => None,
        },
        _ => None,
    }
}
