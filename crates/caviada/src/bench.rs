//! `caviada bench`: what a lease costs, measured against a route that does nothing.
//!
//! It starts a server of its own as a child and touches another one only if `--url` says so. Load
//! and server share the machine, so what counts is the ratio between the cycle and the bare route
//! in alternating rounds of one run; absolute figures are for comparing runs on one machine.

mod connection;
mod hosts;
mod load;
mod own;
mod pace;
mod pool;
mod refill;
mod report;
mod round;
mod seed;
mod server;
pub mod simulated;
mod url;
mod usage;
mod wake;

use std::process::ExitCode;

use caviada_api::duration::Duration;
use caviada_core::limits;
use clap::Args;

use crate::cli::Globals;
use crate::cli::output::Out;
use report::Report;
use seed::Seed;

/// What the bench can be told.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// Connections that acquire and release
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,
    /// Resources to declare
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    resources: usize,
    /// Pools to spread them over
    #[arg(long, value_name = "N", default_value_t = 1)]
    pools: usize,
    /// Leases held through the whole measurement
    #[arg(long, value_name = "N", default_value_t = 0)]
    live: usize,
    /// Rounds, each of the bare route and of acquire and release
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Leases that wait while the wake-up after a release is measured; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    parked: usize,
    /// How long each half of a round lasts, and the wake-up; halves take turns of a second or two
    #[arg(long, value_name = "TIME", default_value = "5s")]
    slice: Duration,
    /// Measure acquire on this pool of the server named by --url, never more often than it has
    /// free members
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// Acquire and release through the API of an older system too, in each round after HTTP v1
    #[arg(long, value_name = "NAME", value_parser = ["poolmanager"])]
    via: Option<String>,
    /// Measure how fast this pool of the server named by --url fills up, beside what its engine can do
    /// by itself. It must name one host, this machine's engine, and the key must be an operator's
    #[arg(long, value_name = "POOL", conflicts_with_all = ["pool", "via"])]
    refill: Option<String>,
    /// Members that are made in each half of a round
    #[arg(long, value_name = "N", default_value_t = 8, requires = "refill")]
    refill_members: u32,
    /// Measure what so many hosts cost a server, all of them simulated, beside one without hosts
    #[arg(long, value_name = "N", requires = "sim_clusters", conflicts_with_all = ["pool", "via"])]
    sim_hosts: Option<usize>,
    /// Clusters on the simulated hosts
    #[arg(long, value_name = "N", requires = "sim_hosts")]
    sim_clusters: Option<usize>,
    /// How long nothing happens while the simulated hosts' processor time is taken
    #[arg(long, value_name = "TIME", default_value = "60s")]
    idle: Duration,
    /// Store of the own server
    #[arg(long, value_name = "sqlite|URL")]
    store: Option<String>,
}

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
struct Plan {
    connections: usize,
    seed: Seed,
    rounds: usize,
    parked: usize,
    slice: std::time::Duration,
    /// Through an older system's API, too.
    via: bool,
}

impl Plan {
    /// A report with nothing measured yet.
    fn report(&self) -> Report {
        Report {
            connections: self.connections,
            resources: self.seed.resources,
            pools: self.seed.pools,
            live: self.seed.live,
            ..Report::default()
        }
    }
}

/// Measures and prints; `url` is a server only if the command line itself names it, because what is
/// in the environment was meant for other commands.
pub async fn run(globals: &Globals, args: BenchArgs, url: Option<&str>) -> ExitCode {
    let out = Out::new(globals.output.format);
    let printed = match (args.sim_hosts, args.sim_clusters) {
        _ if args.refill.is_some() => of_refill(globals, &args, url)
            .await
            .map(|report| report::print(&report, &out)),
        (Some(hosts), Some(clusters)) => of_hosts(&args, hosts, clusters, url)
            .await
            .map(|report| report::print(&report, &out)),
        _ => bench(globals, args, url)
            .await
            .map(|report| report::print(&report, &out)),
    };
    match printed {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.tell(),
        Err(error) => {
            eprintln!("caviada bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn of_refill(
    globals: &Globals,
    args: &BenchArgs,
    url: Option<&str>,
) -> anyhow::Result<refill::Report> {
    let pool = args.refill.as_deref().unwrap_or_default();
    let Some(url) = url else {
        anyhow::bail!("--refill needs --url: an own server has no such pool")
    };
    let (_, _, client) = url::target(globals, url).await?;
    refill::measure(&client, pool, args.refill_members, args.rounds).await
}

async fn of_hosts(
    args: &BenchArgs,
    hosts: usize,
    clusters: usize,
    url: Option<&str>,
) -> anyhow::Result<hosts::Report> {
    anyhow::ensure!(
        url.is_none(),
        "--sim-hosts is of an own server: no other one has simulated hosts"
    );
    let plan = hosts::Plan {
        hosts,
        clusters,
        idle: args.idle.into(),
        connections: args.connections,
        rounds: args.rounds,
        slice: args.slice.into(),
    };
    hosts::measure(&plan, args.store.as_deref()).await
}

async fn bench(globals: &Globals, args: BenchArgs, url: Option<&str>) -> anyhow::Result<Report> {
    let plan = plan(&args)?;
    anyhow::ensure!(
        !plan.via || url.is_none(),
        "--via is of an own server: another one has no such key"
    );
    match (url, &args.pool, &args.store) {
        (None, None, store) => own::measure(&plan, store.as_deref()).await,
        (Some(url), None, None) => url::measure(&plan, globals, url).await,
        (Some(url), Some(pool), None) => pool::measure(&plan, globals, url, pool).await,
        (Some(_), _, Some(_)) => anyhow::bail!("--store is of an own server, --url of another one"),
        (None, Some(_), _) => anyhow::bail!("--pool needs --url: an own server has no such pool"),
    }
}

fn plan(args: &BenchArgs) -> anyhow::Result<Plan> {
    let BenchArgs {
        connections,
        resources,
        pools,
        live,
        rounds,
        parked,
        ..
    } = *args;
    anyhow::ensure!(connections > 0, "--connections must be at least 1");
    anyhow::ensure!(pools > 0, "--pools must be at least 1");
    anyhow::ensure!(rounds > 0, "--rounds must be at least 1");
    anyhow::ensure!(
        parked <= limits::WAITING_PER_POOL_MAX,
        "--parked must be at most {}, as many as may wait for one pool",
        limits::WAITING_PER_POOL_MAX
    );
    // All connections may meet in one pool.
    let needed = pools * (live.div_ceil(pools) + connections);
    anyhow::ensure!(
        args.pool.is_some() || resources >= needed,
        "--resources must be at least {needed}, so that no pool is ever empty"
    );
    Ok(Plan {
        connections,
        seed: Seed {
            pools,
            resources,
            live,
            clusters: args.via.is_some(),
        },
        via: args.via.is_some(),
        rounds,
        parked,
        slice: args.slice.into(),
    })
}
