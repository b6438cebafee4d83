//! Connections to targets: nothing is resolved or connected to that the list does not allow, no
//! proxy is asked and no redirect followed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use caviada_core::limits;
use caviada_core::webhook::target::Targets;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

const CONNECT_MAX: Duration = Duration::from_millis(limits::server::WEBHOOK_CONNECT_MS_MAX);
const IDLE_MAX: Duration = Duration::from_millis(limits::server::WEBHOOK_IDLE_MS_MAX);

/// Reads a URL that is allowed.
///
/// # Errors
/// The reason, for people.
pub fn target(targets: &Targets, text: &str) -> Result<Url, String> {
    let url: Url = text
        .parse()
        .map_err(|_| "must be a URL like https://example.org/hook".to_owned())?;
    let https = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err("must begin with https:// or http://".to_owned()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must hold no user name or password; the signature proves who calls".to_owned(),
        );
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("must name a host".to_owned());
    };
    targets.permit(host, port, https)?;
    Ok(url)
}

/// A client of one webhook, for calls of its URL alone.
///
/// # Errors
/// When the system's authorities cannot be read.
pub fn client(targets: Arc<Targets>, url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let resolver = Resolver {
        targets,
        port: url.port_or_known_default().unwrap_or_default(),
        https: url.scheme() == "https",
    };
    // TLS is asked of a provider for the whole process. Somebody may have set one: then that.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(resolver))
        .connect_timeout(CONNECT_MAX)
        .timeout(Duration::from_millis(limits::WEBHOOK_ANSWER_MS_MAX))
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(limits::WEBHOOK_CALLS_MAX)
        .user_agent(concat!("caviada/", env!("CARGO_PKG_VERSION")));
    builder.build()
}

/// Resolves names, and leaves out every address that is not allowed.
struct Resolver {
    targets: Arc<Targets>,
    port: u16,
    https: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (targets, port, https) = (self.targets.clone(), self.port, self.https);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let all: Vec<SocketAddr> = found.collect();
            let allowed: Vec<SocketAddr> = all
                .iter()
                .copied()
                .filter(|a| targets.permits_address(a.ip(), port, https))
                .collect();
            if allowed.is_empty() && !all.is_empty() {
                let why = format!(
                    "{} leads to {}, which is not public and of which `webhook.targets` does not list port {port}",
                    name.as_str(),
                    all[0].ip()
                );
                return Err(why.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
