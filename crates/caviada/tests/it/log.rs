//! What the server says of itself: fixed names, and no secret.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::poolmanager::{listener, posted};
use crate::site::{ADMIN, BOARDS, Site, text, until};

/// The access line of the request with this id.
fn access(site: &Site, id: &str) -> String {
    until("the access line", || {
        let log = site.log();
        let line = log
            .lines()
            .find(|line| line.contains("caviada::access") && line.contains(id))?;
        Some(line.to_owned())
    })
}

fn get(site: &Site, id: &str) {
    let request = format!(
        "GET /api/v1/pools?limit=3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {ADMIN}\r\nX-Request-Id: {id}\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"
    );
    assert_eq!(site.http(&request).0, 200);
}

#[test]
fn a_request_leaves_one_line_of_json_with_fixed_names() {
    let mut site = Site::new();
    site.serve(&["--log-format", "json"], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
    get(&site, "my-own-id");
    let line: Value = serde_json::from_str(&access(&site, "my-own-id")).unwrap();
    let names: BTreeSet<&str> = line
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let page = include_str!("../../../../docs/reference/log.md");
    let told = page.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some(name)
    });
    assert_eq!(names, told.collect());
    assert_eq!(line["http.status"], 200);
    assert_eq!(line["http.path"], "/api/v1/pools");
    assert_eq!(line["key.name"], "admin");
    assert_eq!(line["peer"], "127.0.0.1");
    for line in site.log().lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn a_line_for_people_has_the_same_names_and_levels_are_chosen() {
    let mut site = Site::new();
    site.serve(&[], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
    get(&site, "first-id");
    let line = access(&site, "first-id");
    for field in ["request.id", "http.status=200", "key.name=admin", " INFO "] {
        assert!(line.contains(field), "{field}: {line}");
    }
    assert!(!line.contains('\u{1b}'), "{line}");
    site.stop();
    let levels = [("CAVIADA_LOG", "info,caviada::access=warn")];
    site.serve(&[], &levels);
    get(&site, "second-id");
    // What waited has left by the end.
    site.stop();
    assert!(!site.log().contains("second-id"), "{}", site.log());
}

/// Everything a command said.
fn all(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_planted_secret_shows_nowhere() {
    let chosen = "canary-chosen-secret";
    let mut site = Site::new();
    let admin = "canary-admin-secret";
    site.serve(
        &["--compat", "poolmanager=127.0.0.1:0"],
        &[("CAVIADA_LOG", "trace"), ("CAVIADA_ADMIN_KEY", admin)],
    );
    let password = "canary-user-password";
    let client = |key: &str, arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.env("CAVIADA_KEY", key).env("CI_SECRET", chosen);
        command.output().unwrap()
    };
    let file = site.file(
        "lab.toml",
        &format!("{BOARDS}[[key]]\nname = \"ci\"\nrole = \"user\"\nsecret_env = \"CI_SECRET\"\n"),
    );
    let loaded = client(admin, &["load", &file]);
    assert!(loaded.status.success(), "{}", all(&loaded));
    let made = client(admin, &["key", "add", "ann"]);
    let made = text(&made.stdout).trim().to_owned();
    assert!(made.starts_with("caviada_"), "{made}");
    assert!(client(chosen, &["acquire", "boards"]).status.success());
    assert!(client(&made, &["acquire", "boards"]).status.success());
    let mut command = site.command(&["user", "set", "ann", "--password"]);
    let (stdin, stdout, stderr) = (Stdio::piped(), Stdio::piped(), Stdio::piped());
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    let mut child = command.env("CAVIADA_KEY", admin).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(password.as_bytes()).unwrap();
    drop(input);
    let set = child.wait_with_output().unwrap();
    assert!(set.status.success(), "{}", all(&set));
    let form = format!("username=ann&password={password}");
    let signed_in = posted(&listener(&site), "/api/auth/login", &form);
    let session = signed_in.split("caviada_poolmanager=").nth(1).unwrap();
    let session = session.split(';').next().unwrap().to_owned();
    let wrong = posted(
        &listener(&site),
        "/api/auth/login",
        "username=ann&password=canary-wrong-secret",
    );
    assert!(wrong.contains("401"), "{wrong}");
    assert_eq!(
        client("canary-wrong-secret", &["status"]).status.code(),
        Some(4)
    );

    let mut said = all(&loaded) + &all(&set);
    for arguments in [
        &["key", "ls", "-o", "json"][..],
        &["key", "own", "-o", "json"],
        &["event", "ls", "-o", "json", "-n", "1000"],
        &["ls", "-o", "json"],
        &["status", "-o", "json"],
        &["pool", "ls", "-o", "json"],
        &["user", "ls", "-o", "json"],
    ] {
        let output = client(admin, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", all(&output));
        said += &all(&output);
    }
    let backup = site.typed("backup.db");
    let output = client(
        admin,
        &["backup", &backup, "--data-dir", &site.typed("data")],
    );
    assert!(output.status.success(), "{}", all(&output));
    said += &all(&output);
    site.stop();
    said += &site.log();
    said += &site.out();
    let mut dump = std::fs::read(&backup).unwrap();
    for file in std::fs::read_dir(site.path("data")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            dump.extend(std::fs::read(path).unwrap());
        }
    }
    // What a backup and a store hold of a password is its hash, and nothing else shows even that.
    assert!(!said.contains("$argon2id$"));
    said += &text(&dump);
    assert!(said.contains("boards"), "this looked at nothing");
    for secret in [
        admin,
        chosen,
        &made,
        "canary-wrong-secret",
        password,
        &session,
    ] {
        assert!(!said.contains(secret), "{secret} shows");
    }
}
