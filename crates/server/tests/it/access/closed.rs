//! Without a key that lives nothing is shown, and what is open says nothing of anybody.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use caviada_api::key::{NewKey, Role};
use caviada_core::limits;
use reqwest::Method;
use serde_json::Value;

use super::row::{Needs, rows};
use crate::site::{Site, new_key, plain_http_from};

/// Secrets that open nothing: of no key, of one that was removed, and of one that is over.
async fn worthless(site: &Site) -> [Option<String>; 4] {
    let admin = site.admin();
    let removed = admin.create_key(&new_key("gone", Role::Admin)).await;
    let removed = removed.unwrap();
    admin.delete_key(removed.key.id).await.unwrap();
    let short = NewKey {
        expires_in_ms: Some(limits::TTL_MS_MIN),
        ..new_key("over", Role::Admin)
    };
    let over = admin.create_key(&short).await.unwrap();
    let until = over.key.expires_at.unwrap();
    while site.handle.now().0 < until.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    [
        None,
        Some("no-such-secret".to_owned()),
        removed.secret,
        over.secret,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_that_lives_nothing_is_shown() {
    let site = Site::start().await;
    let worthless = worthless(&site).await;
    let before = *site.handle.committed().borrow();
    let closed = rows().into_iter().filter(|r| r.needs != Needs::Nothing);
    let mut calls = Vec::new();
    for row in closed {
        calls.extend(
            worthless
                .iter()
                .map(|secret| (row.method.clone(), row.path, row.body, secret)),
        );
    }
    // Each try counts as a failure of its address, and too many of those are answered otherwise.
    for (n, some) in calls.chunks(20).enumerate() {
        let from = Ipv4Addr::new(127, 0, 7, u8::try_from(n + 1).unwrap());
        let http = plain_http_from(IpAddr::V4(from));
        for (method, path, body, secret) in some {
            let mut request = http.request(method.clone(), format!("{}{path}", site.url));
            if let Some(secret) = secret {
                request = request.bearer_auth(secret);
            }
            let answer = request.json(&body()).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{method} {path} {secret:?}");
            assert!(answer.headers().contains_key("www-authenticate"));
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "unauthenticated", "{method} {path}");
        }
    }
    assert_eq!(*site.handle.committed().borrow(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_says_nothing_of_anybody() {
    let site = Site::start().await;
    site.pool("secret-pool", 1).await;
    let ask = async |path: &str| {
        let answer = site.request(Method::GET, path, None).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let open: Vec<_> = rows()
        .into_iter()
        .filter(|r| r.needs == Needs::Nothing)
        .collect();
    assert_eq!(open.len(), 4, "what is open to everybody is here by intent");
    for row in open {
        let path = row.path.replace("{code}", "malformed");
        let (status, text) = ask(&path).await;
        assert_eq!(status, 200, "{path}");
        assert!(!text.contains("secret-pool"), "{path}");
    }
    // What is no endpoint is none, however it is written.
    for path in [
        "/",
        "/docs",
        "/health",
        "/healthz",
        "/metrics/",
        "/console",
        "/compat/poolmanager",
        "/v2/clusters",
        "//api/v1/pools",
        "/./x/../metricsx",
        "/%61pi/v1/pools",
        "/API/v1/pools",
    ] {
        let (status, text) = ask(path).await;
        assert_eq!(status, 404, "{path}: {text}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["code"], "no-such-path", "{path}");
    }
    // Below the API not even that is told.
    for path in [
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/pools/",
        "/api/v1x",
    ] {
        assert_eq!(ask(path).await.0, 401, "{path}");
    }
}
