//! Kills one member of the demo's pool from outside, as an accident would.

use anyhow::{Context, bail, ensure};
use tokio::process::Command;

use super::image::Engine;

/// Kills all containers, or the process behind a port.
pub async fn kill(engine: Option<&Engine>, resource: &str, endpoint: &str) -> anyhow::Result<()> {
    match engine {
        Some(engine) => containers(engine, resource).await,
        None => process(endpoint),
    }
}

async fn containers(engine: &Engine, resource: &str) -> anyhow::Result<()> {
    let filter = format!("label=caviada.resource={resource}");
    let listed = Command::new("docker")
        .args(["--host", &engine.url, "ps", "--quiet", "--filter", &filter])
        .output()
        .await?;
    let ids = String::from_utf8(listed.stdout)?;
    ensure!(!ids.trim().is_empty(), "no container of {resource} runs");
    let killed = Command::new("docker")
        .args(["--host", &engine.url, "kill"])
        .args(ids.split_whitespace())
        .output()
        .await?;
    ensure!(
        killed.status.success(),
        "{}",
        String::from_utf8_lossy(&killed.stderr)
    );
    Ok(())
}

/// The sample that serves a port says so in its command line.
fn process(endpoint: &str) -> anyhow::Result<()> {
    let port = endpoint
        .rsplit(':')
        .next()
        .context("an endpoint has a port")?;
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|b| *b == 0).collect();
        if words.ends_with(&[b"serve", b"--port", port.as_bytes(), b""]) {
            let pid = nix::unistd::Pid::from_raw(pid);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL)?;
            return Ok(());
        }
    }
    bail!("no process serves port {port}")
}
