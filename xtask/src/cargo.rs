//! Commands of cargo, and how they are run.

use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// The workspace's folder: of the checkout that runs this program, which need not be the one that
/// built it when several share a target directory.
pub fn root() -> PathBuf {
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());
    let own = PathBuf::from(own);
    own.parent().map(Path::to_owned).unwrap_or(own)
}

/// The target directory this program was built in.
pub fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    target
        .map(Path::to_owned)
        .context("this program does not lie in cargo's target directory")
}

/// A command of the cargo that runs this program, as a person would have typed it.
pub fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root());
    // Some build scripts watch these, so that inheriting them would build twice.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Whether `cargo NAME` is there.
pub fn has(name: &str) -> bool {
    let mut command = cargo(&[name, "--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The target triple of this machine.
pub fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

/// Runs a command to its end, its output shown.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Runs a command for at most `deadline`, its output hidden; an error says what it said last.
pub fn run_within(command: &mut Command, deadline: Duration) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let said = child.stderr.take().map(|stderr| {
        thread::spawn(move || {
            let lines = BufReader::new(stderr).lines().map_while(Result::ok);
            lines.filter(|line| !line.trim().is_empty()).last()
        })
    });
    let status = wait_until(&mut child, Instant::now() + deadline)?;
    let Some(status) = status else {
        child.kill()?;
        child.wait()?;
        bail!("no end within {} s", deadline.as_secs());
    };
    let said = said
        .and_then(|said| said.join().ok().flatten())
        .unwrap_or_default();
    ensure!(status.success(), "{said}");
    Ok(())
}

/// The exit status of `child`, if it ends until `end`.
pub fn wait_until(child: &mut Child, end: Instant) -> Result<Option<std::process::ExitStatus>> {
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() > end {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a command with its output shown, and shows each line to `watch` too.
pub fn run_watched(command: &mut Command, mut watch: impl FnMut(&str)) -> Result<()> {
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let (sender, lines) = std::sync::mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender);
    }
    for line in lines {
        eprintln!("{line}");
        watch(&line);
    }
    let status = child.wait()?;
    ensure!(status.success(), "{status}");
    Ok(())
}

fn forward(from: impl std::io::Read + Send + 'static, to: std::sync::mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        // Bytes, because a test may print what is no text.
        while from
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line);
            if to.send(text.trim_end_matches('\n').to_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
}
