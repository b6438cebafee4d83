//! TLS of the server itself: a certificate of one's own, or a self-signed one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not fit, or cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Certificate(#[from] rustls::Error),
    /// A self-signed one cannot be made.
    #[error("a certificate cannot be made: {0}")]
    SelfSigned(#[from] rcgen::Error),
}

/// A certificate and its key from PEM files.
///
/// # Errors
/// When they cannot be read or do not fit each other.
pub fn from_files(certificate: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |path: &Path, reason: String| TlsError::File {
        path: path.to_owned(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| file(certificate, e.to_string()))?;
    if chain.is_empty() {
        return Err(file(certificate, "no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|e| file(key_file, e.to_string()))?;
    config(chain, key)
}

/// A certificate for these names, signed by itself, and where its PEM is for clients to trust. Made
/// once and kept in `folder`: whoever trusts it need not trust anew after each start.
///
/// # Errors
/// When a name cannot be one, or the files cannot be written.
pub fn self_signed(
    names: &[String],
    folder: &Path,
) -> Result<(Arc<ServerConfig>, PathBuf), TlsError> {
    let certificate = folder.join("self-signed.pem");
    let key = folder.join("self-signed.key");
    // Readers of PEM skip what stands before it.
    let head = format!("# {}\n", names.join(","));
    let kept = std::fs::read_to_string(&certificate).unwrap_or_default();
    if kept.starts_with(&head)
        && let Ok(config) = from_files(&certificate, &key)
    {
        return Ok((config, certificate));
    }
    let made = rcgen::generate_simple_self_signed(names)?;
    write(&key, &made.signing_key.serialize_pem(), 0o600)?;
    write(&certificate, &(head + &made.cert.pem()), 0o644)?;
    Ok((from_files(&certificate, &key)?, certificate))
}

/// Whole or not at all, and at no moment readable by more than shall read it.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let beside = path.with_added_extension("next");
    let write = || {
        let _ = std::fs::remove_file(&beside);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|error| TlsError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
