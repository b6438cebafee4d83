//! An SSH daemon of the test's own on loopback.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::postgres::free_port;

const START_DEADLINE: Duration = Duration::from_secs(20);

/// A daemon that lets one key in, as whoever runs the test. Its folder has the keys `client`, which
/// may come in, and `stranger`, which may not, and the known-hosts files `known`, which is right, and
/// `impostor`, which is not. Ended when dropped.
#[derive(Debug)]
pub struct Sshd {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Sshd {
    /// # Panics
    /// When it does not start; with its log.
    pub(crate) fn start(program: &Path) -> Self {
        let folder = TempDir::new().expect("the folder for temporary files is writable");
        let at = |name: &str| folder.path().join(name);
        for key in ["host", "client", "stranger"] {
            keygen(&at(key));
        }
        let port = free_port();
        let public = |key: &str| std::fs::read_to_string(at(key)).expect("ssh-keygen wrote it");
        let known = |key: &str| format!("[127.0.0.1]:{port} {key}");
        for (name, text) in [
            ("authorized", public("client.pub")),
            ("known", known(&public("host.pub"))),
            ("impostor", known(&public("stranger.pub"))),
        ] {
            std::fs::write(at(name), text).expect("the folder is ours");
        }
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
        let log = std::fs::File::create(at("log")).expect("the folder is ours");
        let child = command.stderr(log).spawn().expect("sshd is a program");
        let sshd = Self {
            folder,
            port,
            child,
        };
        sshd.wait();
        sshd
    }

    fn wait(&self) {
        let deadline = Instant::now() + START_DEADLINE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(self.file("log")).unwrap_or_default();
                panic!("sshd does not listen: {log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// One of its files.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of the engine behind it, for whoever runs the test.
    ///
    /// # Panics
    /// When he has no name.
    #[must_use]
    pub fn url(&self) -> String {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid());
        let user = user.ok().flatten().expect("who runs the test has a name");
        format!("ssh://{}@127.0.0.1:{}", user.name, self.port)
    }
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
    let status = command.status().expect("ssh-keygen is a program");
    assert!(status.success(), "ssh-keygen: {status}");
}
