//! One webhook's task.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use caviada_api::event::Event as Wire;
use caviada_api::timestamp::Timestamp;
use caviada_api::webhook as wire;
use caviada_core::event::{Event, Number};
use caviada_core::limits;
use caviada_core::state::State;
use caviada_core::webhook::Webhook;
use caviada_core::webhook::delivery::Delivery;
use caviada_ledger::Handle;
use caviada_ledger::history::History;
use caviada_ledger::journal::{Entry, Revision};
use caviada_ledger::store::StoreError;
use reqwest::{Client, Url, header};
use tokio::task::JoinSet;

use super::signature::{SIGNATURE, TIMESTAMP, signature};
use super::{Standing, Webhooks, connect};
use crate::http::v1::event::names::Names;
use crate::http::v1::event::told::{About, Happened, render};

const IDLE: Duration = Duration::from_millis(limits::server::WEBHOOK_IDLE_MS);
const PAUSE: Duration = Duration::from_millis(limits::server::WEBHOOK_PAUSE_MS);
const STORED: Duration = Duration::from_millis(limits::server::WEBHOOK_STORED_MS);
const NAMES_KEPT: Duration = Duration::from_millis(limits::server::NAMES_FRESH_MS);
const REST: Duration = Duration::from_millis(limits::server::WEBHOOK_REST_MS);

/// Tells one webhook what happens.
pub struct Teller {
    handle: Handle,
    history: History,
    webhooks: Webhooks,
    webhook: Arc<Webhook>,
    names: Names,
    named_at: Instant,
    /// What is left, as it is sent: the event's id, and the body.
    bodies: HashMap<Number, (String, Bytes)>,
    client: Result<Client, String>,
    calls: JoinSet<(Number, Result<(), String>)>,
    /// Events up to the revision that was read last.
    total: Option<u64>,
    looked_at: Option<Instant>,
    stored: (Number, Instant),
    why: Option<String>,
}

/// What a call needs beside its body.
#[derive(Clone)]
struct Target {
    client: Client,
    url: Url,
    secret: Arc<[u8]>,
    name: String,
}

impl Teller {
    pub fn new(
        handle: Handle,
        history: History,
        webhooks: Webhooks,
        webhook: Arc<Webhook>,
        state: Arc<State>,
    ) -> Self {
        let client = webhooks.target(&webhook.spec.url).and_then(|url| {
            connect::client(webhooks.0.targets.clone(), &url).map_err(|e| reason(&e))
        });
        Self {
            handle,
            history,
            webhooks,
            webhook,
            names: Names::of(state),
            named_at: Instant::now(),
            bodies: HashMap::new(),
            client,
            calls: JoinSet::new(),
            total: None,
            looked_at: None,
            stored: (Number::default(), Instant::now()),
            why: None,
        }
    }

    /// Runs until it is dropped.
    pub async fn run(mut self) {
        let mark = loop {
            match self.mark().await {
                Ok(mark) => break mark,
                Err(error) => self.hampered(&error).await,
            }
        };
        let mut delivery = Delivery::new(mark);
        self.stored.0 = mark;
        let mut committed = self.handle.committed();
        loop {
            committed.mark_unchanged();
            if let Err(error) = self.read(&mut delivery).await {
                self.hampered(&error).await;
                continue;
            }
            self.send(&mut delivery);
            self.stands(&delivery);
            if let Err(error) = self.store(delivery.mark()).await {
                self.hampered(&error).await;
            }
            let now = self.handle.now();
            let wake = delivery.next_wake(now).map(|t| t.since(now));
            let unstored = delivery.mark() != self.stored.0;
            let pause = match (wake, unstored) {
                (_, true) => STORED,
                // Full: how far it lags is looked at all the same.
                (_, false) if !delivery.has_room() => PAUSE,
                (Some(ms), false) => Duration::from_millis(ms),
                (None, false) => IDLE,
            };
            tokio::select! {
                Some(ended) = self.calls.join_next() => {
                    let Ok((number, done)) = ended else { continue };
                    self.ended(&mut delivery, number, done);
                }
                changed = committed.changed(), if delivery.has_room() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(REST).await;
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Where it goes on. A mark ahead of the store is of another past: a backup was restored since.
    async fn mark(&self) -> Result<Number, StoreError> {
        let (marks, id) = (self.webhooks.0.marks.clone(), self.webhook.id);
        let mark = aside(move || marks.of(id)).await?;
        let newest = self.names.state.revision();
        let end = Number {
            revision: newest,
            index: u32::MAX,
        };
        Ok(mark.unwrap_or(self.webhook.since).min(end))
    }

    /// Reads as far as there is room; gives up what is too far behind.
    async fn read(&mut self, delivery: &mut Delivery) -> Result<(), StoreError> {
        self.look_behind(delivery).await?;
        while delivery.has_room() {
            let read = delivery.read_to();
            // Of the last revision something may be left.
            let left = u64::from(read.index != u32::MAX);
            let after = read.revision.saturating_sub(left);
            let history = self.history.clone();
            let found =
                aside(move || history.revisions(after, limits::server::WEBHOOK_READ_MAX)).await?;
            let Some(revisions) = found else {
                // The journal no longer reaches back so far.
                let newest = *self.handle.committed().borrow();
                self.skip(delivery, newest);
                return Ok(());
            };
            let more = revisions.len() >= limits::server::WEBHOOK_READ_MAX;
            for revision in revisions {
                if !self.take(delivery, &revision).await? {
                    return Ok(());
                }
            }
            if !more {
                return self.look_up_anew(delivery).await;
            }
        }
        Ok(())
    }

    /// Takes what is new of a revision; false when there is no room for all of it.
    async fn take(
        &mut self,
        delivery: &mut Delivery,
        revision: &Revision,
    ) -> Result<bool, StoreError> {
        if revision.revision < delivery.read_to().revision {
            return Ok(true);
        }
        for (number, entry, event) in revision.events() {
            if number > delivery.read_to() {
                if !delivery.has_room() {
                    return Ok(false);
                }
                self.take_one(delivery, revision, number, entry, event)
                    .await?;
            }
            self.names.forget(event);
        }
        self.total = Some(revision.total);
        let end = Number {
            revision: revision.revision,
            index: u32::MAX,
        };
        if end > delivery.read_to() {
            delivery.read(end, None);
        }
        Ok(true)
    }

    async fn take_one(
        &mut self,
        delivery: &mut Delivery,
        revision: &Revision,
        number: Number,
        entry: &Entry,
        event: &Event,
    ) -> Result<(), StoreError> {
        self.names.learn(event);
        if self.names.lacks(event) {
            self.names.state = self.snapshot().await?;
        }
        let about = About::of(&self.names, event).filter(|about| {
            let state = &self.names.state;
            let pools = about.pools.iter().filter_map(|id| state.pools.get(id));
            let spec = &self.webhook.spec;
            spec.takes(about.kind, pools.map(|p| &p.name))
        });
        let Some(about) = about else {
            delivery.read(number, None);
            return Ok(());
        };
        let happened = Happened {
            number,
            at: revision.at,
            by: entry.by,
            act: entry.act.as_deref(),
        };
        let shown = render(&self.names, happened, about);
        delivery.read(number, Some(subject(&shown)));
        self.bodies.insert(number, sent(&shown));
        Ok(())
    }

    /// Now and then: how far is it behind?
    async fn look_behind(&mut self, delivery: &mut Delivery) -> Result<(), StoreError> {
        if self.looked_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return Ok(());
        }
        self.looked_at = Some(Instant::now());
        let newest = *self.handle.committed().borrow();
        let read = delivery.read_to().revision;
        if newest <= read {
            return Ok(());
        }
        let total_of = |revision: u64| {
            let history = self.history.clone();
            aside(move || {
                let found = history.revisions(revision.saturating_sub(1), 1)?;
                let row = found.and_then(|rows| rows.into_iter().next());
                Ok(row.filter(|r| r.revision == revision).map(|r| r.total))
            })
        };
        let before = match self.total {
            Some(total) => Some(total),
            None => total_of(read).await?,
        };
        let (Some(before), Some(now)) = (before, total_of(newest).await?) else {
            return Ok(());
        };
        if delivery.is_too_late(now.saturating_sub(before)) {
            self.skip(delivery, newest);
            self.total = Some(now);
        }
        Ok(())
    }

    /// Gives up everything up to a revision.
    fn skip(&mut self, delivery: &mut Delivery, newest: u64) {
        let end = Number {
            revision: newest,
            index: u32::MAX,
        };
        if end <= delivery.read_to() {
            return;
        }
        let after = delivery.mark();
        tracing::warn!(webhook.name = %self.webhook.name, %after, up_to = newest,
            "it lags too far: it is told of a gap, and of what happens from now on");
        delivery.skip_to(end);
        self.bodies.clear();
        let gap = Wire {
            // A revision: where lists and streams go on.
            id: newest.to_string(),
            at: Timestamp(self.handle.now().0),
            kind: wire::GAP.to_owned(),
            pool: None,
            resource: None,
            lease: None,
            host: None,
            owner: None,
            principal: None,
            command: None,
            request_id: None,
            facts: [("after".to_owned(), after.to_string().into())].into(),
        };
        self.bodies.insert(end, sent(&gap));
    }

    fn send(&mut self, delivery: &mut Delivery) {
        let next = delivery.next(self.handle.now());
        if next.is_empty() {
            return;
        }
        let target = self.target();
        for (number, _) in next {
            let (id, body) = self.bodies.get(&number).cloned().unwrap_or_default();
            let at = self.handle.now().0 / 1_000;
            let target = target.clone();
            self.calls.spawn(async move {
                let done = match target {
                    Ok(target) => target.call(&id, at, body).await,
                    Err(why) => Err(why),
                };
                (number, done)
            });
        }
    }

    /// Looked at anew for every call: what is allowed is checked at each connect.
    fn target(&self) -> Result<Target, String> {
        let (hooks, webhook) = (&self.webhooks, &self.webhook);
        Ok(Target {
            client: self.client.clone()?,
            url: hooks.target(&webhook.spec.url)?,
            secret: hooks.open(webhook).map_err(|e| e.to_string())?.into(),
            name: webhook.name.to_string(),
        })
    }

    fn ended(&mut self, delivery: &mut Delivery, number: Number, done: Result<(), String>) {
        let now = self.handle.now();
        delivery.finished(number, done.is_ok(), now);
        match done {
            Ok(()) => {
                self.bodies.remove(&number);
                self.why = None;
            }
            Err(why) => {
                tracing::warn!(webhook.name = %self.webhook.name, event = %number, "{why}");
                self.why = Some(why);
            }
        }
    }

    fn stands(&self, delivery: &Delivery) {
        let standing = Standing {
            told: delivery.mark(),
            failures: delivery.failures(),
            why: self.why.clone().filter(|_| delivery.failures() > 0),
        };
        self.webhooks.stands(self.webhook.id, Some(standing));
    }

    /// Stores the mark, not too often.
    async fn store(&mut self, mark: Number) -> Result<(), StoreError> {
        let (stored, at) = self.stored;
        if mark == stored || at.elapsed() < STORED {
            return Ok(());
        }
        let (marks, id) = (self.webhooks.0.marks.clone(), self.webhook.id);
        aside(move || marks.put(id, mark)).await?;
        self.stored = (mark, Instant::now());
        Ok(())
    }

    async fn snapshot(&self) -> Result<Arc<State>, StoreError> {
        let ended = |_| StoreError::Refused("the ledger has ended".into());
        self.handle.snapshot().await.map_err(ended)
    }

    /// An old snapshot keeps old nouns in memory: now and then, when all is read, a new one takes
    /// its place and what was learned since can go.
    async fn look_up_anew(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        if self.named_at.elapsed() < NAMES_KEPT {
            return Ok(());
        }
        self.names.state = self.snapshot().await?;
        if self.names.state.revision() == delivery.read_to().revision {
            self.names = Names::of(self.names.state.clone());
            self.named_at = Instant::now();
        }
        Ok(())
    }

    /// Something of our own does not work; it may later.
    async fn hampered(&self, error: &StoreError) {
        tracing::warn!(webhook.name = %self.webhook.name, %error, "nothing can be told now");
        tokio::time::sleep(PAUSE).await;
    }
}

impl Target {
    async fn call(self, id: &str, at_s: u64, body: Bytes) -> Result<(), String> {
        let request = self
            .client
            .post(self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("caviada-webhook", self.name)
            .header("caviada-event", id)
            .header(TIMESTAMP, at_s)
            .header(SIGNATURE, signature(&self.secret, at_s, &body))
            .body(body);
        let answer = request.send().await.map_err(|e| reason(&e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(format!("it answered {status}"))
    }
}

/// What went wrong, to the ground of it.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

/// What an event is about: events about the same thing are told in their order.
fn subject(event: &Wire) -> Box<str> {
    let noun = event.kind.split('.').next().unwrap_or(&event.kind);
    let id = match noun {
        "lease" => event.lease.map(|id| id.to_string()),
        "resource" => event.resource.map(|id| id.to_string()),
        "host" => event.host.clone(),
        "pool" => event.pool.clone(),
        "quota" => event.owner.clone(),
        _ => None,
    };
    format!("{noun} {}", id.unwrap_or_default()).into()
}

fn sent(event: &Wire) -> (String, Bytes) {
    let body = serde_json::to_vec(event).unwrap_or_default();
    (event.id.clone(), body.into())
}

/// Reads and writes that block.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(StoreError::Refused(panic.to_string())))
}
