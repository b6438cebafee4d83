//! What every request passes.

use reqwest::{Method, StatusCode, header};

use crate::site::{ADMIN, Site};

#[tokio::test]
async fn a_method_that_is_not_there_is_answered_with_those_that_are() {
    let site = Site::start().await;
    for (path, methods) in [
        ("leases", &["GET", "HEAD", "POST"][..]),
        ("pools/boards", &["DELETE", "GET", "HEAD", "PUT"]),
    ] {
        let url = format!("{}/api/v1/{path}", site.url);
        let request = site
            .http
            .request(Method::PATCH, url)
            .bearer_auth(ADMIN)
            .send();
        let answer = request.await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        let allow = answer.headers()[header::ALLOW].to_str().unwrap().to_owned();
        let mut allowed: Vec<_> = allow.split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed, methods, "{path}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "method-not-allowed");
    }
    site.end().await;
}

#[tokio::test]
async fn a_head_has_the_status_of_its_get_and_no_body() {
    let site = Site::start().await;
    for (path, status) in [("/readyz", 200), ("/api/v1/pools", 401), ("/nowhere", 404)] {
        let ask = |method| site.http.request(method, format!("{}{path}", site.url));
        for _ in 0..2 {
            let head = ask(Method::HEAD).send().await.unwrap();
            assert_eq!(head.status().as_u16(), status, "{path}");
            assert!(head.bytes().await.unwrap().is_empty(), "{path}");
        }
        let get = ask(Method::GET).send().await.unwrap();
        assert_eq!(get.status().as_u16(), status, "{path}");
        assert!(!get.bytes().await.unwrap().is_empty(), "{path}");
    }
    site.end().await;
}
