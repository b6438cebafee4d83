//! Clusters: what of a pool is one, which of them a caller sees, and how each version shows them.

mod create;
pub(super) mod field;
mod past;
mod power;
mod view;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use caviada_core::access::{Principal, Verb};
use caviada_core::attribute::ValueRef;
use caviada_core::command::Act;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::key::Role;
use caviada_core::lease::Lease;
use caviada_core::limits;
use caviada_core::limits::server::POOLMANAGER_CLUSTERS_MAX;
use caviada_core::name::Owner;
use caviada_core::pool::Pool;
use caviada_core::resource::{Origin, Resource};
use caviada_core::state::State;

use super::answer::{Answer, No, shown};
use super::apply::SYSTEM;
use super::call::Ask;
use super::caller::Caller;
use super::version::Version;
pub(super) use create::create;
pub(super) use power::power;
pub(super) use view::View;
use view::size;

/// The attribute that makes a resource a cluster.
pub(super) const PLUGIN: &str = "consensus_plugin";
/// How its plugin works.
pub(super) const MODE: &str = "consensus_mode";
/// How many peers it has.
pub(super) const SIZE: &str = "size";

/// What a cluster is called: one use of a resource. Whoever gave one back late names a use that is
/// over, and nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    resource: ResourceId,
    /// Generation and uses, as far as there is room.
    turn: u64,
}

/// Bits of generation and of uses, each.
const TURN_BITS: u32 = 20;

impl Id {
    /// Of a resource as it is now.
    pub fn of(r: &Resource) -> Self {
        let part = |n: u64| n & ((1 << TURN_BITS) - 1);
        Self {
            resource: r.id,
            turn: part(r.generation) << TURN_BITS | part(u64::from(r.uses)),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014x}{:010x}", self.resource.0, self.turn)
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let sound = text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let (resource, turn) = text.split_at_checked(14).filter(|_| sound).ok_or(())?;
        let number = |hex| u64::from_str_radix(hex, 16).map_err(|_| ());
        Ok(Self {
            resource: ResourceId(number(resource)?),
            turn: number(turn)?,
        })
    }
}

/// The id of something else of ours, as long as theirs.
pub(super) fn long_id(n: u64) -> String {
    format!("{n:024x}")
}

/// The clusters that a caller sees.
pub(super) struct Clusters<'a> {
    state: &'a State,
    who: Principal,
    /// Of what is held, only what he holds.
    only: Option<Owner>,
}

impl<'a> Clusters<'a> {
    pub fn of(state: &'a State, caller: &Caller) -> Result<Self, No> {
        let who = Principal::of(state, caller.looks_by());
        let who = who.map_err(|refusal| No::new(refusal.to_string()))?;
        let only = caller.only().cloned();
        Ok(Self { state, who, only })
    }

    /// Is the pool one of the caller's? Who acts for others sees what it acts in, an operator all.
    fn sees(&self, pool: &Pool) -> bool {
        match self.who.act_for.is_empty() || self.who.role >= Role::Operator {
            true => self.who.sees(pool),
            false => self.who.act_for.contains(&pool.name),
        }
    }

    /// Is it one, and may the caller know of it? Not of what somebody else has, unless it acts for
    /// him.
    fn shows(&self, r: &Resource) -> bool {
        let whole = matches!(r.origin, Origin::Declared | Origin::Built(_));
        let pool = self.state.pools.get(&r.pool);
        whole
            && r.doc.attributes.get(PLUGIN).is_some()
            && pool.is_some_and(|p| self.sees(p))
            && self.lease(r).is_none_or(|l| self.shows_lease(l))
    }

    fn shows_lease(&self, lease: &Lease) -> bool {
        self.only.as_ref().is_none_or(|o| *o == lease.owner)
            && self.who.may_with(self.state, Verb::SeeLease, lease).is_ok()
    }

    fn lease(&self, r: &Resource) -> Option<&'a Arc<Lease>> {
        self.state.leases.get(&r.lease?)
    }

    /// The cluster of an id, if it is still that one.
    pub fn find(&self, id: Id) -> Option<&'a Arc<Resource>> {
        let r = self.state.resources.get(&id.resource)?;
        (Id::of(r) == id && self.shows(r)).then_some(r)
    }

    /// Is that resource one of them?
    pub fn has(&self, id: ResourceId) -> bool {
        self.state.resources.get(&id).is_some_and(|r| self.shows(r))
    }

    /// All of them, in the order of their pools; of one user only, if it is known that no other is
    /// asked for.
    pub fn all(&self, user: Option<&Owner>) -> Vec<&'a Arc<Resource>> {
        let state = self.state;
        if let Some(user) = user {
            let from = (user.clone(), LeaseId(0))..=(user.clone(), LeaseId(u64::MAX));
            let leases = state.index.owner_leases.range(from).take(limits::SCAN_MAX);
            let leases = leases.filter_map(|(_, id)| state.leases.get(id));
            let members = leases.flat_map(|l| l.members.iter());
            let members = members.filter_map(|m| state.resources.get(&m.resource));
            return members.filter(|r| self.shows(r)).collect();
        }
        let pools = state.pools.values().filter(|p| self.sees(p));
        let members = pools.flat_map(|p| state.members_of(p.id));
        let members = members.filter_map(|id| state.resources.get(&id));
        members.filter(|r| self.shows(r)).collect()
    }
}

/// An attribute as text; none is empty.
fn text(r: &Resource, name: &str) -> String {
    match r.doc.attributes.get(name) {
        Some(ValueRef::Text(text)) => text.to_owned(),
        Some(ValueRef::Number(n)) => n.to_string(),
        Some(ValueRef::Bool(b)) => b.to_string(),
        None => String::new(),
    }
}

/// A kind of cluster: its plugin, and how that works.
pub(super) fn kind(r: &Resource) -> String {
    match (text(r, PLUGIN), text(r, MODE)) {
        (plugin, mode) if mode.is_empty() || plugin == "noops" => plugin,
        (plugin, mode) => format!("{plugin}/{mode}"),
    }
}

/// `DELETE cluster`: only one that nobody has.
pub(super) async fn delete(ask: Ask<'_>) -> Result<Answer, No> {
    let by = ask.caller.operator(ask.app)?;
    let of = match ask.version {
        Version::Pm1 => Some("active".to_owned()),
        _ => ask.parameters.text("col_name")?,
    };
    let (Some(id), Some(of)) = (ask.parameters.text("id")?, of) else {
        return Err(No::new("cluster operation post without enough data"));
    };
    let shown = shown(&id);
    let failed = || No::new(format!("Failed to delete cluster {shown}"));
    let state = ask.app.ledger().snapshot().await?;
    let found = id.trim().parse().ok();
    let found = found.and_then(|id| Clusters::of(&state, ask.caller).ok()?.find(id));
    let r = found
        .filter(|r| of == "active" && r.lease.is_none())
        .ok_or_else(failed)?;
    let act = Act::DeleteResource {
        resource: r.id,
        force: false,
        expect: None,
    };
    ask.app.submit(by, act).await.map_err(|_| failed())?;
    Ok(Answer::Done)
}

/// `GET cluster` of PoolManager, with the id as a parameter.
pub(super) async fn named(ask: Ask<'_>) -> Result<Answer, No> {
    ask.caller.operator(ask.app)?;
    let id = ask.parameters.text("id")?.unwrap_or_default();
    match get(ask, id.trim()).await? {
        Answer::One(record) if ask.version == Version::Pm1 => Ok(Answer::Bare(record)),
        other => Ok(other),
    }
}

/// `GET cluster/<id>`.
pub(super) async fn get(ask: Ask<'_>, id: &str) -> Result<Answer, No> {
    let shown = shown(id);
    let unknown = || No::new(format!("cluster not found with id={shown}")).code(404);
    let parsed = id.parse().map_err(|()| unknown())?;
    let state = ask.app.ledger().snapshot().await?;
    let clusters = Clusters::of(&state, ask.caller)?;
    let r = clusters.find(parsed).ok_or_else(unknown)?;
    let view = View {
        version: ask.version,
        caller: ask.caller,
        state: Some(&state),
    };
    Ok(Answer::One(view.whole(r, clusters.lease(r).map(|l| &**l))))
}

/// `clusters`: those of which every field that is named has just that value.
pub(super) async fn list(ask: Ask<'_>) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let clusters = Clusters::of(&state, ask.caller)?;
    let mut conditions = ask.parameters.conditions();
    if let Some(wrong) = conditions
        .iter()
        .find(|(_, v)| v.is_array() || v.is_object())
    {
        let shown: String = wrong.0.chars().take(64).collect();
        return Err(No::new(format!(
            "Invalid filter: {shown} must be one value"
        )));
    }
    // As apply took it.
    for (_, v) in conditions.iter_mut().filter(|(name, _)| name == "user_id") {
        if let Some(trimmed) = v.as_str().map(|id| id.trim().to_owned()) {
            *v = trimmed.into();
        }
    }
    let mut released = false;
    if let Some(at) = conditions.iter().position(|(name, _)| name == "state") {
        let (_, wanted) = conditions.swap_remove(at);
        released = wanted == "released";
        if !released && wanted != "active" {
            return Err(No::new("Invalid filter: state is active or released"));
        }
    }
    let user = conditions.iter().find(|(name, _)| name == "user_id");
    let user = user.and_then(|(_, id)| id.as_str().filter(|id| !id.starts_with(SYSTEM)));
    let user = user.and_then(|id| Owner::new(id).ok());
    if released {
        return past::list(ask, &conditions, user).await;
    }
    let view = View {
        version: ask.version,
        caller: ask.caller,
        state: Some(&state),
    };
    let mut records = Vec::new();
    for r in clusters.all(user.as_ref()) {
        let lease = clusters.lease(r).map(|l| &**l);
        if !view.may_fit(r, lease, &conditions) {
            continue;
        }
        let record = view.whole(r, lease);
        if record.fits(&conditions) {
            records.push(record);
        }
        if records.len() > POOLMANAGER_CLUSTERS_MAX {
            return Err(No::new(format!(
                "these are more than {POOLMANAGER_CLUSTERS_MAX} clusters; ask for those of a host or a user"
            )));
        }
    }
    Ok(Answer::Many(records))
}

/// `cluster_list` of PoolManager 2: only the ids.
pub(super) async fn ids(ask: Ask<'_>) -> Result<Answer, No> {
    match list(ask).await? {
        Answer::Many(records) => {
            let ids = records.iter().filter_map(|r| r.get("id").cloned());
            Ok(Answer::Values(ids.collect()))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_prints() {
        let id = Id {
            resource: ResourceId(1_700_000_000_000_000),
            turn: (3 << TURN_BITS) | 7,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 24);
        for bad in [
            "",
            "x",
            "5b0d8b3c8b3c8b3c8b3c8b3",
            "5b0d8b3c8b3c8b3c8b3c8b3g",
            "éééééééééééé",
        ] {
            assert!(bad.parse::<Id>().is_err(), "{bad}");
        }
    }
}
