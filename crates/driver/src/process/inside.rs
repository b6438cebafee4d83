//! Looking into services: logs and commands. Output is bounded, whatever a service writes.

use std::process::Stdio;
use std::time::Duration;

use caviada_core::limits;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::site::Site;
use crate::{DriverError, ExecOutput, Failure};

const KILL_WAIT: Duration = Duration::from_millis(limits::driver::COMMAND_KILL_MS_MAX);

pub(super) async fn logs(
    site: &Site<'_>,
    service: &str,
    lines: usize,
) -> Result<Vec<u8>, DriverError> {
    site.service(service)?;
    site.flush(service).await?;
    let log = site.folder.service(service).log();
    let read = move || {
        super::log::tail(
            &log,
            lines.min(limits::driver::LOG_LINES_MAX as usize),
            limits::driver::LOG_BYTES_MAX,
        )
    };
    let text = site.call.blocking(read).await?;
    text.map_err(|e| site.call.io(service, e))
}

/// Runs a command under a shim of its own, which ends it when this call goes away.
pub(super) async fn exec(
    site: &Site<'_>,
    service: &str,
    command: &[String],
    timeout: Duration,
    output_bytes_max: usize,
) -> Result<ExecOutput, DriverError> {
    site.service(service)?;
    if command.is_empty() {
        let detail = format!("{service}: the command is empty");
        return Err(site.call.no(Failure::Refused, detail));
    }
    let mut shim = shim(site, "exec", service)?;
    shim.args(command);
    shim.stdin(Stdio::piped());
    shim.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shim.spawn().map_err(|e| site.call.io("shim", e))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ran = async {
        let stdout = take(stdout, output_bytes_max);
        let stderr = take(stderr, output_bytes_max);
        tokio::join!(stdout, stderr, child.wait())
    };
    let Ok((stdout, stderr, status)) = tokio::time::timeout(timeout, ran).await else {
        // The shim sees its input close and kills the command and all it started.
        drop(stdin);
        if tokio::time::timeout(KILL_WAIT, child.wait()).await.is_err() {
            let _ = child.start_kill();
        }
        let seconds = timeout.as_secs_f32();
        let detail =
            format!("{service}: {command:?} did not end within {seconds} s; it was killed");
        return Err(site.call.no(Failure::TimedOut, detail));
    };
    let status = status.map_err(|e| site.call.io("shim", e))?;
    Ok(ExecOutput {
        code: i64::from(status.code().unwrap_or(137)),
        stdout: stdout.map_err(|e| site.call.io("stdout", e))?,
        stderr: stderr.map_err(|e| site.call.io("stderr", e))?,
    })
}

/// A shim for a service, with an environment that tells nothing but whose it is.
pub(super) fn shim(site: &Site<'_>, word: &str, service: &str) -> Result<Command, DriverError> {
    let home = site.folder.service(service);
    let Some((program, words)) = site.call.config.shim.split_first() else {
        return Err(site
            .call
            .no(Failure::Bug, "no program is configured as shim"));
    };
    let mut command = Command::new(program);
    command.args(words).arg(word);
    command.arg(&site.folder.0).arg(service);
    command.env_clear().env(super::variable::HOME_TAG, &home.0);
    command.current_dir("/");
    Ok(command)
}

/// Reads to the end, so that the command can end, but keeps only so much.
async fn take(
    stream: Option<impl AsyncRead + Unpin>,
    bytes_max: usize,
) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else {
        return Ok(kept);
    };
    let mut chunk = vec![0; 16 << 10];
    loop {
        let bytes = stream.read(&mut chunk).await?;
        if bytes == 0 {
            return Ok(kept);
        }
        let room = bytes_max.saturating_sub(kept.len()).min(bytes);
        kept.extend_from_slice(&chunk[..room]);
    }
}
