//! What there was after each restart, against what had been answered before it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::log::{Lease, Sight};
use super::history::{Acquire, History};

/// What a restart grants at least to every live lease, so that its holder can come back.
const GRACE_MS: u64 = 30_000;
/// Between the answer that tells of a deadline and the instant that is written beside it.
const SLACK_MS: u64 = 5_000;

/// What a look found of a call whose answer never came, and how often it had been sent by then.
type Found = BTreeMap<String, (usize, bool)>;

/// All looks, in order.
pub fn check(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    let mut unknown = Found::new();
    let mut gone = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut last: Option<&(u64, Sight)> = None;
    for current @ (at_ns, sight) in &history.sights {
        let look = Look {
            history,
            at_ns: *at_ns,
            sight,
            last: last.replace(current),
        };
        let mut wrong = look.holds_together();
        wrong.extend(look.acknowledged());
        wrong.extend(look.declared(&mut unknown));
        wrong.extend(look.unanswered(&mut unknown));
        wrong.extend(look.refused(&unknown));
        wrong.extend(look.released());
        wrong.extend(look.renewed());
        wrong.extend(look.ended(&mut seen, &mut gone));
        found.extend(wrong.into_iter().map(|w| format!("at {at_ns} ns: {w}")));
    }
    found
}

struct Look<'h> {
    history: &'h History,
    at_ns: u64,
    sight: &'h Sight,
    /// The look before this one.
    last: Option<&'h (u64, Sight)>,
}

impl Look<'_> {
    fn lease(&self, id: &str) -> Option<&Lease> {
        self.sight.leases.iter().find(|l| l.id == id)
    }

    fn before(&self, times: &[u64]) -> usize {
        times.iter().filter(|t| **t < self.at_ns).count()
    }

    /// A resource is held if and only if one lease holds it.
    fn holds_together(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
        for lease in &self.sight.leases {
            for resource in &lease.resources {
                if let Some(other) = holders.insert(resource, &lease.id) {
                    found.push(format!("{resource} is of {other} and of {}", lease.id));
                }
            }
        }
        for (id, resource) in &self.sight.resources {
            let holder = holders.remove(id.as_str());
            if resource.lease.as_deref() != holder
                || (resource.state == "leased") != holder.is_some()
            {
                let (state, lease) = (&resource.state, &resource.lease);
                found.push(format!(
                    "{id} is {state} of {lease:?}, and {holder:?} has it"
                ));
            }
        }
        for (resource, holder) in holders {
            found.push(format!("{holder} has {resource}, which is not there"));
        }
        found
    }

    /// What was answered is there.
    fn acknowledged(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (key, acquire) in &self.history.acquires {
            let told = |(at, l): &&(u64, Lease)| *at < self.at_ns && l.state == "active";
            let Some((_, told)) = acquire.leases.iter().find(told) else {
                continue;
            };
            let releases = self.history.releases.get(&told.id);
            let released = releases.is_some_and(|r| self.before(&r.done) > 0);
            let perhaps = releases.is_some_and(|r| self.before(&r.sent) > 0);
            let sure = self.history.sure_until(acquire, &told.id, self.at_ns);
            match self.lease(&told.id) {
                Some(lease) if released => {
                    found.push(format!("{} was released and is {}", lease.id, lease.state));
                }
                Some(lease) => found.extend(self.same(key, acquire, told, lease)),
                None if !perhaps && self.at_ns < sure => {
                    found.push(format!("{} was granted and not ended; it is lost", told.id));
                }
                None => {}
            }
        }
        found
    }

    /// A lease is still what its holder was told.
    fn same(&self, key: &str, acquire: &Acquire, told: &Lease, lease: &Lease) -> Vec<String> {
        let mut found = Vec::new();
        let facts = |l: &Lease| (l.fence, l.resources.clone(), l.owner.clone());
        if facts(told) != facts(lease) || lease.note != key || lease.owner != acquire.owner {
            found.push(format!("{told:?} was granted, and now it is {lease:?}"));
        }
        let renews = self.history.renews.get(&told.id).into_iter().flatten();
        let renews = renews.filter(|r| r.answered_ns < self.at_ns);
        let promised = renews.map(|r| &r.expires_at).chain([&told.expires_at]);
        if promised.max() > Some(&lease.expires_at) {
            found.push(format!("{} lost a renewal: {}", lease.id, lease.expires_at));
        }
        found
    }

    /// Declarations are there wholly or not at all; wholly if they were answered.
    fn declared(&self, unknown: &mut Found) -> Vec<String> {
        let mut found = Vec::new();
        let names: BTreeSet<&str> = self.sight.resources.values().map(|r| &*r.name).collect();
        for (key, declare) in &self.history.declares {
            let sent = self.before(&declare.sent);
            let there = declare.names.iter().filter(|n| names.contains(n.as_str()));
            let there = there.count();
            if there != 0 && there != declare.names.len() {
                found.push(format!("of {:?} only {there} are there", declare.names));
            }
            if self.before(&declare.done) > 0 && there == 0 {
                found.push(format!("{:?} were declared and are lost", declare.names));
            }
            found.extend(stays(unknown, key, sent, there > 0, false));
        }
        found
    }

    /// A call without answer is there wholly or not at all, and stays so until it is sent again.
    fn unanswered(&self, unknown: &mut Found) -> Vec<String> {
        let mut found = Vec::new();
        for lease in &self.sight.leases {
            let acquire = self.history.acquires.get(&lease.note);
            let Some(acquire) = acquire.filter(|a| self.before(&a.sent) > 0) else {
                found.push(format!("nobody asked for {lease:?}"));
                continue;
            };
            if lease.resources.len() != acquire.count || lease.owner != acquire.owner {
                found.push(format!(
                    "{} of {:?} is {lease:?}",
                    acquire.count, acquire.owner
                ));
            }
            let told = acquire.leases.iter().find(|(_, l)| l.id != lease.id);
            if let Some((_, told)) = told {
                found.push(format!("{} gave {} and {}", lease.note, lease.id, told.id));
            }
        }
        let noted: BTreeSet<&str> = self.sight.leases.iter().map(|l| &*l.note).collect();
        for (key, acquire) in &self.history.acquires {
            let told = acquire.leases.iter().any(|(at, _)| *at < self.at_ns);
            let sent = self.before(&acquire.sent);
            if told || sent == 0 {
                unknown.remove(key);
                continue;
            }
            let there = noted.contains(key.as_str());
            let expired = self.at_ns >= self.history.sure_until(acquire, "", self.at_ns);
            found.extend(stays(unknown, key, sent, there, expired));
        }
        found
    }

    /// A key that gave something, as this look shows, is not refused later.
    fn refused(&self, unknown: &Found) -> Vec<String> {
        let there = unknown.iter().filter(|(_, (_, there))| *there);
        let refused = there.filter(|(key, _)| {
            let acquire = self.history.acquires.get(*key).map(|a| &a.refused);
            let declare = self.history.declares.get(*key).map(|d| &d.refused);
            let refused = acquire.into_iter().chain(declare).flatten();
            refused.into_iter().any(|at| *at > self.at_ns)
        });
        refused
            .map(|(key, _)| format!("one outcome: {key} is there and was refused later"))
            .collect()
    }

    /// A release without answer that had not been done is not done later either.
    fn released(&self) -> Vec<String> {
        let Some((last_ns, last)) = self.last else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for lease in &last.leases {
            let Some(releases) = self.history.releases.get(&lease.id) else {
                continue;
            };
            let sent = |from: u64, to: u64| releases.sent.iter().any(|t| (from..to).contains(t));
            let again = sent(*last_ns, self.at_ns) || !sent(0, *last_ns);
            let acquire = self.history.acquires.get(&lease.note);
            let sure = acquire.map_or(0, |a| self.history.sure_until(a, &lease.id, self.at_ns));
            if !again && self.at_ns < sure && self.lease(&lease.id).is_none() {
                found.push(format!("{} was not released and is gone", lease.id));
            }
        }
        found
    }

    /// A deadline never falls, and rises only by what somebody sent since the last look, or by
    /// what a restart grants: a renewal without answer is there at once or never.
    fn renewed(&self) -> Vec<String> {
        let due_ms = |at_ns: u64, lease: &Lease| at_ns / 1_000_000 + lease.expires_in_ms;
        let mut found = Vec::new();
        for lease in &self.sight.leases {
            let before = self
                .last
                .and_then(|(at, s)| Some((*at, s.leases.iter().find(|l| l.id == lease.id)?)));
            let since = before.map_or(0, |(at, _)| at);
            let renews = self
                .history
                .renews_sent
                .get(&lease.id)
                .into_iter()
                .flatten();
            let renews = renews.filter(|(at, _)| (since..self.at_ns).contains(at));
            let acquire = self.history.acquires.get(&lease.note);
            let asked = acquire.filter(|_| before.is_none()).map_or(0, |a| a.ttl_ms);
            let ttl_ms = renews.map(|(_, ttl)| *ttl).chain([asked, GRACE_MS]).max();
            let now_ms = self.at_ns / 1_000_000;
            let least = before.map_or(0, |(at, l)| due_ms(at, l));
            let most = (now_ms + ttl_ms.unwrap_or(0)).max(least) + SLACK_MS;
            let due = due_ms(self.at_ns, lease);
            if due + SLACK_MS < least || due > most {
                found.push(format!(
                    "{} is due at {due} ms, renewed by nobody; it must be from {least} to {most} ms",
                    lease.id
                ));
            }
        }
        found
    }

    /// What is gone does not come back, and what was given back has ended.
    fn ended(&self, seen: &mut BTreeSet<String>, gone: &mut BTreeSet<String>) -> Vec<String> {
        let live: BTreeSet<String> = self.sight.leases.iter().map(|l| l.id.clone()).collect();
        let told = self.history.acquires.values().flat_map(|a| &a.leases);
        let told = told.filter(|(at, _)| *at < self.at_ns);
        seen.extend(told.map(|(_, l)| l.id.clone()));
        let back = gone.intersection(&live);
        let mut found: Vec<String> = back
            .map(|id| format!("{id} had ended and is back"))
            .collect();
        gone.extend(seen.difference(&live).cloned());
        *seen = live;
        for (id, state) in &self.sight.ended {
            if state != "ended" {
                found.push(format!("{id} was released and is {state}"));
            }
        }
        found
    }
}

/// Compares with the last look, unless the call was sent again since. What was there may be gone
/// where `may_go` says so.
fn stays(unknown: &mut Found, key: &str, sent: usize, there: bool, may_go: bool) -> Option<String> {
    let last = unknown.insert(key.to_owned(), (sent, there))?;
    match last {
        (n, true) if n == sent && !there && !may_go => Some(format!("{key} was there and is lost")),
        (n, false) if n == sent && there => Some(format!("{key} was absent and is there")),
        _ => None,
    }
}
