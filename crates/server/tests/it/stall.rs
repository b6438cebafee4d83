//! A server whose store takes nothing until it is told to go on.

use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex};

use axum::extract::Request;
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
use tempfile::TempDir;
use tower::util::BoxCloneService;

/// Open, or closed.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let closed = self.closed.lock().unwrap();
        drop(self.opened.wait_while(closed, |closed| *closed).unwrap());
    }

    fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.opened.notify_all();
    }
}

/// A store behind a gate.
struct Gated {
    store: Memory,
    gate: Arc<Gate>,
}

impl Store for Gated {
    fn take_over(&mut self) -> Result<Position, StoreError> {
        self.store.take_over()
    }

    fn position(&mut self) -> Result<Position, StoreError> {
        self.store.position()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.gate.pass();
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

/// A router over a ledger that can be stalled, with one pool of one member and one key.
pub struct Stalled {
    pub router: BoxCloneService<Request, Response, Infallible>,
    pub handle: Handle,
    gate: Arc<Gate>,
    _dir: TempDir,
}

/// Secret of the one key.
pub const SECRET: &str = "stalled-secret";

impl Stalled {
    pub async fn start() -> Self {
        let gate = Arc::<Gate>::default();
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

    pub fn stall(&self) {
        self.gate.set(true);
    }

    pub fn go_on(&self) {
        self.gate.set(false);
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
