//! How much of the journal the ledger may forget: what is past its time, and read.

use caviada_core::limits;
use caviada_core::time::Time;

use super::TRIM_ROWS;
use crate::engine::Engine;
use crate::field::{Field, Reader};
use crate::store::{Flow, StoreError};

/// The last revision of the journal that is past its time, among its oldest rows, and nothing after
/// the history's mark. `now` is ledger time, `total` counts the events so far. What a start needs
/// for the leases that ended within the hour stays in any case.
pub(super) fn up_to(
    journal: &mut dyn Engine,
    mark: u64,
    now: Time,
    total: u64,
) -> Result<Option<u64>, StoreError> {
    let ago = |ms| Field::from(now.0.saturating_sub(ms));
    let many = (limits::JOURNAL_KEPT_EVENTS_MAX as u64).min(total);
    let args = [
        ago(limits::JOURNAL_KEPT_MS),
        Field::from(total - many),
        ago(limits::ENDED_KEPT_MS),
        Field::from(mark),
    ];
    let past = "(at < $1 OR total < $2) AND at < $3 AND revision <= $4";
    let first = "(SELECT MIN(revision) FROM journal)";
    let mut last = None;
    // Most often not even the oldest is past its time.
    for range in [
        format!("revision = {first}"),
        format!("revision < {first} + {TRIM_ROWS}"),
    ] {
        let sql = format!("SELECT MAX(revision) FROM journal WHERE {range} AND {past}");
        last = None;
        journal.query(&sql, &args, &mut |fields| {
            last = Reader::new("journal", fields).maybe_u64()?;
            Ok(Flow::Break(()))
        })?;
        if last.is_none() {
            break;
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::sync::atomic::Ordering;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use caviada_core::command::{Act, By, Command};
    use caviada_core::name::Name;
    use caviada_core::pool::PoolSpec;

    use super::super::read::Reading;
    use super::super::{Databases, History, Projector, Sweep, Writer};
    use super::*;
    use crate::clock::Source;
    use crate::directory::Directory;
    use crate::journal::Revision;
    use crate::store::sql::Sql;
    use crate::{Ledger, PostgresStore, Start};

    const HOUR_MS: u64 = 3_600_000;
    const DAY_MS: u64 = 24 * HOUR_MS;

    /// It stands still until it is moved.
    #[derive(Clone, Default)]
    struct Moved(Rc<Cell<u64>>);

    impl Source for Moved {
        fn wall(&mut self) -> Time {
            Time(self.0.get())
        }
        fn monotonic(&mut self) -> Duration {
            Duration::from_millis(self.0.get())
        }
    }

    /// A ledger, and its history, which reads when it is told to.
    struct Slow<E: Engine> {
        ledger: Ledger<Sql<E>, Moved>,
        writer: Writer,
        history: History,
        made: Vec<Arc<Revision>>,
        _files: tempfile::TempDir,
    }

    impl<E: Engine> Slow<E> {
        /// A revision of one event at each of these times.
        fn new(
            files: tempfile::TempDir,
            store: Sql<E>,
            databases: Databases,
            times: &[u64],
        ) -> Self {
            let clock = Moved::default();
            let mut ledger = Ledger::open(store, clock.clone(), Start::default()).unwrap();
            let mut made = vec![];
            for (i, at) in times.iter().enumerate() {
                clock.0.set(*at);
                let act = Act::PutPool {
                    name: Name::new(&format!("p{i}")).unwrap(),
                    spec: Box::new(PoolSpec::declared()),
                    expect: None,
                };
                let command = Command {
                    by: By::System,
                    idempotency: None,
                    act,
                };
                made.extend(ledger.turn(&[command]).unwrap().revisions);
            }
            let told: Vec<_> = made.iter().map(|r| (r.revision, r.at.0, r.total)).collect();
            let expected = (1..).zip(times).map(|(n, at)| (n, *at, n));
            assert_eq!(told, expected.collect::<Vec<_>>());
            let progress = Arc::default();
            let history = History {
                reading: Arc::new(Mutex::new(Reading::new(
                    databases.search.0,
                    databases.search.1,
                ))),
                progress: Arc::clone(&progress),
            };
            let mut writer = Writer {
                projector: Projector::new(databases.projected),
                journal: databases.journal,
                state: None,
                followed: tokio::sync::broadcast::channel(1).1,
                progress,
                trim_to: Arc::default(),
                seen: Directory::lock(files.path()).unwrap().seen("it"),
                sweep: Sweep::default(),
                total: 0,
            };
            writer.resume().unwrap();
            Self {
                ledger,
                writer,
                history,
                made,
                _files: files,
            }
        }

        /// The history follows up to this revision, and the ledger forgets what it then may.
        fn follow(&mut self, mark: u64) -> Vec<u64> {
            for revision in &self.made {
                if (self.writer.projector.newest() + 1..=mark).contains(&revision.revision) {
                    assert!(self.writer.take(revision));
                }
            }
            self.writer.write().unwrap();
            assert_eq!(self.history.mark().0, mark);
            let up_to = self.writer.trim_to.swap(0, Ordering::AcqRel);
            assert!(up_to <= mark);
            self.ledger.trim(up_to, TRIM_ROWS).unwrap();
            let oldest = self.history.oldest().unwrap().unwrap().revision;
            let kept = self.history.revisions(oldest - 1, 100).unwrap().unwrap();
            kept.iter().map(|r| r.revision).collect()
        }
    }

    /// Two weeks and a half.
    const DAYS: [u64; 8] = [1, 1, 9, 10, 11, 18, 18, 18];

    fn nothing_unread_is_forgotten_though_old_enough<E: Engine>(mut slow: Slow<E>) {
        assert_eq!(slow.follow(1), [1, 2, 3, 4, 5, 6, 7, 8]);
        // Whatever the clock says: the mark counts.
        let journal = &mut *slow.writer.journal;
        let much_later = Time(1_000 * DAY_MS);
        assert_eq!(up_to(journal, 1, much_later, 8).unwrap(), Some(1));
        assert_eq!(up_to(journal, 0, much_later, 8).unwrap(), None);
        // At the mark it is day 9; the fourth is older than a week, but unread.
        assert_eq!(slow.follow(3), [3, 4, 5, 6, 7, 8]);
        assert_eq!(slow.follow(5), [3, 4, 5, 6, 7, 8]);
        assert_eq!(slow.follow(8), [5, 6, 7, 8], "exactly a week is kept");
        let history = &slow.history;
        assert_eq!(history.oldest().unwrap().unwrap().revision, 5);
        for gone in 0..4 {
            assert_eq!(history.revisions(gone, 100).unwrap(), None, "no gap");
        }
        assert_eq!(history.revisions(4, 1).unwrap().unwrap()[0].revision, 5);
        assert_eq!(history.revisions(8, 1).unwrap(), Some(vec![]));
    }

    fn too_many_events_are_forgotten_but_for_the_last_hour<E: Engine>(mut slow: Slow<E>) {
        let many = limits::JOURNAL_KEPT_EVENTS_MAX as u64;
        let grow = "UPDATE journal SET total = total + $1 WHERE revision > 5";
        let engine = &mut slow.ledger.store_mut().engine;
        engine.execute(&[(grow, &[many.into()])]).unwrap();
        for revision in &mut slow.made[5..] {
            Arc::make_mut(revision).total += many;
        }
        assert_eq!(slow.follow(5), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(slow.follow(6), [4, 5, 6, 7, 8], "the hour before the mark");
        assert_eq!(slow.follow(8), [6, 7, 8], "as many events as may be");
        assert_eq!(slow.history.revisions(4, 100).unwrap(), None);
    }

    fn sqlite(times: &[u64]) -> Slow<crate::engine::sqlite::Sqlite> {
        let files = tempfile::tempdir().unwrap();
        let directory = Directory::lock(&files.path().join("data")).unwrap();
        let store = directory.sqlite().unwrap();
        let databases = Databases::sqlite(&directory).unwrap();
        Slow::new(files, store, databases, times)
    }

    fn postgres(
        server: &caviada_testbed::Postgres,
        times: &[u64],
    ) -> Slow<crate::engine::postgres::Postgres> {
        let files = tempfile::tempdir().unwrap();
        let store = PostgresStore::connect(&server.url()).unwrap();
        let databases = Databases::postgres(&server.url()).unwrap();
        Slow::new(files, store, databases, times)
    }

    fn half_hours() -> [u64; 8] {
        std::array::from_fn(|i| DAY_MS + i as u64 * HOUR_MS / 2)
    }

    #[test]
    fn nothing_unread_is_forgotten_though_old_enough_on_sqlite() {
        nothing_unread_is_forgotten_though_old_enough(sqlite(&DAYS.map(|d| d * DAY_MS)));
    }

    #[test]
    fn nothing_unread_is_forgotten_though_old_enough_on_postgres() {
        let Some(server) = caviada_testbed::postgres() else {
            return;
        };
        let slow = postgres(&server, &DAYS.map(|d| d * DAY_MS));
        nothing_unread_is_forgotten_though_old_enough(slow);
    }

    #[test]
    fn too_many_events_are_forgotten_but_for_the_last_hour_on_sqlite() {
        too_many_events_are_forgotten_but_for_the_last_hour(sqlite(&half_hours()));
    }

    #[test]
    fn too_many_events_are_forgotten_but_for_the_last_hour_on_postgres() {
        let Some(server) = caviada_testbed::postgres() else {
            return;
        };
        too_many_events_are_forgotten_but_for_the_last_hour(postgres(&server, &half_hours()));
    }
}
