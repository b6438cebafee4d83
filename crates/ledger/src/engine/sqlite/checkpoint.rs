//! Checkpoints: what moves committed pages from the log into the database, in a thread and over a
//! connection of its own, so that no command waits for it.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use caviada_core::limits;
use rusqlite::{Connection, ErrorCode};

use super::{prepare, sort};
use crate::kill_point;
use crate::store::StoreError;

const RESTART_PATIENCE: Duration = Duration::from_millis(limits::ledger::LOG_RESTART_MS_MAX);
/// What the log's file shrinks to when it begins anew, in bytes.
pub(super) const LOG_BYTES_KEPT: i64 = limits::ledger::LOG_SHRUNK_BYTES;

#[derive(Debug)]
pub(super) struct Checkpoints {
    wake: Option<SyncSender<()>>,
    rows: usize,
    failure: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(sort)?;
        prepare(&connection).map_err(sort)?;
        connection.busy_timeout(RESTART_PATIENCE).map_err(sort)?;
        let (wake, woken) = sync_channel(1);
        let failure = Arc::new(OnceLock::new());
        let failed = failure.clone();
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&connection, &woken, &failed))
            .map_err(|e| StoreError::Broken(format!("no thread for checkpoints: {e}")))?;
        Ok(Self {
            wake: Some(wake),
            rows: 0,
            failure,
            thread: Some(thread),
        })
    }

    /// Counts rows; from time to time a checkpoint is due.
    pub fn committed(&mut self, rows: usize) {
        self.rows += rows;
        if self.rows >= limits::ledger::CHECKPOINT_ROWS
            && let Some(wake) = &self.wake
        {
            self.rows = 0;
            // Full: one is waiting already.
            let _ = wake.try_send(());
        }
    }

    /// What went wrong with the disk, if something did.
    pub fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, woken: &Receiver<()>, failed: &OnceLock<String>) {
    let mut pages_max = limits::ledger::LOG_PAGES_MAX;
    while woken.recv().is_ok() {
        kill_point!("before-checkpoint");
        let done = checkpoint(connection, "PASSIVE").and_then(|log| {
            if log.pages > pages_max {
                pages_max = checkpoint(connection, "RESTART")?.pages_max();
            }
            Ok(())
        });
        kill_point!("after-checkpoint");
        let Err(error) = done else { continue };
        let code = error.sqlite_error_code();
        if matches!(
            code,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull)
        ) {
            tracing::warn!(%error, "no checkpoint this time");
            continue;
        }
        // The disk lost something, or may have: the next commit must not be believed.
        let _ = failed.set(format!("checkpoint: {error}"));
        return;
    }
}

/// What a checkpoint left.
struct Log {
    /// Somebody was in the way of all that was asked for.
    busy: bool,
    pages: i64,
}

impl Log {
    /// Where the log is to begin anew the next time.
    fn pages_max(&self) -> i64 {
        if self.busy {
            self.pages + limits::ledger::LOG_PAGES_AGAIN
        } else {
            limits::ledger::LOG_PAGES_MAX
        }
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Log> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok(Log {
            busy: row.get(0)?,
            pages: row.get(1)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_takes_its_time_is_waited_for_now_and_then() {
        let files = tempfile::tempdir().unwrap();
        let path = files.path().join("t.db");
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        writer.execute_batch("CREATE TABLE t (n)").unwrap();
        let reader = Connection::open(&path).unwrap();
        let read = "BEGIN; SELECT COUNT(*) FROM t";
        reader.execute_batch(read).unwrap();
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        let other = Connection::open(&path).unwrap();
        other.busy_timeout(Duration::from_millis(1)).unwrap();
        let kept = checkpoint(&other, "RESTART").unwrap();
        assert!(kept.busy && kept.pages > 0);
        assert_eq!(
            kept.pages_max(),
            kept.pages + limits::ledger::LOG_PAGES_AGAIN
        );
        reader.execute_batch("COMMIT").unwrap();
        let anew = checkpoint(&other, "RESTART").unwrap();
        assert_eq!(
            (anew.busy, anew.pages_max()),
            (false, limits::ledger::LOG_PAGES_MAX)
        );
    }
}
