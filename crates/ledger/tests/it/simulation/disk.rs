//! A disk that outlives processes: what a crash finds unsynced is gone, and a commit whose
//! connection was lost may arrive later.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use caviada_ledger::store::memory::Memory;
use caviada_ledger::store::{Batch, EachRow, Flow, JournalRow, Part, Position, Store, StoreError};
use caviada_ledger::table::Table;

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Busy, or the disk is full: refused, and nothing is written.
    Refuse,
    /// The connection is lost, and the batch never arrives.
    Lose,
    /// The connection is lost once the batch is written.
    LoseAnswer,
    /// The connection is lost, and the batch arrives when the store is next talked to.
    Late,
    /// The process dies before the sync: what was written is dropped.
    DieUnsynced,
    /// The process dies once the batch is synced.
    DieSynced,
}

impl Trouble {
    pub const ALL: [Self; 6] = [
        Self::Refuse,
        Self::Lose,
        Self::LoseAnswer,
        Self::Late,
        Self::DieUnsynced,
        Self::DieSynced,
    ];
}

#[derive(Debug, Default)]
struct Inner {
    durable: Memory,
    /// What the disk becomes when the batch on its way arrives.
    late: Option<(Position, Memory)>,
    troubles: VecDeque<Trouble>,
    /// Calls that find nobody.
    away: u32,
}

/// One disk; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Disk(Rc<RefCell<Inner>>);

impl Disk {
    /// What happens to the next commits.
    pub fn trouble(&self, what: Trouble, away: u32) {
        let mut inner = self.0.borrow_mut();
        inner.troubles.push_back(what);
        inner.away = away;
    }

    /// No more trouble. What was on its way arrives or does not.
    pub fn mend(&self, arrives: bool) {
        let mut inner = self.0.borrow_mut();
        inner.troubles.clear();
        inner.away = 0;
        if arrives {
            inner.arrive();
        }
        inner.late = None;
    }

    /// Where it durably stands.
    pub fn stands_at(&self) -> Position {
        self.0.borrow().durable.stands_at().clone()
    }

    /// A copy of what is durable.
    pub fn copy(&self) -> Memory {
        self.0.borrow().durable.clone()
    }

    /// Somebody puts an old copy back.
    pub fn restore(&self, copy: Memory) {
        let mut inner = self.0.borrow_mut();
        inner.durable = copy;
        inner.late = None;
        inner.troubles.clear();
    }
}

impl Inner {
    fn arrive(&mut self) {
        if let Some((old, late)) = self.late.take()
            && *self.durable.stands_at() == old
        {
            self.durable = late;
        }
    }
}

fn unknown(what: &str) -> Result<(), StoreError> {
    Err(StoreError::Unknown(what.to_owned()))
}

impl Store for Disk {
    fn take_over(&mut self) -> Result<Position, StoreError> {
        self.0.borrow_mut().durable.take_over()
    }

    fn position(&mut self) -> Result<Position, StoreError> {
        let mut inner = self.0.borrow_mut();
        if inner.away > 0 {
            inner.away -= 1;
            return Err(StoreError::Unknown("away".to_owned()));
        }
        let position = inner.durable.position();
        inner.arrive();
        position
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut inner = self.0.borrow_mut();
        inner.arrive();
        match inner.troubles.pop_front() {
            None => inner.durable.commit(batch),
            Some(Trouble::Refuse) => Err(StoreError::Refused("no space left".to_owned())),
            Some(Trouble::Lose) => unknown("lost"),
            Some(Trouble::LoseAnswer) => {
                inner.durable.commit(batch)?;
                unknown("lost, written")
            }
            Some(Trouble::Late) => {
                let mut late = inner.durable.clone();
                let old = late.stands_at().clone();
                late.commit(batch)?;
                inner.late = Some((old, late));
                unknown("lost, on its way")
            }
            Some(Trouble::DieUnsynced) => Err(StoreError::Broken("died unsynced".to_owned())),
            Some(Trouble::DieSynced) => {
                inner.durable.commit(batch)?;
                Err(StoreError::Broken("died synced".to_owned()))
            }
        }
    }

    fn read(&mut self, table: &'static Table, each: EachRow<'_>) -> Result<(), StoreError> {
        self.0.borrow_mut().durable.read(table, each)
    }

    fn journal(
        &mut self,
        part: Part,
        each: &mut dyn FnMut(JournalRow) -> Result<Flow, StoreError>,
    ) -> Result<(), StoreError> {
        self.0.borrow_mut().durable.journal(part, each)
    }

    fn trim(&mut self, up_to: u64, rows_max: usize) -> Result<(), StoreError> {
        self.0.borrow_mut().durable.trim(up_to, rows_max)
    }
}
