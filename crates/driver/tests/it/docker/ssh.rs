//! An engine behind SSH: a daemon of the test's own on loopback, the engine's command line on its
//! far side.

use std::net::TcpListener;

use caviada_driver::docker::{
    Credentials, Docker, DockerAddress, DockerOptions, Material, SshCredential,
};
use caviada_driver::{Driver, Failure};
use caviada_testbed::Sshd;

use super::Engine;
use crate::contract::{Fixture, keep, story};

/// A driver of the engine behind it, with these of its files.
fn driver(sshd: &Sshd, installation: &str, key: &str, known_hosts: &str) -> Docker {
    let file = |name| Some(Material::File(sshd.file(name)));
    with(sshd, installation, file(key), file(known_hosts))
}

fn with(
    sshd: &Sshd,
    installation: &str,
    key: Option<Material>,
    known_hosts: Option<Material>,
) -> Docker {
    let address = address(sshd, key, known_hosts);
    Docker::new(DockerOptions::new(installation, address))
}

fn address(sshd: &Sshd, key: Option<Material>, known_hosts: Option<Material>) -> DockerAddress {
    let credentials = Credentials {
        ssh: SshCredential { key, known_hosts },
        ..Credentials::default()
    };
    DockerAddress::parse(&sshd.url(), credentials).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_behind_ssh_keeps_the_contract_of_what_stands() {
    let Some(sshd) = caviada_testbed::sshd() else {
        return;
    };
    let by = |key, known_hosts| {
        let engine = Engine::there();
        engine.map(|engine| engine.by(address(&sshd, Some(key), Some(known_hosts))))
    };
    let names = ["client", "known"];
    let [key, known_hosts] = names.map(|name| Material::File(sshd.file(name)));
    let texts = [super::text(&key), super::text(&known_hosts)];
    let Some(by_files) = by(key, known_hosts) else {
        return;
    };
    keep(by_files, |engine| {
        Box::pin(story::what_stands_can_be_looked_into_acted_on_replaced_and_removed(engine))
    })
    .await;
    for name in names {
        std::fs::remove_file(sshd.file(name)).unwrap();
    }
    let [key, known_hosts] = texts;
    let by_texts = by(key, known_hosts).unwrap();
    assert_eq!(by_texts.driver().list().await.unwrap(), []);
}

#[tokio::test]
async fn ssh_says_itself_why_it_cannot_come_in() {
    let (Some(engine), Some(sshd)) = (Engine::there(), caviada_testbed::sshd()) else {
        return;
    };
    for (key, known_hosts, why) in [
        ("stranger", "known", "Permission denied"),
        ("client", "impostor", "Host key verification failed"),
        ("client", "nothing", "Host key verification failed"),
    ] {
        let refused = driver(&sshd, &engine.installation, key, known_hosts);
        let refused = refused.probe().await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, Failure::Unreachable);
        assert!(refused.to_string().contains(why), "{refused}");
        let text = |name| {
            let file = sshd.file(name);
            file.exists().then(|| super::text(&Material::File(file)))
        };
        let driver = with(&sshd, &engine.installation, text(key), text(known_hosts));
        let refused = driver.probe().await.unwrap_err();
        assert_eq!(refused.kind, Failure::Unreachable);
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let locked = Some(Material::Text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----".into(),
    ));
    let driver = with(&sshd, &engine.installation, locked, None);
    assert_eq!(driver.probe().await.unwrap_err().kind, Failure::Refused);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!("ssh://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let address = DockerAddress::parse(&text, Credentials::default()).unwrap();
    let driver = Docker::new(DockerOptions::new("nobody", address));
    let refused = driver.list().await.unwrap_err();
    assert_eq!(refused.kind, Failure::Unreachable);
    assert!(
        refused.to_string().contains("Connection refused"),
        "{refused}"
    );
}
