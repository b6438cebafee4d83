//! Webhooks over the life of the real program.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use caviada_api::client::Client;
use caviada_api::event::Event;
use caviada_api::lease::{Acquire, Release};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::ResourceSpec;
use caviada_api::webhook::WebhookSpec;

use crate::site::{QUICK, Site, holds};

/// Accepts every call and keeps its event's id.
fn receiver() -> (String, Arc<Mutex<Vec<Event>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let events = Arc::new(Mutex::new(Vec::new()));
    let shared = events.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = shared.clone();
            std::thread::spawn(move || while take(&stream, &shared).is_some() {});
        }
    });
    (url, events)
}

fn take(mut stream: &TcpStream, events: &Mutex<Vec<Event>>) -> Option<()> {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        read.push(byte[0]);
    }
    let head = String::from_utf8(read).ok()?.to_lowercase();
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    let event = serde_json::from_slice(&body).unwrap();
    events.lock().unwrap().push(event);
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()
}

async fn cycle(client: &Client) {
    let want = Acquire {
        pool: Some("boards".into()),
        ..Acquire::default()
    };
    let lease = client.acquire(&want).await.unwrap();
    client.release(lease.id, &Release::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_told_over_kills_of_the_server() {
    let (url, events) = receiver();
    let targets = ("CAVIADA_WEBHOOK__TARGETS", "http://127.0.0.1");
    let variables = [&QUICK[..], &[targets]].concat();
    let mut server = Site::new();
    server.serve(&[], &variables);
    server.stay();
    let admin = server.admin();
    let spec = PoolSpec::default();
    admin.put_pool("boards", &spec, None).await.unwrap();
    let board = ResourceSpec {
        pool: "boards".into(),
        name: "b1".into(),
        ..ResourceSpec::default()
    };
    admin.declare(vec![board]).await.unwrap();
    let spec = WebhookSpec {
        url,
        events: Some(vec!["lease".into()]),
        ..WebhookSpec::default()
    };
    let secret = admin.put_webhook("chat", &spec, None).await.unwrap().secret;
    for _ in 0..4 {
        for _ in 0..25 {
            cycle(&admin).await;
        }
        server.crash();
        server.serve(&[], &variables);
    }
    // After the last start nothing new happens: what is left is told by itself.
    let ids = || -> BTreeSet<String> {
        let events = events.lock().unwrap();
        events.iter().map(|e| e.id.clone()).collect()
    };
    server
        .until("all 200 events", async || ids().len() >= 200)
        .await;
    let told = ids();
    let happened = server.events().await;
    let missed = happened
        .iter()
        .find(|e| e.kind.starts_with("lease.") && !told.contains(&e.id));
    assert_eq!(missed, None);
    // Sealed, and not in the log.
    let secret = secret.unwrap();
    assert!(!holds(server.folder(), &secret));
}
