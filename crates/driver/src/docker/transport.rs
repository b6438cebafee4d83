//! Bytes to and from an engine.
//!
//! The Unix socket and plain TCP are the library's own. TLS and SSH are ours: the library would
//! believe every public authority beside the host's own CA, and cannot be told an SSH port.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::Join;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::address::{DockerAddress, TlsFiles};
use super::fault::Fault;
use crate::Failure;
use crate::reach::authority;

/// The library's own limit, out of the way: every call here is bounded by `Call`.
const LIBRARY_LIMIT_S: u64 = 24 * 60 * 60;

/// A client that has not connected yet.
pub(super) fn connect(address: &DockerAddress) -> Result<bollard::Docker, Fault> {
    match address {
        DockerAddress::Unix(path) => {
            let path = path.to_string_lossy();
            if !Path::new(path.as_ref()).exists() {
                return Err(Fault::new(
                    Failure::Unreachable,
                    "there is no such socket; is the engine running?",
                ));
            }
            let docker =
                bollard::Docker::connect_with_unix(&path, LIBRARY_LIMIT_S, API_DEFAULT_VERSION)?;
            Ok(docker)
        }
        DockerAddress::Plain { host, port } => {
            let url = format!("http://{}", authority(host, *port));
            let docker =
                bollard::Docker::connect_with_http(&url, LIBRARY_LIMIT_S, API_DEFAULT_VERSION)?;
            Ok(docker)
        }
        DockerAddress::Tls { host, port, files } => {
            let mut tcp = HttpConnector::new();
            tcp.enforce_http(false);
            tcp.set_nodelay(true);
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(tls_config(files)?)
                .https_only()
                .enable_http1()
                .wrap_connector(tcp);
            over(connector, &format!("https://{}", authority(host, *port)))
        }
        DockerAddress::Ssh {
            destination,
            port,
            key,
        } => {
            let connector = Ssh {
                destination: destination.clone(),
                port: *port,
                key: key.clone(),
            };
            // The name only fills the Host header; the connector knows where to go.
            over(connector, "http://docker")
        }
    }
}

/// The same client, saying the version in every request. The library drops it on the way to the
/// wire, and the engine would then speak its newest, whatever was negotiated.
pub(super) fn spoken_as(
    engine: bollard::Docker,
    version: bollard::ClientVersion,
) -> bollard::Docker {
    engine.with_request_modifier(move |mut request: BollardRequest| {
        let mut parts = request.uri().clone().into_parts();
        let path = parts.path_and_query.as_ref().map_or("/", |p| p.as_str());
        parts.path_and_query = format!("/v{version}{path}").parse().ok();
        if let Ok(uri) = hyper::Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        request
    })
}

fn over<C>(connector: C, url: &str) -> Result<bollard::Docker, Fault>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let transport = move |request: BollardRequest| {
        let answer = client.request(request);
        async move { answer.await.map_err(Error::from) }
    };
    Ok(bollard::Docker::connect_with_custom_transport(
        transport,
        Some(url),
        LIBRARY_LIMIT_S,
        API_DEFAULT_VERSION,
    )?)
}

fn tls_config(files: &TlsFiles) -> Result<rustls::ClientConfig, Fault> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        roots
            .add(certificate)
            .map_err(|e| unusable(&files.ca, &e))?;
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| unusable(&files.key, &e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::new(Failure::Bug, e.to_string()))?
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates(&files.cert)?, key)
        .map_err(|e| unusable(&files.cert, &e))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|e| unusable(path, &e))?
        .collect();
    let found = found.map_err(|e| unusable(path, &e))?;
    if found.is_empty() {
        return Err(unusable(path, &"it holds no certificate"));
    }
    Ok(found)
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Fault {
    let path = path.display();
    Fault::new(Failure::Refused, format!("cannot use {path}: {why}"))
}

/// Opens `docker system dial-stdio` on the far side, one ssh process per connection. Host keys,
/// jump hosts and agents are ssh's own business; it never asks (BatchMode), so an unknown host key
/// is an error and not a question nobody sees.
#[derive(Clone)]
struct Ssh {
    destination: String,
    port: Option<u16>,
    key: Option<std::path::PathBuf>,
}

impl Ssh {
    fn spawn(&self) -> std::io::Result<Pipe> {
        let mut command = Command::new("ssh");
        command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]);
        if let Some(port) = self.port {
            command.arg("-p").arg(port.to_string());
        }
        if let Some(key) = &self.key {
            command
                .arg("-i")
                .arg(key)
                .args(["-o", "IdentitiesOnly=yes"]);
        }
        let mut child = command
            .arg("--")
            .arg(&self.destination)
            .args(["docker", "system", "dial-stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdout), Some(stdin)) = (child.stdout.take(), child.stdin.take()) else {
            return Err(std::io::Error::other("ssh has no pipes"));
        };
        Ok(Pipe {
            io: TokioIo::new(tokio::io::join(stdout, stdin)),
            _child: child,
        })
    }
}

impl tower::Service<hyper::Uri> for Ssh {
    type Response = Pipe;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Pipe>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: hyper::Uri) -> Self::Future {
        let pipe = self.spawn();
        Box::pin(async move { pipe })
    }
}

/// The two pipes of an ssh process as one stream; the process dies with it.
struct Pipe {
    io: TokioIo<Join<ChildStdout, ChildStdin>>,
    _child: Child,
}

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
