//! Declaring and retiring hosts.

use std::sync::Arc;

use crate::access::{Principal, Relation, Verb};
use crate::decide::{Done, facts, text, unchanged};
use crate::event::{Event, Number};
use crate::host::{Host, HostSpec};
use crate::id::HostId;
use crate::limits;
use crate::name::Name;
use crate::outcome::Subject;
use crate::refusal::Refusal;
use crate::state::State;

/// Declares a host or changes its spec.
pub(super) fn put(
    state: &State,
    who: &Principal,
    name: &Name,
    spec: &HostSpec,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::Manage, Relation::Own)?;
    check(spec)?;
    let Some(old) = state.host_named(name) else {
        unchanged(Number::default(), expect)?;
        if state.hosts.len() >= limits::HOSTS_MAX {
            return Err(Refusal::LimitReached {
                what: "hosts",
                max: limits::HOSTS_MAX,
            });
        }
        let id = HostId(state.counter() + 1);
        let host = Host::new(id, name.clone(), spec.clone(), state.now());
        return Ok(Done::one(
            Subject::Host(host.id),
            Event::HostDeclared(Box::new(host)),
        ));
    };
    unchanged(old.changed, expect)?;
    if old.retiring {
        return Err(Refusal::Retiring {
            noun: "host",
            name: name.clone(),
        });
    }
    if *old.spec == *spec {
        return Ok(Done::nothing(Subject::Host(old.id)));
    }
    let members = state.index.hosts.get(&old.id).map_or(0, |u| u.total());
    let moved = old.spec.driver != spec.driver
        || old.spec.address != spec.address
        || old.spec.ports != spec.ports
        || old.spec.network != spec.network;
    if members > 0 && moved {
        let why =
            "driver, address, ports and network stay while resources stand on it; drain it first";
        return Err(Refusal::Conflict {
            noun: "host",
            name: name.to_string(),
            why: why.to_owned(),
        });
    }
    let mut host = Host {
        spec: Arc::new(spec.clone()),
        ..(**old).clone()
    };
    if old.spec.ports != spec.ports {
        host.quarantined.clear();
    }
    Ok(Done::one(
        Subject::Host(old.id),
        Event::HostDeclared(Box::new(host)),
    ))
}

fn check(spec: &HostSpec) -> Result<(), Refusal> {
    facts(&spec.attributes)?;
    text("driver", &spec.driver, limits::NAME_BYTES_MAX)?;
    text("address", &spec.address, limits::ENDPOINT_BYTES_MAX)?;
    text("reach", &spec.reach, limits::ENDPOINT_BYTES_MAX)?;
    for value in spec.options.values() {
        text("options", value, limits::ENDPOINT_BYTES_MAX)?;
    }
    let sealed = spec.credential.as_deref().unwrap_or_default();
    text("credential", sealed, limits::SEALED_BYTES_MAX)?;
    if spec.drain && spec.schedulable {
        let reason = "what is emptied takes nothing new: it is not schedulable";
        return Err(Refusal::invalid("drain", reason));
    }
    if spec.driver.is_empty() {
        return Err(Refusal::invalid("driver", "docker, process, …"));
    }
    if spec.capacity as usize > limits::RESOURCES_PER_HOST_MAX {
        return Err(Refusal::invalid(
            "capacity",
            format!("at most {}", limits::RESOURCES_PER_HOST_MAX),
        ));
    }
    if spec.holds.len() > limits::KINDS_PER_QUANTITY_MAX {
        let reason = format!("at most {} kinds", limits::KINDS_PER_QUANTITY_MAX);
        return Err(Refusal::invalid("holds", reason));
    }
    if spec.builds_max == 0 || spec.builds_max as usize > limits::BUILDS_PER_HOST_MAX {
        return Err(Refusal::invalid(
            "builds_max",
            format!("1 to {}", limits::BUILDS_PER_HOST_MAX),
        ));
    }
    if !(limits::DEADLINE_MS_MIN..=limits::DEADLINE_MS_MAX).contains(&spec.lost_after_ms) {
        let reason = format!("{} to {}", limits::DEADLINE_MS_MIN, limits::DEADLINE_MS_MAX);
        return Err(Refusal::invalid("lost_after_ms", reason));
    }
    spec.defaults.check(&spec.driver)?;
    spec.images.check(&spec.driver)?;
    if let Some(p) = spec.ports
        && (p.first == 0 || p.block == 0 || p.blocks() == 0)
    {
        return Err(Refusal::invalid(
            "ports",
            "first at least 1, last above it, room for one block",
        ));
    }
    if let Some(n) = spec.network {
        let sound = n.prefix >= 8 && n.subnet >= n.prefix && n.subnet <= 29;
        let size = 1u64 << (32 - u32::from(n.prefix.clamp(1, 32)));
        if !sound || u64::from(u32::from(n.address)) % size != 0 {
            return Err(Refusal::invalid(
                "network",
                "an aligned network, 8 <= prefix <= subnet <= 29",
            ));
        }
    }
    Ok(())
}

/// Retires a host.
pub(super) fn delete(
    state: &State,
    who: &Principal,
    name: &Name,
    forget: bool,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::Manage, Relation::Own)?;
    let host = state
        .host_named(name)
        .ok_or_else(|| Refusal::unknown("host", name))?;
    unchanged(host.changed, expect)?;
    let subject = Subject::Host(host.id);
    if host.retiring && (host.forgotten || !forget) {
        return Ok(Done::nothing(subject));
    }
    Ok(Done::one(
        subject,
        Event::HostRetiring {
            host: host.id,
            forget,
        },
    ))
}
