//! What a holder takes along: for him and those he shares with, as long as he holds it, kept nowhere.

use std::path::Path;

use serde_json::Value;

use crate::site::{Site, program, text};

const TEMPLATE: &str = r#"
name = "vault"
drivers = ["process"]

[[outputs]]
name = "greeting"
literal = "hello"

[[files]]
name = "keys"
folder = { volume = "data", path = "made" }

[[files]]
name = "profile-{{ index + 1 }}.json"
count = "1 + 1"
document = '{"n": {{ index }}, "greeting": "{greeting}", "key": "{keys/sub/secret:json}"}'
"#;

const COMPOSE: &str = r#"
services:
  make:
    command: [sh, -c, "mkdir -p $$VOLUME_DATA/made/sub && head -c 16 /dev/urandom | od -An -v -tx1 | tr -d ' \\n' >$$VOLUME_DATA/made/sub/secret"]
    volumes: ["data:/data"]
    x-caviada-job: {}
  stay:
    command: [sleep, "100000"]
    volumes: ["data:/data"]
    depends_on:
      make: {condition: service_completed_successfully}
volumes:
  data:
"#;

/// A pool of one, whose resource has a secret.
fn vaults(site: &Site) {
    let folder = site.path("vault");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("template.toml"), TEMPLATE).unwrap();
    std::fs::write(folder.join("compose.yaml"), COMPOSE).unwrap();
    site.ok(&["template", "put", "vault", &site.typed("vault")]);
    let host = ["host", "set", "here", "--driver", "process"];
    site.ok(&[&host[..], &["--capacity", "resources=4"]].concat());
    site.ok(&["pool", "set", "vaults", "--template", "vault", "--max", "1"]);
}

/// A key of a user.
fn key(site: &Site, owner: &str) -> String {
    let made = site.json(&["key", "add", owner, "--role", "user", "--owner", owner]);
    made["secret"].as_str().unwrap().to_owned()
}

/// What a user's command ends with, and says.
fn says(site: &Site, key: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = program(arguments, &site.path("home"));
    command
        .env("CAVIADA_URL", &site.url)
        .env("CAVIADA_KEY", key);
    let output = command.output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.success(), said)
}

fn acquire(site: &Site, key: &str, folder: &str) -> String {
    let into = format!("dir={}", site.typed(folder));
    let arguments = ["acquire", "vaults", "--wait", "1m", "-o", &into];
    let (done, said) = says(site, key, &arguments);
    assert!(done, "{said}");
    let at = said.find("lease_").unwrap();
    said[at..].split_whitespace().next().unwrap().to_owned()
}

/// Whether any file below a folder has this in it.
fn has(folder: &Path, secret: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What the resource itself keeps on its host.
            if path.file_name().unwrap() != "process" {
                found.extend(has(&path, secret));
            }
        } else if std::fs::read(&path).is_ok_and(|c| c.windows(secret.len()).any(|w| w == secret)) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_holder_takes_his_files_along_and_they_are_kept_nowhere_else() {
    let site = Site::start();
    vaults(&site);
    let ann = key(&site, "ann");
    let lease = acquire(&site, &ann, "net");
    let secret = std::fs::read_to_string(site.path("net/keys/sub/secret")).unwrap();
    assert_eq!(secret.len(), 32, "{secret}");
    for n in 0..2 {
        let name = format!("net/profile-{}.json", n + 1);
        let profile = std::fs::read_to_string(site.path(&name)).unwrap();
        let profile: Value = serde_json::from_str(&profile).unwrap();
        let expected = serde_json::json!({"n": n, "greeting": "hello", "key": secret});
        assert_eq!(profile, expected);
    }

    for list in [["ls"].as_slice(), &["resource", "ls"], &["event", "ls"]] {
        assert!(!site.json(list).to_string().contains(&secret), "{list:?}");
    }
    assert!(!site.log().contains(&secret) && !site.out().contains(&secret));
    assert_eq!(
        has(&site.path("data"), secret.as_bytes()),
        Vec::<String>::new()
    );

    // Another holder, another secret.
    says(&site, &ann, &["release", &lease]);
    acquire(&site, &ann, "next");
    let next = std::fs::read_to_string(site.path("next/keys/sub/secret")).unwrap();
    assert_ne!(next, secret);
}

#[test]
fn files_are_for_the_holder_and_those_he_shares_with_while_he_holds_the_lease() {
    let site = Site::start();
    vaults(&site);
    let (ann, bob) = (key(&site, "ann"), key(&site, "bob"));
    let lease = acquire(&site, &ann, "net");
    let take = |key: &str, folder: &str| {
        let into = format!("dir={}", site.typed(folder));
        says(&site, key, &["wait", &lease, "-o", &into])
    };
    let (done, said) = take(&bob, "bobs");
    assert!(!done && said.contains("unknown"), "{said}");
    let (done, said) = take(crate::site::ADMIN, "admins");
    assert!(!done && said.contains("forbidden"), "{said}");
    let (done, said) = says(&site, &ann, &["share", &lease, "bob"]);
    assert!(done, "{said}");
    let (done, said) = take(&bob, "bobs");
    assert!(done, "{said}");
    assert!(site.path("bobs/keys/sub/secret").exists());

    says(&site, &ann, &["release", &lease]);
    let (done, said) = take(&ann, "after");
    assert!(!done, "{said}");
    let path = format!("/api/v1/leases/{lease}/files");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ann}\r\nconnection: close\r\n\r\n"
    );
    let (status, body) = site.http(&request);
    assert_eq!(status, 409, "{body}");
    assert!(body.contains("lease-ended"), "{body}");
}

#[test]
fn a_folder_with_something_in_it_is_refused_before_anything_is_acquired() {
    let site = Site::start();
    vaults(&site);
    std::fs::create_dir(site.path("old")).unwrap();
    site.file("old/key", "of an earlier lease");
    let into = format!("dir={}", site.typed("old"));
    let said = site.fails(2, &["acquire", "vaults", "-o", &into]);
    assert!(said.contains("is not empty"), "{said}");
    assert_eq!(site.json(&["ls"])["items"], serde_json::json!([]));
    let said = site.fails(2, &["pool", "ls", "-o", &into]);
    assert!(said.contains("acquire or wait"), "{said}");
}
