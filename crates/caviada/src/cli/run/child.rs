//! The command that runs under a lease.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

use crate::cli::exit::{Exit, Failure};

/// A running command.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    pid: Pid,
    /// At a terminal the command stays in our group, so that it may read and is stopped by keys;
    /// elsewhere it leads its own, so that a signal reaches whatever it started.
    group: Group,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Ours,
    Own,
}

/// Whether keys typed at a terminal reach us.
fn at_terminal() -> bool {
    std::fs::File::open("/dev/tty")
        .ok()
        .and_then(|tty| tcgetpgrp(tty).ok())
        .is_some_and(|foreground| foreground == getpgrp())
}

impl Child {
    /// Starts it with further variables in its environment.
    pub fn spawn(command: &[OsString], environment: &[(String, String)]) -> Result<Self, Failure> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Failure::usage("say a command after --"))?;
        let group = if at_terminal() {
            Group::Ours
        } else {
            Group::Own
        };
        let mut builder = tokio::process::Command::new(program);
        builder
            .args(arguments)
            .envs(environment.iter().map(|(k, v)| (k, v)));
        if group == Group::Own {
            builder.process_group(0);
        }
        let process = builder.spawn().map_err(|e| {
            // The codes that shells have for it.
            let code = match e.kind() {
                std::io::ErrorKind::NotFound => 127,
                _ => 126,
            };
            Failure::new(
                Exit::Child(code),
                format!("{}: {e}", program.to_string_lossy()),
            )
        })?;
        let pid = process
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw)
            .ok_or_else(|| Failure::failed("the command has no process id"))?;
        Ok(Self {
            process,
            pid,
            group,
        })
    }

    /// Its exit code; 128 and the signal's number if one ended it.
    pub async fn ended(&mut self) -> Result<u8, Failure> {
        let status = self
            .process
            .wait()
            .await
            .map_err(|e| Failure::failed(format!("the command cannot be waited for: {e}")))?;
        let code = status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(u8::try_from(code).unwrap_or(u8::MAX))
    }

    /// Hands a signal on, unless the terminal gave it to the command already. Answers whether the
    /// command must now end.
    pub fn forward(&self, signal: Signal) -> bool {
        let typed = matches!(signal, Signal::SIGINT | Signal::SIGQUIT);
        if typed && self.group == Group::Ours {
            return false;
        }
        self.send(signal);
        true
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.send(Signal::SIGTERM);
    }

    /// Ends it.
    pub fn kill(&self) {
        self.send(Signal::SIGKILL);
    }

    // A process that is gone meanwhile is no error: somebody waits for it.
    fn send(&self, signal: Signal) {
        let _ = match self.group {
            Group::Own => killpg(self.pid, signal),
            Group::Ours => kill(self.pid, signal),
        };
    }
}
