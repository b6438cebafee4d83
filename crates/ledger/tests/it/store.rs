//! What every store does, on each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use caviada_core::command::{Act, AttemptOutcome, Command};
use caviada_core::key::Role;
use caviada_core::name::Owner;
use caviada_core::pool::{PoolSpec, RecycleClass};
use caviada_core::quota::QuotaSpec;
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_core::user::{Password, Profile, UserSpec};
use caviada_core::webhook::WebhookSpec;
use caviada_ledger::directory::Directory;
use caviada_ledger::load::{load, replay};
use caviada_ledger::store::{Flow, Part, Store};
use caviada_ledger::{Fatal, Ledger};

use crate::sim::{
    SimClock, acquire, declare, host, lease_of, name, one, open, put_pool, release, stocked, system,
};

/// A place for a database, which can be opened more than once.
pub trait Place {
    type Store: Store;
    fn open(&self) -> Self::Store;
    fn installation(&self) -> String;
    /// Does something to the database that no store would.
    fn hurt(&self, sql: &str);
    /// Leaves nothing of a database that nobody has open.
    fn clear(&self);
}

pub struct Sqlite {
    // Fields drop in order: first the lock, then the files.
    directory: Directory,
    _files: tempfile::TempDir,
}

impl Sqlite {
    pub fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        Self {
            directory: Directory::lock(files.path()).unwrap(),
            _files: files,
        }
    }
}

impl Place for Sqlite {
    type Store = caviada_ledger::SqliteStore;
    fn open(&self) -> Self::Store {
        self.directory.sqlite().unwrap()
    }
    fn installation(&self) -> String {
        self.open().installation().unwrap()
    }
    fn hurt(&self, sql: &str) {
        let database = self.directory.path().join("ledger.db");
        rusqlite::Connection::open(database)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }
    fn clear(&self) {
        for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
            let _ = std::fs::remove_file(self.directory.path().join(file));
        }
    }
}

/// A database on a server of its own.
pub struct Postgres(pub caviada_testbed::Postgres);

impl Place for Postgres {
    type Store = caviada_ledger::PostgresStore;
    fn open(&self) -> Self::Store {
        caviada_ledger::PostgresStore::connect(&self.0.socket_url()).unwrap()
    }
    fn installation(&self) -> String {
        self.open().installation().unwrap()
    }
    fn hurt(&self, sql: &str) {
        asked(&self.0, &format!("SET search_path TO caviada; {sql}"));
    }
    fn clear(&self) {
        asked(&self.0, "DROP SCHEMA IF EXISTS caviada CASCADE");
    }
}

/// The rows of a server's answer.
pub fn asked(server: &caviada_testbed::Postgres, sql: &str) -> Vec<Vec<String>> {
    let url = server.url();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let told = runtime.block_on(async {
        let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap();
        tokio::spawn(connection);
        client.simple_query(sql).await.unwrap()
    });
    let rows = told.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let columns = |row: &tokio_postgres::SimpleQueryRow| {
        let text = |i| row.get(i).unwrap_or_default().to_owned();
        (0..row.len()).map(text).collect()
    };
    rows.map(columns).collect()
}

macro_rules! on_each_store {
    ($($promise:ident)*) => {
        mod sqlite {
            $(#[test] fn $promise() { super::$promise(super::Sqlite::new()) })*
        }
        mod postgres {
            $(#[test] fn $promise() {
                let Some(server) = caviada_testbed::postgres() else { return };
                super::$promise(super::Postgres(server))
            })*
        }
    };
}

on_each_store! {
    every_noun_reads_back_as_it_was_written
    what_a_service_wrote_before_it_died_is_kept_whatever_it_was
    a_batch_is_wholly_there_or_not_at_all
    who_was_taken_over_writes_nothing_more
    the_journal_is_read_from_both_ends_and_trimmed_from_the_oldest
    a_second_start_finds_the_same_installation
    what_many_commands_of_one_turn_did_is_read_back
    a_restart_after_the_journal_was_trimmed_finds_what_is_and_what_ended_within_the_hour
}

/// State, what the store's rows say, and what its journal tells are the same.
pub fn assert_same(store: &mut impl Store, state: &State) {
    let position = store.position().unwrap();
    let mut loaded = load(store, &position).unwrap();
    loaded.begin(state.now());
    assert_equal("loaded", &loaded, state);
    let mut replayed = replay(store, State::default()).unwrap();
    replayed.begin(state.now());
    assert_equal("replayed", &replayed, state);
}

/// Names what differs: two whole States are too long to read.
fn assert_equal(how: &str, found: &State, state: &State) {
    if found == state {
        return;
    }
    macro_rules! differing {
        ($($table:ident),*) => {$(
            for (id, noun) in state.$table.iter() {
                let other = found.$table.get(id);
                assert!(other == Some(noun), "{how}: {other:#?} is in truth {noun:#?}");
            }
            assert_eq!(found.$table.len(), state.$table.len(), "{how} {}", stringify!($table));
        )*};
    }
    differing!(
        pools, resources, leases, hosts, templates, keys, quotas, webhooks, users, outcomes
    );
    let ended = |s: &State| s.ended().cloned().collect::<Vec<_>>();
    assert_eq!(ended(found), ended(state), "{how}: ended leases");
    assert_eq!(found.counter(), state.counter(), "{how}: counter");
    assert_eq!(found.revision(), state.revision(), "{how}: revision");
    assert_eq!(found.index, state.index, "{how}: index");
    assert!(found == state, "{how}: something else");
}

/// At least one of every noun, and some that are gone again.
pub fn nouns() -> Vec<Command> {
    let mut cleaned = PoolSpec::declared();
    cleaned.recycle.class = RecycleClass::Hook;
    cleaned.indexed = BTreeSet::from(["cores".into()]);
    let mut ranges = PoolSpec::declared();
    ranges.lease.endless = true;
    ranges.slice = Some(caviada_core::space::Amount::Count(1));
    let owner = |text: &str| Owner::new(text).unwrap();
    let mut commands = vec![
        put_pool("machines", cleaned),
        put_pool("addresses", ranges),
        put_pool("gone", PoolSpec::declared()),
        declare("machines", "Größe \"1\" 🐎 o'hara"),
        declare("machines", "m2"),
        declare("gone", "g1"),
        system(Act::DeletePool {
            name: name("gone"),
            expect: None,
        }),
        system(Act::PutHost {
            name: name("h1"),
            spec: Box::new(host()),
            expect: None,
        }),
        system(Act::PutTemplate {
            name: name("tiny"),
            files: Arc::new(BTreeMap::from([(
                "compose.yaml".into(),
                "services: {}\n".into(),
            )])),
            drivers: vec!["docker".into()],
            ports: true,
            reset: false,
            create_ms: 120_000,
            declared_in: None,
            expect: None,
        }),
        put_pool("clusters", PoolSpec::built(name("tiny"), 2, 4)),
        system(Act::PutWebhook {
            name: name("chat"),
            spec: Box::new(WebhookSpec {
                url: "https://chat.example/hook".into(),
                events: Some(["lease".into()].into()),
                pools: None,
            }),
            sealed: Some("v1.sealed".into()),
            declared_in: None,
            expect: None,
        }),
        system(Act::PutUser {
            name: owner("ann"),
            spec: UserSpec {
                role: Role::Operator,
                active: true,
                balance: -3,
            },
            profile: None,
            password: Some(Password::new(&format!("$2b$04${}", "a".repeat(53))).unwrap()),
            expect: None,
        }),
        system(Act::PutProfile {
            name: owner("ann"),
            profile: Box::new(Profile {
                location: "Main St. 1\nTown".into(),
                ..Profile::default()
            }),
            expect: None,
        }),
        system(Act::PutUser {
            name: owner("gone"),
            spec: UserSpec {
                role: Role::User,
                active: false,
                balance: 0,
            },
            profile: None,
            password: None,
            expect: None,
        }),
        system(Act::DeleteUser {
            name: owner("gone"),
            expect: None,
        }),
        system(Act::PutQuota {
            owner: owner("ann"),
            spec: QuotaSpec {
                leases_max: Some(9),
                resources_max: None,
                quantity_max: [("cpu".parse().unwrap(), 4)].into(),
            },
            declared_in: None,
            expect: None,
        }),
    ];
    commands.extend(["k1", "k2"].map(|key| {
        system(Act::PutKey {
            name: name(key),
            role: Role::Admin,
            owner: owner("ann"),
            groups: BTreeSet::from([owner("staff")]),
            act_for: BTreeSet::new(),
            hash: std::array::from_fn(|i| key.as_bytes()[i % 2]),
            expires_at: Some(Time(u64::MAX)),
            declared_in: None,
        })
    }));
    let mut range = declare("addresses", "lan");
    if let Act::Declare { space, .. } = &mut range.act {
        *space = Some(Box::new("10.0.0.0/24 except 10.0.0.1".parse().unwrap()));
    }
    commands.push(range);
    commands
}

fn every_noun_reads_back_as_it_was_written(place: impl Place) {
    let clock = SimClock::default();
    let mut ledger = open(place.open(), &clock);
    for answer in ledger.turn(&nouns()).unwrap().answers {
        answer.unwrap();
    }
    let host = ledger.state().host_named(&name("h1")).unwrap().id;
    one(&mut ledger, system(Act::RecordHost { host, seen: true })).unwrap();
    assert_same(&mut place.open(), ledger.state());
    let held = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
    let slice = lease_of(&one(&mut ledger, acquire("ann", "addresses", 0)));
    one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
    one(&mut ledger, acquire("ben", "machines", 60_000)).unwrap();
    assert_same(&mut place.open(), ledger.state());
    one(&mut ledger, release(held)).unwrap();
    one(&mut ledger, release(slice)).unwrap();
    clock.pass_ms(3_000);
    ledger.turn(&[]).unwrap();
    assert!(!ledger.state().resources.is_empty() && !ledger.state().templates.is_empty());
    assert_same(&mut place.open(), ledger.state());
}

fn what_a_service_wrote_before_it_died_is_kept_whatever_it_was(place: impl Place) {
    let clock = SimClock::default();
    let mut ledger = open(place.open(), &clock);
    for command in nouns() {
        one(&mut ledger, command).unwrap();
    }
    let host = ledger.state().host_named(&name("h1")).unwrap().id;
    one(&mut ledger, system(Act::RecordHost { host, seen: true })).unwrap();
    let built = |r: &&Arc<Resource>| r.state == ResourceState::Creating;
    let r = ledger
        .state()
        .resources
        .values()
        .find(built)
        .unwrap()
        .clone();
    let detail = "a\0b\u{1b}[31m\u{9b}c\nlast \u{fffd} words \u{10ffff}";
    let failed = Act::Record {
        resource: r.id,
        generation: r.generation,
        attempt: r.attempt,
        outcome: AttemptOutcome::Failed {
            kind: "not_ready".into(),
            detail: detail.into(),
        },
    };
    one(&mut ledger, system(failed)).unwrap();
    let cause = ledger
        .state()
        .resources
        .get(&r.id)
        .unwrap()
        .cause
        .clone()
        .unwrap();
    assert!(cause.contains("a b [31m c\nlast"), "{cause:?}");
    let state = ledger.state().clone();
    assert_same(&mut ledger.into_store(), &state);
}

fn a_batch_is_wholly_there_or_not_at_all(place: impl Place) {
    let clock = SimClock::default();
    let mut ledger = open(place.open(), &clock);
    one(&mut ledger, put_pool("machines", PoolSpec::declared())).unwrap();
    let committed = ledger.state().clone();
    // The journal's row of the next batch is there already, so the batch fails after its guard.
    let next = ledger.position().revision + 1;
    place.hurt(&format!(
        "INSERT INTO journal VALUES ({next}, 0, 0, 0, '[]')"
    ));
    let asked = [declare("machines", "m1"), declare("machines", "m2")];
    assert!(matches!(
        ledger.turn(&asked),
        Err(Fatal::Store(_) | Fatal::Deposed { .. })
    ));
    place.hurt(&format!("DELETE FROM journal WHERE revision = {next}"));
    assert_same(&mut place.open(), &committed);
}

fn who_was_taken_over_writes_nothing_more(place: impl Place) {
    let clock = SimClock::default();
    let mut first = open(place.open(), &clock);
    one(&mut first, put_pool("machines", PoolSpec::declared())).unwrap();
    let mut second = open(place.open(), &clock);
    assert!(second.position().epoch > first.position().epoch);
    let fatal = first.turn(&[declare("machines", "m1")]).unwrap_err();
    assert!(matches!(fatal, Fatal::Deposed { .. }), "{fatal:?}");
    assert_same(&mut place.open(), second.state());
    one(&mut second, declare("machines", "m1")).unwrap();
    assert_same(&mut place.open(), second.state());
}

fn the_journal_is_read_from_both_ends_and_trimmed_from_the_oldest(place: impl Place) {
    let clock = SimClock::default();
    let mut ledger = open(place.open(), &clock);
    one(&mut ledger, put_pool("machines", PoolSpec::declared())).unwrap();
    one(&mut ledger, declare("machines", "m1")).unwrap();
    for _ in 0..3 {
        let lease = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
        clock.pass_ms(1_000);
        one(&mut ledger, release(lease)).unwrap();
    }
    let now = ledger.state().now();
    let mut store = place.open();
    assert_eq!(revisions(&mut store, Part::After(6)), [7, 8]);
    assert_eq!(revisions(&mut store, Part::Ended(Time(0))), [8, 6, 4]);
    assert_eq!(
        revisions(&mut store, Part::Ended(Time(now.0 - 1_000))),
        [8, 6]
    );
    ledger.trim(6, 4).unwrap();
    assert_eq!(revisions(&mut store, Part::After(0)), [5, 6, 7, 8]);
    ledger.trim(6, 4).unwrap();
    assert_eq!(revisions(&mut store, Part::After(0)), [7, 8]);
}

fn revisions(store: &mut impl Store, part: Part) -> Vec<u64> {
    let mut revisions = vec![];
    let each = &mut |row: caviada_ledger::store::JournalRow| {
        revisions.push(row.revision);
        Ok(Flow::Continue(()))
    };
    store.journal(part, each).unwrap();
    revisions
}

fn a_second_start_finds_the_same_installation(place: impl Place) {
    let installation = place.installation();
    assert_eq!(installation.len(), 16);
    assert_eq!(place.installation(), installation);
}

/// More of everything than a page of the journal or one statement has by itself.
fn what_many_commands_of_one_turn_did_is_read_back(place: impl Place) {
    const MANY: usize = 400;
    let clock = SimClock::default();
    let mut ledger = open(place.open(), &clock);
    let mut commands = nouns();
    commands.push(put_pool("boards", PoolSpec::declared()));
    commands.extend((0..MANY).map(|i| declare("boards", &format!("b{i}"))));
    commands.extend((0..2 * MANY).map(|_| acquire("ben", "boards", 60_000)));
    let turn = ledger.turn(&commands).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok));
    assert_eq!(
        turn.revisions.len(),
        2,
        "more than one batch holds, and no more"
    );
    assert_same(&mut place.open(), ledger.state());
    let held = turn.answers[commands.len() - 2 * MANY..]
        .iter()
        .map(lease_of);
    let back: Vec<_> = held.take(MANY).map(release).collect();
    let turn = ledger.turn(&back).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok));
    assert_eq!(ledger.state().leases.len(), MANY, "those who waited");
    assert_same(&mut place.open(), ledger.state());
}

fn a_restart_after_the_journal_was_trimmed_finds_what_is_and_what_ended_within_the_hour(
    place: impl Place,
) {
    const HOUR_MS: u64 = 3_600_000;
    let clock = SimClock::default();
    let mut ledger = stocked(place.open(), &clock);
    let ended = [10 * 60_000, HOUR_MS / 2, HOUR_MS / 4, 0].map(|pause| {
        let lease = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
        one(&mut ledger, release(lease)).unwrap();
        clock.pass_ms(pause);
        lease
    });
    let held = lease_of(&one(&mut ledger, acquire("ben", "machines", 0)));
    // Only what a start needs is left of the journal.
    let revision = ledger.position().revision;
    ledger.trim(revision - 8, 1_000).unwrap();
    let state = ledger.state().clone();
    drop(ledger);
    let mut ledger = open(place.open(), &clock);
    assert_eq!(revisions(&mut place.open(), Part::After(0)).len(), 8);
    assert!(*ledger.state() == state, "all ended within the hour");
    let known = |ledger: &Ledger<_, _>| ended.map(|id| ledger.state().ended_lease(id).is_some());
    assert_eq!(known(&ledger), [true; 4]);
    // Half an hour later two of them did not.
    clock.pass_ms(HOUR_MS / 2);
    one(&mut ledger, acquire("cy", "machines", 0)).unwrap();
    let state = ledger.state().clone();
    drop(ledger);
    let mut ledger = open(place.open(), &clock);
    assert_eq!(known(&ledger), [false, false, true, true]);
    assert!(*ledger.state() == state);
    one(&mut ledger, release(held)).unwrap();
}
