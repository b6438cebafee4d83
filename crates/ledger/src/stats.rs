//! Counts of the ledger's work since its start.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::answer::Failure;
use crate::turn::Turn;

/// Bucket `i` counts values below 2^i that are in no bucket before it.
const BUCKETS: usize = 32;

/// What the ledger did since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commands that wait to be taken.
    pub queue: u64,
    /// Commands answered, refusals included.
    pub commands: u64,
    /// Commands refused by the domain.
    pub refused: u64,
    /// Commands the store did not take.
    pub unavailable: u64,
    /// Commands whose deciding panicked.
    pub panicked: u64,
    /// Batches committed.
    pub commits: u64,
    /// Events committed.
    pub events: u64,
    /// Commands per turn that had any.
    pub batch: Distribution,
    /// Time of each turn that committed, in microseconds, its answers and publishing apart.
    pub turn_us: Distribution,
    /// The longest of them.
    pub turn_us_max: u64,
    /// What of it the store took, in microseconds.
    pub commit_us: Distribution,
    /// The longest of these.
    pub commit_us_max: u64,
    /// The longest turn without what the store took of it.
    pub work_us_max: u64,
}

/// Values by powers of two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    buckets: [u64; BUCKETS],
}

impl Distribution {
    /// A bound that so much of all values (0 to 1) does not exceed; within a factor of two. None
    /// without values.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let all: u64 = self.buckets.iter().sum();
        let mut below = 0;
        for (i, n) in self.buckets.iter().enumerate() {
            below += n;
            if below > 0 && below as f64 >= share * all as f64 {
                return Some((1 << i) - 1);
            }
        }
        None
    }

    /// Upper bounds (inclusive) and how many values are in each bucket, for a histogram.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets
            .iter()
            .enumerate()
            .map(|(i, n)| ((1 << i) - 1, *n))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    commands: AtomicU64,
    refused: AtomicU64,
    unavailable: AtomicU64,
    panicked: AtomicU64,
    commits: AtomicU64,
    events: AtomicU64,
    batch: [AtomicU64; BUCKETS],
    turn_us: [AtomicU64; BUCKETS],
    turn_us_max: AtomicU64,
    commit_us: [AtomicU64; BUCKETS],
    commit_us_max: AtomicU64,
    work_us_max: AtomicU64,
}

impl Counts {
    /// Only the ledger's thread counts, so nothing has to be atomic together.
    pub fn turn(&self, turn: &Turn, took: Duration) {
        let add = |count: &AtomicU64, n: usize| {
            count.fetch_add(n as u64, Ordering::Relaxed);
        };
        let failed = |of: fn(&Failure) -> bool| {
            turn.answers
                .iter()
                .filter(|a| a.as_ref().is_err_and(of))
                .count()
        };
        add(&self.commands, turn.answers.len());
        add(&self.refused, failed(|f| matches!(f, Failure::Refused(_))));
        add(
            &self.unavailable,
            failed(|f| matches!(f, Failure::Unavailable)),
        );
        add(&self.panicked, failed(|f| matches!(f, Failure::Internal)));
        add(&self.commits, turn.revisions.len());
        for revision in &turn.revisions {
            add(&self.events, revision.events().count());
        }
        if !turn.answers.is_empty() {
            add(bucket(&self.batch, turn.answers.len() as u64), 1);
        }
        if !turn.revisions.is_empty() {
            let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            self.took(us(took), us(turn.stored));
        }
    }

    fn took(&self, turn_us: u64, commit_us: u64) {
        bucket(&self.turn_us, turn_us).fetch_add(1, Ordering::Relaxed);
        bucket(&self.commit_us, commit_us).fetch_add(1, Ordering::Relaxed);
        let work_us = turn_us.saturating_sub(commit_us);
        for (max, us) in [
            (&self.turn_us_max, turn_us),
            (&self.commit_us_max, commit_us),
            (&self.work_us_max, work_us),
        ] {
            max.fetch_max(us, Ordering::Relaxed);
        }
    }

    pub fn stats(&self, queue: usize) -> Stats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let distribution = |buckets: &[AtomicU64; BUCKETS]| Distribution {
            buckets: std::array::from_fn(|i| read(&buckets[i])),
        };
        Stats {
            queue: queue as u64,
            commands: read(&self.commands),
            refused: read(&self.refused),
            unavailable: read(&self.unavailable),
            panicked: read(&self.panicked),
            commits: read(&self.commits),
            events: read(&self.events),
            batch: distribution(&self.batch),
            turn_us: distribution(&self.turn_us),
            turn_us_max: read(&self.turn_us_max),
            commit_us: distribution(&self.commit_us),
            commit_us_max: read(&self.commit_us_max),
            work_us_max: read(&self.work_us_max),
        }
    }
}

fn bucket(buckets: &[AtomicU64; BUCKETS], value: u64) -> &AtomicU64 {
    let i = (u64::BITS - value.leading_zeros()) as usize;
    &buckets[i.min(BUCKETS - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_a_factor_of_two() {
        let counts = Counts::default();
        for value in [1, 1, 1, 5, 100] {
            bucket(&counts.batch, value).fetch_add(1, Ordering::Relaxed);
        }
        let batch = counts.stats(0).batch;
        assert_eq!(batch.quantile(0.5), Some(1));
        assert_eq!(batch.quantile(0.8), Some(7));
        assert_eq!(batch.quantile(1.0), Some(127));
        assert_eq!(Distribution::default().quantile(0.5), None);
        bucket(&counts.batch, u64::MAX).fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn the_longest_turn_is_told_exactly_and_what_of_it_the_store_took() {
        let counts = Counts::default();
        assert_eq!(counts.stats(0).turn_us_max, 0);
        for (turn, commit) in [(700, 600), (20_001, 19_000), (3_000, 500)] {
            counts.took(turn, commit);
        }
        let stats = counts.stats(0);
        let longest = [stats.turn_us_max, stats.commit_us_max, stats.work_us_max];
        assert_eq!(longest, [20_001, 19_000, 2_500]);
        assert_eq!(stats.turn_us.quantile(0.5), Some(4_095));
        assert_eq!(stats.commit_us.quantile(0.5), Some(1_023));
    }
}
