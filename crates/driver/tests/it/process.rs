//! The process driver: the contract of all drivers, and what is its own.

mod care;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use caviada_driver::blueprint::{Port, Protocol, Service};
use caviada_driver::process::{ProcessConfig, ProcessDriver};
use caviada_driver::{Driver, Identity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::contract::{self, Fixture};

crate::contract::contract!(Host::there);

/// A host of its own in a temporary folder.
pub struct Host {
    pub root: TempDir,
    pub installation: String,
}

impl Host {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "other hosts may be absent, and the contract asks all alike"
    )]
    pub fn there() -> Option<Self> {
        Some(Self {
            root: tempfile::tempdir().unwrap(),
            installation: contract::installation(),
        })
    }

    pub fn config(&self) -> ProcessConfig {
        let own = env!("CARGO_BIN_EXE_caviada-shim").to_owned();
        ProcessConfig {
            root_dir: self.root.path().to_owned(),
            installation: self.installation.clone(),
            shim: vec![own.clone(), "shim".to_owned()],
            programs: [("sample".to_owned(), vec![own, "sample".to_owned()])].into(),
            address: "127.0.0.1".to_owned(),
        }
    }

    pub fn folder(&self, identity: &Identity) -> PathBuf {
        let name = format!("{}-g{}", identity.resource, identity.generation);
        self.root.path().join(name)
    }

    pub fn home(&self, identity: &Identity, service: &str) -> PathBuf {
        self.folder(identity).join("services").join(service)
    }

    /// What a service's shim says of it.
    pub fn status(&self, identity: &Identity, service: &str) -> Option<Value> {
        status(&self.home(identity, service))
    }
}

pub fn status(home: &Path) -> Option<Value> {
    let text = fs::read(home.join("status.json")).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// The process id under a key of a status.
pub fn pid(status: &Value, key: &str) -> i32 {
    i32::try_from(status[key]["pid"].as_i64().unwrap()).unwrap()
}

#[async_trait]
impl Fixture for Host {
    fn installation(&self) -> &str {
        &self.installation
    }

    fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(ProcessDriver::new(self.config()))
    }

    fn service(&self, name: &str, words: &[&str]) -> Service {
        let program = caviada_testbed::program();
        Service {
            name: name.to_owned(),
            entrypoint: Some(vec![program.to_str().unwrap().to_owned()]),
            command: Some(words.iter().map(|w| (*w).to_owned()).collect()),
            stop_grace_s: 5,
            ..Service::default()
        }
    }

    fn serve(&self, name: &str, host: u16, healthy_after: Duration) -> Service {
        let (port, after) = (host.to_string(), healthy_after.as_millis().to_string());
        let words = ["serve", "--port", &port, "--healthy-after-ms", &after];
        let mut service = self.service(name, &words);
        service.ports.push(Port {
            container: 8080,
            host,
            protocol: Protocol::Tcp,
        });
        service
    }

    async fn kill(&self, identity: &Identity, service: &str) {
        let status = self.status(identity, service).unwrap();
        let process = Pid::from_raw(pid(&status, "process"));
        kill(process, Signal::SIGKILL).unwrap();
    }

    async fn members(&self, identity: &Identity) -> Vec<String> {
        let Ok(services) = fs::read_dir(self.folder(identity).join("services")) else {
            return Vec::new();
        };
        let member = |entry: fs::DirEntry| {
            let shim = &status(&entry.path())?["shim"];
            Some(format!("{:?}: {shim}", entry.file_name()))
        };
        let mut members: Vec<_> = services.flatten().filter_map(member).collect();
        members.sort();
        members
    }

    async fn plant(&self, identity: &Identity) -> Vec<String> {
        let unlabelled = self.folder(identity);
        fs::create_dir_all(unlabelled.join("services/web")).unwrap();
        let other = Identity {
            installation: "another".to_owned(),
            generation: identity.generation + 1,
            ..identity.clone()
        };
        let foreign = Host {
            root: tempfile::tempdir().unwrap(),
            installation: "another".to_owned(),
        };
        let blueprint = contract::serving(&foreign, contract::port());
        let driver = foreign.driver();
        contract::create(&*driver, &other, &blueprint)
            .await
            .unwrap();
        let labelled = self.folder(&other);
        fs::create_dir_all(&labelled).unwrap();
        let record = fs::read(foreign.folder(&other).join("resource.json")).unwrap();
        fs::write(labelled.join("resource.json"), record).unwrap();
        driver.delete(other.resource, u64::MAX).await.unwrap();
        [unlabelled, labelled]
            .map(|p| p.to_str().unwrap().to_owned())
            .to_vec()
    }

    async fn standing(&self, planted: &[String]) -> Vec<String> {
        let there = |path: &&String| fs::read_dir(path).is_ok_and(|mut d| d.next().is_some());
        planted.iter().filter(there).cloned().collect()
    }

    async fn uproot(&self, planted: &[String]) {
        for path in planted {
            fs::remove_dir_all(path).unwrap();
        }
    }
}
