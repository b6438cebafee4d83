//! A store in memory that goes through the very same rows as the real ones, for the simulation and
//! for tests. It fails on demand in every way a real store can.

use std::collections::{BTreeMap, VecDeque};

use caviada_core::planted;
use caviada_core::time::Time;

use super::{Batch, EachRow, Flow, JournalRow, Part, Position, Store, StoreError};
use crate::field::{Field, FieldRef, Reader};
use crate::table::{JOURNAL, Table, Verb, Writes};

/// What happens to a call of a [`Memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The commit is refused, and nothing is written.
    Refuse,
    /// The connection is lost before the commit arrived.
    LoseBefore,
    /// The connection is lost after the commit was done.
    LoseAfter,
    /// The disk fails; nothing is written.
    Break,
    /// The disk fails, yet the batch turns out to be written.
    BreakAfter,
}

/// A store in memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    position: Position,
    rows: BTreeMap<&'static str, BTreeMap<Vec<Field>, Vec<Field>>>,
    journal: BTreeMap<u64, JournalRow>,
    faults: VecDeque<Option<Fault>>,
    lost: bool,
}

impl Memory {
    /// Plans what happens to the next commits, one entry each; `None` is a good one.
    pub fn plan(&mut self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.faults.extend(faults);
    }

    /// Forgets planned faults.
    pub fn mend(&mut self) {
        self.faults.clear();
        self.lost = false;
    }

    /// Where it stands, without asking as the ledger does.
    pub fn stands_at(&self) -> &Position {
        &self.position
    }

    /// Somebody else takes over.
    pub fn depose(&mut self) {
        self.position.epoch += 1;
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let guarded = |p: &Position| (p.epoch, p.revision);
        if guarded(&self.position) != guarded(batch.old()) && !planted!(GuardSkipped) {
            return Err(StoreError::Fenced);
        }
        for writes in batch.writes() {
            self.write(writes)?;
        }
        self.position = batch.new_position().clone();
        Ok(())
    }

    fn write(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let table = writes.table();
        if table.name == JOURNAL.name {
            for row in writes.rows() {
                let row = journal_row(row)?;
                self.journal.insert(row.revision, row);
            }
            return Ok(());
        }
        let rows = self.rows.entry(table.name).or_default();
        for row in writes.rows() {
            let key = row[..table.keys].to_vec();
            match writes.verb() {
                Verb::Remove => drop(rows.remove(&key)),
                Verb::Add | Verb::Put => drop(rows.insert(key, row.to_vec())),
                // Columns that are written together are the first ones of their table.
                Verb::Change => match rows.get_mut(&key) {
                    Some(old) => old[..row.len()].clone_from_slice(row),
                    None => return Err(StoreError::Broken(format!("{}: no row", table.name))),
                },
            }
        }
        Ok(())
    }
}

impl Store for Memory {
    fn take_over(&mut self) -> Result<Position, StoreError> {
        self.position.epoch += 1;
        self.position()
    }

    fn position(&mut self) -> Result<Position, StoreError> {
        self.lost = false;
        Ok(self.position.clone())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let say = |what: &str| what.to_owned();
        if self.lost {
            return Err(StoreError::Unknown(say("still lost")));
        }
        match self.faults.pop_front().flatten() {
            None => self.apply(batch),
            Some(Fault::Refuse) => Err(StoreError::Refused(say("no space left"))),
            Some(Fault::LoseBefore) => {
                self.lost = true;
                Err(StoreError::Unknown(say("lost before")))
            }
            Some(Fault::LoseAfter) => {
                self.apply(batch)?;
                self.lost = true;
                Err(StoreError::Unknown(say("lost after")))
            }
            Some(Fault::Break) => Err(StoreError::Broken(say("the disk failed"))),
            Some(Fault::BreakAfter) => {
                self.apply(batch)?;
                Err(StoreError::Broken(say("the disk failed late")))
            }
        }
    }

    fn read(&mut self, table: &'static Table, each: EachRow<'_>) -> Result<(), StoreError> {
        let rows = self
            .rows
            .get(table.name)
            .into_iter()
            .flat_map(BTreeMap::values);
        for row in rows {
            let fields: Vec<FieldRef<'_>> = row.iter().map(Field::as_ref).collect();
            each(&fields)?;
        }
        Ok(())
    }

    fn journal(
        &mut self,
        part: Part,
        each: &mut dyn FnMut(JournalRow) -> Result<Flow, StoreError>,
    ) -> Result<(), StoreError> {
        let (after, reverse) = match part {
            Part::After(revision) => (revision, false),
            Part::Ended(_) => (0, true),
        };
        let rows = self.journal.range(after + 1..).map(|(_, row)| row.clone());
        let rows: Box<dyn Iterator<Item = JournalRow>> = if reverse {
            Box::new(rows.rev())
        } else {
            Box::new(rows)
        };
        for row in rows {
            match part {
                Part::Ended(since) if row.at < since => break,
                Part::Ended(_) if row.ended == 0 => continue,
                _ => {}
            }
            if each(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn trim(&mut self, up_to: u64, rows_max: usize) -> Result<(), StoreError> {
        let old: Vec<u64> = self
            .journal
            .range(..=up_to)
            .map(|(revision, _)| *revision)
            .take(rows_max)
            .collect();
        for revision in old {
            self.journal.remove(&revision);
        }
        Ok(())
    }
}

fn journal_row(row: &[Field]) -> Result<JournalRow, StoreError> {
    let fields: Vec<FieldRef<'_>> = row.iter().map(Field::as_ref).collect();
    read_journal(Reader::new(JOURNAL.name, &fields))
}

/// A row of the journal.
pub(crate) fn read_journal(mut row: Reader<'_>) -> Result<JournalRow, StoreError> {
    Ok(JournalRow {
        revision: row.u64()?,
        at: Time(row.u64()?),
        total: row.u64()?,
        ended: row.u64()?,
        doc: row.text()?.to_owned(),
    })
}
