//! A command beside a service: in its directory, with its environment, and nothing left of it
//! afterwards. It ends at the latest when the caller closes standard input.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::process::{ExitCode, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;

use super::super::folder::ResourceFolder;
use super::super::record::Record;
use super::super::variable;
use super::children::{Children, End};
use super::launch::Launcher;
use super::supervise::directory;

/// Runs `argv` to its end and gives its exit code.
pub(super) fn exec(
    launcher: Launcher,
    folder: &ResourceFolder,
    record: &Record,
    name: &str,
    argv: &[OsString],
) -> Result<ExitCode, String> {
    let said = |what: &'static str| move |error| format!("{what}: {error}");
    let service = record.blueprint.service(name).ok_or("no such service")?;
    prctl::set_child_subreaper(true).map_err(said("subreaper"))?;
    let children = Children::watch().map_err(said("signals"))?;
    let argv: Vec<String> = argv
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let variables = variable::all(record, folder, service);
    let directory = directory(folder, service);
    let argv = record.resolved(&argv);
    let mut command = launcher.command(service, &argv, &variables, &directory);
    command.stdin(Stdio::null());
    let child = command.spawn().map_err(|e| format!("exec: {e}"))?;
    let pid = i32::try_from(child.id()).map_err(|e| e.to_string())?;
    let stdin = std::io::stdin();
    loop {
        let mut waited = [
            PollFd::new(children.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut waited, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => continue,
            Err(error) => return Err(format!("poll: {error}")),
            Ok(_) => {}
        }
        let left = waited[1].revents().is_some_and(|r| !r.is_empty());
        children.signals();
        let ended = children.reap().into_iter().find(|(who, _)| *who == pid);
        if let Some((_, End { code })) = ended {
            children.kill_all();
            // Codes above 255 do not exist; signals are below 128 + 65.
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
        }
        if left {
            children.kill_all();
            return Ok(ExitCode::from(137));
        }
    }
}
