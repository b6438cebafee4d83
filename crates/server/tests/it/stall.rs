//! A server whose store takes nothing until it is told to go on, refuses, or is another's by now.

use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use caviada_core::attribute::{Attributes, Labels};
use caviada_core::command::{Act, By, Command, Entry};
use caviada_core::key::Role;
use caviada_core::name::{Name, Owner, ResourceName};
use caviada_core::pool::PoolSpec;
use caviada_ledger::clock::System;
use caviada_ledger::directory::Directory;
use caviada_ledger::store::memory::Memory;
use caviada_ledger::store::{Batch, EachRow, Flow, JournalRow, Part, Position, Store, StoreError};
use caviada_ledger::table::Table;
use caviada_ledger::{Handle, Ledger, Place, Start, spawn};
use caviada_server::http::{self, App, Options, auth};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use tower::util::BoxCloneService;

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gate {
    /// It is done.
    #[default]
    Open,
    /// It waits.
    Closed,
    /// It is refused, as by a full disk.
    Full,
    /// Somebody else has taken the store over.
    Taken,
}

#[derive(Default)]
struct Way {
    gate: Gate,
    /// A commit waits.
    held: bool,
}

#[derive(Default)]
struct Gateway {
    way: Mutex<Way>,
    changed: Condvar,
}

impl Gateway {
    fn pass(&self) -> Result<(), StoreError> {
        let mut way = self.way.lock().unwrap();
        while way.gate == Gate::Closed {
            way.held = true;
            self.changed.notify_all();
            way = self.changed.wait(way).unwrap();
        }
        way.held = false;
        match way.gate {
            Gate::Full => Err(StoreError::Refused("the disk is full".into())),
            Gate::Taken => Err(StoreError::Fenced),
            Gate::Open | Gate::Closed => Ok(()),
        }
    }

    fn set(&self, gate: Gate) {
        self.way.lock().unwrap().gate = gate;
        self.changed.notify_all();
    }

    fn until_held(&self) {
        let way = self.way.lock().unwrap();
        drop(self.changed.wait_while(way, |way| !way.held).unwrap());
    }
}

/// A store behind a gate.
struct Gated {
    store: Memory,
    gate: Arc<Gateway>,
}

impl Store for Gated {
    fn take_over(&mut self) -> Result<Position, StoreError> {
        self.store.take_over()
    }

    fn position(&mut self) -> Result<Position, StoreError> {
        self.store.position()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.gate.pass()?;
        self.store.commit(batch)
    }

    fn read(&mut self, table: &'static Table, each: EachRow<'_>) -> Result<(), StoreError> {
        self.store.read(table, each)
    }

    fn journal(
        &mut self,
        part: Part,
        each: &mut dyn FnMut(JournalRow) -> Result<Flow, StoreError>,
    ) -> Result<(), StoreError> {
        self.store.journal(part, each)
    }

    fn trim(&mut self, up_to: u64, rows_max: usize) -> Result<(), StoreError> {
        self.store.trim(up_to, rows_max)
    }
}

/// What answers.
type Router = BoxCloneService<Request, Response, Infallible>;

/// A router over a ledger that can be stalled, with one pool of one member and one key.
pub struct Stalled {
    pub router: Router,
    pub handle: Handle,
    gate: Arc<Gateway>,
    _dir: TempDir,
}

/// Secret of the one key.
pub const SECRET: &str = "stalled-secret";

impl Stalled {
    pub async fn start() -> Self {
        let gate = Arc::<Gateway>::default();
        let behind = gate.clone();
        let store = move || {
            let store = Memory::default();
            let gated = Gated {
                store,
                gate: behind,
            };
            Ledger::open(gated, System, Start::default())
        };
        let (handle, _) = spawn(store).unwrap();
        // A history of its own, since none is kept of a store in memory.
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::lock(dir.path()).unwrap();
        let other = caviada_ledger::start(&directory, &Place::Sqlite, Start::default()).unwrap();
        let app = App::new(handle.clone(), other.history, Options::default());
        for act in acts() {
            let command = Command {
                by: By::System,
                idempotency: None,
                act,
            };
            handle.submit(command).await.unwrap();
        }
        Self {
            router: BoxCloneService::new(http::router(app, vec![])),
            handle,
            gate,
            _dir: dir,
        }
    }

    /// What becomes of commits from now on.
    pub fn set(&self, gate: Gate) {
        self.gate.set(gate);
    }

    /// Until a commit waits.
    pub async fn held(&self) {
        let gate = self.gate.clone();
        let held = tokio::task::spawn_blocking(move || gate.until_held());
        held.await.unwrap();
    }

    /// Asks with the one key; `body` is JSON, none if empty.
    pub async fn ask(&self, method: Method, path: &str, key: &str, body: &str) -> Said {
        ask(self.router.clone(), method, path, key, body).await
    }
}

/// The same of its router alone, which goes to other threads.
pub async fn ask(router: Router, method: Method, path: &str, key: &str, body: &str) -> Said {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {SECRET}"))
        .header("content-type", "application/json");
    if !key.is_empty() {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (head, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let header = |name: &str| {
        let value = head.headers.get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    Said {
        status: head.status.as_u16(),
        kind: header("content-type").unwrap_or_default(),
        retry_after: header("retry-after").map(|text| text.parse().unwrap()),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

/// An answer.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub kind: String,
    pub retry_after: Option<u64>,
    pub body: Value,
}

impl Said {
    /// A whole problem of this status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, &self.body["code"]),
            (status, &code.into()),
            "{self:?}"
        );
        assert_eq!(self.kind, "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        assert!(!self.body["title"].as_str().unwrap().is_empty(), "{self:?}");
    }

    /// And it says when to come again, to programs and to everybody.
    #[track_caller]
    pub fn says_when(&self) {
        let ms = self.body["retry_after_ms"].as_u64().unwrap();
        assert_eq!(self.retry_after, Some(ms.div_ceil(1_000)), "{self:?}");
    }
}

fn acts() -> [Act; 3] {
    let name = |text: &str| Name::new(text).unwrap();
    [
        Act::PutKey {
            name: name("ann"),
            role: Role::User,
            owner: Owner::new("ann").unwrap(),
            groups: Default::default(),
            act_for: Default::default(),
            hash: auth::hash(SECRET.as_bytes()),
            expires_at: None,
            declared_in: None,
        },
        Act::PutPool {
            name: name("boards"),
            spec: Box::new(PoolSpec::declared()),
            expect: None,
        },
        Act::Declare {
            pool: name("boards"),
            name: ResourceName::new("b").unwrap(),
            attributes: Attributes::default(),
            labels: Labels::default(),
            endpoints: vec![],
            declared_in: None,
            entry: Entry::Free,
            space: None,
            expect: None,
        },
    ]
}
