//! The two engines, behind one narrow trait. An engine moves rows of integers and texts; what they
//! mean is known above it.

pub mod postgres;
pub mod sqlite;

use std::fmt::Write as _;

use crate::field::{Field, FieldRef};
use crate::store::{Flow, StoreError};
use crate::table::{Column, Kind, Table, Verb, Writes};

/// The one row that must stand where a writer believes it to stand.
#[derive(Debug)]
pub struct Guard {
    /// Its table.
    pub table: &'static str,
    /// What is set, numbered placeholders.
    pub set: &'static str,
    /// What must hold, numbered placeholders.
    pub holds: &'static str,
    /// For the placeholders.
    pub args: Vec<Field>,
}

/// Receives rows until it has enough.
pub type Each<'f> = &'f mut dyn FnMut(&[FieldRef<'_>]) -> Result<Flow, StoreError>;

/// One connection to one database. Public only in name: no path outside this crate leads to it.
pub trait Engine {
    /// What it calls things.
    fn dialect(&self) -> Dialect;

    /// One durable transaction: the guard, then the writes in their order.
    fn commit(&mut self, guard: &Guard, writes: &[Writes]) -> Result<(), StoreError>;

    /// One durable transaction of statements with `$1`-style placeholders.
    fn execute(&mut self, statements: &[(&str, &[Field])]) -> Result<(), StoreError>;

    /// The rows of one query with `$1`-style placeholders.
    fn query(&mut self, sql: &str, args: &[Field], each: Each<'_>) -> Result<(), StoreError>;

    /// Lets all reads until `thaw` see the database as it is now.
    fn freeze(&mut self) -> Result<(), StoreError>;

    /// Ends that.
    fn thaw(&mut self) -> Result<(), StoreError>;

    /// Connects again if the connection was lost.
    fn revive(&mut self) -> Result<(), StoreError>;
}

/// What an engine calls things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// One file.
    Sqlite,
    /// A server.
    Postgres,
}

impl Dialect {
    /// DDL as this engine reads it.
    pub fn ddl(self, text: &str) -> String {
        let words = match self {
            Self::Sqlite => ["INTEGER", "TEXT", "STRICT", "STRICT, WITHOUT ROWID"],
            // Room in each page for the next version of a row, so that its index stays untouched.
            Self::Postgres => ["BIGINT", "TEXT COLLATE \"C\"", "WITH (fillfactor = 70)", ""],
        };
        let marks = ["{int64}", "{text}", "{table}", "{keyed}"];
        let replaced = |text: String, (mark, word): (&str, &str)| text.replace(mark, word);
        marks.into_iter().zip(words).fold(text.to_owned(), replaced)
    }

    /// The statement for one row on SQLite, or for columns of rows on PostgreSQL.
    pub fn write(self, verb: Verb, table: &Table) -> String {
        match self {
            Self::Sqlite => sqlite_write(verb, table),
            Self::Postgres => postgres_write(verb, table),
        }
    }

    /// The guard: on SQLite it touches a row or does not; on PostgreSQL, where the writes after it
    /// are under way already, it fails the transaction.
    pub fn guard(self, guard: &Guard) -> String {
        let Guard {
            table, set, holds, ..
        } = guard;
        match self {
            Self::Sqlite => format!("UPDATE {table} SET {set} WHERE id = 1 AND {holds}"),
            Self::Postgres => format!(
                "UPDATE {table} SET {set} \
                 WHERE id = 1 AND 1 / (CASE WHEN {holds} THEN 1 ELSE 0 END) = 1"
            ),
        }
    }
}

fn names(columns: &[Column]) -> String {
    columns
        .iter()
        .map(|c| c.name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn on_conflict(table: &Table) -> String {
    let (keys, rest) = table.columns.split_at(table.keys);
    let set: Vec<_> = rest
        .iter()
        .map(|c| format!("{0} = excluded.{0}", c.name))
        .collect();
    format!(
        " ON CONFLICT ({}) DO UPDATE SET {}",
        names(keys),
        set.join(", ")
    )
}

fn sqlite_write(verb: Verb, table: &Table) -> String {
    let (keys, rest) = table.columns.split_at(table.keys);
    let equal = |columns: &[Column], from: usize| -> Vec<String> {
        (from..)
            .zip(columns)
            .map(|(i, c)| format!("{} = ?{i}", c.name))
            .collect()
    };
    match verb {
        Verb::Add | Verb::Put => {
            let marks: Vec<_> = (1..=table.columns.len()).map(|i| format!("?{i}")).collect();
            let (or, and) = match verb {
                // Every column is given: to replace the row spares the second record that an update
                // of what is there already takes. Where there is an index SQLite would keep what it
                // needs to take a replacement back.
                Verb::Put if !table.indexed => (" OR REPLACE", String::new()),
                Verb::Put => ("", on_conflict(table)),
                _ => ("", String::new()),
            };
            format!(
                "INSERT{or} INTO {} ({}) VALUES ({}){and}",
                table.name,
                names(table.columns),
                marks.join(", ")
            )
        }
        Verb::Change => format!(
            "UPDATE {} SET {} WHERE {}",
            table.name,
            equal(rest, table.keys + 1).join(", "),
            equal(keys, 1).join(" AND ")
        ),
        Verb::Remove => {
            format!(
                "DELETE FROM {} WHERE {}",
                table.name,
                equal(keys, 1).join(" AND ")
            )
        }
    }
}

fn postgres_write(verb: Verb, table: &Table) -> String {
    let (keys, rest) = table.columns.split_at(table.keys);
    let columns = if verb == Verb::Remove {
        keys
    } else {
        table.columns
    };
    let mut unnest = String::from("UNNEST(");
    for (i, column) in columns.iter().enumerate() {
        let kind = match column.kind {
            Kind::Int => "bigint",
            Kind::Text => "text",
        };
        let comma = if i == 0 { "" } else { ", " };
        let _ = write!(unnest, "{comma}${}::{kind}[]", i + 1);
    }
    unnest.push(')');
    let (name, same) = (table.name, {
        let same: Vec<_> = keys
            .iter()
            .map(|c| format!("{}.{1} = u.{1}", table.name, c.name))
            .collect();
        same.join(" AND ")
    });
    match verb {
        Verb::Add => format!(
            "INSERT INTO {name} ({}) SELECT * FROM {unnest}",
            names(columns)
        ),
        Verb::Put => format!(
            "INSERT INTO {name} ({}) SELECT * FROM {unnest}{}",
            names(columns),
            on_conflict(table)
        ),
        Verb::Change => {
            let set: Vec<_> = rest
                .iter()
                .map(|c| format!("{0} = u.{0}", c.name))
                .collect();
            let set = set.join(", ");
            format!(
                "UPDATE {name} SET {set} FROM {unnest} AS u ({}) WHERE {same}",
                names(columns)
            )
        }
        Verb::Remove => {
            format!(
                "DELETE FROM {name} USING {unnest} AS u ({}) WHERE {same}",
                names(columns)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{LEASE_HISTORY, LEASE_LIFE, OUTCOME, POSTING, QUOTA, RESOURCE};

    #[test]
    fn each_verb_has_its_statement_on_each_engine() {
        let all = |dialect: Dialect| {
            let one = |verb| dialect.write(verb, &QUOTA);
            [Verb::Add, Verb::Put, Verb::Change, Verb::Remove]
                .map(one)
                .join("\n")
        };
        assert_eq!(
            all(Dialect::Sqlite),
            "INSERT INTO quota (id, doc) VALUES (?1, ?2)\n\
             INSERT OR REPLACE INTO quota (id, doc) VALUES (?1, ?2)\n\
             UPDATE quota SET doc = ?2 WHERE id = ?1\n\
             DELETE FROM quota WHERE id = ?1"
        );
        assert_eq!(
            all(Dialect::Postgres),
            "INSERT INTO quota (id, doc) SELECT * FROM UNNEST($1::bigint[], $2::text[])\n\
             INSERT INTO quota (id, doc) SELECT * FROM UNNEST($1::bigint[], $2::text[]) \
             ON CONFLICT (id) DO UPDATE SET doc = excluded.doc\n\
             UPDATE quota SET doc = u.doc FROM UNNEST($1::bigint[], $2::text[]) AS u (id, doc) \
             WHERE quota.id = u.id\n\
             DELETE FROM quota USING UNNEST($1::bigint[]) AS u (id) WHERE quota.id = u.id"
        );
    }

    #[test]
    fn a_row_is_replaced_where_no_index_has_to_follow() {
        let put = |table| Dialect::Sqlite.write(Verb::Put, table);
        assert!(put(&RESOURCE).starts_with("INSERT OR REPLACE INTO resource ("));
        assert!(put(&OUTCOME).contains(" ON CONFLICT (principal, key) DO UPDATE SET digest"));
        assert!(put(&LEASE_HISTORY).contains(" ON CONFLICT (id) DO UPDATE SET owners = excluded"));
        assert!(put(&POSTING).starts_with("INSERT OR REPLACE INTO posting ("));
    }

    #[test]
    fn a_key_of_two_columns_is_compared_whole() {
        let sql = Dialect::Sqlite.write(Verb::Remove, &OUTCOME);
        assert_eq!(sql, "DELETE FROM outcome WHERE principal = ?1 AND key = ?2");
        let sql = Dialect::Postgres.write(Verb::Remove, &OUTCOME);
        assert!(sql.ends_with("WHERE outcome.principal = u.principal AND outcome.key = u.key"));
    }

    #[test]
    fn columns_written_together_are_the_first_of_their_table() {
        let whole = crate::table::LEASE.columns;
        assert_eq!(whole[..LEASE_LIFE.columns.len()], *LEASE_LIFE.columns);
    }
}
