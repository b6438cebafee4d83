//! Release: what the user has goes back, and comes clean into the pool again.

use std::sync::Arc;

use caviada_core::access::{Principal, Verb};
use caviada_core::command::Act;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::lease::{Lease, LeaseState};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::refusal::Refusal;
use caviada_core::state::State;
use caviada_ledger::Failure;
use serde_json::json;

use super::App;
use super::answer::{Answer, No};
use super::apply::user;
use super::call::Ask;
use super::caller::Caller;
use super::cluster::{Clusters, Id};
use super::version::Version;

/// What a release by id found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A cluster that somebody had, or that nobody has.
    There,
    /// None, or one that was given back already.
    Nothing,
}

/// `cluster_release`: by cluster, else everything of a user.
pub(super) async fn release(ask: Ask<'_>) -> Result<Answer, No> {
    let id = match ask.version {
        Version::Pm1 => None,
        _ => ask.parameters.text("cluster_id")?,
    };
    // Where a cluster is named, the user only stands in the error: it need not be one.
    let user = match id {
        Some(_) => None,
        None => user(ask.parameters)?,
    };
    let failed = |id: Option<&str>| {
        let id = id.unwrap_or_default();
        let user = ask.parameters.text("user_id").ok().flatten();
        let user = user.as_deref().map_or("", str::trim);
        let data = json!({"cluster_id": id, "user_id": user});
        match ask.version {
            Version::Pm1 => {
                No::new(format!("release fail for {user}")).data(ask.parameters.query())
            }
            Version::Pm2 => No::new("release fail").data(data),
            _ => {
                let error = format!("cluster_release failed user_id={user} cluster_id={id}");
                No::new(error).data(data)
            }
        }
    };
    match (id, user) {
        (Some(id), _) => match by_id(ask.app, ask.caller, id.trim()).await? {
            Found::Nothing if ask.version.is_pm() => Err(failed(Some(&id))),
            _ => Ok(Answer::Done),
        },
        (None, Some(user)) => {
            let many = by_user(ask.app, ask.caller, &user).await?;
            if many == 0 && ask.version == Version::Pm1 {
                return Err(failed(None));
            }
            Ok(Answer::Done)
        }
        (None, None) => Err(match ask.version {
            Version::Pm1 => No::new("No user_id is given").data(ask.parameters.query()),
            Version::Pm2 => No::new("No id in release").data(ask.parameters.json()),
            _ => No::new("cluster_release without id").data(ask.parameters.query()),
        }),
    }
}

/// `cluster_op` with the action `release`: by cluster alone.
pub(super) async fn one(ask: Ask<'_>) -> Result<Answer, No> {
    let id = ask.parameters.text("cluster_id")?;
    let id = id.ok_or_else(|| No::new("No cluster_id is given"))?;
    by_id(ask.app, ask.caller, id.trim()).await?;
    Ok(Answer::Done)
}

/// Releases one cluster. An id of an earlier use is nobody's.
async fn by_id(app: &App, caller: &Caller, id: &str) -> Result<Found, No> {
    let Ok(id) = id.parse::<Id>() else {
        return Ok(Found::Nothing);
    };
    let state = app.ledger().snapshot().await?;
    let Some(resource) = Clusters::of(&state, caller)?.find(id) else {
        return Ok(Found::Nothing);
    };
    let Some(lease) = resource.lease else {
        return Ok(match resource.is_ready() {
            true => Found::There,
            false => Found::Nothing,
        });
    };
    let alone = state
        .leases
        .get(&lease)
        .is_none_or(|l| l.members.len() == 1);
    let members = if alone { vec![] } else { vec![resource.id] };
    give_back(app, caller, lease, members).await?;
    Ok(Found::There)
}

/// Releases every cluster of a user, and says how many leases that were.
async fn by_user(app: &App, caller: &Caller, user: &Owner) -> Result<usize, No> {
    let state = app.ledger().snapshot().await?;
    let leases = held(&state, caller, user)?;
    for lease in &leases {
        give_back(app, caller, lease.id, vec![]).await?;
    }
    Ok(leases.len())
}

/// The leases of a user that are about clusters of the caller's pools and nothing else.
fn held(state: &State, caller: &Caller, user: &Owner) -> Result<Vec<Arc<Lease>>, No> {
    let who =
        Principal::of(state, caller.looks_by()).map_err(|refusal| No::new(refusal.to_string()))?;
    let clusters = Clusters::of(state, caller)?;
    let all = (user.clone(), LeaseId(0))..=(user.clone(), LeaseId(u64::MAX));
    let leases = state.index.owner_leases.range(all).take(limits::SCAN_MAX);
    let leases = leases.filter_map(|(_, id)| state.leases.get(id));
    let theirs = leases.filter(|l| {
        l.state != LeaseState::Waiting
            && l.members.iter().all(|m| clusters.has(m.resource))
            && who.may_with(state, Verb::Release, l).is_ok()
    });
    Ok(theirs.cloned().collect())
}

async fn give_back(
    app: &App,
    caller: &Caller,
    lease: LeaseId,
    members: Vec<ResourceId>,
) -> Result<(), No> {
    let act = Act::Release {
        lease,
        members,
        hold: None,
        ok: true,
        fence: None,
    };
    match app.submit(caller.looks_by(), act).await {
        // Somebody else gave it back since it was seen here.
        Ok(_) | Err(Failure::Refused(Refusal::Unknown { .. })) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}
