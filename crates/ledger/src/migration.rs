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
pub(crate) type Schema<'a> = (&'a str, &'a [Migration]);

/// The ledger's store.
pub(crate) const LEDGER: Schema<'static> = (
    "migration",
    &[
        Migration {
            number: 1,
            oldest: 1,
            sql: include_str!("schema/ledger/0001_first.sql"),
        },
        Migration {
            number: 2,
            oldest: 1,
            sql: include_str!("schema/ledger/0002_webhook.sql"),
        },
        Migration {
            number: 3,
            // The journal tells of power from here on.
            oldest: 3,
            sql: include_str!("schema/ledger/0003_power.sql"),
        },
        Migration {
            number: 4,
            // And of users.
            oldest: 4,
            sql: include_str!("schema/ledger/0004_user.sql"),
        },
        Migration {
            number: 5,
            // And of alterations.
            oldest: 5,
            sql: include_str!("schema/ledger/0005_alter.sql"),
        },
    ],
);

/// The history.
pub(crate) const HISTORY: Schema<'static> = (
    "history_migration",
    &[
        Migration {
            number: 1,
            oldest: 1,
            sql: include_str!("schema/history/0001_first.sql"),
        },
        Migration {
            number: 2,
            oldest: 1,
            sql: include_str!("schema/history/0002_reason.sql"),
        },
        Migration {
            number: 3,
            // A row of postings is a list from here on.
            oldest: 3,
            sql: include_str!("schema/history/0003_list.sql"),
        },
    ],
);

/// The marks of webhooks.
pub(crate) const WEBHOOK: Schema<'static> = (
    "webhook_migration",
    &[Migration {
        number: 1,
        oldest: 1,
        sql: include_str!("schema/webhook/0001_first.sql"),
    }],
);

/// Brings a database's schema up to date.
pub(crate) fn migrate(
    engine: &mut dyn Engine,
    (table, steps): Schema<'_>,
) -> Result<(), StoreError> {
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
            return Err(newer(table, *number));
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

/// Does a database lack steps? It is only read, and not by this program if a newer one made it.
pub(crate) fn is_behind(
    engine: &mut dyn Engine,
    (table, steps): Schema<'_>,
) -> Result<bool, StoreError> {
    let done = done(engine, table)?;
    let newest = steps.last().map_or(0, |s| s.number);
    match done.iter().map(|d| d.0).find(|number| *number > newest) {
        Some(number) => Err(newer(table, number)),
        None => Ok(done.len() < steps.len()),
    }
}

fn newer(table: &str, number: u64) -> StoreError {
    let text = format!("step {number} of {table} is newer than this program: take a newer one");
    StoreError::Broken(text)
}

/// Steps a database has seen: number, oldest program, checksum.
fn done(engine: &mut dyn Engine, table: &str) -> Result<Vec<(u64, u64, String)>, StoreError> {
    let mut done = Vec::new();
    let sql = format!("SELECT number, oldest, checksum FROM {table} ORDER BY number");
    engine.query(&sql, &[], &mut |fields| {
        let mut row = Reader::new("migration", fields);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::postgres::Postgres;
    use crate::engine::sqlite::{Sqlite, Sync};

    const STEPS: &[Migration] = &[
        Migration {
            number: 1,
            oldest: 1,
            sql: "CREATE TABLE a (n {int64} NOT NULL) {table};",
        },
        Migration {
            number: 2,
            oldest: 1,
            sql: "ALTER TABLE a ADD COLUMN t {text};",
        },
        Migration {
            number: 3,
            oldest: 2,
            sql: "CREATE TABLE b (n {int64} NOT NULL) {table};",
        },
    ];

    fn sqlite() -> (tempfile::TempDir, Sqlite) {
        let files = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&files.path().join("test.db"), Sync::Full).unwrap();
        (files, engine)
    }

    fn steps(engine: &mut dyn Engine) -> Vec<u64> {
        done(engine, "migration")
            .unwrap()
            .into_iter()
            .map(|(number, ..)| number)
            .collect()
    }

    /// Every table and column there is.
    fn columns(engine: &mut dyn Engine) -> Vec<String> {
        let sql = match engine.dialect() {
            crate::engine::Dialect::Sqlite => {
                "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_schema m, \
                 pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1"
            }
            crate::engine::Dialect::Postgres => {
                "SELECT CAST(table_name || '.' || column_name || ' ' || data_type AS TEXT) \
                 FROM information_schema.columns WHERE table_schema = CURRENT_SCHEMA ORDER BY 1"
            }
        };
        let mut found = vec![];
        engine
            .query(sql, &[], &mut |fields| {
                found.push(Reader::new("columns", fields).text()?.to_owned());
                Ok(Flow::Continue(()))
            })
            .unwrap();
        found
    }

    /// From every version a program ever made, the same schema comes about.
    fn every_version_leads_to_the_newest(
        (table, steps): Schema<'_>,
        fresh: &mut dyn FnMut(usize) -> Box<dyn Engine>,
    ) {
        let mut newest = fresh(0);
        migrate(&mut *newest, (table, steps)).unwrap();
        let expected = columns(&mut *newest);
        for version in 1..=steps.len() {
            let mut engine = fresh(version);
            migrate(&mut *engine, (table, &steps[..version])).unwrap();
            migrate(&mut *engine, (table, steps)).unwrap();
            migrate(&mut *engine, (table, steps)).unwrap();
            assert_eq!(
                columns(&mut *engine),
                expected,
                "from version {version} of {table}"
            );
        }
    }

    #[test]
    fn every_earlier_version_becomes_the_newest_on_sqlite() {
        let files = tempfile::tempdir().unwrap();
        for (i, schema) in [LEDGER, HISTORY, WEBHOOK, ("migration", STEPS)]
            .into_iter()
            .enumerate()
        {
            every_version_leads_to_the_newest(schema, &mut |n| {
                let path = files.path().join(format!("{i}-{n}.db"));
                Box::new(Sqlite::open(&path, Sync::Full).unwrap())
            });
        }
    }

    #[test]
    fn every_earlier_version_becomes_the_newest_on_postgres() {
        const NAMES: [&str; 6] = ["v0", "v1", "v2", "v3", "v4", "v5"];
        for schema in [LEDGER, HISTORY, WEBHOOK, ("migration", STEPS)] {
            let Some(server) = caviada_testbed::postgres() else {
                return;
            };
            every_version_leads_to_the_newest(schema, &mut |n| {
                Box::new(Postgres::open(&server.url(), NAMES[n]).unwrap())
            });
        }
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let (_files, mut engine) = sqlite();
        let bad = Migration {
            number: 2,
            oldest: 1,
            sql: "CREATE TABLE half (n {int64}) {table}; CREATE TABLE a (n {int64}) {table};",
        };
        assert!(migrate(&mut engine, ("migration", &[STEPS[0], bad])).is_err());
        assert_eq!(steps(&mut engine), [1]);
        assert!(columns(&mut engine).iter().all(|c| !c.starts_with("half")));
        migrate(&mut engine, ("migration", STEPS)).unwrap();
        assert_eq!(steps(&mut engine), [1, 2, 3]);
    }

    #[test]
    fn a_step_that_was_changed_afterwards_is_refused() {
        let (_files, mut engine) = sqlite();
        migrate(&mut engine, ("migration", STEPS)).unwrap();
        let changed = Migration {
            sql: "CREATE TABLE c (n {int64}) {table};",
            ..STEPS[1]
        };
        let refused = migrate(&mut engine, ("migration", &[STEPS[0], changed])).unwrap_err();
        assert!(refused.to_string().contains("step 2"), "{refused}");
    }

    #[test]
    fn the_previous_program_works_with_the_newest_schema_and_an_older_one_does_not() {
        let (_files, mut engine) = sqlite();
        migrate(&mut engine, ("migration", STEPS)).unwrap();
        migrate(&mut engine, ("migration", &STEPS[..2])).unwrap();
        let refused = migrate(&mut engine, ("migration", &STEPS[..1])).unwrap_err();
        assert!(refused.to_string().contains("newer"), "{refused}");
    }
}
