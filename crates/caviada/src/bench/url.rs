//! The load on a server that somebody else runs. What only its own machine could tell is left out.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use caviada_api::client::{Client, Options};

use super::Plan;
use super::load::{Load, Requests};
use super::report::Report;
use super::round::Subject;
use crate::cli::Globals;

/// Declares pools of its own there, measures, and deletes them again.
pub async fn measure(plan: &Plan, globals: &Globals, url: &str) -> anyhow::Result<Report> {
    let mut report = plan.report();
    let (address, key, client) = target(globals, url).await?;
    let mark = format!("bench-{:x}", std::process::id());
    eprintln!("declaring {} resources at {url}", plan.seed.resources);
    let pools = plan.seed.declare(&client, &mark).await?;
    plan.seed.hold(&client, &pools).await?;
    let subject = Subject {
        load: Load {
            address,
            requests: Arc::new(Requests::new(address, &key, &pools)?),
        },
        via: None,
        client: client.clone(),
        server: None,
    };
    let measured = subject.measure(plan, &mut report).await;
    remove(&client, &pools).await?;
    measured.map(|()| report)
}

/// Where the server is, with which key, and a client for it. The load generator speaks plain HTTP.
pub async fn target(globals: &Globals, url: &str) -> anyhow::Result<(SocketAddr, String, Client)> {
    let Some(host) = url.strip_prefix("http://") else {
        bail!("{url}: the bench speaks plain HTTP, so its address begins with http://")
    };
    let host = host.trim_end_matches('/');
    let host = match host.contains(':') {
        true => host.to_owned(),
        false => format!("{host}:80"),
    };
    let address = tokio::net::lookup_host(&host)
        .await
        .with_context(|| format!("{host} is no address"))?
        .next()
        .with_context(|| format!("{host} is no address"))?;
    let key = globals.key.clone().unwrap_or_default();
    let options = Options {
        key: Some(key.clone()).filter(|key| !key.is_empty()),
        ..Options::new(url)
    };
    Ok((address, key, Client::new(&options)?))
}

/// Ends what is still held there, and deletes the pools.
async fn remove(client: &Client, pools: &[String]) -> anyhow::Result<()> {
    for pool in pools {
        let query = caviada_api::lease::LeaseQuery {
            pool: Some(pool.clone()),
            limit: Some(1_000),
            ..Default::default()
        };
        loop {
            let held = client.leases(&query).await?;
            if held.items.is_empty() {
                break;
            }
            for lease in held.items {
                client.release(lease.id, &Default::default()).await?;
            }
        }
        client
            .delete_pool(pool)
            .await
            .with_context(|| format!("deleting pool {pool}"))?;
    }
    Ok(())
}
