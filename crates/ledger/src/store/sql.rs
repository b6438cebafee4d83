//! The store on an SQL engine: where the ledger's tables are, and what guards them.

use caviada_core::limits::ledger::JOURNAL_READ_MAX;
use caviada_core::time::Time;
use chacha20poly1305::aead::Generate as _;

use super::memory::read_journal;
use super::{Batch, EachRow, Flow, JournalRow, Part, Position, Store, StoreError};
use crate::clock::Shifted;
use crate::engine::postgres::{LEDGER_SCHEMA, Postgres};
use crate::engine::{Engine, Guard};
use crate::field::{Field, Reader};
use crate::migration::{self, LEDGER};
use crate::table::{JOURNAL, Table};

/// The store on an engine.
#[derive(Debug)]
pub struct Sql<E> {
    pub(crate) engine: E,
}

impl<E: Engine> Sql<E> {
    /// Brings the schema up to date and makes the first row.
    pub(crate) fn open(mut engine: E) -> Result<Self, StoreError> {
        migration::migrate(&mut engine, LEDGER)?;
        let installation = format!("{:016x}", random()?);
        engine.execute(&[(
            "INSERT INTO meta (id, epoch, revision, at, counter, events, installation, rolled_back) \
             VALUES (1, 0, 0, 0, 0, 0, $1, 0) ON CONFLICT (id) DO NOTHING",
            &[installation.as_str().into()],
        )])?;
        Ok(Self { engine })
    }

    /// One row of one query.
    pub(crate) fn row<T>(
        &mut self,
        sql: &str,
        read: impl Fn(Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut found = None;
        self.engine.query(sql, &[], &mut |fields| {
            found = Some(read(Reader::new("meta", fields))?);
            Ok(Flow::Break(()))
        })?;
        found.ok_or_else(|| StoreError::Broken("meta has no row".into()))
    }

    /// The store is older than a revision somebody saw, or than what the hosts carry: nothing
    /// unknown may be deleted until a person has looked.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn is_rolled_back(&mut self) -> Result<bool, StoreError> {
        self.row("SELECT rolled_back FROM meta", |mut row| row.bool())
    }

    /// Says so, or that a person has looked.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn set_rolled_back(&mut self, rolled_back: bool) -> Result<(), StoreError> {
        let sql = "UPDATE meta SET rolled_back = $1";
        self.engine.execute(&[(sql, &[rolled_back.into()])])
    }

    /// Name of this installation: what it makes bears it.
    pub fn installation(&mut self) -> Result<String, StoreError> {
        self.row("SELECT installation FROM meta", |mut row| {
            Ok(row.text()?.to_owned())
        })
    }
}

impl<E: Engine> Store for Sql<E> {
    fn take_over(&mut self) -> Result<Position, StoreError> {
        self.engine
            .execute(&[("UPDATE meta SET epoch = epoch + 1", &[])])?;
        self.position()
    }

    fn position(&mut self) -> Result<Position, StoreError> {
        self.engine.revive()?;
        self.row(
            "SELECT epoch, revision, at, counter, events FROM meta",
            |mut row| {
                Ok(Position {
                    epoch: row.u64()?,
                    revision: row.u64()?,
                    at: Time(row.u64()?),
                    counter: row.u64()?,
                    events: row.u64()?,
                })
            },
        )
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let (old, new) = (batch.old(), batch.new_position());
        let args: [u64; 6] = [
            old.epoch,
            old.revision,
            new.revision,
            new.at.0,
            new.counter,
            new.events,
        ];
        let guard = Guard {
            table: "meta",
            set: "revision = $3, at = $4, counter = $5, events = $6",
            holds: "epoch = $1 AND revision = $2",
            args: args.map(Field::from).into(),
        };
        self.engine.commit(&guard, batch.writes())
    }

    fn read(&mut self, table: &'static Table, each: EachRow<'_>) -> Result<(), StoreError> {
        read_table(&mut self.engine, table, each)
    }

    fn journal(
        &mut self,
        part: Part,
        each: &mut dyn FnMut(JournalRow) -> Result<Flow, StoreError>,
    ) -> Result<(), StoreError> {
        read_journal_part(&mut self.engine, part, each)
    }

    fn trim(&mut self, up_to: u64, rows_max: usize) -> Result<(), StoreError> {
        // The oldest row bounds the work; revisions have no gaps.
        let sql = "DELETE FROM journal WHERE revision <= $1 AND revision < \
                   (SELECT MIN(revision) FROM journal) + $2";
        self.engine
            .execute(&[(sql, &[up_to.into(), (rows_max as u64).into()])])
    }
}

fn random() -> Result<u64, StoreError> {
    let broken = |e| StoreError::Broken(format!("no randomness from the system: {e}"));
    u64::try_generate().map_err(broken)
}

/// Every row of a table in the order of its key.
pub(crate) fn read_table(
    engine: &mut dyn Engine,
    table: &Table,
    each: EachRow<'_>,
) -> Result<(), StoreError> {
    let names: Vec<_> = table.columns.iter().map(|c| c.name).collect();
    read_columns(engine, table, &names, each)
}

/// The same of some columns, which begin with the key.
pub(crate) fn read_columns(
    engine: &mut dyn Engine,
    table: &Table,
    names: &[&str],
    each: EachRow<'_>,
) -> Result<(), StoreError> {
    let (columns, keys) = (names.join(", "), names[..table.keys].join(", "));
    let sql = format!("SELECT {columns} FROM {} ORDER BY {keys}", table.name);
    engine.query(&sql, &[], &mut |fields| each(fields).map(Flow::Continue))
}

/// Rows of the journal, page by page: a reader that has enough leaves no rows under way.
pub(crate) fn read_journal_part(
    engine: &mut dyn Engine,
    part: Part,
    each: &mut dyn FnMut(JournalRow) -> Result<Flow, StoreError>,
) -> Result<(), StoreError> {
    let columns = "SELECT revision, at, total, ended, doc FROM journal";
    // Times never fall from revision to revision, so the first row too old ends the walk.
    let (sql, mut from, since) = match part {
        Part::After(revision) => (
            format!(
                "{columns} WHERE revision > $1 AND at >= $2 ORDER BY revision LIMIT {JOURNAL_READ_MAX}"
            ),
            revision,
            Time(0),
        ),
        Part::Ended(since) => (
            format!(
                "{columns} WHERE revision < $1 AND (ended > 0 OR at < $2) \
                 ORDER BY revision DESC LIMIT {JOURNAL_READ_MAX}"
            ),
            i64::MAX.cast_unsigned(),
            since,
        ),
    };
    loop {
        let mut page = Vec::with_capacity(JOURNAL_READ_MAX);
        engine.query(&sql, &[from.into(), since.0.into()], &mut |fields| {
            page.push(read_journal(Reader::new(JOURNAL.name, fields))?);
            Ok(Flow::Continue(()))
        })?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        from = last.revision;
        let more = page.len() == JOURNAL_READ_MAX;
        for row in page {
            if row.at < since || each(row)?.is_break() {
                return Ok(());
            }
        }
        if !more {
            return Ok(());
        }
    }
}

impl Sql<Postgres> {
    /// Connects to a server: `postgres://user:password@host/database`, or `host=/run/postgresql …`.
    ///
    /// # Errors
    /// When it cannot be reached, or its schema is newer than this program.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        Self::open(Postgres::open(url, LEDGER_SCHEMA)?)
    }

    /// The server's clock, which all replicas go by.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn clock(&mut self) -> Result<Shifted, StoreError> {
        self.engine.clock_ahead_ms().map(Shifted::by_ms)
    }
}
