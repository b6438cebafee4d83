//! What many hosts with much on them cost a server: its processor time when nothing happens, and
//! that of a lease beside a server that has no hosts. The engines are simulated, so this is the
//! server's own part.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use caviada_api::client::Client;
use caviada_api::host::{DriverName, HostPorts, HostSpec};
use caviada_api::pool::PoolSpec;
use caviada_api::template::TemplateSpec;
use caviada_driver::template::builtin;
use serde::Serialize;
use tokio::task::JoinSet;

use super::load::{Load, Requests, Window};
use super::own::user_key;
use super::report::{median, rounded};
use super::round::{WARM, measured};
use super::seed::Seed;
use super::server::{Extra, Server};

/// Between two looks at a host.
const PERIOD: Duration = Duration::from_secs(15);
/// Clusters of one pool.
const CLUSTERS_PER_POOL: usize = 1_000;
/// Ports of one cluster.
const BLOCK: u16 = 1;
/// Declarations under way at once.
const CALLS_MAX: usize = 16;
/// The template of the clusters: it renders fast, and nothing runs of it.
const TEMPLATE: &str = "tiny";

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Simulated hosts.
    pub hosts: usize,
    /// Clusters on all of them.
    pub clusters: usize,
    /// How long nothing happens while the processor time is taken.
    pub idle: Duration,
    /// Connections that acquire and release.
    pub connections: usize,
    /// Rounds, each with hosts and without.
    pub rounds: usize,
    /// How long each half of a round lasts.
    pub slice: Duration,
}

/// The figures.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Simulated hosts.
    pub sim_hosts: usize,
    /// Clusters on them.
    pub sim_clusters: usize,
    /// Until all stood, in milliseconds.
    pub built_ms: f64,
    /// Processors that the server kept busy while nothing happened but looks every 15 s.
    pub server_cpu_cores: Option<f64>,
    /// The same of a server without hosts.
    pub idle_cpu_cores: Option<f64>,
    /// Processor time per acquire and release with all these hosts, in microseconds, median.
    pub cpu_us_per_cycle: Option<f64>,
    /// The same on a server without hosts.
    pub idle_cpu_us_per_cycle: Option<f64>,
    /// The former over the latter within a round, median.
    pub cpu_ratio: Option<f64>,
    /// Memory of the server, in bytes.
    pub memory_bytes: Option<u64>,
    /// That of the one without hosts.
    pub idle_memory_bytes: Option<u64>,
}

/// Starts two servers, gives one of them hosts and clusters, and compares them.
pub async fn measure(plan: &Plan, store: Option<&str>) -> anyhow::Result<Report> {
    ensure!(store.is_none(), "--sim-hosts is measured on SQLite");
    ensure!(
        plan.hosts > 0 && plan.clusters >= plan.hosts,
        "--sim-clusters must be at least --sim-hosts"
    );
    let extra = Extra {
        bare_bytes: None,
        simulated: true,
        probe: Some(PERIOD),
    };
    let full = Site::start(plan, extra).await?;
    let idle = Site::start(plan, extra).await?;
    let built = full.fill(plan).await?;
    eprintln!("all stand; nothing happens for {} s", plan.idle.as_secs());
    let (cores, idle_cores) = tokio::join!(full.cores(plan.idle), idle.cores(plan.idle));
    let (mut with, mut without, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=plan.rounds {
        let (full, idle) = (full.round(plan).await?, idle.round(plan).await?);
        with.extend(full);
        without.extend(idle);
        if let Some((full, idle)) = full.zip(idle) {
            eprintln!("round {number}: {full:.1} us per cycle, {idle:.1} us without hosts");
            ratios.push(full / idle);
        }
    }
    let us = |figures: Vec<f64>| median(figures.into_iter()).map(|us| rounded(us, 1));
    Ok(Report {
        sim_hosts: plan.hosts,
        sim_clusters: plan.clusters,
        built_ms: rounded(built.as_secs_f64() * 1_000.0, 0),
        server_cpu_cores: cores,
        idle_cpu_cores: idle_cores,
        cpu_us_per_cycle: us(with),
        idle_cpu_us_per_cycle: us(without),
        cpu_ratio: median(ratios.into_iter()).map(|r| rounded(r, 3)),
        memory_bytes: full.server.usage().map(|u| u.memory_bytes),
        idle_memory_bytes: idle.server.usage().map(|u| u.memory_bytes),
    })
}

/// A server with a pool of declared resources that are leased.
struct Site {
    server: Server,
    client: Client,
    load: Load,
}

impl Site {
    async fn start(plan: &Plan, extra: Extra) -> anyhow::Result<Self> {
        let server = Server::start_with(None, extra).await?;
        let client = server.client()?;
        let seed = Seed {
            pools: 1,
            resources: 1_000.max(plan.connections),
            live: 0,
            clusters: false,
        };
        let pools = seed.declare(&client, "bench").await?;
        let key = user_key(&client, "bench", &[]).await?;
        let requests = Requests::new(server.address(), &key, &pools)?;
        let load = Load {
            address: server.address(),
            requests: Arc::new(requests),
        };
        Ok(Self {
            server,
            client,
            load,
        })
    }

    /// Declares hosts and pools and waits until all clusters stand.
    async fn fill(&self, plan: &Plan) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let source = builtin::source(TEMPLATE).context("the template is not built in")?;
        let template = TemplateSpec {
            files: source.files,
            declared_in: None,
        };
        self.client.put_template(TEMPLATE, &template, None).await?;
        let per_host = plan.clusters.div_ceil(plan.hosts);
        let mut calls = JoinSet::new();
        for number in 0..plan.hosts {
            let (client, spec) = (self.client.clone(), host(number, per_host)?);
            calls.spawn(async move {
                let name = format!("sim-{number:05}");
                client.put_host(&name, &spec, None).await.map(drop)
            });
            while calls.len() >= CALLS_MAX {
                calls.join_next().await.transpose()?.transpose()?;
            }
        }
        while let Some(done) = calls.join_next().await {
            done??;
        }
        let declared = self.client.stats().await?.resources.free;
        let mut left = plan.clusters;
        for number in 0.. {
            let some = left.min(CLUSTERS_PER_POOL);
            if some == 0 {
                break;
            }
            left -= some;
            let name = format!("clusters-{number:04}");
            let put = self.client.put_pool(&name, &pool(some)?, None).await;
            put.with_context(|| format!("declaring pool {name}"))?;
        }
        self.until_free(declared + u64::try_from(plan.clusters)?)
            .await?;
        Ok(began.elapsed())
    }

    /// Waits until so many resources are free; gives up when none came for a while.
    async fn until_free(&self, wanted: u64) -> anyhow::Result<()> {
        const NONE_MAX: Duration = Duration::from_secs(120);
        let (mut most, mut at) = (0, Instant::now());
        loop {
            let free = self.client.stats().await?.resources.free;
            if free >= wanted {
                return Ok(());
            }
            if free > most {
                (most, at) = (free, Instant::now());
            }
            if at.elapsed() > NONE_MAX {
                bail!(
                    "{free} of {wanted} stand, and no more since {} s",
                    NONE_MAX.as_secs()
                );
            }
            eprintln!("{free} of {wanted} stand");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Processors it keeps busy for so long.
    async fn cores(&self, idle: Duration) -> Option<f64> {
        let began = (Instant::now(), self.server.usage()?.cpu);
        tokio::time::sleep(idle).await;
        let spent = self.server.usage()?.cpu.saturating_sub(began.1);
        let cores = spent.as_secs_f64() / began.0.elapsed().as_secs_f64();
        Some(rounded(cores, 3))
    }

    /// Processor time per cycle, in microseconds.
    async fn round(&self, plan: &Plan) -> anyhow::Result<Option<f64>> {
        let window = Window::after(WARM, plan.slice);
        let load = self.load.closed(plan.connections, window);
        let slice = measured(Some(&self.server), window, load).await?;
        Ok(slice.cpu_us_per_cycle())
    }
}

fn host(number: usize, capacity: usize) -> anyhow::Result<HostSpec> {
    let mut spec = HostSpec::new(DriverName::Docker);
    spec.address = Some(format!("unix:///simulated/{number}.sock"));
    spec.capacity
        .insert("resources".to_owned(), u64::try_from(capacity)?);
    let ports = u16::try_from(capacity)?.saturating_mul(BLOCK);
    spec.ports = Some(HostPorts {
        first: 20_000,
        last: 19_999_u16.saturating_add(ports),
        block: BLOCK,
    });
    Ok(spec)
}

fn pool(clusters: usize) -> anyhow::Result<PoolSpec> {
    Ok(PoolSpec {
        template: Some(TEMPLATE.to_owned()),
        warm: u32::try_from(clusters)?,
        max: Some(u32::try_from(clusters)?),
        builds_max: Some(1_000),
        ..PoolSpec::default()
    })
}
