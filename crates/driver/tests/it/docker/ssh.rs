//! An engine behind SSH: a daemon of the test's own on loopback, the engine's command line on its
//! far side.

use std::net::TcpListener;
use std::time::Duration;

use caviada_driver::blueprint::Blueprint;
use caviada_driver::docker::{
    Credentials, Docker, DockerAddress, DockerOptions, Material, SshCredential,
};
use caviada_driver::{Condition, Driver, Failure};
use caviada_testbed::Sshd;

use super::Engine;
use crate::contract::{create, get, identity, keep, port, seen, serving};

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
    let credentials = Credentials {
        ssh: SshCredential { key, known_hosts },
        ..Credentials::default()
    };
    let address = DockerAddress::parse(&sshd.url(), credentials).unwrap();
    Docker::new(DockerOptions::new(installation, address))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_behind_ssh_does_everything() {
    let (Some(engine), Some(sshd)) = (Engine::there(), caviada_testbed::sshd()) else {
        return;
    };
    keep(engine, |engine| Box::pin(behind_ssh(engine, sshd))).await;
}

async fn behind_ssh(engine: &Engine, sshd: Sshd) {
    let plan = serving(engine, port());
    let by_files = driver(&sshd, &engine.installation, "client", "known");
    everything(engine, &by_files, &plan).await;
    // And once more without the files.
    let text = |name| Some(super::text(&Material::File(sshd.file(name))));
    let driver = with(&sshd, &engine.installation, text("client"), text("known"));
    for name in ["client", "known"] {
        std::fs::remove_file(sshd.file(name)).unwrap();
    }
    everything(engine, &driver, &plan).await;
    driver
        .delete(identity(engine, 1, 1).resource, 1)
        .await
        .unwrap();
    assert_eq!(driver.list().await.unwrap(), []);
}

/// But removing it: the next one adopts it.
async fn everything(engine: &Engine, driver: &Docker, plan: &Blueprint) {
    let id = identity(engine, 1, 1);
    let built = create(driver, &id, plan).await.unwrap();
    assert!(built.outputs[0].1.starts_with("127.0.0.1:"), "{built:?}");
    get(&built.outputs[0].1, "/").await.unwrap();
    let words = ["/caviada-testimage", "job", "--print", "far"].map(str::to_owned);
    let minute = Duration::from_secs(60);
    let ran = driver.exec(&id, "web", &words, minute, 100).await.unwrap();
    assert_eq!((ran.code, &*ran.stdout), (0, &b"far\n"[..]));
    assert!(!driver.logs(&id, "web", 10).await.unwrap().is_empty());
    assert!(
        !driver
            .get_files(&id, "web", "/etc/passwd", 1 << 20)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(seen(driver, &id).await.unwrap().condition, Condition::Up);
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
