//! Who asks: the key behind a bearer secret. Secrets are known to their bearers alone; here there
//! are only their SHA-256.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caviada_core::access::{Principal, Relation, Verb};
use caviada_core::command::{Act, By, Command};
use caviada_core::key::{Key, Role};
use caviada_core::limits::server::SECRET_CHARS_MIN;
use caviada_core::name::{Name, Owner};
use caviada_core::state::State;
use caviada_ledger::{Failure, Handle};

use super::problem::Error;
pub use crate::secret::hash;
use crate::secret::{SECRET_CHARS_MAX, bearer};

/// Environment variable with the first admin key's secret.
pub const ADMIN_KEY: &str = "CAVIADA_ADMIN_KEY";

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// His key, as it was when the request came.
    pub key: Arc<Key>,
    /// Where he is, as far as failures are counted for it.
    pub peer: Option<IpAddr>,
}

impl Caller {
    /// The caller as a snapshot knows him, if he may do this with what is nobody's.
    ///
    /// # Errors
    /// When his key is gone by now, or his role does not allow it.
    pub fn may(&self, state: &State, verb: Verb) -> Result<Principal, Error> {
        let who = self.principal(state)?;
        who.may(verb, Relation::Own)?;
        Ok(who)
    }

    /// The caller as a snapshot knows him.
    ///
    /// # Errors
    /// When his key is gone by now.
    pub fn principal(&self, state: &State) -> Result<Principal, Error> {
        Ok(Principal::of(state, By::Key(self.key.id))?)
    }
}

/// The edge has seen to it that nobody gets this far without one.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::new("unauthenticated"))
    }
}

/// The key of a request, if it is known and not over.
///
/// # Errors
/// When it is not.
pub fn authenticate(
    ledger: &Handle,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<Caller, Error> {
    let secret = bearer(headers).ok_or_else(|| {
        Error::new("unauthenticated").detail("there is no `Authorization: Bearer KEY` header")
    })?;
    let unknown =
        || Error::new("unauthenticated").detail("this key is not known here, or it has expired");
    let key = ledger.key_hashed(&hash(secret)).ok_or_else(unknown)?;
    match key.expires_at {
        Some(at) if at <= ledger.now() => Err(unknown()),
        _ => Ok(Caller { key, peer }),
    }
}

/// A secret of 256 random bits, with a prefix by which scanners find it where it should not be.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_secret() -> Result<String, Error> {
    let mut bytes = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| Error::new("unavailable").detail("the system gives no random bytes"))?;
    Ok(format!("caviada_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// A secret somebody chose: long enough, and printable, so that it fits a header.
///
/// # Errors
/// When it is not; the reason.
pub fn check_secret(secret: &str) -> Result<(), String> {
    let printable = secret.bytes().all(|b| (0x20..0x7f).contains(&b)) && secret.trim() == secret;
    if printable && (SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&secret.len()) {
        return Ok(());
    }
    Err(format!(
        "{SECRET_CHARS_MIN} to {SECRET_CHARS_MAX} printable ASCII characters, no blank first or last"
    ))
}

/// Why there is no first key.
#[derive(Debug, thiserror::Error)]
pub enum FirstKeyError {
    /// The secret in the environment cannot be one.
    #[error("{ADMIN_KEY} must have {0}")]
    Secret(String),
    /// The ledger did not take it.
    #[error("the first admin key was not made: {0}")]
    Ledger(#[from] Failure),
    /// There is no randomness.
    #[error("the system gives no random bytes for the first admin key")]
    Random,
    /// Nobody could read a made one.
    #[error("the first admin key could not be printed ({0}): choose its secret with {ADMIN_KEY}")]
    Told(#[source] std::io::Error),
}

/// Sees to it that somebody can begin: while there is no key, makes an admin key, with the secret
/// of the environment or else with one that is told this once. It is told before it is kept: a key
/// that was told and does not work is replaced by the next start, one that works and was not told
/// would lock everybody out.
///
/// # Errors
/// When the given secret cannot be one, a made one cannot be told, or the ledger does not take it.
pub async fn first_key(
    ledger: &Handle,
    given: Option<String>,
    tell: impl FnOnce(&str) -> std::io::Result<()>,
) -> Result<(), FirstKeyError> {
    if !ledger.keys().is_empty() {
        return Ok(());
    }
    let secret = match given {
        Some(secret) => {
            check_secret(&secret).map_err(FirstKeyError::Secret)?;
            secret
        }
        None => {
            let made = new_secret().map_err(|_| FirstKeyError::Random)?;
            tell(&made).map_err(FirstKeyError::Told)?;
            made
        }
    };
    let (Ok(name), Ok(owner)) = (Name::new("admin"), Owner::new("admin")) else {
        return Ok(());
    };
    let act = Act::PutKey {
        name,
        role: Role::Admin,
        owner,
        groups: BTreeSet::new(),
        act_for: BTreeSet::new(),
        hash: hash(secret.as_bytes()),
        expires_at: None,
        declared_in: None,
    };
    ledger
        .submit(Command {
            by: By::System,
            idempotency: None,
            act,
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_secret_is_long_and_new() {
        let (a, b) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(a, b);
        assert!(check_secret(&a).is_ok(), "{a}");
        assert!(a.len() >= 50);
    }
}
