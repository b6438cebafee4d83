//! The only writer, and everything durable: the turn, the journal, snapshots, the clock, SQLite and
//! PostgreSQL behind one narrow trait, and the history that is projected after the answers.

pub mod answer;
pub mod backup;
pub mod clock;
pub mod directory;
mod engine;
pub mod field;
mod gather;
pub mod handle;
pub mod history;
pub mod journal;
pub mod kill;
pub mod load;
pub mod look;
mod migration;
mod row;
pub mod seal;
pub mod start;
pub mod stats;
pub mod store;
pub mod table;
pub mod thread;
pub mod turn;
pub mod webhook;

pub use answer::{Accepted, Answer, Failure, Noun};
pub use handle::{Handle, Keys};
pub use start::{Place, Running, adopt, start};
pub use thread::{Ended, spawn};
pub use turn::{Fatal, Ledger, Start, Turn};

/// The ledger's store on SQLite.
pub type SqliteStore = store::sql::Sql<engine::sqlite::Sqlite>;

/// The ledger's store on PostgreSQL.
pub type PostgresStore = store::sql::Sql<engine::postgres::Postgres>;
