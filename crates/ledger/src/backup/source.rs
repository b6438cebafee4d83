//! A backup that is read: judged by its digest as it was written, then, if an older program wrote it,
//! brought forward in a copy.

use std::path::{Path, PathBuf};

use caviada_core::time::Time;
use sha2::Digest as _;

use super::{Backup, BackupError, Copy, hex, ledger_tables};
use crate::engine::Engine as _;
use crate::engine::sqlite::{Sqlite, Sync};
use crate::field::Reader;
use crate::history;
use crate::load::load;
use crate::migration::{self, LEDGER};
use crate::seal::private_file;
use crate::store::sql::{Sql, read_columns};
use crate::store::{Flow, Store as _, StoreError};
use crate::table::{HISTORY, Table};

/// A backup that is sound, and what to read it from.
pub(super) fn verified(file: &Path) -> Result<(Backup, Source), BackupError> {
    let unsound = |e: StoreError| BackupError::Unsound(file.to_owned(), e.to_string());
    // By us and not by SQLite, which says of either that it cannot open it.
    let found = std::fs::metadata(file).map_err(|e| BackupError::Io(file.to_owned(), e))?;
    if !found.is_file() {
        return Err(BackupError::Unsound(
            file.to_owned(),
            "it is no file".into(),
        ));
    }
    let (backup, behind) = digested(file).map_err(unsound)?;
    let source = match behind {
        true => Source::forward(file)?,
        false => Source {
            engine: Sqlite::read_only(file).map_err(unsound)?,
            _copy: None,
        },
    };
    let mut store = Sql {
        engine: source.engine,
    };
    let position = store.position().map_err(unsound)?;
    load(&mut store, &position).map_err(unsound)?;
    let engine = store.engine;
    Ok((backup, Source { engine, ..source }))
}

/// What a file says it is, once every row in it is one that was written; and whether an older
/// program wrote it.
fn digested(file: &Path) -> Result<(Backup, bool), StoreError> {
    let mut engine = Sqlite::read_only(file)?;
    engine.check()?;
    let backup = head(&mut engine)?;
    let behind = migration::is_behind(&mut engine, LEDGER)?
        | migration::is_behind(&mut engine, migration::HISTORY)?;
    let mut copy = Copy::default();
    for table in HISTORY.into_iter().chain(ledger_tables()) {
        // Columns and tables that came later were not counted.
        let names = columns_in(&mut engine, table)?;
        if names.is_empty() {
            continue;
        }
        read_columns(&mut engine, table, &names, &mut |row| {
            copy.count(row);
            Ok(())
        })?;
    }
    let digest = hex(&copy.digest.finalize());
    if (copy.rows, &digest) == (backup.rows, &backup.digest) {
        Ok((backup, behind))
    } else {
        let changed = "its rows are not those that were written";
        Err(StoreError::Broken(changed.into()))
    }
}

/// A sound backup with the newest schema.
pub(super) struct Source {
    pub engine: Sqlite,
    _copy: Option<Forward>,
}

/// A copy beside a backup of an older program, and what SQLite puts beside that; removed in the end.
struct Forward(PathBuf);

impl Source {
    /// Brings a copy of a backup forward, as a start would bring the store.
    fn forward(file: &Path) -> Result<Self, BackupError> {
        // Another one at work on it has its own.
        let path = file.with_added_extension(format!("forward-{}", std::process::id()));
        let io = |error| BackupError::Io(path.clone(), error);
        let mut from = std::fs::File::open(file).map_err(io)?;
        let mut to = private_file();
        let to = to.create(true).truncate(true).open(&path);
        let mut to = to.map_err(io)?;
        let copy = Forward(path.clone());
        std::io::copy(&mut from, &mut to).map_err(io)?;
        let mut engine = Sqlite::open(&path, Sync::Normal)?;
        migration::migrate(&mut engine, LEDGER)?;
        history::prepare(&mut engine)?;
        engine.fold()?;
        Ok(Self {
            engine: Sqlite::read_only(&path)?,
            _copy: Some(copy),
        })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        for beside in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(beside);
            // Whoever finds it left over may remove it.
            let _ = std::fs::remove_file(name);
        }
    }
}

/// Columns of a table that a backup has.
fn columns_in(engine: &mut Sqlite, table: &Table) -> Result<Vec<&'static str>, StoreError> {
    let mut there = Vec::new();
    let sql = format!("SELECT name FROM pragma_table_info('{}')", table.name);
    engine.query(&sql, &[], &mut |fields| {
        there.push(Reader::new("backup", fields).text()?.to_owned());
        Ok(Flow::Continue(()))
    })?;
    let names = table.columns.iter().map(|c| c.name);
    Ok(names
        .filter(|name| there.iter().any(|t| t == name))
        .collect())
}

fn head(engine: &mut Sqlite) -> Result<Backup, StoreError> {
    let mut found = None;
    engine.query(
        "SELECT made_at, revision, rows, digest FROM backup",
        &[],
        &mut |fields| {
            let mut row = Reader::new("backup", fields);
            found = Some(Backup {
                made_at: Time(row.u64()?),
                revision: row.u64()?,
                rows: row.u64()?,
                digest: row.text()?.to_owned(),
            });
            Ok(Flow::Break(()))
        },
    )?;
    found.ok_or_else(|| StoreError::Broken("it is not finished".into()))
}
