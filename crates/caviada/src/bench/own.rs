//! The whole measurement, on a server of the bench's own.

use std::sync::Arc;

use anyhow::{Context, ensure};
use caviada_api::client::Client;
use caviada_api::key::{NewKey, Role};
use caviada_api::list::PageQuery;

use super::Plan;
use super::load::{Caller, Load, Requests};
use super::report::{Report, millis, rounded};
use super::round::Subject;
use super::server::Server;
use super::wake;

/// Pools of the bench begin so.
const MARK: &str = "bench";

/// Starts it, fills it, measures, kills it, starts it once more, and parks leases on it.
pub async fn measure(plan: &Plan, store: Option<&str>) -> anyhow::Result<Report> {
    let mut report = plan.report();
    let mut server = Server::start(store).await?;
    let client = server.client()?;
    let others = client.pools(&PageQuery::default()).await?;
    ensure!(
        others.items.is_empty(),
        "there are pools in this store already; give the bench an empty one"
    );
    let before = server.usage();
    eprintln!("declaring {} resources", plan.seed.resources);
    let pools = plan.seed.declare(&client, MARK).await?;
    let grown = before.zip(server.usage()).map(|(before, after)| {
        let bytes = after.memory_bytes.saturating_sub(before.memory_bytes);
        rounded(per(bytes, plan.seed.resources), 0)
    });
    // So few that a page more or less would show tell nothing.
    report.bytes_per_resource = grown.filter(|_| plan.seed.resources >= 10_000);
    plan.seed.hold(&client, &pools).await?;

    let key = user_key(&client, MARK, &[]).await?;
    let requests = Arc::new(Requests::new(server.address(), &key, &pools)?);
    let bytes = answer_bytes(&server, &requests).await?;
    server.restart(Some(bytes)).await?;
    let via = match plan.via {
        true => {
            let key = user_key(&server.client()?, "bench-via", &pools).await?;
            let address = server.address();
            let requests = Requests::poolmanager(address, &key, plan.connections);
            let requests = Arc::new(requests);
            Some(Load { address, requests })
        }
        false => None,
    };
    let subject = Subject {
        load: Load {
            address: server.address(),
            requests,
        },
        via,
        client: server.client()?,
        server: Some(&server),
    };
    subject.measure(plan, &mut report).await?;
    let took = server.restart(None).await?;
    report.restart_ms = Some(millis(took, 0));
    report.restart_cpu_ms = server.usage().map(|usage| millis(usage.cpu, 0));
    // Last, so that no other figure has those who wait in it.
    if plan.parked > 0 {
        wake::measure(plan, &server, &mut report).await?;
    }
    server.stop().await?;
    Ok(report)
}

/// A key such as a program has that leases: it may do no more, except for others in these pools.
pub async fn user_key(client: &Client, name: &str, act_for: &[String]) -> anyhow::Result<String> {
    let key = NewKey {
        name: name.to_owned(),
        role: Role::User,
        owner: None,
        groups: Vec::new(),
        act_for: act_for.to_vec(),
        expires_in_ms: None,
        secret: None,
        declared_in: None,
    };
    let created = client.create_key(&key).await.context("making a key")?;
    created.secret.context("the new key has no secret")
}

/// Mean length of the two answers of a cycle: what the bare route shall answer.
async fn answer_bytes(server: &Server, requests: &Arc<Requests>) -> anyhow::Result<usize> {
    let mut caller = Caller::new(server.address(), requests, 0).await?;
    Ok((caller.acquire().await? + caller.release().await?) / 2)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and counts of one run are small"
)]
fn per(bytes: u64, many: usize) -> f64 {
    bytes as f64 / many as f64
}
