//! A new cluster, where an operator wants it: one more member of a pool of that kind.

use caviada_core::attribute::ValueRef;
use caviada_core::command::Act;
use caviada_core::host::Host;
use caviada_core::name::ResourceName;
use caviada_core::pool::Pool;
use caviada_core::state::State;
use caviada_ledger::Failure;

use super::{MODE, PLUGIN, SIZE};
use crate::compat::poolmanager::answer::{Answer, No, shown};
use crate::compat::poolmanager::apply;
use crate::compat::poolmanager::call::Ask;
use crate::compat::poolmanager::version::Version;

/// `POST cluster`. It is told as made once it is planned, as 0.9 did: it is found by its name.
pub(in crate::compat::poolmanager) async fn create(ask: Ask<'_>) -> Result<Answer, No> {
    let by = ask.caller.operator(ask.app)?;
    let without = || No::new("cluster post without enough data");
    let pm1 = ask.version == Version::Pm1;
    let place = match pm1 {
        true => "daemon_url",
        false => "host_id",
    };
    let name = ask.parameters.text("name")?.ok_or_else(without)?;
    let place = ask.parameters.text(place)?.ok_or_else(without)?;
    if !pm1 && ask.parameters.raw(PLUGIN).is_none() {
        return Err(without());
    }
    let shown = shown(&name);
    let failed = |why: &str| No::new(format!("Failed to create cluster {shown}: {why}"));
    let kind = apply::kind(ask.version, ask.parameters).map_err(|_| No::new("Invalid request"))?;
    let name = ResourceName::new(name.trim()).map_err(|e| failed(&e.to_string()))?;
    let state = ask.app.ledger().snapshot().await?;
    let host = host(&state, place.trim()).ok_or_else(|| failed("there is no such host"))?;
    let mut why = "no pool makes such clusters".to_owned();
    for pool in state.pools.values().filter(|p| makes(p, &kind)) {
        let act = Act::Build {
            pool: pool.name.clone(),
            host: Some(host.name.clone()),
            name: Some(name.clone()),
        };
        match ask.app.submit(by, act).await {
            Ok(_) => return Ok(Answer::Created),
            Err(Failure::Refused(no)) => why = no.to_string(),
            // Whether it was planned nobody knows: another pool must not plan it, too.
            Err(no) => return Err(failed(&no.to_string())),
        }
    }
    Err(failed(&why))
}

/// The host of an id, or of an engine's address.
fn host<'s>(state: &'s State, text: &str) -> Option<&'s Host> {
    let mut hosts = state.hosts.values().map(|h| &**h);
    hosts.find(|h| {
        let address = &*h.spec.address;
        super::long_id(h.id.0) == text || address == text || address == format!("tcp://{text}")
    })
}

/// Are members of this pool, which it builds, of that kind?
fn makes(pool: &Pool, kind: &apply::Kind) -> bool {
    let of = |name: &str, wanted: Option<&str>| {
        let has = pool.spec.attributes.get(name).map(ValueRef::canonical);
        wanted.is_none_or(|wanted| match has {
            Some(ValueRef::Text(text)) => text == wanted,
            Some(ValueRef::Number(n)) => n.to_string() == wanted,
            _ => false,
        })
    };
    let size = kind.size.map(|n| n.to_string());
    pool.spec.template().is_some()
        && pool.spec.attributes.get(PLUGIN).is_some()
        && of(PLUGIN, kind.plugin.as_deref())
        && of(MODE, kind.mode.as_deref())
        && of(SIZE, size.as_deref())
}
