//! What every driver promises, told once and run against each of them.
//!
//! A driver's test module makes a [`Fixture`] and calls [`contract!`], which turns each promise
//! into a test of its own. Everything a test makes bears an installation of its own, and is
//! removed when the test ends, however it ends.

use std::any::Any;
use std::future::Future;
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use caviada_core::id::ResourceId;
use caviada_driver::blueprint::{Blueprint, Check, Output, OutputValue, Probe, Protocol, Service};
use caviada_driver::{Built, Condition, Driver, DriverError, Identity, Seen};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub mod altering;
pub mod building;
pub mod failing;
pub mod looking_in;
pub mod story;

/// How the suite makes and breaks things with one driver.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The installation all drivers of this fixture speak for.
    fn installation(&self) -> &str;

    /// A driver that knows nothing yet, as after a restart of the server.
    fn driver(&self) -> Arc<dyn Driver>;

    /// A service of this name that runs the test helper with these words and publishes nothing.
    fn service(&self, name: &str, words: &[&str]) -> Service;

    /// A service that answers HTTP on container port 8080, published as `host`; it becomes healthy
    /// at /health after this time.
    fn serve(&self, name: &str, host: u16, healthy_after: Duration) -> Service;

    /// Kills a service with SIGKILL from outside.
    async fn kill(&self, identity: &Identity, service: &str);

    /// The ids (containers, processes) that stand for one generation, running or not.
    async fn members(&self, identity: &Identity) -> Vec<String>;

    /// Puts up something foreign: first without any label but with a name such as this resource's
    /// own things have, then with the labels of another installation.
    async fn plant(&self, identity: &Identity) -> Vec<String>;

    /// Which of the planted things still stand, untouched.
    async fn standing(&self, planted: &[String]) -> Vec<String>;

    /// Removes the planted things.
    async fn uproot(&self, planted: &[String]);

    /// More than a host takes to start a service, and hardly longer than a test should wait.
    fn start_ms(&self) -> u64 {
        3_000
    }

    /// Lets somebody else listen on a host port, until what is returned is dropped.
    fn occupy(&self, port: u16) -> Box<dyn Any + Send> {
        Box::new(TcpListener::bind(("0.0.0.0", port)).unwrap())
    }
}

/// Runs a promise and removes what it made, whether it held or not.
pub async fn keep<F, P>(fixture: F, promise: P)
where
    F: Fixture,
    P: for<'a> FnOnce(&'a F) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
{
    let kept = AssertUnwindSafe(promise(&fixture)).catch_unwind().await;
    let driver = fixture.driver();
    let mut left = driver.list().await.expect("the host can be listed");
    left.dedup_by_key(|seen| seen.identity.resource);
    for seen in left {
        let resource = seen.identity.resource;
        driver
            .delete(resource, u64::MAX)
            .await
            .expect("what a test made can be removed");
    }
    if let Err(panic) = kept {
        std::panic::resume_unwind(panic);
    }
}

/// One test per promise, or with `together` all of them as a list, for parts that are too heavy to be
/// had for each.
macro_rules! contract {
    ($fixture:path) => {
        crate::contract::contract!(@list each $fixture);
    };
    (together $fixture:expr) => {
        crate::contract::contract! { @list together $fixture }
    };
    (@list $how:ident $($fixture:tt)+) => {
        crate::contract::contract! { @$how ($($fixture)+),
            story::what_stands_can_be_looked_into_acted_on_replaced_and_removed,
            story::what_was_cut_off_is_finished_in_order_and_a_killed_member_is_named,
            building::foreign_things_are_neither_seen_nor_touched,
            failing::a_service_that_never_gets_ready_is_told_with_its_last_lines_by_each_deadline,
            failing::a_service_that_ends_early_is_told_at_once,
            failing::a_job_that_fails_fails_the_bring_up,
            failing::a_job_must_write_what_was_asked,
            failing::a_taken_port_is_named,
            story::what_is_altered_is_made_anew_only_where_it_differs_and_can_be_undone,
        }
    };
    (@together ($fixture:expr), $($promise:ident :: $name:ident,)*) => {
        [$((stringify!($name), {
            let fixture = $fixture;
            Box::pin(async move {
                crate::contract::keep(fixture, |f| {
                    Box::pin(crate::contract::$promise::$name(f))
                })
                .await;
            }) as crate::contract::Promise
        })),*]
    };
    (@each ($fixture:path), $($promise:ident :: $name:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let Some(fixture) = $fixture() else { return };
            crate::contract::keep(fixture, |f| {
                Box::pin(crate::contract::$promise::$name(f))
            })
            .await;
        }
    )*};
}
pub(crate) use contract;

/// A promise about to be kept.
pub type Promise = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Keeps promises, so many at once, and tells of all that were broken.
pub async fn keep_all(promises: impl IntoIterator<Item = (&'static str, Promise)>, at_once: usize) {
    let kept = promises.into_iter().map(|(name, promise)| async move {
        let kept = tokio::spawn(promise).await;
        eprintln!("{name}: {}", if kept.is_ok() { "kept" } else { "BROKEN" });
        kept.is_err().then_some(name)
    });
    let broken = stream::iter(kept).buffer_unordered(at_once);
    let broken: Vec<_> = broken.filter_map(std::future::ready).collect().await;
    assert!(broken.is_empty(), "broken: {broken:#?}");
}

/// An installation no other test or run uses.
pub fn installation() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    // The first eight characters make the names, so these alone must differ between tests.
    let nanos = since.as_secs().wrapping_mul(1_000_000_000) + u64::from(since.subsec_nanos());
    let unique = (nanos ^ (u64::from(std::process::id()) << 40)) + n;
    format!(
        "{:08x}-contract-test",
        unique.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
    )
}

/// A host port below the ephemeral range that nobody listens on.
pub fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test runners start a process per test: their ids keep the processes apart.
    let base = 20_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 12;
    loop {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed) % 1_000;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// A resource that is up, of which a story promises one thing after the other.
pub struct Standing {
    pub id: Identity,
    pub blueprint: Blueprint,
    pub built: Built,
}

pub fn identity(fixture: &dyn Fixture, resource: u64, generation: u64) -> Identity {
    Identity {
        installation: fixture.installation().to_owned(),
        resource: ResourceId(resource),
        generation,
        revision: 100 + generation,
    }
}

/// One serving service, its port as output and as readiness.
pub fn serving(fixture: &dyn Fixture, host: u16) -> Blueprint {
    Blueprint {
        services: vec![fixture.serve("web", host, Duration::ZERO)],
        outputs: vec![
            Output {
                name: "web".into(),
                value: OutputValue::Port {
                    service: "web".into(),
                    port: 8080,
                    protocol: Protocol::Tcp,
                    format: "{address}:{port}".into(),
                },
            },
            Output {
                name: "profile".into(),
                value: OutputValue::Document(r#"{"url": "http://{web}/"}"#.into()),
            },
        ],
        readiness: vec![Probe {
            check: Check::Http {
                service: "web".into(),
                port: 8080,
                path: "/health".into(),
                status: 200,
                contains: Some("ok".into()),
            },
            interval_ms: 50,
            timeout_ms: 2_000,
            within_ms: 30_000,
        }],
        create_ms_max: 60_000,
        ..Blueprint::default()
    }
}

pub async fn create(
    driver: &dyn Driver,
    identity: &Identity,
    blueprint: &Blueprint,
) -> Result<Built, DriverError> {
    driver.create(identity, blueprint, &|_| {}).await
}

/// What `list` says of one generation.
pub async fn seen(driver: &dyn Driver, identity: &Identity) -> Option<Seen> {
    let all = driver.list().await.unwrap();
    let of = |s: &Seen| {
        s.identity.resource == identity.resource && s.identity.generation == identity.generation
    };
    all.into_iter().find(of)
}

/// Lists until a generation is in this condition: hosts notice deaths in their own time.
pub async fn until(driver: &dyn Driver, identity: &Identity, condition: Condition) -> Seen {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let last = seen(driver, identity).await;
        match last {
            Some(seen) if seen.condition == condition => return seen,
            last if tokio::time::Instant::now() > deadline => {
                panic!("not {condition:?} but {last:?}")
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The body of `GET path` at `host:port`.
pub async fn get(address: &str, path: &str) -> std::io::Result<String> {
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned());
        body.ok_or_else(|| std::io::Error::other("no body"))
    };
    tokio::time::timeout(Duration::from_secs(10), exchange).await?
}
