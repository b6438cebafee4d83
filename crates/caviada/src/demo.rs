//! `caviada demo`: the main job, once around, on this machine.
//!
//! Starts a server on a temporary directory, declares pools, leases, uses, releases, breaks things
//! and shows them mended. Each step says what it does and is checked; the first one that does not
//! hold ends the tour.

mod child;
mod file;
mod image;
mod kill;
mod tour;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

/// What the demo can be told.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// End after the tour instead of serving until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Where the server listens
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// Docker engine to build on; without one that answers, clusters are built of plain processes
    #[arg(
        long,
        env = "DOCKER_HOST",
        default_value = "unix:///var/run/docker.sock",
        value_name = "URL"
    )]
    docker: String,
}

/// Runs the tour; 0 only if every step held.
pub async fn run(args: DemoArgs) -> ExitCode {
    match demo(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("caviada demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(args: DemoArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let data: PathBuf = folder.path().join("data");
    let mut server = child::Server::start(&data, args.listen).await?;
    let engine = image::engine(&args.docker).await;
    let held = tour::run(&mut server, engine.as_ref()).await;
    if held.is_ok() && !args.exit {
        // Before it is said, so that nobody who reads it is too early.
        let mut interrupt = signal(SignalKind::interrupt())?;
        println!(
            "\nServing at {} until Ctrl-C. Try, in another terminal:",
            server.url()
        );
        println!(
            "  export CAVIADA_URL={} CAVIADA_KEY={}",
            server.url(),
            server.key()
        );
        println!("  caviada status");
        interrupt.recv().await;
    }
    tour::tidy(&server).await;
    server.stop().await?;
    held
}
