//! How Caviada is served: HTTP, and the reconciler that makes hosts match the ledger.

pub mod config;
pub mod host;
pub mod http;
pub mod progress;
pub mod reconciler;
pub mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;

use caviada_core::webhook::target::Targets;
use caviada_ledger::directory::{Directory, DirectoryError};
use caviada_ledger::seal::{MASTER_KEY, MasterKey, SealError};
use caviada_ledger::{Fatal, Place, Running, Start};
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
    #[error("listening on {address}: {error}")]
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

/// How a server is to behave.
pub struct Options {
    /// Secret of the first admin key; looked at only while there is no key.
    pub admin_key: Option<String>,
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
    key: MasterKey,
}

impl Server {
    /// Opens the ledger in a data directory, which is locked for this process and made if it is
    /// not there.
    pub async fn open(data_dir: PathBuf, start: Start) -> Result<Self, Error> {
        let directory = Directory::lock(&data_dir)?;
        let key = MasterKey::find(std::env::var(MASTER_KEY).ok().as_deref(), &directory)?;
        let open = move || caviada_ledger::start(&directory, &Place::Sqlite, start);
        let opened = tokio::task::spawn_blocking(open).await;
        let running = opened.map_err(|_| Error::Vanished)??;
        Ok(Self { running, key })
    }

    /// Names this installation on everything it makes.
    pub fn installation(&self) -> &str {
        &self.running.installation
    }

    /// The store is older than a revision that this data directory has seen.
    pub fn is_rolled_back(&self) -> bool {
        self.running.rolled_back
    }

    /// Serves until SIGTERM, SIGINT, or the end of the ledger. What was answered is durable, so a
    /// clean end has only to stop listening.
    pub async fn run(self, listen: SocketAddr, options: Options) -> Result<(), Error> {
        let Running {
            handle,
            history,
            marks,
            ended,
            ..
        } = self.running;
        let webhooks = Webhooks::new(self.key, options.targets, marks);
        if let Some(made) = http::auth::first_key(&handle, options.admin_key).await? {
            println!("This is the first start. The admin key, shown once:\n\n  {made}\n");
        }
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| Error::Listen {
                address: listen,
                error,
            })?;
        let http = http::Options {
            installation: options.reconciler.drivers.installation.clone(),
            progress: options.reconciler.progress.clone(),
            webhooks: Some(webhooks.clone()),
            ..http::Options::default()
        };
        let told = tokio::spawn(webhook::run(handle.clone(), history.clone(), webhooks));
        let app = http::App::new(handle.clone(), history, http);
        let reconciler = tokio::spawn(reconciler::run(handle.clone(), options.reconciler));
        tracing::info!("listening on http://{}", listener.local_addr()?);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let mut router = http::router(app);
        if let Some(bytes) = options.bare_bytes {
            router = router.merge(http::bare::router(bytes));
        }
        let served = http::serve(listener, None, router, stop);
        tokio::select! {
            served = served => {
                served?;
                for task in [reconciler, told] {
                    task.abort();
                    let _ = task.await;
                }
                handle.close();
                Ok(())
            }
            ended = ended => match ended {
                Ok(result) => Ok(result?),
                Err(_) => Err(Error::Vanished),
            },
        }
    }
}
