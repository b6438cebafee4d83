//! An engine behind TCP with TLS: both sides prove themselves, and only by the host's own CA.

use std::net::Ipv4Addr;

use caviada_driver::docker::{
    Credentials, Docker, DockerAddress, DockerOptions, Material, PlainTcp, TlsCredential,
};
use caviada_driver::{Driver, DriverError, Failure, HostFacts};
use caviada_testbed::Authority;
use tempfile::TempDir;

use super::Engine;
use crate::contract::{keep, story};

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

fn address(own: &caviada_testbed::Engine, credentials: Credentials) -> DockerAddress {
    let text = format!("tcp://{}:2376", own.address());
    DockerAddress::parse(&text, credentials).unwrap()
}

fn with_tls(credential: TlsCredential) -> Credentials {
    Credentials {
        tls: Some(credential),
        ..Credentials::default()
    }
}

async fn probe(
    own: &caviada_testbed::Engine,
    credentials: Credentials,
) -> Result<HostFacts, DriverError> {
    let options = DockerOptions::new("tls", address(own, credentials));
    Docker::new(options).probe().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_behind_tls_keeps_the_stories_of_the_contract_for_those_who_prove_themselves() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(&folder.path().join("own"));
    authority.sign_server(Ipv4Addr::LOCALHOST);
    let flags = authority.engine_flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let Some(mut own) = caviada_testbed::engine(&flags) else {
        return;
    };
    // The certificate still speaks of another address.
    let refused = probe(&own, with_tls(client(&authority))).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Unreachable);
    assert!(refused.to_string().contains("certificate"), "{refused}");

    authority.sign_server(own.address());
    own.stop();
    own.start();
    let files = client(&authority);
    let by = |credential| Engine::own(&own).by(address(&own, with_tls(credential)));
    let by_texts = by(texts(&files));
    keep(by(files), |engine| {
        Box::pin(story::what_stands_can_be_looked_into_acted_on_replaced_and_removed(engine))
    })
    .await;
    keep(by_texts, |engine| {
        Box::pin(story::what_was_cut_off_is_finished_in_order_and_a_killed_member_is_named(engine))
    })
    .await;

    // Of another authority: the client does not believe the engine, the engine not the client.
    let other = Authority::new(&folder.path().join("other"));
    let strangers = client(&other);
    let mistaken = TlsCredential {
        ca: Material::File(authority.file("ca.pem")),
        ..strangers.clone()
    };
    for credential in [strangers, mistaken] {
        let refused = probe(&own, with_tls(credential)).await.unwrap_err();
        assert_eq!(refused.kind, Failure::Unreachable, "{refused}");
    }
    let plain = Credentials {
        plain_tcp: PlainTcp::Allow,
        ..Credentials::default()
    };
    assert!(probe(&own, plain).await.is_err());
    let lost = TlsCredential {
        key: Material::File(folder.path().join("no-such-key.pem")),
        ..client(&authority)
    };
    let refused = probe(&own, with_tls(lost)).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused);
    assert!(refused.to_string().contains("no-such-key.pem"), "{refused}");
}
