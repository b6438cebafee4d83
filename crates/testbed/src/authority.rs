//! An authority whose certificates nobody else believes.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};

/// Signs certificates into a folder: `ca.pem`, `server.pem`, `server-key.pem`, `client.pem` and
/// `client-key.pem`.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one, with a client's certificate. Makes the folder.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder for certificates");
        let mut params = CertificateParams::new(vec![]).expect("no names are odd");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        write(&folder.join("ca.pem"), &certificate.pem());
        let authority = Self {
            folder: folder.to_owned(),
            issuer: Issuer::new(params, key),
        };
        let purpose = ExtendedKeyUsagePurpose::ClientAuth;
        authority.sign("client", purpose, Ipv4Addr::LOCALHOST);
        authority
    }

    /// Signs a server's certificate, in place of an earlier one.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn sign_server(&self, address: Ipv4Addr) {
        self.sign("server", ExtendedKeyUsagePurpose::ServerAuth, address);
    }

    /// One of its files.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What `dockerd` is told to speak TLS on port 2376, with the server's certificate, to clients
    /// of this authority.
    #[must_use]
    pub fn engine_flags(&self) -> Vec<String> {
        let file = |name| self.file(name).display().to_string();
        vec![
            "--tlsverify".to_owned(),
            format!("--tlscacert={}", file("ca.pem")),
            format!("--tlscert={}", file("server.pem")),
            format!("--tlskey={}", file("server-key.pem")),
            "--host=tcp://0.0.0.0:2376".to_owned(),
        ]
    }

    fn sign(&self, name: &str, purpose: ExtendedKeyUsagePurpose, address: Ipv4Addr) {
        let mut params = CertificateParams::new(vec![]).expect("no names are odd");
        params.subject_alt_names = vec![SanType::IpAddress(address.into())];
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        write(&self.file(&format!("{name}.pem")), &certificate.pem());
        write(&self.file(&format!("{name}-key.pem")), &key.serialize_pem());
    }
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("a file for a certificate");
}
