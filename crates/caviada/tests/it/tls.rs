//! TLS of the server itself, and how the command line comes to trust it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use caviada_testbed::Authority;
use nix::sys::signal::Signal;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::site::{ADMIN, Site, text, until};

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

/// A connection to the server, by a client that believes an authority and keeps nothing of earlier
/// ones.
struct Line(StreamOwned<ClientConnection, TcpStream>);

impl Line {
    fn to(site: &Site, authority: &Authority) -> Self {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(authority.file("ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        let address = site.address();
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let name = address.ip().into();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        Self(StreamOwned::new(connection, stream))
    }

    /// Asks whether the server is ready; the certificate it answers under.
    fn ready(&mut self) -> CertificateDer<'static> {
        let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
        self.0.write_all(request).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", text(&answer));
        self.0.conn.peer_certificates().unwrap()[0].clone()
    }
}

#[test]
fn a_renewed_certificate_is_served_without_a_restart_and_connections_live_on() {
    let mut site = Site::new();
    let authority = Authority::new(&site.path("tls"));
    authority.sign_server(Ipv4Addr::LOCALHOST);
    let [certificate, key] = ["server.pem", "server-key.pem"].map(|name| authority.file(name));
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let flags = ["--tls-certificate", certificate, "--tls-key", key];
    site.serve(&flags, &[]);
    let mut old = Line::to(&site, &authority);
    let first = old.ready();

    authority.sign_server(Ipv4Addr::LOCALHOST);
    site.signal(Signal::SIGHUP);
    let second = until("another certificate", || {
        let shown = Line::to(&site, &authority).ready();
        (shown != first).then_some(shown)
    });
    assert_eq!(old.ready(), first);

    // Halfway through a renewal the key is another one's.
    let foreign = Authority::new(&site.path("other"));
    std::fs::copy(foreign.file("client-key.pem"), key).unwrap();
    site.signal(Signal::SIGHUP);
    until("it says so", || {
        site.log().contains("the old one stays").then_some(())
    });
    assert_eq!(Line::to(&site, &authority).ready(), second);
    assert!(site.stop().success());
}
