//! What dies behind the server's back is noticed, never handed out, and replaced.

use caviada_api::event::{Event, EventQuery, Message};
use caviada_api::lease::{Acquire, Lease, LeaseEnd, LeaseState, Release};
use caviada_api::pool::{OnBad, PoolSpec};
use caviada_api::resource::ResourceState;

use crate::site::{PROBE_MS, Site};

const SCRIPT: &str = "while :; do sleep 1; done";

fn pool(warm: u32, on_bad: OnBad) -> PoolSpec {
    PoolSpec {
        warm,
        max: Some(6),
        on_bad,
        ..PoolSpec::default()
    }
}

async fn acquire(server: &Site, wait_ms: u64) -> Lease {
    let want = Acquire {
        pool: Some("things".into()),
        wait_ms: Some(wait_ms),
        ..Acquire::default()
    };
    server.admin().acquire(&want).await.unwrap()
}

/// Something that has just happened, for its time.
async fn mark(server: &Site) -> Event {
    let admin = server.admin();
    let spec = PoolSpec::default();
    admin.put_pool("mark", &spec, None).await.unwrap();
    admin.delete_pool("mark").await.unwrap();
    let query = EventQuery {
        kind: Some("pool.gone".into()),
        ..EventQuery::default()
    };
    admin.events(&query).await.unwrap().items.remove(0)
}

fn number(event: &Event) -> (u64, u32) {
    let (revision, index) = event.id.split_once('.').unwrap();
    (revision.parse().unwrap(), index.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_member_that_dies_is_noticed_in_time_and_never_handed_out_and_replaced() {
    let server = Site::quick();
    server.built("things", SCRIPT, pool(2, OnBad::Keep)).await;
    server.warm("things", 2).await;
    let dead = server.members("things", ResourceState::Free).await[0].clone();
    let query = EventQuery {
        resource: Some(dead.id),
        kind: Some("resource.health".into()),
        ..EventQuery::default()
    };
    let mut stream = server.admin().watch(query).await.unwrap();
    server.murder(&dead);
    let killed = mark(&server).await;
    let noticed = loop {
        if let Message::Event(event) = stream.next().await.unwrap() {
            break *event;
        }
    };
    assert_eq!(noticed.facts["health"], "unknown");
    let why = noticed.facts["cause"].as_str().unwrap().to_owned();
    assert!(why.starts_with("unwell: main: "), "{why}");
    let took = noticed.at.0.saturating_sub(killed.at.0);
    assert!(took <= PROBE_MS + 2_000, "noticed {took} ms too late");
    // From now on somebody takes and returns whatever is offered.
    server
        .until("the dead one is gone", async || {
            let lease = acquire(&server, 60_000).await;
            let release = Release::default();
            server.admin().release(lease.id, &release).await.unwrap();
            server.admin().resource(dead.id).await.is_err()
        })
        .await;
    server.warm("things", 2).await;
    let events = server.events().await;
    let mut after = events
        .iter()
        .filter(|e| e.resource == Some(dead.id) && number(e) > number(&noticed));
    let handed_out = after.clone().find(|e| e.kind.starts_with("lease."));
    assert_eq!(handed_out, None);
    let failed = after.find(|e| e.kind == "resource.failed").unwrap();
    assert_eq!(failed.facts["cause"].as_str(), Some(&*why));
}

/// Kills the member of a lease of a pool with this policy, and waits for what becomes of it.
async fn bereaved(server: &Site, policy: OnBad, kind: &str) -> (Lease, Event) {
    server.built("things", SCRIPT, pool(1, policy)).await;
    server.warm("things", 1).await;
    let lease = acquire(server, 0).await;
    // The next one stands ready before the first one dies.
    server.warm("things", 1).await;
    let id = lease.resources[0].id;
    let query = EventQuery {
        lease: Some(lease.id),
        kind: Some(kind.into()),
        ..EventQuery::default()
    };
    let mut stream = server.admin().watch(query).await.unwrap();
    server.murder(&server.admin().resource(id).await.unwrap());
    let killed = mark(server).await;
    loop {
        if let Message::Event(event) = stream.next().await.unwrap() {
            // Confirmed by a second look a second later.
            let took = event.at.0.saturating_sub(killed.at.0);
            assert!(took <= PROBE_MS + 1_000 + 2_000, "{kind} after {took} ms");
            return (lease, *event);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_member_that_dies_is_flagged_and_stays_where_the_pool_keeps() {
    let server = Site::quick();
    let (lease, _) = bereaved(&server, OnBad::Keep, "lease.flagged").await;
    let now = server.admin().lease(lease.id).await.unwrap();
    assert_eq!((now.state, now.fence), (LeaseState::Active, lease.fence));
    assert!(now.resources[0].flagged && now.resources[0].id == lease.resources[0].id);
    let seen = server.admin().resource(now.resources[0].id).await.unwrap();
    assert_eq!(seen.failure.unwrap().cause, "unwell");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_member_that_dies_is_exchanged_under_a_new_fence_where_the_pool_swaps() {
    let server = Site::quick();
    let (lease, event) = bereaved(&server, OnBad::Swap, "lease.swapped").await;
    assert!(event.facts["fence"].as_u64() > lease.fence.map(|f| f.0));
    let now = server.admin().lease(lease.id).await.unwrap();
    assert_eq!(now.state, LeaseState::Active);
    assert!(now.fence > lease.fence);
    assert_ne!(now.resources[0].id, lease.resources[0].id);
    assert!(!now.resources[0].flagged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_member_dies_is_lost_where_the_pool_ends() {
    let server = Site::quick();
    let (lease, event) = bereaved(&server, OnBad::End, "lease.ended").await;
    assert_eq!(event.facts["end"], "lost");
    let now = server.admin().lease(lease.id).await.unwrap();
    assert_eq!(
        (now.state, now.end),
        (LeaseState::Ended, Some(LeaseEnd::Lost))
    );
}
