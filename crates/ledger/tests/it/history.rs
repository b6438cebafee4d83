//! The history: what is past is found, on each engine, and again after every restart.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use caviada_core::command::{Acquire, Act, Command};
use caviada_core::id::{LeaseId, PoolId, ResourceId};
use caviada_core::lease::End;
use caviada_core::name::Owner;
use caviada_core::pool::PoolSpec;
use caviada_core::time::Time;
use caviada_ledger::clock::{Source as _, System};
use caviada_ledger::directory::Directory;
use caviada_ledger::history::{EventSearch, History, LeaseSearch, Order, PastLease, Recorded};
use caviada_ledger::store::Store;
use caviada_ledger::{Place, PostgresStore, Running, Start, start};

use crate::sim::{
    SimClock, acquire, asking, declare, lease_of, name, one, open, put_pool, release, system,
};
use crate::store::asked;

const DAY_MS: u64 = 86_400_000;

/// A data directory and, perhaps, a server.
pub struct Site {
    pub files: tempfile::TempDir,
    pub place: Place,
    pub server: Option<caviada_testbed::Postgres>,
}

impl Site {
    pub fn sqlite() -> Self {
        Self {
            files: tempfile::tempdir().unwrap(),
            place: Place::Sqlite,
            server: None,
        }
    }

    pub fn postgres() -> Option<Self> {
        let server = caviada_testbed::postgres()?;
        let place = Place::Postgres(server.socket_url());
        Some(Self {
            files: tempfile::tempdir().unwrap(),
            place,
            server: Some(server),
        })
    }

    pub fn start(&self) -> Running {
        let directory = Directory::lock(self.files.path()).unwrap();
        start(&directory, &self.place, Start::default()).unwrap()
    }

    /// Keeps a copy of a database that nobody writes, under a label.
    pub fn keep(&self, database: Database, label: &str) {
        match &self.server {
            Some(server) => copy(server, database.schema(), label),
            None => {
                let file = self.files.path().join(database.file());
                std::fs::copy(file, self.files.path().join(label)).unwrap();
            }
        }
    }

    /// Puts a copy where its database was that nobody has open.
    pub fn put_back(&self, database: Database, label: &str) {
        self.remove(database);
        match &self.server {
            Some(server) => copy(server, label, database.schema()),
            None => {
                let file = self.files.path().join(database.file());
                std::fs::copy(self.files.path().join(label), file).unwrap();
            }
        }
    }

    /// Leaves nothing of a database that nobody has open.
    pub fn remove(&self, database: Database) {
        if let Some(server) = &self.server {
            asked(
                server,
                &format!("DROP SCHEMA {} CASCADE", database.schema()),
            );
            return;
        }
        for log in ["", "-wal", "-shm"] {
            let file = format!("{}{log}", database.file());
            let _ = std::fs::remove_file(self.files.path().join(file));
        }
    }

    /// Does something to a database that no program would.
    pub fn hurt(&self, database: Database, sql: &str) {
        match &self.server {
            Some(server) => {
                let sql = format!("SET search_path TO {}; {sql}", database.schema());
                asked(server, &sql);
            }
            None => {
                let file = self.files.path().join(database.file());
                let database = rusqlite::Connection::open(file).unwrap();
                database.execute_batch(sql).unwrap();
            }
        }
    }
}

/// One of a site's databases.
#[derive(Debug, Clone, Copy)]
pub enum Database {
    Ledger,
    History,
}

impl Database {
    fn file(self) -> &'static str {
        match self {
            Self::Ledger => "ledger.db",
            Self::History => "history.db",
        }
    }

    fn schema(self) -> &'static str {
        match self {
            Self::Ledger => "caviada",
            Self::History => "caviada_history",
        }
    }
}

/// Makes a schema like another one, with all its rows.
fn copy(server: &caviada_testbed::Postgres, from: &str, to: &str) {
    let sql = format!(
        "CREATE SCHEMA {to}; DO $$ DECLARE t name; BEGIN \
         FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = '{from}' LOOP \
             EXECUTE format('CREATE TABLE {to}.%I (LIKE {from}.%I INCLUDING ALL)', t, t); \
             EXECUTE format('INSERT INTO {to}.%I SELECT * FROM {from}.%I', t, t); \
         END LOOP; END $$"
    );
    asked(server, &sql);
}

macro_rules! on_each_engine {
    ($($promise:ident)*) => {
        mod sqlite {
            $(#[test] fn $promise() { super::$promise(&crate::history::Site::sqlite()) })*
        }
        mod postgres {
            $(#[test] fn $promise() {
                let Some(site) = crate::history::Site::postgres() else { return };
                super::$promise(&site)
            })*
        }
    };
}
pub(crate) use on_each_engine;

on_each_engine! {
    events_are_found_by_everybody_they_are_about
    an_ended_lease_is_found_by_owner_pool_and_member
    who_comes_to_a_member_after_those_behind_him_is_found_in_his_place
    a_page_ends_where_the_next_one_begins
    a_restart_goes_on_from_the_mark
    a_lost_history_is_made_again_from_the_journal
    where_the_journal_does_not_reach_back_the_history_begins_with_what_is
    what_is_older_than_a_week_is_forgotten_and_a_stream_from_there_begins_anew
}

pub fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

fn owner(text: &str) -> Owner {
    Owner::new(text).unwrap()
}

/// Two pools of two, and six leases one after the other by two owners.
pub struct Past {
    pools: BTreeMap<&'static str, PoolId>,
    leases: Vec<(LeaseId, ResourceId, &'static str, &'static str)>,
}

pub fn do_all(running: &Running, commands: Vec<Command>) {
    for command in commands {
        block(running.handle.submit(command)).unwrap();
    }
}

pub fn live(running: &Running) -> Past {
    let made = ["boards", "servers"].into_iter().flat_map(|pool| {
        let members = ["1", "2"].map(|n| declare(pool, &format!("{pool}-{n}")));
        [put_pool(pool, PoolSpec::declared())]
            .into_iter()
            .chain(members)
    });
    do_all(running, made.collect());
    let mut leases = vec![];
    for i in 0..6 {
        let (who, pool) = (["ann", "ben"][i % 2], ["boards", "servers"][i / 2 % 2]);
        let granted = block(running.handle.submit(acquire(who, pool, 0)));
        let id = lease_of(&granted);
        let caviada_ledger::Noun::Lease(lease, _) = granted.unwrap().noun else {
            panic!()
        };
        leases.push((id, lease.members[0].resource, who, pool));
        do_all(running, vec![release(id)]);
    }
    let state = block(running.handle.snapshot()).unwrap();
    let pools = ["boards", "servers"].map(|p| (p, state.pool_named(&name(p)).unwrap().id));
    let past = Past {
        pools: pools.into(),
        leases,
    };
    caught_up(running);
    past
}

/// Waits until the history has what is committed now, and nothing else.
pub fn caught_up(running: &Running) {
    let committed = *running.handle.committed().borrow();
    let deadline = Instant::now() + Duration::from_secs(30);
    while running.history.mark().0 != committed {
        assert!(
            Instant::now() < deadline,
            "the history is at {:?}",
            running.history.mark()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn events(history: &History, search: &EventSearch) -> Vec<Recorded> {
    let page = history
        .events(&EventSearch {
            limit: 1_000,
            ..search.clone()
        })
        .unwrap();
    assert_eq!(page.next, None);
    page.items
}

pub fn leases(history: &History, search: &LeaseSearch) -> Vec<PastLease> {
    let page = history
        .leases(&LeaseSearch {
            limit: 1_000,
            ..search.clone()
        })
        .unwrap();
    assert_eq!(page.next, None);
    page.items
}

/// Every event of the journal whose text names an id or an owner.
fn naming(all: &[Recorded], what: &str) -> Vec<Recorded> {
    let names = |r: &&Recorded| serde_json::to_string(&r.event).unwrap().contains(what);
    all.iter().filter(names).cloned().collect()
}

fn events_are_found_by_everybody_they_are_about(site: &Site) {
    let running = site.start();
    let past = live(&running);
    let history = &running.history;
    let all = events(history, &EventSearch::default());
    assert_eq!(all.len(), 2 + 4 + 12);
    assert!(all.is_sorted_by(|a, b| a.number > b.number), "newest first");
    let mut oldest = events(
        history,
        &EventSearch {
            order: Order::Oldest,
            ..Default::default()
        },
    );
    oldest.reverse();
    assert_eq!(oldest, all);
    for (lease, resource, who, pool) in &past.leases {
        let of_lease = EventSearch {
            lease: Some(*lease),
            ..Default::default()
        };
        assert_eq!(events(history, &of_lease), naming(&all, &lease.to_string()));
        let of_resource = EventSearch {
            resource: Some(*resource),
            ..Default::default()
        };
        assert_eq!(
            events(history, &of_resource),
            naming(&all, &resource.to_string())
        );
        let of_owner = EventSearch {
            owner: Some(owner(who)),
            ..Default::default()
        };
        assert_eq!(
            events(history, &of_owner),
            naming(&all, &format!("\"{who}\""))
        );
        let both = EventSearch {
            pool: Some(past.pools[pool]),
            ..of_owner
        };
        let kind = EventSearch {
            kind: Some("lease.granted".into()),
            ..both.clone()
        };
        let granted = naming(&events(history, &both), "lease.granted");
        assert_eq!(events(history, &kind), granted);
        assert!(granted.iter().any(|r| r.act.as_deref() == Some("acquire")));
    }
    let times = EventSearch {
        since: Some(all[8].at),
        until: Some(all[4].at),
        ..Default::default()
    };
    let between: Vec<_> = all
        .iter()
        .filter(|r| (all[8].at..=all[4].at).contains(&r.at))
        .cloned()
        .collect();
    assert_eq!(events(history, &times), between);
    let never = EventSearch {
        until: Some(Time(1)),
        ..Default::default()
    };
    assert_eq!(events(history, &never), []);
    running.close();
}

fn an_ended_lease_is_found_by_owner_pool_and_member(site: &Site) {
    let running = site.start();
    let past = live(&running);
    let history = &running.history;
    let all = leases(history, &LeaseSearch::default());
    assert_eq!(all.len(), past.leases.len());
    for (id, resource, who, pool) in &past.leases {
        let lease = history.lease(*id).unwrap().unwrap();
        assert_eq!(
            (lease.owner().unwrap().as_str(), lease.end),
            (*who, Some(End::Released))
        );
        assert_eq!(
            (&lease.members, &lease.pools),
            (&vec![*resource], &vec![past.pools[pool]])
        );
        assert!(lease.asked_at <= lease.ended_at.unwrap());
        let searches = [
            LeaseSearch {
                owner: Some(owner(who)),
                ..Default::default()
            },
            LeaseSearch {
                pool: Some(past.pools[pool]),
                ..Default::default()
            },
            LeaseSearch {
                resource: Some(*resource),
                ..Default::default()
            },
        ];
        for search in searches {
            let found = leases(history, &search);
            assert!(found.contains(&lease));
            assert!(found.len() < all.len(), "and not all are");
        }
    }
    assert_eq!(history.lease(LeaseId(1 << 60)).unwrap(), None);
    running.close();
}

fn who_comes_to_a_member_after_those_behind_him_is_found_in_his_place(site: &Site) {
    let running = site.start();
    let past = live(&running);
    let (_, board, _, _) = past.leases[0];
    let mut held = [acquire("ann", "boards", 0), acquire("ben", "boards", 0)]
        .map(|command| lease_of(&block(running.handle.submit(command))));
    // He waits longer than a round, and others who are first come meanwhile.
    let waiting = lease_of(&block(
        running.handle.submit(acquire("cy", "boards", 60_000)),
    ));
    caught_up(&running);
    let asked = asking("dan", "boards", 60_000);
    let first = Act::Acquire(Box::new(Acquire {
        priority: 9,
        ..asked
    }));
    for held in &mut held {
        let next = lease_of(&block(running.handle.submit(system(first.clone()))));
        do_all(&running, vec![release(std::mem::replace(held, next))]);
    }
    caught_up(&running);
    do_all(&running, held.map(release).into());
    caught_up(&running);
    let search = LeaseSearch {
        resource: Some(board),
        ..Default::default()
    };
    let found: Vec<_> = leases(&running.history, &search)
        .iter()
        .map(|l| l.id)
        .collect();
    assert!(found.is_sorted_by(|a, b| a > b), "newest first: {found:?}");
    let after = held.iter().any(|id| found.contains(id));
    let all = leases(&running.history, &LeaseSearch::default());
    let on_board = all.iter().filter(|l| l.members.contains(&board));
    assert_eq!(found, on_board.map(|l| l.id).collect::<Vec<_>>());
    let cy = running.history.lease(waiting).unwrap().unwrap();
    assert!(cy.granted_at.is_some() && after);
    running.close();
}

fn a_page_ends_where_the_next_one_begins(site: &Site) {
    let running = site.start();
    live(&running);
    for order in [Order::Newest, Order::Oldest] {
        let whole = events(
            &running.history,
            &EventSearch {
                order,
                ..Default::default()
            },
        );
        let mut search = EventSearch {
            order,
            limit: 5,
            ..Default::default()
        };
        let mut pages = vec![];
        loop {
            let page = running.history.events(&search).unwrap();
            pages.extend(page.items);
            search.beyond = page.next;
            if search.beyond.is_none() {
                break;
            }
        }
        assert_eq!(pages, whole);
    }
    running.close();
}

fn a_restart_goes_on_from_the_mark(site: &Site) {
    let running = site.start();
    let past = live(&running);
    let before = events(&running.history, &EventSearch::default());
    let held = lease_of(&block(running.handle.submit(acquire("cy", "boards", 0))));
    caught_up(&running);
    running.close();
    let running = site.start();
    do_all(&running, vec![release(held)]);
    caught_up(&running);
    let after = events(&running.history, &EventSearch::default());
    assert_eq!(after[after.len() - before.len()..], before);
    let of_lease = EventSearch {
        lease: Some(held),
        ..Default::default()
    };
    assert_eq!(
        events(&running.history, &of_lease),
        naming(&after, &held.to_string())
    );
    let lease = running.history.lease(held).unwrap().unwrap();
    assert_eq!(
        (lease.pools, lease.end),
        (vec![past.pools["boards"]], Some(End::Released))
    );
    running.close();
}

fn a_lost_history_is_made_again_from_the_journal(site: &Site) {
    let running = site.start();
    let past = live(&running);
    let search = LeaseSearch {
        owner: Some(owner("ann")),
        ..Default::default()
    };
    let before = leases(&running.history, &search);
    running.close();
    site.remove(Database::History);
    let running = site.start();
    caught_up(&running);
    assert_eq!(leases(&running.history, &search), before);
    assert_eq!(before.len(), past.leases.len() / 2);
    running.close();
}

fn where_the_journal_does_not_reach_back_the_history_begins_with_what_is(site: &Site) {
    let running = site.start();
    let past = live(&running);
    let held = lease_of(&block(running.handle.submit(acquire("cy", "boards", 0))));
    running.close();
    site.remove(Database::History);
    site.hurt(Database::Ledger, "DELETE FROM journal WHERE revision < 10");
    let running = site.start();
    do_all(&running, vec![release(held)]);
    caught_up(&running);
    let lease = running.history.lease(held).unwrap().unwrap();
    assert_eq!(
        (lease.pools, lease.end),
        (vec![past.pools["boards"]], Some(End::Released))
    );
    assert_eq!(running.history.oldest().unwrap().unwrap().revision, 10);
    assert_eq!(
        running.history.revisions(3, 10).unwrap(),
        None,
        "a stream has to begin anew"
    );
    assert_eq!(
        running.history.revisions(9, 10).unwrap().unwrap()[0].revision,
        10
    );
    running.close();
}

/// A pool three weeks ago, two of them two weeks ago, one yesterday.
fn long_ago(store: impl Store) {
    let now = System.wall();
    let clock = SimClock::at(Time(now.0 - 21 * DAY_MS));
    let mut ledger = open(store, &clock);
    for (pool, after_days) in [("p1", 0), ("p2", 7), ("p3", 0), ("p4", 13)] {
        clock.pass_ms(after_days * DAY_MS);
        one(&mut ledger, put_pool(pool, PoolSpec::declared())).unwrap();
    }
}

fn what_is_older_than_a_week_is_forgotten_and_a_stream_from_there_begins_anew(site: &Site) {
    match &site.place {
        Place::Sqlite => long_ago(
            Directory::lock(site.files.path())
                .unwrap()
                .sqlite()
                .unwrap(),
        ),
        Place::Postgres(url) => long_ago(PostgresStore::connect(url).unwrap()),
    }
    let running = site.start();
    let oldest = || running.history.oldest().unwrap().unwrap().revision;
    // The ledger forgets after a turn, also after one that changes nothing.
    let deadline = Instant::now() + Duration::from_secs(30);
    while oldest() < 4 {
        assert!(Instant::now() < deadline, "the oldest is {}", oldest());
        do_all(&running, vec![put_pool("p5", PoolSpec::declared())]);
    }
    caught_up(&running);
    assert_eq!(oldest(), 4);
    for gone in [0, 2] {
        assert_eq!(running.history.revisions(gone, 10).unwrap(), None);
    }
    let kept = running.history.revisions(3, 1).unwrap().unwrap();
    assert_eq!(kept[0].revision, 4);
    let state = block(running.handle.snapshot()).unwrap();
    assert_eq!(state.pools.len(), 5, "nothing else is forgotten");
    running.close();
}
