//! A set of numbers as disjoint intervals that do not touch.

use imbl::{OrdMap, OrdSet};

/// All numbers from `first` to `last`, both included; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    first: u128,
    last: u128,
}

impl Interval {
    /// From `first` to `last`; none if `last` is the smaller.
    #[must_use]
    pub fn new(first: u128, last: u128) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// `len` numbers from `first` on; none if that is no number or too many.
    #[must_use]
    pub fn with_len(first: u128, len: u128) -> Option<Self> {
        Self::new(first, first.checked_add(len.checked_sub(1)?)?)
    }

    /// The lowest number.
    #[must_use]
    pub fn first(self) -> u128 {
        self.first
    }

    /// The highest number.
    #[must_use]
    pub fn last(self) -> u128 {
        self.last
    }

    /// How many numbers; the largest possible for all 2^128, which is one more.
    // An interval is never empty, so `is_empty` would say nothing.
    #[expect(clippy::len_without_is_empty, reason = "an interval is never empty")]
    #[must_use]
    pub fn len(self) -> u128 {
        self.span().saturating_add(1)
    }

    /// One less than how many numbers: this always fits.
    fn span(self) -> u128 {
        self.last - self.first
    }

    /// Whether all of `other` lies within.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// Whether the two have a number in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether the two together are one interval.
    pub(super) fn touches(self, other: Self) -> bool {
        self.first <= other.last.saturating_add(1) && other.first <= self.last.saturating_add(1)
    }

    /// The smallest interval that contains both.
    pub(super) fn hull(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// The order of this interval if it is an aligned block: 2^order numbers, the first of them a
    /// multiple of that.
    pub(super) fn block_order(self) -> Option<u8> {
        let order = self.largest_block();
        (self.first & block_span(order) == 0 && self.span() == block_span(order)).then_some(order)
    }

    /// The lowest aligned block of this order within.
    fn lowest_block(self, order: u8) -> Option<Self> {
        let span = block_span(order);
        let first = match self.first & span {
            0 => self.first,
            _ => (self.first | span).checked_add(1)?,
        };
        let block = Self {
            first,
            last: first.checked_add(span)?,
        };
        self.contains(block).then_some(block)
    }

    /// The order of the largest aligned block within. 2^n numbers in a row contain a block of order
    /// n - 1 wherever they begin, so there are but two to look at.
    fn largest_block(self) -> u8 {
        let Some(len) = self.span().checked_add(1) else {
            return 128;
        };
        let order = low_byte(len.ilog2());
        if order > 0 && self.lowest_block(order).is_none() {
            order - 1
        } else {
            order
        }
    }
}

/// An order is at most 128.
fn low_byte(order: u32) -> u8 {
    u8::try_from(order).unwrap_or(u8::MAX)
}

/// One less than the numbers of a block.
fn block_span(order: u8) -> u128 {
    1u128
        .checked_shl(u32::from(order))
        .map_or(u128::MAX, |len| len - 1)
}

/// An interval to be put overlaps what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the interval overlaps one that is there")]
pub struct Overlap;

/// Numbers as intervals, disjoint and maximal: no two touch. A clone shares all it can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntervalSet {
    /// First number → last.
    last_by_first: OrdMap<u128, u128>,
    /// (span, first): where a count fits.
    by_span: OrdSet<(u128, u128)>,
    /// (order of the largest aligned block within, first): where a prefix fits. The length does not
    /// tell: 4 to 11 are eight addresses and hold no /29.
    by_block: OrdSet<(u8, u128)>,
}

impl IntervalSet {
    /// The intervals, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Interval> {
        self.last_by_first.iter().map(|(first, last)| Interval {
            first: *first,
            last: *last,
        })
    }

    /// How many intervals there are.
    #[must_use]
    pub fn intervals(&self) -> usize {
        self.last_by_first.len()
    }

    /// How many numbers there are; the largest possible when they are more. O(intervals).
    #[must_use]
    pub fn len(&self) -> u128 {
        self.iter()
            .fold(0, |sum, interval| sum.saturating_add(interval.len()))
    }

    /// Whether there is no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last_by_first.is_empty()
    }

    /// Whether all of `interval` is in the set.
    #[must_use]
    pub fn contains(&self, interval: Interval) -> bool {
        self.around(interval.first)
            .is_some_and(|there| there.contains(interval))
    }

    /// Whether any of `interval` is in the set.
    #[must_use]
    pub fn overlaps(&self, interval: Interval) -> bool {
        self.around(interval.last)
            .is_some_and(|there| there.overlaps(interval))
    }

    /// Where `len` numbers in a row would be taken: at the begin of the lowest interval if they fit,
    /// else of the shortest in which they do, the lowest of these. None for 0.
    #[must_use]
    pub fn find(&self, len: u128) -> Option<Interval> {
        let span = len.checked_sub(1)?;
        let first = match self.lowest() {
            Some(lowest) if lowest.span() >= span => lowest.first,
            _ => self.by_span.get_next(&(span, 0))?.1,
        };
        Some(Interval {
            first,
            last: first + span,
        })
    }

    /// Where 2^`order` numbers from a multiple of that on would be taken: likewise, but the
    /// "shortest" is the one whose largest such block is smallest.
    #[must_use]
    pub fn find_aligned(&self, order: u8) -> Option<Interval> {
        if let Some(block) = self.lowest()?.lowest_block(order) {
            return Some(block);
        }
        let (_, first) = self.by_block.get_next(&(order, 0))?;
        self.around(*first)?.lowest_block(order)
    }

    /// Takes `len` numbers in a row and says where they begin. `align` is 1, or equal to `len` and a
    /// power of two.
    pub fn take(&mut self, len: u128, align: u128) -> Option<u128> {
        let found = if align == 1 {
            self.find(len)?
        } else if align == len && len.is_power_of_two() {
            self.find_aligned(low_byte(len.ilog2()))?
        } else {
            return None;
        };
        self.take_interval(found).then_some(found.first)
    }

    /// Takes the `len` numbers from `first` on if all of them are there, and says whether they were.
    pub fn take_exact(&mut self, first: u128, len: u128) -> bool {
        Interval::with_len(first, len).is_some_and(|interval| self.take_interval(interval))
    }

    /// Puts `len` numbers from `first` on there, joined with what touches them; 0 change nothing.
    ///
    /// # Errors
    /// [`Overlap`] when any of them is there already or is beyond the last number there is; nothing
    /// changes then.
    pub fn put(&mut self, first: u128, len: u128) -> Result<(), Overlap> {
        if len == 0 {
            return Ok(());
        }
        self.put_interval(Interval::with_len(first, len).ok_or(Overlap)?)
    }

    /// Takes `interval` if all of it is there, and says whether it was.
    pub fn take_interval(&mut self, interval: Interval) -> bool {
        let Some(there) = self
            .around(interval.first)
            .filter(|there| there.contains(interval))
        else {
            return false;
        };
        self.remove(there);
        if there.first < interval.first {
            self.insert(Interval {
                first: there.first,
                last: interval.first - 1,
            });
        }
        if interval.last < there.last {
            self.insert(Interval {
                first: interval.last + 1,
                last: there.last,
            });
        }
        true
    }

    /// Puts `interval` there, joined with what touches it.
    ///
    /// # Errors
    /// [`Overlap`] when any of it is there already; nothing changes then.
    pub fn put_interval(&mut self, interval: Interval) -> Result<(), Overlap> {
        if self.overlaps(interval) {
            return Err(Overlap);
        }
        let before = interval.first.checked_sub(1).and_then(|n| self.around(n));
        let after = interval.last.checked_add(1).and_then(|n| self.around(n));
        let mut joined = interval;
        for neighbour in [before, after].into_iter().flatten() {
            if neighbour.touches(interval) {
                self.remove(neighbour);
                joined = joined.hull(neighbour);
            }
        }
        self.insert(joined);
        Ok(())
    }

    /// The interval with the highest `first` that is at most `number`.
    fn around(&self, number: u128) -> Option<Interval> {
        let (first, last) = self.last_by_first.get_prev(&number)?;
        Some(Interval {
            first: *first,
            last: *last,
        })
    }

    fn lowest(&self) -> Option<Interval> {
        let (first, last) = self.last_by_first.get_min()?;
        Some(Interval {
            first: *first,
            last: *last,
        })
    }

    fn insert(&mut self, interval: Interval) {
        self.last_by_first.insert(interval.first, interval.last);
        self.by_span.insert((interval.span(), interval.first));
        self.by_block
            .insert((interval.largest_block(), interval.first));
    }

    fn remove(&mut self, interval: Interval) {
        self.last_by_first.remove(&interval.first);
        self.by_span.remove(&(interval.span(), interval.first));
        self.by_block
            .remove(&(interval.largest_block(), interval.first));
    }

    /// Asserts that the indexes say what the intervals say.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let by_span: OrdSet<_> = self.iter().map(|i| (i.span(), i.first)).collect();
        let by_block: OrdSet<_> = self.iter().map(|i| (i.largest_block(), i.first)).collect();
        assert_eq!(self.by_span, by_span);
        assert_eq!(self.by_block, by_block);
    }
}
