//! Connections to targets: nothing is resolved or connected to that the list does not allow, no
//! proxy is asked and no redirect followed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use caviada_core::limits;
use caviada_core::webhook::target::Targets;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A target that does not take a connection within this is not there.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Unused connections are closed after this, so that addresses are looked up and checked anew.
const IDLE_MAX: Duration = Duration::from_secs(30);

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

/// A client of one webhook.
///
/// # Errors
/// When the system's authorities cannot be read.
pub fn client(targets: Arc<Targets>) -> Result<reqwest::Client, reqwest::Error> {
    // TLS is asked of a provider for the whole process. Somebody may have set one: then that.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Resolver(targets)))
        .connect_timeout(CONNECT_MAX)
        .timeout(Duration::from_millis(limits::WEBHOOK_ANSWER_MS_MAX))
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(limits::WEBHOOK_CALLS_MAX)
        .user_agent(concat!("caviada/", env!("CARGO_PKG_VERSION")));
    builder.build()
}

/// Resolves names, and leaves out every address that is not allowed.
struct Resolver(Arc<Targets>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let all: Vec<SocketAddr> = found.collect();
            let allowed: Vec<SocketAddr> = all
                .iter()
                .copied()
                .filter(|a| targets.permits_address(a.ip()))
                .collect();
            if allowed.is_empty() && !all.is_empty() {
                let why = format!(
                    "{} leads to {}, which is not public and not in `webhook.targets`",
                    name.as_str(),
                    all[0].ip()
                );
                return Err(why.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
