//! A registry of images of the test's own, which asks everybody who he is.

use std::fs::File;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::image::{docker, succeeded};

pub(crate) const PROGRAM: &str = "/usr/bin/docker-registry";
const START_DEADLINE: Duration = Duration::from_secs(20);
/// What the program writes once it listens, before its address.
const LISTENS: &str = "listening on ";
/// The least that the hash may cost: nobody guesses here.
const HASH_COST: u32 = 4;

/// The registry of Debian's package `docker-registry`. Ended when dropped, with all it holds.
#[derive(Debug)]
pub struct Registry {
    folder: TempDir,
    address: String,
    child: Child,
}

impl Registry {
    /// Who may come in.
    pub const USER: &str = "puller";
    /// His password. In base64 it has letters of both alphabets.
    pub const PASSWORD: &str = "q?~>q?~>pw>~?";

    /// # Panics
    /// When it does not start; with its log.
    pub(crate) fn start(at: Ipv4Addr) -> Self {
        let folder = TempDir::new().expect("the folder for temporary files is writable");
        let file = |name: &str| folder.path().join(name);
        let hash = bcrypt::hash(Self::PASSWORD, HASH_COST).expect("a short text has a hash");
        let users = format!("{}:{hash}\n", Self::USER);
        let config = format!(
            "version: 0.1\n\
             log: {{level: info, accesslog: {{disabled: false}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '{at}:0'}}\n\
             auth: {{htpasswd: {{realm: caviada, path: {}}}}}\n",
            file("data").display(),
            file("users").display(),
        );
        for (name, text) in [("users", &users), ("config.yml", &config)] {
            std::fs::write(file(name), text).expect("the folder is ours");
        }
        let log = File::create(file("log")).expect("the folder is ours");
        let again = log.try_clone().expect("a file has more than one handle");
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg(file("config.yml"));
        command.stdin(Stdio::null()).stdout(again).stderr(log);
        let child = command.spawn().expect("it is a program");
        let mut registry = Self {
            folder,
            address: String::new(),
            child,
        };
        registry.address = registry.listens();
        registry
    }

    fn listens(&self) -> String {
        let end = Instant::now() + START_DEADLINE;
        loop {
            let log = self.log();
            if let Some((_, rest)) = log.split_once(LISTENS)
                && let Some((address, _)) = rest.split_once(['"', '\n'])
            {
                return address.to_owned();
            }
            assert!(Instant::now() < end, "the registry does not listen: {log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// `127.0.0.1:PORT`, as images name it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it wrote: who asked for what.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Puts an image of the engine on `socket`, or of the default one, into it as `REPOSITORY:TAG`.
    /// Its digest there.
    ///
    /// # Panics
    /// When it does not take it.
    #[must_use]
    pub fn push(&self, socket: Option<&Path>, image: &str, name: &str) -> String {
        let name = format!("{}/{name}", self.address);
        let signed = || {
            let mut command = docker(socket);
            command.arg("--config").arg(self.folder.path());
            command
        };
        let login = signed()
            .args(["login", "--username", Self::USER, "--password-stdin"])
            .arg(&self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let login = login.and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(Self::PASSWORD.as_bytes())?;
            }
            child.wait_with_output()
        });
        succeeded("docker login", login);
        let tagged = docker(socket).args(["tag", image, &name]).output();
        succeeded("docker tag", tagged);
        let pushed = succeeded("docker push", signed().args(["push", &name]).output());
        let removed = docker(socket).args(["rmi", &name]).output();
        succeeded("docker rmi", removed);
        let digest = pushed.split_once("digest: ").map(|(_, rest)| rest);
        let digest = digest.and_then(|rest| rest.split_whitespace().next());
        digest.expect("a push tells the digest").to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
