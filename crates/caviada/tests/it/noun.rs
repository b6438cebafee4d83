//! The commands of each noun, against the real server.

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
    let said = site.fails(1, &["host", "set", "h2", "--driver", "swarm"]);
    assert!(said.contains("swarm"), "{said}");
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
    // A user is a key that speaks for an owner.
    let users = site.ok(&["user", "ls"]);
    assert!(users.contains("ann") && users.contains("admin"), "{users}");
    assert!(!users.contains(secret.trim()));
    site.ok(&["quota", "set", "ann", "--leases", "1"]);
    assert_eq!(
        site.json(&["quota", "show", "ann"])["spec"]["leases_max"],
        1
    );
    site.ok(&["quota", "rm", "ann"]);
    site.ok(&["key", "rm", "ann"]);
    site.fails(4, &["--key", secret.trim(), "status"]);
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
