//! How fast a pool fills up again beside what its engine can do by itself: the same containers,
//! networks and volumes, made at once by calls that wait for nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use caviada_api::client::Client;
use caviada_api::host::{DriverName, Host};
use caviada_api::pool::Pool;
use caviada_core::id::ResourceId;
use caviada_driver::blueprint::{Blueprint, Subnet};
use caviada_driver::docker::{Credentials, Docker, DockerAddress, DockerOptions};
use caviada_driver::template::{Parameters, PortBlock, Reserved, Source, Template};
use caviada_driver::{Driver as _, Identity};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::report::{median, rounded};

/// Between two looks at the pool.
const LOOK: Duration = Duration::from_millis(20);
/// A round that takes longer has failed.
const ROUND_MAX: Duration = Duration::from_secs(1_800);

/// The figures.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The pool.
    pub pool: String,
    /// Members made in each half of a round.
    pub members: u32,
    /// Containers of each.
    pub containers: usize,
    /// Rounds.
    pub rounds: usize,
    /// Members that became free per second, median.
    pub refill_per_s: Option<f64>,
    /// Members that the engine made per second by itself, median.
    pub engine_per_s: Option<f64>,
    /// The former over the latter within a round, median.
    pub refill_ratio: Option<f64>,
}

/// Lets the pool grow by so many and shrink again, and has the engine make as many, in turn.
pub async fn measure(
    client: &Client,
    name: &str,
    members: u32,
    rounds: usize,
) -> anyhow::Result<Report> {
    ensure!(members > 0, "--refill-members must be at least 1");
    let pool = client.pool(name).await?;
    let host = the_host(client, &pool).await?;
    let site = Site::of(client, &pool, &host, members).await?;
    let (mut refills, mut engines, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=rounds {
        let refill = f64::from(members) / refilled(client, &pool, members).await?.as_secs_f64();
        let engine = f64::from(members) / site.made(number).await?.as_secs_f64();
        eprintln!("round {number}: {refill:.2} members/s, {engine:.2} by the engine itself");
        ratios.push(refill / engine);
        refills.push(refill);
        engines.push(engine);
    }
    let figure = |all: Vec<f64>| median(all.into_iter()).map(|f| rounded(f, 3));
    Ok(Report {
        pool: name.to_owned(),
        members,
        containers: site.blueprints.first().map_or(0, |b| b.services.len()),
        rounds,
        refill_per_s: figure(refills),
        engine_per_s: figure(engines),
        refill_ratio: figure(ratios),
    })
}

/// The only host that the pool builds on, and this machine's own engine.
async fn the_host(client: &Client, pool: &Pool) -> anyhow::Result<Host> {
    let hosts = pool.spec.hosts.as_deref().unwrap_or_default();
    let [host] = hosts else {
        bail!(
            "{} must name its one host: the rate is that of one engine",
            pool.name
        );
    };
    let host = client.host(host).await?;
    let address = host.spec.address.as_deref().unwrap_or_default();
    let local = host.spec.driver == DriverName::Docker && address.starts_with("unix://");
    ensure!(
        local,
        "host {} is no Docker engine on this machine",
        host.name
    );
    Ok(host)
}

/// From the moment the pool may have so many more until it has, and then back again.
async fn refilled(client: &Client, pool: &Pool, members: u32) -> anyhow::Result<Duration> {
    let mut more = pool.spec.clone();
    let before = client.pool(&pool.name).await?.counts.offerable;
    more.warm = u32::try_from(before)?.saturating_add(members);
    more.max = Some(
        more.warm
            .max(u32::try_from(pool.counts.total())?.saturating_add(members)),
    );
    let began = Instant::now();
    client.put_pool(&pool.name, &more, None).await?;
    until(client, &pool.name, |p| {
        p.counts.offerable >= before + u64::from(members)
    })
    .await?;
    let took = began.elapsed();
    // What is beyond its max goes.
    let mut back = pool.spec.clone();
    back.max = Some(u32::try_from(pool.counts.total())?.max(back.warm));
    client.put_pool(&pool.name, &back, None).await?;
    let total = pool.counts.total();
    until(client, &pool.name, |p| p.counts.total() <= total).await?;
    client.put_pool(&pool.name, &pool.spec, None).await?;
    Ok(took)
}

async fn until(client: &Client, pool: &str, so: impl Fn(&Pool) -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let now = client.pool(pool).await?;
        if so(&now) {
            return Ok(());
        }
        if began.elapsed() > ROUND_MAX {
            bail!("{pool} did not get there: {}", now.why.unwrap_or_default());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The engine, and what it is to make.
struct Site {
    driver: Arc<Docker>,
    installation: String,
    blueprints: Vec<Blueprint>,
    at_once: usize,
}

impl Site {
    async fn of(client: &Client, pool: &Pool, host: &Host, members: u32) -> anyhow::Result<Self> {
        let address = host.spec.address.as_deref().unwrap_or_default();
        let address = DockerAddress::parse(address, Credentials::default())?;
        // Nobody else's: the server neither sees nor touches it.
        let installation = format!("bench-{}", std::process::id());
        let template = pool.spec.template.as_deref();
        let template = template.with_context(|| format!("{} builds nothing", pool.name))?;
        let files = client.template(template).await?.files;
        let template = Template::parse(&Source { files });
        let template = template.map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let parameters: Parameters =
            serde_json::from_value(serde_json::to_value(&pool.spec.parameters)?)?;
        let blueprint = |n: u32| {
            let reserved = reserved(host, n)?;
            let made = template.render(&parameters, &reserved);
            made.map_err(|problems| anyhow::anyhow!("{problems:?}"))
        };
        Ok(Self {
            driver: Arc::new(Docker::new(DockerOptions::new(&installation, address))),
            installation,
            blueprints: (0..members).map(blueprint).collect::<Result<_, _>>()?,
            at_once: usize::try_from(host.spec.builds_max.unwrap_or(4))?,
        })
    }

    /// Has the engine make them all, as many at once as the server would, and removes them again.
    async fn made(&self, round: usize) -> anyhow::Result<Duration> {
        let room = Arc::new(Semaphore::new(self.at_once));
        let began = Instant::now();
        let mut calls = JoinSet::new();
        for (n, blueprint) in self.blueprints.iter().enumerate() {
            let identity = Identity {
                installation: self.installation.clone(),
                resource: ResourceId(u64::try_from(n)? + 1),
                generation: u64::try_from(round)?,
                revision: 1,
            };
            let (driver, blueprint) = (self.driver.clone(), blueprint.clone());
            let room = room.clone();
            calls.spawn(async move {
                let _room = room.acquire().await;
                driver.create_bare(&identity, &blueprint).await
            });
        }
        let mut done = Ok(());
        while let Some(call) = calls.join_next().await {
            done = done.and(call?);
        }
        let took = began.elapsed();
        let gone = (1..).zip(&self.blueprints).map(|(n, _)| {
            let generation = round as u64;
            self.driver.delete(ResourceId(n), generation)
        });
        for gone in futures_util::future::join_all(gone).await {
            gone?;
        }
        done?;
        Ok(took)
    }
}

/// The n-th last ports and network of the host: members take the first.
fn reserved(host: &Host, n: u32) -> anyhow::Result<Reserved> {
    let block = |ports: &caviada_api::host::HostPorts| {
        let all = (u32::from(ports.last) + 1 - u32::from(ports.first)) / u32::from(ports.block);
        let at = all
            .checked_sub(n + 1)
            .context("the host has too few ports for that many")?;
        let first = u32::from(ports.first) + at * u32::from(ports.block);
        anyhow::Ok(PortBlock {
            first: u16::try_from(first)?,
            count: ports.block,
        })
    };
    let subnet = |subnets: &caviada_api::host::HostSubnets| {
        let (address, prefix) = subnets.range.split_once('/').context("a range")?;
        let (address, prefix): (std::net::Ipv4Addr, u32) = (address.parse()?, prefix.parse()?);
        let size = 1_u32 << (32 - u32::from(subnets.prefix));
        let whole = 1_u64 << (32 - prefix.min(32));
        let at = whole.checked_sub(u64::from(size) * u64::from(n + 1));
        let at = at.context("the host has too few subnets for that many")?;
        anyhow::Ok(Subnet {
            address: (u32::from(address) + u32::try_from(at)?).into(),
            prefix: subnets.prefix,
        })
    };
    Ok(Reserved {
        ports: host
            .spec
            .ports
            .as_ref()
            .map(block)
            .transpose()?
            .unwrap_or(PortBlock { first: 0, count: 0 }),
        subnet: host.spec.subnets.as_ref().map(subnet).transpose()?,
        address: "127.0.0.1".to_owned(),
        log_level: Default::default(),
    })
}
