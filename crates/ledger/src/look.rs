//! A look at a store from beside it, while a server may be at work on it: for `caviada doctor`.

use std::path::Path;

use caviada_core::state::State;
use caviada_core::time::Time;

use crate::directory::Seen;
use crate::engine::Engine;
use crate::engine::postgres::{LEDGER_SCHEMA, Postgres};
use crate::engine::sqlite::Sqlite;
use crate::load::load;
use crate::migration::{self, LEDGER};
use crate::start::Place;
use crate::store::sql::Sql;
use crate::store::{Store as _, StoreError};

/// What a store holds at one moment.
#[derive(Debug)]
pub struct Look {
    /// Name of the installation.
    pub installation: String,
    /// The last revision in it.
    pub revision: u64,
    /// When that was committed.
    pub at: Time,
    /// It counts as rolled back: nothing on hosts is changed until a person has looked.
    pub rolled_back: bool,
    /// The newest revision that was seen from this data directory.
    pub seen: u64,
    /// All nouns.
    pub state: State,
}

/// Looks; nothing if there is no store yet. Blocks; not for the threads of an asynchronous runtime.
///
/// # Errors
/// Any of [`StoreError`]; `Broken` when the store is damaged.
pub fn look(data_dir: &Path, place: &Place) -> Result<Option<Look>, StoreError> {
    match place {
        Place::Sqlite => {
            let file = data_dir.join("ledger.db");
            if !file.exists() {
                return Ok(None);
            }
            let mut engine = Sqlite::read_only(&file)?;
            engine.check()?;
            frozen(data_dir, engine).map(Some)
        }
        Place::Postgres(url) => {
            let mut engine = Postgres::open(url, LEDGER_SCHEMA)?;
            migration::migrate(&mut engine, LEDGER)?;
            let mut rows = 0;
            engine.query("SELECT id FROM meta", &[], &mut |_| {
                rows += 1;
                Ok(crate::store::Flow::Continue(()))
            })?;
            if rows == 0 {
                return Ok(None);
            }
            frozen(data_dir, engine).map(Some)
        }
    }
}

fn frozen<E: Engine>(data_dir: &Path, mut engine: E) -> Result<Look, StoreError> {
    engine.freeze()?;
    let mut store = Sql { engine };
    let position = store.position()?;
    let installation = store.installation()?;
    let rolled_back = store.is_rolled_back()?;
    let state = load(&mut store, &position)?;
    store.engine.thaw()?;
    Ok(Look {
        revision: position.revision,
        at: position.at,
        rolled_back,
        seen: Seen::read(data_dir.join("seen"), &installation).revision(),
        installation,
        state,
    })
}
