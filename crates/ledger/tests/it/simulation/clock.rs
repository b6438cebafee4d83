//! Two clocks: one that only runs, and one on the wall that somebody sets.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use caviada_core::time::Time;
use caviada_ledger::clock::Source;

use super::world::nouns::START;

/// Clones share the clocks.
#[derive(Debug, Clone)]
pub struct Clocks {
    true_ms: Rc<Cell<u64>>,
    wall_ms: Rc<Cell<u64>>,
}

impl Clocks {
    pub fn new() -> Self {
        Self {
            true_ms: Rc::new(Cell::new(1_000_000)),
            wall_ms: Rc::new(Cell::new(START.0)),
        }
    }

    pub fn pass(&self, ms: u64) {
        self.true_ms.set(self.true_ms.get() + ms);
        self.wall_ms.set(self.wall_ms.get() + ms);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, by_ms: i64) {
        let set = self.wall_ms.get().saturating_add_signed(by_ms);
        self.wall_ms.set(set.max(START.0 - 7 * 86_400_000));
    }

    /// How much time truly passed, by which nobody in the world goes.
    pub fn true_ms(&self) -> u64 {
        self.true_ms.get()
    }
}

impl Source for Clocks {
    fn wall(&mut self) -> Time {
        Time(self.wall_ms.get())
    }

    fn monotonic(&mut self) -> Duration {
        Duration::from_millis(self.true_ms.get())
    }
}
