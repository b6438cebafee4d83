//! The delivery's step: which event is sent next, when a failed one is sent again, and when a
//! target that lags too far is told of a gap instead. Pure; its shell reads the journal, makes the
//! calls and keeps the time.
//!
//! - At least once: the mark passes an event only once its call succeeded.
//! - In order per subject: an event is sent only when no earlier one of its subject is left.
//! - A failure slows the whole webhook: until its target answers again, one event at a time tries.
//! - A gap stands alone: it is sent after all that was under way, and before anything later.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Number;
use crate::limits;
use crate::time::Time;

/// One webhook's deliveries.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Everything up to here was read.
    read: Number,
    /// Read and not delivered, in order.
    left: BTreeMap<Number, Left>,
    /// Rounds of failures in a row.
    failures: u32,
    /// Nothing is sent before.
    not_before: Option<Time>,
}

#[derive(Debug, Clone)]
struct Left {
    what: Told,
    under_way: bool,
    /// A gap covers it: not tried again.
    given_up: bool,
}

impl Left {
    fn new(what: Told) -> Self {
        Self {
            what,
            under_way: false,
            given_up: false,
        }
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An event about this subject.
    Event(Box<str>),
    /// Everything after this number, up to the gap's own, is not told.
    Gap(Number),
}

impl Delivery {
    /// Goes on behind a mark.
    pub fn new(mark: Number) -> Self {
        Self {
            read: mark,
            left: BTreeMap::new(),
            failures: 0,
            not_before: None,
        }
    }

    /// Everything up to here was read.
    pub fn read_to(&self) -> Number {
        self.read
    }

    /// Everything up to here is delivered, or was not to be.
    pub fn mark(&self) -> Number {
        let marks = self.left.iter().map(|(number, left)| match &left.what {
            Told::Gap(after) => *after,
            Told::Event(_) => before(*number),
        });
        marks.min().unwrap_or(self.read)
    }

    /// Events read and not delivered.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// Rounds of failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Has it room to read further?
    pub fn has_room(&self) -> bool {
        self.left.len() < limits::WEBHOOK_WINDOW_MAX
    }

    /// The next event was read; `subject` says whose order it keeps, none that it is not told.
    pub fn read(&mut self, number: Number, subject: Option<Box<str>>) {
        debug_assert!(number > self.read, "read in order");
        self.read = number;
        if let Some(subject) = subject {
            self.left.insert(number, Left::new(Told::Event(subject)));
        }
    }

    /// Is it so far behind that it gives up what it missed? `backlog` counts the events after what
    /// was read.
    pub fn is_too_late(&self, backlog: u64) -> bool {
        backlog.saturating_add(self.left.len() as u64) > limits::WEBHOOK_BACKLOG_EVENTS_MAX as u64
    }

    /// Gives up everything up to `newest` and tells of the gap instead. What is under way may still
    /// succeed; it is not tried again.
    pub fn skip_to(&mut self, newest: Number) {
        debug_assert!(newest > self.read, "a gap is ahead");
        let mark = self.mark();
        self.left.retain(|_, left| left.under_way);
        self.left.values_mut().for_each(|left| left.given_up = true);
        self.read = newest;
        self.left.insert(newest, Left::new(Told::Gap(mark)));
    }

    /// What to send now; it counts as under way from here on.
    pub fn next(&mut self, now: Time) -> Vec<(Number, Told)> {
        if self.not_before.is_some_and(|t| now < t) {
            return vec![];
        }
        let under_way = self.left.values().filter(|l| l.under_way).count();
        let room = match self.failures {
            0 => limits::WEBHOOK_CALLS_MAX.saturating_sub(under_way),
            // One tries whether the target answers again.
            _ => 1usize.saturating_sub(under_way),
        };
        let mut subjects = BTreeSet::new();
        let mut sent = Vec::new();
        for (i, (number, left)) in self.left.iter_mut().enumerate() {
            if sent.len() >= room {
                break;
            }
            let free = match &left.what {
                Told::Event(subject) => subjects.insert(subject.clone()),
                Told::Gap(_) => i == 0,
            };
            if free && !left.under_way {
                left.under_way = true;
                sent.push((*number, left.what.clone()));
            }
            if matches!(left.what, Told::Gap(_)) {
                break;
            }
        }
        sent
    }

    /// A call ended.
    pub fn finished(&mut self, number: Number, ok: bool, now: Time) {
        let Some(left) = self.left.get_mut(&number) else {
            return;
        };
        left.under_way = false;
        if ok || left.given_up {
            self.left.remove(&number);
        }
        if ok {
            self.failures = 0;
            self.not_before = None;
        } else if self.not_before.is_none_or(|t| now >= t) {
            // Calls of one round that fail together are one failure.
            self.not_before = Some(now.plus_ms(back_off_ms(self.failures)));
            self.failures = self.failures.saturating_add(1);
        }
    }

    /// When there may be something to send although nothing happened.
    pub fn next_wake(&self, now: Time) -> Option<Time> {
        self.not_before
            .filter(|t| now < *t && !self.left.is_empty())
    }
}

/// Pause after so many rounds of failures.
fn back_off_ms(rounds: u32) -> u64 {
    let doubled = limits::BACK_OFF_MS_MIN.saturating_mul(1 << rounds.min(20));
    doubled.min(limits::BACK_OFF_MS_MAX)
}

/// The largest number before this one.
fn before(number: Number) -> Number {
    match number.index.checked_sub(1) {
        Some(index) => Number { index, ..number },
        None => Number {
            revision: number.revision.saturating_sub(1),
            index: u32::MAX,
        },
    }
}

#[cfg(test)]
mod tests;
