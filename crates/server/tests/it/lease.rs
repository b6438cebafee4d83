//! A lease's life over HTTP.

use caviada_api::key::Role;
use caviada_api::lease::{Acquire, Annotate, LeaseEnd, LeaseState, Release, Renew};
use caviada_api::list::PageQuery;
use caviada_api::problem::code;
use caviada_api::user::UserSpec;
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{ADMIN, Site};

fn of(pool: &str) -> Acquire {
    Acquire {
        pool: Some(pool.to_owned()),
        ..Acquire::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acquired_is_held_until_it_is_released() {
    let site = Site::start().await;
    let declared = site.pool("boards", 2).await;
    let ann = site.user("ann").await;

    let lease = ann.acquire(&of("boards")).await.unwrap();
    assert_eq!(lease.state, LeaseState::Active);
    assert_eq!(lease.owner, "ann");
    assert_eq!(lease.pools, ["boards"]);
    assert_eq!(lease.resources[0].id, declared[0].id);
    assert!(lease.fence.is_some() && lease.expires_in_ms.unwrap() > 3_500_000);
    assert_eq!(ann.lease(lease.id).await.unwrap().id, lease.id);

    let renew = Renew {
        ttl_ms: Some(7_200_000),
        fence: lease.fence,
    };
    let renewed = ann.renew(lease.id, &renew).await.unwrap();
    assert!(renewed.expires_at > lease.expires_at);

    let ended = ann.release(lease.id, &Release::default()).await.unwrap();
    assert_eq!(ended.state, LeaseState::Ended);
    assert_eq!(ended.end, Some(LeaseEnd::Released));
    let renewal = ann.renew(lease.id, &Renew::default()).await.unwrap_err();
    assert_eq!(renewal.code(), Some(code::LEASE_ENDED));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_safe_to_repeat() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let ann = site.user("ann").await;
    let lease = ann.acquire(&of("boards")).await.unwrap();
    let first = ann.release(lease.id, &Release::default()).await.unwrap();
    let other = ann.acquire(&of("boards")).await.unwrap();
    let second = ann.release(lease.id, &Release::default()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(ann.lease(other.id).await.unwrap().state, LeaseState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_pool_is_refused_at_once_or_waited_for() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let held = ann.acquire(&of("boards")).await.unwrap();
    let error = bob.acquire(&of("boards")).await.unwrap_err();
    assert_eq!(error.code(), Some(code::POOL_EXHAUSTED));

    let patient = Acquire {
        wait_ms: Some(60_000),
        ..of("boards")
    };
    let waiting = bob.acquire(&patient).await.unwrap();
    assert_eq!(waiting.state, LeaseState::Waiting);
    assert_eq!(waiting.position, Some(0));
    assert!(waiting.estimate_ms.unwrap() <= held.expires_in_ms.unwrap());
    assert!(waiting.why.unwrap().contains("1 leased"));
    assert_eq!(waiting.pools, ["boards"]);
    let granted = tokio::spawn({
        let bob = bob.clone();
        async move { bob.lease_settled(waiting.id, 30_000).await.unwrap() }
    });
    ann.release(held.id, &Release::default()).await.unwrap();
    let granted = granted.await.unwrap();
    assert_eq!(granted.state, LeaseState::Active);
    assert_eq!(granted.resources[0].id, held.resources[0].id);
    assert!(granted.fence > held.fence);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_gives_the_same_lease() {
    let site = Site::start().await;
    site.pool("boards", 3).await;
    let ann = site.user("ann").await;
    let first = ann.acquire_once(&of("boards"), "job-17").await.unwrap();
    let again = ann.acquire_once(&of("boards"), "job-17").await.unwrap();
    assert_eq!(first.id, again.id);
    let other = Acquire {
        ttl_ms: Some(5_000),
        ..of("boards")
    };
    let error = ann.acquire_once(&other, "job-17").await.unwrap_err();
    assert_eq!(error.code(), Some(code::IDEMPOTENCY_KEY_REUSED));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_repeats_that_he_gave_a_lease_away_is_told_so_and_nothing_of_what_became_of_it() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let secret = site.key("ann", Role::User).await;
    let (ann, bob) = (site.client(&secret), site.user("bob").await);
    let lease = ann.acquire(&of("boards")).await.unwrap().id;
    let give = async || {
        let path = format!("/api/v1/leases/{lease}/give");
        let request = site.request(Method::POST, &path, Some(&secret));
        let request = request.header("idempotency-key", "give-7");
        let answer = request.json(&json!({"owner": "bob"})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()
    };
    assert_eq!(give().await["state"], "active");
    let note = Annotate {
        note: Some("the plans of Bob".into()),
        ..Annotate::default()
    };
    bob.annotate(lease, &note).await.unwrap();
    let again = give().await;
    let told = [
        &again["id"],
        &again["owner"],
        &again["why"],
        &again["state"],
    ];
    let id = lease.to_string();
    assert_eq!(told, [&*id, "bob", "it was given to bob", "ended"]);
    assert!(again["resources"].as_array().unwrap().is_empty());
    assert!(!again.to_string().contains("plans"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_about_what_is_gone_is_answered_that_it_is_gone() {
    let site = Site::start().await;
    let admin = site.admin();
    admin
        .put_user("zoe", &UserSpec::default(), None)
        .await
        .unwrap();
    let once = async |method: Method, path: &str, body: Value| {
        let request = site.request(method, path, Some(ADMIN));
        let request = request.header("idempotency-key", path);
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    let key = async || {
        once(
            Method::POST,
            "/api/v1/keys",
            json!({"name": "k", "role": "user"}),
        )
        .await
    };
    let profile = json!({"email": "zoe@example.org"});
    let path = "/api/v1/users/zoe/profile";
    let user = async || once(Method::PUT, path, profile.clone()).await;
    assert_eq!((key().await, user().await), (201, 200));
    assert_eq!((key().await, user().await), (201, 200));
    let keys = admin.keys(&PageQuery::default()).await.unwrap().items;
    let made = keys.iter().find(|k| k.name == "k").unwrap().id;
    admin.delete_key(made).await.unwrap();
    admin.delete_user("zoe").await.unwrap();
    assert_eq!((key().await, user().await), (404, 404));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ending_server_finishes_what_it_began() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let ann = site.user("ann").await;
    let held = ann.acquire(&of("boards")).await.unwrap();
    let handle = site.handle.clone();
    site.end().await;
    assert!(ann.lease(held.id).await.is_err());
    assert!(
        handle
            .snapshot()
            .await
            .unwrap()
            .leases
            .get(&held.id)
            .is_some()
    );
}
