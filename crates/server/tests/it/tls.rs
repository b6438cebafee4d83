//! TLS of the server itself.

use std::num::NonZeroU32;

use caviada_api::client::{Client, Options as ClientOptions};
use caviada_api::problem::code;
use caviada_server::http::{Options, tls};

use crate::site::{ADMIN, Site};

fn client(site: &Site, ca_pem: Option<&str>) -> Client {
    let mut options = ClientOptions::new(&site.url);
    options.key = Some(ADMIN.to_owned());
    options.ca_pem = ca_pem.map(|pem| pem.as_bytes().to_vec());
    options.tries_max = 1;
    Client::new(&options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_made_at_the_start_serves_those_who_trust_it() {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let folder = tempfile::tempdir().unwrap();
    let (files, file) = tls::self_signed(&names, folder.path()).unwrap();
    let pem = std::fs::read_to_string(file).unwrap();
    let site = Site::over(Options::default(), Some(files.config().unwrap())).await;
    assert!(client(&site, None).own_key().await.is_err());
    let own = client(&site, Some(&pem)).own_key().await.unwrap();
    assert_eq!(own.name, "admin");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_ones_own_is_read_from_files() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let files = tls::Files::open(&certificate, &key).unwrap();
    let site = Site::over(Options::default(), Some(files.config().unwrap())).await;
    client(&site, Some(&made.cert.pem()))
        .own_key()
        .await
        .unwrap();

    let missing = tls::Files::open(&dir.path().join("no.pem"), &key).unwrap_err();
    assert!(missing.to_string().contains("no.pem"), "{missing}");
    let crossed = tls::Files::open(&key, &certificate).unwrap_err();
    assert!(crossed.to_string().contains("k.pem"), "{crossed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_over_its_rate_is_slowed_down() {
    let options = Options {
        requests_per_s: NonZeroU32::new(5),
        ..Options::default()
    };
    let site = Site::with(options).await;
    let admin = site.admin();
    let mut refused = None;
    for _ in 0..100 {
        if let Err(error) = admin.own_key().await {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(refused.unwrap().code(), Some(code::TOO_MANY_REQUESTS));
}

#[test]
fn a_made_certificate_is_kept_for_its_names() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str| {
        let (_, file) = tls::self_signed(&[name.to_owned()], folder.path()).unwrap();
        std::fs::read_to_string(file).unwrap()
    };
    let first = made("a.test");
    assert_eq!(made("a.test"), first);
    let other = made("b.test");
    assert_ne!(other, first);
    assert_eq!(made("b.test"), other);
    let key = folder.path().join("self-signed.key");
    let mode = std::fs::metadata(key).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
