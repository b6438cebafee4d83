//! `caviada doctor`: looks at everything a server stands on, from beside it, and changes nothing;
//! and says how to go on where only a person can.

mod finding;
mod host;
mod kernel;

use std::path::Path;
use std::process::ExitCode;

use caviada_core::check::{nouns, violations};
use caviada_core::limits;
use caviada_core::state::State;
use caviada_ledger::Place;
use caviada_ledger::clock::{Source as _, System};
use caviada_ledger::directory::Directory;
use caviada_ledger::look::{Look, look};
use caviada_ledger::store::StoreError;
use caviada_server::config::Config;
use clap::Args;
use nix::sys::resource::{Resource, getrlimit};

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Format, Out};
use crate::cli::table::short;
use crate::config::{self, StoreArgs};
use finding::Report;

/// A part of its limit from which a number of things is worth a word, in percent.
const NEAR_PERCENT: usize = 80;
/// Open files below which the server cannot hold all the connections it would take.
const FILES_ENOUGH: u64 = limits::server::CONNECTIONS_MAX as u64 + 1_024;
/// Free space below which a full disk is near, in bytes.
const DISK_LOW_BYTES: u64 = 1 << 30;

/// Look at everything.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The store was rolled back, and is the truth from now on: remove what hosts carry of later
    /// revisions. The server must be stopped
    #[arg(long)]
    adopt: bool,
    /// The same, but touch no host: only forget that a later revision was seen
    #[arg(long, conflicts_with = "adopt")]
    forget: bool,
}

/// `caviada doctor`: 0 when nothing is wrong.
pub fn run(args: &DoctorArgs, format: Format) -> ExitCode {
    match examine(args, &Out::new(format)) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.tell(),
    }
}

fn examine(args: &DoctorArgs, out: &Out) -> Result<Exit, Failure> {
    let loaded = args.store.load()?;
    let mut report = Report::default();
    for warning in &loaded.warnings {
        report.warns("configuration", warning);
    }
    let config = loaded.config;
    match config::files(&config) {
        Ok(()) => report.is_well("configuration", "it can be used"),
        Err(failure) => report.is_bad("configuration", failure),
    }
    let looked = look(&config.data_dir, &config.store);
    match &looked {
        Ok(Some(looked)) if args.adopt || args.forget => {
            return go_on(&config, looked, args.adopt);
        }
        Ok(Some(looked)) => all(&config, looked, &mut report)?,
        _ if args.adopt || args.forget => {
            return Err(Failure::failed(
                "there is no store that could be read; `caviada doctor` without flags says more",
            ));
        }
        Ok(None) if config.data_dir.exists() && !config.data_dir.is_dir() => report.is_bad(
            "store",
            format!(
                "{} is no folder; name the data directory",
                config.data_dir.display()
            ),
        ),
        Ok(None) => report.warns(
            "store",
            format!(
                "there is none in {} yet; the first `caviada serve` makes it",
                match &config.store {
                    Place::Sqlite => config.data_dir.display().to_string(),
                    Place::Postgres(_) => "the database".to_owned(),
                }
            ),
        ),
        Err(error) => report.is_bad("store", format!("{error}; {}", next_step(error))),
    }
    machine(&config, &mut report);
    report.print(out)?;
    Ok(if report.has_bad() {
        Exit::Failed
    } else {
        Exit::Ok
    })
}

fn all(config: &Config, looked: &Look, report: &mut Report) -> Result<(), Failure> {
    store(looked, report);
    clock(looked, report);
    numbers(&looked.state, report);
    match host::master_key(config) {
        Ok(Some(key)) => report.is_well("master key", format!("its id is {}", key.id())),
        Ok(None) => report.warns(
            "master key",
            "there is none; no sealed secret can be opened",
        ),
        Err(error) => report.is_bad("master key", error),
    }
    let hosts = host::look_at_all(config, looked)?;
    if looked.state.hosts.values().any(|h| host::is_here(h)) {
        kernel::look(Path::new("/proc/sys"), report);
    }
    let ahead = hosts.iter().any(|seen| !seen.later.is_empty());
    for seen in &hosts {
        seen.tell(looked.revision, report);
    }
    if looked.rolled_back || looked.seen > looked.revision || ahead {
        report.is_bad(
            "roll-back",
            format!(
                "the store stands at revision {}, and later ones were seen: it is older than the \
                 world, so nothing is changed on hosts. If it is the truth from now on, stop the \
                 server and run `caviada doctor --adopt`, which removes what hosts carry of later \
                 revisions, or `--forget`, which touches no host",
                looked.revision
            ),
        );
    }
    Ok(())
}

/// What to do about a store that cannot be used.
pub fn next_step(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unknown(_) => "see that the database is up and that `store` names it",
        StoreError::Refused(_) => "see that the disk has room and nobody else locks the store",
        StoreError::Fenced => "stop the other server, or this one",
        StoreError::Broken(_) => {
            "look with `caviada doctor`; what is damaged is replaced by restoring a backup into an \
             empty store"
        }
    }
}

fn store(looked: &Look, report: &mut Report) {
    let state = &looked.state;
    let found = violations(state);
    if found.is_empty() {
        let what = format!(
            "revision {} with {} pools, {} resources, {} leases; every invariant holds",
            looked.revision,
            state.pools.len(),
            state.resources.len(),
            state.leases.len()
        );
        report.is_well("store", what);
    }
    for violation in found.iter().take(limits::client::VIOLATIONS_SHOWN_MAX) {
        let what = format!("{violation}; this is a bug in Caviada: keep a backup and report it");
        report.is_bad("store", what);
    }
}

fn clock(looked: &Look, report: &mut Report) {
    let behind_ms = looked.at.since(System.wall());
    if behind_ms > limits::CLOCK_BEHIND_MAX_MS {
        let what = format!(
            "it is {} behind the last commit: set it right; only if the commit's time is the \
             wrong one, start with --accept-clock",
            short(behind_ms)
        );
        report.is_bad("clock", what);
    } else if behind_ms > limits::CLOCK_AHEAD_MAX_MS {
        let what = format!("it is {} behind the last commit", short(behind_ms));
        report.warns("clock", what);
    } else {
        report.is_well("clock", "not behind the last commit");
    }
}

/// How near the nouns are to their bounds.
fn numbers(state: &State, report: &mut Report) {
    let all = nouns(state);
    let near = |(_, is, max): &&(_, usize, usize)| is * 100 >= max * NEAR_PERCENT;
    for (what, is, max) in all.iter().filter(near) {
        report.warns("limits", format!("{is} {what} of at most {max}"));
    }
    if !all.iter().any(|one| near(&one)) {
        report.is_well("limits", "no number of things is near its bound");
    }
}

/// What the machine gives.
fn machine(config: &Config, report: &mut Report) {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft < FILES_ENOUGH => report.warns(
            "open files",
            format!("{soft} at most; `ulimit -n {FILES_ENOUGH}` lets the server hold every connection it takes"),
        ),
        Ok((soft, _)) => report.is_well("open files", format!("{soft} at most")),
        Err(error) => report.warns("open files", format!("cannot be asked for: {error}")),
    }
    let Ok(disk) = nix::sys::statvfs::statvfs(&config.data_dir) else {
        return;
    };
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    let what = format!("{} MiB free at {}", free >> 20, config.data_dir.display());
    if free < DISK_LOW_BYTES {
        report.warns("disk", format!("{what}; a full one stops every change"));
    } else {
        report.is_well("disk", what);
    }
}

/// Makes a store that was rolled back the truth.
fn go_on(config: &Config, looked: &Look, remove: bool) -> Result<Exit, Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::failed(e.to_string());
    let directory = Directory::lock(&config.data_dir).map_err(|e| failed(&e))?;
    if remove {
        host::remove_later(config, looked)?;
    }
    caviada_ledger::adopt(&directory, &config.store).map_err(|e| failed(&e))?;
    eprintln!(
        "caviada: the store at revision {} is the truth from now on; start the server",
        looked.revision
    );
    Ok(Exit::Ok)
}
