//! The server as those start it who run it.

use std::net::Ipv4Addr;

use caviada_testbed::Authority;

use crate::site::{ADMIN, BOARDS, Site, text};

#[test]
fn the_first_start_prints_a_key_once() {
    let mut site = Site::new();
    site.serve(&[], &[]);
    let out = site.out();
    let key = out
        .split_whitespace()
        .find(|word| word.starts_with("caviada_"))
        .unwrap();
    assert_eq!(
        site.json(&["--key", key, "key", "own"])["role"],
        "admin",
        "{out}"
    );
    assert!(!site.log().contains(key), "a key stands in the log");
    assert!(site.stop().success());
    site.serve(&[], &[]);
    assert_eq!(site.out(), "");
    site.ok(&["--key", key, "status"]);
}

#[test]
fn a_server_that_listens_is_ready() {
    let site = Site::start();
    for path in ["/livez", "/readyz"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(site.http(&request), (200, "ok\n".to_owned()));
    }
}

#[test]
fn a_chosen_admin_key_counts_only_while_there_is_none() {
    let mut site = Site::new();
    for bad in ["7_chars", "with-ümlaut", &"x".repeat(257)] {
        let output = site
            .server(&[], &[("CAVIADA_ADMIN_KEY", bad)])
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{bad}");
        assert!(
            said.contains("CAVIADA_ADMIN_KEY must have 8 to 256"),
            "{said}"
        );
        assert!(!said.contains(bad), "{said}");
    }
    site.serve(&[], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
    assert_eq!(site.out(), "");
    site.stop();
    site.serve(&[], &[("CAVIADA_ADMIN_KEY", "another-secret")]);
    site.fails(4, &["--key", "another-secret", "status"]);
    site.ok(&["status"]);
}

#[test]
fn what_was_leased_is_leased_after_a_clean_end_and_after_a_crash() {
    let mut site = Site::start();
    site.load(BOARDS);
    let lease = site.json(&["acquire", "boards"])["id"].clone();
    assert!(site.stop().success());
    site.serve(&[], &[]);
    assert_eq!(site.json(&["ls"])["items"][0]["id"], lease);
    site.crash();
    site.serve(&[], &[]);
    assert_eq!(site.json(&["ls"])["items"][0]["id"], lease);
}

#[test]
fn two_servers_do_not_share_a_directory_or_a_port() {
    let mut site = Site::start();
    let output = site.server(&[], &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("stop it first"), "{said}");

    let other = Site::new();
    let address = site.url.trim_start_matches("http://").to_owned();
    let mut command = other.server(&["--listen", &address], &[]);
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("another address with --listen"), "{said}");
    // Nobody was told a key that he could not use.
    assert_eq!(text(&output.stdout), "");
    site.stop();
}

#[test]
fn a_ledger_on_postgresql_serves_and_is_there_after_a_restart() {
    let Some(postgres) = caviada_testbed::postgres() else {
        return;
    };
    let store = postgres.url();
    let mut site = Site::new();
    let variables = [
        ("CAVIADA_STORE", store.as_str()),
        ("CAVIADA_ADMIN_KEY", ADMIN),
    ];
    site.serve(&[], &variables);
    site.load(BOARDS);
    let lease = site.json(&["acquire", "boards"])["id"].clone();
    site.crash();
    site.serve(&["--store", &store], &[]);
    assert_eq!(site.json(&["ls"])["items"][0]["id"], lease);
    assert!(!site.path("data/ledger.db").exists());
    let ended = site.stop();
    assert!(ended.success(), "{ended}: {}", site.log());
}

#[test]
fn a_ledger_on_postgresql_over_tls_serves_and_an_unbelieved_one_is_refused() {
    let mut site = Site::new();
    let [authority, stranger] = ["own", "other"].map(|name| Authority::new(&site.path(name)));
    authority.sign_server(Ipv4Addr::LOCALHOST);
    let Some(postgres) = caviada_testbed::postgres_over_tls(&authority) else {
        return;
    };
    let store = |of: &Authority| {
        let (url, root) = (postgres.url(), of.file("ca.pem").display().to_string());
        format!("{url}?sslmode=verify-full&sslrootcert={root}")
    };
    let output = site.server(&["--store", &store(&stranger)], &[]).output();
    let output = output.unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("sslrootcert must name the authority"),
        "{said}"
    );
    let variables = [("CAVIADA_ADMIN_KEY", ADMIN)];
    site.serve(&["--store", &store(&authority)], &variables);
    site.load(BOARDS);
    assert!(site.stop().success());
}
