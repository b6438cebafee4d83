//! Calls that are answered late, badly or not at all.

use caviada_api::client::{Client, Error, Options};
use caviada_api::lease::{Acquire, Release};
use caviada_api::pool::PoolSpec;
use caviada_api::quota::QuotaSpec;
use caviada_core::id::{Fence, LeaseId, ResourceId};

use crate::stand_in::{Answer, StandIn};

fn lease() -> serde_json::Value {
    serde_json::json!({
        "id": "lease_0000000000007", "state": "active", "fence": 8, "owner": "ana",
        "pools": ["boards"], "created_at": "2031-04-05T06:07:08.009Z", "resources": [],
        "priority": 5, "purpose": "use", "etag": "1.0", "something_new": true,
    })
}

fn boards() -> Acquire {
    Acquire {
        pool: Some("boards".into()),
        ..Acquire::default()
    }
}

#[tokio::test]
async fn a_repeat_carries_the_same_idempotency_key_and_body() {
    let answers = vec![
        Answer::Nothing,
        Answer::problem(503, "unavailable"),
        Answer::Body(201, "application/json", lease().to_string()),
    ];
    let server = StandIn::start(answers).await;
    let granted = server.client().acquire(&boards()).await.unwrap();
    assert_eq!(granted.id, LeaseId(7));

    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for request in &asked {
        assert_eq!(request.line, "POST /api/v1/leases");
        assert_eq!(request.body, r#"{"pool":"boards"}"#);
        assert_eq!(request.headers["authorization"], "Bearer the-secret");
        let key = &request.headers["idempotency-key"];
        assert_eq!(key, &asked[0].headers["idempotency-key"]);
        assert_eq!(key.len(), 32);
    }
}

#[tokio::test]
async fn who_asked_too_often_comes_again() {
    let answers = vec![
        Answer::problem(429, "too-many-requests"),
        Answer::Body(201, "application/json", lease().to_string()),
    ];
    let server = StandIn::start(answers).await;
    assert!(server.client().acquire(&boards()).await.is_ok());
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn two_calls_have_two_idempotency_keys() {
    let server = StandIn::start(vec![Answer::json(lease()), Answer::json(lease())]).await;
    let client = server.client();
    client.acquire(&boards()).await.unwrap();
    client.acquire(&boards()).await.unwrap();
    let asked = server.asked();
    assert_ne!(
        asked[0].headers["idempotency-key"],
        asked[1].headers["idempotency-key"]
    );
}

#[tokio::test]
async fn a_refusal_is_final_and_says_why() {
    let server = StandIn::start(vec![Answer::problem(409, "pool-exhausted")]).await;
    let error = server.client().acquire(&boards()).await.unwrap_err();
    assert_eq!(error.code(), Some("pool-exhausted"));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn tries_are_bounded() {
    let server = StandIn::start(Vec::new()).await;
    let error = server.client().stats().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn an_answer_of_something_else_is_told_apart() {
    let page = "<html>hello</html>".to_owned();
    let answers = vec![
        Answer::Body(200, "text/html", page.clone()),
        Answer::Body(404, "text/html", page),
    ];
    let server = StandIn::start(answers).await;
    for _ in 0..2 {
        let error = server.client().stats().await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_key_does_not_follow_a_redirect() {
    let elsewhere = StandIn::start(vec![Answer::json(lease())]).await;
    let location: &'static str = format!("location: {}/api/v1/stats", elsewhere.url).leak();
    let server = StandIn::start(vec![Answer::Headers(307, location)]).await;
    let error = server.client().stats().await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn names_and_queries_are_escaped() {
    let server = StandIn::start(vec![Answer::json("{}"), Answer::json(lease())]).await;
    let client = server.client();
    // The answer does not matter here, only the request does.
    let _ = client
        .put_quota("a/b ü?", &QuotaSpec::default(), Some("3.1"))
        .await;
    let release = Release {
        resources: vec![ResourceId(1), ResourceId(2)],
        reason: Some("a&b=c".into()),
        fence: Some(Fence(9)),
        ..Release::default()
    };
    client.release(LeaseId(7), &release).await.unwrap();

    let asked = server.asked();
    assert_eq!(asked[0].line, "PUT /api/v1/quotas/a%2Fb%20%C3%BC%3F");
    assert_eq!(asked[0].headers["if-match"], "\"3.1\"");
    assert_eq!(
        asked[1].line,
        "DELETE /api/v1/leases/lease_0000000000007\
         ?resources=res_0000000000001%2Cres_0000000000002&reason=a%26b%3Dc&fence=9"
    );
    assert_eq!(asked[1].body, "");
}

#[tokio::test]
async fn a_server_below_a_path_is_found() {
    let server = StandIn::start(vec![Answer::problem(404, "unknown-pool")]).await;
    let client = Client::new(&Options::new(format!("{}/lab/", server.url))).unwrap();
    let error = client
        .put_pool("boards", &PoolSpec::default(), None)
        .await
        .unwrap_err();
    assert!(error.is_unknown());
    assert_eq!(server.asked()[0].line, "PUT /lab/api/v1/pools/boards");
}

#[test]
fn options_that_cannot_be_used_are_refused() {
    for url in ["", "localhost:7632", "ftp://x", "unix:///x", "http://"] {
        let error = Client::new(&Options::new(url)).unwrap_err();
        assert!(matches!(error, Error::Options(_)), "{url}: {error}");
    }
    let mut options = Options::new("http://127.0.0.1:1");
    options.key = Some("a\nb".into());
    assert!(Client::new(&options).is_err());
    let mut options = Options::new("https://127.0.0.1:1");
    options.ca_pem =
        Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec());
    assert!(Client::new(&options).is_err());
}
