//! Hosts behind TLS and SSH whose credentials lie in the store.

use std::fs::Permissions;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt as _, chown};

use caviada_testbed::Authority;
use serde_json::Value;

use crate::site::{ADMIN, QUICK, Site, shipped, until};

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

/// An account that may do nothing, and its group.
const NOBODY: u32 = 65_534;

#[test]
fn a_server_with_capabilities_by_its_file_gives_ssh_the_stored_key() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    open(folder.path(), 0o755);
    let (Some(_), Some(sshd), Some(capable)) = (
        caviada_testbed::image(),
        caviada_testbed::sshd(),
        caviada_testbed::capable(shipped(), folder.path()),
    ) else {
        return;
    };
    let script = folder.path().join("as-nobody");
    let text = format!(
        "#!/bin/sh\nexec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups {} \"$@\"\n",
        capable.display()
    );
    std::fs::write(&script, text).unwrap();
    open(&script, 0o755);
    let mut site = Site::of(&script);
    chown(site.folder(), Some(NOBODY), Some(NOBODY)).unwrap();
    site.serve(&[], &QUICK);
    let typed = |name: &str| sshd.file(name).display().to_string();
    let (key, known, url) = (typed("client"), typed("known"), sshd.url());
    let set = [
        "host",
        "set",
        "far",
        "--driver",
        "docker",
        "--address",
        &url,
    ];
    let files = ["--ssh-key", &key, "--ssh-known-hosts", &known];
    site.ok(&[&set[..], &files].concat());
    until("the host is seen", || {
        let host = site.json(&["host", "show", "far"]);
        let why = host["why"].as_str().unwrap_or_default();
        assert!(!why.contains("Permission denied"), "{why}");
        (host["state"] == "seen").then_some(())
    });
}
