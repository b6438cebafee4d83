//! Now and then many things come at once, so that bounds are met that nobody meets by chance.

use caviada_core::attribute::{Attributes, Labels};
use caviada_core::command::{Acquire, Act, Entry, Reuse, Want};
use caviada_core::lease::Purpose;
use caviada_core::limits;
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::state::State;

use super::nouns::{self, name, owner};
use super::rng::Rng;

/// Acts of one rush, one after the other, and what is left of it.
#[derive(Debug, Clone, Copy)]
pub enum Rush {
    /// One owner queues for a pool until he may not any more.
    Queue { pool: &'static str, acts_left: u8 },
    /// More dirty members than a selector that asks 64 times may look at come, and go again.
    Scan { acts_left: u8 },
}

const DIRTY_POOL: &str = "machines";

impl Rush {
    pub fn begin(rng: &mut Rng, pool: &'static str) -> Self {
        if rng.percent(50) {
            Self::Queue { pool, acts_left: 5 }
        } else {
            Self::Scan { acts_left: 8 }
        }
    }

    /// What is done next; none when it is over.
    pub fn next(&mut self, state: &State) -> Option<Act> {
        match self {
            Self::Queue { acts_left: 0, .. } | Self::Scan { acts_left: 0 } => None,
            Self::Queue { pool, acts_left } => {
                *acts_left -= 1;
                let ask = || Act::Acquire(Box::new(asks(pool)));
                Some(Act::All(
                    (0..limits::COMMANDS_PER_ALL_MAX).map(|_| ask()).collect(),
                ))
            }
            Self::Scan { acts_left } => {
                *acts_left -= 1;
                match acts_left {
                    7 => Some(Act::All((0..200).map(declares).collect())),
                    6 => Some(Act::Acquire(Box::new(scans()))),
                    _ => go_again(state),
                }
            }
        }
    }
}

fn asks(pool: &str) -> Acquire {
    Acquire {
        owner: Some(owner("dan")),
        items: vec![Want {
            pool: Some(name(pool)),
            selector: None,
            count: 1,
            amount: None,
        }],
        ttl_ms: Some(2_000),
        wait_ms: 5_000,
        poll_within_ms: None,
        priority: 4,
        reuse: Reuse::Never,
        purpose: Purpose::Use,
        labels: Labels::default(),
        note: None,
    }
}

fn scans() -> Acquire {
    let want = Want {
        pool: Some(name(DIRTY_POOL)),
        selector: "gpu exists".parse().ok(),
        count: 1,
        amount: None,
    };
    Acquire {
        items: vec![want; limits::ITEMS_PER_LEASE_MAX],
        wait_ms: 0,
        purpose: Purpose::Clean,
        ..asks(DIRTY_POOL)
    }
}

fn declares(n: u32) -> Act {
    Act::Declare {
        pool: name(DIRTY_POOL),
        name: nouns::resource(&format!("x{n}")),
        attributes: Attributes::default(),
        labels: Labels::default(),
        endpoints: vec![],
        declared_in: None,
        entry: Entry::Dirty,
        space: None,
        expect: None,
    }
}

fn go_again(state: &State) -> Option<Act> {
    use ResourceState::{Cleaning, Leased};
    let came = |r: &&std::sync::Arc<Resource>| {
        r.doc.name.as_str().starts_with('x') && !matches!(r.state, Leased | Cleaning)
    };
    let goes = |r: &std::sync::Arc<Resource>| Act::DeleteResource {
        resource: r.id,
        force: false,
        expect: None,
    };
    let all: Vec<Act> = state.resources.values().filter(came).map(goes).collect();
    (!all.is_empty()).then_some(Act::All(all))
}
