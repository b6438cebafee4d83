//! The real program as a server on loopback, with a process host; it can be killed and started
//! again on what it left.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use caviada_api::client::{Client, Options};
use caviada_api::event::{Event, EventQuery};
use caviada_api::host::{DriverName, HostSpec};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{Resource, ResourceQuery, ResourceState};
use caviada_api::template::TemplateSpec;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ADMIN: &str = "test-admin-secret";
/// What takes longer hangs.
const WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks at a host in these tests.
pub const PROBE_MS: u64 = 1_000;

/// A server, and all it keeps.
pub struct Server {
    address: SocketAddr,
    child: Option<Child>,
    variables: Vec<(&'static str, String)>,
    dir: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Self {
        Self::with(vec![])
    }

    /// With further variables in its environment.
    pub fn with(variables: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            child: None,
            variables,
            dir: tempfile::tempdir().unwrap(),
        };
        drop(listener);
        server.run();
        server
    }

    /// Starts the process and waits until it is ready.
    pub fn run(&mut self) {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_caviada"))
            .arg("serve")
            .args(["--listen", &self.address.to_string()])
            .arg("--data-dir")
            .arg(self.dir.path().join("data"))
            .env("CAVIADA_RECONCILER__PROBE", format!("{PROBE_MS}ms"))
            .env("CAVIADA_ADMIN_KEY", ADMIN)
            .env("CAVIADA_LOG", "info")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
        let deadline = Instant::now() + WITHIN;
        while !self.is_ready() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn is_ready(&self) -> bool {
        use std::io::{Read, Write};
        let ask = || {
            let mut stream = TcpStream::connect(self.address)?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
            let mut head = [0; 12];
            stream.read_exact(&mut head)?;
            std::io::Result::Ok(head.ends_with(b"200"))
        };
        ask().unwrap_or(false)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn admin(&self) -> Client {
        let mut options = Options::new(self.url());
        options.key = Some(ADMIN.to_owned());
        Client::new(&options).unwrap()
    }

    /// A host of processes, and a template that runs `script` in a shell there.
    pub async fn built(&self, pool: &str, script: &str, spec: PoolSpec) {
        self.declared(pool, &[("main", script, false)], spec).await;
    }

    /// The same behind a job that must end first.
    pub async fn gated(&self, pool: &str, job: &str, spec: PoolSpec) {
        let main = "while :; do sleep 1; done";
        let services = [("gate", job, true), ("main", main, false)];
        self.declared(pool, &services, spec).await;
    }

    async fn declared(&self, pool: &str, services: &[(&str, &str, bool)], spec: PoolSpec) {
        let admin = self.admin();
        let service = |(name, script, job): &(&str, &str, bool)| {
            let mut service = serde_json::json!({
                "image": "none",
                "x-caviada-process": {"program": "/bin/sh", "args": ["-c", script]},
            });
            if *job {
                service["x-caviada-job"] = serde_json::json!({});
            } else if services.len() > 1 {
                let gate = serde_json::json!({"condition": "service_completed_successfully"});
                service["depends_on"] = serde_json::json!({"gate": gate});
            }
            ((*name).to_owned(), service)
        };
        let services: serde_json::Map<_, _> = services.iter().map(service).collect();
        let compose = serde_json::json!({"services": services});
        let files = [
            (
                "template.toml",
                format!("name = \"{pool}\"\ndrivers = [\"process\"]\n"),
            ),
            ("compose.yaml", compose.to_string()),
        ];
        let template = TemplateSpec {
            files: files.map(|(path, text)| (path.to_owned(), text)).into(),
            declared_in: None,
        };
        admin.put_template(pool, &template, None).await.unwrap();
        let host = HostSpec::new(DriverName::Process);
        admin.put_host("here", &host, None).await.unwrap();
        let spec = PoolSpec {
            template: Some(pool.to_owned()),
            ..spec
        };
        admin.put_pool(pool, &spec, None).await.unwrap();
    }

    /// Members of a pool in a state.
    pub async fn members(&self, pool: &str, state: ResourceState) -> Vec<Resource> {
        let query = ResourceQuery {
            pool: Some(pool.to_owned()),
            ..ResourceQuery::default()
        };
        let mut all = self.admin().resources(&query).await.unwrap().items;
        all.retain(|r| r.state == state);
        all
    }

    /// Waits until so many members are offered.
    pub async fn warm(&self, pool: &str, many: u64) {
        let admin = self.admin();
        self.until(&format!("{many} offered"), async || {
            admin.pool(pool).await.unwrap().counts.offerable >= many
        })
        .await;
    }

    /// Waits for a condition that comes from outside of this test.
    pub async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + WITHIN;
        while !is_so().await {
            assert!(Instant::now() < deadline, "{what}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every event there is, oldest first.
    pub async fn events(&self) -> Vec<Event> {
        let mut query = EventQuery {
            after: Some("0".into()),
            limit: Some(1_000),
            ..EventQuery::default()
        };
        let mut events = Vec::new();
        loop {
            let page = self.admin().events(&query).await.unwrap();
            events.extend(page.items);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return events;
            }
        }
    }

    /// Kills what a resource runs, behind the server's back.
    pub fn murder(&self, resource: &Resource) {
        let name = format!("{}-g{}", resource.id, resource.generation);
        let folder = self.dir.path().join("data/process").join(name);
        let pid = pids(&folder.join("services/main/status.json"))["process"]["pid"].as_i64();
        let pid = i32::try_from(pid.unwrap()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
}

fn pids(status: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(status).unwrap()).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        end_processes(&self.dir.path().join("data"));
    }
}

/// What a process host built outlives the server: shims and processes go by their ids.
pub fn end_processes(data: &Path) {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|e| e.path()).collect()
    };
    for resource in folders(&data.join("process")) {
        for service in folders(&resource.join("services")) {
            let Ok(text) = std::fs::read(service.join("status.json")) else {
                continue;
            };
            let status: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            for who in ["shim", "process"] {
                let pid = status[who]["pid"].as_i64();
                if let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()) {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
        }
    }
}
