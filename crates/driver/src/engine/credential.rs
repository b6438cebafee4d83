//! What proves to an engine who we are, and to us that it is the engine: files of this machine, or
//! texts that are kept elsewhere.

mod ssh;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(super) use ssh::Held;

/// Key material: where it lies, or what it says. Printing it never shows a text.
#[derive(Clone, PartialEq, Eq)]
pub enum Material {
    /// A file of this machine, read when a connection is made.
    File(PathBuf),
    /// The text itself.
    Text(Arc<str>),
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Text(_) => f.write_str("Text"),
        }
    }
}

/// PEM of a TLS client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsCredential {
    /// The only authorities whose certificates are believed.
    pub ca: Material,
    /// The client's certificate, with those between it and its authority.
    pub certificate: Material,
    /// Its private key.
    pub key: Material,
}

/// What an SSH client has beside ssh's own configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SshCredential {
    /// Private key without a passphrase; then no other is tried.
    pub key: Option<Material>,
    /// `known_hosts`: the only host keys believed.
    pub known_hosts: Option<Material>,
}

/// The part of a credential that something is said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// [`TlsCredential::ca`].
    Ca,
    /// [`TlsCredential::certificate`].
    Certificate,
    /// [`TlsCredential::key`].
    Key,
    /// [`SshCredential::key`].
    SshKey,
    /// [`SshCredential::known_hosts`].
    KnownHosts,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Ca => "the CA",
            Self::Certificate => "the certificate",
            Self::Key => "the key",
            Self::SshKey => "the SSH key",
            Self::KnownHosts => "the known hosts",
        }
    }
}

/// Why a part cannot be used. Says where it lies, never what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {from}: {why}")]
pub struct Unusable {
    /// Which.
    pub part: Part,
    /// What is wrong with it, for people.
    pub why: String,
    from: String,
}

impl Part {
    fn unusable(self, material: &Material, why: impl Into<String>) -> Unusable {
        Unusable {
            part: self,
            why: why.into(),
            from: match material {
                Material::File(path) => path.display().to_string(),
                Material::Text(_) => format!("{} of the credential", self.name()),
            },
        }
    }

    fn read(self, material: &Material) -> Result<Cow<'_, [u8]>, Unusable> {
        match material {
            Material::Text(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Material::File(path) => std::fs::read(path)
                .map(Cow::Owned)
                .map_err(|e| self.unusable(material, e.to_string())),
        }
    }
}

impl TlsCredential {
    /// What a connection is made with.
    pub(super) fn config(&self) -> Result<ClientConfig, Unusable> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in certificates(Part::Ca, &self.ca)? {
            roots
                .add(certificate)
                .map_err(|e| Part::Ca.unusable(&self.ca, e.to_string()))?;
        }
        let wrong = |e: rustls::Error| Part::Key.unusable(&self.key, e.to_string());
        let key = private_key(&self.key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let loaded = provider.key_provider.load_private_key(key.clone_key());
        loaded.map_err(wrong)?;
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates(Part::Certificate, &self.certificate)?, key)
            .map_err(|e| Part::Certificate.unusable(&self.certificate, e.to_string()))
    }

    /// Tries what is at hand as a connection would; files are looked at only then.
    pub(super) fn check(&self) -> Result<(), Unusable> {
        let is_text = |material: &Material| matches!(material, Material::Text(_));
        if is_text(&self.ca) && is_text(&self.certificate) && is_text(&self.key) {
            return self.config().map(drop);
        }
        for (part, material) in [(Part::Ca, &self.ca), (Part::Certificate, &self.certificate)] {
            if is_text(material) {
                certificates(part, material)?;
            }
        }
        if is_text(&self.key) {
            private_key(&self.key)?;
        }
        Ok(())
    }
}

fn certificates(part: Part, material: &Material) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let bytes = part.read(material)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|e| part.unusable(material, odd(&e)))?;
    if found.is_empty() {
        return Err(part.unusable(material, "it holds no certificate"));
    }
    Ok(found)
}

fn private_key(material: &Material) -> Result<PrivateKeyDer<'static>, Unusable> {
    let bytes = Part::Key.read(material)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|e| Part::Key.unusable(material, odd(&e)))
}

/// What is wrong with a PEM, in words of our own: the library's would repeat lines of it.
fn odd(error: &PemError) -> &'static str {
    match error {
        PemError::MissingSectionEnd { .. } => "a section of it does not end",
        PemError::IllegalSectionStart { .. } => "a BEGIN line of it is not in order",
        PemError::Base64Decode(_) => "a section of it is not base64",
        PemError::NoItemsFound => "it holds no private key that is open (without a passphrase)",
        _ => "it is no PEM",
    }
}

impl SshCredential {
    /// Tries what is at hand; what lies in files is ssh's own business.
    pub(super) fn check(&self) -> Result<(), Unusable> {
        if let Some(material @ Material::Text(text)) = &self.key {
            ssh::key(text).map_err(|why| Part::SshKey.unusable(material, why))?;
        }
        if let Some(material @ Material::Text(text)) = &self.known_hosts {
            ssh::known_hosts(text).map_err(|why| Part::KnownHosts.unusable(material, why))?;
        }
        Ok(())
    }

    /// The key, where ssh finds it.
    pub(super) fn key_file(&self) -> Result<Option<Held>, Unusable> {
        held(Part::SshKey, self.key.as_ref())
    }

    /// The known hosts, where ssh finds them.
    pub(super) fn known_hosts_file(&self) -> Result<Option<Held>, Unusable> {
        held(Part::KnownHosts, self.known_hosts.as_ref())
    }
}

fn held(part: Part, material: Option<&Material>) -> Result<Option<Held>, Unusable> {
    let Some(material) = material else {
        return Ok(None);
    };
    let held = match material {
        Material::File(path) => Ok(Held::at(path.clone())),
        Material::Text(text) => Held::text(text),
    };
    held.map(Some)
        .map_err(|e| part.unusable(material, format!("it cannot be held for ssh: {e}")))
}

#[cfg(test)]
mod tests;
