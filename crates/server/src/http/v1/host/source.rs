//! Where the images of a host that is put come from: what proves who we are is sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use caviada_api::host::{HostCredential, HostImages, RegistryCredential};
use caviada_core::host::{Host, HostSpec, Sources};
use caviada_core::name::Name;
use caviada_core::{image, limits};

use crate::host::{credential, registry};
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
        let changed = differs(app, name, &old.spec, spec);
        stays(&old.spec, changed.as_deref(), given)?;
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

/// By what another engine than before might answer; a credential that cannot be opened may say anything.
fn differs(app: &App, name: &Name, old: &HostSpec, new: &HostSpec) -> Option<String> {
    let none = HostCredential::default;
    let opened = |spec: &HostSpec| match &spec.credential {
        None => Some(none()),
        Some(sealed) => credential::open(app.key().ok()?, name, sealed).ok(),
    };
    let both = match old.credential == new.credential {
        true => Some((none(), none())),
        false => opened(old).zip(opened(new)),
    };
    let Some((old_plain, new_plain)) = both else {
        return Some("credential".to_owned());
    };
    credential::differs((old, &old_plain), (new, &new_plain))
}

/// An engine is told the passwords of registries. Where another one might answer, it gets only what is
/// given for it: who may declare a host may not read by that what others stored.
fn stays(
    old: &HostSpec,
    changed: Option<&str>,
    given: &BTreeMap<Box<str>, RegistryCredential>,
) -> Result<(), Error> {
    let Some(what) = changed else {
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
        use caviada_api::host::DriverName::{Docker, Swarm};
        let wire = |driver, address: &str, plain| caviada_api::host::HostSpec {
            address: Some(address.to_owned()),
            allow_plain_tcp: plain,
            ..caviada_api::host::HostSpec::new(driver)
        };
        let spec = |driver, address, plain| {
            let read = super::super::spec::read(&wire(driver, address, plain));
            (read.unwrap(), HostCredential::default())
        };
        let with = |option: &str| {
            let (mut spec, plain) = spec(Docker, "tcp://a:1", false);
            spec.options.insert(option.into(), "/other".into());
            (spec, plain)
        };
        let proven = |credential: HostCredential| (spec(Docker, "tcp://a:1", false).0, credential);
        let (mut old, none) = spec(Docker, "tcp://a:1", false);
        let sealed = ["docker.io", "r.example"].map(|r| (r.into(), "sealed".into()));
        old.images.registries = sealed.into();
        let given = |names: &[&str]| {
            let all = names
                .iter()
                .map(|n| ((*n).into(), RegistryCredential::default()));
            all.collect::<BTreeMap<Box<str>, _>>()
        };
        let text = || Some("text".to_owned());
        let authority = HostCredential {
            ca_pem: text(),
            ..HostCredential::default()
        };
        let known = HostCredential {
            ssh_known_hosts: text(),
            ..HostCredential::default()
        };
        for (new, what) in [
            (spec(Swarm, "tcp://a:1", false), "driver"),
            (spec(Docker, "tcp://b:1", false), "address"),
            (spec(Docker, "tcp://a:1", true), "allow_plain_tcp"),
            (with("tls_ca"), "options.tls_ca"),
            (with("ssh_known_hosts"), "options.ssh_known_hosts"),
            (proven(authority), "credential"),
            (proven(known), "credential"),
        ] {
            let changed = credential::differs((&old, &none), (&new.0, &new.1));
            assert_eq!(changed.as_deref(), Some(what));
            let no = stays(&old, changed.as_deref(), &given(&["docker.io"])).unwrap_err();
            let no = format!("{no:?}");
            assert!(
                no.contains("images.registries.r.example") && no.contains(what),
                "{no}"
            );
            let all = given(&["docker.io", "r.example"]);
            assert!(stays(&old, changed.as_deref(), &all).is_ok());
        }
        // Who we are ourselves is no matter of whom we believe.
        let ours = HostCredential {
            certificate_pem: text(),
            key_pem: text(),
            ssh_key_pem: text(),
            ..HostCredential::default()
        };
        for new in [
            proven(none.clone()),
            proven(ours),
            with("tls_key"),
            with("publish"),
        ] {
            assert_eq!(credential::differs((&old, &none), (&new.0, &new.1)), None);
        }
        assert!(stays(&old, None, &given(&[])).is_ok());
    }
}
