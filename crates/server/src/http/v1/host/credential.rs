//! The credential of a host that is put: what is kept of it is sealed.

use std::sync::Arc;

use caviada_api::host::HostCredential;
use caviada_core::host::{Host, HostSpec};
use caviada_core::limits;
use caviada_core::name::Name;

use crate::host::{Unfit, credential};
use crate::http::App;
use crate::http::problem::Error;

/// Refuses what is too long to be one.
pub fn bounded(given: Option<&HostCredential>) -> Result<(), Error> {
    let Some(c) = given else { return Ok(()) };
    let texts = credential::texts(c).into_iter().flatten();
    let bytes: usize = texts.map(str::len).sum();
    let max = limits::CREDENTIAL_BYTES_MAX;
    if bytes > max {
        return Err(Error::invalid(
            "credential",
            format!("at most {max} bytes in all"),
        ));
    }
    Ok(())
}

/// The sealed credential that a host has once it is put so, if a driver could be made with it.
///
/// What is sealed anew looks different each time, so what is there stays where it says the same.
pub fn kept(
    app: &App,
    name: &Name,
    spec: &HostSpec,
    old: Option<&Arc<Host>>,
    given: Option<&HostCredential>,
) -> Result<Option<Box<str>>, Error> {
    let stored = old.and_then(|host| host.spec.credential.clone());
    let opened = match &stored {
        Some(sealed) => credential::open(app.key()?, name, sealed).ok(),
        None => Some(HostCredential::default()),
    };
    let Some(wanted) = given.or(opened.as_ref()) else {
        // Nobody can look into it here; what it is for may be somewhere else.
        return Ok(stored);
    };
    credential::check(spec, wanted).map_err(|unfit| match unfit {
        Unfit::Field { field, why } => Error::invalid(field, why),
        other => Error::invalid("driver", other.to_string()),
    })?;
    if opened.as_ref() == Some(wanted) {
        return Ok(stored);
    }
    if *wanted == HostCredential::default() {
        return Ok(None);
    }
    let sealed = credential::seal(app.key()?, name, wanted).map_err(|error| {
        tracing::error!(%error, "a credential cannot be sealed");
        Error::new("unavailable")
    })?;
    Ok(Some(sealed))
}
