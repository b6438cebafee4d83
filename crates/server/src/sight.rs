//! What was last seen of hosts. Volatile: shown with the host, kept in no store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use caviada_api::event::HostFigures;
use caviada_api::host::HostFacts;
use caviada_core::id::HostId;
use caviada_core::limits;
use caviada_core::state::State;
use caviada_core::time::Time;
use tokio::sync::broadcast;

/// Where the reconciler tells what it sees, and views ask. Clones are one.
#[derive(Debug, Clone)]
pub struct Sights(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hosts: RwLock<HashMap<HostId, Sight>>,
    told: broadcast::Sender<HostFigures>,
}

impl Default for Sights {
    fn default() -> Self {
        Self(Arc::new(Inner {
            hosts: RwLock::default(),
            told: broadcast::Sender::new(limits::server::PROGRESS_FOLLOWED_MAX),
        }))
    }
}

/// What was last seen of one host since the server started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    /// When it last answered, in ledger time.
    pub seen_at: Option<Time>,
    /// What it said of itself.
    pub facts: Option<HostFacts>,
    /// Why the last look at it failed, if it did.
    pub why: Option<String>,
    /// Good looks at it, each counted once all that it asked for was begun.
    pub rounds: u64,
    /// Driver calls under way there.
    pub calls: usize,
    asks: Asks,
    /// When it last told, in ledger time.
    told_at: Time,
}

/// Whether a host is to be asked what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asks {
    /// At the next good look: it may have become another one.
    #[default]
    Next,
    /// It is being asked.
    UnderWay,
    /// It has told.
    No,
}

impl Sights {
    /// What was last seen of a host.
    pub fn of(&self, host: HostId) -> Option<Sight> {
        let sights = self.0.hosts.read();
        let sights = sights.unwrap_or_else(PoisonError::into_inner);
        sights.get(&host).cloned()
    }

    /// It answered. Says whether it shall be asked what it is, by whoever asks this.
    pub fn seen(&self, host: HostId, now: Time) -> bool {
        let mut sights = self.write();
        let sight = sights.entry(host).or_default();
        sight.seen_at = Some(now);
        sight.why = None;
        let old =
            sight.asks == Asks::No && now.since(sight.told_at) >= limits::server::SIGHT_NEW_MS;
        let asks = old || sight.asks == Asks::Next;
        if asks {
            sight.asks = Asks::UnderWay;
        }
        asks
    }

    /// What it is and has; none when it did not say.
    pub fn told(&self, host: HostId, name: &str, now: Time, facts: Option<HostFacts>) {
        let mut sights = self.write();
        let Some(sight) = sights.get_mut(&host) else {
            return;
        };
        sight.asks = match facts {
            Some(_) => Asks::No,
            None => Asks::Next,
        };
        if let Some(facts) = facts {
            sight.told_at = now;
            sight.facts = Some(facts.clone());
            let host = name.to_owned();
            // Nobody may be listening.
            let _ = self.0.told.send(HostFigures { host, facts });
        }
    }

    /// What every host tells from now on.
    pub fn follow(&self) -> broadcast::Receiver<HostFigures> {
        self.0.told.subscribe()
    }

    /// A look at it failed.
    pub fn missed(&self, host: HostId, why: &str) {
        // Other programs' words: shown in one line, and not all of them.
        let why = limits::capped_line(why);
        let mut sights = self.write();
        let sight = sights.entry(host).or_default();
        sight.why = Some(why);
        sight.ask_again();
    }

    /// So many driver calls are under way there, all those that a good look asked for among them.
    pub fn acted(&self, host: HostId, looked: bool, calls: usize) {
        let mut sights = self.write();
        let sight = sights.entry(host).or_default();
        sight.rounds += u64::from(looked);
        sight.calls = calls;
    }

    /// It is spoken to in another way from now on.
    pub fn changed(&self, host: HostId) {
        if let Some(sight) = self.write().get_mut(&host) {
            sight.ask_again();
        }
    }

    /// Forgets hosts that are gone.
    pub fn retain(&self, state: &State) {
        let mut sights = self.write();
        if sights.len() > state.hosts.len() {
            sights.retain(|host, _| state.hosts.get(host).is_some());
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<HostId, Sight>> {
        self.0.hosts.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sight {
    fn ask_again(&mut self) {
        if self.asks == Asks::No {
            self.asks = Asks::Next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: HostId = HostId(7);

    fn facts() -> HostFacts {
        HostFacts {
            version: "1.44".into(),
            cpus: 2,
            memory_bytes: 1 << 30,
            ..HostFacts::default()
        }
    }

    #[test]
    fn a_host_is_asked_what_it_has_now_and_then_and_after_it_was_away() {
        let sights = Sights::default();
        let mut followed = sights.follow();
        assert!(sights.seen(HOST, Time(1)));
        assert!(!sights.seen(HOST, Time(2)), "it is being asked");
        sights.told(HOST, "h", Time(2), None);
        assert!(sights.seen(HOST, Time(3)), "it did not say");
        sights.told(HOST, "h", Time(3), Some(facts()));
        let told = followed.try_recv().unwrap();
        assert_eq!((told.host.as_str(), told.facts), ("h", facts()));
        assert!(!sights.seen(HOST, Time(4)));
        sights.missed(HOST, "list: it hung up");
        let away = sights.of(HOST).unwrap();
        assert_eq!((away.seen_at, away.facts), (Some(Time(4)), Some(facts())));
        assert_eq!(away.why.as_deref(), Some("list: it hung up"));
        assert!(sights.seen(HOST, Time(5)));
        assert_eq!(sights.of(HOST).unwrap().why, None);
        sights.told(HOST, "h", Time(5), Some(facts()));
        assert!(!sights.seen(HOST, Time(limits::server::SIGHT_NEW_MS)));
        assert!(
            sights.seen(HOST, Time(limits::server::SIGHT_NEW_MS + 5)),
            "what it told is old"
        );
    }

    #[test]
    fn a_reason_is_one_line_that_ends() {
        let sights = Sights::default();
        sights.missed(HOST, &format!("\x1b[2Jssh:\n{}", "x".repeat(9_999)));
        let why = sights.of(HOST).unwrap().why.unwrap();
        assert_eq!(why.chars().count(), limits::CAUSE_CHARS_MAX);
        assert!(why.starts_with("[2Jssh: x"), "{why}");
    }
}
