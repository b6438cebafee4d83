//! What was last seen of hosts. Volatile: shown with the host, kept in no store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use caviada_api::host::HostFacts;
use caviada_core::id::HostId;
use caviada_core::limits;
use caviada_core::state::State;
use caviada_core::time::Time;

/// Where the reconciler tells what it sees, and views ask. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Sights(Arc<RwLock<HashMap<HostId, Sight>>>);

/// What was last seen of one host since the server started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    /// When it last answered, in ledger time.
    pub seen_at: Option<Time>,
    /// What it said of itself.
    pub facts: Option<HostFacts>,
    /// Why the last look at it failed, if it did.
    pub why: Option<String>,
    asks: Asks,
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
        let sights = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sights.get(&host).cloned()
    }

    /// It answered. Says whether it shall be asked what it is, by whoever asks this.
    pub fn seen(&self, host: HostId, now: Time) -> bool {
        let mut sights = self.write();
        let sight = sights.entry(host).or_default();
        sight.seen_at = Some(now);
        sight.why = None;
        let asks = sight.asks == Asks::Next;
        if asks {
            sight.asks = Asks::UnderWay;
        }
        asks
    }

    /// What it is; none when it did not say.
    pub fn told(&self, host: HostId, facts: Option<HostFacts>) {
        let mut sights = self.write();
        let Some(sight) = sights.get_mut(&host) else {
            return;
        };
        sight.asks = match facts {
            Some(_) => Asks::No,
            None => Asks::Next,
        };
        sight.facts = facts.or(sight.facts.take());
    }

    /// A look at it failed.
    pub fn missed(&self, host: HostId, why: &str) {
        // Other programs' words: shown in one line, and not all of them.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let why: String = why.chars().map(plain).collect();
        let why = why.trim().chars().take(limits::CAUSE_CHARS_MAX).collect();
        let mut sights = self.write();
        let sight = sights.entry(host).or_default();
        sight.why = Some(why);
        sight.ask_again();
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
        self.0.write().unwrap_or_else(PoisonError::into_inner)
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
        }
    }

    #[test]
    fn a_host_is_asked_what_it_is_once_and_again_after_it_was_away() {
        let sights = Sights::default();
        assert!(sights.seen(HOST, Time(1)));
        assert!(!sights.seen(HOST, Time(2)), "it is being asked");
        sights.told(HOST, None);
        assert!(sights.seen(HOST, Time(3)), "it did not say");
        sights.told(HOST, Some(facts()));
        assert!(!sights.seen(HOST, Time(4)));
        sights.missed(HOST, "list: it hung up");
        let away = sights.of(HOST).unwrap();
        assert_eq!((away.seen_at, away.facts), (Some(Time(4)), Some(facts())));
        assert_eq!(away.why.as_deref(), Some("list: it hung up"));
        assert!(sights.seen(HOST, Time(5)));
        assert_eq!(sights.of(HOST).unwrap().why, None);
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
