//! The container engine on the default socket.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::run;
use crate::debian::is_root;
use crate::part::program;

const SOCKET: &str = "/var/run/docker.sock";
const LOG: &str = "/var/log/caviada-dockerd.log";
const PIDFILE: &str = "/var/run/docker.pid";
const PATIENCE: Duration = Duration::from_secs(10);
const START_DEADLINE: Duration = Duration::from_secs(60);
/// The default storage driver first; `vfs` copies whole layers, but runs on every file system.
const STORAGE: [&[&str]; 2] = [&[], &["--storage-driver", "vfs"]];

/// Whether an engine answers.
pub fn answers() -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = UnixStream::connect(SOCKET)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\nhost: docker\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}

/// What the engine says about itself.
pub fn describe() -> Result<String> {
    let ask = |words: &[&str]| -> Result<String> {
        let output = Command::new("docker")
            .args(words)
            .output()
            .context("docker")?;
        ensure!(
            output.status.success(),
            "docker: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let version = ask(&[
        "version",
        "--format",
        "{{.Server.Version}} (API {{.Server.APIVersion}})",
    ])?;
    let info = ask(&[
        "info",
        "--format",
        "{{.Driver}}, cgroup v{{.CgroupVersion}}",
    ])?;
    Ok(format!("{version}, {info}"))
}

/// Starts an engine that outlives this process.
pub fn start() -> Result<()> {
    ensure!(
        is_root(),
        "no engine answers on {SOCKET}, and only root can start one"
    );
    if Path::new("/run/systemd/system").exists() {
        run(Command::new("systemctl").args(["start", "docker"]))
            .context("systemctl start docker")?;
        return wait(|| Ok(()));
    }
    let dockerd = program("dockerd").context("no engine answers, and dockerd is not installed")?;
    let mut last = None;
    for storage in STORAGE {
        match start_daemon(&dockerd, storage) {
            Ok(()) => return Ok(()),
            Err(why) => {
                eprintln!("dockerd {storage:?}: {why:#}");
                last = Some(why);
            }
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no way to start dockerd")))
}

fn start_daemon(dockerd: &Path, storage: &[&str]) -> Result<()> {
    eprintln!("starting dockerd {storage:?}, log {LOG}, process id in {PIDFILE}");
    let log = File::create(LOG)?;
    let mut child = Command::new(dockerd)
        .args(storage)
        .args(["--pidfile", PIDFILE])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C on the tests is not meant for the engine.
        .process_group(0)
        .spawn()?;
    let outcome = wait(|| match child.try_wait()? {
        Some(status) => bail!("{status}"),
        None => Ok(()),
    });
    outcome.inspect_err(|_| {
        let _ = child.kill();
        let _ = child.wait();
        let text = std::fs::read_to_string(LOG).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("{}", lines[lines.len().saturating_sub(20)..].join("\n"));
    })
}

/// Waits until an engine answers, as long as it is `alive`.
fn wait(mut alive: impl FnMut() -> Result<()>) -> Result<()> {
    let end = Instant::now() + START_DEADLINE;
    while !answers() {
        alive()?;
        ensure!(
            Instant::now() < end,
            "no answer within {} s",
            START_DEADLINE.as_secs()
        );
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
