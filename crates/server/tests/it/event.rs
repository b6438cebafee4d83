//! What happened, as lists and streams; and leases of the past.

use std::time::Duration;

use caviada_api::client::{Client, Error, EventStream};
use caviada_api::event::{Event, EventQuery, Message};
use caviada_api::key::Role;
use caviada_api::lease::{Acquire, Lease, LeaseQuery, LeaseState, Release};
use caviada_api::problem::code;

use crate::site::Site;

async fn lease(client: &Client, pool: &str) -> Lease {
    let want = Acquire {
        pool: Some(pool.to_owned()),
        ..Acquire::default()
    };
    client.acquire(&want).await.unwrap()
}

async fn next(stream: &mut EventStream) -> Event {
    let message = tokio::time::timeout(Duration::from_secs(30), stream.next());
    match message.await.unwrap().unwrap() {
        Message::Event(event) => *event,
        Message::Progress(_) | Message::Host(_) | Message::Image(_) => {
            panic!("nothing is built here")
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_who_did_what() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let ann = site.user("ann").await;
    let held = lease(&ann, "boards").await;
    ann.release(held.id, &Release::default()).await.unwrap();
    let query = EventQuery {
        lease: Some(held.id),
        ..EventQuery::default()
    };
    let events = site.admin().events(&query).await.unwrap().items;
    let kinds: Vec<_> = events.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["lease.ended", "lease.granted"]);
    for event in &events {
        assert_eq!(event.principal.as_deref(), Some("ann"));
        assert_eq!(event.owner.as_deref(), Some("ann"));
        assert_eq!(event.pool.as_deref(), Some("boards"));
        assert_eq!(event.resource, Some(held.resources[0].id));
    }
    assert_eq!(events[0].command.as_deref(), Some("release"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_events_miss_nothing() {
    let site = Site::start().await;
    site.pool("boards", 12).await;
    let admin = site.admin();
    let mut query = EventQuery {
        after: Some("0".into()),
        kind: Some("resource".into()),
        limit: Some(5),
        ..EventQuery::default()
    };
    let mut ids = Vec::new();
    loop {
        let page = admin.events(&query).await.unwrap();
        ids.extend(page.items.into_iter().map(|e| e.resource.unwrap()));
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    assert!(ids.is_sorted());
    ids.dedup();
    assert_eq!(ids.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begun_at_a_list_has_no_gap() {
    let site = Site::start().await;
    site.pool("boards", 2).await;
    let (admin, ann) = (site.admin(), site.user("ann").await);
    let before = lease(&ann, "boards").await;
    let list = admin.leases(&LeaseQuery::default()).await.unwrap();
    assert_eq!(list.items.len(), 1);
    let missed = lease(&ann, "boards").await;
    let query = EventQuery {
        after: Some(list.revision.to_string()),
        kind: Some("lease".into()),
        ..EventQuery::default()
    };
    let mut stream = admin.watch(query).await.unwrap();
    let first = next(&mut stream).await;
    assert_eq!(
        (first.kind.as_str(), first.lease),
        ("lease.granted", Some(missed.id))
    );
    ann.release(before.id, &Release::default()).await.unwrap();
    let second = next(&mut stream).await;
    assert_eq!(
        (second.kind.as_str(), second.lease),
        ("lease.ended", Some(before.id))
    );
    assert_eq!(second.pool.as_deref(), Some("boards"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_only_what_was_asked_for() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    site.pool("racks", 1).await;
    let ann = site.user("ann").await;
    let query = EventQuery {
        pool: Some("racks".into()),
        ..EventQuery::default()
    };
    let mut stream = site.admin().watch(query).await.unwrap();
    lease(&ann, "boards").await;
    let racks = lease(&ann, "racks").await;
    assert_eq!(next(&mut stream).await.lease, Some(racks.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_another_past_is_gone() {
    let site = Site::start().await;
    for after in ["999999", "999999.0"] {
        let query = EventQuery {
            after: Some(after.into()),
            ..EventQuery::default()
        };
        let error = site.admin().events(&query).await.unwrap_err();
        assert_eq!(error.code(), Some(code::EVENTS_GONE));
        let error = site.admin().watch(query).await.unwrap_err();
        assert_eq!(error.code(), Some(code::EVENTS_GONE));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_up_to_what_is_forgotten_by_now_is_told_so_and_where_to_begin() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let read = site.admin().events(&EventQuery::default()).await.unwrap();
    // A fortnight passes.
    let age = "UPDATE journal SET at = at - 14 * 86400000";
    assert!(site.ledger_file().execute(age, []).unwrap() > 0);
    let after = |revision: u64| EventQuery {
        after: Some(revision.to_string()),
        ..EventQuery::default()
    };
    // The history has to read what comes next before the ledger forgets what it has read.
    let mut pools = (1..).map(|n| format!("racks-{n}"));
    let gone = loop {
        site.pool(&pools.next().unwrap(), 0).await;
        match site.admin().events(&after(1)).await {
            Err(error) => break error,
            Ok(more) => assert!(!more.items.is_empty()),
        }
    };
    let Error::Refused(gone) = gone else {
        panic!("{gone}");
    };
    assert_eq!((gone.status, &*gone.code), (410, code::EVENTS_GONE));
    assert_eq!(gone.facts["oldest"], format!("{}.0", read.revision + 1));
    let gone = site.admin().watch(after(1)).await.unwrap_err();
    assert_eq!(gone.code(), Some(code::EVENTS_GONE));
    // From its end on nothing is missing, and a list without a beginning has what there is.
    let kept = site
        .admin()
        .events(&after(read.revision))
        .await
        .unwrap()
        .items;
    assert!(!kept.is_empty());
    let all = site.admin().events(&EventQuery::default()).await.unwrap();
    assert!(all.items.iter().all(|event| kept.contains(event)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_refuses_what_only_pages_have_and_names_the_header_it_cannot_read() {
    let site = Site::start().await;
    let ask = async |query: &str, last: Option<&str>| {
        let path = format!("/api/v1/events{query}");
        let request = site.request(reqwest::Method::GET, &path, Some(crate::site::ADMIN));
        let mut request = request.header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    };
    for (query, last, status, field) in [
        ("?limit=5", None, 422, "limit"),
        ("?cursor=AAAA", None, 422, "cursor"),
        ("?after=x", None, 400, "after"),
        ("", Some("x"), 400, "Last-Event-ID"),
        ("?after=0", Some(""), 400, "Last-Event-ID"),
    ] {
        let response = ask(query, last).await;
        assert_eq!(response.status(), status, "{query} {last:?}");
        let problem: serde_json::Value = response.json().await.unwrap();
        assert_eq!(problem["errors"][0]["field"], field, "{query} {last:?}");
    }
    // The header has gone on where the address has not.
    assert_eq!(ask("?after=999999", Some("0.0")).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_server() {
    let site = Site::start().await;
    let response = site
        .request(
            reqwest::Method::GET,
            "/api/v1/events",
            Some(crate::site::ADMIN),
        )
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let ended = tokio::spawn(response.text());
    site.end().await;
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_carries_a_secret() {
    let site = Site::start().await;
    let secret = site.key("ci", Role::User).await;
    let hash = caviada_server::http::auth::hash(secret.as_bytes());
    let query = EventQuery {
        kind: Some("key".into()),
        ..EventQuery::default()
    };
    let events = site.admin().events(&query).await.unwrap().items;
    assert_eq!(events.len(), 2);
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains(&secret));
    assert!(!text.contains(&serde_json::to_string(&hash).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_of_the_past_are_listed_to_those_whose_they_were() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let (ann, bob) = (site.user("ann").await, site.user("bob").await);
    let held = lease(&ann, "boards").await;
    ann.release(held.id, &Release::default()).await.unwrap();
    let query = LeaseQuery {
        state: Some(LeaseState::Ended),
        ..LeaseQuery::default()
    };
    // The history follows the answers within a moment.
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let past = ann.leases(&query).await.unwrap().items;
        if past.first().is_some_and(|l| l.id == held.id) {
            assert_eq!(past[0].pools, ["boards"]);
            break;
        }
        assert!(tokio::time::Instant::now() < until, "the history lags");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(bob.leases(&query).await.unwrap().items.is_empty());
    assert!(bob.lease(held.id).await.unwrap_err().is_unknown());
}
