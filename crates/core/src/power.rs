//! Power: what of a built resource is stopped because somebody wanted it so. Not its state, and not
//! its health: a stopped cluster is still leased, and well.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Why a resource that an operator stopped, or restarts, is kept out of the pool meanwhile. It
/// comes back by itself once it runs.
pub const STOPPED: &str = "stopped";

/// A resource that does not simply run, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Power {
    /// All of it is stopped.
    #[serde(default, skip_serializing_if = "crate::event::is_default")]
    pub stopped: bool,
    /// Services that are stopped by themselves, while the others run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<Box<str>>,
    /// What the open attempt does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
}

/// One thing that somebody wants done to a resource's power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What.
    pub way: Way,
    /// To which service; none is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<str>>,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// As asked.
    Done,
    /// Not: nothing was changed.
    Nothing,
    /// Not, or not wholly: some of it may have been stopped or started.
    Unknown,
}

impl TurnEnd {
    /// What a failure of this kind leaves of a turn. A single service that is refused (there is none
    /// of that name) was not touched, and what a driver cannot do it does not begin.
    pub fn failed(kind: &str, turn: &Turn) -> Self {
        match kind {
            "unsupported" => Self::Nothing,
            "refused" if turn.service.is_some() => Self::Nothing,
            _ => Self::Unknown,
        }
    }
}

/// What is done to power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// What is stopped runs again, on the same ports and with the same data.
    Start,
    /// What runs is stopped; ports and data stay.
    Stop,
    /// Stopped and started.
    Restart,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Start, Self::Stop, Self::Restart];

    /// Its name in the APIs and the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

impl Power {
    /// Nothing is stopped and nothing is being done: it simply runs.
    pub fn runs(&self) -> bool {
        *self == Self::default()
    }

    /// With something to do.
    pub fn turning(&self, turn: Turn) -> Self {
        Self {
            turn: Some(turn),
            ..self.clone()
        }
    }

    /// After the open turn.
    pub fn turned(&self, end: TurnEnd) -> Self {
        let mut power = self.clone();
        match end {
            TurnEnd::Unknown => return self.dropped(),
            TurnEnd::Nothing => power.turn = None,
            TurnEnd::Done => match power.turn.take() {
                None => {}
                Some(turn) => match (turn.way, turn.service) {
                    (Way::Stop, None) => (power.stopped, power.services) = (true, BTreeSet::new()),
                    (Way::Stop, Some(service)) => drop(power.services.insert(service)),
                    (_, None) => (power.stopped, power.services) = (false, BTreeSet::new()),
                    (_, Some(service)) => drop(power.services.remove(&service)),
                },
            },
        }
        power
    }

    /// How the open turn ended nobody knows: what it may have stopped counts as stopped, so that it
    /// is started before anybody else gets it.
    pub fn dropped(&self) -> Self {
        let mut power = self.clone();
        let turn = power.turn.take();
        match turn {
            Some(Turn {
                way: Way::Stop | Way::Restart,
                service: None,
            }) => power.stopped = true,
            Some(Turn {
                way: Way::Stop | Way::Restart,
                service: Some(service),
            }) => drop(power.services.insert(service)),
            _ => {}
        }
        power
    }
}
