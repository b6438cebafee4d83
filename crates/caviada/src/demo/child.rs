//! The demo's own server: this very program, started as a child on a temporary directory.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use caviada_api::client::{Client, Options};
use tokio::process::{Child, Command};

/// A start, load of the store included, takes no longer than this.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A clean end takes no longer than this.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// A server and how to reach it.
pub struct Server {
    child: Child,
    data: PathBuf,
    address: SocketAddr,
    key: String,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub async fn start(data: &Path, listen: SocketAddr) -> anyhow::Result<Self> {
        let address = match listen.port() {
            0 => std::net::TcpListener::bind(listen)?.local_addr()?,
            _ => listen,
        };
        let key = secret()?;
        let child = spawn(data, address, &key)?;
        let mut server = Self {
            child,
            data: data.to_owned(),
            address,
            key,
        };
        server.until_ready().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its admin key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A client with the admin key.
    pub fn client(&self) -> anyhow::Result<Client> {
        let options = Options {
            key: Some(self.key.clone()),
            ..Options::new(self.url())
        };
        Ok(Client::new(&options)?)
    }

    /// Kills it as a power cut would, and starts it again on the same data.
    pub async fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("killing the server")?;
        self.child = spawn(&self.data, self.address, &self.key)?;
        self.until_ready().await
    }

    /// Asks it to end, and waits.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|p| i32::try_from(p).ok()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        }
        match tokio::time::timeout(STOPPED_WITHIN, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(_) => bail!("the server did not end cleanly"),
            Err(_) => {
                self.child.kill().await?;
                bail!(
                    "the server did not end within {} s",
                    STOPPED_WITHIN.as_secs()
                )
            }
        }
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let health = Health(self.address);
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once: {status}");
            }
            if health.ready().await {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                bail!(
                    "the server was not ready within {} s",
                    READY_WITHIN.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// `/readyz`, asked over a plain connection.
struct Health(SocketAddr);

impl Health {
    async fn ready(&self) -> bool {
        self.ask().await.unwrap_or(false)
    }

    async fn ask(&self) -> std::io::Result<bool> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(self.0).await?;
        let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0; 12];
        tokio::time::timeout(Duration::from_secs(2), stream.read_exact(&mut head)).await??;
        Ok(head.ends_with(b"200"))
    }
}

fn spawn(data: &Path, address: SocketAddr, key: &str) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("finding this program")?;
    Command::new(program)
        .arg("serve")
        .arg("--listen")
        .arg(address.to_string())
        .arg("--data-dir")
        .arg(data)
        .env("CAVIADA_ADMIN_KEY", key)
        .env("CAVIADA_LOG", "warn")
        .env("CAVIADA_RECONCILER__PROBE", "1s")
        .kill_on_drop(true)
        .spawn()
        .context("starting the server")
}

/// 32 characters nobody can guess.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}
