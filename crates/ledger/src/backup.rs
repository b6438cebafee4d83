//! Backup and restore. A backup is always one SQLite file, whatever the store, so that a restore
//! may change engines. It holds the ledger, its journal and the history; secrets in it stay sealed,
//! and the master key is not in it: without that key they cannot be opened again.
//!
//! A restored store is older than the world. So its counter begins at the microseconds of the wall
//! clock, above every fence ever given out; and where hosts may hold what it does not know, it
//! counts as rolled back: nothing unknown is deleted until a person has looked.

mod source;

use std::path::{Path, PathBuf};

use caviada_core::limits;
use caviada_core::time::Time;
use sha2::{Digest as _, Sha256};

use crate::clock::{Source as _, System};
use crate::directory::Directory;
use crate::engine::postgres::{HISTORY_SCHEMA, LEDGER_SCHEMA, Postgres};
use crate::engine::sqlite::{Sqlite, Sync};
use crate::engine::{Engine, Guard};
use crate::field::{Field, FieldRef};
use crate::history;
use crate::migration::{self, LEDGER};
use crate::seal::private_file;
use crate::start::Place;
use crate::store::sql::{Sql, read_table};
use crate::store::{Flow, StoreError};
use crate::table::{HISTORY, HOST, JOURNAL, META, NOUNS, Table, Verb, Writes};
use source::verified;

/// Places of the columns of `meta`.
const EPOCH: usize = 1;
const REVISION: usize = 2;
const COUNTER: usize = 4;
const INSTALLATION: usize = 6;
const ROLLED_BACK: usize = 7;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// When it was made.
    pub made_at: Time,
    /// The last revision in it.
    pub revision: u64,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of them, as hexadecimal digits.
    pub digest: String,
}

/// What a restore made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What it was made from.
    pub backup: Backup,
    /// Every id and fence from now on is above this.
    pub counter: u64,
    /// Nothing unknown is deleted until a person has looked.
    pub rolled_back: bool,
}

/// Why there is no backup, or no restore.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A backup never overwrites.
    #[error("{0} is there already; name another file")]
    Exists(PathBuf),
    /// There is no store to back up.
    #[error("there is no ledger in {0}")]
    Nothing(String),
    /// The store has the schema of an older program.
    #[error(
        "the store of {0} is an older program's: back it up with that one, or start the server once"
    )]
    Older(PathBuf),
    /// A restore never overwrites.
    #[error("the store already holds something; restore into an empty one")]
    NotEmpty,
    /// The file is no backup, or not what was written.
    #[error("{0} is no sound backup: {1}")]
    Unsound(PathBuf, String),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system said no.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] std::io::Error),
}

/// Backs a store up into one file, while a server may be at work on it. Blocks.
///
/// # Errors
/// When the file is there already, or a store or file fails; then there is no file.
pub fn backup(data_dir: &Path, place: &Place, to: &Path) -> Result<Backup, BackupError> {
    let part = part_of(to)?;
    let (history, ledger) = sources(data_dir, place)?;
    let io = |error| BackupError::Io(to.to_owned(), error);
    // By us and not by SQLite, which does not say why it cannot.
    let made = private_file().create_new(true).open(&part);
    made.map_err(io)?;
    let written = write(history, ledger, &part);
    let done = written.and_then(|backup| {
        std::fs::File::open(&part)
            .and_then(|f| f.sync_all())
            .map_err(io)?;
        std::fs::rename(&part, to).map_err(io)?;
        let folder = to.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = std::fs::File::open(folder.unwrap_or(Path::new(".")));
        folder.and_then(|f| f.sync_all()).map_err(io)?;
        Ok(backup)
    });
    if done.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// Where a backup is written until it is whole.
fn part_of(to: &Path) -> Result<PathBuf, BackupError> {
    let part = to.with_added_extension("part");
    for file in [to, part.as_path()] {
        if file.exists() {
            return Err(BackupError::Exists(file.to_owned()));
        }
    }
    Ok(part)
}

fn write(
    mut history: Option<Database>,
    mut ledger: Database,
    part: &Path,
) -> Result<Backup, BackupError> {
    let mut target = Sql::open(Sqlite::open(part, Sync::Normal)?)?.engine;
    history::prepare(&mut target)?;
    let mut copy = Copy::default();
    // The history first: what it lacks is then in the journal.
    if let Some(history) = &mut history {
        copy.all(&mut **history, &mut target, &HISTORY)?;
    }
    copy.all(&mut *ledger, &mut target, &ledger_tables())?;
    let backup = Backup {
        made_at: System.wall(),
        revision: meta(&mut target)?.number(REVISION),
        rows: copy.rows,
        digest: hex(&copy.digest.finalize()),
    };
    let row = [
        backup.made_at.0.into(),
        backup.revision.into(),
        backup.rows.into(),
        backup.digest.as_str().into(),
    ];
    target.execute(&[
        (
            "CREATE TABLE backup (made_at INTEGER NOT NULL, revision INTEGER NOT NULL, \
             rows INTEGER NOT NULL, digest TEXT NOT NULL) STRICT",
            &[],
        ),
        (
            "INSERT INTO backup (made_at, revision, rows, digest) VALUES ($1, $2, $3, $4)",
            &row,
        ),
    ])?;
    target.fold()?;
    Ok(backup)
}

/// Looks at a backup: SQLite's own structure, every row by the digest of all, and whether a State can
/// be made of them. Blocks.
///
/// # Errors
/// `Unsound`, with what is wrong.
pub fn verify(file: &Path) -> Result<Backup, BackupError> {
    verified(file).map(|(backup, _)| backup)
}

/// Restores a backup into an empty store. Blocks.
///
/// # Errors
/// When the backup is not sound, or the store is not empty. After another error the store is
/// neither empty nor whole, and says so on the next attempt.
pub fn restore(file: &Path, directory: &Directory, place: &Place) -> Result<Restored, BackupError> {
    let (backup, mut source) = verified(file)?;
    let source = &mut source.engine;
    let (mut history, mut ledger) = targets(directory, place)?;
    let mut nothing = HISTORY.into_iter().take(HISTORY.len() - 1);
    let empty = nothing.try_fold(true, |empty, t| {
        Ok::<_, StoreError>(empty && is_empty(&mut *history, t)?)
    })? && is_empty(&mut *ledger, &JOURNAL)?
        && NOUNS.iter().try_fold(true, |empty, t| {
            Ok::<_, StoreError>(empty && is_empty(&mut *ledger, t)?)
        })?;
    if !empty {
        return Err(BackupError::NotEmpty);
    }
    let mut meta = meta(source)?;
    let wall_us = System.wall().0.saturating_mul(1_000);
    let counter = meta.number(COUNTER).max(wall_us);
    let seen = directory.seen(meta.text(INSTALLATION)).revision();
    let rolled_back =
        meta.number(ROLLED_BACK) != 0 || seen > backup.revision || !is_empty(source, &HOST)?;
    let mut copy = Copy::default();
    copy.all(source, &mut *history, &HISTORY)?;
    let tables: Vec<_> = ledger_tables()
        .into_iter()
        .filter(|t| t.name != META.name)
        .collect();
    copy.all(source, &mut *ledger, &tables)?;
    // Last, in one row: only now the store is what it says.
    meta.0[COUNTER] = counter.into();
    meta.0[ROLLED_BACK] = rolled_back.into();
    meta.0[EPOCH] = (meta.number(EPOCH) + 1).into();
    let mut row = Writes::new(Verb::Put, &META);
    let fields: Vec<FieldRef<'_>> = meta.0.iter().map(Field::as_ref).collect();
    row.push_read(&fields);
    ledger.commit(&always("meta"), &[row])?;
    Ok(Restored {
        backup,
        counter,
        rolled_back,
    })
}

/// What of the ledger is copied; where it stands last.
fn ledger_tables() -> Vec<&'static Table> {
    NOUNS.into_iter().chain([&JOURNAL, &META]).collect()
}

type Database = Box<dyn Engine>;

/// History, if there is one, and ledger, to read.
fn sources(data_dir: &Path, place: &Place) -> Result<(Option<Database>, Database), BackupError> {
    let known = |ledger: &mut dyn Engine| match migration::is_behind(ledger, LEDGER)? {
        true => Err(BackupError::Older(data_dir.to_owned())),
        false => Ok(()),
    };
    match place {
        Place::Sqlite => {
            let (history, ledger) = (data_dir.join("history.db"), data_dir.join("ledger.db"));
            if !ledger.exists() {
                return Err(BackupError::Nothing(data_dir.display().to_string()));
            }
            let mut ledger = Sqlite::read_only(&ledger)?;
            known(&mut ledger)?;
            let history = history
                .exists()
                .then(|| Sqlite::read_only(&history))
                .transpose()?;
            Ok((history.map(|h| Box::new(h) as Database), Box::new(ledger)))
        }
        Place::Postgres(url) => {
            let mut ledger = Postgres::open(url, LEDGER_SCHEMA)?;
            let made =
                format!("SELECT 1 FROM pg_tables WHERE schemaname = '{LEDGER_SCHEMA}' LIMIT 1");
            if !any(&mut ledger, &made)? {
                return Err(BackupError::Nothing("this database".to_owned()));
            }
            known(&mut ledger)?;
            // Only now: it brings the history's schema forward.
            let mut history = Postgres::open(url, HISTORY_SCHEMA)?;
            history::prepare(&mut history)?;
            Ok((Some(Box::new(history)), Box::new(ledger)))
        }
    }
}

/// History and ledger, to write.
fn targets(directory: &Directory, place: &Place) -> Result<(Database, Database), StoreError> {
    let (mut history, ledger): (Database, Database) = match place {
        Place::Sqlite => (
            Box::new(Sqlite::open(&directory.file("history.db"), Sync::Full)?),
            Box::new(directory.sqlite()?.engine),
        ),
        Place::Postgres(url) => (
            Box::new(Postgres::open(url, HISTORY_SCHEMA)?),
            Box::new(crate::PostgresStore::connect(url)?.engine),
        ),
    };
    history::prepare(&mut *history)?;
    Ok((history, ledger))
}

fn is_empty(engine: &mut dyn Engine, table: &Table) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
    Ok(!any(engine, &sql)?)
}

/// Does a query give a row?
fn any(engine: &mut dyn Engine, sql: &str) -> Result<bool, StoreError> {
    let mut found = false;
    engine.query(sql, &[], &mut |_| {
        found = true;
        Ok(Flow::Break(()))
    })?;
    Ok(found)
}

/// The row of `meta`.
struct Meta(Vec<Field>);

impl Meta {
    fn number(&self, column: usize) -> u64 {
        match self.0.get(column) {
            Some(Field::Int(n)) => n.cast_unsigned(),
            _ => 0,
        }
    }

    fn text(&self, column: usize) -> &str {
        match self.0.get(column) {
            Some(Field::Text(text)) => text,
            _ => "",
        }
    }
}

fn meta(engine: &mut dyn Engine) -> Result<Meta, StoreError> {
    let mut found = Vec::new();
    read_table(engine, &META, &mut |row| {
        found = row.iter().map(|f| f.to_field()).collect();
        Ok(())
    })?;
    Ok(Meta(found))
}

/// Copies tables and counts what it copied.
#[derive(Default)]
struct Copy {
    rows: u64,
    digest: Sha256,
}

impl Copy {
    /// Copies tables as they are at one moment.
    fn all(
        &mut self,
        from: &mut dyn Engine,
        to: &mut dyn Engine,
        tables: &[&'static Table],
    ) -> Result<(), StoreError> {
        from.freeze()?;
        let done = tables
            .iter()
            .try_for_each(|table| self.one(from, to, table));
        from.thaw()?;
        done
    }

    fn one(
        &mut self,
        from: &mut dyn Engine,
        to: &mut dyn Engine,
        table: &'static Table,
    ) -> Result<(), StoreError> {
        // The one row of `meta` and of `mark` is there already.
        let verb = if table.name == "meta" || table.name == "mark" {
            Verb::Put
        } else {
            Verb::Add
        };
        // Both have a row that is always there.
        let guard = always(if HISTORY.contains(&table) {
            "mark"
        } else {
            "meta"
        });
        let mut writes = Writes::new(verb, table);
        let mut bytes = 0;
        read_table(from, table, &mut |row| {
            self.count(row);
            bytes += row.iter().map(bytes_of).sum::<usize>();
            writes.push_read(row);
            if writes.rows().len() >= limits::ledger::BACKUP_ROWS_MAX
                || bytes >= limits::ledger::BACKUP_BYTES_MAX
            {
                bytes = 0;
                let full = std::mem::replace(&mut writes, Writes::new(verb, table));
                to.commit(&guard, &[full])?;
            }
            Ok(())
        })?;
        if writes.is_empty() {
            Ok(())
        } else {
            to.commit(&guard, &[writes])
        }
    }

    /// Every field with its kind and length, so that no two contents look alike.
    fn count(&mut self, row: &[FieldRef<'_>]) {
        self.rows += 1;
        for field in row {
            match field {
                FieldRef::Null => self.digest.update([0]),
                FieldRef::Int(n) => {
                    self.digest.update([1]);
                    self.digest.update(n.to_be_bytes());
                }
                FieldRef::Text(text) => {
                    self.digest.update([2]);
                    self.digest.update((text.len() as u64).to_be_bytes());
                    self.digest.update(text);
                }
            }
        }
    }
}

fn bytes_of(field: &FieldRef<'_>) -> usize {
    match field {
        FieldRef::Text(text) => text.len(),
        _ => 8,
    }
}

/// A guard that holds: nobody else writes there.
fn always(table: &'static str) -> Guard {
    Guard {
        table,
        set: "revision = revision",
        holds: "revision >= 0",
        args: vec![],
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}
