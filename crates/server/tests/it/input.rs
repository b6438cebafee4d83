//! Bad input: each is refused with field and reason, and changes nothing.

mod case;
mod replay;

use std::time::Duration;

use caviada_api::key::Role;
use caviada_api::lease::{Acquire, LeaseEnd, Release};
use caviada_core::limits;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use case::cases;

use crate::site::{ADMIN, Site, plain_http};

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
async fn calls_on_an_expired_lease_are_refused_and_change_nothing() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let secret = site.key("ann", Role::User).await;
    let ann = site.client(&secret);
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
    let (bob, long) = (
        site.user("bob").await,
        Acquire {
            ttl_ms: None,
            ..short
        },
    );
    let next = bob.acquire(&long).await.unwrap();
    let before = revision(&site).await;
    let path = format!("/api/v1/leases/{}", lease.id);
    for (method, below, body) in [
        (Method::POST, "/renew", json!({})),
        (Method::POST, "/give", json!({"owner": "eve"})),
        (Method::POST, "/share", json!({"owners": ["eve"]})),
        (Method::PATCH, "", json!({"note": "n"})),
        (Method::GET, "/files", Value::Null),
    ] {
        let request = site.request(method.clone(), &format!("{path}{below}"), Some(&secret));
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (409, &"lease-ended".into()),
            "{method} {below}"
        );
    }
    assert_eq!(revision(&site).await, before);
    // To give back what is gone is no fault, and takes nothing from who has it now.
    let released = ann.release(lease.id, &Release::default()).await.unwrap();
    assert_eq!(released.end, Some(LeaseEnd::Expired));
    let holder = site
        .admin()
        .resource(next.resources[0].id)
        .await
        .unwrap()
        .holder;
    assert_eq!(holder.unwrap().lease, next.id);
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
