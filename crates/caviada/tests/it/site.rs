//! The real server on a directory that outlives it, and the real program as its client. The server
//! can be stopped, killed, and started again on what it left.

mod pool;

use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Secret of the first admin key, unless a test sees to it otherwise.
pub const ADMIN: &str = "an-admin-secret";
/// Nothing that is waited for takes longer, however loaded the machine is.
const WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks at a host of a [quick](QUICK) server.
pub const PROBE_MS: u64 = 1_000;
/// Variables of a server that looks at its hosts often, so that nobody waits long. Its second good look
/// removes what its first one took for an orphan.
pub const QUICK: [(&str, &str); 4] = [
    ("CAVIADA_ADMIN_KEY", ADMIN),
    ("CAVIADA_RECONCILER__PROBE", "1s"),
    ("CAVIADA_RECONCILER__ORPHAN_GRACE", "1s"),
    ("CAVIADA_LOG", "info,caviada::access=warn"),
];

/// The program with nothing of the tester's own environment.
pub fn program(arguments: &[&str], home: &Path) -> Command {
    let mut command = clean(shipped(), home);
    command.args(arguments);
    command
}

fn clean(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CAVIADA_") {
            command.env_remove(name);
        }
    }
    command
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("NO_COLOR")
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
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Does a file below this folder hold the text?
pub fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|w| w == text.as_bytes())
    })
}

/// The program that ships.
pub fn shipped() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_caviada"))
}

/// A folder with all a server keeps, and the server while it runs.
pub struct Site {
    /// What serves.
    program: PathBuf,
    folder: TempDir,
    child: Option<Child>,
    /// How long the log was when the server was started, in bytes.
    begun: u64,
    /// Where it is told to listen.
    listen: String,
    /// Where it listens.
    pub url: String,
}

impl Site {
    /// No server yet.
    pub fn new() -> Self {
        Self::of(shipped())
    }

    /// The same, of another build.
    pub fn of(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            folder: tempfile::tempdir().unwrap(),
            child: None,
            begun: 0,
            listen: "127.0.0.1:0".to_owned(),
            url: String::new(),
        }
    }

    /// A server with [`ADMIN`].
    pub fn start() -> Self {
        let mut site = Self::new();
        site.serve(&[], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
        site
    }

    /// A server that comes back under the same address, and looks [often](QUICK).
    pub fn quick() -> Self {
        let mut site = Self::new();
        site.serve(&[], &QUICK);
        site.stay();
        site
    }

    /// From now on it listens where it does now.
    pub fn stay(&mut self) {
        self.listen = self.address().to_string();
    }

    pub fn address(&self) -> SocketAddr {
        let (_, address) = self.url.split_once("://").unwrap();
        address.parse().unwrap()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the folder where it is, to be looked at.
    pub fn keep(&mut self) {
        self.folder.disable_cleanup(true);
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
        let mut command = clean(&self.program, &self.path("home"));
        command
            .args(["serve", "--data-dir"])
            .arg(self.path("data"))
            .args(flags)
            .env("CAVIADA_LISTEN", &self.listen)
            .envs(variables.iter().copied());
        command
    }

    /// Starts the process and does not wait for it.
    pub fn spawn(&mut self, flags: &[&str], variables: &[(&str, &str)]) {
        assert!(self.child.is_none(), "it runs");
        let mut log = std::fs::File::options();
        let log = log.append(true).create(true).open(self.path("log.txt"));
        let out = std::fs::File::create(self.path("out.txt")).unwrap();
        let log = log.unwrap();
        self.begun = log.metadata().unwrap().len();
        let mut command = self.server(flags, variables);
        command.stdout(out).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// Waits until it is ready. False if it ended before.
    pub fn listens(&mut self) -> bool {
        let url = until("the server listens", || {
            let ended = self.has_ended();
            let log = self.log();
            let found = log.split_once("listening on ");
            match found.and_then(|(_, rest)| rest.split(['"', '\n']).next()) {
                _ if ended => Some(None),
                Some(url) => Some(Some(url.to_owned())),
                None => None,
            }
        });
        url.map(|url| self.url = url).is_some()
    }

    /// Serves until [`Self::stop`] or the end; ready when this returns.
    pub fn serve(&mut self, flags: &[&str], variables: &[(&str, &str)]) {
        self.spawn(flags, variables);
        assert!(self.listens(), "the server ended: {}", self.log());
    }

    /// The process is gone by itself.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// Whether it is about to end by itself: its connections break a moment before.
    pub fn ends(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.has_ended()
    }

    /// SIGTERM; how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        let mut child = self.child.take().unwrap();
        until("the server ends", || child.try_wait().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.as_ref().unwrap().id());
        kill(Pid::from_raw(pid.unwrap()), signal).unwrap();
    }

    /// SIGKILL, as a power cut would. True if it had ended by itself.
    pub fn crash(&mut self) -> bool {
        let ended = self.has_ended();
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        ended
    }

    /// The same for a server that may end itself, at a point where it is told to: by the signal that
    /// would have ended it here, and in no other way.
    pub fn cut(&mut self) -> bool {
        let ended = self.has_ended();
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            let status = child.wait().unwrap();
            let killed = status.signal() == Some(Signal::SIGKILL as i32);
            assert!(killed, "it ended with {status}: {}", self.log());
        }
        ended
    }

    /// Where a process host has a folder for each thing it built.
    pub fn processes(&self) -> PathBuf {
        self.path("data/process")
    }

    /// Shims that run, and the name of the folder that each was given.
    pub fn shims(&self) -> Vec<(Pid, String)> {
        let folder = self.processes();
        let numbers = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let name = entry.unwrap().file_name();
            name.to_str()?.parse().ok()
        });
        let shim = |pid: i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = text(&line);
            let below = |word| Path::new(word).strip_prefix(&folder).ok()?.to_str();
            let name = line.split('\0').find_map(below)?;
            Some((Pid::from_raw(pid), name.to_owned()))
        };
        numbers.filter_map(shim).collect()
    }

    /// What the server logged since it was started.
    pub fn log(&self) -> String {
        let mut said = String::new();
        let log = std::fs::File::open(self.path("log.txt"));
        let read = log.and_then(|mut log| {
            log.seek(SeekFrom::Start(self.begun))?;
            log.read_to_string(&mut said)
        });
        read.map(|_| said).unwrap_or_default()
    }

    /// What the server printed since it was started.
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
        self.crash();
        let deadline = Instant::now() + Duration::from_secs(10);
        // What a process host built outlives the server. At this signal a shim ends with its tree.
        while Instant::now() < deadline {
            let shims = self.shims();
            if shims.is_empty() {
                return;
            }
            for (pid, _) in shims {
                let _ = kill(pid, Signal::SIGQUIT);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
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
