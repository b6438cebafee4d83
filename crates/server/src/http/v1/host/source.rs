//! Where the images of a host that is put come from: what proves who we are is sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use caviada_api::host::{HostImages, RegistryCredential};
use caviada_core::host::{Host, HostSpec, Sources};
use caviada_core::name::Name;
use caviada_core::{image, limits};

use crate::host::credential::PLAIN_TCP;
use crate::host::registry;
use crate::http::App;
use crate::http::problem::Error;

/// The same without what is secret.
pub(super) fn read(wire: &HostImages) -> Sources {
    let mirror = wire.mirror.as_deref().filter(|text| !text.is_empty());
    Sources {
        mirror: mirror.map(Into::into),
        late: wire.late,
        registries: BTreeMap::new(),
    }
}

pub(super) fn render(sources: &Sources) -> HostImages {
    HostImages {
        mirror: sources.mirror.as_deref().map(str::to_owned),
        late: sources.late,
        registries: BTreeMap::new(),
    }
}

/// What was given, by the registry's one name.
///
/// # Errors
/// The field that cannot be taken.
pub(super) fn given(
    wire: BTreeMap<String, RegistryCredential>,
) -> Result<BTreeMap<Box<str>, RegistryCredential>, Error> {
    let read = wire.into_iter().map(|(name, plain)| {
        let field = |part: &str| format!("images.registries.{name}{part}");
        let registry = image::registry(&name).map_err(|why| Error::invalid(field(""), why))?;
        let texts = [&plain.username, &plain.password, &plain.identity_token];
        let bytes: usize = texts.into_iter().flatten().map(String::len).sum();
        let max = limits::REGISTRY_CREDENTIAL_BYTES_MAX;
        if bytes > max {
            let why = format!("at most {max} bytes in all");
            return Err(Error::invalid(field(""), why));
        }
        let empty = plain == RegistryCredential::default();
        if !empty && registry::proof(&plain).is_none() {
            let why = "username and password, or identity_token alone";
            return Err(Error::invalid(field(""), why));
        }
        Ok((registry, plain))
    });
    read.collect()
}

/// The sealed credentials that a host has once it is put so. What is sealed anew looks different each
/// time, so what is there stays where it says the same.
///
/// # Errors
/// There is nothing to seal with, or what is stored would be told to another engine.
pub(super) fn kept(
    app: &App,
    name: &Name,
    spec: &HostSpec,
    old: Option<&Arc<Host>>,
    given: &BTreeMap<Box<str>, RegistryCredential>,
) -> Result<BTreeMap<Box<str>, Box<str>>, Error> {
    if let Some(old) = old {
        stays(&old.spec, spec, given)?;
    }
    let stored = old.map(|host| host.spec.images.registries.clone());
    let mut kept = stored.unwrap_or_default();
    for (registry, plain) in given {
        if *plain == RegistryCredential::default() {
            kept.remove(registry);
            continue;
        }
        let key = app.key()?;
        let there = kept.get(registry);
        let there = there.and_then(|sealed| registry::open(key, name, registry, sealed).ok());
        if there.as_ref() == Some(plain) {
            continue;
        }
        let sealed = registry::seal(key, name, registry, plain).map_err(|error| {
            tracing::error!(%error, "a credential cannot be sealed");
            Error::new("unavailable")
        })?;
        kept.insert(registry.clone(), sealed);
    }
    Ok(kept)
}

/// An engine is told the passwords of registries. One that is reached in another way gets only what
/// is given for it: who may declare a host may not read by that what others stored.
fn stays(
    old: &HostSpec,
    new: &HostSpec,
    given: &BTreeMap<Box<str>, RegistryCredential>,
) -> Result<(), Error> {
    let plain = |spec: &HostSpec| spec.options.get(PLAIN_TCP).cloned();
    let what = if old.driver != new.driver {
        "driver"
    } else if old.address != new.address {
        "address"
    } else if plain(old) != plain(new) {
        "allow_plain_tcp"
    } else {
        return Ok(());
    };
    let stored = old.images.registries.keys();
    let mut open = stored.filter(|registry| !given.contains_key(*registry));
    match open.next() {
        None => Ok(()),
        Some(registry) => Err(Error::invalid(
            format!("images.registries.{registry}"),
            format!(
                "{what} changes, and what is stored is not told to another engine: give this \
                 credential again, or `{{}}` to forget it"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_for_one_engine_is_told_to_no_other() {
        let wire = |driver, address: &str, plain| caviada_api::host::HostSpec {
            address: Some(address.to_owned()),
            allow_plain_tcp: plain,
            ..caviada_api::host::HostSpec::new(driver)
        };
        let spec = |driver, address, plain| super::super::spec::read(&wire(driver, address, plain));
        use caviada_api::host::DriverName::{Docker, Swarm};
        let mut old = spec(Docker, "tcp://a:1", false).unwrap();
        let sealed = ["docker.io", "r.example"].map(|r| (r.into(), "sealed".into()));
        old.images.registries = sealed.into();
        let given = |names: &[&str]| {
            let all = names
                .iter()
                .map(|n| ((*n).into(), RegistryCredential::default()));
            all.collect::<BTreeMap<Box<str>, _>>()
        };
        assert!(stays(&old, &old, &given(&[])).is_ok());
        for (new, what) in [
            (spec(Swarm, "tcp://a:1", false), "driver"),
            (spec(Docker, "tcp://b:1", false), "address"),
            (spec(Docker, "tcp://a:1", true), "allow_plain_tcp"),
        ] {
            let new = new.unwrap();
            let no = stays(&old, &new, &given(&["docker.io"])).unwrap_err();
            let no = format!("{no:?}");
            assert!(
                no.contains("images.registries.r.example") && no.contains(what),
                "{no}"
            );
            assert!(stays(&old, &new, &given(&["docker.io", "r.example"])).is_ok());
        }
    }
}
