//! HTTP v1: requests become commands for the ledger, answers and snapshots become documents.
//!
//! An answer to a command is written from what the ledger hands back with it; only lists and reads
//! ask for a snapshot, so that leasing never waits for one to be published. Nothing here decides
//! anything that `core` could: names, bounds and rights are checked there, in the turn.

pub mod auth;
pub mod bare;
mod duplicate;
mod edge;
mod exposition;
mod health;
mod json;
mod openapi;
mod page;
pub mod problem;
pub mod tls;
pub(crate) mod v1;
mod watch;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use caviada_api::image::LoadedImages;
use caviada_core::host::Host;
use caviada_core::limits;
use caviada_core::time::Time;
use caviada_ledger::Handle;
use caviada_ledger::history::History;
use caviada_ledger::seal::MasterKey;

pub use crate::listener::{Answers, serve};
pub use edge::Beside;

use crate::holder::HolderFiles;
use crate::host::check::HostChecks;
use crate::host::{Drivers, Templates, is_engine};
use crate::image::{Images, NotLoaded};
use crate::meter::Meters;
use crate::password::Passwords;
use crate::progress::Progress;
use crate::rate::Rates;
use crate::sight::Sights;
use crate::webhook::Webhooks;
use watch::Watch;

/// How a server is to behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of this installation.
    pub installation: String,
    /// Requests per second that one key may make; none is no bound.
    pub requests_per_s: Option<NonZeroU32>,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// A request that takes longer is given up; a long-poll has that much on top of its wait.
    pub answer_within: Duration,
    /// Where bring-ups tell how far they are.
    pub progress: Progress,
    /// Where the reconciler tells what it sees of hosts.
    pub sights: Sights,
    /// Images of hosts: where they are pulled and told of.
    pub images: Images,
    /// What drivers are made of; without it no images can be loaded.
    pub drivers: Option<Drivers>,
    /// What is told to whom; without it no webhook can be declared.
    pub webhooks: Option<Webhooks>,
    /// Reads what holders take along; without it nothing has files.
    pub files: Option<Arc<HolderFiles>>,
    /// Looks at hosts before something is built there; without it none can be checked.
    pub checks: Option<Arc<HostChecks>>,
    /// Templates that were read, which the reconciler shares.
    pub templates: Arc<Templates>,
    /// Seals credentials of hosts; without it none can be put.
    pub key: Option<Arc<MasterKey>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            installation: String::new(),
            requests_per_s: None,
            body_bytes_max: limits::BODY_BYTES_MAX,
            answer_within: Duration::from_millis(limits::server::ANSWER_MS_DEFAULT),
            webhooks: None,
            files: None,
            checks: None,
            key: None,
            progress: Progress::default(),
            sights: Sights::default(),
            images: Images::default(),
            templates: Arc::default(),
            drivers: None,
        }
    }
}

/// What every request can reach.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ledger: Handle,
    history: History,
    options: Options,
    rates: Arc<Rates>,
    meters: Meters,
    passwords: Passwords,
    watch: Watch,
    began: Instant,
}

impl App {
    /// An entrance to this ledger. Must be called within a tokio runtime.
    pub fn new(ledger: Handle, history: History, options: Options) -> Self {
        Self(Arc::new(Inner {
            rates: Arc::new(Rates::new(options.requests_per_s)),
            meters: Meters::new(&endpoints()),
            passwords: Passwords::default(),
            watch: Watch::start(ledger.follow()),
            began: Instant::now(),
            ledger,
            history,
            options,
        }))
    }

    fn ledger(&self) -> &Handle {
        &self.0.ledger
    }

    fn history(&self) -> &History {
        &self.0.history
    }

    fn options(&self) -> &Options {
        &self.0.options
    }

    fn progress(&self) -> &Progress {
        &self.0.options.progress
    }

    fn templates(&self) -> &Arc<Templates> {
        &self.0.options.templates
    }

    fn sights(&self) -> &Sights {
        &self.0.options.sights
    }

    fn images(&self) -> &Images {
        &self.0.options.images
    }

    /// Whether a host may have any.
    fn has_images(&self, host: &Host) -> bool {
        is_engine(&host.spec)
    }

    /// Loads a bundle as it comes.
    ///
    /// # Errors
    /// When this server speaks with no hosts.
    async fn load_images(
        &self,
        host: &Host,
        body: axum::body::BodyDataStream,
    ) -> Result<Result<LoadedImages, NotLoaded>, problem::Error> {
        let drivers = self.0.options.drivers.as_ref();
        let drivers = drivers.ok_or_else(|| problem::Error::new("unavailable"))?;
        Ok(self.images().load(drivers, host, body).await)
    }

    fn checks(&self) -> Result<&HostChecks, problem::Error> {
        let checks = self.0.options.checks.as_deref();
        checks.ok_or_else(|| problem::Error::new("unavailable"))
    }

    fn webhooks(&self) -> Result<&Webhooks, problem::Error> {
        let webhooks = self.0.options.webhooks.as_ref();
        webhooks.ok_or_else(|| problem::Error::new("unavailable"))
    }

    fn key(&self) -> Result<&MasterKey, problem::Error> {
        let key = self.0.options.key.as_deref();
        key.ok_or_else(|| problem::Error::new("unavailable"))
    }

    /// The rates of its keys and addresses, which other entrances count on too.
    pub fn rates(&self) -> &Arc<Rates> {
        &self.0.rates
    }

    /// Room to hash passwords in, which other entrances share.
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    fn meters(&self) -> &Meters {
        &self.0.meters
    }

    fn watch(&self) -> &Watch {
        &self.0.watch
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How far the history is behind the ledger, in milliseconds.
    fn history_lag_ms(&self) -> u64 {
        let (mark, at) = self.history().mark();
        let committed = *self.ledger().committed().borrow();
        if mark >= committed {
            return 0;
        }
        self.now().since(at)
    }

    /// Ledger time.
    fn now(&self) -> Time {
        self.ledger().now()
    }
}

/// Everything under `/`: HTTP v1, and other entrances beside it.
pub fn router(app: App, beside: Vec<Beside>) -> impl Answers {
    let (endpoints, _) = openapi::routes().split_for_parts();
    let endpoints = endpoints
        .fallback(|| async { problem::Error::new("no-such-path") })
        .method_not_allowed_fallback(|| async { problem::Error::new("method-not-allowed") })
        .with_state(app.clone());
    edge::around(app, endpoints, beside)
}

/// Every endpoint there is, from the same table as the router.
pub fn endpoints() -> Vec<(Method, String)> {
    openapi::endpoints(&openapi::document())
}

/// A pool as the server shows it once it was put so: with every default said. One that the server
/// would refuse comes back as it is.
pub fn filled_pool(spec: &caviada_api::pool::PoolSpec) -> caviada_api::pool::PoolSpec {
    v1::pool::filled(spec).unwrap_or_else(|_| spec.clone())
}

/// The same for a host.
pub fn filled_host(spec: &caviada_api::host::HostSpec) -> caviada_api::host::HostSpec {
    v1::host::filled(spec).unwrap_or_else(|_| spec.clone())
}

/// The OpenAPI document, as JSON.
pub fn description() -> String {
    openapi::document().to_pretty_json().unwrap_or_default()
}
