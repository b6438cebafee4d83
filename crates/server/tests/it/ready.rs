//! When a server says that it is ready, and when not.

use std::time::{Duration, Instant};

use axum::http::Method;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::Site;
use crate::stall::{Gate, Said, Stalled};

async fn ready(stalled: &Stalled) -> Said {
    stalled.ask(Method::GET, "/readyz", "", "").await
}

async fn acquire(stalled: &Stalled) -> Said {
    let body = r#"{"pool":"boards","wait_ms":60000}"#;
    stalled.ask(Method::POST, "/api/v1/leases", "", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_ready_once_its_ledger_has_published() {
    let stalled = Stalled::start().await;
    // Nobody has asked to read since the last commit, and the next one does not end.
    stalled.set(Gate::Closed);
    let waits = async {
        stalled.held().await;
        let no = ready(&stalled).await;
        no.is_problem(503, "unavailable");
        no.says_when();
        // The process lives all the same.
        let lives = stalled.ask(Method::GET, "/livez", "", "").await;
        assert_eq!(lives.status, 200);
        stalled.set(Gate::Open);
    };
    let (granted, ()) = tokio::join!(acquire(&stalled), waits);
    assert_eq!(granted.status, 201);
    assert_eq!(ready(&stalled).await.status, 200);
    // What was published is read also while a commit stands still.
    stalled.set(Gate::Closed);
    let waits = async {
        stalled.held().await;
        assert_eq!(ready(&stalled).await.status, 200);
        stalled.set(Gate::Open);
    };
    let (waiting, ()) = tokio::join!(acquire(&stalled), waits);
    assert_eq!(waiting.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_a_server_stays_ready_to_be_read() {
    let stalled = Stalled::start().await;
    let before = stalled.handle.snapshot().await.unwrap().revision();
    stalled.set(Gate::Full);
    for _ in 0..3 {
        let no = acquire(&stalled).await;
        no.is_problem(503, "unavailable");
        no.says_when();
        assert_eq!(ready(&stalled).await.status, 200);
        let read = stalled
            .ask(Method::GET, "/api/v1/pools/boards", "", "")
            .await;
        assert_eq!(
            (read.status, &read.body["counts"]["free"]),
            (200, &1.into())
        );
    }
    assert_eq!(stalled.handle.snapshot().await.unwrap().revision(), before);
    stalled.set(Gate::Open);
    assert_eq!(acquire(&stalled).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_store_was_taken_over_is_ready_no_more() {
    let stalled = Stalled::start().await;
    assert_eq!(ready(&stalled).await.status, 200);
    stalled.set(Gate::Taken);
    let no = acquire(&stalled).await;
    no.is_problem(503, "unavailable");
    // Its thread is about to end.
    let until = Instant::now() + Duration::from_secs(60);
    let no = loop {
        let said = ready(&stalled).await;
        if said.status != 200 {
            break said;
        }
        assert!(Instant::now() < until, "it stays ready");
        tokio::task::yield_now().await;
    };
    no.is_problem(503, "unavailable");
    no.says_when();
}

/// A connection that is there when the server is told to end may still carry a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_is_not_ready() {
    let site = Site::start().await;
    let get = site.request(Method::GET, "/readyz", None);
    assert_eq!(get.send().await.unwrap().status(), StatusCode::OK);
    let address = site.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    // Half a request: the server waits for the rest of it while it ends.
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    let ends = tokio::spawn(site.end());
    // Nobody new is let in from then on.
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(&address).await.is_ok() {
        assert!(Instant::now() < until, "it still listens");
        tokio::task::yield_now().await;
    }
    stream
        .write_all(b"Connection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    ends.await.unwrap();
}
