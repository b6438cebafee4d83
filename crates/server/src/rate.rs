//! Rates: what one key may ask for in a second, how often one address may fail to show one, and how
//! often somebody may try to sign in.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use caviada_core::id::KeyId;
use caviada_core::limits;
use caviada_core::name::Owner;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

const FAILURE_BURST: NonZeroU32 = NonZeroU32::new(limits::server::FAILURES_MAX).unwrap();
const FAILURES_PER_S: NonZeroU32 = NonZeroU32::new(limits::server::FAILURES_PER_S_MAX).unwrap();

/// Too many: how long until the next one may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany(pub Duration);

/// The rates of one server, whatever the entrance.
#[derive(Debug)]
pub struct Rates {
    clock: DefaultClock,
    requests: Option<DefaultKeyedRateLimiter<KeyId>>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    /// Tries from one address, of one name from one address, and of one name.
    sign_ins: [DefaultKeyedRateLimiter<(Option<Owner>, Option<IpAddr>)>; 3],
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
            sign_ins: [
                (
                    limits::SIGN_INS_PER_ADDRESS_MAX,
                    limits::SIGN_IN_PER_ADDRESS_MS,
                ),
                (limits::SIGN_INS_MAX, limits::SIGN_IN_MS),
                (limits::SIGN_INS_PER_USER_MAX, limits::SIGN_IN_PER_USER_MS),
            ]
            .map(|(burst, ms)| RateLimiter::keyed(every(burst, ms))),
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

    /// One more try to sign in as somebody. One who is told to come again was not looked at, and is
    /// not counted for his name: a single address cannot shut its bearer out everywhere. Nor can it
    /// fill what is remembered, since it is asked for first; and where that is full, each address
    /// still has an account of its own.
    ///
    /// # Errors
    /// When that is too many.
    pub fn sign_in(&self, name: Option<&Owner>, peer: Option<IpAddr>) -> Result<(), TooMany> {
        let accounts = [(None, peer), (name.cloned(), peer), (name.cloned(), None)];
        let alone = [None, peer, peer];
        for ((tries, account), alone) in self.sign_ins.iter().zip(accounts).zip(alone) {
            if tries.len() > limits::server::ADDRESSES_MAX {
                tries.retain_recent();
            }
            let crowded = tries.len() > limits::server::ADDRESSES_MAX;
            let account = if crowded { (None, alone) } else { account };
            tries
                .check_key(&account)
                .map_err(|not_until| TooMany(not_until.wait_time_from(self.clock.now())))?;
        }
        Ok(())
    }

    /// One more failure of an address to show a key. A known key is always heard, so that nobody
    /// can shut out others behind the same address.
    ///
    /// # Errors
    /// When that is too many.
    pub fn failure(&self, peer: Option<IpAddr>) -> Result<(), TooMany> {
        if self.failures.len() > limits::server::ADDRESSES_MAX {
            self.failures.retain_recent();
        }
        let nobody = IpAddr::from([0, 0, 0, 0]);
        let crowded = self.failures.len() > limits::server::ADDRESSES_MAX;
        let account = peer.filter(|_| !crowded).unwrap_or(nobody);
        self.failures
            .check_key(&account)
            .map_err(|not_until| TooMany(not_until.wait_time_from(self.clock.now())))
    }
}

/// So many at once, and then one in so long.
fn every(burst: u32, ms: u64) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(Duration::from_millis(ms.max(1)));
    quota.unwrap_or(Quota::per_second(burst)).allow_burst(burst)
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
    fn tries_to_sign_in_are_bounded_for_a_user_and_an_address() {
        let rates = Rates::new(None);
        let owner = |text: &str| Owner::new(text).unwrap();
        let from = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
        let tries = |name: &str, peer| {
            let tries = 0..1_000;
            tries
                .take_while(|_| rates.sign_in(Some(&owner(name)), peer).is_ok())
                .count()
        };
        let max = limits::SIGN_INS_MAX as usize;
        assert_eq!(tries("ann", from(1)), max);
        // Others there, and she elsewhere, are still heard.
        assert_eq!(tries("bob", from(1)), max);
        assert_eq!(tries("ann", from(2)), max);
        let once = |n| {
            let name = owner(&format!("u{n}"));
            rates.sign_in(Some(&name), from(3)).is_ok()
        };
        let names = (0..1_000).filter(|n| once(*n)).count();
        assert_eq!(names, limits::SIGN_INS_PER_ADDRESS_MAX as usize);
        let places: usize = (10..40).map(|n| tries("cid", from(n))).sum();
        assert_eq!(places, limits::SIGN_INS_PER_USER_MAX as usize);
    }

    #[test]
    fn one_address_does_not_keep_all_others_from_signing_in() {
        let rates = Rates::new(None);
        let owner = |n: usize| Owner::new(&format!("u{n}")).unwrap();
        let loud = Some(IpAddr::from([10, 0, 0, 1]));
        for n in 0..3 * limits::server::ADDRESSES_MAX {
            let _ = rates.sign_in(Some(&owner(n)), loud);
        }
        assert!(
            rates
                .sign_ins
                .iter()
                .all(|tries| tries.len() < limits::server::ADDRESSES_MAX)
        );
        // Nor do many, who fill all there is: whoever is new has an account still.
        for n in 0..=limits::server::ADDRESSES_MAX {
            let address =
                std::net::Ipv4Addr::from_bits(0x0b00_0000 + u32::try_from(n).unwrap()).into();
            let _ = rates.sign_ins[1].check_key(&(Some(owner(n)), Some(address)));
        }
        let heard = (2..30).filter(|n| {
            let peer = Some(IpAddr::from([10, 0, 0, *n]));
            rates.sign_in(Some(&owner(7)), peer).is_ok()
        });
        assert_eq!(heard.count(), 28);
    }

    #[test]
    fn many_failures_from_many_addresses_stay_bounded() {
        let rates = Rates::new(None);
        for n in 0..30_000u32 {
            let _ = rates.failure(Some(std::net::Ipv4Addr::from_bits(n).into()));
        }
        assert!(rates.failures.len() <= limits::server::ADDRESSES_MAX + 2);
    }
}
