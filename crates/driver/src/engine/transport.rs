//! Bytes to and from an engine.
//!
//! The Unix socket and plain TCP are the library's own. TLS and SSH are ours: the library would
//! believe every public authority beside the host's own CA, and cannot be told an SSH port.

use std::path::Path;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest};
use caviada_core::limits;
use hyper::header::HeaderValue;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;

use super::address::DockerAddress;
use super::fault::Fault;
use super::ssh::Ssh;
use crate::Failure;
use crate::reach::authority;

const LIBRARY_LIMIT_S: u64 = limits::driver::LIBRARY_CALL_MS_MAX / 1_000;

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
        DockerAddress::Tls {
            host,
            port,
            credential,
        } => {
            let mut tcp = HttpConnector::new();
            tcp.enforce_http(false);
            tcp.set_nodelay(true);
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(credential.config()?)
                .https_only()
                .enable_http1()
                .wrap_connector(tcp);
            over(connector, &format!("https://{}", authority(host, *port)))
        }
        DockerAddress::Ssh {
            destination,
            port,
            credential,
        } => {
            let connector = Ssh::new(destination, *port, credential)?;
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
        for (name, value) in request.headers_mut() {
            if name == REGISTRY_AUTH {
                *value = for_urls(value);
            }
        }
        request
    })
}

/// The header with what proves to a registry who we are.
const REGISTRY_AUTH: &str = "x-registry-auth";

/// Base64 as engines read it in a header; the library writes the other alphabet, which some
/// passwords would not survive.
fn for_urls(value: &HeaderValue) -> HeaderValue {
    let letter = |b: &u8| match b {
        b'+' => b'-',
        b'/' => b'_',
        other => *other,
    };
    let bytes: Vec<u8> = value.as_bytes().iter().map(letter).collect();
    let mut value = HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| value.clone());
    value.set_sensitive(true);
    value
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
