//! The server under measurement: this very program, started as a child on a temporary directory.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use caviada_api::client::{Client, Options};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::connection::Connection;
use super::usage::Usage;

/// A start, load of a million resources included, takes no longer than this.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// A server of the bench's own. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
    key: String,
    store: Option<String>,
    extra: Extra,
}

/// What a server of the bench has that others have not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extra {
    /// A bare route that answers so many bytes.
    pub bare_bytes: Option<usize>,
    /// Simulated engines in place of all hosts.
    pub simulated: bool,
    /// Between two looks at a host.
    pub probe: Option<Duration>,
}

impl Server {
    /// Starts it on an empty directory, and on `store` if it is not to keep its own.
    pub async fn start(store: Option<&str>) -> anyhow::Result<Self> {
        Self::start_with(store, Extra::default()).await
    }

    /// The same with what only a bench has.
    pub async fn start_with(store: Option<&str>, extra: Extra) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a temporary directory")?;
        // Nobody else takes a port that was free a moment ago.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let key = secret()?;
        let child = spawn(&folder, address, &key, store, extra)?;
        let store = store.map(str::to_owned);
        let mut server = Self {
            child,
            folder,
            address,
            key,
            store,
            extra,
        };
        server.until_ready().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client with the admin key.
    pub fn client(&self) -> anyhow::Result<Client> {
        let options = Options {
            key: Some(self.key.clone()),
            ..Options::new(format!("http://{}", self.address))
        };
        Ok(Client::new(&options)?)
    }

    /// What it has used so far.
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.child.id()?)
    }

    /// Kills it as a power cut would and starts it again on the same data, with a bare route that
    /// answers so many bytes. Says how long it took to be ready.
    pub async fn restart(&mut self, bare_bytes: Option<usize>) -> anyhow::Result<Duration> {
        self.child.kill().await.context("killing the server")?;
        let began = Instant::now();
        let store = self.store.as_deref();
        self.extra.bare_bytes = bare_bytes;
        self.child = spawn(&self.folder, self.address, &self.key, store, self.extra)?;
        self.until_ready().await?;
        Ok(began.elapsed())
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        // Nothing of it is kept.
        self.child.kill().await.context("ending the server")
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once: {status}");
            }
            if ready(self.address).await.unwrap_or(false) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let within = READY_WITHIN.as_secs();
                bail!("the server was not ready within {within} s");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn ready(address: SocketAddr) -> std::io::Result<bool> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut connection = Connection::open(address).await?;
    Ok(connection.ask(request.as_bytes()).await?.status == 200)
}

fn spawn(
    folder: &TempDir,
    address: SocketAddr,
    key: &str,
    store: Option<&str>,
    extra: Extra,
) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("finding this program")?;
    let log = std::fs::File::options()
        .append(true)
        .create(true)
        .open(folder.path().join("log"))?;
    let mut command = Command::new(program);
    // What is set for another server is not meant for this one.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CAVIADA_") {
            command.env_remove(name);
        }
    }
    command
        .arg("serve")
        .args(["--listen", &address.to_string()])
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .env("CAVIADA_ADMIN_KEY", key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true);
    if let Some(store) = store {
        // Its password is nobody's business who lists processes.
        command.env("CAVIADA_STORE", store);
    }
    if let Some(bytes) = extra.bare_bytes {
        command.args(["--bare-route", &bytes.to_string()]);
    }
    if extra.simulated {
        command.arg("--simulated-hosts");
    }
    if let Some(probe) = extra.probe {
        let probe = format!("{}ms", probe.as_millis());
        command.env("CAVIADA_RECONCILER__PROBE", probe);
    }
    command.spawn().context("starting the server")
}

/// 32 characters nobody can guess.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}
