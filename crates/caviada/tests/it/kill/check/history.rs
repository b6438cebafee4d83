//! The logs of all callers, put in order.

use std::collections::BTreeMap;

use super::super::log::{Answer, Call, Lease, Line, Said, Sight};

/// What all callers together saw.
#[derive(Debug, Default)]
pub struct History {
    /// By key.
    pub acquires: BTreeMap<String, Acquire>,
    /// By key.
    pub declares: BTreeMap<String, Declare>,
    /// By lease: those that were answered.
    pub renews: BTreeMap<String, Vec<Renew>>,
    /// By lease: when each was sent, and its time to live in milliseconds.
    pub renews_sent: BTreeMap<String, Vec<(u64, u64)>>,
    /// By lease.
    pub releases: BTreeMap<String, Release>,
    /// Acquires and declarations that got no answer: when that was, and their key.
    pub lost: Vec<(u64, String)>,
    /// What there was after each restart, in order.
    pub sights: Vec<(u64, Sight)>,
}

/// All calls with one key.
#[derive(Debug, Default)]
pub struct Acquire {
    pub owner: String,
    pub count: usize,
    pub ttl_ms: u64,
    pub sent: Vec<u64>,
    /// When which lease was answered.
    pub leases: Vec<(u64, Lease)>,
    pub refused: Vec<u64>,
}

/// All calls with one key.
#[derive(Debug, Default)]
pub struct Declare {
    pub names: Vec<String>,
    pub sent: Vec<u64>,
    pub done: Vec<u64>,
    pub refused: Vec<u64>,
}

/// One that was answered.
#[derive(Debug)]
pub struct Renew {
    pub sent_ns: u64,
    pub ttl_ms: u64,
    pub answered_ns: u64,
    pub expires_at: String,
}

/// All releases of one lease.
#[derive(Debug, Default)]
pub struct Release {
    pub sent: Vec<u64>,
    pub done: Vec<u64>,
}

/// A lease as its holder may count on it.
#[derive(Debug)]
pub struct Held {
    pub lease: String,
    pub fence: u64,
    pub resources: Vec<String>,
    /// When he was told.
    pub granted_ns: u64,
    /// Until he said that he was done, or could not be sure any more.
    pub until_ns: u64,
}

impl History {
    pub fn of(logs: &BTreeMap<String, Vec<Line>>) -> Self {
        let mut history = Self::default();
        for (caller, lines) in logs {
            let mut open: BTreeMap<u64, (u64, &Call)> = BTreeMap::new();
            for Line { at_ns, said } in lines {
                match said {
                    Said::Sent { call, what } => {
                        history.sent(caller, *at_ns, what);
                        open.insert(*call, (*at_ns, what));
                    }
                    Said::Answered { call, answer } => {
                        let (sent_ns, what) = open.remove(call).expect("sent before answered");
                        history.answered(sent_ns, *at_ns, what, answer);
                    }
                    Said::Lost { call } => {
                        let (_, what) = open.remove(call).expect("sent before lost");
                        if let Call::Acquire { key, .. } | Call::Declare { key, .. } = what {
                            history.lost.push((*at_ns, key.clone()));
                        }
                    }
                    Said::Saw(sight) => history.sights.push((*at_ns, sight.clone())),
                }
            }
        }
        history.sights.sort_by_key(|(at, _)| *at);
        history
    }

    fn sent(&mut self, caller: &str, at_ns: u64, call: &Call) {
        match call {
            Call::Acquire {
                key, count, ttl_ms, ..
            } => {
                let acquire = self.acquires.entry(key.clone()).or_default();
                acquire.owner = caller.trim_end_matches(".log").to_owned();
                (acquire.count, acquire.ttl_ms) = (*count, *ttl_ms);
                acquire.sent.push(at_ns);
            }
            Call::Renew { lease, ttl_ms } => {
                let renews = self.renews_sent.entry(lease.clone()).or_default();
                renews.push((at_ns, *ttl_ms));
            }
            Call::Release { lease } => {
                let release = self.releases.entry(lease.clone()).or_default();
                release.sent.push(at_ns);
            }
            Call::Declare { key, names } => {
                let declare = self.declares.entry(key.clone()).or_default();
                declare.names.clone_from(names);
                declare.sent.push(at_ns);
            }
        }
    }

    fn answered(&mut self, sent_ns: u64, at_ns: u64, call: &Call, answer: &Answer) {
        match (call, answer) {
            (Call::Acquire { key, .. }, Answer::Lease(lease)) => {
                let acquire = self.acquires.get_mut(key).expect("sent");
                acquire.leases.push((at_ns, lease.clone()));
            }
            (Call::Acquire { key, .. }, Answer::Refused { .. }) => {
                let acquire = self.acquires.get_mut(key).expect("sent");
                acquire.refused.push(at_ns);
            }
            (Call::Renew { lease, ttl_ms }, Answer::Lease(now)) if now.state != "ended" => {
                self.renews.entry(lease.clone()).or_default().push(Renew {
                    sent_ns,
                    ttl_ms: *ttl_ms,
                    answered_ns: at_ns,
                    expires_at: now.expires_at.clone(),
                });
            }
            (Call::Release { lease }, Answer::Lease(_)) => {
                let release = self.releases.get_mut(lease).expect("sent");
                release.done.push(at_ns);
            }
            (Call::Declare { key, .. }, Answer::Declared) => {
                let declare = self.declares.get_mut(key).expect("sent");
                declare.done.push(at_ns);
            }
            (Call::Declare { key, .. }, Answer::Refused { .. }) => {
                let declare = self.declares.get_mut(key).expect("sent");
                declare.refused.push(at_ns);
            }
            _ => {}
        }
    }

    /// Leases whose holder was told that he holds them.
    pub fn held(&self) -> Vec<Held> {
        let held = self.acquires.values().filter_map(|acquire| {
            let told = acquire.leases.iter().filter(|(_, l)| l.state == "active");
            let (granted_ns, lease) = told.min_by_key(|(at, _)| *at)?;
            let released = self
                .releases
                .get(&lease.id)
                .and_then(|r| r.sent.iter().min());
            let sure = self.sure_until(acquire, &lease.id, u64::MAX);
            Some(Held {
                lease: lease.id.clone(),
                fence: lease.fence,
                resources: lease.resources.clone(),
                granted_ns: *granted_ns,
                until_ns: released.copied().unwrap_or(u64::MAX).min(sure),
            })
        });
        held.collect()
    }

    /// Before this instant no lease of this key can have expired, by what was answered until
    /// `known_ns`: a time to live counts from the grant or the renewal, and neither comes before
    /// its call is sent.
    pub fn sure_until(&self, acquire: &Acquire, lease: &str, known_ns: u64) -> u64 {
        let first = acquire.sent.iter().min().copied().unwrap_or(0);
        let renews = self.renews.get(lease).into_iter().flatten();
        let known = renews.filter(|r| r.answered_ns <= known_ns);
        known
            .map(|r| (r.sent_ns, r.ttl_ms))
            .chain([(first, acquire.ttl_ms)])
            .map(|(sent_ns, ttl_ms)| sent_ns + ttl_ms * 1_000_000)
            .max()
            .unwrap_or(0)
    }
}
