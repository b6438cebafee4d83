//! One container, looked into: its log, commands, files. Output is bounded, whatever it writes.

use std::io::Read as _;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, LogsOptions, LogsOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use caviada_core::limits;
use caviada_core::limits::driver::LINKS_MAX;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::time::sleep;

use super::call::Call;
use super::fault::Fault;
use crate::blueprint::Job;
use crate::{DriverError, ExecOutput, Failure};

/// Which of a service's streams.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Streams {
    Both,
    Stdout,
}

/// The container of a service, by its id on the engine.
pub(crate) struct Container<'a> {
    pub call: &'a Call<'a>,
    pub id: String,
    pub service: &'a str,
}

/// The request for the last `lines` of a log.
pub(crate) fn tail(lines: usize, which: Streams) -> LogsOptions {
    LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(which == Streams::Both)
        .tail(&lines.to_string())
        .build()
}

/// The end of a log: of what comes, the last `bytes_max`.
pub(crate) async fn end(
    log: impl Stream<Item = Result<LogOutput, Error>>,
    bytes_max: usize,
) -> Result<Vec<u8>, Error> {
    let mut end = Vec::new();
    log.try_for_each(|part| {
        end.extend_from_slice(part.as_ref());
        // Keeps the end within twice the bound, so that cutting stays cheap.
        if end.len() > 2 * bytes_max {
            end.drain(..end.len() - bytes_max);
        }
        std::future::ready(Ok(()))
    })
    .await?;
    if end.len() > bytes_max {
        end.drain(..end.len() - bytes_max);
    }
    Ok(end)
}

/// Why a job that ended with 0 did not do what it should: what it wrote lacks a text.
pub(crate) fn lacks(log: &[u8], job: Option<&Job>) -> Option<String> {
    let wanted = job?.output_contains.as_deref()?;
    let there = String::from_utf8_lossy(log).contains(wanted);
    (!there).then(|| format!("ended without writing '{wanted}'"))
}

/// How a service ended or hung, with what it wrote last.
pub(crate) fn ended(service: &str, why: &str, lines: &str) -> String {
    match lines {
        "" => format!("{service} {why} and wrote nothing"),
        lines => format!("{service} {why}; its last lines:\n{lines}"),
    }
}

impl Container<'_> {
    fn failed(&self, fault: Fault) -> DriverError {
        self.call.failed(fault, self.service)
    }

    /// The last `lines` lines.
    pub async fn log(&self, lines: usize) -> Result<Vec<u8>, DriverError> {
        let lines = lines.min(limits::driver::LOG_LINES_MAX as usize);
        let log = self
            .read_log(lines, limits::driver::LOG_BYTES_MAX, Streams::Both)
            .await;
        log.map_err(|f| self.failed(f))
    }

    /// What a job wrote to its standard output.
    pub async fn said(&self) -> Result<Vec<u8>, DriverError> {
        let said = self.read_log(
            limits::driver::JOB_LOG_LINES_MAX,
            limits::driver::JOB_LOG_BYTES_MAX,
            Streams::Stdout,
        );
        said.await.map_err(|f| self.failed(f))
    }

    /// What it wrote last, for an error; best effort.
    pub async fn last_lines(&self) -> String {
        let log = self.read_log(
            limits::driver::LAST_LINES_MAX,
            limits::driver::LAST_BYTES_MAX,
            Streams::Both,
        );
        match log.await {
            Ok(log) => String::from_utf8_lossy(&log).trim_end().to_owned(),
            Err(_) => String::new(),
        }
    }

    async fn read_log(
        &self,
        lines: usize,
        bytes_max: usize,
        which: Streams,
    ) -> Result<Vec<u8>, Fault> {
        let log = self.call.engine.logs(&self.id, Some(tail(lines, which)));
        self.call.quick(end(log, bytes_max)).await
    }

    /// Runs a command inside and waits for its end.
    pub async fn exec(
        &self,
        command: &[String],
        timeout: Duration,
        output_bytes_max: usize,
    ) -> Result<ExecOutput, DriverError> {
        let call = self.call;
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.to_vec()),
            ..ExecConfig::default()
        };
        let made = call.quick(call.engine.create_exec(&self.id, config)).await;
        let exec = made.map_err(|f| self.failed(f))?.id;
        let options = StartExecOptions {
            output_capacity: Some(64 << 10),
            ..StartExecOptions::default()
        };
        let started = call
            .quick(call.engine.start_exec(&exec, Some(options)))
            .await;
        let StartExecResults::Attached { output, .. } = started.map_err(|f| self.failed(f))? else {
            return Err(call.no(Failure::Bug, "the engine did not attach to the command"));
        };
        let read = tokio::time::timeout(timeout, take(output, output_bytes_max)).await;
        let Ok(read) = read else {
            let seconds = timeout.as_secs_f32();
            let service = self.service;
            // Its arguments may hold secrets.
            let program = command.first().map_or("", String::as_str);
            return Err(call.no(
                Failure::TimedOut,
                format!("{service}: {program} did not end within {seconds} s and still runs"),
            ));
        };
        let (stdout, stderr) = read.map_err(|e| self.failed(e.into()))?;
        let code = exit_code(call, &exec).await.map_err(|f| self.failed(f))?;
        Ok(ExecOutput {
            code,
            stdout,
            stderr,
        })
    }

    /// Runs a command of a reset, which must end with 0.
    pub async fn reset(&self, command: &[String]) -> Result<(), DriverError> {
        let ran = self.exec(command, self.call.left(), 64 << 10).await?;
        if ran.code == 0 {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ran.stderr).trim_end().to_owned();
        let (service, code) = (self.service, ran.code);
        // Its arguments may hold secrets.
        let program = command.first().map_or("", String::as_str);
        Err(self.call.no(
            Failure::NotReady,
            format!("{service}: {program} ended with exit code {code}: {said}"),
        ))
    }

    /// Unpacks an archive, whether it runs or not.
    pub async fn put(&self, path: &str, tar: Vec<u8>) -> Result<(), DriverError> {
        let options = UploadToContainerOptionsBuilder::new()
            .path(path)
            .no_overwrite_dir_non_dir("true")
            .build();
        let body = bollard::body_full(tar.into());
        let engine = &self.call.engine;
        let put = engine.upload_to_container(&self.id, Some(options), body);
        let put = self.call.heavy(put).await;
        put.map_err(|f| self.call.failed(f, &format!("{}:{path}", self.service)))
    }

    /// A file or folder as an archive.
    pub async fn get(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, DriverError> {
        let subject = format!("{}:{path}", self.service);
        let options = DownloadFromContainerOptionsBuilder::new()
            .path(path)
            .build();
        let engine = &self.call.engine;
        let mut parts = engine.download_from_container(&self.id, Some(options));
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
        let read = self.call.heavy(read).await;
        match read.map_err(|f| self.call.failed(f, &subject))? {
            true => Ok(tar),
            false => Err(self.call.no(
                Failure::Refused,
                format!("{subject} is larger than {bytes_max} bytes"),
            )),
        }
    }

    /// The content of a file, also where links lead to it.
    pub async fn file(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, DriverError> {
        let service = self.service;
        let mut path = path.to_owned();
        for _ in 0..LINKS_MAX {
            let tar = self
                .get(&path, bytes_max + limits::driver::TAR_MORE_BYTES)
                .await?;
            match first_file(&tar) {
                Ok(Entry::File(content)) => return Ok(content),
                Ok(Entry::Link(target)) if target.starts_with('/') => path = target,
                Ok(Entry::Link(target)) => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    path = format!("{folder}/{target}");
                }
                Err(why) => {
                    let detail = format!("{service}:{path}: {why}");
                    return Err(self.call.no(Failure::Refused, detail));
                }
            }
        }
        let detail = format!("{service}:{path}: more than {LINKS_MAX} links");
        Err(self.call.no(Failure::Refused, detail))
    }
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
async fn exit_code(call: &Call<'_>, exec: &str) -> Result<i64, Fault> {
    loop {
        let seen = call.quick(call.engine.inspect_exec(exec)).await?;
        if let (Some(code), Some(false)) = (seen.exit_code, seen.running) {
            return Ok(code);
        }
        if call.left().is_zero() {
            return Err(Fault::late(Duration::ZERO));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

enum Entry {
    File(Vec<u8>),
    Link(String),
}

fn first_file(tar: &[u8]) -> Result<Entry, String> {
    let mut archive = tar::Archive::new(tar);
    let mut entries = archive.entries().map_err(|e| e.to_string())?;
    let mut entry = match entries.next() {
        Some(entry) => entry.map_err(|e| e.to_string())?,
        None => return Err("the engine sent an empty archive".to_owned()),
    };
    let kind = entry.header().entry_type();
    if kind.is_symlink() {
        let target = entry.link_name().map_err(|e| e.to_string())?;
        let target = target.ok_or("a link to nowhere")?;
        return Ok(Entry::Link(target.to_string_lossy().into_owned()));
    }
    if !kind.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(|e| e.to_string())?;
    Ok(Entry::File(content))
}
