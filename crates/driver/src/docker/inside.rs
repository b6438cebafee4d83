//! Looking into services: logs, commands, files. Output is bounded, whatever a service writes.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::{ContainerInspectResponse, ExecConfig};
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, InspectContainerOptions, LogsOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::time::sleep;

use super::call::Call;
use super::label::{self, Mark};
use crate::{DriverError, ExecOutput, Failure, Identity};

/// Lines and bytes of a log given at once.
const LOG_LINES_MAX: usize = 10_000;
const LOG_BYTES_MAX: usize = 8 << 20;
/// What an error shows of a service's end.
const LAST_LINES: usize = 20;
const LAST_BYTES_MAX: usize = 4 << 10;

/// The container of a service of exactly this generation.
pub(super) async fn owned(
    call: &Call<'_>,
    identity: &Identity,
    service: &str,
) -> Result<ContainerInspectResponse, DriverError> {
    // Service names come from outside here and go into the path of a request.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if service.is_empty() || service.len() > 128 || !service.chars().all(plain) {
        return Err(call.no(Failure::Refused, format!("'{service}' is no service name")));
    }
    let name = label::name(identity, service);
    let found = call.quick(
        call.engine
            .inspect_container(&name, None::<InspectContainerOptions>),
    );
    let found = match found.await {
        Ok(found) => found,
        Err(fault) if fault.is(404) => {
            let generation = identity.generation;
            let detail = format!(
                "{}, generation {generation}, has no service {service} here",
                identity.resource
            );
            return Err(call.no(Failure::Refused, detail));
        }
        Err(fault) => return Err(call.failed(fault, service)),
    };
    match mark(&found) {
        Some(mark) if mark.is_of(identity) => Ok(found),
        _ => Err(call.no(
            Failure::NotOurs,
            format!("a container {name} is there that is not ours; remove or rename it"),
        )),
    }
}

/// What the labels of a container say.
pub(super) fn mark(container: &ContainerInspectResponse) -> Option<Mark> {
    Mark::read(container.config.as_ref()?.labels.as_ref()?)
}

fn id(container: ContainerInspectResponse) -> String {
    container.id.unwrap_or_default()
}

pub(super) async fn logs(
    call: &Call<'_>,
    identity: &Identity,
    service: &str,
    lines: usize,
) -> Result<Vec<u8>, DriverError> {
    let id = id(owned(call, identity, service).await?);
    read_log(
        call,
        &id,
        lines.min(LOG_LINES_MAX),
        LOG_BYTES_MAX,
        Streams::Both,
    )
    .await
    .map_err(|f| call.failed(f, service))
}

/// Which of a service's streams.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Streams {
    Both,
    Stdout,
}

/// The end of a log: the last `lines`, and of these the last `bytes_max`.
pub(super) async fn read_log(
    call: &Call<'_>,
    id: &str,
    lines: usize,
    bytes_max: usize,
    which: Streams,
) -> Result<Vec<u8>, super::fault::Fault> {
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(which == Streams::Both)
        .tail(&lines.to_string())
        .build();
    let mut log = Vec::new();
    let read = call.engine.logs(id, Some(options)).try_for_each(|part| {
        log.extend_from_slice(part.as_ref());
        // Keeps the end within twice the bound, so that cutting stays cheap.
        if log.len() > 2 * bytes_max {
            log.drain(..log.len() - bytes_max);
        }
        std::future::ready(Ok(()))
    });
    call.quick(read).await?;
    if log.len() > bytes_max {
        log.drain(..log.len() - bytes_max);
    }
    Ok(log)
}

/// What a service wrote last, for an error; best effort.
pub(super) async fn last_lines(call: &Call<'_>, id: &str) -> String {
    match read_log(call, id, LAST_LINES, LAST_BYTES_MAX, Streams::Both).await {
        Ok(log) => String::from_utf8_lossy(&log).trim_end().to_owned(),
        Err(_) => String::new(),
    }
}

pub(super) async fn exec(
    call: &Call<'_>,
    identity: &Identity,
    service: &str,
    command: &[String],
    timeout: Duration,
    output_bytes_max: usize,
) -> Result<ExecOutput, DriverError> {
    let id = id(owned(call, identity, service).await?);
    let failed = |f| call.failed(f, service);
    let config = ExecConfig {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.to_vec()),
        ..ExecConfig::default()
    };
    let exec = call
        .quick(call.engine.create_exec(&id, config))
        .await
        .map_err(failed)?
        .id;
    let options = StartExecOptions {
        output_capacity: Some(64 << 10),
        ..StartExecOptions::default()
    };
    let started = call
        .quick(call.engine.start_exec(&exec, Some(options)))
        .await;
    let StartExecResults::Attached { output, .. } = started.map_err(failed)? else {
        return Err(call.no(Failure::Bug, "the engine did not attach to the command"));
    };
    let read = tokio::time::timeout(timeout, take(output, output_bytes_max)).await;
    let Ok(read) = read else {
        let seconds = timeout.as_secs_f32();
        // Its arguments may hold secrets.
        let program = command.first().map_or("", String::as_str);
        return Err(call.no(
            Failure::TimedOut,
            format!("{service}: {program} did not end within {seconds} s and still runs"),
        ));
    };
    let (stdout, stderr) = read.map_err(|e| failed(e.into()))?;
    let code = exit_code(call, &exec).await.map_err(failed)?;
    Ok(ExecOutput {
        code,
        stdout,
        stderr,
    })
}

/// Reads to the end, so that the command can end, but keeps only so much.
async fn take(
    mut output: impl Stream<Item = Result<LogOutput, Error>> + Unpin,
    bytes_max: usize,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(part) = output.next().await {
        let (into, part) = match part? {
            LogOutput::StdErr { message } => (&mut stderr, message),
            LogOutput::StdOut { message }
            | LogOutput::Console { message }
            | LogOutput::StdIn { message } => (&mut stdout, message),
        };
        let room = bytes_max.saturating_sub(into.len()).min(part.len());
        into.extend_from_slice(&part[..room]);
    }
    Ok((stdout, stderr))
}

/// The streams may close a moment before the engine has noted the end.
async fn exit_code(call: &Call<'_>, exec: &str) -> Result<i64, super::fault::Fault> {
    loop {
        let seen = call.quick(call.engine.inspect_exec(exec)).await?;
        if let (Some(code), Some(false)) = (seen.exit_code, seen.running) {
            return Ok(code);
        }
        if call.left().is_zero() {
            return Err(super::fault::Fault::late(Duration::ZERO));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

pub(super) async fn put_files(
    call: &Call<'_>,
    identity: &Identity,
    service: &str,
    path: &str,
    tar: Vec<u8>,
) -> Result<(), DriverError> {
    let id = id(owned(call, identity, service).await?);
    let subject = format!("{service}:{path}");
    upload(call, &id, path, tar)
        .await
        .map_err(|f| call.failed(f, &subject))
}

/// Unpacks an archive in a container, running or not.
pub(super) async fn upload(
    call: &Call<'_>,
    id: &str,
    path: &str,
    tar: Vec<u8>,
) -> Result<(), super::fault::Fault> {
    let options = UploadToContainerOptionsBuilder::new()
        .path(path)
        .no_overwrite_dir_non_dir("true")
        .build();
    let body = bollard::body_full(tar.into());
    call.heavy(call.engine.upload_to_container(id, Some(options), body))
        .await
}

pub(super) async fn get_files(
    call: &Call<'_>,
    identity: &Identity,
    service: &str,
    path: &str,
    bytes_max: usize,
) -> Result<Vec<u8>, DriverError> {
    let id = id(owned(call, identity, service).await?);
    let subject = format!("{service}:{path}");
    let options = DownloadFromContainerOptionsBuilder::new()
        .path(path)
        .build();
    let mut parts = call.engine.download_from_container(&id, Some(options));
    let mut tar = Vec::new();
    let read = async {
        while let Some(part) = parts.try_next().await? {
            if part.len() > bytes_max.saturating_sub(tar.len()) {
                return Ok(false);
            }
            tar.extend_from_slice(&part);
        }
        Ok(true)
    };
    match call
        .heavy(read)
        .await
        .map_err(|f| call.failed(f, &subject))?
    {
        true => Ok(tar),
        false => Err(call.no(
            Failure::Refused,
            format!("{subject} is larger than {bytes_max} bytes"),
        )),
    }
}
