//! What was seen to happen, and what never did.

use std::collections::BTreeMap;
use std::fmt;

use caviada_core::check::table::{self, Effect};
use caviada_core::event::Event;
use caviada_core::lease::{End, LeaseState};
use caviada_core::refusal::Refusal;
use caviada_core::resource::ResourceState;

use caviada_ledger::journal;

use super::world::history::{LeaseMove, Move};

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
    /// Moves of leases.
    pub lease_moves: BTreeMap<LeaseMove, u64>,
    /// How leases ended.
    pub ends: BTreeMap<(LeaseState, End), u64>,
    /// Acts that changed nothing for the state of what they were about: refused, or as asked.
    pub blanks: BTreeMap<(&'static str, &'static str, Effect), u64>,
    /// Faults and other things that are no act.
    pub others: BTreeMap<&'static str, u64>,
}

const ALTERATIONS: [&str; 4] = [
    "an alteration was done",
    "an alteration failed",
    "what an alteration began was undone",
    "what an alteration began stayed",
];

/// How what has nothing to do with a sick host, template or image comes to its end.
pub const BESIDE_SICK: [&str; 2] = [
    "hosts beside a sick one came to rest",
    "pools beside a sick one came to rest",
];

/// What else has to go wrong somewhere, or the rest proves little.
const TROUBLES: [&str; 15] = [
    "a call nobody waits for had its effect",
    "a clock far behind had to be accepted",
    "a crash",
    "a host changed its mood",
    "a late holder was refused outside",
    "a process that was taken over from went on",
    "a quiet end",
    "a template or an image went sick or was cured",
    "an old store was put back",
    "another installation made something",
    "something broke on a host",
    "the clock ended the process",
    "the store ended the process",
    "the store refused",
    "trouble with the disk",
];

/// What the journal loses while things go on.
pub const FORGOT: &str = "the ledger forgot what the history has read";

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
        add(&mut self.lease_moves, other.lease_moves);
        add(&mut self.ends, other.ends);
        add(&mut self.blanks, other.blanks);
        add(&mut self.others, other.others);
    }

    pub fn other(&mut self, what: &'static str) {
        *self.others.entry(what).or_default() += 1;
    }

    /// How alterations end: their moves are none of the table's.
    pub fn alteration(&mut self, event: &Event) {
        let [done, failed, undone, stayed] = ALTERATIONS;
        match event {
            Event::ResourceAltered { .. } => self.other(done),
            Event::ResourceRestored(_) => self.other(undone),
            Event::ResourceUnaltered { undo_by, .. } => match undo_by {
                Some(_) => self.other(failed),
                None => self.other(stayed),
            },
            _ => {}
        }
    }

    /// What should have happened and did not.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = vec![];
        for act in journal::ACTS {
            if !self.acts.contains_key(act) {
                missing.push(format!("act {act}"));
            }
        }
        let others = ALTERATIONS.into_iter().chain(BESIDE_SICK);
        for what in others.chain(TROUBLES).chain([FORGOT]) {
            if !self.others.contains_key(what) {
                missing.push(what.to_owned());
            }
        }
        for code in Refusal::CODES {
            if !self.refusals.contains_key(code) {
                missing.push(format!("refusal {code}"));
            }
        }
        self.missing_moves(&mut missing);
        self.missing_blanks(&mut missing);
        missing
    }

    /// Cells that name a target.
    fn missing_moves(&self, missing: &mut Vec<String>) {
        for (from, why, event, targets) in table::RESOURCE {
            for to in *targets {
                let seen = (*from, *why, *event, *to);
                if !self.moves.contains_key(&seen) {
                    let (from, to) = (word(*from), word(*to));
                    missing.push(format!("{from} {}: {event} {to}", why.as_str()));
                }
            }
        }
        for (from, event, targets) in table::LEASE {
            for to in *targets {
                if !self.lease_moves.contains_key(&(*from, *event, *to)) {
                    missing.push(format!("{from:?} {event} {to:?}"));
                }
            }
        }
        for (from, ends) in table::ENDS {
            for end in *ends {
                if !self.ends.contains_key(&(*from, *end)) {
                    missing.push(format!("{from:?} ended {}", end.as_str()));
                }
            }
        }
    }

    /// Cells of acts that name none.
    fn missing_blanks(&self, missing: &mut Vec<String>) {
        let mut want = vec![];
        for (act, effects) in table::ACTS {
            for (state, effect) in ResourceState::ALL.iter().zip(effects) {
                if matches!(effect, Effect::Refused | Effect::Stays) {
                    want.push((*act, state.as_str(), *effect));
                }
            }
            let gone = match *act {
                "stale outcome" => Effect::Stays,
                _ => Effect::Refused,
            };
            want.push((act, "gone", gone));
        }
        for (act, effect) in table::ENDED {
            want.push((act, "ended", *effect));
            want.push((act, "gone", Effect::Refused));
        }
        for cell in want.iter().filter(|c| !self.blanks.contains_key(c)) {
            missing.push(format!("{} of a {} one: {:?}", cell.0, cell.1, cell.2));
        }
    }
}

fn word(s: Option<ResourceState>) -> &'static str {
    s.map_or("-", ResourceState::as_str)
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
        for ((before, why, kind, after), n) in &self.moves {
            let (before, after) = (word(*before), word(*after));
            writeln!(f, "{n:9} {before} {}: {kind} {after}", why.as_str())?;
        }
        let word = |s: &Option<LeaseState>| s.map_or("-", LeaseState::as_str);
        for ((before, kind, after), n) in &self.lease_moves {
            writeln!(f, "{n:9} lease {} {kind} {}", word(before), word(after))?;
        }
        for ((state, end), n) in &self.ends {
            writeln!(f, "{n:9} lease {} ended {}", state.as_str(), end.as_str())?;
        }
        for ((act, state, effect), n) in &self.blanks {
            writeln!(f, "{n:9} {act} of a {state} one: {effect:?}")?;
        }
        for (what, n) in &self.others {
            writeln!(f, "{n:9} {what}")?;
        }
        Ok(())
    }
}
