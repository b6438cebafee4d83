//! The history: what is past, searchable. Projected from the journal after the answers, by a
//! thread of its own, into a database of its own; never on the path of an answer.
//!
//! Events stay in the journal, once. What is projected is which revisions tell of whom (a list per
//! subject and round), which leases it has to do with (the same), and one row per lease.
//! A search takes the postings of its rarest subject, reads those revisions and looks at each event.
//!
//! Under load the thread lets a fifth of a second's worth gather: a lease that began and ended
//! meanwhile is one row written once.

mod lease;
mod posting;
mod project;
mod read;
mod search;
mod subject;
mod sweep;
mod trim;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use caviada_core::event::Number;
use caviada_core::id::LeaseId;
use caviada_core::limits;
use caviada_core::state::State;
use caviada_core::time::Time;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::directory::{Directory, Seen};
use crate::engine::Engine;
use crate::engine::postgres::{HISTORY_SCHEMA, LEDGER_SCHEMA, Postgres};
use crate::engine::sqlite::{Sqlite, Sync};
use crate::journal::Revision;
use crate::store::sql::read_journal_part;
use crate::store::{Flow, Part, StoreError};

pub use lease::PastLease;
use project::Projector;
pub(crate) use project::prepare;
use read::Reading;
pub use search::{EventSearch, LeaseSearch, Order, Page, Recorded};
use sweep::Sweep;

const GATHER: Duration = Duration::from_millis(limits::ledger::HISTORY_GATHER_MS);
/// Rows of the journal that may be forgotten at once.
pub(crate) const TRIM_ROWS: usize = limits::ledger::JOURNAL_TRIMMED_MAX;
const PAUSE: Duration = Duration::from_millis(limits::ledger::HISTORY_PAUSE_MS);
/// How far the thread stands back when others want the processor too: with 0 it would get its even
/// share just when commands are most, with 19 next to nothing, and the history would lag for ever.
const NICE: i32 = 10;

/// Databases of the history: its own, and the ledger's to read the journal.
pub(crate) struct Databases {
    /// The history, for its one writer.
    pub projected: Box<dyn Engine + Send>,
    /// The journal, for the writer of the history.
    pub journal: Box<dyn Engine + Send>,
    /// Both again, for readers.
    pub search: (Box<dyn Engine + Send>, Box<dyn Engine + Send>),
}

impl Databases {
    pub fn sqlite(directory: &Directory) -> Result<Self, StoreError> {
        let (history, ledger) = (directory.file("history.db"), directory.file("ledger.db"));
        let projected = Sqlite::open(&history, Sync::Normal)?;
        Ok(Self {
            projected: Box::new(projected),
            journal: Box::new(Sqlite::read_only(&ledger)?),
            search: (
                Box::new(Sqlite::read_only(&history)?),
                Box::new(Sqlite::read_only(&ledger)?),
            ),
        })
    }

    pub fn postgres(url: &str) -> Result<Self, StoreError> {
        let open = |schema| Ok::<_, StoreError>(Box::new(Postgres::open(url, schema)?));
        Ok(Self {
            projected: open(HISTORY_SCHEMA)?,
            journal: open(LEDGER_SCHEMA)?,
            search: (open(HISTORY_SCHEMA)?, open(LEDGER_SCHEMA)?),
        })
    }
}

/// The history, for its readers. Its methods block: not for the threads of an asynchronous
/// runtime.
#[derive(Clone)]
pub struct History {
    reading: Arc<Mutex<Reading>>,
    progress: Arc<Progress>,
}

/// How far the history is.
#[derive(Debug, Default)]
struct Progress {
    mark: AtomicU64,
    at: AtomicU64,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "History up to {}", self.mark().0)
    }
}

impl History {
    /// The last revision the history knows of, and its ledger time.
    pub fn mark(&self) -> (u64, Time) {
        let load = |n: &AtomicU64| n.load(Ordering::Acquire);
        (load(&self.progress.mark), Time(load(&self.progress.at)))
    }

    /// Events.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn events(&self, search: &EventSearch) -> Result<Page<Recorded, Number>, StoreError> {
        self.reading(|s| s.events(search))
    }

    /// Leases, newest first.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn leases(&self, search: &LeaseSearch) -> Result<Page<PastLease, LeaseId>, StoreError> {
        self.reading(|s| s.leases(search))
    }

    /// One lease, if it ever was and is not forgotten.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn lease(&self, id: LeaseId) -> Result<Option<PastLease>, StoreError> {
        self.reading(|s| s.lease(id))
    }

    /// The oldest event that is still kept.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn oldest(&self) -> Result<Option<Number>, StoreError> {
        self.reading(Reading::oldest)
    }

    /// Revisions after this one, oldest first, for a stream that goes on where it was cut off.
    /// None when the journal no longer reaches back so far.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn revisions(&self, after: u64, many: usize) -> Result<Option<Vec<Revision>>, StoreError> {
        self.reading(|s| s.revisions(after, many))
    }

    fn reading<T>(
        &self,
        work: impl FnOnce(&mut Reading) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.revive()?;
        work(&mut reading)
    }
}

/// Starts the thread. It ends when the ledger's has, and everything is written.
pub(crate) fn spawn(
    databases: Databases,
    state: Arc<State>,
    followed: Receiver<Arc<Revision>>,
    trim_to: Arc<AtomicU64>,
    seen: Seen,
) -> Result<(History, JoinHandle<()>), StoreError> {
    let Databases {
        mut projected,
        journal,
        search,
    } = databases;
    // Readers need the schema; the rest waits for the thread, so that no start waits for it.
    prepare(&mut *projected)?;
    let progress = Arc::new(Progress::default());
    let history = History {
        reading: Arc::new(Mutex::new(Reading::new(search.0, search.1))),
        progress: progress.clone(),
    };
    let mut writer = Writer {
        projector: Projector::new(projected),
        journal,
        state: Some(state),
        followed,
        progress,
        trim_to,
        seen,
        sweep: Sweep::default(),
        total: 0,
    };
    let thread = std::thread::Builder::new()
        .name("history".into())
        .spawn(move || writer.run())
        .map_err(|e| StoreError::Broken(format!("no thread for the history: {e}")))?;
    Ok((history, thread))
}

/// The oldest revision the journal has.
fn oldest(journal: &mut dyn Engine) -> Result<Option<u64>, StoreError> {
    let mut oldest = None;
    read_journal_part(journal, Part::After(0), &mut |row| {
        oldest = Some(row.revision);
        Ok(Flow::Break(()))
    })?;
    Ok(oldest)
}

struct Writer {
    projector: Projector,
    journal: Box<dyn Engine + Send>,
    /// State of the start, until it is known that it is not needed.
    state: Option<Arc<State>>,
    followed: Receiver<Arc<Revision>>,
    progress: Arc<Progress>,
    trim_to: Arc<AtomicU64>,
    seen: Seen,
    sweep: Sweep,
    /// Events up to the newest revision.
    total: u64,
}

impl Writer {
    fn run(&mut self) {
        // On Linux this is the thread's alone. Where it may not, it is only less polite.
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::debug!(%error, "the history runs at everybody's priority");
        }
        while let Err(error) = self.resume().and_then(|()| self.rounds()) {
            tracing::error!(%error, "the history lags");
            std::thread::sleep(PAUSE);
        }
    }

    /// Goes on from the mark; after a start, from State if the journal does not lead there.
    fn resume(&mut self) -> Result<(), StoreError> {
        self.journal.revive()?;
        self.projector.resume()?;
        if let Some(state) = &self.state {
            let mark = self.projector.mark();
            let gap = mark < state.revision()
                && oldest(&mut *self.journal)?.is_none_or(|first| first > mark + 1);
            if gap || mark > state.revision() {
                self.projector.seed(state)?;
            }
        }
        self.state = None;
        self.tell();
        Ok(())
    }

    /// Rounds until the ledger has ended.
    fn rounds(&mut self) -> Result<(), StoreError> {
        self.catch_up()?;
        let mut ended = false;
        while !ended {
            let first = match self.followed.blocking_recv() {
                Ok(revision) => Some(revision),
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return self.catch_up(),
            };
            let gathered = Instant::now() + GATHER;
            let mut gap = first.is_none_or(|r| !self.take(&r));
            while !gap && self.projector.pending() < limits::ledger::HISTORY_ROUND_MAX {
                match self.followed.try_recv() {
                    Ok(revision) => gap = !self.take(&revision),
                    Err(TryRecvError::Lagged(_)) => gap = true,
                    Err(TryRecvError::Closed) => {
                        ended = true;
                        break;
                    }
                    Err(TryRecvError::Empty) => {
                        let left = gathered.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            break;
                        }
                        std::thread::sleep(left.min(GATHER / 4));
                    }
                }
            }
            self.write()?;
            if gap {
                self.catch_up()?;
            }
        }
        self.catch_up()
    }

    /// Takes a revision if it is the next one; false when some are missing between.
    fn take(&mut self, revision: &Revision) -> bool {
        let next = self.projector.newest() + 1;
        if revision.revision == next {
            self.total = revision.total;
            self.projector.project(revision);
        }
        revision.revision <= next
    }

    /// Reads the journal as far as it goes.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let from = self.projector.newest();
            let (projector, total) = (&mut self.projector, &mut self.total);
            read_journal_part(&mut *self.journal, Part::After(from), &mut |row| {
                *total = row.total;
                projector.project(&Revision::of(&row)?);
                let full = projector.pending() >= limits::ledger::HISTORY_ROUND_MAX;
                Ok(if full {
                    Flow::Break(())
                } else {
                    Flow::Continue(())
                })
            })?;
            if self.projector.newest() == self.projector.mark() {
                return Ok(());
            }
            self.write()?;
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        if self.projector.newest() == self.projector.mark() {
            return Ok(());
        }
        self.projector.write()?;
        self.tell();
        self.seen.record(self.projector.mark());
        self.allow_trim()?;
        let now = self.projector.at();
        self.sweep
            .step(self.projector.engine(), &mut *self.journal, now)
    }

    fn tell(&mut self) {
        self.progress
            .at
            .store(self.projector.at().0, Ordering::Release);
        self.progress
            .mark
            .store(self.projector.mark(), Ordering::Release);
    }

    /// Lets the ledger forget the oldest part of the journal.
    fn allow_trim(&mut self) -> Result<(), StoreError> {
        let (mark, now) = (self.projector.mark(), self.projector.at());
        if let Some(up_to) = trim::up_to(&mut *self.journal, mark, now, self.total)? {
            self.trim_to.store(up_to, Ordering::Release);
        }
        Ok(())
    }
}
