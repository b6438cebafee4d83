//! PostgreSQL: one connection, driven from the ledger's own thread. A commit is one round trip:
//! BEGIN, the guard, one statement per table and COMMIT are sent together, and the guard fails the
//! transaction if it does not hold.

mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use caviada_core::limits;
use futures_util::TryStreamExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, Row, Statement};

use super::{Dialect, Each, Engine, Guard};
use crate::field::{Field, FieldRef};
use crate::store::StoreError;
use crate::table::{Kind, Verb, Writes};
use tls::Tls;

/// The ledger's tables.
pub(crate) const LEDGER_SCHEMA: &str = "caviada";
/// The history's.
pub(crate) const HISTORY_SCHEMA: &str = "caviada_history";
const ANSWER_MAX: Duration = Duration::from_millis(limits::ledger::POSTGRES_ANSWER_MS_MAX);
/// Rows are found by their keys. A table whose rows come and go, as leases do, looks empty to the
/// planner: it would read all of its pages, dead rows and all, once per commit.
const BY_KEY: &str =
    "SET enable_seqscan TO off; SET enable_hashjoin TO off; SET enable_mergejoin TO off";
const ALIVE: Duration = Duration::from_millis(limits::ledger::POSTGRES_ALIVE_MS);
const CONNECT_MAX: Duration = Duration::from_millis(limits::ledger::POSTGRES_CONNECT_MS_MAX);
const CONNECT_PAUSE: Duration = Duration::from_millis(limits::ledger::POSTGRES_PAUSE_MS);

/// One connection to a server.
pub struct Postgres {
    config: Config,
    tls: Tls,
    schema: &'static str,
    runtime: Own,
    session: Option<Session>,
}

/// A runtime that may be dropped anywhere. An ordinary one panics where that happens on another
/// runtime's thread, and the last reader of the history is dropped just there.
struct Own(Option<Runtime>);

impl Own {
    fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match &self.0 {
            Some(runtime) => runtime.block_on(work),
            None => Err(StoreError::Unknown("it is being dropped".into())),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct Session {
    client: Client,
    statements: BTreeMap<(usize, Verb), Statement>,
    guards: BTreeMap<&'static str, Statement>,
}

impl std::fmt::Debug for Postgres {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Postgres({})", self.schema)
    }
}

impl Postgres {
    /// Connects, and makes the schema if it is not there.
    pub fn open(url: &str, schema: &'static str) -> Result<Self, StoreError> {
        let broken = |e: &dyn std::fmt::Display| StoreError::Broken(e.to_string());
        let (tls, url) = Tls::of(url).map_err(StoreError::Unknown)?;
        let mut config: Config = url.parse().map_err(|e| sort(&e))?;
        config
            .application_name("caviada")
            .connect_timeout(CONNECT_MAX)
            .tcp_user_timeout(ANSWER_MAX)
            .keepalives_idle(ALIVE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| broken(&e))?;
        let mut engine = Self {
            config,
            tls,
            schema,
            runtime: Own(Some(runtime)),
            session: None,
        };
        engine.connect()?;
        Ok(engine)
    }

    /// How far the server's clock is ahead of this machine's, in milliseconds.
    pub fn clock_ahead_ms(&mut self) -> Result<i64, StoreError> {
        let mut ahead = 0;
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        self.query(sql, &[], &mut |fields| {
            let local = std::time::SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap_or_default();
            if let [FieldRef::Int(there)] = fields {
                ahead = there - i64::try_from(local.as_millis()).unwrap_or(i64::MAX);
            }
            Ok(crate::store::Flow::Break(()))
        })?;
        Ok(ahead)
    }

    fn connect(&mut self) -> Result<(), StoreError> {
        let (config, tls, schema) = (&self.config, self.tls.clone(), self.schema);
        let connected = self.runtime.block_on(async {
            let (client, connection) = config.connect(tls).await.map_err(|e| sort(&e))?;
            // Driven whenever this thread waits for an answer. Its error is the answer's.
            tokio::spawn(async move { drop(connection.await) });
            let set = format!(
                "SET client_min_messages TO warning; CREATE SCHEMA IF NOT EXISTS {schema}; \
                 SET search_path TO {schema}; SET synchronous_commit TO on; \
                 SET statement_timeout TO 0; SET lock_timeout TO '20s'; {BY_KEY}"
            );
            in_time(client.batch_execute(&set)).await?;
            Ok(client)
        });
        match connected {
            Ok(client) => {
                let (statements, guards) = (BTreeMap::new(), BTreeMap::new());
                self.session = Some(Session {
                    client,
                    statements,
                    guards,
                });
                Ok(())
            }
            Err(error) => {
                std::thread::sleep(CONNECT_PAUSE);
                Err(error)
            }
        }
    }

    /// Does something with the session; one that was lost is not used again.
    fn with<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(session) = &mut self.session else {
            return Err(StoreError::Unknown("not connected".into()));
        };
        let done = self.runtime.block_on(work(session));
        if matches!(done, Err(StoreError::Unknown(_))) {
            self.session = None;
        }
        done
    }
}

impl Session {
    /// Prepares what a commit needs and has not been prepared on this connection.
    async fn prepare(&mut self, guard: &Guard, writes: &[Writes]) -> Result<(), StoreError> {
        if !self.guards.contains_key(guard.table) {
            let sql = Dialect::Postgres.guard(guard);
            let statement = in_time(self.client.prepare(&sql)).await?;
            self.guards.insert(guard.table, statement);
        }
        for writes in writes {
            let key = key(writes);
            if !self.statements.contains_key(&key) {
                let sql = Dialect::Postgres.write(writes.verb(), writes.table());
                let statement = in_time(self.client.prepare(&sql)).await?;
                self.statements.insert(key, statement);
            }
        }
        Ok(())
    }

    async fn commit(&mut self, guard: &Guard, writes: &[Writes]) -> Result<(), StoreError> {
        self.prepare(guard, writes).await?;
        let client = &self.client;
        let columns: Vec<Vec<Values<'_>>> = writes.iter().map(transposed).collect();
        let columns: Vec<Vec<&(dyn ToSql + Sync)>> = columns
            .iter()
            .map(|w| w.iter().map(|c| c as &(dyn ToSql + Sync)).collect())
            .collect();
        let args = arguments(&guard.args);
        type Sent<'a> = BoxFuture<'a, Result<u64, tokio_postgres::Error>>;
        let mut sent: Vec<Sent<'_>> = Vec::with_capacity(writes.len() + 3);
        sent.push(Box::pin(async {
            client.batch_execute("BEGIN").await.map(|()| 1)
        }));
        sent.push(Box::pin(client.execute(&self.guards[guard.table], &args)));
        for (writes, columns) in writes.iter().zip(&columns) {
            sent.push(Box::pin(
                client.execute(&self.statements[&key(writes)], columns),
            ));
        }
        sent.push(Box::pin(async {
            client.batch_execute("COMMIT").await.map(|()| 1)
        }));
        // All are sent, in this order, before the first is answered.
        let answers = tokio::time::timeout(ANSWER_MAX, join_all(sent)).await;
        let answers = answers.map_err(|_| StoreError::Unknown("no answer in time".into()))?;
        let rows = writes
            .iter()
            .map(|w| Some(w).filter(|w| w.verb() == Verb::Change));
        let expected = [None, None].into_iter().chain(rows).chain([None]);
        for (answer, changed) in answers.into_iter().zip(expected) {
            let touched = answer.map_err(|e| sort(&e))?;
            if let Some(writes) = changed.filter(|w| w.rows().len() as u64 != touched) {
                return Err(StoreError::Broken(format!(
                    "{}: no row to change",
                    writes.table().name
                )));
            }
        }
        Ok(())
    }
}

impl Engine for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn commit(&mut self, guard: &Guard, writes: &[Writes]) -> Result<(), StoreError> {
        self.with(async |session| session.commit(guard, writes).await)
    }

    fn execute(&mut self, statements: &[(&str, &[Field])]) -> Result<(), StoreError> {
        self.with(async |session| {
            let client = &session.client;
            // One at a time over all replicas: these are rare, and some must not meet themselves.
            let begin = "BEGIN; SELECT pg_advisory_xact_lock(7632)";
            in_time(client.batch_execute(begin)).await?;
            for (sql, args) in statements {
                let done = if args.is_empty() {
                    in_time(client.batch_execute(sql)).await
                } else {
                    in_time(client.execute(*sql, &arguments(args)))
                        .await
                        .map(drop)
                };
                if let Err(error) = done {
                    in_time(client.batch_execute("ROLLBACK")).await?;
                    return Err(error);
                }
            }
            in_time(client.batch_execute("COMMIT")).await
        })
    }

    fn query(&mut self, sql: &str, args: &[Field], each: Each<'_>) -> Result<(), StoreError> {
        self.with(async |session| {
            let rows = in_time(session.client.query_raw(sql, args)).await?;
            let mut rows = std::pin::pin!(rows);
            while let Some(row) = in_time(rows.try_next()).await? {
                if read(&row, each)?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn freeze(&mut self) -> Result<(), StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
        self.with(async |session| in_time(session.client.batch_execute(begin)).await)
    }

    fn thaw(&mut self) -> Result<(), StoreError> {
        self.with(async |session| in_time(session.client.batch_execute("COMMIT")).await)
    }

    fn revive(&mut self) -> Result<(), StoreError> {
        match &self.session {
            Some(session) if !session.client.is_closed() => Ok(()),
            _ => self.connect(),
        }
    }
}

fn key(writes: &Writes) -> (usize, Verb) {
    (std::ptr::from_ref(writes.table()).addr(), writes.verb())
}

fn read(row: &Row, each: Each<'_>) -> Result<crate::store::Flow, StoreError> {
    let mut fields = Vec::with_capacity(row.len());
    for (i, column) in row.columns().iter().enumerate() {
        let field = match *column.type_() {
            Type::INT8 => row
                .try_get::<_, Option<i64>>(i)
                .map(|n| n.map(FieldRef::Int)),
            Type::INT4 => row
                .try_get::<_, Option<i32>>(i)
                .map(|n| n.map(|n| FieldRef::Int(n.into()))),
            _ => row
                .try_get::<_, Option<&str>>(i)
                .map(|s| s.map(FieldRef::Text)),
        };
        let field = field.map_err(|e| StoreError::Broken(e.to_string()))?;
        fields.push(field.unwrap_or(FieldRef::Null));
    }
    each(&fields)
}

/// One column of several rows.
#[derive(Debug)]
enum Values<'a> {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<&'a str>>),
}

fn transposed(writes: &Writes) -> Vec<Values<'_>> {
    let column = |(i, column): (usize, &crate::table::Column)| match column.kind {
        Kind::Int => Values::Ints(
            writes
                .rows()
                .map(|row| match &row[i] {
                    Field::Int(n) => Some(*n),
                    _ => None,
                })
                .collect(),
        ),
        Kind::Text => Values::Texts(
            writes
                .rows()
                .map(|row| match &row[i] {
                    Field::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
        ),
    };
    writes.columns().iter().enumerate().map(column).collect()
}

type ToSqlResult = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Values<'_> {
    fn to_sql(&self, ty: &Type, out: &mut bytes::BytesMut) -> ToSqlResult {
        match self {
            Self::Ints(ints) => ints.to_sql(ty, out),
            Self::Texts(texts) => texts.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8_ARRAY | Type::TEXT_ARRAY)
    }

    to_sql_checked!();
}

impl ToSql for Field {
    fn to_sql(&self, ty: &Type, out: &mut bytes::BytesMut) -> ToSqlResult {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(n) => n.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}

fn arguments(args: &[Field]) -> Vec<&(dyn ToSql + Sync)> {
    args.iter().map(|a| a as &(dyn ToSql + Sync)).collect()
}

/// An answer, or nobody knows.
async fn in_time<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_MAX, answer).await {
        Ok(answer) => answer.map_err(|e| sort(&e)),
        Err(_) => Err(StoreError::Unknown("no answer in time".into())),
    }
}

/// What has to be done about an error.
fn sort(error: &tokio_postgres::Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        // The connection: whatever was under way is unknown. Why it failed stands one deeper.
        let cause = std::error::Error::source(error);
        let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
        return StoreError::Unknown(format!("{error}{cause}"));
    };
    let text = db.to_string();
    let code = db.code();
    // Shutting down, or a standby now: another connection may lead to somebody who can.
    let elsewhere = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    let later = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    if elsewhere.contains(code) {
        StoreError::Unknown(text)
    } else if *code == SqlState::DIVISION_BY_ZERO {
        StoreError::Fenced
    } else if later.contains(code) || code.code().starts_with("53") {
        StoreError::Refused(text)
    } else {
        StoreError::Broken(text)
    }
}
