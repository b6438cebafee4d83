//! Migrations: numbered, forward only, each in one transaction, remembered with a checksum.
//!
//! Expand, then contract: a new column or table is added in one release and the old one dropped in
//! a later one, so that the previous release can still work with the current schema. Each step says
//! the oldest program that can.

use sha2::{Digest, Sha256};

use crate::engine::Engine;
use crate::field::{Field, Reader};
use crate::store::{Flow, StoreError};

/// One step of a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// Counts from 1 without gaps.
    pub number: u64,
    /// A program whose newest step has this number can work with the schema after this one.
    pub oldest: u64,
    /// DDL with substitutions.
    pub sql: &'static str,
}

/// A schema: the name of its table of steps, and its steps.
pub(crate) type Schema = (&'static str, &'static [Migration]);

/// The ledger's store.
pub(crate) const LEDGER: Schema = (
    "migration",
    &[Migration {
        number: 1,
        oldest: 1,
        sql: include_str!("schema/ledger/0001_first.sql"),
    }],
);

/// The history.
pub(crate) const HISTORY: Schema = (
    "history_migration",
    &[Migration {
        number: 1,
        oldest: 1,
        sql: include_str!("schema/history/0001_first.sql"),
    }],
);

/// Brings a database's schema up to date.
pub(crate) fn migrate(engine: &mut dyn Engine, (table, steps): Schema) -> Result<(), StoreError> {
    let dialect = engine.dialect();
    let made = dialect.ddl(&format!(
        "CREATE TABLE IF NOT EXISTS {table} (number {{int64}} NOT NULL PRIMARY KEY, \
         oldest {{int64}} NOT NULL, checksum {{text}} NOT NULL) {{table}}"
    ));
    engine.execute(&[(&made, &[])])?;
    let done = done(engine, table)?;
    let newest = steps.last().map_or(0, |s| s.number);
    for (number, oldest, checksum) in &done {
        let known = steps.iter().find(|s| s.number == *number);
        if known.is_some_and(|s| checksum_of(s) != *checksum) {
            let text = format!("step {number} of {table} was not made by this program");
            return Err(StoreError::Broken(text));
        }
        if known.is_none() && *oldest > newest {
            let text =
                format!("step {number} of {table} is newer than this program: take a newer one");
            return Err(StoreError::Broken(text));
        }
    }
    let remember = format!("INSERT INTO {table} (number, oldest, checksum) VALUES ($1, $2, $3)");
    for step in steps
        .iter()
        .filter(|s| done.iter().all(|d| d.0 != s.number))
    {
        let row: [Field; 3] = [
            step.number.into(),
            step.oldest.into(),
            checksum_of(step).into(),
        ];
        engine.execute(&[(&dialect.ddl(step.sql), &[]), (&remember, &row)])?;
    }
    Ok(())
}

/// Steps a database has seen: number, oldest program, checksum.
fn done(
    engine: &mut dyn Engine,
    table: &'static str,
) -> Result<Vec<(u64, u64, String)>, StoreError> {
    let mut done = Vec::new();
    let sql = format!("SELECT number, oldest, checksum FROM {table} ORDER BY number");
    engine.query(&sql, &[], &mut |fields| {
        let mut row = Reader::new(table, fields);
        done.push((row.u64()?, row.u64()?, row.text()?.to_owned()));
        Ok(Flow::Continue(()))
    })?;
    Ok(done)
}

fn checksum_of(step: &Migration) -> String {
    use std::fmt::Write as _;
    Sha256::digest(step.sql)
        .iter()
        .fold(String::new(), |mut text, b| {
            let _ = write!(text, "{b:02x}");
            text
        })
}
