//! Caviada: one executable.

mod cli;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

/// Keeps pools of ready resources, hands one out the instant somebody asks, takes it back, makes
/// it clean again.
#[derive(Debug, Parser)]
#[command(name = "caviada", version, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Line {
    #[command(flatten)]
    globals: cli::Globals,
    #[command(subcommand)]
    command: cli::Command,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("caviada: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime
        .block_on(cli::run(&line.globals, line.command, Line::command()))
        .into()
}
