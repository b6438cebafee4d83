//! Forgetting: what the history need not keep any more, a few thousand rows at a time.

use caviada_core::limits;
use caviada_core::limits::ledger::HISTORY_SWEPT_MAX;
use caviada_core::time::Time;

use crate::engine::Engine;
use crate::field::{Field, Reader};
use crate::store::{Flow, StoreError};

/// Walks over the history's tables and forgets what is past its time.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// When this sweep began.
    begun: Option<Time>,
    /// Which table it is at, and from which key on.
    at: Option<(Part, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Postings,
    Leases,
    LeasesOf,
    Members,
}

impl Part {
    fn next(self) -> Option<Self> {
        match self {
            Self::Postings => Some(Self::Leases),
            Self::Leases => Some(Self::LeasesOf),
            Self::LeasesOf => Some(Self::Members),
            Self::Members => None,
        }
    }

    /// Table, first column of its key, and what of it is past its time.
    fn past(self) -> (&'static str, &'static str, &'static str) {
        match self {
            // What the journal has forgotten.
            Self::Postings => ("posting", "subject", "last < $3"),
            Self::Leases => ("lease_history", "id", "ended_at < $3"),
            // Their leases are gone: ids rise with time.
            Self::LeasesOf => ("lease_of", "subject", "last < $3"),
            Self::Members => ("member", "id", "gone_at < $3"),
        }
    }
}

impl Sweep {
    /// One step, if a sweep is under way or due.
    pub fn step(
        &mut self,
        history: &mut dyn Engine,
        journal: &mut dyn Engine,
        now: Time,
    ) -> Result<(), StoreError> {
        let Some((part, from)) = self.at else {
            if self
                .begun
                .is_none_or(|begun| now.since(begun) >= limits::ledger::HISTORY_SWEEP_MS)
            {
                self.begun = Some(now);
                self.at = Some((Part::Postings, i64::MIN));
            }
            return Ok(());
        };
        let old = Some(now.0.saturating_sub(limits::HISTORY_KEPT_MS));
        let bound = match part {
            Part::Postings => number(journal, "SELECT MIN(revision) FROM journal", &[])?,
            Part::LeasesOf => number(history, "SELECT MIN(id) FROM lease_history", &[])?,
            Part::Leases | Part::Members => old,
        };
        let (table, key, past) = part.past();
        let end = format!(
            "SELECT {key} FROM {table} WHERE {key} >= $1 ORDER BY {key} LIMIT 1 OFFSET {HISTORY_SWEPT_MAX}"
        );
        let end = number(history, &end, &[Field::Int(from)])?.map(u64::cast_signed);
        if let Some(bound) = bound {
            let sql = format!("DELETE FROM {table} WHERE {key} >= $1 AND {key} <= $2 AND {past}");
            let last = end.unwrap_or(i64::MAX);
            let args = [Field::Int(from), Field::Int(last), bound.into()];
            history.execute(&[(&sql, &args)])?;
        }
        self.at = match end.and_then(|end| end.checked_add(1)) {
            Some(next) => Some((part, next)),
            None => part.next().map(|next| (next, i64::MIN)),
        };
        Ok(())
    }
}

fn number(engine: &mut dyn Engine, sql: &str, args: &[Field]) -> Result<Option<u64>, StoreError> {
    let mut found = None;
    engine.query(sql, args, &mut |fields| {
        found = Reader::new("history", fields).maybe_u64()?;
        Ok(Flow::Break(()))
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::{Sqlite, Sync};
    use crate::history::prepare;
    use crate::migration::{LEDGER, migrate};

    const DAY_MS: u64 = 86_400_000;

    #[test]
    fn what_is_past_its_time_is_forgotten_and_nothing_else() {
        let files = tempfile::tempdir().unwrap();
        let open = |name: &str| Sqlite::open(&files.path().join(name), Sync::Normal).unwrap();
        let (mut history, mut journal) = (open("h.db"), open("l.db"));
        prepare(&mut history).unwrap();
        migrate(&mut journal, LEDGER).unwrap();
        let now = Time(limits::HISTORY_KEPT_MS + 100 * DAY_MS);
        let old = 50 * DAY_MS;
        let young = now.0 - DAY_MS;
        let lease = |id: u64, ended: &str| {
            format!(
                "INSERT INTO lease_history VALUES \
                 ({id}, '[]', NULL, 5, 0, NULL, {ended}, NULL, 0, '[]', '[]', '[]', '{{}}', NULL, 1, 1, NULL)"
            )
        };
        let mut rows = vec![
            lease(1, &old.to_string()),
            lease(2, &young.to_string()),
            lease(3, "NULL"),
            "INSERT INTO lease_of (subject, last) VALUES (-7, 1), (-7, 2), (9, 1), (9, 3)"
                .to_owned(),
            format!("INSERT INTO member VALUES (1, 1, 'a', {old}), (2, 1, 'b', NULL)"),
        ];
        rows.extend(
            (0..10_000)
                .map(|s| format!("INSERT INTO posting (subject, last) VALUES ({s}, 4), ({s}, 5)")),
        );
        let rows: Vec<(&str, &[Field])> = rows.iter().map(|sql| (sql.as_str(), &[][..])).collect();
        history.execute(&rows).unwrap();
        journal
            .execute(&[("INSERT INTO journal VALUES (5, 0, 0, 0, '[]')", &[])])
            .unwrap();
        let mut sweep = Sweep::default();
        for _ in 0..40 {
            sweep.step(&mut history, &mut journal, now).unwrap();
        }
        assert!(sweep.at.is_none(), "it comes to an end");
        let mut count = |sql: &str| number(&mut history, sql, &[]).unwrap().unwrap();
        assert_eq!(count("SELECT COUNT(*) FROM posting"), 10_000);
        assert_eq!(count("SELECT COUNT(*) FROM posting WHERE last = 4"), 0);
        assert_eq!(count("SELECT COUNT(*) FROM lease_history"), 2);
        assert_eq!(count("SELECT COUNT(*) FROM lease_of WHERE last = 1"), 0);
        assert_eq!(count("SELECT COUNT(*) FROM lease_of"), 2);
        assert_eq!(count("SELECT COUNT(*) FROM member"), 1);
    }
}
