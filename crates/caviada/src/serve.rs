//! `caviada serve`: opens the ledger, listens, and makes hosts match.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use caviada_core::reconcile::Periods;
use caviada_core::webhook::target::Targets;
use caviada_ledger::Start;
use caviada_server::host::Drivers;
use caviada_server::http::auth::ADMIN_KEY;
use caviada_server::{Options, Server, reconciler};
use clap::Args;

use crate::log;

/// What the server can be told.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen
    #[arg(
        long,
        env = "CAVIADA_LISTEN",
        default_value = "127.0.0.1:7632",
        value_name = "ADDR"
    )]
    listen: SocketAddr,
    /// Where to keep everything
    #[arg(
        long,
        env = "CAVIADA_DATA_DIR",
        default_value = "./caviada-data",
        value_name = "DIR"
    )]
    data_dir: PathBuf,
    /// Go on although the wall clock is far behind the last commit
    #[arg(long)]
    accept_clock: bool,
    /// Between two looks at a host, in milliseconds
    #[arg(long, env = "CAVIADA_PROBE_MS", value_name = "MS", default_value_t = Periods::default().probe_ms)]
    probe_ms: u64,
    /// Where webhooks may go, separated by commas: HOST, *.NAME, an address or a network, with
    /// http:// before it if plain HTTP will do [default: nowhere]
    #[arg(
        long,
        env = "CAVIADA_WEBHOOK__TARGETS",
        value_name = "TARGETS",
        value_delimiter = ','
    )]
    webhook_targets: Vec<String>,
    /// For `caviada bench`: a route that answers so many bytes and does nothing else
    #[arg(long, hide = true, value_name = "BYTES")]
    bare_route: Option<usize>,
}

/// Serves until SIGTERM or SIGINT; 0 after a clean end.
pub async fn run(args: ServeArgs) -> ExitCode {
    let _log = log::begin();
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    if args.bare_route.is_some() && !args.listen.ip().is_loopback() {
        bail!("--bare-route asks for no key, so it is for a loopback address only")
    }
    let program = std::env::current_exe().context("finding this program")?;
    let Some(program) = program.to_str().map(str::to_owned) else {
        bail!("this program's path is not UTF-8")
    };
    let server = Server::open(
        args.data_dir.clone(),
        Start {
            accept_clock: args.accept_clock,
        },
    )
    .await?;
    let rolled_back = server.is_rolled_back();
    if rolled_back {
        tracing::error!(
            "the store is older than this data directory remembers: it was rolled back. Nothing is changed on hosts"
        );
    }
    let drivers = Drivers {
        installation: server.installation().to_owned(),
        process_dir: args.data_dir.join("process"),
        program,
    };
    let periods = Periods {
        probe_ms: args.probe_ms,
        ..Periods::default()
    };
    let options = Options {
        admin_key: std::env::var(ADMIN_KEY).ok(),
        reconciler: reconciler::Options {
            drivers,
            periods,
            rolled_back,
            progress: Default::default(),
        },
        targets: Targets::parse(args.webhook_targets.iter().map(String::as_str))
            .context("--webhook-targets")?,
        bare_bytes: args.bare_route,
    };
    Ok(server.run(args.listen, options).await?)
}
