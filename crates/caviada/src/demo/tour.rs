//! The tour: one step after the other, each checked.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use caviada_api::client::Client;
use caviada_api::host::{HostPorts, HostSpec};
use caviada_api::lease::{Acquire, Lease, LeaseState, Release};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{ResourceQuery, ResourceSpec, ResourceState};
use caviada_api::template::TemplateSpec;

use super::child::Server;
use super::file::FileServer;
use super::image::Engine;
use super::kill;

/// Something outside that takes this long does not come.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at something outside.
const LOOK: Duration = Duration::from_millis(100);

/// All of it, or the first step that did not hold.
pub async fn run(server: &mut Server, engine: Option<&Engine>) -> anyhow::Result<()> {
    let client = server.client()?;
    machines(&client).await?;
    late_holder(&client).await?;
    network(&client).await?;
    clusters(&client, engine).await?;
    accident(&client, engine).await?;
    crash(server).await?;
    println!("\nEvery step held.");
    Ok(())
}

/// Removes what stands outside the temporary directory.
pub async fn tidy(server: &Server) {
    let Ok(client) = server.client() else { return };
    if client.host("demo").await.is_err() {
        return;
    }
    let _ = client.delete_pool("clusters").await;
    let query = caviada_api::lease::LeaseQuery::default();
    if let Ok(leases) = client.leases(&query).await {
        for lease in leases.items {
            let _ = client.release(lease.id, &Release::default()).await;
        }
    }
    let gone = async || client.pool("clusters").await.is_err();
    let _ = until("the demo's containers to go", gone).await;
}

fn step(text: &str) {
    println!("\n● {text}");
}

fn held(text: &str) {
    println!("  ✓ {text}");
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        if tokio::time::Instant::now() > deadline {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn acquire(client: &Client, pool: &str, wait_ms: u64) -> anyhow::Result<Lease> {
    let acquire = Acquire {
        pool: Some(pool.to_owned()),
        ttl_ms: Some(600_000),
        wait_ms: Some(wait_ms),
        ..Acquire::default()
    };
    Ok(client.acquire(&acquire).await?)
}

/// Declared resources: lease, refuse, wait, release.
async fn machines(client: &Client) -> anyhow::Result<()> {
    step("A pool of two machines that somebody entered");
    client
        .put_pool("machines", &PoolSpec::default(), None)
        .await?;
    let machine = |n: u8| ResourceSpec {
        pool: "machines".to_owned(),
        name: format!("machine-{n}"),
        endpoints: BTreeMap::from([("ssh".to_owned(), format!("10.0.0.{n}:22"))]),
        ..serde_json::from_value(serde_json::json!({"pool": "machines", "name": "-"}))
            .unwrap_or_else(|_| unreachable!("two fields suffice"))
    };
    client.declare(vec![machine(1), machine(2)]).await?;
    let first = acquire(client, "machines", 0).await?;
    let second = acquire(client, "machines", 0).await?;
    ensure!(
        first.resources[0].id != second.resources[0].id,
        "one machine was granted twice"
    );
    held(&format!(
        "two leases, fences {} and {}",
        fence(&first)?,
        fence(&second)?
    ));

    let third = acquire(client, "machines", 0).await;
    ensure!(third.is_err(), "a third machine was granted");
    held("a third caller who will not wait is refused");

    let waiter = acquire(client, "machines", 60_000).await?;
    ensure!(waiter.state == LeaseState::Waiting, "it should wait");
    client.release(first.id, &Release::default()).await?;
    let granted = client.lease_settled(waiter.id, 10_000).await?;
    ensure!(
        granted.state == LeaseState::Active,
        "the waiter was not granted"
    );
    ensure!(fence(&granted)? > fence(&second)?, "fences must rise");
    held("one who waits gets the machine the moment it is released, with a higher fence");
    client.release(granted.id, &Release::default()).await?;
    client.release(second.id, &Release::default()).await?;
    Ok(())
}

fn fence(lease: &Lease) -> anyhow::Result<u64> {
    Ok(lease.fence.context("a granted lease has a fence")?.0)
}

/// Whatever remembers the highest fence refuses him who comes late.
async fn late_holder(client: &Client) -> anyhow::Result<()> {
    step("A holder who comes back late");
    let storage = FileServer::start().await?;
    let late = acquire(client, "machines", 0).await?;
    ensure!(
        storage.write(fence(&late)?, "by the first holder").await?,
        "it should be written"
    );
    client.release(late.id, &Release::default()).await?;
    let next = acquire(client, "machines", 0).await?;
    ensure!(
        next.resources[0].id == late.resources[0].id,
        "the lowest free one is picked"
    );
    ensure!(
        storage.write(fence(&next)?, "by the next holder").await?,
        "it should be written"
    );
    let refused = !storage
        .write(fence(&late)?, "by the first holder, late")
        .await?;
    ensure!(refused, "a late holder was let in");
    held(&format!(
        "fence {} is refused once {} was seen",
        fence(&late)?,
        fence(&next)?
    ));
    client.release(next.id, &Release::default()).await?;
    Ok(())
}

/// One divisible resource, cut into slices.
async fn network(client: &Client) -> anyhow::Result<()> {
    step("A network, from which each holder gets a part");
    let pool = serde_json::from_value(serde_json::json!({"slice": {"prefix": 29}}))?;
    client.put_pool("networks", &pool, None).await?;
    let lab = serde_json::from_value(serde_json::json!({
        "pool": "networks",
        "name": "lab",
        "divisible": {"range": "10.20.0.0/28"},
    }))?;
    client.declare(vec![lab]).await?;
    let one = acquire(client, "networks", 0).await?;
    let two = acquire(client, "networks", 0).await?;
    let (a, b) = (&one.resources[0].name, &two.resources[0].name);
    ensure!(a != b, "one part was granted twice");
    ensure!(
        acquire(client, "networks", 0).await.is_err(),
        "a /28 has two /29"
    );
    held(&format!("two holders, {a} and {b}; a third is refused"));
    client.release(one.id, &Release::default()).await?;
    client.release(two.id, &Release::default()).await?;
    Ok(())
}

/// A member dies while it is free: it is noticed, never handed out, and replaced.
async fn accident(client: &Client, engine: Option<&Engine>) -> anyhow::Result<()> {
    step("A member of the pool is killed behind Caviada's back");
    let query = ResourceQuery {
        pool: Some("clusters".to_owned()),
        ..ResourceQuery::default()
    };
    let members = client.resources(&query).await?.items;
    let free = members
        .iter()
        .find(|r| r.state == ResourceState::Free)
        .context("a free member")?;
    let front = free.endpoints.get("front").context("a front endpoint")?;
    kill::kill(engine, &free.id.to_string(), front).await?;
    let id = free.id;
    let noticed = async || match client.resource(id).await {
        Ok(r) => r.state != ResourceState::Free || r.generation > free.generation,
        Err(_) => true,
    };
    until("the death to be noticed", noticed).await?;
    held("it is noticed and no longer handed out");
    let warm = async || {
        client
            .pool("clusters")
            .await
            .is_ok_and(|p| p.counts.offerable >= 2)
    };
    until("two warm clusters again", warm).await?;
    held("the pool is warm again");
    Ok(())
}

/// Built resources: warm, leased, called, recycled.
async fn clusters(client: &Client, engine: Option<&Engine>) -> anyhow::Result<()> {
    step(match engine {
        Some(_) => "A pool of two clusters of containers, kept warm",
        None => "A pool of two clusters of processes, kept warm",
    });
    let files = [
        ("template.toml", include_str!("template/template.toml")),
        ("compose.yaml", include_str!("template/compose.yaml")),
    ];
    let template = TemplateSpec {
        files: files
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into(),
        declared_in: None,
    };
    client.put_template("demo", &template, None).await?;
    let host: HostSpec = serde_json::from_value(serde_json::json!({
        "driver": if engine.is_some() { "docker" } else { "process" },
        "address": engine.map(|e| &e.url),
        "capacity": {"resources": 8},
        "ports": HostPorts { first: 21_000, last: 21_999, block: 4 },
    }))?;
    client.put_host("demo", &host, None).await?;
    let pool: PoolSpec = serde_json::from_value(serde_json::json!({
        "template": "demo",
        "parameters": {"image": engine.map_or("none", |e| &e.image)},
        "warm": 2,
        "max": 4,
    }))?;
    client.put_pool("clusters", &pool, None).await?;
    let warm = async || {
        client
            .pool("clusters")
            .await
            .is_ok_and(|p| p.counts.offerable >= 2)
    };
    until("two warm clusters", warm).await?;
    held("two are up before anybody asked");

    let asked = std::time::Instant::now();
    let lease = acquire(client, "clusters", 0).await?;
    held(&format!(
        "one is leased in {:.1} ms",
        asked.elapsed().as_secs_f64() * 1000.0
    ));
    let front = lease.resources[0]
        .endpoints
        .get("front")
        .context("a front endpoint")?
        .clone();
    ensure!(answers(&front).await, "{front} does not answer");
    held(&format!("it answers at {front}"));

    let generation = client.resource(lease.resources[0].id).await?.generation;
    client.release(lease.id, &Release::default()).await?;
    let id = lease.resources[0].id;
    let clean = async || {
        client
            .resource(id)
            .await
            .is_ok_and(|r| r.state == ResourceState::Free && r.generation > generation)
    };
    until("a clean generation", clean).await?;
    held("released, it is built anew before the next holder gets it");
    Ok(())
}

/// Does an HTTP server answer there?
async fn answers(url: &str) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Some(address) = url.strip_prefix("http://") else {
        return false;
    };
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request =
            format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        std::io::Result::Ok(head.ends_with(b"200"))
    };
    matches!(
        tokio::time::timeout(Duration::from_secs(5), ask).await,
        Ok(Ok(true))
    )
}

/// Kill -9, and nothing is lost.
async fn crash(server: &mut Server) -> anyhow::Result<()> {
    step("The server is killed with -9 while leases are held and one waits");
    let client = server.client()?;
    let mut held_leases = Vec::new();
    for _ in 0..2 {
        held_leases.push(acquire(&client, "machines", 0).await?);
    }
    let waiter = acquire(&client, "machines", 600_000).await?;
    server.kill_and_restart().await?;
    let client = server.client()?;
    for lease in &held_leases {
        let now = client.lease(lease.id).await?;
        ensure!(
            now.state == LeaseState::Active && now.fence == lease.fence,
            "a lease was lost"
        );
    }
    ensure!(
        client.lease(waiter.id).await?.state == LeaseState::Waiting,
        "the waiter was lost"
    );
    held("after the restart both leases and the waiter are there");
    client
        .release(held_leases[0].id, &Release::default())
        .await?;
    let granted = client.lease_settled(waiter.id, 10_000).await?;
    ensure!(
        granted.state == LeaseState::Active,
        "the waiter was not granted"
    );
    held("and the waiter is granted as before");
    client.release(granted.id, &Release::default()).await?;
    client
        .release(held_leases[1].id, &Release::default())
        .await?;
    Ok(())
}
