//! TLS of the server itself, and how the command line comes to trust it.

use crate::site::{ADMIN, Site, text};

#[test]
fn a_made_certificate_serves_those_who_are_told_of_it() {
    let mut site = Site::new();
    let variables = [("CAVIADA_ADMIN_KEY", ADMIN)];
    site.serve(&["--tls-self-signed"], &variables);
    assert!(site.url.starts_with("https://127.0.0.1:"), "{}", site.url);
    let said = site.fails(1, &["status"]);
    assert!(said.contains("trust the server's certificate"), "{said}");
    assert!(said.contains("--ca FILE or CAVIADA_CA"), "{said}");

    let certificate = site.typed("data/self-signed.pem");
    assert!(site.log().contains(&format!("--ca {certificate}")));
    site.ok(&["--ca", &certificate, "status"]);
    // It is the same one after the next start.
    assert!(site.stop().success());
    site.serve(&["--tls-self-signed"], &variables);
    let mut status = site.command(&["status"]);
    let output = status.env("CAVIADA_CA", &certificate).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));

    // Whoever signed in so need not say it again.
    site.ok(&["login", &site.url, "--ca", &certificate]);
    let mut status = site.command(&["status"]);
    status.env_remove("CAVIADA_URL").env_remove("CAVIADA_KEY");
    let output = status.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let plain = site.url.replace("https", "http");
    site.fails(1, &["--url", &plain, "status"]);
}

#[test]
fn a_certificate_of_ones_own_is_used() {
    let mut site = Site::new();
    let variables = [("CAVIADA_ADMIN_KEY", ADMIN)];
    site.serve(&["--tls-self-signed"], &variables);
    site.stop();
    for (from, to) in [
        ("data/self-signed.pem", "own.pem"),
        ("data/self-signed.key", "own.key"),
    ] {
        std::fs::rename(site.path(from), site.path(to)).unwrap();
    }
    let (certificate, key) = (site.typed("own.pem"), site.typed("own.key"));
    let file = format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
    let file = site.file("caviada.toml", &file);
    site.serve(&["--config", &file], &[]);
    site.ok(&["--ca", &certificate, "status"]);
    assert!(!site.path("data/self-signed.pem").exists());
}
