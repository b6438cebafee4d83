//! The real server on a directory that outlives it, and the real program as its client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Secret of the first admin key, unless a test sees to it otherwise.
pub const ADMIN: &str = "an-admin-secret";
/// Nothing that is waited for takes longer, however loaded the machine is.
const WITHIN: Duration = Duration::from_secs(60);

/// The program with nothing of the tester's own environment.
pub fn program(arguments: &[&str], home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_caviada"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CAVIADA_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until something is there.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A folder with all a server keeps, and the server while it runs.
pub struct Site {
    folder: tempfile::TempDir,
    child: Option<Child>,
    /// Where it listens.
    pub url: String,
}

impl Site {
    /// No server yet.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            child: None,
            url: String::new(),
        }
    }

    /// A server with [`ADMIN`].
    pub fn start() -> Self {
        let mut site = Self::new();
        site.serve(&[], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
        site
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the folder, to be typed.
    pub fn typed(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A file in the folder; its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.typed(name)
    }

    /// The command that would serve here.
    pub fn server(&self, flags: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = program(&["serve", "--data-dir"], &self.path("home"));
        command
            .arg(self.path("data"))
            .args(flags)
            .env("CAVIADA_LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied());
        command
    }

    /// Serves until [`Self::stop`] or the end; ready when this returns.
    pub fn serve(&mut self, flags: &[&str], variables: &[(&str, &str)]) {
        assert!(self.child.is_none(), "it runs");
        let create = |name: &str| std::fs::File::create(self.path(name)).unwrap();
        let mut command = self.server(flags, variables);
        command.stdout(create("out.txt")).stderr(create("log.txt"));
        let mut child = command.spawn().unwrap();
        let found = until("the server listens", || {
            let log = self.log();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended: {status}\n{log}");
            }
            let (_, rest) = log.split_once("listening on ")?;
            Some(rest.split(['"', '\n']).next()?.to_owned())
        });
        self.url = found;
        self.child = Some(child);
    }

    /// SIGTERM; how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM)
    }

    /// SIGKILL, as a crash would.
    pub fn crash(&mut self) {
        self.signal(Signal::SIGKILL);
    }

    fn signal(&mut self, signal: Signal) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        kill(pid, signal).unwrap();
        until("the server ends", || child.try_wait().unwrap())
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log.txt")).unwrap_or_default()
    }

    /// What the server printed.
    pub fn out(&self) -> String {
        std::fs::read_to_string(self.path("out.txt")).unwrap_or_default()
    }

    /// A client command of the admin.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments, &self.path("home"));
        command
            .env("CAVIADA_URL", &self.url)
            .env("CAVIADA_KEY", ADMIN);
        command
    }

    /// Runs a client command of the admin.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs one that must succeed; what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        text(&output.stdout)
    }

    /// Runs one that must succeed and answers with JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Runs one that must fail so; what it said.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    /// One request as it is written; status and body of its answer.
    pub fn http(&self, request: &str) -> (u16, String) {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Loads a document.
    pub fn load(&self, document: &str) -> String {
        let file = self.file("load.toml", document);
        self.ok(&["load", &file])
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        crate::server::end_processes(&self.path("data"));
    }
}

/// Two boards.
pub const BOARDS: &str = r#"
name = "lab"
[[pool]]
name = "boards"
lease = { ttl = "10m", ttl_max = "1h", wait_max = "10m" }
[[resource]]
pool = "boards"
names = ["b1", "b2"]
attributes = { cores = 4 }
endpoints = { ssh = "ssh://{name}.lab:22" }
"#;
