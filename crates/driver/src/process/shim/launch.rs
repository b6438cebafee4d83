//! A process as a service's processes are born: own session, own limits, dead with its shim.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{dup2_stdin, getppid, setsid};

use super::super::variable;
use crate::blueprint::Service;

/// This program whatever became of its file.
const SELF: &str = "/proc/self/exe";

/// What shells answer for a program that cannot be run.
pub(super) const CANNOT_RUN: u8 = 127;

/// Starts this program again.
#[derive(Clone)]
pub(super) struct Launcher {
    prefix: Vec<OsString>,
}

impl Launcher {
    /// `args` are the last words this program was started with; those before them lead to `run`.
    pub(super) fn before(args: &[OsString]) -> Self {
        let mut prefix: Vec<_> = std::env::args_os().skip(1).collect();
        prefix.truncate(prefix.len().saturating_sub(args.len()));
        Self { prefix }
    }

    /// A command that becomes `argv` in this environment.
    pub(super) fn command(
        &self,
        service: &Service,
        argv: &[String],
        variables: &BTreeMap<String, String>,
        directory: &Path,
    ) -> Command {
        let mut command = Command::new(SELF);
        command.args(&self.prefix).arg("launch");
        command.arg(std::process::id().to_string());
        for (name, (soft, hard)) in limits(service) {
            command.arg(format!("{name}={soft}:{hard}"));
        }
        command.arg("--");
        command.args(argv.iter().map(|word| variable::expand(word, variables)));
        command.env_clear().envs(variables).current_dir(directory);
        command
    }
}

/// Memory is what a single process may allocate: a limit of address space would break whatever
/// reserves more than it uses.
fn limits(service: &Service) -> BTreeMap<String, (i64, i64)> {
    let mut limits = service.ulimits.clone();
    if let Some(bytes) = service.limits.memory_bytes {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        limits.insert("data".to_owned(), (bytes, bytes));
    }
    limits
}

/// Whether this system knows all of a service's limits.
pub(in super::super) fn check_limits(service: &Service) -> Result<(), String> {
    match service.ulimits.keys().find(|name| resource(name).is_none()) {
        Some(name) => Err(format!("{}: there is no ulimit `{name}`", service.name)),
        None => Ok(()),
    }
}

fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "as" => Resource::RLIMIT_AS,
        "core" => Resource::RLIMIT_CORE,
        "cpu" => Resource::RLIMIT_CPU,
        "data" => Resource::RLIMIT_DATA,
        "fsize" => Resource::RLIMIT_FSIZE,
        "locks" => Resource::RLIMIT_LOCKS,
        "memlock" => Resource::RLIMIT_MEMLOCK,
        "msgqueue" => Resource::RLIMIT_MSGQUEUE,
        "nice" => Resource::RLIMIT_NICE,
        "nofile" => Resource::RLIMIT_NOFILE,
        "nproc" => Resource::RLIMIT_NPROC,
        "rss" => Resource::RLIMIT_RSS,
        "rtprio" => Resource::RLIMIT_RTPRIO,
        "rttime" => Resource::RLIMIT_RTTIME,
        "sigpending" => Resource::RLIMIT_SIGPENDING,
        "stack" => Resource::RLIMIT_STACK,
        _ => return None,
    })
}

/// The signal of a service that asks it to stop.
pub(in super::super) fn signal(service: &Service) -> Result<Signal, String> {
    let Some(name) = service.stop_signal.as_deref() else {
        return Ok(Signal::SIGTERM);
    };
    let wrong = || format!("{}: there is no signal `{name}`", service.name);
    if let Ok(number) = name.parse::<i32>() {
        return Signal::try_from(number).map_err(|_| wrong());
    }
    let full = match name.starts_with("SIG") {
        true => name.to_owned(),
        false => format!("SIG{name}"),
    };
    full.parse().map_err(|_| wrong())
}

/// Becomes the program in `args`: the shim's id, limits, `--`, program and arguments. What went
/// wrong is said on standard error; that something did, by a byte on standard input, a pipe that
/// closes by itself once the program runs.
pub(super) fn launch(args: &[OsString]) -> ExitCode {
    let report = std::io::stdin().as_fd().try_clone_to_owned();
    let why = run(args);
    eprintln!("{why}");
    if let Ok(report) = report {
        // Nobody may be listening: a health check or a command has no such pipe.
        let _ = nix::unistd::write(&report, b"!");
    }
    ExitCode::from(CANNOT_RUN)
}

/// Returns only what went wrong.
fn run(args: &[OsString]) -> String {
    let Some(end) = args.iter().position(|arg| arg == "--") else {
        return "launch: `--` is missing".to_owned();
    };
    let (settings, argv) = (&args[..end], &args[end + 1..]);
    let Some((program, words)) = argv.split_first() else {
        return "launch: the program is missing".to_owned();
    };
    if let Err(why) = settle(settings) {
        return format!("{}: {why}", program.display());
    }
    let error = Command::new(program).args(words).exec();
    format!("cannot run {}: {error}", program.display())
}

fn settle(settings: &[OsString]) -> Result<(), String> {
    let said = |what: &'static str| move |error| format!("{what}: {error}");
    let null = std::fs::File::open("/dev/null").map_err(|e| format!("/dev/null: {e}"))?;
    dup2_stdin(null).map_err(said("stdin"))?;
    setsid().map_err(said("setsid"))?;
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(said("prctl"))?;
    let mut settings = settings.iter().map(|arg| arg.to_string_lossy());
    let shim = settings.next().unwrap_or_default();
    if getppid().to_string() != shim {
        return Err("its shim is gone already".to_owned());
    }
    for limit in settings {
        let wrong = || format!("cannot set the limit {limit}");
        let (name, values) = limit.split_once('=').ok_or_else(wrong)?;
        let (soft, hard) = values.split_once(':').ok_or_else(wrong)?;
        let value = |text: &str| match text.parse::<i64>() {
            Ok(-1) => Ok(RLIM_INFINITY),
            Ok(n) => u64::try_from(n).map_err(|_| wrong()),
            Err(_) => Err(wrong()),
        };
        let resource = resource(name).ok_or_else(wrong)?;
        setrlimit(resource, value(soft)?, value(hard)?)
            .map_err(|error| format!("{}: {error}", wrong()))?;
    }
    // The shim blocks signals to wait for them; a service must not inherit that.
    SigSet::all()
        .thread_unblock()
        .map_err(said("unblocking signals"))
}
