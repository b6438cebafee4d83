//! `caviada load`: the server has what the file says, and nothing else is touched.

use crate::site::{BOARDS, Site};
use crate::stand_in::{StandIn, text};

const EVERYTHING: &str = r#"
name = "lab"
[[template]]
name = "little"
path = "little"
[[host]]
name = "here"
driver = "process"
capacity = { resources = 2 }
ports = { first = 20000, last = 20999, block = 16 }
[[pool]]
name = "clusters"
template = "little"
max = 1
[[pool]]
name = "boards"
lease = { ttl = "10m" }
[[resource]]
pool = "boards"
names = ["b1", "b2"]
attributes = { cores = 4 }
[[pool]]
name = "nets"
slice = { prefix = 28 }
[[resource]]
pool = "nets"
name = "lab"
range = "10.0.0.0/24"
[[key]]
name = "ci"
role = "user"
[[quota]]
owner = "ci"
leases_max = 1
"#;

/// A copy of the built-in template, so that a folder stands beside the file.
fn folder(site: &Site) {
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates/tiny");
    let to = site.path("little");
    std::fs::create_dir_all(&to).unwrap();
    for file in ["template.toml", "compose.yaml"] {
        let text = std::fs::read_to_string(from.join(file)).unwrap();
        std::fs::write(to.join(file), text.replace("\"tiny\"", "\"little\"")).unwrap();
    }
}

#[test]
fn every_noun_is_declared_and_a_second_load_changes_nothing() {
    let site = Site::start();
    folder(&site);
    let file = site.file("lab.toml", EVERYTHING);
    let dry = site.ok(&["load", &file, "--dry-run"]);
    let nouns = [
        "+ template little",
        "+ host here",
        "+ pool clusters",
        "+ resource boards/b1",
        "+ resource nets/lab",
        "+ quota ci",
        "+ key ci",
    ];
    for noun in nouns {
        assert!(dry.contains(noun), "{noun}: {dry}");
    }
    assert_eq!(site.ok(&["pool", "ls", "-o", "name"]), "");
    let loaded = site.ok(&["load", &file]);
    let secret = loaded.lines().last().unwrap();
    assert!(secret.starts_with("caviada_"), "{loaded}");
    for flag in ["--dry-run", "--prune"] {
        let again = site.ok(&["load", &file, flag]);
        assert_eq!(again, "", "{flag}");
    }

    // The key works, within its quota.
    let slice = site.json(&["--key", secret, "acquire", "nets"]);
    assert_eq!(slice["resources"][0]["pool"], "nets");
    let said = site.fails(1, &["--key", secret, "acquire", "boards"]);
    assert!(said.contains("quota"), "{said}");
}

#[test]
fn a_change_in_the_file_is_shown_and_made() {
    let site = Site::start();
    site.load(BOARDS);
    let changed = BOARDS.replace("ttl = \"10m\"", "ttl = \"20m\"");
    let file = site.file("changed.toml", &changed);
    let said = site.ok(&["load", &file, "--dry-run"]);
    assert!(said.contains("~ pool boards"), "{said}");
    assert!(said.contains("ttl_ms"), "{said}");
    site.ok(&["load", &file]);
    assert_eq!(
        site.json(&["pool", "show", "boards"])["spec"]["lease"]["ttl_ms"],
        1_200_000
    );
}

#[test]
fn prune_removes_what_this_file_declared_and_never_what_is_leased() {
    let site = Site::start();
    let both = format!(
        "{BOARDS}[[key]]\nname = \"ci\"\nrole = \"user\"\n[[quota]]\nowner = \"ci\"\nleases_max = 1\n"
    );
    site.load(&both);
    // Somebody else's, by hand and by another file.
    site.ok(&["resource", "add", "boards", "by-hand"]);
    site.load("name = \"other\"\n[[pool]]\nname = \"spare\"\n");
    let held = site.ok(&["acquire", "boards", "-o", "name"]);
    let file = site.file("less.toml", "name = \"lab\"\n");
    let output = site.run(&["load", &file, "--prune"]);
    let said = crate::site::text(&output.stdout) + &crate::site::text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("- resource boards/b2"), "{said}");
    assert!(
        said.contains("- key ci") && said.contains("- quota ci"),
        "{said}"
    );
    assert!(
        said.contains("kept resource boards/b1: it is leased"),
        "{said}"
    );
    assert!(said.contains("kept pool boards"), "{said}");
    assert_eq!(
        site.ok(&["resource", "ls", "boards", "-o", "name"]),
        "boards/b1\nboards/by-hand\n"
    );
    assert_eq!(site.ok(&["pool", "ls", "-o", "name"]), "boards\nspare\n");
    site.ok(&["renew", held.trim()]);
}

#[test]
fn a_file_that_cannot_be_meant_changes_nothing() {
    let site = Site::start();
    let unknown = site.file("a.toml", "name = \"x\"\n[[pol]]\nname = \"y\"\n");
    let said = site.fails(2, &["load", &unknown]);
    assert!(said.contains("a.toml") && said.contains("pol"), "{said}");
    assert!(said.contains("line 2"), "{said}");
    site.fails(2, &["load", "/nowhere.toml"]);
    let secret = site.file(
        "b.toml",
        "name = \"x\"\n[[pool]]\nname = \"p\"\n[[key]]\nname = \"k\"\nrole = \"user\"\nsecret_env = \"NOT_SET\"\n",
    );
    let said = site.fails(2, &["load", &secret]);
    assert!(said.contains("NOT_SET"), "{said}");
    assert_eq!(site.ok(&["pool", "ls", "-o", "name"]), "");
}

#[test]
fn the_examples_load_and_what_their_heads_say_works() {
    let site = Site::start();
    let example = |name: &str| format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    // Loaded in earnest it would build on the engine of this machine.
    site.ok(&["load", "--dry-run", &example("clusters.toml")]);
    site.ok(&["load", &example("machines.toml")]);
    assert_eq!(site.ok(&["load", &example("machines.toml")]), "");
    site.ok(&["acquire", "machines", "--ttl", "10m"]);
    let network = site.json(&["acquire", "networks"]);
    let name = network["resources"][0]["name"].as_str().unwrap();
    assert!(name.contains("/29"), "{name}");
    let env = site.ok(&["run", "machines", "--", "env"]);
    assert!(env.contains("CAVIADA_ENDPOINT_SSH="), "{env}");
}

#[test]
fn what_somebody_cordoned_or_drains_stays_so_after_the_next_load() {
    let site = Site::start();
    let file = |more: &str| {
        let text = format!("name = \"lab\"\n[[host]]\nname = \"h1\"\ndriver = \"process\"\n{more}");
        site.file("lab.toml", &text)
    };
    let takes = || {
        let spec = &site.json(&["host", "show", "h1"])["spec"];
        (spec["schedulable"] != false, spec["drain"] == true)
    };
    site.ok(&["load", &file("")]);
    assert_eq!(takes(), (true, false), "a new one takes builds");
    site.ok(&["host", "cordon", "h1"]);
    assert_eq!(site.ok(&["load", &file("")]), "", "nothing changes");
    assert_eq!(takes(), (false, false));
    site.ok(&["host", "drain", "h1"]);
    site.ok(&["load", &file("autofill = true\n")]);
    assert_eq!(takes(), (false, true));
    site.ok(&["load", &file("drain = false\n")]);
    assert_eq!(takes(), (false, false));
    site.ok(&["load", &file("drain = true\n")]);
    site.ok(&["load", &file("schedulable = true\n")]);
    assert_eq!(takes(), (true, false));
}

#[test]
fn a_host_that_is_seen_meanwhile_is_loaded_and_one_that_somebody_declares_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    let document = "name = \"lab\"\n[[host]]\nname = \"here\"\ndriver = \"process\"\n\
                    capacity = { resources = 2 }\n";
    std::fs::write(&file, document).unwrap();
    let load = ["load", file.to_str().unwrap()];

    let server = StandIn::start();
    server.host_becomes(&[1]);
    let loaded = server.run(&load);
    assert!(loaded.status.success(), "{}", text(&loaded.stderr));
    let said = text(&loaded.stdout);
    assert!(said.contains("capacity.resources: 1 → 2"), "{said}");
    assert_eq!(server.count("PUT "), 2, "{:?}", server.asked());

    // Once more it would not be the same change, or not the first time.
    for becomes in [&[3][..], &[1, 1, 1]] {
        let server = StandIn::start();
        server.host_becomes(becomes);
        let refused = server.run(&load);
        assert_eq!(refused.status.code(), Some(1));
        let said = text(&refused.stderr);
        assert!(
            said.contains("host here") && said.contains("changed"),
            "{said}"
        );
    }
}
