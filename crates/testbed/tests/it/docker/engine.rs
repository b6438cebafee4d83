//! What an engine of the test's own promises.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use caviada_testbed::Engine;

use crate::victim;

fn docker(engine: &Engine, words: &[&str]) -> String {
    let host = format!("unix://{}", engine.socket().display());
    let output = Command::new("docker")
        .args(["--host", &host])
        .args(words)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {words:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn link_exists(engine_address: std::net::Ipv4Addr) -> bool {
    let output = Command::new("ip")
        .args(["route", "get", &engine_address.to_string()])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).contains("dev caviada")
}

#[test]
fn its_containers_are_its_own_and_are_reached_and_nothing_of_it_is_left() {
    let Some(engine) = caviada_testbed::engine(&[]) else {
        return;
    };
    let image = engine.image();
    assert_eq!(docker(&engine, &["ps", "--all", "--quiet"]), "");
    docker(
        &engine,
        &[
            "run",
            "--detach",
            "--publish",
            "8080:8080",
            "--name",
            "web",
            &image,
        ],
    );
    let end = Instant::now() + Duration::from_secs(30);
    let answer = loop {
        let asked = TcpStream::connect((engine.address(), 8080)).and_then(|mut stream| {
            stream.write_all(b"GET /health HTTP/1.1\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        match asked {
            Ok(answer) if !answer.is_empty() => break answer,
            other => assert!(Instant::now() < end, "{other:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert!(answer.starts_with("HTTP/1.1 200 "));
    nothing_of_it_is_left(engine);
}

/// Though it hangs.
fn nothing_of_it_is_left(engine: Engine) {
    let (folder, address) = (engine.folder().to_owned(), engine.address());
    assert!(link_exists(address));
    engine.freeze();
    drop(engine);
    assert!(!folder.exists());
    // The kernel takes the namespace down in its own time.
    let end = Instant::now() + Duration::from_secs(30);
    while link_exists(address) {
        assert!(Instant::now() < end, "the link to {address} is still there");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_hangs_crashes_and_comes_back() {
    let Some(mut engine) = caviada_testbed::engine(&["--live-restore"]) else {
        return;
    };
    let image = engine.image();
    docker(&engine, &["run", "--detach", "--name", "web", &image]);
    let started = docker(
        &engine,
        &["inspect", "--format", "{{.State.StartedAt}}", "web"],
    );

    engine.freeze();
    assert!(!engine.answers());
    engine.thaw();
    engine.kill();
    assert!(!engine.answers());
    engine.start();
    let state = [
        "inspect",
        "--format",
        "{{.State.Running}} {{.State.StartedAt}}",
        "web",
    ];
    assert_eq!(docker(&engine, &state), format!("true {started}"));
    engine.stop();
    assert!(!engine.answers());
    engine.start();
    assert_eq!(
        docker(&engine, &["ps", "--all", "--quiet"]).lines().count(),
        1
    );
}

#[test]
fn it_ends_with_the_process_that_asked_for_it() {
    let Some(engine) = caviada_testbed::engine(&[]) else {
        return;
    };
    if victim::is_this() {
        docker(&engine, &["run", "--detach", &engine.image()]);
        victim::wait_to_be_killed(engine.folder());
    }
    drop(engine);
    let folder: PathBuf =
        victim::kill("docker::engine::it_ends_with_the_process_that_asked_for_it");
    victim::wait_until_gone(&folder);
}
