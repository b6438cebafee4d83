//! Apply: the cluster that the user has, or a free one, at once or not at all.

use std::sync::Arc;

use caviada_core::attribute::Labels;
use caviada_core::command::{Acquire, Act, By, Reuse, Want};
use caviada_core::event::Event;
use caviada_core::id::LeaseId;
use caviada_core::lease::{Lease, LeaseState, Purpose};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::refusal::Refusal;
use caviada_core::resource::Resource;
use caviada_core::selector::Selector;
use caviada_ledger::{Failure, Noun};
use serde_json::Value;

use super::answer::{Answer, No};
use super::call::Ask;
use super::cluster::{self, View};
use super::parameter::Parameters;
use super::patience::Patience;
use super::version::Version;

/// Beginning of what the old system wrote in place of a user.
pub(super) const SYSTEM: &str = "__SYSTEM__";

/// `cluster_apply`, and `cluster_op` with the action `apply`.
pub(super) async fn apply(ask: Ask<'_>) -> Result<Answer, No> {
    let with = |no: No| match ask.version {
        Version::Pm1 => no.data(ask.parameters.query()),
        Version::Pm2 => no.data(ask.parameters.json()),
        _ => no,
    };
    let missing = match ask.version {
        Version::Pm1 => "No user_id is given",
        _ => "cluster_apply without user_id",
    };
    let user = user(ask.parameters)?.ok_or_else(|| with(No::new(missing)))?;
    let selector = wanted(ask.version, ask.parameters).map_err(with)?;
    let reuse = match ask.version.is_pm() || !ask.parameters.says("allow_multiple") {
        true => Reuse::Matching,
        false => Reuse::Never,
    };
    ask.caller.speaks_for(&user).map_err(with)?;
    let act = Act::Acquire(Box::new(acquire(user.clone(), selector, reuse)));
    match ask.app.submit(By::Key(ask.caller.key.id), act).await {
        Ok(done) => match &done.noun {
            Noun::Lease(lease, _) if lease.state == LeaseState::Preparing => {
                let given = prepared(ask, lease.id).await?;
                given.ok_or_else(|| with(none(&user)))
            }
            Noun::Lease(lease, members) => {
                let (resource, _) = members.first().ok_or_else(|| none(&user))?;
                let state = match ask.version.names_hosts() {
                    true => Some(ask.app.ledger().snapshot().await?),
                    false => None,
                };
                let view = View {
                    version: ask.version,
                    caller: ask.caller,
                    state: state.as_deref(),
                };
                Ok(given(&view, resource, lease))
            }
            _ => Err(with(none(&user))),
        },
        Err(Failure::Refused(Refusal::PoolExhausted { .. })) => Err(with(none(&user))),
        Err(Failure::Refused(refusal @ Refusal::Impossible { .. })) => {
            tracing::warn!(
                key.name = ask.caller.key.name.as_str(),
                "no pool that this key acts for could ever give such a cluster, which has an attribute `{}`: {refusal}",
                cluster::PLUGIN
            );
            Err(with(none(&user)))
        }
        Err(failure) => Err(with(failure.into())),
    }
}

fn given(view: &View<'_>, resource: &Resource, lease: &Lease) -> Answer {
    let record = view.given(resource, lease);
    match view.version {
        Version::Pm1 => Answer::Bare(record),
        _ => Answer::One(record),
    }
}

/// The cluster of a lease once it is ready for its user; none if it came to nothing.
async fn prepared(ask: Ask<'_>, id: LeaseId) -> Result<Option<Answer>, No> {
    let patience = Patience::new(ask.app);
    let mut state = ask.app.ledger().snapshot().await?;
    let prepares = |l: &Arc<Lease>| l.state == LeaseState::Preparing;
    if state.leases.get(&id).is_some_and(prepares) {
        let ended = |event: &Event| match event {
            Event::LeaseActive(lease) | Event::LeaseEnded { lease, .. } => {
                (*lease == id).then_some(())
            }
            _ => None,
        };
        patience.until(ended).await;
        state = ask.app.ledger().snapshot().await?;
    }
    let view = View {
        version: ask.version,
        caller: ask.caller,
        state: Some(&state),
    };
    let lease = state.leases.get(&id);
    let member = lease.and_then(|l| state.resources.get(&l.members.first()?.resource));
    Ok(lease.zip(member).map(|(l, r)| given(&view, r, l)))
}

fn none(user: &Owner) -> No {
    No::new(format!("No available res for {user}"))
}

/// Whom it is for: a text of the caller's own, without the blanks around it.
pub(super) fn user(asked: &Parameters) -> Result<Option<Owner>, No> {
    let text = asked.text("user_id")?.unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with(SYSTEM) {
        return Err(No::new(format!("Invalid user_id: {SYSTEM} is no user")));
    }
    let owner = Owner::new(text).map_err(|e| No::new(format!("Invalid user_id: {e}")))?;
    Ok(Some(owner))
}

fn acquire(user: Owner, selector: Selector, reuse: Reuse) -> Acquire {
    Acquire {
        owner: Some(user),
        items: vec![Want {
            pool: None,
            selector: Some(selector),
            count: 1,
            amount: None,
        }],
        ttl_ms: None,
        wait_ms: 0,
        poll_within_ms: None,
        priority: limits::PRIORITY_DEFAULT,
        reuse,
        purpose: Purpose::Use,
        labels: Labels::default(),
        note: None,
    }
}

/// A kind of cluster, as far as somebody says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Kind {
    pub plugin: Option<String>,
    pub mode: Option<String>,
    pub size: Option<i64>,
}

/// What kind is asked for, in the words of the version.
pub(super) fn kind(version: Version, asked: &Parameters) -> Result<Kind, No> {
    if version == Version::Pm1 {
        return Ok(Kind::default());
    }
    let one_of = |name: &str, known: &[&str]| match asked.text(name)? {
        Some(text) if known.contains(&text.as_str()) => Ok(Some(text)),
        Some(_) => Err(No::new(format!("Invalid {name}"))),
        None => Ok(None),
    };
    Ok(Kind {
        plugin: one_of(cluster::PLUGIN, version.plugins())?,
        mode: match version <= Version::Cello07 {
            true => one_of(cluster::MODE, &["batch"])?,
            false => None,
        },
        size: size(version, asked)?,
    })
}

/// The kind as conditions on the attributes that make a resource a cluster.
fn wanted(version: Version, asked: &Parameters) -> Result<Selector, No> {
    let kind = kind(version, asked)?;
    let mut conditions = vec![match kind.plugin {
        Some(plugin) => format!("{}={plugin}", cluster::PLUGIN),
        None => format!("{} exists", cluster::PLUGIN),
    }];
    conditions.extend(kind.mode.map(|mode| format!("{}={mode}", cluster::MODE)));
    conditions.extend(kind.size.map(|size| format!("{}={size}", cluster::SIZE)));
    selector(&conditions)
}

fn selector(conditions: &[String]) -> Result<Selector, No> {
    let parsed = conditions.join(",").parse();
    parsed.map_err(|e| No::new(format!("Invalid filter: {e}")))
}

/// `int(size or -1)` of the old system, without the number that means none.
fn size(version: Version, asked: &Parameters) -> Result<Option<i64>, No> {
    let invalid = || No::new("Invalid cluster_size");
    let Some(value) = asked.raw(cluster::SIZE) else {
        return Ok(None);
    };
    let size = match &*value {
        Value::Number(n) if n.as_f64() == Some(0.0) => return Ok(None),
        Value::Bool(false) => return Ok(None),
        Value::Number(n) => n.as_i64().ok_or_else(invalid)?,
        Value::String(text) => text.trim().parse().map_err(|_| invalid())?,
        _ => return Err(invalid()),
    };
    match size {
        -1 => Ok(None),
        size if version.sizes().contains(&size) => Ok(Some(size)),
        _ => Err(invalid()),
    }
}
