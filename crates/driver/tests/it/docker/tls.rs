//! An engine behind TCP with TLS: both sides prove themselves, and only by the host's own CA.

use std::net::Ipv4Addr;
use std::time::Duration;

use caviada_driver::blueprint::Blueprint;
use caviada_driver::docker::{
    Credentials, Docker, DockerAddress, DockerOptions, Material, PlainTcp, TlsCredential,
};
use caviada_driver::{Condition, Driver, Failure};
use caviada_testbed::Authority;
use tempfile::TempDir;

use super::Engine;
use crate::contract::{create, get, identity, port, seen, serving};

/// What a client of this authority shows.
fn client(authority: &Authority) -> TlsCredential {
    let file = |name| Material::File(authority.file(name));
    TlsCredential {
        ca: file("ca.pem"),
        certificate: file("client.pem"),
        key: file("client-key.pem"),
    }
}

/// The same without its files.
fn texts(credential: &TlsCredential) -> TlsCredential {
    TlsCredential {
        ca: super::text(&credential.ca),
        certificate: super::text(&credential.certificate),
        key: super::text(&credential.key),
    }
}

fn driver(own: &caviada_testbed::Engine, installation: &str, credentials: Credentials) -> Docker {
    let text = format!("tcp://{}:2376", own.address());
    let address = DockerAddress::parse(&text, credentials).unwrap();
    Docker::new(DockerOptions::new(installation, address))
}

fn with_tls(credential: TlsCredential) -> Credentials {
    Credentials {
        tls: Some(credential),
        ..Credentials::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_behind_tls_does_everything_for_those_who_prove_themselves() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(&folder.path().join("own"));
    authority.sign_server(Ipv4Addr::LOCALHOST);
    let flags = authority.engine_flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let Some(mut own) = caviada_testbed::engine(&flags) else {
        return;
    };
    let engine = Engine::own(&own);
    let probe = async |credentials| driver(&own, "tls", credentials).probe().await;

    // The certificate still speaks of another address.
    let refused = probe(with_tls(client(&authority))).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Unreachable);
    assert!(refused.to_string().contains("certificate"), "{refused}");

    authority.sign_server(own.address());
    own.stop();
    own.start();
    let files = client(&authority);
    let texts = texts(&files);
    let plan = serving(&engine, port());
    for credential in [files, texts.clone()] {
        let driver = driver(&own, &engine.installation, with_tls(credential));
        everything(&driver, &engine, &plan).await;
    }
    let far = driver(&own, &engine.installation, with_tls(texts));
    far.delete(identity(&engine, 1, 1).resource, 1)
        .await
        .unwrap();
    assert_eq!(far.list().await.unwrap(), []);

    // Of another authority: the client does not believe the engine, the engine not the client.
    let probe = async |credentials| driver(&own, "tls", credentials).probe().await;
    let other = Authority::new(&folder.path().join("other"));
    let strangers = client(&other);
    let mistaken = TlsCredential {
        ca: Material::File(authority.file("ca.pem")),
        ..strangers.clone()
    };
    for credential in [strangers, mistaken] {
        let refused = probe(with_tls(credential)).await.unwrap_err();
        assert_eq!(refused.kind, Failure::Unreachable, "{refused}");
    }
    let plain = Credentials {
        plain_tcp: PlainTcp::Allow,
        ..Credentials::default()
    };
    assert!(probe(plain).await.is_err());
    let lost = TlsCredential {
        key: Material::File(folder.path().join("no-such-key.pem")),
        ..client(&authority)
    };
    let refused = probe(with_tls(lost)).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused);
    assert!(refused.to_string().contains("no-such-key.pem"), "{refused}");
}

/// But removing it: the next one adopts it.
async fn everything(driver: &Docker, engine: &Engine, plan: &Blueprint) {
    let id = identity(engine, 1, 1);
    let built = create(driver, &id, plan).await.unwrap();
    get(&built.outputs[0].1, "/").await.unwrap();
    let words = ["/caviada-testimage", "job", "--print", "far"].map(str::to_owned);
    let minute = Duration::from_secs(60);
    let ran = driver.exec(&id, "web", &words, minute, 100).await.unwrap();
    assert_eq!((ran.code, &*ran.stdout), (0, &b"far\n"[..]));
    assert!(!driver.logs(&id, "web", 10).await.unwrap().is_empty());
    assert_eq!(seen(driver, &id).await.unwrap().condition, Condition::Up);
}
