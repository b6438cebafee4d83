//! What was given back, beside much that is none of the caller's.

use std::time::{Duration, Instant};

use caviada_api::lease::{Acquire, Release};
use caviada_server::compat::poolmanager::Version;
use futures_util::future::join_all;

use super::Old;

/// More leases than are looked at in one search.
const OTHERS: usize = 1_010;

#[tokio::test]
async fn what_others_gave_back_hides_nothing() {
    let old = Old::start(Version::Cello07, 1).await;
    old.get("/v2/cluster_apply?user_id=ann").await.done();
    old.get("/v2/cluster_release?user_id=ann").await.done();
    old.site.pool("other", OTHERS / 10).await;
    // A pool of the caller's, whose members are no clusters.
    old.site.pool("more", 1).await;
    let admin = old.site.admin();
    let use_once = async |pool: &str| {
        let want = Acquire {
            pool: Some(pool.into()),
            ..Acquire::default()
        };
        let held = admin.acquire(&want).await.unwrap();
        admin.release(held.id, &Release::default()).await.unwrap();
        held.id
    };
    for _ in 0..10 {
        join_all((0..OTHERS / 10).map(|_| use_once("other"))).await;
    }
    let last = use_once("more").await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let ended = || old.site.history.lease(last).unwrap()?.ended_at;
    while ended().is_none() {
        assert!(Instant::now() < deadline, "the history stays behind");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let all = old.get("/v2/clusters?state=released").await;
    let users: Vec<_> = all
        .done()
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["user_id"])
        .collect();
    assert_eq!(users, ["ann"]);
}
