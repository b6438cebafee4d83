//! Hosts, for operators: their list, and what was done with them in the old dashboard.

mod create;
mod log;

use std::sync::Arc;

use caviada_core::command::{Act, By};
use caviada_core::host::{Host, HostSpec};
use caviada_core::id::{PoolId, ResourceId};
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::state::State;

use super::App;
use super::answer::{self, Answer, No};
use super::call::Ask;
use super::cluster::{Id, field::gmt, long_id};
use super::record::Record;
use super::version::Version;

pub(super) use create::create;

/// Label with the name that the old dashboard gave a host.
pub(super) const NAME: &str = "poolmanager/name";

/// What of engine a host is.
pub(super) fn kind(host: &Host) -> &str {
    &host.spec.driver
}

/// `hosts`: those of which every field that is named has just that value.
pub(super) async fn list(ask: Ask<'_>) -> Result<Answer, No> {
    ask.caller.operator(ask.app)?;
    let state = ask.app.ledger().snapshot().await?;
    let conditions = ask.parameters.conditions();
    // What costs little is looked at first.
    let may_fit = |h: &&Arc<Host>| {
        conditions.iter().all(|(name, wanted)| match &**name {
            "id" => *wanted == long_id(h.id.0),
            "name" => *wanted == shown(h),
            _ => true,
        })
    };
    let hosts = state.hosts.values().filter(may_fit);
    let records = hosts.map(|h| record(&state, ask.version, h));
    let records = records.filter(|r| r.fits(&conditions));
    Ok(Answer::Many(records.collect()))
}

/// `GET host` of PoolManager, with the id as a parameter.
pub(super) async fn named(ask: Ask<'_>) -> Result<Answer, No> {
    let id = ask.parameters.text("id")?.unwrap_or_default();
    get(ask, id.trim()).await
}

/// `GET host/<id>`.
pub(super) async fn get(ask: Ask<'_>, id: &str) -> Result<Answer, No> {
    ask.caller.operator(ask.app)?;
    let state = ask.app.ledger().snapshot().await?;
    let shown = answer::shown(id);
    let host =
        find(&state, id).ok_or_else(|| No::new(format!("host not found with id={shown}")))?;
    Ok(Answer::One(record(&state, ask.version, host)))
}

fn find<'a>(state: &'a State, id: &str) -> Option<&'a Arc<Host>> {
    state.hosts.values().find(|h| long_id(h.id.0) == id)
}

fn record(state: &State, version: Version, h: &Host) -> Record {
    let spec = &h.spec;
    let word = |yes: bool| if yes { "true" } else { "false" };
    let mut record = Record::default();
    record.put("id", long_id(h.id.0)).put("name", shown(h));
    if version <= Version::Cello07 {
        record.put("daemon_url", &*spec.address);
    }
    if version >= Version::Cello07 {
        record.put("worker_api", &*spec.address);
    }
    let clusters = placed(state, h).map(|r| Id::of(r).to_string());
    record
        .put("capacity", spec.capacity)
        .put(
            "type",
            match kind(h) {
                "docker" if version.is_pm() => "single",
                kind => kind,
            },
        )
        .put("create_ts", gmt(h.made_at))
        .put("status", if h.seen { "active" } else { "inactive" })
        .put("autofill", word(spec.autofill))
        .put("schedulable", word(spec.schedulable))
        .put("clusters", clusters.collect::<Vec<_>>());
    log::show(&spec.defaults, &mut record);
    record
}

/// The name that was given to it here, else its own.
fn shown(h: &Host) -> &str {
    h.spec.labels.get(NAME).unwrap_or(h.name.as_str())
}

/// What stands on a host.
fn placed<'a>(state: &'a State, h: &Host) -> impl Iterator<Item = &'a Arc<Resource>> {
    let (host, first) = (h.id, ResourceState::ALL[0]);
    let from = state
        .index
        .placed
        .range((host, PoolId(0), first, ResourceId(0))..);
    let here = from.take_while(move |(at, ..)| *at == host);
    here.filter_map(|(.., id)| state.resources.get(id))
}

/// `PUT host`: what is named changes.
pub(super) async fn update(ask: Ask<'_>) -> Result<Answer, No> {
    let by = ask.caller.operator(ask.app)?;
    let id = ask.parameters.text("id")?;
    let id = id.ok_or_else(|| No::new("host PUT without enough data"))?;
    let state = ask.app.ledger().snapshot().await?;
    let host = find(&state, &id).ok_or_else(|| No::new("Failed to update host None"))?;
    let mut spec = (*host.spec).clone();
    if let Some(capacity) = ask.parameters.text("capacity")? {
        let capacity = capacity.trim().parse().ok();
        spec.capacity = capacity
            .filter(|c| *c as usize >= placed(&state, host).count())
            .ok_or_else(|| No::new("Failed to update host None"))?;
    }
    for (name, place) in [
        ("autofill", &mut spec.autofill),
        ("schedulable", &mut spec.schedulable),
    ] {
        if ask.parameters.raw(name).is_some() {
            *place = ask.parameters.says(name);
        }
    }
    spec.drain &= !spec.schedulable;
    log::read(&mut spec.defaults, ask.parameters)
        .map_err(|why| No::new(format!("Failed to update host: {why}")))?;
    for (name, is) in [
        ("name", shown(host)),
        ("worker_api", &host.spec.address),
        ("daemon_url", &host.spec.address),
    ] {
        if ask
            .parameters
            .text(name)?
            .is_some_and(|text| text.trim() != is)
        {
            return Err(No::new(format!(
                "Failed to update host: {name} cannot change"
            )));
        }
    }
    put(ask.app, by, host, spec).await
}

async fn put(app: &App, by: By, host: &Host, spec: HostSpec) -> Result<Answer, No> {
    let act = Act::PutHost {
        name: host.name.clone(),
        spec: Box::new(spec),
        expect: Some(host.changed),
    };
    app.submit(by, act).await?;
    Ok(Answer::Done)
}

/// `DELETE host`: only an empty one.
pub(super) async fn delete(ask: Ask<'_>) -> Result<Answer, No> {
    let by = ask.caller.operator(ask.app)?;
    let id = ask.parameters.text("id")?;
    let id = id.ok_or_else(|| No::new("host delete without enough data"))?;
    let shown = answer::shown(&id);
    let failed = || No::new(format!("Failed to delete host {shown}"));
    let state = ask.app.ledger().snapshot().await?;
    let host = find(&state, &id).ok_or_else(failed)?;
    if placed(&state, host).next().is_some() {
        return Err(failed());
    }
    let act = Act::DeleteHost {
        name: host.name.clone(),
        forget: false,
        expect: Some(host.changed),
    };
    ask.app.submit(by, act).await?;
    Ok(Answer::Done)
}

/// `host_op`: fillup, clean or reset.
pub(super) async fn op(ask: Ask<'_>) -> Result<Answer, No> {
    let by = ask.caller.operator(ask.app)?;
    let (id, action) = (ask.parameters.text("id")?, ask.parameters.text("action")?);
    let (Some(id), Some(action)) = (id, action) else {
        return Err(No::new("host POST without enough data"));
    };
    let failed = match action.as_str() {
        "fillup" => "Failed to fillup the host.",
        "clean" => "Failed to clean the host.",
        "reset" => "Failed to reset the host.",
        _ => {
            let shown: String = action.chars().take(64).collect();
            return Err(No::new(format!("unknown host action={shown}")));
        }
    };
    let state = ask.app.ledger().snapshot().await?;
    let host = find(&state, &id)
        .filter(|h| h.seen)
        .ok_or_else(|| No::new(failed))?;
    match action.as_str() {
        "fillup" => {
            let mut spec = (*host.spec).clone();
            spec.autofill = true;
            put(ask.app, by, host, spec).await
        }
        "clean" => clean(ask.app, by, &state, host).await,
        // There is nothing of ours left on an empty host, and what is not ours stays.
        _ if placed(&state, host).next().is_none() => Ok(Answer::Done),
        _ => Err(No::new(failed)),
    }
}

/// Removes what is free on a host, which then is filled no more.
async fn clean(app: &App, by: By, state: &State, host: &Host) -> Result<Answer, No> {
    let mut spec = (*host.spec).clone();
    spec.autofill = false;
    put(app, by, host, spec).await?;
    let free = placed(state, host).filter(|r| r.state == ResourceState::Free);
    let acts: Vec<Act> = free
        .map(|r| Act::DeleteResource {
            resource: r.id,
            force: false,
            expect: None,
        })
        .collect();
    for act in acts {
        // One that was given to somebody meanwhile stays.
        let _ = app.submit(by, act).await;
    }
    Ok(Answer::Done)
}
