//! TLS of the server itself: a certificate of one's own, which may be renewed while it serves, or a
//! self-signed one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{SignalKind, signal};

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

/// A certificate and its key from PEM files, as they were when last read.
#[derive(Debug)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    read: RwLock<Arc<CertifiedKey>>,
}

impl Files {
    /// Reads them.
    ///
    /// # Errors
    /// When they cannot be read or do not fit each other.
    pub fn open(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            read: RwLock::new(Arc::new(read(certificate, key)?)),
        }))
    }

    /// Serves with them: each new connection with what was read last.
    ///
    /// # Errors
    /// When TLS cannot be had with what this program is built with.
    pub fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Reads them again at each SIGHUP, for ever. Connections there are go on; files that cannot be
    /// used change nothing.
    ///
    /// # Errors
    /// When the system gives no signals.
    pub async fn follow(self: Arc<Self>) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        while hangup.recv().await.is_some() {
            let certificate = self.certificate.display();
            match read(&self.certificate, &self.key) {
                Ok(key) => {
                    *self.read.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                    tracing::info!("{certificate} was read again; new connections get it");
                }
                Err(error) => {
                    tracing::error!(%error, "{certificate} was not read again; the old one stays");
                }
            }
        }
        Ok(())
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        Some(read.clone())
    }
}

fn read(certificate: &Path, key_file: &Path) -> Result<CertifiedKey, TlsError> {
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
    let provider = rustls::crypto::ring::default_provider();
    Ok(CertifiedKey::from_der(chain, key, &provider)?)
}

/// A certificate for these names, signed by itself, and where its PEM is for clients to trust. Made
/// once and kept in `folder`: whoever trusts it need not trust anew after each start.
///
/// # Errors
/// When a name cannot be one, or the files cannot be written.
pub fn self_signed(names: &[String], folder: &Path) -> Result<(Arc<Files>, PathBuf), TlsError> {
    let certificate = folder.join("self-signed.pem");
    let key = folder.join("self-signed.key");
    // Readers of PEM skip what stands before it.
    let head = format!("# {}\n", names.join(","));
    let kept = std::fs::read_to_string(&certificate).unwrap_or_default();
    if kept.starts_with(&head)
        && let Ok(files) = Files::open(&certificate, &key)
    {
        return Ok((files, certificate));
    }
    let made = rcgen::generate_simple_self_signed(names)?;
    write(&key, &made.signing_key.serialize_pem(), 0o600)?;
    write(&certificate, &(head + &made.cert.pem()), 0o644)?;
    Ok((Files::open(&certificate, &key)?, certificate))
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
