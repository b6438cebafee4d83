//! What would be in the way of building on a host, looked at before somebody builds there.
//!
//! It does not pass the ledger: the entrance has looked at rights, this module speaks with the
//! driver and knocks at ports, and nothing is kept.

use std::time::Duration;

use caviada_api::timestamp::Timestamp;
use caviada_core::host::Host;
use caviada_core::host::survey::{Finding, Knock, Verdict, findings};
use caviada_core::limits;
use caviada_ledger::clock::{Source as _, System};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Drivers, reach};

const LOOK_MAX: Duration = Duration::from_millis(limits::server::CHECK_MS_MAX);
const KNOCK_MAX: Duration = Duration::from_millis(limits::server::KNOCK_MS_MAX);

/// Looks at hosts for whoever asks.
#[derive(Debug)]
pub struct HostChecks {
    drivers: Drivers,
    room: Semaphore,
}

/// Too many are looked at already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many hosts are being checked")]
pub struct Busy;

impl HostChecks {
    /// Looks through drivers of its own.
    pub fn new(drivers: Drivers) -> Self {
        Self {
            drivers,
            room: Semaphore::new(limits::CHECKS_AT_ONCE_MAX),
        }
    }

    /// Everything there is to say of a host, declared or not. One that cannot be reached is a
    /// finding, too.
    ///
    /// # Errors
    /// When too many ask at once.
    pub async fn check(&self, host: &Host) -> Result<Vec<Finding>, Busy> {
        let _room = self.room.try_acquire().map_err(|_| Busy)?;
        Ok(examine(&self.drivers, host).await)
    }
}

/// Everything there is to say of a host.
pub async fn examine(drivers: &Drivers, host: &Host) -> Vec<Finding> {
    let driver = match drivers.of(host) {
        Ok(driver) => driver,
        Err(unfit) => return unreached(unfit.to_string()),
    };
    let survey = match timeout(LOOK_MAX, driver.survey()).await {
        Ok(Ok(survey)) => survey,
        Ok(Err(error)) => return unreached(error.to_string()),
        Err(_) => return unreached(format!("no answer within {} s", LOOK_MAX.as_secs())),
    };
    let told: Option<Timestamp> = survey.clock.as_deref().and_then(|text| text.parse().ok());
    let off_ms = told.map(|at| at.0.abs_diff(System.wall().0));
    findings(&host.spec, &survey, off_ms, &knock(host).await)
}

fn unreached(why: String) -> Vec<Finding> {
    let next = "see that the engine runs, that its address is right, and that what proves who we \
                are is what it asks for";
    vec![Finding {
        check: "engine",
        verdict: Verdict::Bad,
        what: format!("{why}; {next}"),
    }]
}

/// Knocks at some ports of a host: one that a firewall hides answers no better for another.
async fn knock(host: &Host) -> Vec<(u16, Knock)> {
    let Some(range) = host.spec.ports else {
        return Vec::new();
    };
    let mut ports = vec![
        range.first,
        range.first + range.last.saturating_sub(range.first) / 2,
        range.last,
    ];
    ports.dedup();
    let place = reach(&host.spec);
    let knocks = ports.into_iter().map(|port| {
        let place = place.clone();
        async move {
            let knock = match timeout(KNOCK_MAX, TcpStream::connect((&*place, port))).await {
                Ok(Ok(_)) => Knock::Open,
                Ok(Err(e)) if e.kind() == std::io::ErrorKind::ConnectionRefused => Knock::Closed,
                _ => Knock::Silent,
            };
            (port, knock)
        }
    });
    futures_util::future::join_all(knocks).await
}
