//! What the ledger asks of a store, and the batch it hands over.
//!
//! Anybody may write a store, and the simulation does; but only the ledger can make a [`Batch`], so
//! only the ledger can commit. The compiler holds that.

pub mod memory;
pub mod sql;

use caviada_core::time::Time;

use crate::field::FieldRef;
use crate::table::{Table, Writes};

/// What went wrong with a store, by what has to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Certainly not done, and the store is well: disk full, locked by somebody, out of memory. The
    /// same may succeed later.
    #[error("the store refused: {0}")]
    Refused(String),
    /// Nobody knows whether it was done: the connection was lost. Ask for the position.
    #[error("the store cannot be reached: {0}")]
    Unknown(String),
    /// The guard did not hold: somebody else has written since, or has taken over.
    #[error("another process writes to this store")]
    Fenced,
    /// An I/O error, corruption, or a statement that should not have failed. Nothing may go on
    /// with this store in this process.
    #[error("the store is broken: {0}")]
    Broken(String),
}

/// Where a store stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// Whose store it is: raised by each process that takes it over.
    pub epoch: u64,
    /// Revision of the last batch; 0 before the first.
    pub revision: u64,
    /// Ledger time of the last batch.
    pub at: Time,
    /// The one counter behind ids and fences.
    pub counter: u64,
    /// Events of all batches so far.
    pub events: u64,
}

/// One batch as it is written: wholly or not at all.
#[derive(Debug)]
pub struct Batch {
    old: Position,
    new: Position,
    writes: Vec<Writes>,
}

impl Batch {
    pub(crate) fn new(old: Position, new: Position, writes: Vec<Writes>) -> Self {
        debug_assert_eq!(old.epoch, new.epoch, "a batch takes nothing over");
        debug_assert_eq!(
            old.revision + 1,
            new.revision,
            "one revision after the other"
        );
        Self { old, new, writes }
    }

    /// The guard: where the store must stand for the batch to be written.
    pub fn old(&self) -> &Position {
        &self.old
    }

    /// Where the store stands afterwards.
    pub fn new_position(&self) -> &Position {
        &self.new
    }

    /// What is written, the journal first.
    pub fn writes(&self) -> &[Writes] {
        &self.writes
    }
}

/// One batch as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its revision.
    pub revision: u64,
    /// Its ledger time.
    pub at: Time,
    /// Events up to its end, of all batches.
    pub total: u64,
    /// Leases that ended in it.
    pub ended: u64,
    /// Its entries as JSON.
    pub doc: String,
}

/// Receives rows one by one.
pub type EachRow<'f> = &'f mut dyn FnMut(&[FieldRef<'_>]) -> Result<(), StoreError>;

/// Which end of the journal to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Rows after this revision, oldest first.
    After(u64),
    /// Rows with ended leases, not older than this, newest first.
    Ended(Time),
}

/// Where everything acknowledged is.
pub trait Store {
    /// Makes the store this process's: raises the epoch in a transaction of its own.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    fn take_over(&mut self) -> Result<Position, StoreError>;

    /// Where the store stands; connects again first if the connection was lost.
    ///
    /// # Errors
    /// `Unknown` while it cannot be reached.
    fn position(&mut self) -> Result<Position, StoreError>;

    /// Writes a batch, durably, if the store stands where the batch's guard says.
    ///
    /// # Errors
    /// `Refused`: nothing was written. `Fenced`: the guard did not hold, nothing was written.
    /// `Unknown`: the batch is wholly there or wholly absent, or will be soon. `Broken`: as
    /// `Unknown`, and this process must end.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Every row of a table in the order of its key.
    ///
    /// # Errors
    /// Any of [`StoreError`], or what `each` returned.
    fn read(&mut self, table: &'static Table, each: EachRow<'_>) -> Result<(), StoreError>;

    /// Rows of the journal, until `each` answers that it has enough.
    ///
    /// # Errors
    /// Any of [`StoreError`], or what `each` returned.
    fn journal(
        &mut self,
        part: Part,
        each: &mut dyn FnMut(JournalRow) -> Result<Flow, StoreError>,
    ) -> Result<(), StoreError>;

    /// Forgets rows of the journal up to a revision, at most `rows_max` of the oldest.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    fn trim(&mut self, up_to: u64, rows_max: usize) -> Result<(), StoreError>;
}

/// Does a reader want another row?
pub type Flow = std::ops::ControlFlow<()>;
