//! Leases from the command line, against the real server.

use std::process::Stdio;

use crate::site::{ADMIN, BOARDS, Site, text, until};

/// A server with two boards and a second owner's key.
fn lab() -> (Site, String) {
    let site = Site::start();
    site.load(BOARDS);
    let ann = site.ok(&["key", "add", "ann"]).trim().to_owned();
    (site, ann)
}

fn acquire(site: &Site, more: &[&str]) -> String {
    let arguments = [&["acquire", "boards", "-o", "name"], more].concat();
    site.ok(&arguments).trim().to_owned()
}

fn states(site: &Site) -> Vec<(String, String)> {
    let list = site.json(&["resource", "ls", "boards"]);
    let one = |r: &serde_json::Value| {
        let word = |field: &str| r[field].as_str().unwrap().to_owned();
        (word("name"), word("state"))
    };
    list["items"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_lease_is_acquired_looked_at_renewed_and_released() {
    let (site, _) = lab();
    let lease = site.json(&["acquire", "boards", "--ttl", "5m", "--label", "job=7"]);
    let id = lease["id"].as_str().unwrap();
    assert_eq!(lease["state"], "active");
    assert_eq!(lease["resources"][0]["endpoints"]["ssh"], "ssh://b1.lab:22");
    let table = site.ok(&["ls"]);
    assert!(table.contains(id) && table.contains("boards"), "{table}");
    assert!(site.ok(&["ls", "-o", "wide"]).len() > table.len());
    assert_eq!(site.ok(&["ls", "-o", "name"]), format!("{id}\n"));
    assert_eq!(site.ok(&["ls", "-l", "job=8", "-o", "name"]), "");
    let renewed = site.json(&["renew", id, "--ttl", "30m"]);
    assert!(renewed["expires_in_ms"].as_u64().unwrap() > 20 * 60_000);
    let fence = lease["fence"].to_string();
    site.ok(&["renew", id, "--fence", &fence]);
    site.fails(6, &["renew", id, "--fence", "1"]);
    site.ok(&["note", id, "a note", "--label", "job-"]);
    assert_eq!(site.json(&["ls"])["items"][0]["note"], "a note");
    let released = site.json(&["release", id]);
    assert_eq!(released["state"], "ended", "{released}");
    // A release is safe to repeat; a renewal comes too late.
    site.ok(&["release", id]);
    site.fails(6, &["renew", id]);
    assert!(states(&site).iter().all(|(_, state)| state == "free"));
}

/// Asks for a board under an idempotency key, as any client would.
fn ask_once(site: &Site) -> (u16, serde_json::Value) {
    let body = r#"{"items":[{"pool":"boards"}]}"#;
    let (status, told) = site.http(&format!(
        "POST /api/v1/leases HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {ADMIN}\r\n\
         Idempotency-Key: job-7\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    (status, serde_json::from_str(&told).unwrap())
}

#[test]
fn a_repeat_is_answered_also_when_only_the_history_knows_the_lease() {
    let (mut site, _) = lab();
    let (status, lease) = ask_once(&site);
    assert_eq!(status, 201, "{lease}");
    let id = lease["id"].as_str().unwrap();
    site.ok(&["release", id]);
    let (status, soon) = ask_once(&site);
    assert_eq!((status, &soon["state"]), (200, &"ended".into()), "{soon}");
    assert!(site.stop().success());
    // Two hours pass: its short record is kept for one.
    let file = rusqlite::Connection::open(site.path("data/ledger.db")).unwrap();
    let older = "UPDATE journal SET at = at - 7200000";
    assert!(file.execute(older, []).unwrap() > 0);
    drop(file);
    site.serve(&[], &[]);
    let (status, late) = ask_once(&site);
    assert_eq!(status, 200, "{late}");
    for fact in ["id", "state", "end", "owner", "fence"] {
        assert_eq!(late[fact], soon[fact], "{fact}: {late}");
    }
}

#[test]
fn apply_acquires_and_a_file_is_told_about_load() {
    let (site, _) = lab();
    let first = site.ok(&["apply", "boards", "-o", "name"]);
    assert!(first.starts_with("lease_"), "{first}");
    let said = site.fails(2, &["apply", "-f", "lab.toml"]);
    assert!(
        said.contains("did you mean `caviada load lab.toml`?"),
        "{said}"
    );
}

#[test]
fn several_are_had_together_by_count_and_by_what_they_are_like() {
    let (site, _) = lab();
    let said = site.fails(
        1,
        &["acquire", "boards", "--at-least", "cores=5", "--no-wait"],
    );
    assert!(!said.is_empty());
    let both = site.json(&["acquire", "boards:2", "--at-least", "cores=4"]);
    assert_eq!(both["resources"].as_array().unwrap().len(), 2);
    site.fails(3, &["acquire", "boards", "--no-wait"]);
    site.fails(5, &["acquire", "boards", "--wait", "100ms"]);
    let id = both["id"].as_str().unwrap();
    let one = both["resources"][1]["id"].as_str().unwrap();
    site.ok(&["release", id, "--resource", one]);
    acquire(&site, &["--no-wait"]);
}

#[test]
fn a_waiter_gets_what_is_released_and_says_his_place_meanwhile() {
    let (site, _) = lab();
    let held = acquire(&site, &[]);
    acquire(&site, &[]);
    let waiting = acquire(&site, &["--detach", "--wait", "5m"]);
    let why = site.ok(&["why", &waiting]);
    assert!(why.contains("pool boards has 0 free, 2 leased"), "{why}");
    assert!(
        why.contains("before it") && why.contains("estimate"),
        "{why}"
    );
    site.fails(5, &["wait", &waiting, "--for", "200ms"]);
    let child = site
        .command(&["wait", &waiting, "-o", "json"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    site.ok(&["release", &held]);
    let output = child.wait_with_output().unwrap();
    let lease: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(lease["state"], "active");
}

#[test]
fn a_lease_is_given_and_shared_and_nobody_else_ends_it() {
    let (site, ann) = lab();
    site.ok(&["key", "add", "bob"]);
    let id = acquire(&site, &[]);
    site.fails(1, &["--key", &ann, "release", &id]);
    site.ok(&["share", &id, "ann"]);
    site.ok(&["share", &id]);
    let given = site.json(&["give", &id, "ann"]);
    assert_eq!(given["owner"], "ann");
    let who = site.ok(&["who", "boards"]);
    assert!(who.contains("boards/b1") && who.contains("ann"), "{who}");
    assert_eq!(site.ok(&["who", "boards", "-o", "name"]), "ann\n");
    site.ok(&["--key", &ann, "release", &id]);
    // An operator may end what is somebody else's, and its holder learns it.
    let id = site.ok(&["--key", &ann, "acquire", "boards", "-o", "name"]);
    site.ok(&["revoke", id.trim()]);
    let said = site.fails(6, &["--key", &ann, "renew", id.trim()]);
    assert!(said.contains("revoked"), "{said}");
}

#[test]
fn a_release_with_hold_keeps_the_thing_for_a_look() {
    let (site, _) = lab();
    let id = acquire(&site, &[]);
    site.ok(&["release", &id, "--hold", "1h", "--reason", "it smells"]);
    assert_eq!(states(&site)[0], ("b1".to_owned(), "withheld".to_owned()));
    let why = site.ok(&["why", "boards/b1"]);
    assert!(why.contains("it smells"), "{why}");
    site.ok(&["resource", "return", "boards/b1"]);
    until("it is free", || {
        (states(&site)[0].1 == "free").then_some(())
    });
}

#[test]
fn status_shows_pools_and_every_format_is_there() {
    let (site, _) = lab();
    acquire(&site, &[]);
    let status = site.ok(&["status"]);
    for word in ["boards", "1 active", &site.url] {
        assert!(status.contains(word), "{word}: {status}");
    }
    assert!(site.ok(&["status", "-o", "wide"]).contains("revision"));
    assert_eq!(site.ok(&["status", "-o", "name"]), "boards\n");
    assert_eq!(site.json(&["status"])["leases"]["active"], 1);
    let said = site.fails(2, &["status", "-o", "env"]);
    assert!(said.contains("-o env prints a lease"), "{said}");
    let env = site.ok(&["acquire", "boards", "-o", "env"]);
    for name in ["CAVIADA_LEASE=", "CAVIADA_FENCE=", "CAVIADA_ENDPOINT_SSH="] {
        assert!(env.contains(name), "{env}");
    }
}

#[test]
fn the_exit_code_tells_what_happened() {
    let (site, ann) = lab();
    assert_eq!(site.run(&["status"]).status.code(), Some(0));
    let said = site.fails(1, &["acquire", "nowhere"]);
    assert!(said.contains("nowhere"), "{said}");
    site.fails(2, &["acquire"]);
    site.fails(2, &["renew", "not-a-lease"]);
    site.fails(4, &["--key", "no-such-key", "status"]);
    let said = site.fails(1, &["--key", &ann, "key", "add", "eve"]);
    assert!(said.contains("forbidden"), "{said}");
    let said = site.fails(1, &["--url", "http://127.0.0.1:1", "status"]);
    assert!(said.contains("127.0.0.1:1"), "{said}");
    let mut nobody = site.command(&["status"]);
    let output = nobody.env_remove("CAVIADA_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("caviada login"));
}

#[test]
fn who_signs_in_once_need_not_say_it_again() {
    let (site, ann) = lab();
    let alone = |arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.env_remove("CAVIADA_URL").env_remove("CAVIADA_KEY");
        command.output().unwrap()
    };
    let said = site.fails(4, &["--key", "no-such-key", "login", &site.url]);
    assert!(said.contains("CAVIADA_KEY"), "{said}");
    site.ok(&["login", &site.url]);
    let login = ["--key", &ann, "login", &site.url, "--name", "as-ann"];
    assert!(text(&alone(&login).stderr).contains("signed in as ann (user)"));
    let own = |arguments: &[&str]| text(&alone(arguments).stdout);
    assert_eq!(own(&["key", "own", "-o", "name"]), "ann\n");
    let other = ["--context", "default", "key", "own", "-o", "name"];
    assert_eq!(own(&other), "admin\n");
    assert!(alone(&["context", "use", "default"]).status.success());
    assert_eq!(own(&["key", "own", "-o", "name"]), "admin\n");
    assert_eq!(own(&["context", "ls", "-o", "name"]), "as-ann\ndefault\n");
}
