//! A host behind TLS whose credential lies in the store.

use std::net::Ipv4Addr;

use caviada_testbed::Authority;
use serde_json::Value;

use crate::site::{ADMIN, Site, until};

#[test]
fn a_changed_credential_opens_the_host_at_the_next_look_and_needs_no_files() {
    let mut site = Site::new();
    let authority = Authority::new(&site.path("own"));
    authority.sign_server(Ipv4Addr::LOCALHOST);
    let flags = authority.engine_flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let Some(mut engine) = caviada_testbed::engine(&flags) else {
        return;
    };
    authority.sign_server(engine.address());
    engine.stop();
    engine.start();
    let stranger = Authority::new(&site.path("other"));
    let probe = ("CAVIADA_RECONCILER__PROBE", "200ms");
    site.serve(&[], &[("CAVIADA_ADMIN_KEY", ADMIN), probe]);

    let address = format!("tcp://{}:2376", engine.address());
    let set = |ca: &Authority| {
        let typed = |file: std::path::PathBuf| file.display().to_string();
        site.ok(&[
            "host",
            "set",
            "far",
            "--driver",
            "docker",
            "--address",
            &address,
            "--tls-ca",
            &typed(ca.file("ca.pem")),
            "--tls-certificate",
            &typed(authority.file("client.pem")),
            "--tls-key",
            &typed(authority.file("client-key.pem")),
        ]);
    };
    let shown = |site: &Site, is_so: &dyn Fn(&Value) -> bool| {
        until("the host is so", || {
            let host = site.json(&["host", "show", "far"]);
            is_so(&host).then_some(host)
        })
    };
    set(&stranger);
    let missing = shown(&site, &|h| h["state"] == "missing");
    let why = missing["why"].as_str().unwrap();
    assert!(why.contains("certificate"), "{why}");
    set(&authority);
    let seen = shown(&site, &|h| h["state"] == "seen" && h["facts"].is_object());
    assert_eq!(seen["why"], Value::Null);
    assert_eq!(seen["credential_stored"], true);
    for folder in ["own", "other"] {
        std::fs::remove_dir_all(site.path(folder)).unwrap();
    }
    site.stop();
    site.serve(&[], &[probe]);
    shown(&site, &|h| {
        h["facts"] == seen["facts"] && !h["seen_at"].is_null()
    });
}
