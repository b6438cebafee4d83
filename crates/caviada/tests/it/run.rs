//! `caviada run`: a lease for as long as a command lives, and not longer.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempPath;

use crate::stand_in::{StandIn, text};

/// Starts `caviada run` and waits until its command says that it runs.
fn start(server: &StandIn, flags: &[&str], script: &str) -> Child {
    let mark = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::remove_file(&mark).unwrap();
    let script = format!("touch '{}'; {script}", mark.display());
    let mut arguments = vec!["run", "boards"];
    arguments.extend(flags);
    arguments.extend(["--", "sh", "-c", &script]);
    let child = server.command(&arguments).spawn().unwrap();
    server.until("the command runs", |_| mark.exists());
    child
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, signal).unwrap();
}

/// A script that ends with 5 once there is this file.
fn until_told() -> (TempPath, String) {
    let done = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::remove_file(&done).unwrap();
    let path = done.display();
    let script = format!("while [ ! -e '{path}' ]; do sleep 0.1; done; exit 5");
    (done, script)
}

fn end(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), None, "caviada itself was killed");
    output
}

#[test]
fn the_command_has_its_lease_and_gives_its_code() {
    let server = StandIn::start();
    let script = "echo $CAVIADA_LEASE $CAVIADA_FENCE $CAVIADA_ENDPOINT_SSH_URL; exit 7";
    let output = server.run(&["run", "boards", "--", "sh", "-c", script]);
    assert_eq!(
        text(&output.stdout),
        "lease_0000000000001 101 ssh://b1.lab:22\n"
    );
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(server.ends(), [Some("released")]);
}

#[test]
fn a_command_that_cannot_start_keeps_no_lease() {
    let server = StandIn::start();
    let output = server.run(&["run", "boards", "--", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(127));
    assert_eq!(server.ends(), [Some("released")]);
}

#[test]
fn a_signal_ends_the_command_and_then_the_lease() {
    for (number, code) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
    ] {
        let server = StandIn::start();
        let child = start(&server, &[], "exec sleep 60");
        signal(&child, number);
        assert_eq!(end(child).status.code(), Some(code));
        assert_eq!(server.ends(), [Some("released")]);
    }
}

#[test]
fn a_signal_reaches_what_the_command_started() {
    let server = StandIn::start();
    let ready = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::remove_file(&ready).unwrap();
    let inner = format!(
        "trap 'echo told; exit' TERM; touch {}; while :; do sleep 0.1; done",
        ready.display()
    );
    let child = start(&server, &[], &format!("sh -c \"{inner}\" & wait"));
    server.until("the inner shell listens", |_| ready.exists());
    signal(&child, Signal::SIGTERM);
    assert_eq!(text(&end(child).stdout), "told\n");
}

#[test]
fn a_command_that_will_not_stop_is_killed() {
    let server = StandIn::start();
    let script = "trap '' TERM; while :; do sleep 1; done";
    let child = start(&server, &["--grace", "100ms"], script);
    signal(&child, Signal::SIGTERM);
    assert_eq!(end(child).status.code(), Some(137));
    assert_eq!(server.ends(), [Some("released")]);
}

#[test]
fn who_is_stopped_while_he_waits_leaves_the_queue() {
    let server = StandIn::start();
    server.run(&["acquire", "boards"]);
    server.run(&["acquire", "boards"]);
    let child = server
        .command(&["run", "boards", "--wait", "1m", "--", "true"])
        .spawn()
        .unwrap();
    server.until("it waits", |s| s.count("GET ") > 0);
    signal(&child, Signal::SIGTERM);
    assert_eq!(end(child).status.code(), Some(143));
    assert_eq!(server.ends(), [None, None, Some("cancelled")]);
}

#[test]
fn who_is_stopped_before_he_is_answered_does_not_hang() {
    let server = StandIn::start();
    server.fall_silent();
    let child = server
        .command(&["run", "boards", "--", "true"])
        .spawn()
        .unwrap();
    server.until("it asks", |s| s.count("POST ") > 0);
    signal(&child, Signal::SIGTERM);
    let output = end(child);
    assert_eq!(output.status.code(), Some(143));
    assert!(text(&output.stderr).contains("ends at its deadline"));
}

#[test]
fn the_lease_is_renewed_while_the_command_lives() {
    let server = StandIn::start();
    let child = start(&server, &["--ttl", "3s"], "exec sleep 60");
    let renewals = "POST /api/v1/leases/lease_0000000000001/renew";
    server.until("three renewals", |s| s.count(renewals) >= 3);
    assert_eq!(server.ends(), [None]);
    signal(&child, Signal::SIGTERM);
    end(child);
    assert_eq!(server.ends(), [Some("released")]);
}

#[test]
fn a_lost_lease_leaves_the_command_alone_unless_told_otherwise() {
    let server = StandIn::start();
    let (done, script) = until_told();
    let keeps = start(&server, &["--ttl", "1s"], &script);
    let killed = start(
        &server,
        &["--ttl", "1s", "--on-lost", "kill"],
        "exec sleep 60",
    );
    server.revoke_all();

    let killed = end(killed);
    assert_eq!(killed.status.code(), Some(6));
    assert!(text(&killed.stderr).contains("is lost"));
    std::fs::write(&done, "").unwrap();
    let kept = end(keeps);
    assert_eq!(kept.status.code(), Some(5));
}

#[test]
fn a_silent_server_costs_the_lease_only_at_its_deadline() {
    let server = StandIn::start();
    let child = start(
        &server,
        &["--ttl", "4s", "--on-lost", "kill"],
        "exec sleep 60",
    );
    server.fall_silent();
    let output = end(child);
    assert_eq!(output.status.code(), Some(6));
    let said = text(&output.stderr);
    assert!(said.contains("cannot be renewed yet"), "{said}");
    assert!(said.contains("its deadline passed"), "{said}");
    // It did not stop trying before.
    assert!(server.count("POST /api/v1/leases/lease_0000000000001/renew") > 1);
}

#[test]
fn a_command_whose_server_stays_away_goes_on_past_the_deadline_with_a_warning() {
    let server = StandIn::start();
    let (done, script) = until_told();
    let mut child = start(&server, &["--ttl", "2s"], &script);
    server.fall_silent();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let warned = said.find(|line| line.as_ref().unwrap().contains("its deadline passed"));
    assert!(warned.is_some());
    std::fs::write(&done, "").unwrap();
    assert_eq!(end(child).status.code(), Some(5));
}

#[test]
fn what_failed_can_be_kept_for_a_look() {
    let server = StandIn::start();
    let hold = ["run", "boards", "--hold-on-failure", "1h", "--"];
    let run = |command: &str| server.run(&[&hold[..], &["sh", "-c", command]].concat());
    assert_eq!(run("exit 3").status.code(), Some(3));
    assert_eq!(run("exit 0").status.code(), Some(0));
    let releases: Vec<String> = server
        .asked()
        .into_iter()
        .filter(|a| a.starts_with("DELETE"))
        .collect();
    assert!(releases[0].contains("hold_ms=3600000"), "{}", releases[0]);
    assert!(!releases[1].contains("hold_ms"), "{}", releases[1]);
}
