//! Caviada: one executable, roles as subcommands.

mod backup;
mod bench;
mod cli;
mod config;
mod demo;
mod doctor;
mod log;
mod serve;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

// A request is allocated on one thread and freed on another, dozens of times. That is what the
// system's allocator is slowest at: it took a seventh of the server's time under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 what was typed or written cannot be \
    meant, 3 none free, 4 not signed in, 5 the wait is over, 6 the lease is lost; `run` ends with \
    its command's.";

/// Keeps pools of ready resources, hands one out the instant somebody asks, takes it back, makes
/// it clean again.
#[derive(Debug, Parser)]
#[command(name = "caviada", version, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXIT_CODES)]
struct Line {
    #[command(flatten)]
    globals: cli::Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// See it all work, on this machine
    Demo(demo::DemoArgs),
    /// Measure what a lease costs, on a server of its own
    Bench(bench::BenchArgs),
    /// Write a backup of the store, while the server serves
    Backup(backup::BackupArgs),
    /// Restore a backup into an empty store
    Restore(backup::RestoreArgs),
    /// Look at configuration, store, clock, limits and hosts, and say what is wrong
    Doctor(doctor::DoctorArgs),
    /// Check and show the server's configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Keeps the processes of one resource together
    #[command(hide = true, disable_help_flag = true)]
    Shim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// A program small enough to be part of this one
    #[command(hide = true, disable_help_flag = true)]
    Sample {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    #[command(flatten)]
    Client(cli::Command),
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let matches = Line::command().get_matches();
    let line = match Line::from_arg_matches(&matches) {
        Ok(line) => line,
        Err(error) => error.exit(),
    };
    match line.command {
        Command::Shim { words } => caviada_driver::process::shim::run(&words),
        Command::Sample { words } => caviada_driver::process::sample::run(&words),
        Command::Backup(args) => backup::run_backup(&args, line.globals.output.format),
        Command::Restore(args) => backup::run_restore(&args, line.globals.output.format),
        Command::Doctor(args) => doctor::run(&args, line.globals.output.format),
        Command::Config(command) => config::config(&command, line.globals.output.format),
        Command::Serve(args) => on_runtime(
            tokio::runtime::Builder::new_multi_thread(),
            serve::run(args),
        ),
        Command::Demo(args) => on_runtime(
            tokio::runtime::Builder::new_current_thread(),
            demo::run(args),
        ),
        Command::Bench(args) => {
            let url = line
                .globals
                .url
                .as_deref()
                .filter(|_| typed(&matches, "url"));
            on_runtime(
                tokio::runtime::Builder::new_current_thread(),
                bench::run(&line.globals, args, url),
            )
        }
        Command::Client(command) => {
            let client = async {
                cli::run(&line.globals, command, Line::command())
                    .await
                    .into()
            };
            on_runtime(tokio::runtime::Builder::new_current_thread(), client)
        }
    }
}

/// The flag stands on the command line, not only in the environment.
fn typed(matches: &ArgMatches, flag: &str) -> bool {
    let inner = matches.subcommand().map_or(matches, |(_, inner)| inner);
    inner.value_source(flag) == Some(ValueSource::CommandLine)
}

fn on_runtime(
    mut builder: tokio::runtime::Builder,
    work: impl Future<Output = ExitCode>,
) -> ExitCode {
    match builder.enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => {
            eprintln!("caviada: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
