//! What only a server far away can do: lose a connection, before a commit arrived or after it was
//! done.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use caviada_core::pool::PoolSpec;
use caviada_ledger::clock::Source as _;
use caviada_ledger::{Ledger, PostgresStore, Start};

use crate::sim::{SimClock, acquire, declare, lease_of, one, open, put_pool};
use crate::store::{Place as _, Postgres, assert_same};

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
    let mut ledger = open(PostgresStore::connect(&url).unwrap(), &SimClock::default());
    let made = [
        put_pool("machines", PoolSpec::declared()),
        declare("machines", "m1"),
        declare("machines", "m2"),
    ];
    assert!(
        ledger
            .turn(&made)
            .unwrap()
            .answers
            .iter()
            .all(Result::is_ok)
    );
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
        assert!(ledger.state().leases.get(&lease).is_some());
        assert_same(&mut place.open(), ledger.state());
    }
}

#[test]
fn a_connection_lost_while_nobody_used_it_is_made_again() {
    let Some((place, _line, mut ledger)) = far_away() else {
        return;
    };
    place.hurt(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caviada'",
    );
    one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
    assert_same(&mut place.open(), ledger.state());
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
