//! `caviada run` against the real server: what it leaves behind there.

use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::site::{BOARDS, Site, text, until};

/// `caviada run boards` with a command that waits for the file `go` and ends with 5.
fn start(site: &Site, flags: &[&str]) -> Child {
    let script = format!(
        "echo $CAVIADA_LEASE > {0}; mv {0} {1}; while [ ! -e {2} ]; do sleep 0.1; done; exit 5",
        site.typed("lease.part"),
        site.typed("lease"),
        site.typed("go")
    );
    let arguments = [&["run", "boards"], flags, &["--", "sh", "-c", &script]].concat();
    let child = site.command(&arguments).spawn().unwrap();
    until("the command runs", || {
        site.path("lease").exists().then_some(())
    });
    child
}

fn state_of_first(site: &Site) -> String {
    let list = site.json(&["resource", "ls", "boards"]);
    list["items"][0]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_command_knows_what_it_holds_and_the_end_of_it_is_the_end_of_the_lease() {
    let site = Site::start();
    site.load(BOARDS);
    let script = "echo $CAVIADA_LEASE $CAVIADA_FENCE $CAVIADA_ENDPOINT_SSH; exit 7";
    let output = site.run(&["run", "boards", "--", "sh", "-c", script]);
    assert_eq!(output.status.code(), Some(7));
    let said = text(&output.stdout);
    let words: Vec<&str> = said.split_whitespace().collect();
    assert!(words[0].starts_with("lease_"), "{said}");
    assert!(words[1].parse::<u64>().is_ok(), "{said}");
    assert_eq!(words[2], "ssh://b1.lab:22");
    assert_eq!(state_of_first(&site), "free");
    // A thing that failed stays for a look.
    let hold = ["run", "boards", "--hold-on-failure", "1h", "--", "false"];
    assert_eq!(site.run(&hold).status.code(), Some(1));
    assert_eq!(state_of_first(&site), "withheld");
}

#[test]
fn a_signal_ends_the_command_and_gives_back_what_it_held() {
    let site = Site::start();
    site.load(BOARDS);
    for (number, code) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
    ] {
        let child = start(&site, &[]);
        assert_eq!(state_of_first(&site), "leased");
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        kill(pid, number).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert_eq!(state_of_first(&site), "free");
        std::fs::remove_file(site.path("lease")).unwrap();
    }
}

#[test]
fn a_server_that_crashes_and_comes_back_costs_neither_command_nor_lease() {
    let mut site = Site::start();
    site.load(BOARDS);
    let child = start(&site, &["--ttl", "6s"]);
    let address = site.url.trim_start_matches("http://").to_owned();
    site.crash();
    site.serve(&["--listen", &address], &[]);
    let lease = std::fs::read_to_string(site.path("lease")).unwrap();
    let renewed = [
        "event",
        "ls",
        "--type",
        "lease.renewed",
        "--lease",
        lease.trim(),
    ];
    until("it is renewed", || {
        let events = site.json(&renewed);
        (!events["items"].as_array().unwrap().is_empty()).then_some(())
    });
    std::fs::write(site.path("go"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert_eq!(state_of_first(&site), "free");
}

#[test]
fn a_server_that_stays_away_ends_the_command_only_if_told_and_at_the_deadline() {
    let mut site = Site::start();
    site.load(BOARDS);
    let child = start(&site, &["--ttl", "2s", "--on-lost", "kill"]);
    site.crash();
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("its deadline passed"), "{said}");
}
