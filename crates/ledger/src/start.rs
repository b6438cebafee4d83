//! Starting everything durable with one call: store, ledger, history.

use std::thread::JoinHandle;

use crate::clock::{Source, System};
use crate::directory::Directory;
use crate::engine::Engine;
use crate::handle::Handle;
use crate::history::{self, Databases, History};
use crate::store::sql::Sql;
use crate::store::{Store, StoreError};
use crate::thread::{Ended, spawn};
use crate::turn::{Fatal, Ledger, Start};
use crate::webhook::Marks;
use crate::{PostgresStore, SqliteStore};

/// Where the ledger's store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In the data directory.
    Sqlite,
    /// On a PostgreSQL server, by its URL.
    Postgres(String),
}

impl std::fmt::Debug for Place {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        })
    }
}

/// A ledger that runs.
#[derive(Debug)]
pub struct Running {
    /// To speak to it.
    pub handle: Handle,
    /// What is past.
    pub history: History,
    /// How far each webhook was told.
    pub marks: Marks,
    /// How its thread ended.
    pub ended: Ended,
    /// Name of this installation: what it makes bears it.
    pub installation: String,
    /// The store is older than a revision that was seen: nothing unknown may be deleted until a
    /// person has looked.
    pub rolled_back: bool,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Ends cleanly: what is queued is still done, and the history catches up. Blocks. Every clone
    /// of the handle must be gone, or the history waits for it.
    pub fn close(self) {
        self.handle.close();
        drop((self.handle, self.history));
        for thread in self.threads {
            // A panic there has been reported where it happened.
            let _ = thread.join();
        }
    }
}

/// Starts a ledger on its store. Blocks; not for the threads of an asynchronous runtime.
///
/// # Errors
/// When the store cannot be opened, taken over or loaded.
pub fn start(directory: &Directory, place: &Place, start: Start) -> Result<Running, Fatal> {
    match place {
        Place::Sqlite => {
            let in_directory = directory.clone();
            let store = move || Ok((in_directory.sqlite()?, System));
            let databases = || Ok((Databases::sqlite(directory)?, Marks::sqlite(directory)?));
            run::<SqliteStore, _>(directory, store, databases, start)
        }
        Place::Postgres(url) => {
            let server = url.clone();
            let store = move || {
                let mut store = PostgresStore::connect(&server)?;
                let clock = store.clock()?;
                Ok((store, clock))
            };
            let databases = || Ok((Databases::postgres(url)?, Marks::postgres(url)?));
            run::<PostgresStore, _>(directory, store, databases, start)
        }
    }
}

/// A person has looked at a store that was rolled back: it is the truth from now on, and what it
/// does not know may be deleted. The server must not run. Blocks.
///
/// # Errors
/// When the store cannot be opened.
pub fn adopt(directory: &Directory, place: &Place) -> Result<(), StoreError> {
    fn adopted<E: Engine>(directory: &Directory, mut store: Sql<E>) -> Result<(), StoreError> {
        store.set_rolled_back(false)?;
        let (installation, position) = (store.installation()?, store.position()?);
        directory.seen(&installation).set_back(position.revision);
        Ok(())
    }
    match place {
        Place::Sqlite => adopted(directory, directory.sqlite()?),
        Place::Postgres(url) => adopted(directory, PostgresStore::connect(url)?),
    }
}

/// A store that tells which installation it is.
trait Installed: Store {
    fn name(&mut self) -> Result<String, StoreError>;
    fn rolled_back(&mut self, seen: u64) -> Result<bool, StoreError>;
}

impl<E: Engine> Installed for Sql<E> {
    fn name(&mut self) -> Result<String, StoreError> {
        self.installation()
    }

    /// Says whether the store was rolled back, and remembers it: soon it may have caught up.
    fn rolled_back(&mut self, seen: u64) -> Result<bool, StoreError> {
        if self.position()?.revision < seen {
            self.set_rolled_back(true)?;
        }
        self.is_rolled_back()
    }
}

fn run<S: Installed + 'static, C: Source + 'static>(
    directory: &Directory,
    store: impl FnOnce() -> Result<(S, C), StoreError> + Send + 'static,
    databases: impl FnOnce() -> Result<(Databases, Marks), StoreError>,
    start: Start,
) -> Result<Running, Fatal> {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let in_directory = directory.clone();
    let open = move || {
        let (mut store, clock) = store()?;
        let installation = store.name()?;
        let seen = in_directory.seen(&installation);
        let rolled_back = store.rolled_back(seen.revision())?;
        let mut ledger = Ledger::open(store, clock, start)?;
        // The receiver waits, or the thread is not wanted any more.
        let _ = tell.send((installation, rolled_back, seen, ledger.snapshot()));
        Ok(ledger)
    };
    let (handle, ended) = spawn(open)?;
    let gone = |_| Fatal::Store(StoreError::Broken("opening said nothing".into()));
    let (installation, rolled_back, seen, state) = told.recv().map_err(gone)?;
    let followed = handle.follow();
    let (databases, marks) = databases()?;
    let (history, thread) = history::spawn(databases, state, followed, handle.trim_to(), seen)?;
    Ok(Running {
        handle,
        history,
        marks,
        ended,
        installation,
        rolled_back,
        threads: vec![thread],
    })
}
