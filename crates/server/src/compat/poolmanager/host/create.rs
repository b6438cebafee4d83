//! A new host, from what the old dashboard asked for.

use std::collections::BTreeMap;

use caviada_api::host::HostCredential;
use caviada_core::attribute::{Attributes, Labels};
use caviada_core::command::Act;
use caviada_core::event::Number;
use caviada_core::host::survey::{Finding, Verdict};
use caviada_core::host::{Defaults, Host, HostSpec, LogLevel, PortRange};
use caviada_core::id::HostId;
use caviada_core::limits;
use caviada_core::name::Name;
use caviada_core::space::Amounts;
use serde_json::json;

use super::{NAME, log};
use crate::compat::poolmanager::answer::{self, Answer, No};
use crate::compat::poolmanager::call::Ask;
use crate::compat::poolmanager::parameter::Parameters;
use crate::host::credential::{self, PLAIN_TCP};

/// Ports that the old system published on workers, and that its set-up opened there.
const PORTS: PortRange = PortRange {
    first: 7_050,
    last: 9_999,
    block: 16,
};

/// `POST host`.
pub(in crate::compat::poolmanager) async fn create(ask: Ask<'_>) -> Result<Answer, No> {
    let by = ask.caller.operator(ask.app)?;
    let without = || No::new("host POST without enough data");
    let address = match ask.parameters.text("worker_api")? {
        Some(address) => Some(address),
        None => ask.parameters.text("daemon_url")?,
    };
    let (shown, address) = ask
        .parameters
        .text("name")?
        .zip(address)
        .ok_or_else(without)?;
    let capacity = ask.parameters.text("capacity")?.ok_or_else(without)?;
    let failed = |why: &str| {
        let shown = answer::shown(&shown);
        No::new(format!("Failed to create host {shown}")).data(json!({"reason": why}))
    };
    let kind = ask.parameters.text("host_type")?.unwrap_or_default();
    let driver = match kind.as_str() {
        "" | "docker" | "single" => "docker",
        "swarm" => "swarm",
        _ => return Err(failed("only Docker engines and swarms can be added here")),
    };
    let capacity = capacity.trim().parse().ok();
    let capacity = capacity.ok_or_else(|| failed("capacity must be a whole number"))?;
    let address = match address.trim() {
        text if text.contains("://") => text.to_owned(),
        text => format!("tcp://{text}"),
    };
    let state = ask.app.ledger().snapshot().await?;
    if state.hosts.values().any(|h| *h.spec.address == *address) {
        return Err(failed("this engine is there already"));
    }
    let name = fitting(&shown).ok_or_else(|| failed("the name needs a letter or a digit"))?;
    let mut spec = HostSpec {
        driver: driver.into(),
        options: BTreeMap::new(),
        credential: None,
        reach: reach(&address).into(),
        capacity,
        holds: Amounts::default(),
        schedulable: ask.parameters.says("schedulable"),
        drain: false,
        // PoolManager fills once and then no more; here a host is kept full or is not.
        autofill: ask.parameters.says(if ask.version.is_pm() {
            "fillup"
        } else {
            "autofill"
        }),
        ports: Some(PORTS),
        network: None,
        defaults: logs(ask.parameters).map_err(|why| failed(&why))?,
        images: Default::default(),
        builds_max: u32::try_from(limits::BUILDS_PER_HOST_DEFAULT).unwrap_or(1),
        attributes: Attributes::default(),
        labels: Labels::new([(NAME.to_owned(), shown.clone())])
            .map_err(|e| failed(&e.to_string()))?,
        declared_in: None,
        lost_after_ms: limits::HOST_LOST_MS_DEFAULT,
        address: address.into(),
    };
    if ask.app.options().plain_tcp {
        spec.options.insert(PLAIN_TCP.into(), "allow".into());
    }
    credential::check(&spec, &HostCredential::default())
        .map_err(|unfit| failed(&unfit.to_string()))?;
    if let Some(checks) = ask.app.checks() {
        let host = Host::new(HostId(0), name.clone(), spec.clone(), state.now());
        let found = checks.check(&host).await;
        let found = found.map_err(|busy| failed(&busy.to_string()))?;
        // As there, what cannot be reached is not added; what else is not well is found in time.
        let away = |f: &&Finding| f.check == "engine" && f.verdict == Verdict::Bad;
        if let Some(engine) = found.iter().find(away) {
            return Err(failed(&engine.what));
        }
    }
    let act = Act::PutHost {
        name,
        spec: Box::new(spec),
        // Only a new one: another host may have a name that is written so, too.
        expect: Some(Number::default()),
    };
    ask.app
        .submit(by, act)
        .await
        .map_err(|failure| failed(&failure.to_string()))?;
    Ok(Answer::Created)
}

/// What it does with logs; the old system's clusters told all, unless somebody said otherwise.
fn logs(asked: &Parameters) -> Result<Defaults, String> {
    let mut defaults = Defaults {
        log_level: Some(LogLevel::Debug),
        ..Defaults::default()
    };
    log::read(&mut defaults, asked)?;
    Ok(defaults)
}

/// A host's name as near to this one as the rule allows.
fn fitting(text: &str) -> Option<Name> {
    let letters = text.chars().map(|c| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    let name: String = letters.take(limits::NAME_BYTES_MAX).collect();
    Name::new(name.trim_matches('-')).ok()
}

/// Where holders reach what runs at an engine of this address: on its machine.
fn reach(address: &str) -> &str {
    let place = match address.split_once("://") {
        Some(("tcp" | "ssh", place)) => place,
        _ => return "",
    };
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    place.rsplit_once(':').map_or(place, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_name_as_near_to_the_old_one_as_may_be() {
        for (old, new) in [("Node_1", "node-1"), ("-a-", "a"), ("h.lab", "h-lab")] {
            assert_eq!(fitting(old).unwrap(), new);
        }
        assert_eq!(fitting("__"), None);
    }

    #[test]
    fn what_runs_at_an_engine_is_reached_on_its_machine() {
        assert_eq!(reach("tcp://10.0.0.1:2375"), "10.0.0.1");
        assert_eq!(reach("ssh://root@h.lab:22"), "h.lab");
        assert_eq!(reach("unix:///run/docker.sock"), "");
    }
}
