//! What is typed, what is printed, and how it ends.

use std::process::Stdio;

use crate::stand_in::{StandIn, text};

#[test]
fn the_exit_code_says_what_happened() {
    let server = StandIn::start();
    let code = |arguments: &[&str]| server.run(arguments).status.code();
    assert_eq!(code(&["acquire", "boards"]), Some(0));
    assert_eq!(code(&["acquire", "nowhere"]), Some(1));
    assert_eq!(code(&["acquire"]), Some(2));
    assert_eq!(code(&["acquire", "boards", "--ttl", "30"]), Some(2));
    assert_eq!(code(&["acquire", "boards"]), Some(0));
    assert_eq!(code(&["acquire", "boards", "--no-wait"]), Some(3));
    assert_eq!(code(&["--key", "wrong", "acquire", "boards"]), Some(4));
    assert_eq!(code(&["acquire", "boards", "--wait", "50ms"]), Some(5));
    server.revoke_all();
    assert_eq!(code(&["renew", "lease_0000000000001"]), Some(6));
    assert_eq!(code(&["--url", "http://127.0.0.1:1", "status"]), Some(1));
}

#[test]
fn apply_with_a_file_is_told_about_load() {
    let server = StandIn::start();
    let output = server.run(&["apply", "-f", "lab.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("did you mean `caviada load lab.toml`?"),
        "{said}"
    );
    assert!(server.asked().is_empty());
}

#[test]
fn data_is_on_standard_output_and_talk_is_not() {
    let server = StandIn::start();
    let output = server.run(&["acquire", "boards", "-o", "name"]);
    assert_eq!(text(&output.stdout), "lease_0000000000001\n");
    let output = server.run(&["acquire", "boards", "-o", "json"]);
    let lease: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(lease["fence"], 102);
    let output = server.run(&["acquire", "boards", "--no-wait"]);
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("pool-exhausted"));
}

#[test]
fn what_is_not_a_terminal_gets_no_colour() {
    let server = StandIn::start();
    let output = server.run(&["acquire", "boards"]);
    assert!(!output.stdout.contains(&0x1b));
    assert!(text(&output.stdout).contains("ssh://b1.lab:22"));
}

#[test]
fn a_shell_takes_a_lease_as_variables() {
    let server = StandIn::start();
    let output = server.run(&["acquire", "boards", "-o", "env"]);
    let script =
        text(&output.stdout) + "echo $CAVIADA_LEASE $CAVIADA_FENCE $CAVIADA_ENDPOINT_SSH_URL";
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert_eq!(
        text(&output.stdout),
        "lease_0000000000001 101 ssh://b1.lab:22\n"
    );
}

#[test]
fn who_waited_claims_what_he_was_granted() {
    let server = StandIn::start();
    server.run(&["acquire", "boards"]);
    server.run(&["acquire", "boards"]);
    let waiting = server
        .command(&[
            "acquire", "boards", "--wait", "30s", "--ttl", "1h", "-o", "json",
        ])
        .spawn()
        .unwrap();
    server.until("it waits", |s| s.count("GET ") > 0);
    server.run(&["release", "lease_0000000000001"]);
    let output = waiting.wait_with_output().unwrap();
    let lease: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(lease["state"], "active");
    // More than the five seconds within which it had to be claimed.
    assert!(lease["expires_in_ms"].as_u64().unwrap() > 60_000);
    let asked = server.asked();
    let acquire = asked.iter().find(|a| a.contains("\"wait_ms\"")).unwrap();
    assert!(acquire.contains("\"poll_within_ms\""), "{acquire}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let server = StandIn::start();
    let mut child = server.command(&["completions", "bash"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_context_is_remembered_and_used() {
    let server = StandIn::start();
    let url = server
        .command(&[])
        .get_envs()
        .find(|(name, _)| *name == "CAVIADA_URL")
        .and_then(|(_, value)| value.map(|v| v.to_string_lossy().into_owned()))
        .unwrap();
    let login = server.run(&["login", &url, "--name", "lab", "--no-check"]);
    assert_eq!(login.status.code(), Some(0), "{}", text(&login.stderr));
    let alone = |arguments: &[&str]| {
        let mut command = server.command(arguments);
        command.env_remove("CAVIADA_URL").env_remove("CAVIADA_KEY");
        command.stderr(Stdio::piped()).output().unwrap()
    };
    assert_eq!(alone(&["acquire", "boards"]).status.code(), Some(0));
    assert_eq!(
        text(&alone(&["context", "ls", "-o", "name"]).stdout),
        "lab\n"
    );
    assert_eq!(
        alone(&["--context", "home", "status"]).status.code(),
        Some(2)
    );
    assert_eq!(alone(&["context", "rm", "lab"]).status.code(), Some(0));
    assert_eq!(text(&alone(&["context", "ls", "-o", "name"]).stdout), "");
}
