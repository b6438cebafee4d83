//! Processes as the kernel shows them: who is alive, who descends from whom, and ending a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::variable;

/// A process for sure: its id may be given to another one, id and start time together are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub pid: i32,
    /// Clock ticks between boot and its start.
    pub start: u64,
}

/// What `/proc/<pid>/stat` says.
struct Stat {
    state: u8,
    parent: i32,
    start: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything, parentheses and spaces too.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

impl Stamp {
    /// The process that has this id now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let start = stat(pid)?.start;
        Some(Self { pid, start })
    }

    /// Runs this very process still? One that ended and was not yet waited for does not.
    pub(super) fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|s| s.start == self.start && !matches!(s.state, b'Z' | b'X'))
    }

    /// Sends a signal, if it is still this process. Whether it was.
    pub(super) fn signal(self, signal: Signal) -> bool {
        self.is_alive() && kill(Pid::from_raw(self.pid), signal).is_ok()
    }
}

/// Differs after each boot, for ids and start times begin anew.
pub(super) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}

fn pids() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect()
}

/// Everything below `root` that still runs.
pub(super) fn descendants(root: i32) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let mut ended = BTreeSet::new();
    for pid in pids() {
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push(pid);
            if matches!(stat.state, b'Z' | b'X') {
                ended.insert(pid);
            }
        }
    }
    let mut found = BTreeSet::new();
    let mut left = vec![root];
    while let Some(pid) = left.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            if !ended.contains(&child) {
                found.insert(child);
            }
            left.push(child);
        }
    }
    found
}

/// Everything whose environment says that it belongs to `folder` or to one below it.
pub(super) fn tagged(folder: &str) -> BTreeSet<i32> {
    let tag = format!("{}={folder}", variable::HOME_TAG).into_bytes();
    let bears = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        let tagged = |v: &[u8]| {
            let rest = v.strip_prefix(tag.as_slice());
            rest.is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
        };
        variables.any(tagged) && stat(*pid).is_some_and(|s| s.state != b'Z')
    };
    pids().into_iter().filter(bears).collect()
}

/// Signals a set of processes, this one aside.
pub(super) fn signal_all(pids: &BTreeSet<i32>, signal: Signal) {
    let own = std::process::id();
    for pid in pids.iter().filter(|pid| pid.unsigned_abs() != own) {
        // One that ended meanwhile is what was wanted.
        let _ = kill(Pid::from_raw(*pid), signal);
    }
}

/// Stops everything `list` finds until nothing new appears: what is stopped can start nothing, so
/// a tree that keeps growing is caught, too.
pub(super) fn freeze(list: impl Fn() -> BTreeSet<i32>) -> BTreeSet<i32> {
    let mut frozen = BTreeSet::new();
    for _ in 0..100 {
        let now = list();
        let new: BTreeSet<i32> = now.difference(&frozen).copied().collect();
        if new.is_empty() {
            break;
        }
        signal_all(&new, Signal::SIGSTOP);
        frozen.extend(new);
    }
    frozen
}

/// Freezes and kills everything `list` finds.
pub(super) fn kill_all(list: impl Fn() -> BTreeSet<i32>) {
    signal_all(&freeze(list), Signal::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_alive_only_with_its_own_start_time() {
        let own = i32::try_from(std::process::id()).unwrap();
        let stamp = Stamp::of(own).unwrap();
        assert!(stamp.is_alive());
        let other = Stamp {
            start: stamp.start + 1,
            ..stamp
        };
        assert!(!other.is_alive());
        assert!(!other.signal(Signal::SIGKILL));
        assert_eq!(Stamp::of(i32::MAX), None);
    }
}
