//! `caviada demo`: the tour that the README begins with.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::kill::wire::{Request, Wire};
use crate::site::{program, text};

/// The tour, with all it makes in this folder.
fn demo(flags: &[&str], home: &Path) -> Command {
    let mut command = program(&[&["demo"], flags].concat(), home);
    command.env("TMPDIR", home);
    command
}

/// Takes the tour with what the flags choose; what it said.
fn tour(flags: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let flags = [&["--exit"], flags].concat();
    let output = demo(&flags, home.path()).output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("Every step held."), "{said}");
    said
}

#[test]
fn every_step_of_the_tour_holds_where_there_is_no_engine() {
    let said = tour(&["--docker", "unix:///nowhere.sock"]);
    assert!(!said.contains("docker kill"), "{said}");
}

/// Ends the demo, also where the test fails.
struct Ended(Child);

impl Ended {
    fn interrupt(&self) {
        let pid = Pid::from_raw(self.0.id().try_into().unwrap());
        kill(pid, Signal::SIGINT).unwrap();
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            self.interrupt();
            self.0.wait().unwrap();
        }
    }
}

/// Processes that work below a folder.
fn at_work_in(folder: &Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let here = processes.filter(|process| {
        let cwd = std::fs::read_link(process.path().join("cwd"));
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        cwd.is_ok_and(|cwd| cwd.starts_with(folder))
            || text(&words).contains(folder.to_str().unwrap())
    });
    here.map(|p| p.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn after_the_tour_it_serves_under_the_key_it_prints_until_ctrl_c_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let log = std::fs::File::create(home.path().join("log.txt")).unwrap();
    let mut command = demo(&["--docker", "unix:///nowhere.sock"], home.path());
    let mut demo = Ended(command.stderr(log).spawn().unwrap());
    let mut said = String::new();
    let mut output = BufReader::new(demo.0.stdout.take().unwrap());
    let (url, key) = loop {
        let mut line = String::new();
        let bytes = output.read_line(&mut line).unwrap();
        assert!(bytes > 0, "it ended: {said}");
        said.push_str(&line);
        let told = line.trim().strip_prefix("export CAVIADA_URL=");
        if let Some((url, key)) = told.and_then(|told| told.split_once(" CAVIADA_KEY=")) {
            break (url.to_owned(), key.to_owned());
        }
    };
    assert!(said.contains("Every step held."), "{said}");
    assert!(said.contains(&format!("Serving at {url} until Ctrl-C")));

    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut wire = Wire::new(address, &key);
    let (status, _) = wire.call(&Request::get("/readyz")).unwrap();
    assert_eq!(status, 200);
    let (status, pools) = wire.call(&Request::get("/api/v1/pools")).unwrap();
    assert_eq!(status, 200, "{pools}");
    assert!(!pools["items"].as_array().unwrap().is_empty(), "{pools}");
    assert!(!at_work_in(home.path()).is_empty(), "its server at least");

    demo.interrupt();
    assert_eq!(demo.0.wait().unwrap().code(), Some(0));
    assert!(TcpStream::connect(address).is_err(), "something listens");
    assert_eq!(at_work_in(home.path()), [""; 0]);
    let left = std::fs::read_dir(home.path()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["log.txt"]);
}

mod docker {
    #[test]
    fn every_step_of_the_tour_holds_on_an_engine() {
        if caviada_testbed::image().is_some() {
            super::tour(&["--docker", "unix:///var/run/docker.sock"]);
        }
    }
}
