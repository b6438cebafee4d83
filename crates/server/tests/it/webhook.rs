//! Webhooks, against real receivers on loopback that fail, hang and come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use caviada_api::client::{Client, Error};
use caviada_api::event::Event;
use caviada_api::key::Role;
use caviada_api::lease::{Acquire, CleanResult, Purpose, Release};
use caviada_api::list::PageQuery;
use caviada_api::pool::{PoolSpec, RecycleClass};
use caviada_api::webhook::{DeclaredWebhook, Webhook, WebhookSpec};
use caviada_core::attribute::{Attributes, Labels};
use caviada_core::command::{Act, By, Command, Entry};
use caviada_core::limits;
use caviada_core::name::{Name, ResourceName};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::site::{Site, new_key};

/// What takes longer hangs.
const WITHIN: Duration = Duration::from_secs(60);

/// How a receiver behaves.
#[derive(Debug, Clone, PartialEq)]
enum Mood {
    Well,
    /// Answers with this status, and perhaps another place to go.
    Answers(u16, Option<String>),
    /// Takes requests and answers none.
    Hangs,
}

/// One call as it came.
#[derive(Debug, Clone)]
struct Call {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Call {
    fn event(&self) -> Event {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Debug)]
struct Seen {
    mood: Mood,
    /// Calls that were accepted.
    accepted: Vec<Call>,
    /// Calls in all.
    asked: usize,
    /// Kind of the last one's event.
    last: String,
}

/// An HTTP server for webhooks.
#[derive(Debug, Clone)]
struct Receiver {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen {
            mood,
            accepted: vec![],
            asked: 0,
            last: String::new(),
        }));
        let shared = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { port, seen }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn becomes(&self, mood: Mood) {
        self.seen.lock().unwrap().mood = mood;
    }

    fn accepted(&self) -> Vec<Call> {
        self.seen.lock().unwrap().accepted.clone()
    }

    fn asked(&self) -> usize {
        self.seen.lock().unwrap().asked
    }

    fn last(&self) -> String {
        self.seen.lock().unwrap().last.clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.accepted().iter().map(|c| c.event().kind).collect()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Seen>>) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(read.drain(..end + 4).collect()).unwrap();
        let headers: BTreeMap<String, String> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers["content-length"].parse().unwrap();
        while read.len() < length {
            stream.read_buf(&mut read).await.ok()?;
        }
        let body: Vec<u8> = read.drain(..length).collect();
        let mood = {
            let mut seen = seen.lock().unwrap();
            let call = Call { headers, body };
            seen.asked += 1;
            seen.last = call.event().kind;
            if seen.mood == Mood::Well {
                seen.accepted.push(call);
            }
            seen.mood.clone()
        };
        let answer = match mood {
            Mood::Well => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            Mood::Answers(status, to) => {
                let to = to.map_or(String::new(), |to| format!("Location: {to}\r\n"));
                format!("HTTP/1.1 {status} Well\r\n{to}Content-Length: 0\r\n\r\n")
            }
            Mood::Hangs => std::future::pending().await,
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn declare(admin: &Client, name: &str, url: String, events: &[&str]) -> DeclaredWebhook {
    let events = (!events.is_empty()).then(|| events.iter().map(|e| (*e).to_owned()).collect());
    let spec = WebhookSpec {
        url,
        events,
        ..WebhookSpec::default()
    };
    admin.put_webhook(name, &spec, None).await.unwrap()
}

async fn cycle(client: &Client) {
    let want = Acquire {
        pool: Some("boards".into()),
        wait_ms: Some(30_000),
        ..Acquire::default()
    };
    let lease = client.acquire(&want).await.unwrap();
    client.release(lease.id, &Release::default()).await.unwrap();
}

/// HMAC-SHA256 as RFC 2104 writes it, from the digest alone.
fn hmac(secret: &[u8], text: &[u8]) -> String {
    let mut key = [0u8; 64];
    if secret.len() > 64 {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let pad = |with: u8| key.map(|b| b ^ with);
    let inner = Sha256::digest([&pad(0x36)[..], text].concat());
    let outer = Sha256::digest([&pad(0x5c)[..], &inner[..]].concat());
    outer.iter().map(|b| format!("{b:02x}")).collect()
}

/// Every subject's events came in the order of their numbers.
fn in_order(calls: &[Call]) {
    let mut newest: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for event in calls.iter().map(Call::event).filter(|e| e.kind != "gap") {
        let (revision, index) = event.id.split_once('.').unwrap();
        let number = (revision.parse().unwrap(), index.parse().unwrap());
        let noun = event.kind.split('.').next().unwrap().to_owned();
        let subject = (noun, event.lease, event.resource, event.pool.clone());
        let before = newest.insert(subject, number);
        assert!(
            before.is_none_or(|b| b < number),
            "{event:?} after {before:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_signed_and_in_order() {
    let site = Site::start().await;
    site.pool("boards", 4).await;
    let admin = site.admin();
    let receiver = Receiver::start(Mood::Well).await;
    let made = declare(&admin, "chat", receiver.url(), &["lease"]).await;
    let secret = made.secret.expect("shown once");
    for _ in 0..20 {
        cycle(&admin).await;
    }
    until("40 events", || receiver.accepted().len() >= 40).await;
    let calls = receiver.accepted();
    assert_eq!(calls.len(), 40, "nothing failed, so nothing is repeated");
    in_order(&calls);
    for call in &calls {
        assert!(call.event().kind.starts_with("lease."));
        assert_eq!(call.headers["caviada-event"], call.event().id);
        assert_eq!(call.headers["caviada-webhook"], "chat");
        let stamp = &call.headers["caviada-timestamp"];
        let signed = [stamp.as_bytes(), b".", &call.body].concat();
        let signature = format!("v1={}", hmac(secret.as_bytes(), &signed));
        assert_eq!(call.headers["caviada-signature"], signature);
    }
    // What was put again is not shown again, and tells of no new secret.
    let again = declare(&admin, "chat", receiver.url(), &["lease"]).await;
    assert_eq!(
        (again.secret, again.webhook.etag),
        (None, made.webhook.etag)
    );
    let shown = admin.webhook("chat").await.unwrap();
    let listed = admin.webhooks(&PageQuery::default()).await.unwrap().items;
    for webhook in [&shown, &listed[0]] {
        assert_eq!(webhook.spec.secret, None);
        assert!(!serde_json::to_string(webhook).unwrap().contains(&secret));
    }
    let list = site.admin().events(&Default::default()).await.unwrap();
    assert!(!serde_json::to_string(&list).unwrap().contains(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_ones_own_takes_the_place_of_the_old_one() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let admin = site.admin();
    let receiver = Receiver::start(Mood::Well).await;
    declare(&admin, "chat", receiver.url(), &["lease"]).await;
    let mut spec = WebhookSpec {
        url: receiver.url(),
        events: Some(vec!["lease.ended".into()]),
        secret: Some("my own secret".into()),
        ..WebhookSpec::default()
    };
    let put = admin.put_webhook("chat", &spec, None).await.unwrap();
    assert_eq!(put.secret, None);
    let same = admin.put_webhook("chat", &spec, None).await.unwrap();
    assert_eq!(same.webhook.etag, put.webhook.etag);
    cycle(&admin).await;
    until("an event", || !receiver.accepted().is_empty()).await;
    let call = receiver.accepted().remove(0);
    assert_eq!(call.event().kind, "lease.ended");
    let signed = [
        call.headers["caviada-timestamp"].as_bytes(),
        b".",
        &call.body,
    ]
    .concat();
    let signature = format!("v1={}", hmac(b"my own secret", &signed));
    assert_eq!(call.headers["caviada-signature"], signature);
    spec.secret = Some("short".into());
    let error = admin.put_webhook("chat", &spec, None).await.unwrap_err();
    assert_eq!(error.code(), Some("invalid"));
    admin.delete_webhook("chat").await.unwrap();
    assert!(admin.webhook("chat").await.unwrap_err().is_unknown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_no_kind_of_event_and_no_noun_of_one_is_refused() {
    let site = Site::start().await;
    let admin = site.admin();
    let receiver = Receiver::start(Mood::Well).await;
    let put = async |word: &str| {
        let spec = WebhookSpec {
            url: receiver.url(),
            events: Some(vec!["lease.ended".into(), word.to_owned()]),
            ..WebhookSpec::default()
        };
        admin.put_webhook("chat", &spec, None).await
    };
    // Outcomes are bookkeeping, of which nobody is told.
    for word in ["nosuch", "lease.", "lease.granted.", "Lease", "", "outcome"] {
        let Err(Error::Refused(problem)) = put(word).await else {
            panic!("{word} is taken");
        };
        assert_eq!(problem.status, 422, "{word}");
        assert_eq!(problem.errors[0].field, "events", "{word}");
    }
    for word in ["resource", "host.lost", "user.signed_in"] {
        put(word).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_fails_is_told_again_and_misses_nothing() {
    let site = Site::start().await;
    site.pool("boards", 2).await;
    let admin = site.admin();
    let receiver = Receiver::start(Mood::Answers(500, None)).await;
    declare(&admin, "chat", receiver.url(), &["lease"]).await;
    for _ in 0..5 {
        cycle(&admin).await;
    }
    until("a first failure", || receiver.asked() > 0).await;
    let failing = async || admin.webhook("chat").await.unwrap();
    let mut shown: Webhook = failing().await;
    while shown.failures == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        shown = failing().await;
    }
    assert!(shown.why.unwrap().contains("500"));
    receiver.becomes(Mood::Well);
    until("all of it", || receiver.accepted().len() >= 10).await;
    in_order(&receiver.accepted());
    let kinds = receiver.kinds();
    assert_eq!(kinds.iter().filter(|k| *k == "lease.granted").count(), 5);
    assert_eq!(kinds.iter().filter(|k| *k == "lease.ended").count(), 5);
    while failing().await.failures > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(failing().await.why, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_harms_only_itself() {
    let site = Site::start().await;
    site.pool("boards", 2).await;
    let admin = site.admin();
    let sick = Receiver::start(Mood::Hangs).await;
    let well = Receiver::start(Mood::Well).await;
    declare(&admin, "sick", sick.url(), &["lease"]).await;
    declare(&admin, "well", well.url(), &["lease"]).await;
    for _ in 0..300 {
        cycle(&admin).await;
    }
    until("600 events", || well.accepted().len() >= 600).await;
    in_order(&well.accepted());
    // Its calls are bounded, and nothing came of them.
    assert!(sick.asked() <= limits::WEBHOOK_CALLS_MAX);
    assert_eq!(sick.accepted().len(), 0);
    sick.becomes(Mood::Well);
    until("the sick one has them, too", || {
        sick.accepted().len() >= 600
    })
    .await;
    in_order(&sick.accepted());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_configuration_lists_is_called() {
    let receiver = Receiver::start(Mood::Well).await;
    let name = format!("http://localhost:{}", receiver.port);
    let site = Site::telling(&[&name]).await;
    site.pool("boards", 1).await;
    let admin = site.admin();
    for url in [
        receiver.url(),
        format!("http://[::1]:{}/", receiver.port),
        format!("http://0x7f000001:{}/", receiver.port),
        "https://example.org/".to_owned(),
        "http://localhost:1/".to_owned(),
    ] {
        let spec = WebhookSpec {
            url: url.clone(),
            ..WebhookSpec::default()
        };
        let error = admin.put_webhook("no", &spec, None).await.unwrap_err();
        assert_eq!(error.code(), Some("target-not-allowed"), "{url}");
    }
    // The name is listed, and leads where only a listed address may.
    let url = format!("http://localhost:{}/", receiver.port);
    declare(&admin, "turned", url, &["lease"]).await;
    cycle(&admin).await;
    let mut shown = admin.webhook("turned").await.unwrap();
    while shown.failures == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        shown = admin.webhook("turned").await.unwrap();
    }
    assert!(shown.why.unwrap().contains("not public"));
    assert_eq!(receiver.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_sends_elsewhere_has_failed() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let admin = site.admin();
    let other = Receiver::start(Mood::Well).await;
    let sends = Receiver::start(Mood::Answers(307, Some(other.url()))).await;
    declare(&admin, "chat", sends.url(), &["lease"]).await;
    cycle(&admin).await;
    until("two tries", || sends.asked() >= 2).await;
    assert_eq!(other.asked(), 0);
}

/// Declares 256 resources: as many events in one revision.
async fn many(site: &Site, round: usize) {
    let declare = |i: usize| Act::Declare {
        pool: Name::new("boards").unwrap(),
        name: ResourceName::new(&format!("{round}-{i}")).unwrap(),
        attributes: Attributes::default(),
        labels: Labels::default(),
        endpoints: vec![],
        declared_in: None,
        entry: Entry::Withheld,
        space: None,
        expect: None,
    };
    let command = Command {
        by: By::System,
        idempotency: None,
        act: Act::All((0..256).map(declare).collect()),
    };
    site.handle.submit(command).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lags_by_100_000_events_is_told_of_one_gap_and_goes_on() {
    let site = Site::start().await;
    site.pool("boards", 1).await;
    let admin = site.admin();
    let receiver = Receiver::start(Mood::Answers(503, None)).await;
    declare(&admin, "chat", receiver.url(), &["resource", "lease"]).await;
    for round in 0..limits::WEBHOOK_BACKLOG_EVENTS_MAX / 256 + 2 {
        many(&site, round).await;
    }
    until("it is told of a gap", || receiver.last() == "gap").await;
    receiver.becomes(Mood::Well);
    until("the gap", || receiver.kinds().iter().any(|k| k == "gap")).await;
    cycle(&admin).await;
    until("what follows", || {
        receiver.kinds().iter().any(|k| k == "lease.ended")
    })
    .await;
    let calls = receiver.accepted();
    in_order(&calls);
    let events: Vec<Event> = calls.iter().map(Call::event).collect();
    let gaps: Vec<&Event> = events.iter().filter(|e| e.kind == "gap").collect();
    assert_eq!(gaps.len(), 1);
    assert!(gaps[0].facts["after"].is_string());
    assert!(events.len() < 10_000, "{} were told", events.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleaner_that_a_webhook_calls_makes_what_was_used_clean() {
    let site = Site::start().await;
    let mut spec = PoolSpec::default();
    spec.recycle.class = Some(RecycleClass::Hook);
    site.pool_with("boards", 1, spec).await;
    let (admin, ann) = (site.admin(), site.user("ann").await);
    let receiver = Receiver::start(Mood::Well).await;
    declare(&admin, "cleaner", receiver.url(), &["lease.ended"]).await;
    let use_it = Acquire {
        pool: Some("boards".into()),
        ..Acquire::default()
    };
    let lease = ann.acquire(&use_it).await.unwrap();
    ann.release(lease.id, &Release::default()).await.unwrap();
    until("the cleaner is called", || !receiver.accepted().is_empty()).await;
    let told = receiver.accepted()[0].event();
    assert_eq!(told.pool.as_deref(), Some("boards"));

    let clean_it = Acquire {
        pool: told.pool,
        purpose: Purpose::Clean,
        ..Acquire::default()
    };
    let stranger = ann.acquire(&clean_it).await.unwrap_err();
    assert_eq!(stranger.code(), Some("forbidden"));
    let mut key = new_key("cleaner", Role::User);
    key.act_for = vec!["boards".into()];
    let key = admin.create_key(&key).await.unwrap();
    let cleaner = site.client(&key.secret.unwrap());
    for (result, next) in [
        (CleanResult::Failed, Some("pool-exhausted")),
        (CleanResult::Ok, None),
    ] {
        let cleaning = cleaner.acquire(&clean_it).await.unwrap();
        assert_eq!(cleaning.resources[0].id, lease.resources[0].id);
        let release = Release {
            result: Some(result),
            ..Release::default()
        };
        cleaner.release(cleaning.id, &release).await.unwrap();
        let got = ann.acquire(&use_it).await;
        assert_eq!(
            got.err()
                .and_then(|e| e.code().map(str::to_owned))
                .as_deref(),
            next
        );
    }
}
