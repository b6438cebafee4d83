//! What a person sees at a terminal.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use nix::pty::{OpenptyResult, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::site::{BOARDS, Site};

/// Starts a command at a terminal of its own, which is read from the file.
fn start(mut command: Command) -> (Child, File) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    command
        .stdout(Stdio::from(slave.try_clone().unwrap()))
        .stderr(Stdio::from(slave));
    // The command's own ends close here, so that the terminal ends with the child.
    (command.spawn().unwrap(), File::from(master))
}

/// Reads what is shown until this text is, or else until the end.
fn shown(terminal: &mut File, until: Option<&str>) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if until.is_some_and(|until| text.contains(until)) {
            return text.into_owned();
        }
        // Linux says of a terminal that nobody writes to any more that it cannot be read.
        match terminal.read(&mut chunk) {
            Ok(length @ 1..) => bytes.extend(&chunk[..length]),
            _ => return text.into_owned(),
        }
    }
}

#[test]
fn a_table_has_colours_unless_they_are_unwanted() {
    let site = Site::start();
    site.load(BOARDS);
    let table = |no_color: Option<&str>| {
        let mut command = site.command(&["resource", "ls", "boards"]);
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        let (mut child, mut terminal) = start(command);
        let table = shown(&mut terminal, None);
        assert!(child.wait().unwrap().success(), "{table}");
        assert!(table.contains("free"), "{table}");
        table
    };
    assert!(table(None).contains("\x1b[32mfree\x1b[0m"));
    assert!(!table(Some("1")).contains('\x1b'));
    // Set to nothing it says nothing.
    assert!(table(Some("")).contains('\x1b'));
}

/// The log of a server at a terminal.
fn log(no_color: Option<&str>) -> String {
    let site = Site::new();
    let mut command = site.server(&[], &[("CAVIADA_ADMIN_KEY", crate::site::ADMIN)]);
    command.envs(no_color.map(|value| ("NO_COLOR", value)));
    let (mut child, mut terminal) = start(command);
    let begun = shown(&mut terminal, Some("listening on http"));
    let pid = i32::try_from(child.id()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    let log = begun + &shown(&mut terminal, None);
    assert!(child.wait().unwrap().success(), "{log}");
    log
}

#[test]
fn a_log_has_colours_unless_they_are_unwanted() {
    assert!(log(None).contains('\x1b'));
    assert!(!log(Some("1")).contains('\x1b'));
}
