//! Group commit: how many commands a busy ledger waits for before it begins a batch.
//!
//! A commit costs the same however little it holds. Without waiting a busy ledger begins many a
//! batch with the few commands that came while it answered the batch before, and lets most of the
//! others wait for that one's commit.

use std::time::Duration;

use caviada_core::limits;

/// Longest wait for a fuller batch: two or three syncs of a disk.
pub(crate) const GATHER_MAX: Duration = Duration::from_micros(limits::ledger::GATHER_US_MAX);
/// Batches that the mean goes back over, about.
const BATCHES: usize = 8;

/// What batches held of late.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// The mean of commands in a batch, times `BATCHES`.
    sum: usize,
}

impl Gather {
    /// Commands with which a batch begins at once; 0 if it is to begin with any.
    ///
    /// Three quarters of the mean: all of it would make every batch wait for the last of those it
    /// answered before, until nobody is left to send while it commits.
    pub fn enough(&self) -> usize {
        let enough = self.sum * 3 / 4 / BATCHES;
        if enough < limits::ledger::GATHER_MIN {
            0
        } else {
            enough
        }
    }

    /// A batch begins.
    pub fn begins(&mut self, commands: usize) {
        self.sum = self.sum - self.sum / BATCHES + commands;
    }
}

#[cfg(test)]
mod tests {
    use caviada_core::limits::COMMANDS_PER_TURN_MAX;
    use proptest::prelude::*;

    use super::*;

    fn after(batches: impl IntoIterator<Item = usize>) -> Gather {
        let mut gather = Gather::default();
        batches.into_iter().for_each(|b| gather.begins(b));
        gather
    }

    #[test]
    fn few_clients_never_wait_for_each_other() {
        for commands in 0..=limits::ledger::GATHER_MIN {
            assert_eq!(after([commands; 1_000]).enough(), 0);
        }
    }

    #[test]
    fn a_busy_ledger_waits_for_three_quarters_of_what_a_batch_held_of_late() {
        let enough = after([32; 100]).enough();
        assert!((22..=24).contains(&enough), "{enough}");
    }

    #[test]
    fn what_is_waited_for_falls_until_it_is_nothing_when_no_more_comes_than_that() {
        let mut gather = after([32; 100]);
        for _ in 0..100 {
            gather.begins(gather.enough());
        }
        assert_eq!(gather.enough(), 0);
    }

    #[test]
    fn the_first_batches_after_a_rush_are_the_only_ones_that_wait() {
        let mut gather = after([COMMANDS_PER_TURN_MAX; 100]);
        let waits = (0..1_000).filter(|_| {
            let waits = gather.enough() > 0;
            gather.begins(1);
            waits
        });
        let waits = waits.count();
        assert!((1..=64).contains(&waits), "{waits}");
    }

    proptest! {
        #[test]
        fn never_more_is_waited_for_than_the_fullest_batch_held(
            batches in prop::collection::vec(0..=COMMANDS_PER_TURN_MAX, 1..100),
        ) {
            let fullest = batches.iter().copied().max().unwrap_or_default();
            prop_assert!(after(batches).enough() <= fullest);
        }
    }
}
