//! What an event is about, and why it came.

use caviada_core::check::table::Why;
use caviada_core::event::Event;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::state::State;

/// The event's name in the journal.
pub fn kind(event: &Event) -> &'static str {
    match event {
        Event::PoolDeclared(..) => "pool.declared",
        Event::PoolRetiring(..) => "pool.retiring",
        Event::PoolProven(..) => "pool.proven",
        Event::PoolGone(..) => "pool.gone",
        Event::HostDeclared(..) => "host.declared",
        Event::HostSeen(..) => "host.seen",
        Event::HostUnseen(..) => "host.unseen",
        Event::HostLost(..) => "host.lost",
        Event::HostRetiring { .. } => "host.retiring",
        Event::HostBackoff { .. } => "host.backoff",
        Event::HostBackoffOver(..) => "host.backoff_over",
        Event::HostRecovered(..) => "host.recovered",
        Event::HostQuarantined(..) => "host.quarantined",
        Event::HostGone(..) => "host.gone",
        Event::TemplateRevised(..) => "template.revised",
        Event::TemplateGone(..) => "template.gone",
        Event::KeyMade(..) => "key.made",
        Event::KeyGone(..) => "key.gone",
        Event::QuotaSet(..) => "quota.set",
        Event::QuotaGone(..) => "quota.gone",
        Event::WebhookDeclared(..) => "webhook.declared",
        Event::WebhookGone(..) => "webhook.gone",
        Event::UserSet(..) => "user.set",
        Event::UserSignedIn(..) => "user.signed_in",
        Event::UserGone(..) => "user.gone",
        Event::ResourceDeclared(..) => "resource.declared",
        Event::ResourceDescribed(..) => "resource.described",
        Event::ResourcePlanned(..) => "resource.planned",
        Event::ResourceCut(..) => "resource.cut",
        Event::ResourceCreating(..) => "resource.creating",
        Event::ResourceBuilt { .. } => "resource.built",
        Event::ResourceCleaning { .. } => "resource.cleaning",
        Event::ResourceCleaned { .. } => "resource.cleaned",
        Event::ResourceFailed { .. } => "resource.failed",
        Event::ResourceDirtied(..) => "resource.dirtied",
        Event::ResourceWithheld(..) => "resource.withheld",
        Event::ResourceReturned(..) => "resource.returned",
        Event::ResourceThen(..) => "resource.then",
        Event::ResourceDeleting(..) => "resource.deleting",
        Event::ResourceUndeleted(..) => "resource.undeleted",
        Event::ResourceGone(..) => "resource.gone",
        Event::ResourceHealth(..) => "resource.health",
        Event::ResourceTurning { .. } => "resource.turning",
        Event::ResourceTurned(..) => "resource.turned",
        Event::ResourceUnturned { .. } => "resource.unturned",
        Event::ResourceAltering { .. } => "resource.altering",
        Event::ResourceAltered { .. } => "resource.altered",
        Event::ResourceUnaltered { .. } => "resource.unaltered",
        Event::ResourceRestored(..) => "resource.restored",
        Event::ResourceCooled(..) => "resource.cooled",
        Event::ResourceAlert(..) => "resource.alert",
        Event::ResourceBound(..) => "resource.bound",
        Event::ResourceEarmarked { .. } => "resource.earmarked",
        Event::ResourceUnmarked(..) => "resource.unmarked",
        Event::LeaseWaiting(..) => "lease.waiting",
        Event::LeaseGranted { .. } => "lease.granted",
        Event::LeaseMet { .. } => "lease.met",
        Event::LeaseActive(..) => "lease.active",
        Event::LeaseRenewed(..) => "lease.renewed",
        Event::LeasePolled(..) => "lease.polled",
        Event::LeaseReduced(..) => "lease.reduced",
        Event::LeaseSwapped { .. } => "lease.swapped",
        Event::LeaseFlagged(..) => "lease.flagged",
        Event::LeaseGiven(..) => "lease.given",
        Event::LeaseShared(..) => "lease.shared",
        Event::LeaseNoted(..) => "lease.noted",
        Event::LeaseImported(..) => "lease.imported",
        Event::LeaseEnded { .. } => "lease.ended",
        Event::OutcomeKept(..) => "outcome.kept",
        Event::OutcomeForgotten(..) => "outcome.forgotten",
    }
}

/// Resources an event may move.
pub fn resources(state: &State, event: &Event) -> Vec<ResourceId> {
    match event {
        Event::ResourceDeclared(r) | Event::ResourcePlanned(r) | Event::ResourceCut(r) => {
            vec![r.id]
        }
        Event::ResourceCreating(id, _)
        | Event::ResourceDirtied(id, _)
        | Event::ResourceWithheld(id, _)
        | Event::ResourceReturned(id)
        | Event::ResourceBound(id)
        | Event::ResourceThen(id, _)
        | Event::ResourceDeleting(id, _)
        | Event::ResourceUndeleted(id, _, _)
        | Event::ResourceGone(id) => vec![*id],
        Event::ResourceBuilt { resource, .. }
        | Event::ResourceCleaning { resource, .. }
        | Event::ResourceCleaned { resource, .. }
        | Event::ResourceFailed { resource, .. }
        | Event::LeaseReduced(_, resource, _) => vec![*resource],
        Event::LeaseGranted { lease, .. } => lease.members.iter().map(|m| m.resource).collect(),
        Event::LeaseMet { lease, .. } => state
            .leases
            .get(lease)
            .map(|l| l.earmarks.iter().map(|e| e.resource).collect())
            .unwrap_or_default(),
        Event::LeaseSwapped { out, member, .. } => vec![*out, member.resource],
        Event::LeaseEnded { members, .. } => members.iter().map(|(id, _)| *id).collect(),
        _ => vec![],
    }
}

/// Resources an event changes in any way.
pub fn touched(state: &State, event: &Event) -> Vec<ResourceId> {
    match event {
        Event::ResourceDescribed(id, _)
        | Event::ResourceHealth(id, ..)
        | Event::ResourceTurned(id)
        | Event::ResourceRestored(id)
        | Event::ResourceCooled(id)
        | Event::ResourceAlert(id)
        | Event::ResourceUnmarked(id) => vec![*id],
        Event::ResourceTurning { resource, .. }
        | Event::ResourceUnturned { resource, .. }
        | Event::ResourceAltering { resource, .. }
        | Event::ResourceAltered { resource, .. }
        | Event::ResourceUnaltered { resource, .. }
        | Event::ResourceEarmarked { resource, .. } => vec![*resource],
        event => resources(state, event),
    }
}

/// The lease an event may move but not end.
pub fn lease(event: &Event) -> Option<LeaseId> {
    match event {
        Event::LeaseWaiting(l) | Event::LeaseGranted { lease: l, .. } => Some(l.id),
        Event::LeaseMet { lease, .. } | Event::LeaseSwapped { lease, .. } => Some(*lease),
        Event::LeaseActive(id)
        | Event::LeaseRenewed(id, _)
        | Event::LeasePolled(id, _)
        | Event::LeaseReduced(id, ..)
        | Event::LeaseFlagged(id, _)
        | Event::LeaseGiven(id, _)
        | Event::LeaseShared(id, _)
        | Event::LeaseNoted(id, ..) => Some(*id),
        _ => None,
    }
}

/// The column of the table a move stands in.
pub fn why(s: &State, r: &Resource, kind: &str, act: Option<&str>) -> Why {
    let host = r.site().and_then(|site| s.hosts.get(&site.host));
    let retires = s.pools.get(&r.pool).is_none_or(|p| p.retiring)
        || host.is_some_and(|h| h.retiring || h.spec.drain);
    let lost = host.is_some_and(|h| h.lost || h.forgotten);
    let due = r.deadline.is_some_and(|t| t <= s.now());
    // It came up in this batch, to become something else at once.
    let fresh = r.changed.revision > s.revision();
    match (kind, r.state) {
        ("lease.granted" | "lease.met", _) | ("lease.swapped", ResourceState::Free) => Why::Grant,
        ("lease.swapped", _) => Why::Failed,
        ("lease.reduced" | "lease.ended", _) => Why::LeaseEnds,
        ("resource.built" | "resource.cleaned" | "resource.bound", _) => Why::Done,
        ("resource.creating" | "resource.cleaning", _) => Why::Start,
        ("resource.failed", ResourceState::Free) => Why::Unhealthy,
        ("resource.failed" | "resource.undeleted", _) => Why::Failed,
        ("resource.deleting", ResourceState::Deleting) => Why::Start,
        ("resource.gone", ResourceState::Free) if r.parent().is_some() && r.earmark.is_some() => {
            Why::LeaseEnds
        }
        ("resource.gone", ResourceState::Deleting) if act == Some("record") => Why::Done,
        _ => match act {
            Some("withhold") => Why::Withhold,
            Some("return") => Why::Return,
            Some("delete_resource") => Why::Delete,
            Some("record") if r.state == ResourceState::Free && fresh => Why::Done,
            _ if host.is_some_and(|h| h.forgotten) => Why::HostLost,
            _ if matches!(r.state, ResourceState::Creating | ResourceState::Cleaning)
                && kind != "resource.then" =>
            {
                Why::Failed
            }
            _ if retires => Why::Retires,
            _ if lost => Why::HostLost,
            _ => match r.state {
                ResourceState::Planned | ResourceState::Withheld if due => Why::Failed,
                ResourceState::Failed if !due => Why::Failed,
                _ => Why::Start,
            },
        },
    }
}
