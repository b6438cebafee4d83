//! Bad input: each is refused with field and reason, and changes nothing.

use std::time::Duration;

use caviada_api::lease::{Acquire, Renew};
use caviada_core::limits;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::{ADMIN, Site, plain_http};

/// What is sent, and what must come back.
struct Case {
    method: Method,
    path: &'static str,
    body: String,
    status: u16,
    field: &'static str,
}

fn case(
    method: Method,
    path: &'static str,
    body: impl ToString,
    status: u16,
    field: &'static str,
) -> Case {
    Case {
        method,
        path,
        body: body.to_string(),
        status,
        field,
    }
}

fn cases() -> Vec<Case> {
    let post = |path, body: Value, status, field| case(Method::POST, path, body, status, field);
    let put = |path, body: Value, status, field| case(Method::PUT, path, body, status, field);
    let get = |path, status, field| case(Method::GET, path, "", status, field);
    let leases = "/api/v1/leases";
    let resources = "/api/v1/resources";
    let lease = "/api/v1/leases/lease_zzzzz";
    let item = |item: Value| json!({"items": [{"pool": "boards", "name": "ok"}, item]});
    let odd = || json!({"x": "a\u{7}b"});
    vec![
        post(
            resources,
            item(json!({"pool": "boards", "name": "odd", "attributes": odd()})),
            422,
            "items[1].attributes",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "odd", "attributes": {"x": "\u{0}"}})),
            422,
            "items[1].attributes",
        ),
        put(
            "/api/v1/pools/boards",
            json!({"attributes": odd()}),
            422,
            "attributes",
        ),
        put(
            "/api/v1/hosts/odd",
            json!({"driver": "process", "attributes": odd()}),
            422,
            "attributes",
        ),
        put(
            "/api/v1/pools/boards",
            json!({"indexed": ["a\u{7}b"]}),
            422,
            "indexed",
        ),
        case(
            Method::POST,
            leases,
            r#"{"pool":"boards","labels":{"a":"1","a":"2"}}"#,
            400,
            "labels.a",
        ),
        case(
            Method::POST,
            resources,
            r#"{"items":[{"pool":"boards","name":"odd","attributes":{"a":1,"a":2}}]}"#,
            400,
            "items[0].attributes.a",
        ),
        case(
            Method::PUT,
            "/api/v1/quotas/ann",
            r#"{"quantity_max":{"cpu":1,"cpu":2}}"#,
            400,
            "quantity_max.cpu",
        ),
        get("/api/v1/resources/res_zzzzz/logs?service=%0a", 404, ""),
        case(Method::POST, leases, "{", 400, "body"),
        case(Method::POST, leases, "{} {}", 400, "body"),
        case(Method::POST, leases, "[]", 400, "body"),
        case(Method::POST, leases, "\u{0}", 400, "body"),
        case(
            Method::POST,
            leases,
            r#"{"pool":"a","pool":"b"}"#,
            400,
            "pool",
        ),
        case(Method::POST, leases, "[".repeat(100_000), 400, "body"),
        post(leases, json!({"pol": "boards"}), 400, "pol"),
        post(leases, json!({"": 1}), 400, "body"),
        post(leases, json!({"pool": 5}), 400, "pool"),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": -1}),
            400,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": 1.5}),
            400,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": "1h"}),
            400,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "priority": 300}),
            400,
            "priority",
        ),
        post(
            leases,
            json!({"items": [{"pool": "boards", "cont": 2}]}),
            400,
            "items[0].cont",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": 1}),
            422,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "ttl_ms": u64::MAX}),
            422,
            "ttl_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "wait_ms": u64::MAX}),
            422,
            "wait_ms",
        ),
        post(
            leases,
            json!({"pool": "boards", "priority": 10}),
            422,
            "priority",
        ),
        post(
            leases,
            json!({"pool": "boards", "count": 0}),
            422,
            "items.count",
        ),
        post(
            leases,
            json!({"pool": "boards", "count": u32::MAX}),
            422,
            "items.count",
        ),
        post(leases, json!({"pool": "Boards"}), 422, "pool"),
        post(leases, json!({"pool": "bo\nards"}), 422, "pool"),
        post(
            leases,
            json!({"pool": "boards", "owner": "a\u{7}b"}),
            422,
            "owner",
        ),
        post(
            leases,
            json!({"pool": "boards", "owner": "o".repeat(129)}),
            422,
            "owner",
        ),
        post(
            leases,
            json!({"pool": "boards", "note": "n".repeat(513)}),
            422,
            "note",
        ),
        post(
            leases,
            json!({"pool": "boards", "selector": "a ="}),
            422,
            "selector",
        ),
        post(
            leases,
            json!({"pool": "boards", "labels": {"a b": "c"}}),
            422,
            "labels",
        ),
        post(
            leases,
            json!({"pool": "boards", "items": [{"pool": "boards"}]}),
            422,
            "items",
        ),
        post(
            leases,
            json!({"items": vec![json!({"pool": "boards"}); 65]}),
            422,
            "items",
        ),
        post(leases, json!({}), 422, "pool"),
        post(leases, json!({"pool": "no-such-pool"}), 404, ""),
        get(lease, 404, ""),
        get("/api/v1/leases/lease_00000000000zz", 404, ""),
        get("/api/v1/leases/%ff", 400, "request"),
        get("/api/v1/leases?limit=0", 422, "limit"),
        get("/api/v1/leases?limit=x", 400, "limit"),
        get("/api/v1/leases?limit=1&limit=2", 400, "limit"),
        get("/api/v1/leases?cursor=AAAA", 400, "cursor"),
        get("/api/v1/leases?colour=red", 400, "colour"),
        get("/api/v1/leases?sort=colour", 422, "sort"),
        get("/api/v1/resources?state=red", 400, "state"),
        get("/api/v1/events?after=x", 400, "after"),
        get("/api/v1/pools/boards?colour=red", 400, "colour"),
        get("/api/v1/pools/NO", 404, ""),
        get("/nowhere", 404, ""),
        case(Method::PUT, leases, "{}", 405, ""),
        post(
            resources,
            item(json!({"pool": "boards"})),
            400,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": ""})),
            422,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "a\u{1}"})),
            422,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "n".repeat(256)})),
            422,
            "items[1].name",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "b", "attributes": {"x": 1.5}})),
            400,
            "items[1].attributes.x",
        ),
        post(
            resources,
            item(json!({"pool": "boards", "name": "b", "divisible": {"range": "10.0.0.0/99"}})),
            422,
            "items[1].divisible",
        ),
        post(
            resources,
            item(json!({"pool": "nowhere", "name": "b"})),
            404,
            "",
        ),
        post(resources, json!({"items": []}), 422, "items"),
        post(
            resources,
            json!({"items": vec![json!({"pool": "boards", "name": "x"}); 257]}),
            422,
            "items",
        ),
        put("/api/v1/pools/No", json!({}), 422, "name"),
        put(
            "/api/v1/pools/p",
            json!({"lease": {"ttl_ms": 0}}),
            422,
            "lease.ttl_ms",
        ),
        put(
            "/api/v1/pools/p",
            json!({"recycle": {"class": "wash"}}),
            400,
            "recycle.class",
        ),
        put("/api/v1/pools/p", json!({"template": "nowhere"}), 404, ""),
        put(
            "/api/v1/hosts/h",
            json!({"driver": "abacus"}),
            400,
            "driver",
        ),
        put(
            "/api/v1/hosts/h",
            json!({"driver": "docker", "ports": {"first": 0, "last": 0, "block": 0}}),
            422,
            "ports",
        ),
        put(
            "/api/v1/templates/t",
            json!({"files": {}}),
            422,
            "template.toml",
        ),
        post(
            "/api/v1/keys",
            json!({"name": "k", "role": "king"}),
            400,
            "role",
        ),
        post(
            "/api/v1/keys",
            json!({"name": "k", "role": "user", "secret": "short"}),
            422,
            "secret",
        ),
    ]
    .into_iter()
    .chain(out_of_time())
    .collect()
}

/// Keys that would be over before they are made, or never.
fn out_of_time() -> [Case; 4] {
    [
        0,
        limits::TTL_MS_MIN - 1,
        limits::client::DURATION_MS_MAX + 1,
        u64::MAX,
    ]
    .map(|ms| {
        let key = json!({"name": "k", "role": "user", "expires_in_ms": ms});
        case(Method::POST, "/api/v1/keys", key, 422, "expires_in_ms")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lives_from_a_second_to_a_hundred_years() {
    let site = Site::start().await;
    for (name, ms) in [
        ("short", limits::TTL_MS_MIN),
        ("long", limits::client::DURATION_MS_MAX),
    ] {
        let key = json!({"name": name, "role": "user", "expires_in_ms": ms});
        let request = site.request(Method::POST, "/api/v1/keys", Some(ADMIN));
        assert_eq!(request.json(&key).send().await.unwrap().status(), 201);
    }
}

async fn revision(site: &Site) -> u64 {
    site.admin().stats().await.unwrap().revision
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_field_and_reason_and_changes_nothing() {
    let site = Site::start().await;
    site.pool("boards", 2).await;
    let before = revision(&site).await;
    for case in cases() {
        let request = site.request(case.method.clone(), case.path, Some(ADMIN));
        let request = request.header("content-type", "application/json");
        let response = request.body(case.body.clone()).send().await.unwrap();
        let shown: String = case.body.chars().take(80).collect();
        let what = format!("{} {} {shown}", case.method, case.path);
        assert_eq!(response.status(), case.status, "{what}");
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(kind, "application/problem+json", "{what}");
        let id = response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], case.status, "{what}");
        assert_eq!(problem["instance"], id.as_str(), "{what}");
        if !case.field.is_empty() {
            assert_eq!(
                problem["errors"][0]["field"], case.field,
                "{what} {problem}"
            );
            let reason = problem["errors"][0]["reason"].as_str().unwrap();
            assert!(!reason.is_empty(), "{what}");
        }
    }
    assert_eq!(revision(&site).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_body_is_refused_before_it_is_read() {
    let site = Site::start().await;
    let huge = vec![b' '; limits::BODY_BYTES_MAX + 1];
    let request = site.request(Method::POST, "/api/v1/leases", Some(ADMIN));
    let response = request.body(huge).send().await.unwrap();
    assert_eq!(response.status(), 413);
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["limit_bytes"], limits::BODY_BYTES_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_read_strictly() {
    let site = Site::start().await;
    let send = async |name: &'static str, value: &str| {
        let request = site.request(Method::PUT, "/api/v1/pools/p", Some(ADMIN));
        let request = request.json(&json!({})).header(name, value);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("if-match", "W/12").await, 400);
    assert_eq!(send("if-match", "\"1.0\", \"2.0\"").await, 400);
    assert_eq!(send("if-none-match", "\"1.0\"").await, 400);
    assert_eq!(send("idempotency-key", &"k".repeat(129)).await, 400);
    assert_eq!(send("if-match", "\"99.0\"").await, 412);
    assert_eq!(send("if-none-match", "*").await, 200);
    assert_eq!(send("if-none-match", "*").await, 412);
    let wrong_type = site
        .request(Method::POST, "/api/v1/leases", Some(ADMIN))
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(wrong_type.send().await.unwrap().status(), 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_its_senders_fault_and_one_too_large_is_not_asked_for() {
    let site = Site::with(caviada_server::http::Options {
        answer_within: Duration::from_secs(2),
        ..Default::default()
    })
    .await;
    let said = async |head: &str| {
        let address = site.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/v1/leases HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {ADMIN}\r\n{head}\r\n{{}}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4_096];
        let n = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..n]).into_owned()
    };
    let answer = said("Content-Length: 600\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("it did not arrive within"), "{answer}");
    for large in ["", "Expect: 100-continue\r\n"] {
        let answer = said(&format!("Content-Length: 60000000\r\n{large}")).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_stands_twice_in_a_call_is_refused_and_one_that_is_there_is_declared_anew() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    site.pool("cards", 1).await;
    let declare = async |items: Value| {
        let request = site.request(Method::POST, "/api/v1/resources", Some(ADMIN));
        let response = request.json(&json!({"items": items})).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let item = |pool: &str, name: &str| json!({"pool": pool, "name": name});
    let other = item("cards", "x");
    let (status, problem) = declare(json!([item("boards", "x"), other, item("boards", "x")])).await;
    assert_eq!(status, 422);
    assert_eq!(problem["errors"][0]["field"], "items[2].name", "{problem}");
    let free = async || site.admin().pool("boards").await.unwrap().counts.free;
    assert_eq!(free().await, 1, "nothing was declared");
    for _ in 0..2 {
        let (status, _) = declare(json!([item("boards", "x"), other])).await;
        assert_eq!(status, 201);
        assert_eq!(free().await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_on_an_expired_lease_are_refused() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let ann = site.user("ann").await;
    let short = Acquire {
        pool: Some("boards".into()),
        ttl_ms: Some(limits::TTL_MS_MIN),
        ..Acquire::default()
    };
    let lease = ann.acquire(&short).await.unwrap();
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    while ann.lease(lease.id).await.unwrap().end.is_none() {
        assert!(tokio::time::Instant::now() < until, "it does not expire");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = ann.renew(lease.id, &Renew::default()).await.unwrap_err();
    assert_eq!(error.code(), Some("lease-ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_to_show_a_key_are_slowed_down_and_a_known_key_is_heard() {
    let site = Site::start().await;
    let mut slowed = None;
    for _ in 0..200 {
        let request = site.request(Method::GET, "/api/v1/pools", Some("wrong-secret"));
        let response = request.send().await.unwrap();
        if response.status() == 429 {
            slowed = Some(response);
            break;
        }
        assert_eq!(response.status(), 401);
        assert!(response.headers().contains_key("www-authenticate"));
    }
    let slowed = slowed.expect("never slowed down");
    assert!(slowed.headers().contains_key("retry-after"));
    site.admin().stats().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_goes_through() {
    let site = Site::start().await;
    let request = site.request(Method::GET, "/livez", None);
    let response = request
        .header("x-request-id", "build-17")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], "build-17");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let response = plain_http()
        .get(format!("{}/livez", site.url))
        .send()
        .await
        .unwrap();
    assert!(!response.headers()["x-request-id"].is_empty());
}
