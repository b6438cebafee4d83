//! `caviada run POOL -- COMMAND`: a command that holds a lease for as long as it runs.
//!
//! The lease is renewed at a third of its time and released when the command ends, however it
//! ends. A server that cannot be reached is no reason to stop the command: only once the deadline
//! may have passed is the lease taken for lost.

pub mod child;
pub mod heartbeat;
pub mod stop;

use std::ffi::OsString;
use std::time::Duration as Span;

use caviada_api::client::Client;
use caviada_api::duration::Duration;
use caviada_api::lease::{Acquire, Lease, Release};
use clap::{Args, ValueEnum};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};

use super::exit::{Exit, Failure};
use super::lease::environment;
use super::lease::want::{self, Granted, Want};
use child::Child;
use stop::Stop;

/// Releasing may take so long before the command's end is no longer held up.
const RELEASE_WITHIN: Span = Span::from_secs(15);
/// The same for a lease that is lost: there is probably nothing to release, or nobody to ask.
const RELEASE_LOST_WITHIN: Span = Span::from_secs(2);

/// Run a command while holding a lease.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    want: Want,
    /// What to do with the command when the lease is lost
    #[arg(long, value_enum, default_value_t)]
    on_lost: OnLost,
    /// When the command fails, keep the resource out of the pool for so long, to look at it
    #[arg(long, value_name = "DURATION")]
    hold_on_failure: Option<Duration>,
    /// How long a command that was told to stop may take before it is killed
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    grace: Duration,
    /// The command; it has CAVIADA_LEASE, CAVIADA_FENCE and CAVIADA_ENDPOINT_<NAME> in its
    /// environment
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// What to do with the command when the lease is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OnLost {
    /// Say so and let it run
    #[default]
    Warn,
    /// Stop it and exit with 6
    Kill,
}

/// `caviada run`.
pub async fn run(client: &Client, args: RunArgs) -> Result<Exit, Failure> {
    args.want.check()?;
    let request = args.want.request()?;
    // From here on a signal does not end this process: what was acquired is released first.
    let mut stop = Stop::listen()?;
    let asked = Instant::now();
    let lease = acquire(client, &request, &mut stop).await?;
    let granted = want::settle(client, Granted { lease, asked }, &request).await?;
    let id = granted.lease.id;
    if let Some(signal) = stop.next().now_or_never() {
        release(client, &granted.lease, &Release::default(), RELEASE_WITHIN).await;
        return Err(Failure::new(
            Exit::Child(stop::code(signal)),
            format!("{id} released: {signal}"),
        ));
    }
    tell(&granted.lease);
    let mut child = match Child::spawn(&args.command, &environment::pairs(&granted.lease)) {
        Ok(child) => child,
        Err(failure) => {
            release(client, &granted.lease, &Release::default(), RELEASE_WITHIN).await;
            return Err(failure);
        }
    };
    let ended = attend(
        client,
        &granted,
        request.ttl_ms,
        &mut child,
        &mut stop,
        &args,
    )
    .await?;
    let release_as = ended.release(args.hold_on_failure);
    let within = if ended.lost {
        RELEASE_LOST_WITHIN
    } else {
        RELEASE_WITHIN
    };
    release(client, &granted.lease, &release_as, within).await;
    Ok(ended.exit())
}

/// Acquires. Who is stopped meanwhile gives back what the answer, if it still comes, has for him.
async fn acquire(client: &Client, request: &Acquire, stop: &mut Stop) -> Result<Lease, Failure> {
    let mut answer = std::pin::pin!(client.acquire(request));
    let signal = tokio::select! {
        lease = &mut answer => return Ok(lease?),
        signal = stop.next() => signal,
    };
    let said = match tokio::time::timeout(RELEASE_LOST_WITHIN, answer).await {
        Ok(Ok(lease)) => {
            release(client, &lease, &Release::default(), RELEASE_WITHIN).await;
            format!("{} released: {signal}", lease.id)
        }
        Ok(Err(_)) => format!("{signal}"),
        Err(_) => format!("{signal}; what may have been granted ends at its deadline"),
    };
    Err(Failure::new(Exit::Child(stop::code(signal)), said))
}

/// How the command ended.
struct Ended {
    code: u8,
    lost: bool,
    killed_for_lease: bool,
}

impl Ended {
    fn exit(&self) -> Exit {
        if self.killed_for_lease {
            Exit::LeaseLost
        } else {
            Exit::Child(self.code)
        }
    }

    fn release(&self, hold: Option<Duration>) -> Release {
        match hold {
            Some(hold) if self.code != 0 => Release {
                hold_ms: Some(hold.0),
                reason: Some(format!("the command ended with {}", self.code)),
                ..Release::default()
            },
            _ => Release::default(),
        }
    }
}

/// Stays with the command until it ended.
async fn attend(
    client: &Client,
    granted: &Granted,
    ttl_ms: Option<u64>,
    child: &mut Child,
    stop: &mut Stop,
    args: &RunArgs,
) -> Result<Ended, Failure> {
    let mut heart = std::pin::pin!(heartbeat::keep(client, granted, ttl_ms));
    let mut beating = true;
    let mut killed_for_lease = false;
    let mut kill_at = None;
    loop {
        let last = kill_at.unwrap_or_else(Instant::now);
        tokio::select! {
            code = child.ended() => {
                return Ok(Ended { code: code?, lost: !beating, killed_for_lease });
            }
            signal = stop.next() => {
                if child.forward(signal) {
                    kill_at.get_or_insert(Instant::now() + Span::from(args.grace));
                }
            }
            lost = &mut heart, if beating => {
                beating = false;
                eprintln!("caviada: {} is lost: {lost}", granted.lease.id);
                if args.on_lost == OnLost::Kill {
                    killed_for_lease = true;
                    child.terminate();
                    kill_at.get_or_insert(Instant::now() + Span::from(args.grace));
                }
            }
            () = sleep_until(last), if kill_at.is_some() => {
                eprintln!("caviada: the command did not stop within {}: killed", args.grace);
                child.kill();
                kill_at = None;
            }
        }
    }
}

/// Never fails: a lease that is not released ends by itself.
async fn release(client: &Client, lease: &Lease, release: &Release, within: Span) {
    let answer = tokio::time::timeout(within, client.release(lease.id, release)).await;
    let why = match answer {
        Ok(Ok(_)) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    eprintln!("caviada: {} was not released: {why}", lease.id);
    eprintln!(
        "  it ends by itself at its deadline; or: caviada release {}",
        lease.id
    );
}

fn tell(lease: &Lease) {
    let names: Vec<String> = lease
        .resources
        .iter()
        .map(|r| super::table::printable(&format!("{}/{}", r.pool, r.name)))
        .collect();
    eprintln!("caviada: {} holds {}", lease.id, names.join(", "));
}
