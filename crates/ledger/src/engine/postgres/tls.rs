//! TLS to a server, as `sslmode` and `sslrootcert` of its URL ask for it; both as libpq means them.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Speaks TLS where server and mode agree on it.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

/// How much of a server's certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nothing: nobody can listen, but somebody could pose as the server.
    Anybody,
    /// Who signed it.
    Authority,
    /// That, and that it is this server's.
    Name,
}

impl Tls {
    /// Takes out of a URL what the client library does not know, and says the rest of it.
    ///
    /// # Errors
    /// What cannot be done as the URL asks.
    pub fn of(url: &str) -> Result<(Self, String), String> {
        let (mut trust, mut roots, mut rest) = (Trust::Anybody, None, url.to_owned());
        if let Some((place, query)) = url.rsplit_once('?') {
            let mut kept = Vec::new();
            for pair in query.split('&') {
                match pair.split_once('=') {
                    Some(("sslmode", "verify-ca")) => trust = Trust::Authority,
                    Some(("sslmode", "verify-full")) => trust = Trust::Name,
                    Some(("sslrootcert", _)) => {
                        let pair = form_urlencoded::parse(pair.as_bytes()).next();
                        roots = pair.map(|(_, path)| path.into_owned());
                        continue;
                    }
                    _ => {
                        kept.push(pair);
                        continue;
                    }
                }
                kept.push("sslmode=require");
            }
            if trust == Trust::Anybody && roots.is_some() && kept.contains(&"sslmode=require") {
                trust = Trust::Authority;
            }
            rest = format!("{place}?{}", kept.join("&"));
        }
        let roots = match (trust, roots) {
            (Trust::Anybody, _) => None,
            (_, Some(path)) => {
                Some(read(&path).map_err(|why| format!("sslrootcert {path}: {why}"))?)
            }
            (_, None) => {
                let why = "that sslmode needs sslrootcert=FILE, with the certificates of the server's authority";
                return Err(why.to_owned());
            }
        };
        let config = config(trust, roots).map_err(|error| error.to_string())?;
        Ok((Self(TlsConnector::from(Arc::new(config))), rest))
    }
}

fn read(path: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|e| e.to_string())?;
    for certificate in found {
        let certificate = certificate.map_err(|e| e.to_string())?;
        roots.add(certificate).map_err(|e| e.to_string())?;
    }
    match roots.is_empty() {
        true => Err("no certificate in it".to_owned()),
        false => Ok(roots),
    }
}

fn config(trust: Trust, roots: Option<RootCertStore>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let chain = roots.map(|roots| {
        let roots = Arc::new(roots);
        WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()
    });
    let verifier = Verifier {
        chain: chain
            .transpose()
            .map_err(|e| Error::General(e.to_string()))?,
        trust,
        provider: provider.clone(),
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // The name is looked at last.
        match chain.verify_server_cert(own, between, name, ocsp, now) {
            Err(error) if is_name(&error) && self.trust != Trust::Name => {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, own, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, own, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

fn is_name(error: &Error) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    let Error::InvalidCertificate(error) = error else {
        return false;
    };
    matches!(error, NotValidForName | NotValidForNameContext { .. })
}

/// What to do about a handshake that failed.
fn told(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    let step = match inner {
        Some(inner) if is_name(inner) => "`store` must name the server as its certificate does",
        Some(Error::InvalidCertificate(_)) => "sslrootcert must name the authority that signed it",
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{error}; {step}"))
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type TlsConnect = To;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<To> {
        Ok(To {
            connector: self.0.clone(),
            // A socket in a folder has none, and is not asked to speak TLS.
            name: ServerName::try_from(domain.to_owned()).ok(),
        })
    }
}

/// A server that TLS is spoken to.
pub(super) struct To {
    connector: TlsConnector,
    name: Option<ServerName<'static>>,
}

impl<S> TlsConnect<S> for To
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Encrypted<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let none = || io::Error::other("its host is no name that a certificate can be for");
            let name = self.name.ok_or_else(none)?;
            let stream = self.connector.connect(name, stream).await;
            stream.map(Encrypted).map_err(told)
        })
    }
}

/// A stream that nobody else reads.
pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S> fmt::Debug for Encrypted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypted")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
