//! A PostgreSQL of the test's own, from the distribution's binaries.

use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{Uid, User};

use crate::authority::Authority;
use crate::keeper::Keeper;

const START_DEADLINE: Duration = Duration::from_secs(60);
const PORTS_TRIED: u32 = 5;
/// `$1` is the folder, the rest starts the server. SIGQUIT stops it at once, as a crash would.
const KEEPER: &str = r#"
folder=$1; shift
"$@" >"$folder/log" 2>&1 &
server=$!
read -r _
kill -QUIT $server
wait $server
rm -rf "$folder"
"#;

/// Finds the folder that holds `initdb` and `postgres`, the newest first, or says why there is none.
pub(crate) fn binaries() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("CAVIADA_TEST_POSTGRES_BIN") {
        return match folder.is_empty() {
            true => Err("switched off by an empty CAVIADA_TEST_POSTGRES_BIN".to_owned()),
            false => Ok(folder.into()),
        };
    }
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| folder.join("initdb").exists() && folder.join("postgres").exists())
        .collect();
    found.sort();
    match found.pop() {
        Some((_, folder)) => Ok(folder),
        None => Err("no initdb and postgres below /usr/lib/postgresql".to_owned()),
    }
}

/// A running server with the default settings but for durability: `fsync` is off, because a crash
/// of the machine ends the test too. Stopped and removed when dropped or when the process ends.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    _keeper: Keeper,
}

impl Postgres {
    /// # Panics
    /// When the server does not start; with its log.
    pub(crate) fn start(binaries: &Path, authority: Option<&Authority>) -> Self {
        let account = account();
        for _ in 0..PORTS_TRIED {
            let folder = folder(account.as_ref());
            initialise(binaries, &folder, account.as_ref());
            if let Some(authority) = authority {
                encrypt(authority, &folder.join("data"), account.as_ref());
            }
            let port = free_port();
            let server = Self {
                _keeper: spawn(binaries, &folder, port, account.as_ref()),
                folder,
                port,
            };
            match server.wait_until_ready() {
                Ok(()) => return server,
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("PostgreSQL did not start: {log}"),
            }
        }
        panic!("PostgreSQL found {PORTS_TRIED} free ports taken when it came to them");
    }

    /// Where its only role finds its only database, over TCP on loopback.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://caviada@127.0.0.1:{}/postgres", self.port)
    }

    /// The same over the unix socket.
    #[must_use]
    pub fn socket_url(&self) -> String {
        let folder = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://caviada@{folder}:{}/postgres", self.port)
    }

    /// Waits for the word `ready` in the server's own status file, or answers with its log.
    fn wait_until_ready(&self) -> Result<(), String> {
        let end = Instant::now() + START_DEADLINE;
        loop {
            let status = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
            if status.is_ok_and(|status| {
                status
                    .lines()
                    .nth(7)
                    .is_some_and(|line| line.trim() == "ready")
            }) {
                return Ok(());
            }
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            if Instant::now() > end || log.contains("database system is shut down") {
                return Err(log);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Whom to run as: PostgreSQL refuses to be root.
fn account() -> Option<User> {
    if !Uid::effective().is_root() {
        return None;
    }
    let known = ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten());
    Some(known.expect("root needs the account postgres or nobody to run PostgreSQL as"))
}

/// A folder of its own below the one for temporary files, which every account can reach.
fn folder(account: Option<&User>) -> PathBuf {
    let folder = tempfile::Builder::new()
        .prefix("caviada-postgres-")
        .tempdir()
        .expect("the folder for temporary files is writable")
        .keep();
    own(&folder, account);
    folder
}

/// Gives a file to the account that the server runs as.
fn own(path: &Path, account: Option<&User>) {
    if let Some(account) = account {
        let (uid, gid) = (account.uid.as_raw(), account.gid.as_raw());
        chown(path, Some(uid), Some(gid)).expect("root may chown");
    }
}

fn initialise(binaries: &Path, folder: &Path, account: Option<&User>) {
    let output = command(&binaries.join("initdb"), account)
        .arg("--pgdata")
        .arg(folder.join("data"))
        .args([
            "--username=caviada",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ])
        .output()
        .expect("initdb is a program");
    assert!(
        output.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Has it speak TLS, and over TCP nothing else.
fn encrypt(authority: &Authority, data: &Path, account: Option<&User>) {
    for (from, to) in [
        ("server.pem", "server.crt"),
        ("server-key.pem", "server.key"),
    ] {
        let to = data.join(to);
        std::fs::copy(authority.file(from), &to).expect("the authority has signed for the server");
        std::fs::set_permissions(&to, Permissions::from_mode(0o600)).expect("it is ours");
        own(&to, account);
    }
    let who = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
    std::fs::write(data.join("pg_hba.conf"), who).expect("initdb has made the folder");
    let mut settings = OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .expect("initdb has made the file");
    writeln!(settings, "ssl = on").expect("a local file can be written");
}

fn spawn(binaries: &Path, folder: &Path, port: u16, account: Option<&User>) -> Keeper {
    let mut shell = command(Path::new("/bin/sh"), account);
    shell
        .args(["-c", KEEPER, "keeper"])
        .arg(folder)
        .arg(binaries.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args([
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "shared_buffers=16MB",
        ]);
    Keeper::start(shell)
}

/// A command as `account`, in a folder that it may enter and with messages in English.
fn command(program: &Path, account: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some(account) = account {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}
