//! Ledger time: the only time `core` knows. It never falls, and a step of the wall clock moves no
//! deadline.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment of ledger time, in milliseconds since 1970.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// Later by `ms` milliseconds; the end of time instead of an overflow.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this; 0 when `earlier` is in truth later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_neither_wraps_nor_goes_negative() {
        assert_eq!(Time(u64::MAX).plus_ms(1), Time(u64::MAX));
        assert_eq!(Time(5).since(Time(7)), 0);
        assert_eq!(Time(7).since(Time(5)), 2);
    }
}
