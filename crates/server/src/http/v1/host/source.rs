//! Where the images of a host that is put come from: what proves who we are is sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use caviada_api::host::{HostImages, RegistryCredential};
use caviada_core::host::{Host, Sources};
use caviada_core::name::Name;
use caviada_core::{image, limits};

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
/// There is nothing to seal with.
pub(super) fn kept(
    app: &App,
    name: &Name,
    old: Option<&Arc<Host>>,
    given: &BTreeMap<Box<str>, RegistryCredential>,
) -> Result<BTreeMap<Box<str>, Box<str>>, Error> {
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
