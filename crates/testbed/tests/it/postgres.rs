//! What the private PostgreSQL promises.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use caviada_testbed::Postgres;

use crate::victim;

fn address(server: &Postgres) -> String {
    let url = server.url();
    let rest = url.strip_prefix("postgres://caviada@").unwrap();
    rest.strip_suffix("/postgres").unwrap().to_owned()
}

fn folder(server: &Postgres) -> PathBuf {
    let url = server.socket_url();
    let rest = url.strip_prefix("postgres://caviada@").unwrap();
    rest.rsplit_once(':').unwrap().0.replace("%2F", "/").into()
}

/// Opens a session by hand and returns the first byte of the server's answer: `R` is a welcome.
fn welcome(mut stream: impl Read + Write) -> u8 {
    let mut message = vec![0, 0, 0, 0, 0, 3, 0, 0];
    message.extend_from_slice(b"user\0caviada\0database\0postgres\0\0");
    message[3] = message.len().try_into().unwrap();
    stream.write_all(&message).unwrap();
    let mut answer = [0];
    stream.read_exact(&mut answer).unwrap();
    answer[0]
}

#[test]
fn each_caller_has_a_server_of_its_own() {
    let (Some(one), Some(other)) = (caviada_testbed::postgres(), caviada_testbed::postgres())
    else {
        return;
    };
    assert_ne!(one.url(), other.url());
    for server in [&one, &other] {
        assert_eq!(welcome(TcpStream::connect(address(server)).unwrap()), b'R');
        let port = address(server).rsplit_once(':').unwrap().1.to_owned();
        let socket = folder(server).join(format!(".s.PGSQL.{port}"));
        assert_eq!(welcome(UnixStream::connect(socket).unwrap()), b'R');
    }
}

#[test]
fn a_dropped_server_leaves_nothing() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    let (address, folder) = (address(&server), folder(&server));
    assert!(folder.exists());
    drop(server);
    assert!(!folder.exists());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_server_ends_with_the_process_that_asked_for_it() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    if victim::is_this() {
        victim::wait_to_be_killed(&folder(&server));
    }
    drop(server);
    let folder = victim::kill("postgres::a_server_ends_with_the_process_that_asked_for_it");
    victim::wait_until_gone(&folder);
}
