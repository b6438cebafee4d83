//! `status.json`: how a service is, written by its shim alone.

use std::io;

use serde::{Deserialize, Serialize};

use super::folder::{ServiceFolder, Sync, write_atomically};
use super::record::is_absent;
use super::tree::{self, Stamp};

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Status {
    /// The boot in which all stamps mean something.
    pub boot: String,
    pub shim: Stamp,
    pub process: Option<Stamp>,
    pub state: State,
    /// The exit code of its last end; a signal counts as 128 + its number.
    pub code: Option<i64>,
    pub paused: bool,
    pub health: Health,
    /// Has its standard output contained what a job must write?
    pub output_found: bool,
    /// How often it was started again by its restart policy.
    pub restarts: u32,
    /// How often it put everything written so far into the log because somebody asked.
    pub flushes: u64,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Running,
    /// Ended, and waits to be started again.
    Restarting,
    /// Ended by itself.
    Exited,
    /// Ended because somebody asked.
    Stopped,
}

/// What its health check said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// It has none.
    Unchecked,
    Starting,
    Healthy,
    Unhealthy,
}

/// What somebody who looks finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// It was never started, or only just now.
    Never,
    /// Its shim lives and speaks.
    Lives(Status),
    /// It ended, and its shim said so.
    Ended(Status),
    /// Its shim went without a word: killed, or the machine was started anew.
    Lost(Status),
}

impl Status {
    pub(super) fn write(&self, folder: &ServiceFolder) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        write_atomically(&folder.status(), &text, Sync::Later)
    }
}

/// Looks at a service.
pub(super) fn look(folder: &ServiceFolder) -> io::Result<Look> {
    let text = match std::fs::read(folder.status()) {
        Ok(text) => text,
        Err(e) if is_absent(&e) => return Ok(Look::Never),
        Err(e) => return Err(e),
    };
    let status: Status = serde_json::from_slice(&text)?;
    let alive = || status.boot == tree::boot() && status.shim.is_alive();
    Ok(match status.state {
        State::Exited | State::Stopped => Look::Ended(status),
        State::Running | State::Restarting if alive() => Look::Lives(status),
        State::Running | State::Restarting => {
            // It may have ended properly between the reading and the looking.
            let again: Status = serde_json::from_slice(&std::fs::read(folder.status())?)?;
            match again.state {
                State::Exited | State::Stopped => Look::Ended(again),
                State::Running | State::Restarting => Look::Lost(again),
            }
        }
    })
}
