//! Judges what the callers saw. Knows the promises and nothing of the server.

mod history;
mod sight;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::log::{Lease, Line};
use history::{Held, History};

/// What does not hold, in words; nothing if all is well.
pub fn check(logs: &BTreeMap<String, Vec<Line>>) -> Vec<String> {
    let history = History::of(logs);
    let mut found = one_outcome(&history);
    let held = history.held();
    found.extend(never_overlap(&held));
    found.extend(fences_rise(&held));
    found.extend(sight::check(&history));
    found
}

/// What became of calls that got no answer.
#[derive(Debug, Default)]
pub struct Unknown {
    /// The next look found what they had asked for.
    pub there: usize,
    /// It did not.
    pub absent: usize,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { there, absent } = self;
        write!(
            f,
            "of the calls without answer {there} had been done and {absent} not"
        )
    }
}

/// How many calls of unknown outcome there were.
pub fn unknown(logs: &BTreeMap<String, Vec<Line>>) -> Unknown {
    let history = History::of(logs);
    let mut unknown = Unknown::default();
    for (lost_ns, key) in &history.lost {
        let Some((_, sight)) = history.sights.iter().find(|(at, _)| at > lost_ns) else {
            continue;
        };
        let names = history.declares.get(key).map(|d| &d.names);
        let declared = || {
            sight
                .resources
                .values()
                .any(|r| names.is_some_and(|n| n.contains(&r.name)))
        };
        if declared() || sight.leases.iter().any(|l| l.note == *key) {
            unknown.there += 1;
        } else {
            unknown.absent += 1;
        }
    }
    unknown
}

/// A repeated key gives what it gave first.
fn one_outcome(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (key, acquire) in &history.acquires {
        let ids: BTreeSet<&str> = acquire.leases.iter().map(|(_, l)| l.id.as_str()).collect();
        if ids.len() > 1 {
            found.push(format!("one outcome: key {key} gave {ids:?}"));
        }
        let first = acquire.leases.iter().map(|(at, _)| *at).min();
        let refused = acquire.refused.iter().find(|at| Some(**at) > first);
        if let (Some(_), Some(at)) = (first, refused) {
            found.push(format!(
                "one outcome: key {key} gave a lease, and at {at} ns no"
            ));
        }
        let live = || acquire.leases.iter().filter(|(_, l)| l.state == "active");
        let same = |a: &Lease, b: &Lease| a.fence == b.fence && a.resources == b.resources;
        if live().any(|(_, a)| live().any(|(_, b)| !same(a, b))) {
            found.push(format!(
                "one outcome: key {key} gave other fences or resources"
            ));
        }
        let counts = |l: &Lease| l.resources.len() == acquire.count;
        if live().any(|(_, l)| !counts(l)) {
            found.push(format!(
                "all or nothing: key {key} did not give {}",
                acquire.count
            ));
        }
    }
    found
}

/// A resource is one caller's from the answer that granted it until he sends a release, or until
/// the time to live he was last told of is over, counted from when he asked.
fn never_overlap(held: &[Held]) -> Vec<String> {
    let mut found = Vec::new();
    for (resource, mut holders) in by_resource(held) {
        holders.sort_by_key(|h| h.granted_ns);
        for pair in holders.windows(2) {
            let [first, second] = pair else { continue };
            if second.granted_ns < first.until_ns {
                found.push(format!(
                    "never two holders: {resource} was {}'s from {} to {} ns and {}'s from {} ns",
                    first.lease, first.granted_ns, first.until_ns, second.lease, second.granted_ns
                ));
            }
        }
    }
    found
}

/// Whoever got a resource later has the higher fence.
fn fences_rise(held: &[Held]) -> Vec<String> {
    let mut found = Vec::new();
    for (resource, mut holders) in by_resource(held) {
        holders.sort_by_key(|h| h.granted_ns);
        for pair in holders.windows(2) {
            let [first, second] = pair else { continue };
            if second.fence <= first.fence {
                found.push(format!(
                    "fences rise: {resource} had fence {} and then {}",
                    first.fence, second.fence
                ));
            }
        }
    }
    found
}

fn by_resource(held: &[Held]) -> BTreeMap<&str, Vec<&Held>> {
    let mut by: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
    for h in held {
        for resource in &h.resources {
            by.entry(resource).or_default().push(h);
        }
    }
    by
}

#[cfg(test)]
mod tests;
