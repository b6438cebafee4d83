//! Hosts as the server sees them.

use serde_json::Value;

use crate::site::{Site, until};

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
    assert!(facts["memory_bytes"].as_u64().unwrap() > 1 << 20, "{host}");
    assert!(!facts["version"].as_str().unwrap().is_empty(), "{host}");
    // It is seen again and again, which is no change of the host.
    let later = shown(&site, "here", "seen", |h| h["seen_at"] != host["seen_at"]);
    assert!(later["seen_at"].as_str() > host["seen_at"].as_str());
    assert_eq!(later["etag"], host["etag"]);
    assert_eq!(site.json(&["host", "ls"])["items"][0]["facts"], *facts);
    let wide = site.ok(&["host", "ls", "-o", "wide"]);
    assert!(wide.contains(facts["version"].as_str().unwrap()), "{wide}");

    let nowhere = ["--driver", "docker", "--address", "unix:///nowhere.sock"];
    site.ok(&[&["host", "set", "away"], &nowhere[..]].concat());
    let away = shown(&site, "away", "missing", |_| true);
    let why = away["why"].as_str().unwrap();
    assert!(why.contains("there is no such socket"), "{why}");
    assert!(away["seen_at"].is_null() && away["facts"].is_null());
    site.stop();
    site.serve(&[], &quick);
    shown(&site, "here", "seen", |h| h["facts"] == *facts);
}
