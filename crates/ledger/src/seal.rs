//! Sealed secrets: what must be readable again (signing secrets, credentials of hosts and leases)
//! is encrypted before a command is built of it, so that commands, events, exports and backups
//! hold only what nobody without the master key can read.
//!
//! A sealed text says with which key it was made, and is bound to the place it belongs to: one
//! that is copied to another row does not open there.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Generate as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

use crate::directory::Directory;

/// Names the master key in the environment: 32 bytes as base64 without padding, `-` and `_`.
pub const MASTER_KEY: &str = "CAVIADA_MASTER_KEY";
/// Where the key lies in the data directory, unless the environment has it.
const FILE: &str = "master.key";
/// How a sealed text begins.
const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;

/// The key under which secrets are sealed. Neither backup nor store holds it.
pub struct MasterKey {
    cipher: XChaCha20Poly1305,
    id: String,
}

/// Why a master key cannot be used, or a secret not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key is not one.
    #[error("{0} is not 32 bytes as base64 (URL-safe, without padding)")]
    NoKey(String),
    /// The file may be read by others.
    #[error("{0} may be read by others; make it private (chmod 600)")]
    NotPrivate(String),
    /// The file system said no.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The system has no randomness.
    #[error("no randomness from the system: {0}")]
    Random(String),
    /// The secret was sealed under another key.
    #[error("this was sealed under the master key {sealed}, the present one is {present}")]
    OtherKey {
        /// Id of the key it was sealed under.
        sealed: String,
        /// Id of the present key.
        present: String,
    },
    /// The text is no sealed one, was changed, or belongs to another place.
    #[error("this is not a secret that was sealed for {0}")]
    NotSealed(String),
}

impl std::fmt::Debug for MasterKey {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// The key of the environment (pass what the variable holds), else the one in the data
    /// directory, which is made on the first start.
    ///
    /// # Errors
    /// When the key is not one, or the file cannot be read, made, or is not private.
    pub fn find(environment: Option<&str>, directory: &Directory) -> Result<Self, SealError> {
        if let Some(found) = Self::present(environment, directory.path())? {
            return Ok(found);
        }
        let path = directory.path().join(FILE);
        let io = |error| io(&path, error);
        let key = Key::try_generate().map_err(|e| SealError::Random(e.to_string()))?;
        let text = URL_SAFE_NO_PAD.encode(key);
        let mut file = private_file().create_new(true).open(&path).map_err(io)?;
        // A key that is lost takes the secrets with it: it is on the disk before it is used.
        writeln!(file, "{text}")
            .and_then(|()| file.sync_all())
            .map_err(io)?;
        Self::parse(&text, FILE)
    }

    /// The same for whoever only looks beside a server: none if there is none yet.
    ///
    /// # Errors
    /// When the key is not one, or the file cannot be read or is not private.
    pub fn present(environment: Option<&str>, data_dir: &Path) -> Result<Option<Self>, SealError> {
        if let Some(text) = environment {
            return Self::parse(text, MASTER_KEY).map(Some);
        }
        let path = data_dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(&path, error)),
        };
        let name = path.display().to_string();
        if !is_private(&path).map_err(|error| io(&path, error))? {
            return Err(SealError::NotPrivate(name));
        }
        Self::parse(&text, &name).map(Some)
    }

    fn parse(text: &str, from: &str) -> Result<Self, SealError> {
        let no_key = || SealError::NoKey(from.to_owned());
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| no_key())?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| no_key())?;
        let digest = Sha256::new()
            .chain_update(b"caviada master key")
            .chain_update(bytes)
            .finalize();
        let id = digest
            .iter()
            .take(4)
            .fold(String::new(), |id, b| format!("{id}{b:02x}"));
        Ok(Self {
            cipher: XChaCha20Poly1305::new(&Key::from(bytes)),
            id,
        })
    }

    /// Which key it is; tells nothing about it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seals a secret for a place, the id of its row and the name of its field for example.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<String, SealError> {
        let random = |e: &dyn std::fmt::Display| SealError::Random(e.to_string());
        let nonce = XNonce::try_generate().map_err(|e| random(&e))?;
        let payload = Payload {
            msg: secret,
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&nonce, payload)
            .map_err(|e| random(&e))?;
        let text = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        Ok(format!("{VERSION}.{}.{text}", self.id))
    }

    /// Opens a secret that was sealed for a place.
    ///
    /// # Errors
    /// `OtherKey` or `NotSealed`.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let not_sealed = || SealError::NotSealed(place.to_owned());
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(id), Some(text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(not_sealed());
        };
        if id != self.id {
            return Err(SealError::OtherKey {
                sealed: id.to_owned(),
                present: self.id.clone(),
            });
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_sealed())?;
        let (nonce, msg) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(not_sealed)?;
        let payload = Payload {
            msg,
            aad: place.as_bytes(),
        };
        self.cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| not_sealed())
    }
}

fn io(path: &Path, error: std::io::Error) -> SealError {
    SealError::Io {
        path: path.display().to_string(),
        error,
    }
}

/// How a file is opened for writing that is nobody else's to read if it is made so.
#[cfg(unix)]
pub(crate) fn private_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// How a file is opened for writing.
#[cfg(not(unix))]
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

/// Takes a file that is there from everybody but its owner.
#[cfg(unix)]
pub(crate) fn narrow(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))
}

/// Others are kept out by other means here.
#[cfg(not(unix))]
pub(crate) fn narrow(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_private(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> std::io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::parse(&URL_SAFE_NO_PAD.encode([byte; 32]), "test").unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_in_its_place_and_nowhere_else() {
        let sealed = key(1).seal("host_1/password", b"hunter2").unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(key(1).open("host_1/password", &sealed).unwrap(), b"hunter2");
        let elsewhere = key(1).open("host_2/password", &sealed);
        assert!(matches!(elsewhere, Err(SealError::NotSealed(_))));
        let other = key(2).open("host_1/password", &sealed);
        assert!(matches!(other, Err(SealError::OtherKey { .. })));
    }

    #[test]
    fn a_changed_text_does_not_open() {
        let sealed = key(1).seal("p", b"secret").unwrap();
        let mut bytes = sealed.clone().into_bytes();
        let last = bytes.len() - 3;
        bytes[last] = if bytes[last] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        for bad in [
            changed.as_str(),
            "",
            "v1",
            "v1.x",
            &sealed[..20],
            "v2.00.AA",
        ] {
            assert!(key(1).open("p", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_the_same_way_twice() {
        let seal = || key(1).seal("p", b"secret").unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn the_first_start_makes_a_private_key_and_the_next_one_finds_it() {
        let files = tempfile::tempdir().unwrap();
        let directory = Directory::lock(files.path()).unwrap();
        let present = || MasterKey::present(None, files.path()).unwrap();
        assert!(present().is_none());
        let made = MasterKey::find(None, &directory).unwrap();
        assert_eq!(present().unwrap().id(), made.id());
        let found = MasterKey::find(None, &directory).unwrap();
        assert_eq!(made.id(), found.id());
        let given = URL_SAFE_NO_PAD.encode([3; 32]);
        assert_eq!(
            MasterKey::find(Some(&given), &directory).unwrap().id(),
            key(3).id()
        );
        assert!(matches!(
            MasterKey::find(Some("short"), &directory),
            Err(SealError::NoKey(_))
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let files = tempfile::tempdir().unwrap();
        let directory = Directory::lock(files.path()).unwrap();
        MasterKey::find(None, &directory).unwrap();
        let file = files.path().join("master.key");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = MasterKey::find(None, &directory);
        assert!(matches!(refused, Err(SealError::NotPrivate(_))));
    }
}
