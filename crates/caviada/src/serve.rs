//! `caviada serve`: opens the ledger, listens, and makes hosts match.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use caviada_ledger::{Fatal, Start};
use caviada_server::config::{Config, Tls};
use caviada_server::host::Drivers;
use caviada_server::http::auth::ADMIN_KEY;
use caviada_server::http::tls;
use caviada_server::{Error, Options, Server, http, reconciler};
use clap::Args;

use crate::bench::simulated;
use crate::config::{self, ConfigArgs};
use crate::doctor::next_step;
use crate::log;

/// What the server can be told.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Go on although the wall clock is far behind the last commit
    #[arg(long)]
    accept_clock: bool,
    /// For `caviada bench`: a route that answers so many bytes and does nothing else
    #[arg(long, hide = true, value_name = "BYTES")]
    bare_route: Option<usize>,
    /// For `caviada bench`: all hosts are simulated
    #[arg(long, hide = true)]
    simulated_hosts: bool,
}

/// Serves until SIGTERM or SIGINT; 0 after a clean end.
pub async fn run(args: ServeArgs) -> ExitCode {
    let loaded = match args.config.load() {
        Ok(loaded) => loaded,
        Err(failure) => return failure.tell(),
    };
    config::warn(&loaded);
    let _log = log::begin(&loaded.config.log, loaded.config.log_format);
    match serve(&args, loaded.config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each once, and what to do where that is known.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let between = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{between}{cause}");
        }
    }
    match error.downcast_ref() {
        Some(Error::Ledger(Fatal::Store(error))) => format!("{text}; {}", next_step(error)),
        _ => text,
    }
}

async fn serve(args: &ServeArgs, config: Config) -> anyhow::Result<()> {
    if args.bare_route.is_some() && !config.listen.ip().is_loopback() {
        bail!("--bare-route asks for no key, so it is for a loopback address only")
    }
    if args.simulated_hosts {
        tracing::warn!("hosts are simulated: nothing is built");
    }
    let program = std::env::current_exe().context("finding this program")?;
    let Some(program) = program.to_str().map(str::to_owned) else {
        bail!("this program's path is not UTF-8")
    };
    let start = Start {
        accept_clock: args.accept_clock,
    };
    let server = Server::open(config.data_dir.clone(), config.store.clone(), start).await?;
    let rolled_back = server.is_rolled_back();
    if rolled_back {
        tracing::error!(
            "the store is older than this data directory remembers: it was rolled back. Nothing is changed on hosts; run `caviada doctor`"
        );
    }
    let installation = server.installation().to_owned();
    let options = Options {
        admin_key: std::env::var(ADMIN_KEY).ok(),
        tls: tls_of(&config)?,
        http: http::Options {
            installation: installation.clone(),
            requests_per_s: config.requests_per_s,
            body_bytes_max: config.body_bytes_max,
            answer_within: Duration::from_millis(config.answer_within_ms),
            ..http::Options::default()
        },
        reconciler: reconciler::Options {
            drivers: Drivers {
                installation,
                process_dir: config.data_dir.join("process"),
                program,
                key: Some(server.master_key()),
                stand_in: args.simulated_hosts.then_some(simulated::driver),
            },
            periods: config.periods,
            rolled_back,
            progress: Default::default(),
            sights: Default::default(),
            templates: Default::default(),
        },
        targets: config.targets.clone(),
        poolmanager: config.poolmanager.clone(),
        bare_bytes: args.bare_route,
    };
    Ok(server.run(config.listen, options).await?)
}

fn tls_of(config: &Config) -> anyhow::Result<Option<Arc<tls::ServerConfig>>> {
    let files = match &config.tls {
        None => return Ok(None),
        Some(Tls::Files { certificate, key }) => tls::Files::open(certificate, key)?,
        Some(Tls::SelfSigned { names }) => {
            let (made, file) = tls::self_signed(names, &config.data_dir)?;
            let file = file.display();
            tracing::info!("clients trust this server's certificate with --ca {file}");
            made
        }
    };
    let config = files.config()?;
    tokio::spawn(files.follow());
    Ok(Some(config))
}
