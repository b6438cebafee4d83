//! A resource as it is, as far as the caller may see.

use std::collections::BTreeMap;

use caviada_api::resource::{self as wire, Evidence, Health, Holder, Left, Withheld};
use caviada_api::timestamp::Timestamp;
use caviada_core::access::{Principal, Verb, allows};
use caviada_core::alter::{Altered, Direction, NOT_UNDONE};
use caviada_core::lease::Lease;
use caviada_core::pool::{Pool, RecycleClass};
use caviada_core::power::{Power, Way};
use caviada_core::resource::{self, Origin, Resource, ResourceState, Then, kind_of};
use caviada_core::space::Space;
use caviada_core::state::State;
use caviada_core::time::Time;

use super::spec;
use crate::host::made_with;
use crate::http::v1::render;
use crate::progress::Progress;

/// A resource of a pool the caller sees.
pub fn resource(
    state: &State,
    who: &Principal,
    progress: &Progress,
    r: &Resource,
) -> wire::Resource {
    let pool = state.pools.get(&r.pool);
    let lease = r.lease.and_then(|l| state.leases.get(&l));
    let held = lease.zip(pool);
    let sees_holder = held.is_some_and(|(l, p)| who.sees_holder(state, p, l));
    let holds = lease.is_some_and(|l| allows(who.role, Verb::SeeLease, who.relation(l)));
    let operates = allows(who.role, Verb::Manage, caviada_core::access::Relation::Own);
    let host = r.site().and_then(|s| state.hosts.get(&s.host));
    let offerable = r.is_ready() && r.earmark.is_none() && host.is_none_or(|h| h.offers());
    wire::Resource {
        id: r.id,
        name: r.doc.name.to_string(),
        pool: pool.map(|p| p.name.to_string()).unwrap_or_default(),
        state: state_of(r.state),
        since: since(r, lease.map(AsRef::as_ref)),
        until: time(r.due()),
        why: why(r, offerable),
        offerable,
        health: r.site().map(|_| health(r.health)),
        power: r.site().map(|_| power(r.power.as_deref())),
        // Those of an altered one may be named by its holder.
        stopped: r
            .power
            .iter()
            .filter(|_| r.altered.is_none() || holds || operates)
            .flat_map(|p| &p.services)
            .map(ToString::to_string)
            .collect(),
        alteration: r.altered.as_deref().map(alteration),
        parameters: match holds || operates {
            true => parameters(state, r),
            false => Default::default(),
        },
        progress: progress.of(r.id, |lease| {
            let lease = state.leases.get(&lease);
            operates || lease.is_some_and(|l| who.may_with(state, Verb::SeeLease, l).is_ok())
        }),
        then: r.then.as_ref().map(|then| match then {
            Then::Withhold(_) => wire::Then::Withheld,
            Then::Delete => wire::Then::Delete,
        }),
        holder: lease.filter(|_| sees_holder).map(|l| holder(l)),
        withheld: r.withheld.as_deref().map(withheld),
        failure: r.cause.as_deref().filter(|_| operates || holds).map(|c| {
            evidence(
                r,
                c,
                operates || is_own_doing(pool.map(AsRef::as_ref), r, c),
            )
        }),
        host: host.filter(|_| operates).map(|h| h.name.to_string()),
        generation: r.generation,
        template_revision: r.site().filter(|_| operates).map(|s| s.template.0),
        uses: u64::from(r.uses),
        attributes: render::attributes(&r.doc.attributes),
        labels: render::labels(&r.doc.labels),
        endpoints: if holds || operates {
            render::endpoints(r.endpoints())
        } else {
            Default::default()
        },
        divisible: divisible(r),
        left: left(state, r),
        slice_of: r.parent(),
        declared_in: r.doc.declared_in.as_deref().map(Into::into),
        etag: r.changed.to_string(),
    }
}

fn time(t: Option<Time>) -> Option<Timestamp> {
    t.map(|t| Timestamp(t.0))
}

/// A state in the words of the API.
pub fn state_of(state: ResourceState) -> wire::ResourceState {
    match state {
        ResourceState::Planned => wire::ResourceState::Planned,
        ResourceState::Creating => wire::ResourceState::Creating,
        ResourceState::Free => wire::ResourceState::Free,
        ResourceState::Leased => wire::ResourceState::Leased,
        ResourceState::Dirty => wire::ResourceState::Dirty,
        ResourceState::Cleaning => wire::ResourceState::Cleaning,
        ResourceState::Failed => wire::ResourceState::Failed,
        ResourceState::Withheld => wire::ResourceState::Withheld,
        ResourceState::Deleting => wire::ResourceState::Deleting,
    }
}

fn since(r: &Resource, lease: Option<&Lease>) -> Option<Timestamp> {
    match r.state {
        ResourceState::Free => Some(Timestamp(r.freed_at.0)),
        ResourceState::Leased => time(lease.and_then(|l| l.granted_at)),
        _ => None,
    }
}

fn health(health: resource::Health) -> Health {
    match health {
        resource::Health::Well => Health::Healthy,
        resource::Health::Suspect => Health::Unknown,
        resource::Health::Ill => Health::Unhealthy,
    }
}

fn alteration(altered: &Altered) -> wire::Alteration {
    match altered.direction {
        Some(Direction::Towards(_)) => wire::Alteration::Altering,
        Some(Direction::Back) => wire::Alteration::Restoring,
        None if !altered.tried.is_empty() => wire::Alteration::Torn,
        None => wire::Alteration::Altered,
    }
}

fn parameters(state: &State, r: &Resource) -> BTreeMap<String, serde_json::Value> {
    let text = made_with(state, r.id).ok();
    let read = text.and_then(|text| serde_json::from_str(&text).ok());
    read.unwrap_or_default()
}

fn power(power: Option<&Power>) -> wire::Power {
    let turn = power.and_then(|p| p.turn.as_ref());
    match (turn.map(|t| t.way), power) {
        (Some(Way::Start), _) => wire::Power::Starting,
        (Some(Way::Stop), _) => wire::Power::Stopping,
        (Some(Way::Restart), _) => wire::Power::Restarting,
        (None, Some(p)) if p.stopped => wire::Power::Stopped,
        (None, _) => wire::Power::Running,
    }
}

/// Why it is not simply free or leased.
fn why(r: &Resource, offerable: bool) -> Option<String> {
    let why = match r.state {
        ResourceState::Free if r.cooling_until.is_some() => "it cools down",
        ResourceState::Free if r.earmark.is_some() => "it is kept for a waiting lease",
        ResourceState::Free if r.health != resource::Health::Well => "it did not look well",
        ResourceState::Free if matches!(r.origin, Origin::Divisible(_)) => "slices are cut from it",
        ResourceState::Free if !offerable => "its host is not seen or not schedulable",
        ResourceState::Planned => "a place is reserved; it waits for its build to start",
        ResourceState::Dirty => "it waits for its cleaning",
        ResourceState::Failed => "it waits for the next try",
        _ => return None,
    };
    Some(why.to_owned())
}

fn holder(lease: &Lease) -> Holder {
    Holder {
        lease: lease.id,
        owner: lease.owner.to_string(),
        note: lease.note.as_deref().map(Into::into),
        granted_at: Timestamp(lease.granted_at.unwrap_or(lease.asked_at).0),
        expires_at: time(lease.deadline),
    }
}

fn withheld(w: &resource::Withheld) -> Withheld {
    let (reason, note) = spec::read_reason(&w.reason);
    Withheld {
        reason,
        note,
        until: time(w.until),
        clean: w.clean,
    }
}

/// A holder's alteration failed by what he asked for, and nothing in it is of earlier holders.
fn is_own_doing(pool: Option<&Pool>, r: &Resource, cause: &str) -> bool {
    let anew = pool.is_some_and(|p| p.spec.recycle.class == RecycleClass::Replace);
    // Why the undoing failed is told of the host.
    let undone = !cause.contains(NOT_UNDONE);
    let of_his = ["no_image", "not_ready", "refused"].contains(&kind_of(cause));
    r.altered.is_some() && anew && undone && of_his
}

/// What went wrong. Drivers name the addresses of engines, which are the operators' to know.
fn evidence(r: &Resource, cause: &str, whole: bool) -> Evidence {
    let (kind, detail) = cause.split_once(": ").unwrap_or((cause, cause));
    let detail = if whole { detail } else { told(kind) };
    Evidence {
        cause: kind.to_owned(),
        detail: detail.to_owned(),
        attempts: r.tries,
    }
}

/// A kind of failure in words for whoever may not know more.
pub fn told(kind: &str) -> &'static str {
    match kind {
        "refused" => "what was asked for cannot be done to it, or it has no such service",
        "not_ready" => "it did not become ready",
        "timed_out" => "it took too long",
        "unreachable" => "its host does not answer",
        "unwell" => "a part of it does not run, or says that it is ill",
        "gone" => "nothing of it is on its host any more",
        "moved" => "a part of it runs elsewhere than before",
        "unsupported" => "its host cannot do that",
        _ => "its host could not do it; an operator sees why",
    }
}

fn divisible(r: &Resource) -> Option<wire::Divisible> {
    let Origin::Divisible(space) = &r.origin else {
        return None;
    };
    let mut divisible = wire::Divisible::default();
    match &**space {
        Space::Quantity(q) => divisible.quantity = Some(render::amounts(q.whole())),
        Space::Range(_) => {
            let text = space.to_string();
            let (whole, excluded) = text.split_once(" except ").unwrap_or((&text, ""));
            let ports = !whole.contains(['.', ':']);
            let whole = Some(whole.to_owned());
            if ports {
                divisible.ports = whole;
            } else {
                divisible.range = whole;
            }
            let pieces = excluded.split(',').filter(|p| !p.is_empty());
            divisible.exclude = pieces.map(str::to_owned).collect();
        }
    }
    Some(divisible)
}

fn left(state: &State, r: &Resource) -> Option<Left> {
    let space = state.index.spaces.get(&r.id)?;
    let mut left = Left::default();
    match space {
        Space::Range(range) => left.count = Some(range.free().len().to_string()),
        Space::Quantity(q) => left.quantity = Some(render::amounts(q.free())),
    }
    Some(left)
}
