//! How far each webhook was told. Marks are apart from the ledger's store: no delivery waits for a
//! commit and no commit for a delivery. What a power cut takes of them is told again.

use std::sync::{Arc, Mutex, PoisonError};

use caviada_core::event::Number;
use caviada_core::id::WebhookId;

use crate::directory::Directory;
use crate::engine::Engine;
use crate::engine::postgres::{HISTORY_SCHEMA, Postgres};
use crate::engine::sqlite::{Sqlite, Sync};
use crate::field::{Field, Reader};
use crate::migration;
use crate::store::{Flow, StoreError};

/// The marks. Clones are one; its methods block: not for the threads of an asynchronous runtime.
#[derive(Clone)]
pub struct Marks(Arc<Mutex<Box<dyn Engine + Send>>>);

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Marks")
    }
}

impl Marks {
    pub(crate) fn sqlite(directory: &Directory) -> Result<Self, StoreError> {
        let path = directory.file("webhook.db");
        Self::open(Box::new(Sqlite::open(&path, Sync::Normal)?))
    }

    pub(crate) fn postgres(url: &str) -> Result<Self, StoreError> {
        Self::open(Box::new(Postgres::open(url, HISTORY_SCHEMA)?))
    }

    fn open(mut engine: Box<dyn Engine + Send>) -> Result<Self, StoreError> {
        migration::migrate(&mut *engine, migration::WEBHOOK)?;
        Ok(Self(Arc::new(Mutex::new(engine))))
    }

    /// How far a webhook was told, if it ever was.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn of(&self, webhook: WebhookId) -> Result<Option<Number>, StoreError> {
        let mut mark = None;
        let sql = "SELECT revision, number FROM webhook_mark WHERE id = $1";
        self.with(|engine| {
            engine.query(sql, &[webhook.0.into()], &mut |fields| {
                let mut row = Reader::new("webhook_mark", fields);
                let revision = row.u64()?;
                let index = u32::try_from(row.u64()?)
                    .map_err(|_| row.broken("an index of more than 32 bits"))?;
                mark = Some(Number { revision, index });
                Ok(Flow::Break(()))
            })
        })?;
        Ok(mark)
    }

    /// A webhook was told everything up to here.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn put(&self, webhook: WebhookId, mark: Number) -> Result<(), StoreError> {
        let row: [Field; 3] = [
            webhook.0.into(),
            mark.revision.into(),
            u64::from(mark.index).into(),
        ];
        let sql = "INSERT INTO webhook_mark (id, revision, number) VALUES ($1, $2, $3) \
                   ON CONFLICT (id) DO UPDATE SET \
                   revision = excluded.revision, number = excluded.number";
        self.with(|engine| engine.execute(&[(sql, &row)]))
    }

    /// A webhook is gone.
    ///
    /// # Errors
    /// Any of [`StoreError`].
    pub fn forget(&self, webhook: WebhookId) -> Result<(), StoreError> {
        let sql = "DELETE FROM webhook_mark WHERE id = $1";
        self.with(|engine| engine.execute(&[(sql, &[webhook.0.into()])]))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut dyn Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut engine = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        engine.revive()?;
        work(&mut **engine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_there_after_a_restart_and_gone_with_its_webhook() {
        let files = tempfile::tempdir().unwrap();
        let directory = Directory::lock(files.path()).unwrap();
        let (one, other) = (WebhookId(1), WebhookId(2));
        let mark = |revision| Number {
            revision,
            index: u32::MAX,
        };
        let marks = Marks::sqlite(&directory).unwrap();
        assert_eq!(marks.of(one).unwrap(), None);
        marks.put(one, mark(3)).unwrap();
        marks.put(one, mark(5)).unwrap();
        marks.put(other, mark(9)).unwrap();
        drop(marks);
        let marks = Marks::sqlite(&directory).unwrap();
        assert_eq!(marks.of(one).unwrap(), Some(mark(5)));
        marks.forget(one).unwrap();
        assert_eq!(marks.of(one).unwrap(), None);
        assert_eq!(marks.of(other).unwrap(), Some(mark(9)));
    }

    #[test]
    fn postgres_keeps_marks_as_well() {
        let Some(server) = caviada_testbed::postgres() else {
            return;
        };
        let marks = Marks::postgres(&server.url()).unwrap();
        let mark = Number {
            revision: 7,
            index: 1,
        };
        marks.put(WebhookId(1), mark).unwrap();
        let again = Marks::postgres(&server.url()).unwrap();
        assert_eq!(again.of(WebhookId(1)).unwrap(), Some(mark));
    }
}
