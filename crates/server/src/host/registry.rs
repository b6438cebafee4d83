//! Where the images of a host come from: credentials of registries are sealed before they become a
//! command, and opened for a driver.

use caviada_api::host::RegistryCredential;
use caviada_core::host::{Sources, registry_place};
use caviada_core::name::Name;
use caviada_driver::image::{ImageSources, RegistryCredential as Proof};
use caviada_ledger::seal::{MasterKey, SealError};

/// A credential for a registry as it is kept.
///
/// # Errors
/// When the system has no randomness.
pub fn seal(
    key: &MasterKey,
    host: &Name,
    registry: &str,
    plain: &RegistryCredential,
) -> Result<Box<str>, SealError> {
    let place = registry_place(host, registry);
    let text = serde_json::to_vec(plain).map_err(|_| SealError::NotSealed(place.clone()))?;
    Ok(key.seal(&place, &text)?.into())
}

/// The same as it is used.
///
/// # Errors
/// When it was sealed under another master key, for another host or another registry.
pub fn open(
    key: &MasterKey,
    host: &Name,
    registry: &str,
    sealed: &str,
) -> Result<RegistryCredential, SealError> {
    let place = registry_place(host, registry);
    let text = key.open(&place, sealed)?;
    serde_json::from_slice(&text).map_err(|_| SealError::NotSealed(place))
}

/// What a driver proves itself with; none where the parts do not go together.
pub fn proof(plain: &RegistryCredential) -> Option<Proof> {
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let user = (said(&plain.username), said(&plain.password));
    match (user, said(&plain.identity_token)) {
        ((Some(username), Some(password)), None) => Some(Proof::Password {
            username: username.into(),
            password: password.into(),
        }),
        ((None, None), Some(token)) => Some(Proof::Token(token.into())),
        _ => None,
    }
}

/// Whom a driver asks for images.
///
/// # Errors
/// Why a credential cannot be opened.
pub(super) fn sources(
    key: Option<&MasterKey>,
    host: &Name,
    sources: &Sources,
) -> Result<ImageSources, String> {
    let opened = sources.registries.iter().map(|(registry, sealed)| {
        let no = |why: &str| format!("its credential for {registry} cannot be opened: {why}");
        let key = key.ok_or_else(|| no("no master key is here"))?;
        let plain = open(key, host, registry, sealed).map_err(|e| no(&e.to_string()))?;
        let proof = proof(&plain).ok_or_else(|| no("it is incomplete"))?;
        Ok((registry.to_string(), proof))
    });
    Ok(ImageSources {
        mirror: sources.mirror.as_deref().map(str::to_owned),
        registries: opened.collect::<Result<_, String>>()?,
    })
}
