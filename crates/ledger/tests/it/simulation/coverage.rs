//! What was seen to happen, and what never did.

use std::collections::BTreeMap;
use std::fmt;

use caviada_core::lease::{End, LeaseState};
use caviada_core::refusal::Refusal;
use caviada_core::resource::ResourceState;

use super::world::history::Move;

/// Counts of everything that happened.
#[derive(Debug, Default)]
pub struct Coverage {
    pub steps: u64,
    /// Acts that did something, by name.
    pub acts: BTreeMap<&'static str, u64>,
    /// Refusals by code.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Moves of resources.
    pub moves: BTreeMap<Move, u64>,
    /// How leases ended.
    pub ends: BTreeMap<(LeaseState, End), u64>,
    /// Acts refused for the state of what they were about.
    pub blanks: BTreeMap<(&'static str, &'static str), u64>,
    /// Faults and other things that are no act.
    pub others: BTreeMap<&'static str, u64>,
}

fn add<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (k, n) in from {
        *to.entry(k).or_default() += n;
    }
}

impl Coverage {
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        add(&mut self.acts, other.acts);
        add(&mut self.refusals, other.refusals);
        add(&mut self.moves, other.moves);
        add(&mut self.ends, other.ends);
        add(&mut self.blanks, other.blanks);
        add(&mut self.others, other.others);
    }

    pub fn other(&mut self, what: &'static str) {
        *self.others.entry(what).or_default() += 1;
    }

    /// What should have happened and did not.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = vec![];
        for code in Refusal::CODES {
            if !self.refusals.contains_key(code) {
                missing.push(format!("refusal {code}"));
            }
        }
        missing
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} steps", self.steps)?;
        for (name, n) in &self.acts {
            writeln!(f, "{n:9} {name}")?;
        }
        for (code, n) in &self.refusals {
            writeln!(f, "{n:9} refused: {code}")?;
        }
        let word = |s: &Option<ResourceState>| s.map_or("-", ResourceState::as_str);
        for ((before, kind, after), n) in &self.moves {
            writeln!(f, "{n:9} {} {kind} {}", word(before), word(after))?;
        }
        for ((state, end), n) in &self.ends {
            writeln!(f, "{n:9} {state:?} ended {}", end.as_str())?;
        }
        for ((act, state), n) in &self.blanks {
            writeln!(f, "{n:9} refused: {act} of a {state} one")?;
        }
        for (what, n) in &self.others {
            writeln!(f, "{n:9} {what}")?;
        }
        Ok(())
    }
}
