//! Ledger time: the wall clock at the start (or the last commit, if that is later) plus what a
//! monotonic clock counted since. It never falls, and a step of the wall clock moves it by no more
//! than the slew: no step expires anything early.

use std::time::Duration;

use caviada_core::limits;
use caviada_core::planted;
use caviada_core::time::Time;

/// Where time comes from; the simulation brings its own.
pub trait Source {
    /// What the wall clock shows.
    fn wall(&mut self) -> Time;
    /// Time since some fixed moment; it never falls, and time in suspend counts.
    fn monotonic(&mut self) -> Duration;
}

/// Why there is no ledger time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The wall clock is far behind the last commit: deadlines would be kept for that long.
    #[error(
        "the clock is {behind_ms} ms behind the last commit; set it right, \
         or start with --accept-clock to go on from the last commit"
    )]
    Behind {
        /// How far, in milliseconds.
        behind_ms: u64,
    },
    /// The wall clock stayed far ahead. A new start anchors ledger time anew, with its grace.
    #[error("the clock is {ahead_ms} ms ahead of ledger time; start again to follow it")]
    Ahead {
        /// How far, in milliseconds.
        ahead_ms: u64,
    },
}

const AHEAD_FOR: Duration = Duration::from_millis(limits::ledger::CLOCK_AHEAD_MS);

/// Keeps ledger time.
#[derive(Debug)]
pub struct Clock<C> {
    source: C,
    now: Duration,
    seen: Duration,
    ahead_since: Option<Duration>,
}

impl<C: Source> Clock<C> {
    /// Starts at the wall clock, or at the last commit if that is later.
    ///
    /// # Errors
    /// `Behind`, unless the caller accepts that.
    pub fn start(mut source: C, last_commit: Time, accept: bool) -> Result<Self, ClockError> {
        let (wall, seen) = (source.wall(), source.monotonic());
        let behind_ms = last_commit.since(wall);
        if behind_ms > limits::CLOCK_BEHIND_MAX_MS && !accept {
            return Err(ClockError::Behind { behind_ms });
        }
        let now = Duration::from_millis(wall.max(last_commit).0);
        Ok(Self {
            source,
            now,
            seen,
            ahead_since: None,
        })
    }

    /// Ledger time.
    ///
    /// # Errors
    /// `Ahead` when the wall clock has been far ahead for a minute.
    pub fn now(&mut self) -> Result<Time, ClockError> {
        let (wall, seen) = (
            Duration::from_millis(self.source.wall().0),
            self.source.monotonic(),
        );
        let passed = seen.saturating_sub(self.seen);
        self.seen = self.seen.max(seen);
        let unslewed = self.now + passed;
        let slew = passed.mul_f64(limits::SLEW_PPM as f64 / 1e6);
        let ahead = wall.saturating_sub(unslewed);
        self.now = if ahead > Duration::ZERO {
            unslewed + ahead.min(slew)
        } else {
            unslewed - (unslewed - wall).min(slew)
        };
        if planted!(ClockFollowed) {
            self.now = self.now.max(wall);
        }
        self.check_ahead(ahead)?;
        Ok(Time(milliseconds(self.now)))
    }

    fn check_ahead(&mut self, ahead: Duration) -> Result<(), ClockError> {
        let ahead_ms = milliseconds(ahead);
        if ahead_ms <= limits::CLOCK_AHEAD_MAX_MS {
            self.ahead_since = None;
            return Ok(());
        }
        let since = *self.ahead_since.get_or_insert(self.seen);
        if self.seen.saturating_sub(since) >= AHEAD_FOR {
            return Err(ClockError::Ahead { ahead_ms });
        }
        Ok(())
    }

    /// The source, for a simulation to move.
    pub fn source_mut(&mut self) -> &mut C {
        &mut self.source
    }
}

fn milliseconds(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

/// The clocks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Source for System {
    fn wall(&mut self) -> Time {
        let since = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default();
        Time(milliseconds(since))
    }

    #[cfg(target_os = "linux")]
    fn monotonic(&mut self) -> Duration {
        use nix::time::{ClockId, clock_gettime};
        // The boot clock is there since Linux 2.6.39.
        clock_gettime(ClockId::CLOCK_BOOTTIME)
            .map(Duration::from)
            .unwrap_or_default()
    }

    /// Where there is no boot clock, time in suspend does not count: leases live that much longer.
    #[cfg(not(target_os = "linux"))]
    fn monotonic(&mut self) -> Duration {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// The clock of another machine: as this one's, but for how far they were apart when it was asked.
#[derive(Debug, Clone, Copy)]
pub struct Shifted {
    ahead_ms: i64,
}

impl Shifted {
    /// The other clock is so many milliseconds ahead.
    pub(crate) fn by_ms(ahead_ms: i64) -> Self {
        Self { ahead_ms }
    }
}

impl Source for Shifted {
    fn wall(&mut self) -> Time {
        Time(System.wall().0.saturating_add_signed(self.ahead_ms))
    }

    fn monotonic(&mut self) -> Duration {
        System.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Sim {
        wall_ms: u64,
        monotonic_ms: u64,
    }

    impl Sim {
        fn pass(&mut self, ms: u64) {
            self.wall_ms += ms;
            self.monotonic_ms += ms;
        }
    }

    impl Source for Sim {
        fn wall(&mut self) -> Time {
            Time(self.wall_ms)
        }
        fn monotonic(&mut self) -> Duration {
            Duration::from_millis(self.monotonic_ms)
        }
    }

    const START_MS: u64 = 1_800_000_000_000;

    fn started(last_commit: u64) -> Clock<Sim> {
        let sim = Sim {
            wall_ms: START_MS,
            monotonic_ms: 7,
        };
        Clock::start(sim, Time(last_commit), false).unwrap()
    }

    #[test]
    fn ledger_time_follows_the_monotonic_clock() {
        let mut clock = started(0);
        clock.source.pass(1_234);
        assert_eq!(clock.now(), Ok(Time(START_MS + 1_234)));
    }

    #[test]
    fn ledger_time_starts_no_earlier_than_the_last_commit() {
        let mut clock = started(START_MS + 5_000);
        assert_eq!(clock.now(), Ok(Time(START_MS + 5_000)));
    }

    #[test]
    fn a_step_of_the_wall_clock_moves_ledger_time_only_by_the_slew() {
        for step in [-30_000_i64, 30_000] {
            let mut clock = started(0);
            clock.source.wall_ms = clock.source.wall_ms.saturating_add_signed(step);
            let mut last = Time(0);
            for second in 1..=1_000 {
                clock.source.pass(1_000);
                let now = clock.now().unwrap();
                assert!(now > last, "ledger time never falls");
                let true_ms = START_MS + second * 1_000;
                assert!(
                    now.0.abs_diff(true_ms) <= second / 2 + 1,
                    "{now} at {true_ms}"
                );
                last = now;
            }
        }
    }

    #[test]
    fn a_small_difference_is_slewed_away() {
        let mut clock = started(0);
        clock.source.wall_ms += 100;
        for _ in 0..300 {
            clock.source.pass(1_000);
            clock.now().unwrap();
        }
        assert_eq!(clock.now().unwrap().0, clock.source.wall_ms);
    }

    #[test]
    fn a_clock_far_ahead_ends_the_process_only_if_it_stays_there() {
        let mut clock = started(0);
        clock.source.wall_ms += 3_600_000;
        clock.source.pass(30_000);
        clock.now().unwrap();
        clock.source.wall_ms -= 3_600_000;
        clock.source.pass(31_000);
        clock.now().unwrap();
        clock.source.wall_ms += 3_600_000;
        clock.source.pass(1_000);
        clock.now().unwrap();
        clock.source.pass(61_000);
        assert!(matches!(clock.now(), Err(ClockError::Ahead { .. })));
    }

    #[test]
    fn a_clock_a_day_behind_the_last_commit_has_to_be_accepted() {
        let last = Time(START_MS + 86_400_001);
        let sim = || Sim {
            wall_ms: START_MS,
            monotonic_ms: 0,
        };
        let refused = Clock::start(sim(), last, false).err();
        assert_eq!(
            refused,
            Some(ClockError::Behind {
                behind_ms: 86_400_001
            })
        );
        assert_eq!(Clock::start(sim(), last, true).unwrap().now(), Ok(last));
    }
}
