//! What an earlier program left is what today's finds: the same State, the same journal, the same
//! history. Such a store is made backwards: today's program fills it with what every program knew,
//! then what later steps added is taken away.

use std::sync::LazyLock;

use caviada_core::command::{Act, By, Command, Idempotency};
use caviada_core::id::KeyId;
use caviada_core::name::Owner;
use caviada_core::state::State;
use caviada_ledger::Running;
use caviada_ledger::history::{EventSearch, LeaseSearch};
use caviada_ledger::store::{Flow, JournalRow, Part, Store};

use crate::history::{Site, block, caught_up, do_all, events, leases, live};
use crate::sim::{SimClock, acquire, lease_of, one, open, release, system};
use crate::store::{Place, Postgres, Sqlite, asked, assert_same, nouns};

/// What takes away what a step added, from the second step on. Whoever adds a step adds to this; a
/// step that finds too much or too little of itself fails.
const LEDGER: [&str; 4] = [
    "DROP TABLE webhook",
    "ALTER TABLE resource_doc DROP COLUMN power",
    "DROP TABLE app_user",
    "ALTER TABLE resource_doc DROP COLUMN altered",
];
static HISTORY: LazyLock<[String; 2]> = LazyLock::new(|| {
    let reason = "ALTER TABLE lease_history DROP COLUMN reason".to_owned();
    let lists = [("posting", "revision"), ("lease_of", "lease")].map(single);
    [reason, lists.join("; ")]
});

/// Makes a row of each number of a table's lists.
fn single((table, number): (&str, &str)) -> String {
    format!(
        "WITH RECURSIVE each_one (subject, last, more) AS (\
             SELECT subject, last, substr(more, 2, length(more) - 2) || ',' FROM {table} \
             UNION ALL SELECT subject, \
                 last - CAST(substr(more, 1, instr(more, ',') - 1) AS BIGINT), \
                 substr(more, instr(more, ',') + 1) FROM each_one WHERE more <> '') \
         INSERT INTO {table} (subject, last) SELECT subject, last FROM each_one WHERE true \
             ON CONFLICT DO NOTHING; \
         ALTER TABLE {table} DROP COLUMN more; \
         ALTER TABLE {table} RENAME COLUMN last TO {number}"
    )
}

/// What makes an earlier version of the newest one, the last step first.
fn back_to(version: usize, table: &str, added: &[impl AsRef<str>]) -> String {
    let later = added[version - 1..].iter().rev();
    let taken: Vec<_> = later.map(AsRef::as_ref).collect();
    let steps = format!("DELETE FROM {table} WHERE number > {version}");
    format!("{}; {steps}", taken.join("; "))
}

#[test]
fn every_step_can_be_taken_away() {
    for (schema, added) in [("ledger", LEDGER.len()), ("history", HISTORY.len())] {
        let folder = format!("{}/src/schema/{schema}", env!("CARGO_MANIFEST_DIR"));
        let steps = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(steps, 1 + added, "{schema}");
    }
}

/// What no program knew before some step.
fn came_later(command: &Command) -> bool {
    matches!(
        command.act,
        Act::PutWebhook { .. }
            | Act::PutUser { .. }
            | Act::PutProfile { .. }
            | Act::DeleteUser { .. }
    )
}

fn journal(store: &mut impl Store) -> Vec<JournalRow> {
    let mut rows = vec![];
    let each = &mut |row| {
        rows.push(row);
        Ok(Flow::Continue(()))
    };
    store.journal(Part::After(0), each).unwrap();
    rows
}

/// There is something of everything a first program knew.
fn assert_full(state: &State) {
    assert!(!state.pools.is_empty() && !state.hosts.is_empty() && !state.templates.is_empty());
    assert!(!state.resources.is_empty() && !state.leases.is_empty() && state.ended().count() > 0);
    assert!(!state.keys.is_empty() && !state.quotas.is_empty() && !state.outcomes.is_empty());
    assert!(state.webhooks.is_empty() && state.users.is_empty());
}

fn every_earlier_store_holds_the_same_state_and_journal(place: impl Place) {
    let clock = SimClock::default();
    let mut ledger = open(place.open(), &clock);
    let known = nouns().into_iter().filter(|c| !came_later(c));
    let turn = ledger.turn(&known.collect::<Vec<_>>()).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok), "{:?}", turn.answers);
    let key: KeyId = ledger.state().keys.iter().next().unwrap().1.id;
    one(
        &mut ledger,
        Command {
            by: By::Key(key),
            idempotency: Some(Idempotency {
                key: "again".into(),
                digest: [7; 32],
            }),
            ..acquire("ann", "machines", 0)
        },
    )
    .unwrap();
    one(&mut ledger, acquire("ben", "addresses", 0)).unwrap();
    let mut held = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
    one(&mut ledger, acquire("ben", "machines", 60_000)).unwrap();
    for version in 1..=LEDGER.len() {
        // One ends and one waits each time.
        one(&mut ledger, release(held)).unwrap();
        held = lease_of(&one(&mut ledger, acquire("ann", "machines", 60_000)));
        let state = ledger.state().clone();
        assert_full(&state);
        let told = journal(&mut place.open());
        drop(ledger);
        place.hurt(&back_to(version, "migration", &LEDGER));
        ledger = open(place.open(), &clock);
        assert!(*ledger.state() == state, "from version {version}");
        assert_same(&mut place.open(), &state);
        assert_eq!(journal(&mut place.open()), told, "from version {version}");
    }
    let later = nouns().into_iter().filter(came_later);
    let turn = ledger.turn(&later.collect::<Vec<_>>()).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok), "{:?}", turn.answers);
    assert!(!ledger.state().webhooks.is_empty() && !ledger.state().users.is_empty());
    assert_same(&mut place.open(), ledger.state());
}

#[test]
fn every_earlier_store_holds_the_same_state_and_journal_on_sqlite() {
    every_earlier_store_holds_the_same_state_and_journal(Sqlite::new());
}

#[test]
fn every_earlier_store_holds_the_same_state_and_journal_on_postgres() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    every_earlier_store_holds_the_same_state_and_journal(Postgres(server));
}

/// What SQLite calls a thing, for PostgreSQL.
const INSTR: &str = "CREATE OR REPLACE FUNCTION instr(text, text) RETURNS int LANGUAGE sql \
                     AS 'SELECT strpos($1, $2)'";

/// Does something to the database of the history.
fn hurt(site: &Site, sql: &str) {
    match &site.server {
        Some(server) => drop(asked(
            server,
            &format!("SET search_path TO caviada_history; {INSTR}; {sql}"),
        )),
        None => rusqlite::Connection::open(site.files.path().join("history.db"))
            .unwrap()
            .execute_batch(sql)
            .unwrap(),
    }
}

fn every_earlier_history_tells_the_same(site: &Site) {
    let mut running = site.start();
    live(&running);
    let mut held = lease_of(&block(running.handle.submit(acquire("cy", "boards", 0))));
    caught_up(&running);
    let tell = |running: &Running| {
        let owner = Some(Owner::new("ann").unwrap());
        let of_ann = (
            EventSearch {
                owner: owner.clone(),
                ..Default::default()
            },
            LeaseSearch {
                owner,
                ..Default::default()
            },
        );
        let (all_events, all_leases) = Default::default();
        let history = &running.history;
        let told = [&all_events, &of_ann.0].map(|search| events(history, search));
        (
            told,
            [&all_leases, &of_ann.1].map(|search| leases(history, search)),
        )
    };
    for version in 1..=HISTORY.len() {
        let told = tell(&running);
        running.close();
        hurt(site, &back_to(version, "history_migration", &*HISTORY));
        running = site.start();
        caught_up(&running);
        assert_eq!(tell(&running), told, "from version {version}");
        // What was alive goes on.
        do_all(&running, vec![release(held)]);
        held = lease_of(&block(running.handle.submit(acquire("cy", "boards", 0))));
        caught_up(&running);
    }
    let revoke = Act::Revoke {
        lease: held,
        reason: Some("the rack moves".into()),
    };
    do_all(&running, vec![system(revoke)]);
    caught_up(&running);
    let lease = running.history.lease(held).unwrap().unwrap();
    assert_eq!(lease.reason.as_deref(), Some("the rack moves"));
    running.close();
}

#[test]
fn every_earlier_history_tells_the_same_on_sqlite() {
    every_earlier_history_tells_the_same(&Site::sqlite());
}

#[test]
fn every_earlier_history_tells_the_same_on_postgres() {
    let Some(site) = Site::postgres() else { return };
    every_earlier_history_tells_the_same(&site);
}
