//! Renewing a lease for as long as a command runs.

use std::time::Duration as Span;

use caviada_api::client::{Client, Error};
use caviada_api::lease::{Lease, LeaseState, Renew};
use caviada_api::problem::code;
use tokio::time::{Instant, sleep_until, timeout};

use crate::cli::exit::of_ended;
use crate::cli::lease::want::Granted;
use crate::cli::table::printable;

/// Shortest pause between two renewals.
const PAUSE_MIN: Span = Span::from_millis(250);
/// Longest time one renewal may hang before a fresh one is tried.
const TRY_MAX: Span = Span::from_secs(10);
/// How often a lease without deadline is looked at.
const LOOK: Span = Span::from_secs(30);

/// Renews at a third of the lease's time. Ends only when the lease is lost, and says why.
pub async fn keep(client: &Client, granted: &Granted, ttl_ms: Option<u64>) -> String {
    let mut watch = Watch::default();
    let mut lease = granted.lease.clone();
    let mut asked = granted.asked;
    loop {
        watch.look(&lease);
        if lease.state == LeaseState::Ended {
            return of_ended(&lease).to_string();
        }
        let span = lease.expires_in_ms.map(Span::from_millis);
        let deadline = span.map(|span| asked + span);
        sleep_until(asked + span.map_or(LOOK, |span| (span / 3).max(PAUSE_MIN))).await;
        (lease, asked) = match beat(client, &granted.lease, ttl_ms, deadline, span).await {
            Ok(next) => next,
            Err(lost) => return lost,
        };
    }
}

/// One renewal, tried until it is answered or the deadline has passed.
async fn beat(
    client: &Client,
    granted: &Lease,
    ttl_ms: Option<u64>,
    deadline: Option<Instant>,
    span: Option<Span>,
) -> Result<(Lease, Instant), String> {
    let renew = Renew {
        ttl_ms,
        // After a swap the command still holds what it was given: that is as good as lost.
        fence: granted.fence,
    };
    let within = span.map_or(TRY_MAX, |span| (span / 3).clamp(PAUSE_MIN, TRY_MAX));
    let mut warned = false;
    loop {
        let asked = Instant::now();
        let answer = match deadline {
            Some(_) => timeout(within, client.renew(granted.id, &renew)).await,
            None => timeout(within, client.lease(granted.id)).await,
        };
        let why = match answer {
            Ok(Ok(lease)) => return Ok((lease, asked)),
            Ok(Err(error)) if is_final(&error) => return Err(printable(&error.to_string())),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(format!(
                "its deadline passed and it could not be renewed: {why}"
            ));
        }
        if !warned {
            eprintln!("caviada: {} cannot be renewed yet: {why}", granted.id);
            warned = true;
        }
        let pause = (within / 4).max(PAUSE_MIN);
        let until = deadline.map_or(Instant::now() + pause, |d| d.min(Instant::now() + pause));
        sleep_until(until).await;
    }
}

/// The server knows the lease no more as ours: no retry will help.
fn is_final(error: &Error) -> bool {
    error.is_unknown() || matches!(error.code(), Some(code::LEASE_ENDED | code::STALE_FENCE))
}

/// Says once of each resource that it is unwell.
#[derive(Default)]
struct Watch {
    told: std::collections::BTreeSet<caviada_core::id::ResourceId>,
}

impl Watch {
    fn look(&mut self, lease: &Lease) {
        for resource in lease.resources.iter().filter(|r| r.flagged) {
            if self.told.insert(resource.id) {
                eprintln!(
                    "caviada: {} of {} is unwell",
                    printable(&resource.name),
                    lease.id
                );
            }
        }
    }
}
