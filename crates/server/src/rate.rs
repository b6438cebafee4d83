//! Rates: what one key may ask for in a second, and how often one address may fail to show one.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use caviada_core::id::KeyId;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Addresses whose failures are remembered at once; beyond that all share one account.
const ADDRESSES_MAX: usize = 10_000;
/// Failures one address may have at once.
const FAILURE_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);
/// And then in each second.
const FAILURES_PER_S: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// Too many: how long until the next one may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany(pub Duration);

/// The rates of one server, whatever the entrance.
#[derive(Debug)]
pub struct Rates {
    clock: DefaultClock,
    requests: Option<DefaultKeyedRateLimiter<KeyId>>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
}

impl Rates {
    /// So many requests per second for each key, as many at once; none is no bound.
    pub fn new(requests_per_s: Option<NonZeroU32>) -> Self {
        Self {
            clock: DefaultClock::default(),
            requests: requests_per_s.map(|rate| RateLimiter::keyed(Quota::per_second(rate))),
            failures: RateLimiter::keyed(
                Quota::per_second(FAILURES_PER_S).allow_burst(FAILURE_BURST),
            ),
        }
    }

    /// One more request of a key.
    ///
    /// # Errors
    /// When that is too many.
    pub fn request(&self, key: KeyId) -> Result<(), TooMany> {
        let Some(requests) = &self.requests else {
            return Ok(());
        };
        requests
            .check_key(&key)
            .map_err(|not_until| TooMany(not_until.wait_time_from(self.clock.now())))
    }

    /// One more failure of an address to show a key. A known key is always heard, so that nobody
    /// can shut out others behind the same address.
    ///
    /// # Errors
    /// When that is too many.
    pub fn failure(&self, peer: Option<IpAddr>) -> Result<(), TooMany> {
        if self.failures.len() > ADDRESSES_MAX {
            self.failures.retain_recent();
        }
        let nobody = IpAddr::from([0, 0, 0, 0]);
        let crowded = self.failures.len() > ADDRESSES_MAX;
        let account = peer.filter(|_| !crowded).unwrap_or(nobody);
        self.failures
            .check_key(&account)
            .map_err(|not_until| TooMany(not_until.wait_time_from(self.clock.now())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_over_its_rate_is_told_when_to_come_again() {
        let rates = Rates::new(NonZeroU32::new(2));
        let key = KeyId(1);
        assert!(rates.request(key).is_ok());
        assert!(rates.request(key).is_ok());
        assert!(rates.request(key).unwrap_err().0 > Duration::ZERO);
        assert!(rates.request(KeyId(2)).is_ok());
    }

    #[test]
    fn many_failures_from_many_addresses_stay_bounded() {
        let rates = Rates::new(None);
        for n in 0..30_000u32 {
            let _ = rates.failure(Some(std::net::Ipv4Addr::from_bits(n).into()));
        }
        assert!(rates.failures.len() <= ADDRESSES_MAX + 2);
    }
}
