//! An engine behind SSH: a daemon of the test's own on loopback, the engine's command line on its
//! far side.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use caviada_driver::docker::{
    Credentials, Docker, DockerAddress, DockerOptions, Material, SshCredential,
};
use caviada_driver::{Condition, Driver, Failure};
use tempfile::TempDir;

use super::Engine;
use crate::contract::{create, get, identity, keep, port, seen, serving};

/// An SSH daemon with one key that may come in; ended when dropped.
struct Sshd {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keygen(file: &Path) {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(file);
    assert!(command.status().unwrap().success());
}

impl Sshd {
    fn start() -> Option<Self> {
        let program = caviada_testbed::sshd()?;
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        for key in ["host", "client", "stranger"] {
            keygen(&at(key));
        }
        std::fs::copy(at("client.pub"), at("authorized")).unwrap();
        let port = port();
        let host_key = std::fs::read_to_string(at("host.pub")).unwrap();
        let other_key = std::fs::read_to_string(at("stranger.pub")).unwrap();
        let known = |key: &str| format!("[127.0.0.1]:{port} {key}");
        std::fs::write(at("known"), known(&host_key)).unwrap();
        std::fs::write(at("impostor"), known(&other_key)).unwrap();
        let text = |name: &str| at(name).display().to_string();
        let options = [
            format!("Port={port}"),
            "ListenAddress=127.0.0.1".to_owned(),
            format!("HostKey={}", text("host")),
            format!("AuthorizedKeysFile={}", text("authorized")),
            format!("PidFile={}", text("pid")),
            "PasswordAuthentication=no".to_owned(),
            "PermitRootLogin=prohibit-password".to_owned(),
            "StrictModes=no".to_owned(),
            "UsePAM=no".to_owned(),
        ];
        // The daemon insists on its separation folder, which only its package's unit makes.
        let _ = std::fs::create_dir_all("/run/sshd");
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f", "/dev/null"]);
        for option in options {
            command.arg("-o").arg(option);
        }
        let log = std::fs::File::create(at("log")).unwrap();
        let child = command.stderr(log).spawn().unwrap();
        let sshd = Self {
            folder,
            port,
            child,
        };
        sshd.wait();
        Some(sshd)
    }

    fn wait(&self) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.file("log")).unwrap_or_default();
            assert!(
                std::time::Instant::now() < deadline,
                "sshd does not listen: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn driver(&self, installation: &str, key: &str, known_hosts: &str) -> Docker {
        let file = |name| Some(Material::File(self.file(name)));
        self.with(installation, file(key), file(known_hosts))
    }

    fn with(
        &self,
        installation: &str,
        key: Option<Material>,
        known_hosts: Option<Material>,
    ) -> Docker {
        let credentials = Credentials {
            ssh: SshCredential { key, known_hosts },
            ..Credentials::default()
        };
        let user = nix::unistd::User::from_uid(nix::unistd::getuid())
            .unwrap()
            .unwrap()
            .name;
        let text = format!("ssh://{user}@127.0.0.1:{}", self.port);
        let address = DockerAddress::parse(&text, credentials).unwrap();
        Docker::new(DockerOptions::new(installation, address))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_behind_ssh_does_everything() {
    let (Some(engine), Some(sshd)) = (Engine::there(), Sshd::start()) else {
        return;
    };
    keep(engine, |engine| Box::pin(behind_ssh(engine, sshd))).await;
}

async fn behind_ssh(engine: &Engine, sshd: Sshd) {
    everything(engine, sshd.driver(&engine.installation, "client", "known")).await;
    // And once more without the files.
    let text = |name| Some(super::text(&Material::File(sshd.file(name))));
    let driver = sshd.with(&engine.installation, text("client"), text("known"));
    for name in ["client", "known"] {
        std::fs::remove_file(sshd.file(name)).unwrap();
    }
    everything(engine, driver).await;
}

async fn everything(engine: &Engine, driver: Docker) {
    let id = identity(engine, 1, 1);
    let built = create(&driver, &id, &serving(engine, port()))
        .await
        .unwrap();
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
    assert_eq!(seen(&driver, &id).await.unwrap().condition, Condition::Up);
    driver.delete(id.resource, 1).await.unwrap();
    assert_eq!(driver.list().await.unwrap(), []);
}

#[tokio::test]
async fn ssh_says_itself_why_it_cannot_come_in() {
    let (Some(engine), Some(sshd)) = (Engine::there(), Sshd::start()) else {
        return;
    };
    for (key, known_hosts, why) in [
        ("stranger", "known", "Permission denied"),
        ("client", "impostor", "Host key verification failed"),
        ("client", "nothing", "Host key verification failed"),
    ] {
        let refused = sshd
            .driver(&engine.installation, key, known_hosts)
            .probe()
            .await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, Failure::Unreachable);
        assert!(refused.to_string().contains(why), "{refused}");
        let text = |name| {
            let file = sshd.file(name);
            file.exists().then(|| super::text(&Material::File(file)))
        };
        let driver = sshd.with(&engine.installation, text(key), text(known_hosts));
        let refused = driver.probe().await.unwrap_err();
        assert_eq!(refused.kind, Failure::Unreachable);
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let locked = Some(Material::Text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----".into(),
    ));
    let driver = sshd.with(&engine.installation, locked, None);
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
