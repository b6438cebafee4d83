//! The commands of each noun, against the real server.

use std::io::Write as _;
use std::process::Stdio;

use crate::site::Site;

#[test]
fn pools_and_resources_are_declared_shown_and_removed() {
    let site = Site::start();
    site.ok(&[
        "pool",
        "set",
        "boards",
        "--ttl",
        "10m",
        "--holders",
        "nobody",
    ]);
    site.ok(&["resource", "add", "boards", "b1", "b2", "-a", "cores=4"]);
    assert_eq!(site.json(&["pool", "show", "boards"])["counts"]["free"], 2);
    // A machine is a resource, and so is an address.
    assert!(site.ok(&["machine", "ls", "boards"]).contains("b2"));
    site.ok(&["pool", "set", "nets", "--slice", "/28"]);
    site.ok(&["address", "add", "nets", "lab", "--range", "10.0.0.0/24"]);
    let slice = site.json(&["acquire", "nets"]);
    assert_eq!(slice["resources"].as_array().unwrap().len(), 1);
    site.ok(&["resource", "withhold", "boards/b1", "--note", "broken fan"]);
    let shown = site.json(&["resource", "show", "boards/b1"]);
    assert_eq!(shown["state"], "withheld");
    assert!(site.ok(&["why", "boards/b1"]).contains("broken fan"));
    site.ok(&["resource", "return", "boards/b1"]);
    site.ok(&["resource", "rm", "boards/b1"]);
    let said = site.fails(1, &["resource", "show", "boards/b1"]);
    assert!(said.contains("b1"), "{said}");
    site.ok(&["pool", "rm", "boards"]);
    assert_eq!(site.ok(&["pool", "ls", "-o", "name"]), "nets\n");
}

#[test]
fn hosts_and_templates_are_declared_shown_and_removed() {
    let site = Site::start();
    site.ok(&[
        "host",
        "set",
        "h1",
        "--driver",
        "process",
        "--capacity",
        "resources=2",
    ]);
    assert!(site.ok(&["host", "ls"]).contains("h1"));
    site.ok(&["host", "cordon", "h1"]);
    assert_eq!(
        site.json(&["host", "show", "h1"])["spec"]["schedulable"],
        false
    );
    site.ok(&["host", "drain", "h1", "--wait", "10s"]);
    let drained = site.json(&["host", "show", "h1"]);
    assert_eq!(drained["spec"]["drain"], true);
    assert!(drained["draining"].is_null(), "{drained}");
    site.ok(&["host", "uncordon", "h1"]);
    assert!(site.json(&["host", "show", "h1"])["spec"]["drain"].is_null());
    let said = site.fails(1, &["host", "set", "h2", "--driver", "agent"]);
    assert!(said.contains("agent"), "{said}");
    site.ok(&["host", "rm", "h1"]);
    assert_eq!(site.ok(&["host", "ls", "-o", "name"]), "");

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../templates/tiny");
    site.ok(&["template", "put", "tiny", folder]);
    assert_eq!(site.json(&["template", "show", "tiny"])["name"], "tiny");
    assert!(site.ok(&["template", "ls"]).contains("tiny"));
    site.ok(&["template", "rm", "tiny"]);
    site.fails(1, &["template", "show", "tiny"]);
}

#[test]
fn keys_and_quotas_are_made_listed_and_removed() {
    let site = Site::start();
    let secret = site.ok(&["key", "add", "ann", "--expires-in", "1h"]);
    site.ok(&["--key", secret.trim(), "status"]);
    let keys = site.ok(&["key", "ls"]);
    assert!(keys.contains("ann") && keys.contains("admin"), "{keys}");
    assert!(!keys.contains(secret.trim()));
    site.ok(&["quota", "set", "ann", "--leases", "1"]);
    assert_eq!(
        site.json(&["quota", "show", "ann"])["spec"]["leases_max"],
        1
    );
    site.ok(&["quota", "rm", "ann"]);
    site.ok(&["key", "rm", "ann"]);
    site.fails(4, &["--key", secret.trim(), "status"]);
}

/// Runs a command that is told this at its standard input.
fn told(site: &Site, input: &str, arguments: &[&str]) -> std::process::Output {
    let mut command = site.command(arguments);
    let (stdin, stdout, stderr) = (Stdio::piped(), Stdio::piped(), Stdio::piped());
    let mut child = command
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn users_are_entered_shown_and_removed_and_their_passwords_are_no_arguments() {
    let site = Site::start();
    let set = told(
        &site,
        "correct horse\n",
        &[
            "user",
            "set",
            "ann",
            "--password",
            "--email",
            "ann@example.org",
            "--balance",
            "-3",
        ],
    );
    assert!(set.status.success(), "{set:?}");
    let ann = site.json(&["user", "show", "ann"]);
    assert_eq!(
        (&ann["has_password"], &ann["balance"]),
        (&true.into(), &(-3).into())
    );
    // What is not said stays.
    site.ok(&["user", "set", "ann", "--role", "operator"]);
    let ann = site.json(&["user", "show", "ann"]);
    assert_eq!(ann["role"], "operator");
    assert_eq!(
        (&ann["has_password"], &ann["profile"]["email"]),
        (&true.into(), &"ann@example.org".into())
    );
    let changed = told(&site, "another horse", &["user", "password", "ann"]);
    assert!(changed.status.success(), "{changed:?}");
    let key = site.ok(&["key", "add", "ann"]);
    let own = ["--key", key.trim(), "user", "password", "ann", "--current"];
    let wrong = told(&site, "correct horse\nthird horse\n", &own);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let right = told(&site, "another horse\nthird horse\n", &own);
    assert!(right.status.success(), "{right:?}");
    assert!(
        site.ok(&["user", "ls", "-o", "wide"])
            .contains("ann@example.org")
    );
    site.fails(1, &["--key", key.trim(), "user", "ls"]);
    site.ok(&["user", "rm", "ann"]);
    site.fails(1, &["user", "show", "ann"]);
}

#[test]
fn events_tell_what_happened_and_who_did_it() {
    let site = Site::start();
    site.load(crate::site::BOARDS);
    let id = site.ok(&["acquire", "boards", "-o", "name"]);
    site.ok(&["release", id.trim()]);
    let events = site.json(&["event", "ls", "--lease", id.trim()]);
    let kinds: Vec<&str> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["type"].as_str().unwrap())
        .collect();
    assert!(kinds.starts_with(&["lease.granted"]), "{kinds:?}");
    assert!(kinds.contains(&"lease.ended"), "{kinds:?}");
    assert!(site.ok(&["event", "ls"]).contains("pool.declared"));
}

#[test]
fn the_readme_names_every_command() {
    let site = Site::new();
    let help = site.ok(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let names = list.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?;
        let name = name.split_whitespace().next()?;
        line.starts_with(&format!("  {name}")).then_some(name)
    });
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.len() > 20, "{help}");
    let readme = include_str!("../../../../README.md");
    for name in names {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let site = Site::new();
    let page = site.ok(&["man"]);
    assert!(page.contains(".TH caviada 1"), "{page}");
    for word in ["acquire", "doctor", "Exit codes: 0 done"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let page = site.ok(&["man", "pool", "set"]);
    assert!(page.contains("caviada\\-pool\\-set"), "{page}");
    assert!(page.contains("ttl"), "{page}");
    site.fails(2, &["man", "no-such"]);
}

#[test]
fn each_shell_gets_its_completions() {
    let site = Site::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = site.ok(&["completions", shell]);
        for word in ["acquire", "backup", "serve"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
