//! What is there before the load: pools, resources, and leases held for long.

use std::collections::BTreeMap;

use anyhow::Context;
use caviada_api::attribute::Attribute;
use caviada_api::client::Client;
use caviada_api::lease::Acquire;
use caviada_api::pool::{LeasePolicy, PoolSpec};
use caviada_api::resource::{DECLARE_MAX, ResourceSpec};
use tokio::task::JoinSet;

/// Declarations under way at once.
const CALLS_MAX: usize = 16;
/// For leases held through the whole measurement.
const HELD_MS: u64 = 86_400_000;

/// How much there is to be.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// Pools.
    pub pools: usize,
    /// Resources in all of them, spread evenly.
    pub resources: usize,
    /// Leases held for long, spread evenly.
    pub live: usize,
    /// They are clusters to an older system's clients.
    pub clusters: bool,
}

impl Seed {
    /// Declares pools and resources. `mark` keeps the pools apart from others.
    pub async fn declare(&self, client: &Client, mark: &str) -> anyhow::Result<Vec<String>> {
        let names: Vec<String> = (0..self.pools).map(|n| format!("{mark}-{n:04}")).collect();
        let spec = PoolSpec {
            lease: LeasePolicy {
                ttl_ms_max: Some(HELD_MS),
                ..LeasePolicy::default()
            },
            ..PoolSpec::default()
        };
        for name in &names {
            let put = client.put_pool(name, &spec, None).await;
            put.with_context(|| format!("declaring pool {name}"))?;
        }
        let resource = |number: usize| ResourceSpec {
            pool: names[number % names.len()].clone(),
            name: format!("machine-{number:07}"),
            attributes: attributes(number, self.clusters),
            ..ResourceSpec::default()
        };
        let mut calls = JoinSet::new();
        for first in (0..self.resources).step_by(DECLARE_MAX) {
            let last = (first + DECLARE_MAX).min(self.resources);
            let items = (first..last).map(resource).collect();
            let client = client.clone();
            calls.spawn(async move { client.declare(items).await.map(drop) });
            while calls.len() >= CALLS_MAX {
                next(&mut calls).await.context("declaring resources")?;
            }
        }
        while !calls.is_empty() {
            next(&mut calls).await.context("declaring resources")?;
        }
        Ok(names)
    }

    /// Acquires what is held for long.
    pub async fn hold(&self, client: &Client, pools: &[String]) -> anyhow::Result<()> {
        let mut calls = JoinSet::new();
        for number in 0..self.live {
            let acquire = Acquire {
                pool: Some(pools[number % pools.len()].clone()),
                ttl_ms: Some(HELD_MS),
                ..Acquire::default()
            };
            let client = client.clone();
            calls.spawn(async move { client.acquire(&acquire).await.map(drop) });
            while calls.len() >= CALLS_MAX {
                next(&mut calls).await.context("acquiring what is held")?;
            }
        }
        while !calls.is_empty() {
            next(&mut calls).await.context("acquiring what is held")?;
        }
        Ok(())
    }
}

async fn next<E>(calls: &mut JoinSet<Result<(), E>>) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match calls.join_next().await {
        Some(done) => Ok(done??),
        None => Ok(()),
    }
}

/// Four facts, as a machine in a rack would have them.
fn attributes(number: usize, clusters: bool) -> BTreeMap<String, Attribute> {
    let cores = 8_i64 << (number % 4);
    let facts = [
        ("arch", Attribute::from(["x86_64", "arm64"][number % 2])),
        ("cores", Attribute::Number(cores)),
        ("rack", Attribute::Text(format!("r{:03}", number % 500))),
        ("zone", Attribute::Text(format!("z{}", number % 3))),
    ];
    let plugin = clusters.then(|| ("consensus_plugin", Attribute::from("pbft")));
    let facts = facts.into_iter().chain(plugin);
    facts.map(|(name, fact)| (name.to_owned(), fact)).collect()
}
