//! Hosts as the server sees them, and what it keeps to prove to them who it is.

use caviada_api::client::{Client, Options};
use caviada_api::event::{EventQuery, Message};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;

use crate::site::{Site, holds, program, text, until};

/// The host, once it is in this state and `is_so`.
fn shown(site: &Site, name: &str, state: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    until(state, || {
        let host = site.json(&["host", "show", name]);
        (host["state"] == state && is_so(&host)).then_some(host)
    })
}

#[test]
fn a_host_tells_what_it_is_and_when_it_was_last_seen() {
    let mut site = Site::new();
    let quick = [
        ("CAVIADA_ADMIN_KEY", crate::site::ADMIN),
        ("CAVIADA_RECONCILER__PROBE", "200ms"),
    ];
    site.serve(&[], &quick);
    site.ok(&["host", "set", "here", "--driver", "process"]);
    let host = shown(&site, "here", "seen", |h| h["facts"].is_object());
    let facts = &host["facts"];
    assert!(facts["cpus"].as_u64().unwrap() > 0, "{host}");
    let memory = facts["memory_bytes"].as_u64().unwrap();
    let used = facts["memory_used_bytes"].as_u64().unwrap();
    assert!(memory > 1 << 20 && used > 0 && used < memory, "{host}");
    assert!(facts["cpu_used_millicores"].is_u64(), "{host}");
    assert!(!facts["version"].as_str().unwrap().is_empty(), "{host}");
    // It is seen again and again, which is no change of the host.
    let later = shown(&site, "here", "seen", |h| h["seen_at"] != host["seen_at"]);
    assert!(later["seen_at"].as_str() > host["seen_at"].as_str());
    assert_eq!(later["etag"], host["etag"]);
    let listed = &site.json(&["host", "ls"])["items"][0]["facts"];
    assert_eq!(lasting(listed), lasting(facts));
    let wide = site.ok(&["host", "ls", "-o", "wide"]);
    assert!(wide.contains(facts["version"].as_str().unwrap()), "{wide}");

    let nowhere = ["--driver", "docker", "--address", "unix:///nowhere.sock"];
    site.ok(&[&["host", "set", "away"], &nowhere[..]].concat());
    let away = shown(&site, "away", "missing", |_| true);
    let why = away["why"].as_str().unwrap();
    assert!(why.contains("there is no such socket"), "{why}");
    assert!(away["seen_at"].is_null() && away["facts"].is_null());
    let checked = site.run(&["host", "check", "away"]);
    let found = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{found}");
    assert!(found.contains("there is no such socket"), "{found}");
    let refused = site.fails(
        1,
        &[&["host", "set", "new", "--check"], &nowhere[..]].concat(),
    );
    assert!(refused.contains("nothing was declared"), "{refused}");
    site.fails(1, &["host", "show", "new"]);
    site.ok(&[
        "host",
        "check",
        "here",
        "--ports",
        "20000-20009/1",
        "--capacity",
        "resources=2",
    ]);
    site.stop();
    site.serve(&[], &quick);
    let again = shown(&site, "here", "seen", |h| h["facts"].is_object());
    assert_eq!(lasting(&again["facts"]), lasting(facts));
}

/// What a host is, without what is in use there.
fn lasting(facts: &Value) -> [&Value; 3] {
    ["version", "cpus", "memory_bytes"].map(|name| &facts[name])
}

#[test]
fn what_is_in_use_on_a_host_comes_on_the_stream() {
    let mut site = Site::new();
    site.serve(&[], &[("CAVIADA_ADMIN_KEY", crate::site::ADMIN)]);
    let mut options = Options::new(format!("http://{}", site.address()));
    options.key = Some(crate::site::ADMIN.to_owned());
    let client = Client::new(&options).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stream = runtime.block_on(client.watch(EventQuery::default()));
    let mut stream = stream.unwrap();
    site.ok(&["host", "set", "here", "--driver", "process"]);
    let figures = runtime.block_on(async {
        loop {
            if let Message::Host(figures) = stream.next().await.unwrap() {
                break figures;
            }
        }
    });
    assert_eq!(figures.host, "here");
    let (facts, cpus) = (&figures.facts, machine_cpus());
    assert!(
        facts.cpu_used_millicores.unwrap() <= 1_000 * cpus,
        "{facts:?}"
    );
    let used = facts.memory_used_bytes.unwrap();
    assert!(used > 0 && used < facts.memory_bytes, "{facts:?}");
    // None of it is kept: the host was declared and seen, and that is all.
    let told = site.ok(&["event", "ls", "-o", "json"]);
    assert!(told.contains("host.") && !told.contains("used"), "{told}");
}

/// Processors of this machine, however few the test may run on.
fn machine_cpus() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let lines = stat.lines().skip(1);
    lines.take_while(|line| line.starts_with("cpu")).count() as u64
}

/// A certificate and its key, as files.
fn pair(site: &Site) -> (String, String, String) {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec![]).unwrap().self_signed(&key);
    let secret = key.serialize_pem();
    let certificate = site.file("cert.pem", &made.unwrap().pem());
    (certificate, site.file("key.pem", &secret), secret)
}

fn doctor(site: &Site, variables: &[(&str, &str)]) -> String {
    let data = site.typed("data");
    let mut command = program(&["doctor", "--data-dir", &data], &site.path("home"));
    text(
        &command
            .envs(variables.iter().copied())
            .output()
            .unwrap()
            .stdout,
    )
}

#[test]
fn a_credential_lies_sealed_and_another_master_key_harms_only_its_host() {
    let mut site = Site::new();
    let admin = ("CAVIADA_ADMIN_KEY", crate::site::ADMIN);
    site.serve(&[], &[admin, ("CAVIADA_LOG", "debug")]);
    let (certificate, key, secret) = pair(&site);
    let files = [
        ("--tls-ca", &certificate),
        ("--tls-certificate", &certificate),
        ("--tls-key", &key),
    ];
    let flags = files.iter().flat_map(|(flag, file)| [*flag, file]);
    let far = ["host", "set", "far", "--driver", "docker"];
    let set = far
        .into_iter()
        .chain(["--address", "tcp://127.0.0.1:1"])
        .chain(flags);
    let set: Vec<&str> = set.collect();
    let mut said = site.ok(&set);
    site.ok(&["host", "set", "here", "--driver", "process"]);
    // It opened, so the only thing that is wrong is that nobody listens.
    let host = shown(&site, "far", "missing", |_| true);
    let why = host["why"].as_str().unwrap();
    assert!(why.contains("Connection refused"), "{why}");
    assert_eq!(host["credential_stored"], true);
    let found = doctor(&site, &[]);
    assert!(found.contains("Connection refused"), "{found}");
    let backup = site.typed("backup.db");
    site.ok(&["backup", &backup, "--data-dir", &site.typed("data")]);
    said += &(found + &host.to_string() + &site.ok(&["host", "ls", "-o", "json"]));
    said += &site.log();
    site.stop();

    let other = [(
        "CAVIADA_MASTER_KEY",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    )];
    site.serve(&[], &other);
    shown(&site, "here", "seen", |h| h["facts"].is_object());
    let cannot = |h: &Value| {
        h["why"]
            .as_str()
            .is_some_and(|w| w.contains("cannot be opened"))
    };
    shown(&site, "far", "missing", cannot);
    let found = doctor(&site, &other);
    assert!(found.contains("cannot be opened"), "{found}");
    said += &(found + &site.log());

    let hush = secret.lines().nth(1).unwrap();
    assert!(!said.contains(hush), "{said}");
    std::fs::remove_file(&key).unwrap();
    assert!(!holds(&site.path("."), hush));
    // Put again it is sealed under the present key.
    site.file("key.pem", &secret);
    site.ok(&set);
    shown(&site, "far", "missing", |h| !cannot(h));
    let forgotten = site.json(&[
        "host",
        "set",
        "far",
        "--no-credential",
        "--allow-plain-tcp",
        "true",
    ]);
    assert!(forgotten["credential_stored"].is_null());
    let document = "name = \"lab\"\n[[host]]\nname = \"far\"\ndriver = \"docker\"\n\
                    address = \"tcp://127.0.0.1:1\"\ncredential = { ca_file = \"cert.pem\", \
                    certificate_file = \"cert.pem\", key_file = \"key.pem\" }\n";
    let loaded = site.load(document);
    assert!(loaded.contains("credential: as in the file") && !loaded.contains(hush));
    assert_eq!(
        site.json(&["host", "show", "far"])["credential_stored"],
        true
    );
    assert_eq!(site.load(document), "", "the same changes nothing");
}
