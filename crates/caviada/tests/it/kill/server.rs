//! The server under test: the real program on a directory that outlives it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::wire::{Request, Wire};

/// A start takes no longer.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// From the first sign of its end to its end.
const ENDS_WITHIN: Duration = Duration::from_secs(10);
/// Secret of the admin key.
pub const ADMIN: &str = "kill-harness-admin";

/// Where a server is and what it runs on; the process comes and goes.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

/// At which point the server is to end itself, and when it passes there for which time.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub name: &'static str,
    pub pass: u64,
}

impl Server {
    pub fn new(program: PathBuf, folder: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self {
            program,
            folder: folder.to_owned(),
            address: listener.local_addr().unwrap(),
            child: None,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it.
    pub fn spawn(&mut self, point: Option<Point>) {
        assert!(self.child.is_none(), "it runs");
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.folder.join("server.txt"))
            .unwrap();
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .args(["--listen", &self.address.to_string()])
            .arg("--data-dir")
            .arg(self.folder.join("data"))
            .env("CAVIADA_ADMIN_KEY", ADMIN)
            .env("CAVIADA_LOG", "warn")
            .env("CAVIADA_RECONCILER__PROBE", "1s")
            .env_remove("CAVIADA_KILL_POINT")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command.env("CAVIADA_RECONCILER__ORPHAN_GRACE", "2s");
        if let Some(Point { name, pass }) = point {
            command.env("CAVIADA_KILL_POINT", format!("{name}:{pass}"));
        }
        self.child = Some(command.spawn().unwrap());
    }

    /// Starts it and waits until it is ready. False if it ended before, at its point.
    pub fn start(&mut self, point: Option<Point>) -> bool {
        self.spawn(point);
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready() {
            if self.has_ended() {
                assert!(
                    point.is_some(),
                    "the server ended by itself; {}",
                    self.said()
                );
                self.child = None;
                return false;
            }
            assert!(Instant::now() < deadline, "not ready; {}", self.said());
            std::thread::sleep(Duration::from_millis(3));
        }
        true
    }

    fn is_ready(&self) -> bool {
        let mut wire = Wire::new(self.address, ADMIN);
        let request = Request::get("/readyz");
        matches!(wire.call(&request), Ok((200, _)))
    }

    /// The process is gone by itself.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// Whether it is about to end by itself: its connections break a moment before.
    pub fn ends(&mut self) -> bool {
        let deadline = Instant::now() + ENDS_WITHIN;
        while !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.has_ended()
    }

    /// Kills it as a power cut would. True if it had ended itself before.
    pub fn kill(&mut self) -> bool {
        let ended = self.has_ended();
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        ended
    }

    /// What it wrote to its log, the end of it.
    fn said(&self) -> String {
        let said = std::fs::read_to_string(self.folder.join("server.txt")).unwrap_or_default();
        let from = said.len().saturating_sub(2_000);
        said.get(from..).unwrap_or(&said).to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
