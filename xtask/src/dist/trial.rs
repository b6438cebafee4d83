//! A trial of the static binary: it serves TLS, and finds its server by a name that only a name
//! server knows. Static programs resolve names by other means than dynamic ones, and fail at that
//! first.
//!
//! The name server is this program's own. So that it may listen on port 53 and be asked, all of it
//! runs in namespaces of its own, which only root can make; others look up `localhost`.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::cargo;
use crate::debian::is_root;

const NAME: &str = "caviada.test";
const KEY: &str = "a-key-for-the-trial";
const DEADLINE: Duration = Duration::from_secs(60);

/// Tries the program; says what it was able to do.
pub fn run(program: &Path) -> Result<&'static str> {
    if !is_root() {
        over_tls(program, "localhost")?;
        return Ok("served TLS, and found it by `localhost` only: a name server needs root");
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--"]);
    command
        .arg(std::env::current_exe()?)
        .arg("trial")
        .arg(program);
    cargo::run(&mut command)?;
    Ok("served TLS, and found it by a name server")
}

/// The same, with a network and mounts that nobody else sees.
pub fn inside(program: &Path) -> Result<()> {
    let folder = Folder::new()?;
    let resolver = folder.0.join("resolv.conf");
    std::fs::write(&resolver, "nameserver 127.0.0.1\n")?;
    cargo::run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    let mut mount = Command::new("mount");
    mount.arg("--bind").arg(&resolver).arg("/etc/resolv.conf");
    cargo::run(&mut mount)?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).context("the name server's port")?;
    thread::spawn(move || names(&socket));
    over_tls(program, NAME)
}

/// Serves TLS, and asks it something by that name.
fn over_tls(program: &Path, name: &str) -> Result<()> {
    let folder = Folder::new()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    drop(listener);
    let data = folder.0.join("data");
    let mut serve = Command::new(program);
    serve
        .args(["serve", "--listen", &address.to_string(), "--data-dir"])
        .arg(&data)
        .env("CAVIADA_TLS__SELF_SIGNED", "true")
        .env("CAVIADA_TLS__NAMES", name)
        .env("CAVIADA_ADMIN_KEY", KEY)
        .stdin(Stdio::null());
    let mut server = Ended(serve.spawn().context("serve")?);
    let url = format!("https://{name}:{}", address.port());
    let end = Instant::now() + DEADLINE;
    loop {
        let mut status = Command::new(program);
        status.args(["status", "--url", &url, "--ca"]);
        status.arg(data.join("self-signed.pem"));
        status.env("CAVIADA_KEY", KEY).env("HOME", &folder.0);
        let output = status.output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(server.0.try_wait()?.is_none(), "the server ended");
        ensure!(Instant::now() < end, "status by {url}: {said}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Answers each question for the address of [`NAME`] with 127.0.0.1, and all others with nothing.
fn names(socket: &UdpSocket) {
    let mut question = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut question) {
        if let Some(answer) = answer(&question[..length]) {
            let _ = socket.send_to(&answer, from);
        }
    }
}

/// RFC 1035, as far as one question goes.
fn answer(question: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let labels = question.get(HEADER..)?;
    let end = HEADER + labels.iter().position(|byte| *byte == 0)? + 1;
    let asked = question.get(end..end + 4)?;
    let mut name = Vec::new();
    for label in NAME.split('.') {
        name.push(u8::try_from(label.len()).ok()?);
        name.extend(label.bytes());
    }
    name.push(0);
    let known = question[HEADER..end].eq_ignore_ascii_case(&name) && asked == [0, 1, 0, 1];
    let mut answer = question[..2].to_vec();
    // A response, recursion desired and available; one question, and perhaps an answer.
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(known), 0, 0, 0, 0]);
    answer.extend(&question[HEADER..end + 4]);
    if known {
        // The name above, an address, of the internet, for a minute, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}

/// A process that is ended when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that is removed when it is dropped.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let number = std::process::id();
        let since = std::time::UNIX_EPOCH.elapsed()?.as_nanos();
        let path = std::env::temp_dir().join(format!("caviada-dist-{number}-{since}"));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: u8) -> Vec<u8> {
        let mut question = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(u8::try_from(label.len()).unwrap());
            question.extend(label.bytes());
        }
        question.extend([0, 0, kind, 0, 1]);
        question
    }

    #[test]
    fn one_name_has_one_address_and_all_others_none() {
        let found = answer(&question("Caviada.test", 1)).unwrap();
        assert_eq!(found[..2], [7, 9]);
        assert!(found.ends_with(&[127, 0, 0, 1]));
        assert_eq!(answer(&question(NAME, 28)).unwrap()[7], 0);
        assert_eq!(answer(&question("other.test", 1)).unwrap()[7], 0);
        assert_eq!(answer(&[0; 12]), None);
        assert_eq!(answer(b"short"), None);
    }
}
