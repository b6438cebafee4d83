//! The data directory: one process at a time, and the newest revision it has seen.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::sqlite::{Sqlite, Sync};
use crate::store::StoreError;
use crate::store::sql::Sql;

/// The data directory, locked for this process for as long as a clone, or a store in it, lives.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    _lock: Arc<File>,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another process uses it.
    #[error("another process uses the data directory {0}; stop it first")]
    InUse(PathBuf),
    /// The file system said no.
    #[error("data directory {path}: {error}")]
    Io {
        /// What was opened or made.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
}

impl Directory {
    /// Locks a data directory, and makes it if it is not there.
    ///
    /// # Errors
    /// When another process has it, or it cannot be made.
    pub fn lock(path: &Path) -> Result<Self, DirectoryError> {
        let io = |path: &Path, error| DirectoryError::Io {
            path: path.to_owned(),
            error,
        };
        private_dir(path).map_err(|e| io(path, e))?;
        let file = path.join("lock");
        let lock = File::create(&file).map_err(|e| io(&file, e))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock.into(),
            }),
            Err(TryLockError::WouldBlock) => Err(DirectoryError::InUse(path.to_owned())),
            Err(TryLockError::Error(e)) => Err(io(&file, e)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The newest revision of an installation that was seen from here.
    pub(crate) fn seen(&self, installation: &str) -> Seen {
        Seen::read(self.file("seen"), installation)
    }

    /// The ledger's store in it.
    ///
    /// # Errors
    /// When it cannot be opened, or is newer than this program.
    pub fn sqlite(&self) -> Result<Sql<Sqlite>, StoreError> {
        let mut engine = Sqlite::open(&self.file("ledger.db"), Sync::Full)?;
        engine.keep(self.clone());
        Sql::open(engine)
    }
}

/// The newest revision that was seen: a store that is older was rolled back.
#[derive(Debug)]
pub(crate) struct Seen {
    file: PathBuf,
    installation: String,
    revision: u64,
}

impl Seen {
    /// What the file remembers of an installation; nothing of another one.
    pub fn read(file: PathBuf, installation: &str) -> Self {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let revision = match text.split_once(' ') {
            Some((whose, revision)) if whose == installation => revision.trim().parse().ok(),
            _ => None,
        };
        Self {
            file,
            installation: installation.to_owned(),
            revision: revision.unwrap_or(0),
        }
    }

    /// The newest one.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Remembers a newer one. Best effort: it is a second witness, not a record.
    pub fn record(&mut self, revision: u64) {
        if revision > self.revision {
            self.set_back(revision);
        }
    }

    /// Remembers this one, whatever was seen before.
    pub fn set_back(&mut self, revision: u64) {
        self.revision = revision;
        let next = self.file.with_extension("next");
        let text = format!("{} {revision}\n", self.installation);
        let written = std::fs::write(&next, text).and_then(|()| std::fs::rename(&next, &self.file));
        if let Err(error) = written {
            tracing::warn!(%error, "cannot remember the newest revision");
        }
    }
}

#[cfg(unix)]
fn private_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn private_dir(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}
