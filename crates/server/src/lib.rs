//! How Caviada is served: HTTP, and the reconciler that makes hosts match the ledger.

mod aside;
pub mod compat;
pub mod config;
pub mod holder;
pub mod host;
pub mod http;
pub mod image;
pub mod line;
pub mod listener;
mod meter;
pub mod password;
pub mod peer;
pub mod progress;
pub mod rate;
pub mod reconciler;
pub mod secret;
pub mod session;
pub mod sight;
pub mod webhook;

use std::io::Write as _;
use std::iter;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use caviada_core::limits;
use caviada_core::webhook::target::Targets;
use caviada_ledger::directory::{Directory, DirectoryError};
use caviada_ledger::seal::{MASTER_KEY, MasterKey, SealError};
use caviada_ledger::{Fatal, Place, Running, Start};
use compat::poolmanager;
use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use holder::HolderFiles;
use host::check::HostChecks;
use listener::Requests;
use session::Sessions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use webhook::Webhooks;

/// Why a server does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The ledger cannot be opened, or had to end.
    #[error("the ledger: {0}")]
    Ledger(#[from] Fatal),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The system does what it never should.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// The master key cannot be used.
    #[error("the master key: {0}")]
    Seal(#[from] SealError),
    /// The first admin key cannot be made.
    #[error(transparent)]
    FirstKey(#[from] http::auth::FirstKeyError),
    /// The ledger's thread is gone without a word.
    #[error("the ledger's thread ended without a reason; this is a bug in Caviada")]
    Vanished,
}

const CLOSE_MAX: Duration = Duration::from_millis(limits::server::CLOSE_MS_MAX);

/// How a server is to behave.
pub struct Options {
    /// Secret of the first admin key; looked at only while there is no key.
    pub admin_key: Option<String>,
    /// Speaks TLS with this.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The HTTP entrance's.
    pub http: http::Options,
    /// The old API of PoolManager.
    pub poolmanager: poolmanager::Settings,
    /// The reconciler's.
    pub reconciler: reconciler::Options,
    /// Where webhooks may go.
    pub targets: Targets,
    /// For the bench: a route that answers so many bytes and does nothing else. Loopback only.
    pub bare_bytes: Option<usize>,
}

/// An open ledger, about to be served.
#[derive(Debug)]
pub struct Server {
    running: Running,
    key: Arc<MasterKey>,
}

impl Server {
    /// Opens the ledger at its place, with a data directory that is locked for this process and
    /// made if it is not there.
    pub async fn open(data_dir: PathBuf, place: Place, start: Start) -> Result<Self, Error> {
        let directory = Directory::lock(&data_dir)?;
        let key = MasterKey::find(std::env::var(MASTER_KEY).ok().as_deref(), &directory)?;
        let open = move || caviada_ledger::start(&directory, &place, start);
        let opened = tokio::task::spawn_blocking(open).await;
        let running = opened.map_err(|_| Error::Vanished)??;
        Ok(Self {
            running,
            key: Arc::new(key),
        })
    }

    /// Names this installation on everything it makes.
    pub fn installation(&self) -> &str {
        &self.running.installation
    }

    /// The key under which secrets are sealed.
    pub fn master_key(&self) -> Arc<MasterKey> {
        self.key.clone()
    }

    /// The store is older than a revision that this data directory has seen.
    pub fn is_rolled_back(&self) -> bool {
        self.running.rolled_back
    }

    /// Serves until SIGTERM, SIGINT, or the end of the ledger. What was answered is durable, so a
    /// clean end has only to stop listening.
    pub async fn run(self, listen: SocketAddr, options: Options) -> Result<(), Error> {
        let mut running = self.running;
        let (handle, history) = (running.handle.clone(), running.history.clone());
        let webhooks = Webhooks::new(self.key.clone(), options.targets, running.marks.clone());
        let listener = bind(listen).await?;
        let mut old = Vec::new();
        for (version, address) in &options.poolmanager.listeners {
            old.push((*version, bind(*address).await?));
        }
        // After the address is known to be free: who is told a key may use it.
        http::auth::first_key(&handle, options.admin_key, print_key).await?;
        let checks = Arc::new(HostChecks::new(options.reconciler.drivers.clone()));
        let http = http::Options {
            drivers: Some(options.reconciler.drivers.clone()),
            checks: Some(checks.clone()),
            progress: options.reconciler.progress.clone(),
            sights: options.reconciler.sights.clone(),
            webhooks: Some(webhooks.clone()),
            files: Some(Arc::new(HolderFiles::new(&options.reconciler))),
            templates: options.reconciler.templates.clone(),
            key: Some(self.key.clone()),
            ..options.http
        };
        let pulls = image::run(handle.clone(), http.images.clone(), &options.reconciler);
        let pulls = tokio::spawn(pulls);
        let key = self.key;
        let told = tokio::spawn(webhook::run(handle.clone(), history.clone(), webhooks));
        let settings = options.poolmanager;
        let pm_options = poolmanager::Options {
            answer_within: http.answer_within,
            ..settings.options.clone()
        };
        let app = http::App::new(handle.clone(), history.clone(), http);
        let (passwords, secure) = (app.passwords().clone(), options.tls.is_some());
        let sessions = Sessions::new(key, passwords, poolmanager::SESSIONS, secure);
        let rates = app.rates().clone();
        let pm = poolmanager::App::new(
            handle.clone(),
            history,
            rates,
            Some(sessions),
            pm_options,
            Some(checks),
        );
        let reconciler = tokio::spawn(reconciler::run(handle.clone(), options.reconciler));
        let scheme = if options.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let stop = told_to_end()?.boxed().shared();
        // Whoever reads this may end us the next moment, and cleanly.
        tracing::info!("listening on {scheme}://{}", listener.local_addr()?);
        let router = http::router(app, beside(&pm, settings.version(), options.bare_bytes));
        let tls = options.tls;
        let mut served = vec![listener::serve(listener, tls.clone(), router, stop.clone()).boxed()];
        for (version, listener) in old {
            tracing::info!(
                "PoolManager {version} is spoken on {scheme}://{}",
                listener.local_addr()?
            );
            let router = poolmanager::router(pm.clone(), version, poolmanager::Door::Listener);
            let (tls, stop) = (tls.clone(), stop.clone());
            let old = listener::serve_requests(listener, tls, Requests::Mended, router, stop);
            served.push(old.boxed());
        }
        drop(pm);
        let served = try_join_all(served);
        tokio::select! {
            served = served => {
                served?;
                for task in [reconciler, told, pulls] {
                    task.abort();
                    let _ = task.await;
                }
                drop(handle);
                close(running).await;
                Ok(())
            }
            ended = &mut running.ended => match ended {
                Ok(result) => Ok(result?),
                Err(_) => Err(Error::Vanished),
            },
        }
    }
}

/// Entrances of the same listener beside HTTP v1.
fn beside(
    pm: &poolmanager::App,
    version: poolmanager::Version,
    bare_bytes: Option<usize>,
) -> Vec<http::Beside> {
    let old = poolmanager::router(pm.clone(), version, poolmanager::Door::Beside);
    let old = axum::Router::new().nest_service(poolmanager::PATH, old);
    let bare = bare_bytes.map(|bytes| (http::bare::PATH, http::bare::router(bytes)));
    iter::once((poolmanager::PATH, old)).chain(bare).collect()
}

/// Hears of SIGTERM and SIGINT from now on.
fn told_to_end() -> Result<impl Future<Output = ()> + Send, Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Error::Listen { address, error })
}

/// Lets the history catch up and closes the store, which then is one whole file for whoever copies
/// it. Somebody may still hold on to the ledger: nothing that was answered hangs on this, and the
/// end does not wait for him for ever.
async fn close(running: Running) {
    let (tell, closed) = tokio::sync::oneshot::channel();
    // Not a thread of the runtime, whose end would wait for it.
    let close = move || {
        running.close();
        let _ = tell.send(());
    };
    let thread = std::thread::Builder::new()
        .name("close".into())
        .spawn(close);
    if thread.is_ok() && tokio::time::timeout(CLOSE_MAX, closed).await.is_err() {
        tracing::warn!("the store was not closed in time; the next start makes up for it");
    }
}

fn print_key(secret: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "This is the first start. The admin key, shown once:\n\n  {secret}\n"
    )?;
    out.flush()
}
