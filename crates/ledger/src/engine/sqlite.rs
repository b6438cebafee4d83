//! SQLite: one file, WAL, every commit synced before it is answered, checkpoints off the writer's
//! thread.

mod checkpoint;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use caviada_core::limits;
use rusqlite::ffi;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};

use super::{Dialect, Each, Engine, Guard};
use crate::directory::Directory;
use crate::field::{Field, FieldRef};
use crate::seal::{narrow, private_file};
use crate::store::{Flow, StoreError};
use crate::table::{Verb, Writes};
use checkpoint::Checkpoints;

const BUSY_TIMEOUT: Duration = Duration::from_millis(limits::ledger::SQLITE_BUSY_MS_MAX);

/// How much a database may lose when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Nothing that was committed.
    Full,
    /// The last commits, for what can be made again.
    Normal,
}

/// One SQLite database.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    statements: BTreeMap<(usize, Verb), String>,
    checkpoints: Option<Checkpoints>,
    directory: Option<Directory>,
}

impl Sqlite {
    /// Opens a database for writing, and makes it if it is not there.
    pub fn open(path: &Path, sync: Sync) -> Result<Self, StoreError> {
        make_private(path)?;
        let connection = Connection::open(path).map_err(sort)?;
        let synchronous = match sync {
            Sync::Full => "FULL",
            Sync::Normal => "NORMAL",
        };
        prepare(&connection).map_err(sort)?;
        let set =
            |name, value: &dyn ToSql| connection.pragma_update(None, name, value).map_err(sort);
        set("journal_mode", &"WAL")?;
        set("synchronous", &synchronous)?;
        set("wal_autocheckpoint", &0)?;
        set("journal_size_limit", &checkpoint::LOG_BYTES_KEPT)?;
        let checkpoints = Some(Checkpoints::start(path)?);
        Ok(Self {
            connection,
            statements: BTreeMap::new(),
            checkpoints,
            directory: None,
        })
    }

    /// Opens a database that another connection writes.
    pub fn read_only(path: &Path) -> Result<Self, StoreError> {
        // Not read-only for SQLite: the last connection to close folds the log into the file.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sort)?;
        prepare(&connection).map_err(sort)?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(sort)?;
        Ok(Self {
            connection,
            statements: BTreeMap::new(),
            checkpoints: None,
            directory: None,
        })
    }

    /// Makes the database one file, without a log beside it.
    pub fn fold(&mut self) -> Result<(), StoreError> {
        self.checkpoints = None;
        let fold = |mode: &str| self.connection.pragma_update(None, "journal_mode", mode);
        fold("DELETE").map_err(sort)
    }

    /// Reads the whole file and says what is wrong with it.
    pub fn check(&mut self) -> Result<(), StoreError> {
        let mut found = String::new();
        self.query("PRAGMA integrity_check", &[], &mut |fields| {
            if let [FieldRef::Text(text)] = fields {
                found = (*text).to_owned();
            }
            Ok(Flow::Break(()))
        })?;
        if found == "ok" {
            Ok(())
        } else {
            Err(StoreError::Broken(found))
        }
    }

    /// Keeps the directory locked while the database is open.
    pub fn keep(&mut self, directory: Directory) {
        self.directory = Some(directory);
    }

    fn transaction(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.run("BEGIN IMMEDIATE", &[])?;
        let done = work(self).and_then(|()| self.run("COMMIT", &[]).map(drop));
        // Some errors roll back by themselves, others leave that to us.
        if done.is_err() && !self.connection.is_autocommit() {
            self.run("ROLLBACK", &[])?;
        }
        done
    }

    /// Runs one statement and says how many rows it touched.
    fn run(&mut self, sql: &str, args: &[Field]) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(sort)?;
        execute(&mut statement, args).map_err(sort)
    }

    fn write(&mut self, writes: &Writes) -> Result<(), StoreError> {
        let key = (std::ptr::from_ref(writes.table()).addr(), writes.verb());
        let sql = self
            .statements
            .entry(key)
            .or_insert_with(|| Dialect::Sqlite.write(writes.verb(), writes.table()));
        let mut statement = self.connection.prepare_cached(sql).map_err(sort)?;
        for row in writes.rows() {
            let touched = execute(&mut statement, row).map_err(sort)?;
            if touched != 1 && writes.verb() == Verb::Change {
                return Err(StoreError::Broken(format!(
                    "{}: no row to change",
                    writes.table().name
                )));
            }
        }
        Ok(())
    }
}

impl Engine for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn commit(&mut self, guard: &Guard, writes: &[Writes]) -> Result<(), StoreError> {
        if let Some(failure) = self.checkpoints.as_ref().and_then(Checkpoints::failure) {
            return Err(StoreError::Broken(failure));
        }
        let sql = positional(&Dialect::Sqlite.guard(guard));
        self.transaction(|engine| {
            if engine.run(&sql, &guard.args)? != 1 {
                return Err(StoreError::Fenced);
            }
            writes.iter().try_for_each(|w| engine.write(w))
        })?;
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.committed(writes.iter().map(|w| w.rows().len()).sum());
        }
        Ok(())
    }

    fn execute(&mut self, statements: &[(&str, &[Field])]) -> Result<(), StoreError> {
        self.transaction(|engine| {
            for (sql, args) in statements {
                if args.is_empty() {
                    engine.connection.execute_batch(sql).map_err(sort)?;
                } else {
                    engine.run(&positional(sql), args)?;
                }
            }
            Ok(())
        })
    }

    fn query(&mut self, sql: &str, args: &[Field], each: Each<'_>) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&positional(sql))
            .map_err(sort)?;
        bind(&mut statement, args).map_err(sort)?;
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(sort)? {
            let mut fields = [FieldRef::Null; limits::ledger::SQLITE_COLUMNS_MAX];
            let fields = fields
                .get_mut(..width)
                .ok_or_else(|| StoreError::Broken(format!("{width} columns in one query")))?;
            for (i, field) in fields.iter_mut().enumerate() {
                *field = match row.get_ref(i).map_err(sort)? {
                    ValueRef::Null => FieldRef::Null,
                    ValueRef::Integer(n) => FieldRef::Int(n),
                    ValueRef::Text(bytes) => FieldRef::Text(
                        str::from_utf8(bytes).map_err(|e| StoreError::Broken(e.to_string()))?,
                    ),
                    other => return Err(StoreError::Broken(format!("a {}", other.data_type()))),
                };
            }
            if each(fields)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn freeze(&mut self) -> Result<(), StoreError> {
        // A deferred transaction begins with its first read.
        self.run("BEGIN", &[])?;
        self.query("SELECT COUNT(*) FROM sqlite_schema", &[], &mut |_| {
            Ok(Flow::Break(()))
        })
    }

    fn thaw(&mut self) -> Result<(), StoreError> {
        self.run("COMMIT", &[]).map(drop)
    }

    fn revive(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Lets nobody else read a database, wherever it is and whatever the umask says: it holds digests of keys
/// and hashes of passwords. SQLite makes the log beside it like it.
fn make_private(path: &Path) -> Result<(), StoreError> {
    // Never opened where it is there: to close it would end the locks of this process on it.
    match private_file().create_new(true).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let text = format!("{}: {error}", path.display());
            return Err(StoreError::Broken(text));
        }
        _ => {}
    }
    // An older program made them for everybody, and left the log if it was killed.
    for beside in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(beside);
        match narrow(file.as_ref()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, file = %file.display(), "others may read it");
            }
            _ => {}
        }
    }
    Ok(())
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    // References between rows are State's business.
    connection.pragma_update(None, "foreign_keys", false)
}

fn execute(statement: &mut CachedStatement<'_>, args: &[Field]) -> rusqlite::Result<usize> {
    bind(statement, args)?;
    statement.raw_execute()
}

fn bind(statement: &mut CachedStatement<'_>, args: &[Field]) -> rusqlite::Result<()> {
    (1..)
        .zip(args)
        .try_for_each(|(i, arg): (usize, _)| statement.raw_bind_parameter(i, arg))
}

impl ToSql for Field {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// SQLite takes `$2` for a name and numbers names as they come; `?2` is the second.
fn positional(sql: &str) -> String {
    sql.replace('$', "?")
}

/// What has to be done about an error.
fn sort(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::Broken(text);
    };
    match failure.code {
        ErrorCode::DiskFull
        | ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::OutOfMemory => StoreError::Refused(text),
        // The log's index could not grow: a full disk again.
        _ if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => StoreError::Refused(text),
        _ => StoreError::Broken(text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use caviada_core::command::{Act, By, Command};
    use caviada_core::name::Name;
    use caviada_core::time::Time;

    use super::*;
    use crate::clock::Source;
    use crate::load::load;
    use crate::migration::{LEDGER, migrate};
    use crate::store::Store as _;
    use crate::store::sql::Sql;
    use crate::table::QUOTA;
    use crate::{Ledger, Start};

    fn guard() -> Guard {
        Guard {
            table: "meta",
            set: "revision = revision",
            holds: "epoch = 0",
            args: vec![],
        }
    }

    fn quotas(engine: &mut Sqlite) -> usize {
        let mut rows = 0;
        let each = &mut |_: &[FieldRef<'_>]| {
            rows += 1;
            Ok(Flow::Continue(()))
        };
        engine.query("SELECT id FROM quota", &[], each).unwrap();
        rows
    }

    fn batch(from: u64) -> Vec<Writes> {
        let mut writes = Writes::new(Verb::Add, &QUOTA);
        for id in from..from + 64 {
            writes.push([id.into(), "x".repeat(2_000).into()]);
        }
        vec![writes]
    }

    /// Sets how large the database may become.
    fn limit(engine: &Sqlite, pages: u32) {
        let set = |name| {
            engine
                .connection
                .pragma_update_and_check(None, name, pages, |_| Ok(()))
        };
        set("max_page_count").unwrap();
    }

    #[test]
    fn a_full_disk_refuses_a_whole_batch_and_takes_it_once_there_is_room() {
        let files = tempfile::tempdir().unwrap();
        let mut engine = Sqlite::open(&files.path().join("t.db"), Sync::Full).unwrap();
        migrate(&mut engine, LEDGER).unwrap();
        let meta = "INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0, 'i', 0)";
        engine.execute(&[(meta, &[])]).unwrap();
        limit(&engine, 100);
        let mut written = 0;
        let refused = loop {
            match engine.commit(&guard(), &batch(written as u64)) {
                Ok(()) => written += 64,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, StoreError::Refused(_)), "{refused}");
        assert_eq!(quotas(&mut engine), written);
        limit(&engine, 10_000);
        engine.commit(&guard(), &batch(written as u64)).unwrap();
        assert_eq!(quotas(&mut engine), written + 64);
    }

    /// It stands still.
    struct Still;

    impl Source for Still {
        fn wall(&mut self) -> Time {
            Time(1_800_000_000_000)
        }
        fn monotonic(&mut self) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn a_ledger_on_a_full_disk_stays_at_its_last_commit_and_goes_on_once_there_is_room() {
        let files = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&files.path().join("t.db"), Sync::Full).unwrap();
        let store = Sql::open(engine).unwrap();
        let mut ledger = Ledger::open(store, Still, Start::default()).unwrap();
        limit(&ledger.store_mut().engine, 100);
        let template = |n: u32| Command {
            by: By::System,
            idempotency: None,
            act: Act::PutTemplate {
                name: Name::new(&format!("t{n}")).unwrap(),
                files: Arc::new([("compose.yaml".into(), "#".repeat(20_000).into())].into()),
                drivers: vec!["docker".into()],
                ports: false,
                reset: false,
                create_ms: 120_000,
                declared_in: None,
                expect: None,
            },
        };
        let held = |ledger: &mut Ledger<Sql<Sqlite>, Still>| {
            let position = ledger.position().clone();
            assert_eq!(ledger.store_mut().position().unwrap(), position);
            let mut loaded = load(ledger.store_mut(), &position).unwrap();
            loaded.begin(ledger.state().now());
            assert!(loaded == *ledger.state());
            loaded
        };
        let mut made = 0;
        let committed = loop {
            let before = held(&mut ledger);
            if ledger.turn(&[template(made)]).unwrap().refused {
                break before;
            }
            made += 1;
        };
        assert!(held(&mut ledger) == committed && made > 0);
        limit(&ledger.store_mut().engine, 10_000);
        let turn = ledger.turn(&[template(made)]).unwrap();
        assert!(turn.answers[0].is_ok());
        assert_eq!(held(&mut ledger).templates.len(), 1 + made as usize);
    }

    #[test]
    fn a_guard_that_does_not_hold_writes_nothing() {
        let files = tempfile::tempdir().unwrap();
        let mut engine = Sqlite::open(&files.path().join("t.db"), Sync::Full).unwrap();
        migrate(&mut engine, LEDGER).unwrap();
        assert_eq!(engine.commit(&guard(), &batch(0)), Err(StoreError::Fenced));
        assert_eq!(quotas(&mut engine), 0);
    }

    #[test]
    fn commits_survive_checkpoints_and_the_log_does_not_grow_for_ever() {
        let files = tempfile::tempdir().unwrap();
        let path = files.path().join("t.db");
        let mut engine = Sqlite::open(&path, Sync::Normal).unwrap();
        migrate(&mut engine, LEDGER).unwrap();
        let meta = "INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0, 'i', 0)";
        engine.execute(&[(meta, &[])]).unwrap();
        for i in 0..1_000 {
            engine.commit(&guard(), &batch(i * 64)).unwrap();
        }
        assert_eq!(quotas(&mut engine), 64_000);
        drop(engine);
        assert!(!path.with_extension("db-wal").exists());
        let mut engine = Sqlite::open(&path, Sync::Full).unwrap();
        assert_eq!(quotas(&mut engine), 64_000);
        engine.check().unwrap();
        let limit = |row: &rusqlite::Row<'_>| row.get(0);
        let kept = engine
            .connection
            .pragma_query_value(None, "journal_size_limit", limit);
        assert_eq!(kept, Ok(checkpoint::LOG_BYTES_KEPT));
    }
}
