//! What only a server far away can do: lose a connection, before a commit arrived or after it was
//! done, end a session, be read only.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use caviada_ledger::clock::Source as _;
use caviada_ledger::{Failure, Ledger, PostgresStore, Start};
use caviada_testbed::Authority;

use crate::sim::{SimClock, acquire, lease_of, one, release, stocked};
use crate::store::{Place as _, Postgres, asked, assert_same};

const WELL: u8 = 0;
/// The next bytes from the ledger are lost, and the connection with them.
const LOSE_ASKED: u8 = 1;
/// The next bytes from the server are lost, and the connection with them.
const LOSE_ANSWER: u8 = 2;

/// A line between ledger and server that can be cut.
struct Line {
    port: u16,
    fault: Arc<AtomicU8>,
}

impl Line {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(WELL));
        let line = Self {
            port,
            fault: fault.clone(),
        };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                carry(&client, &server, LOSE_ASKED, &fault);
                carry(&server, &client, LOSE_ANSWER, &fault);
            }
        });
        line
    }

    fn cut_next(&self, fault: u8) {
        self.fault.store(fault, Ordering::SeqCst);
    }
}

fn carry(from: &TcpStream, to: &TcpStream, cut_by: u8, fault: &Arc<AtomicU8>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let fault = fault.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            let cut = fault.compare_exchange(cut_by, WELL, Ordering::SeqCst, Ordering::SeqCst);
            if cut.is_ok() || to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// A server, a line to it, and a ledger that uses the line.
fn far_away() -> Option<(Postgres, Line, Ledger<PostgresStore, SimClock>)> {
    let server = caviada_testbed::postgres()?;
    let url = server.url();
    let port = url.rsplit(':').next()?.split('/').next()?.parse().unwrap();
    let line = Line::to(port);
    let url = url.replace(&format!(":{port}/"), &format!(":{}/", line.port));
    let store = PostgresStore::connect(&url).unwrap();
    let ledger = stocked(store, &SimClock::default());
    Some((Postgres(server), line, ledger))
}

#[test]
fn a_lost_connection_is_found_out_and_the_batch_is_there_once() {
    let Some((place, line, mut ledger)) = far_away() else {
        return;
    };
    for fault in [LOSE_ASKED, LOSE_ANSWER] {
        let revision = ledger.position().revision;
        line.cut_next(fault);
        let lease = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
        assert_eq!(ledger.position().revision, revision + 1);
        assert_eq!(line.fault.load(Ordering::SeqCst), WELL, "it was not cut");
        assert!(ledger.state().leases.get(&lease).is_some());
        assert_same(&mut place.open(), ledger.state());
    }
}

#[test]
fn a_connection_lost_while_nobody_used_it_is_made_again() {
    let Some((place, _line, mut ledger)) = far_away() else {
        return;
    };
    let terminated = asked(
        &place.0,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caviada'",
    );
    assert_eq!(terminated, [["t"]]);
    one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
    assert_same(&mut place.open(), ledger.state());
}

/// Polls the server until a query answers this.
fn until(place: &Postgres, sql: &str, answer: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let rows = asked(&place.0, sql);
        if rows.iter().flatten().any(|field| field == answer) {
            return;
        }
        assert!(Instant::now() < deadline, "{sql}: {rows:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_session_that_is_ended_within_a_commit_is_made_again_and_the_batch_is_there_once() {
    // Holds the row that guards a commit, until it has ended who waits for it.
    const END: &str = "BEGIN; SELECT 1 FROM caviada.meta FOR UPDATE; DO $$ BEGIN LOOP \
        PERFORM pg_stat_clear_snapshot(); \
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE application_name = 'caviada' AND wait_event_type = 'Lock'; \
        EXIT WHEN FOUND; END LOOP; END $$; COMMIT";
    const HELD: &str = "SELECT COUNT(*) FROM pg_locks \
        WHERE relation = 'caviada.meta'::regclass AND mode = 'RowShareLock'";
    let Some((place, _line, mut ledger)) = far_away() else {
        return;
    };
    let revision = ledger.position().revision;
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| asked(&place.0, END));
        until(&place, HELD, "1");
        one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
        ending.join().unwrap();
    });
    assert_eq!(ledger.position().revision, revision + 1);
    assert_same(&mut place.open(), ledger.state());
}

#[test]
fn a_server_that_only_reads_is_asked_until_it_writes_again() {
    let Some((place, _line, mut ledger)) = far_away() else {
        return;
    };
    let session = "SELECT pid FROM pg_stat_activity WHERE application_name = 'caviada'";
    let session = asked(&place.0, session)[0][0].clone();
    let revision = ledger.position().revision;
    let mut turns = 0;
    let only = |reads: &str| {
        asked(
            &place.0,
            &format!("ALTER SYSTEM SET default_transaction_read_only = {reads}"),
        );
        asked(&place.0, "SELECT pg_reload_conf()");
    };
    only("on");
    // It is left as soon as it says that it only reads.
    let left = format!("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = {session}");
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            until(&place, &left, "0");
            only("off");
        });
        while !writing.is_finished() {
            let lease = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
            one(&mut ledger, release(lease)).unwrap();
            turns += 2;
        }
    });
    assert_eq!(ledger.position().revision, revision + turns);
    assert_same(&mut place.open(), ledger.state());
}

#[test]
fn a_server_without_room_refuses_a_batch_and_takes_it_once_there_is_some() {
    let Some((place, _line, mut ledger)) = far_away() else {
        return;
    };
    // The batch's last row is refused with the words of a disk that is full.
    place.hurt(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE 'No space left on device' USING ERRCODE = 'disk_full'; END $$; \
         CREATE TRIGGER no_room BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION no_room()",
    );
    let committed = ledger.state().clone();
    // Once with State loaded again, once with the clone taken since.
    for _ in 0..2 {
        let turn = ledger.turn(&[acquire("ann", "machines", 0)]).unwrap();
        assert!(turn.refused && matches!(turn.answers[..], [Err(Failure::Unavailable)]));
        assert!(*ledger.state() == committed);
        assert_same(&mut place.open(), &committed);
    }
    place.hurt("DROP TRIGGER no_room ON journal");
    one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
    assert_same(&mut place.open(), ledger.state());
}

#[test]
fn what_a_commit_costs_does_not_grow_with_what_was_there_before() {
    let Some((place, _line, mut ledger)) = far_away() else {
        return;
    };
    // What comes by itself within a minute: the planner is told that there are no leases.
    place.hurt("ANALYZE");
    for _ in 0..20 {
        let lease = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
        one(&mut ledger, release(lease)).unwrap();
    }
    drop(ledger);
    // The server's counts are of sessions that ended or were idle for a while.
    let counts = "SELECT relname, seq_scan, n_tup_del FROM pg_stat_user_tables \
                  WHERE schemaname = 'caviada'";
    let deadline = Instant::now() + Duration::from_secs(30);
    let scans = loop {
        let rows = asked(&place.0, counts);
        let told = |row: &Vec<String>| row[0] == "lease" && row[2] == "20";
        if rows.iter().any(told) {
            break rows;
        }
        assert!(Instant::now() < deadline, "{rows:?}");
        std::thread::yield_now();
    };
    for table in ["lease", "resource", "journal", "meta"] {
        let row = scans.iter().find(|row| row[0] == table).unwrap();
        let read_whole: u32 = row[1].parse().unwrap();
        assert!(read_whole < 20, "{table} was read whole {read_whole} times");
    }
}

#[test]
fn ledger_time_on_a_server_is_the_servers() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    let mut store = PostgresStore::connect(&server.url()).unwrap();
    let mut clock = store.clock().unwrap();
    let mut here = caviada_ledger::clock::System;
    assert!(
        clock.wall().0.abs_diff(here.wall().0) < 60_000,
        "the same machine after all"
    );
    Ledger::open(store, clock, Start::default()).unwrap();
}

#[test]
fn a_server_is_believed_as_far_as_sslmode_says() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("own"));
    authority.sign_server(Ipv4Addr::LOCALHOST);
    let Some(server) = caviada_testbed::postgres_over_tls(&authority) else {
        return;
    };
    let stranger = Authority::new(&folder.path().join("other"));
    let root = |of: &Authority| format!("sslrootcert={}", of.file("ca.pem").display());
    let open = |host: &str, query: &str| {
        let url = server.url().replace("127.0.0.1", host);
        PostgresStore::connect(&format!("{url}?{query}")).map(drop)
    };
    let (own, other) = (root(&authority), root(&stranger));
    for query in [
        "sslmode=prefer".to_owned(),
        "sslmode=require".to_owned(),
        format!("sslmode=require&{own}"),
        format!("{own}&sslmode=verify-ca"),
        format!("sslmode=verify-full&{own}"),
    ] {
        open("127.0.0.1", &query).unwrap_or_else(|why| panic!("{query}: {why}"));
    }
    open("localhost", &format!("sslmode=verify-ca&{own}")).unwrap();
    for (host, query, why) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), "no encryption"),
        (
            "127.0.0.1",
            format!("sslmode=require&{other}"),
            "authority that signed it",
        ),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&{other}"),
            "authority that signed it",
        ),
        (
            "localhost",
            format!("sslmode=verify-full&{own}"),
            "as its certificate does",
        ),
        (
            "127.0.0.1",
            "sslmode=verify-full".to_owned(),
            "needs sslrootcert=FILE",
        ),
        (
            "127.0.0.1",
            "sslmode=verify-full&sslrootcert=/no.pem".to_owned(),
            "/no.pem",
        ),
        ("127.0.0.1", "sslmode=maybe".to_owned(), "sslmode"),
    ] {
        let told = open(host, &query).expect_err(&query).to_string();
        assert!(told.contains(why), "{query}: {told}");
    }
    // Over its own socket there is nobody between.
    PostgresStore::connect(&server.socket_url())
        .map(drop)
        .unwrap();
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_required() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    let url = format!("{}?sslmode=require", server.url());
    let told = PostgresStore::connect(&url).map(drop).unwrap_err();
    assert!(told.to_string().contains("does not support TLS"), "{told}");
}
