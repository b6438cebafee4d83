//! Acquire on a pool that is there, such as one of warm clusters. A cycle uses up what it gets, so
//! there is never more asked for than is free, and the pool gets the time to fill up again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use caviada_api::client::Client;

use super::Plan;
use super::load::{Caller, Count, Requests};
use super::report::{Report, rounded};
use super::url;
use crate::cli::Globals;

/// How long a pool may take to have something free again.
const REFILL_MAX: Duration = Duration::from_secs(300);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(200);

/// In each round acquires as often as something is free and no two callers at once, then gives all
/// back.
pub async fn measure(
    plan: &Plan,
    globals: &Globals,
    server: &str,
    pool: &str,
) -> anyhow::Result<Report> {
    let (address, key, client) = url::target(globals, server).await?;
    let total = client.pool(pool).await?.counts.total();
    let mut report = Report {
        connections: 1,
        resources: usize::try_from(total)?,
        pools: 1,
        ..Report::default()
    };
    let requests = Arc::new(Requests::new(address, &key, &[pool.to_owned()])?);
    let mut count = Count::default();
    for number in 1..=plan.rounds {
        let free = until_free(&client, pool).await?;
        let mut held = Vec::new();
        for _ in 0..free.min(plan.connections) {
            let mut caller = Caller::new(address, &requests, 0).await?;
            let began = Instant::now();
            caller.acquire().await?;
            let took = began.elapsed().as_nanos();
            count.acquired_ns.push(u64::try_from(took)?);
            held.push(caller);
        }
        for caller in &mut held {
            caller.release().await?;
        }
        eprintln!("round {number}: {} acquired of {free} free", held.len());
        report.rounds += 1;
    }
    report.acquire_p50_ms = count.acquire_ms(50).map(|ms| rounded(ms, 3));
    report.acquire_p99_ms = count.acquire_ms(99).map(|ms| rounded(ms, 3));
    Ok(report)
}

/// How many would be granted now, once it is at least one.
async fn until_free(client: &Client, pool: &str) -> anyhow::Result<usize> {
    let deadline = Instant::now() + REFILL_MAX;
    loop {
        let free = client.pool(pool).await?.counts.offerable;
        if free > 0 {
            return Ok(usize::try_from(free)?);
        }
        if Instant::now() > deadline {
            let within = REFILL_MAX.as_secs();
            bail!("pool {pool} had nothing free within {within} s");
        }
        tokio::time::sleep(LOOK).await;
    }
}
