//! `caviada shim`: what stands between the server and a service's processes.
//!
//! One shim is the parent of one service and, as subreaper, of whatever that leaves behind; so it
//! can end all of it, and no process of a service outlives its shim's say. It lives in a session of
//! its own, needs nothing from the server once it runs, and is found again by its folder, its
//! process id and its start time. It is told what to do by signals:
//!
//! | signal | is told |
//! |---|---|
//! | SIGTERM | stop the service within its grace, then end |
//! | SIGQUIT | kill everything, then end |
//! | SIGUSR1, SIGUSR2 | freeze, thaw |
//! | SIGHUP | put what was written so far into the log |
//!
//! Nothing is done between fork and exec in here (that would take unsafe code): whatever a service
//! must be born with is set by `launch`, a second start of this program that becomes the service.

mod children;
mod exec;
mod health;
mod launch;
mod output;
mod supervise;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::folder::ResourceFolder;
use super::record::Record;
use launch::Launcher;

pub(super) use launch::{check_limits, signal};

/// Runs the shim with the words behind `shim`; the words before them are how this program is
/// started again. Ends when the service ended for good.
#[must_use]
pub fn run(args: &[OsString]) -> ExitCode {
    let launcher = Launcher::before(args);
    let word = |at: usize| args.get(at).and_then(|arg| arg.to_str());
    let outcome = match (word(0), args) {
        (Some("serve"), [_, folder, _]) => service(folder, word(2))
            .and_then(|(folder, record, name)| supervise::serve(launcher, folder, record, &name))
            .map(|()| ExitCode::SUCCESS),
        (Some("exec"), [_, folder, _, argv @ ..]) => service(folder, word(2))
            .and_then(|(folder, record, name)| exec::exec(launcher, &folder, &record, &name, argv)),
        (Some("launch"), [_, rest @ ..]) => Ok(launch::launch(rest)),
        _ => Err("is started by the process driver: serve | exec | launch …".to_owned()),
    };
    outcome.unwrap_or_else(|why| {
        eprintln!("caviada shim: {why}");
        ExitCode::from(launch::CANNOT_RUN)
    })
}

fn service(
    folder: &OsString,
    name: Option<&str>,
) -> Result<(ResourceFolder, Record, String), String> {
    let folder = ResourceFolder(PathBuf::from(folder));
    let record = Record::read(&folder).map_err(|e| format!("{}: {e}", folder.0.display()))?;
    let record = record.ok_or_else(|| format!("{} holds no resource", folder.0.display()))?;
    match name.filter(|name| record.blueprint.service(name).is_some()) {
        Some(name) => Ok((folder, record, name.to_owned())),
        None => Err(format!("{} has no such service", folder.0.display())),
    }
}
