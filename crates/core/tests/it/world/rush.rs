//! Now and then many things come at once, so that bounds are met that nobody meets by chance.

use caviada_core::attribute::{Attributes, Labels};
use caviada_core::command::{Acquire, Act, Entry, Reuse, Want};
use caviada_core::lease::Purpose;
use caviada_core::limits;
use caviada_core::pool::OnBad;
use caviada_core::resource::{Health, Resource, ResourceState};
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
    /// A member of a lease of two goes bad, and is swapped or given back.
    Bad { acts_left: u8 },
    /// A cleaner loses one of the two it works on.
    Cleaner { acts_left: u8 },
    /// All that stands on the fullest host goes bad: more than is kept for looking at.
    Wreck { acts_left: u8 },
}

const DIRTY_POOL: &str = "machines";
const KEEPING_POOL: &str = "slots";

impl Rush {
    pub fn begin(rng: &mut Rng, pool: &'static str) -> Self {
        match rng.weighted(&[15, 15, 40, 30, 40]) {
            0 => Self::Queue { pool, acts_left: 5 },
            1 => Self::Scan { acts_left: 8 },
            2 => Self::Bad { acts_left: 4 },
            3 => Self::Cleaner { acts_left: 3 },
            _ => Self::Wreck { acts_left: 2 },
        }
    }

    /// What is done next; none when it is over.
    pub fn next(&mut self, rng: &mut Rng, state: &State) -> Option<Act> {
        let (Self::Queue { acts_left, .. }
        | Self::Scan { acts_left }
        | Self::Bad { acts_left }
        | Self::Cleaner { acts_left }
        | Self::Wreck { acts_left }) = self;
        *acts_left = acts_left.checked_sub(1)?;
        match *self {
            Self::Queue { pool, .. } => {
                let all =
                    (0..limits::COMMANDS_PER_ALL_MAX).map(|_| Act::Acquire(asks(pool).into()));
                Some(Act::All(all.collect()))
            }
            Self::Scan { acts_left: 7 } => Some(Act::All((0..200).map(declares).collect())),
            Self::Scan { acts_left: 6 } => Some(Act::Acquire(scans().into())),
            Self::Scan { .. } => go_again(state),
            Self::Bad { acts_left: 3 } => Some(Act::Acquire(two().into())),
            Self::Bad { acts_left: 2 } => minds(rng, state),
            Self::Bad { acts_left } => bad(state, acts_left == 1),
            Self::Cleaner { acts_left: 2 } => Some(declares(0)),
            Self::Cleaner { acts_left: 1 } => cleans(state),
            Self::Cleaner { .. } => taken_away(state),
            Self::Wreck { .. } => wrecks(state),
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

/// Two of the pool that keeps.
fn two() -> Acquire {
    let mut two = asks(KEEPING_POOL);
    two.items[0].count = 2;
    two.wait_ms = 0;
    two
}

/// What its pool makes of one that goes bad.
fn minds(rng: &mut Rng, state: &State) -> Option<Act> {
    let pool = state.pool_named(&name(KEEPING_POOL))?;
    let mut spec = (*pool.spec).clone();
    spec.prepare = rng.percent(50);
    spec.on_bad = if spec.prepare {
        OnBad::Swap
    } else {
        OnBad::Keep
    };
    Some(Act::PutPool {
        name: pool.name.clone(),
        spec: spec.into(),
        expect: None,
    })
}

/// One of two goes bad, or is given back.
fn bad(state: &State, goes_bad: bool) -> Option<Act> {
    let pool = state.pool_named(&name(KEEPING_POOL))?.id;
    let held = |r: &&std::sync::Arc<Resource>| {
        let lease = r.lease.and_then(|l| state.leases.get(&l));
        r.pool == pool && lease.is_some_and(|l| l.members.len() > 1)
    };
    let ill = |r: &&std::sync::Arc<Resource>| goes_bad || r.health == Health::Ill;
    let r = state.resources.values().filter(held).find(ill)?;
    Some(match goes_bad {
        true => Act::RecordHealth {
            resource: r.id,
            generation: r.generation,
            health: Health::Ill,
            why: None,
        },
        false => Act::Release {
            lease: r.lease?,
            members: vec![r.id],
            hold: None,
            ok: true,
            fence: None,
        },
    })
}

fn wrecks(state: &State) -> Option<Act> {
    let built = || {
        state
            .resources
            .values()
            .filter_map(|r| Some((r, r.site()?.host)))
    };
    let count = |host| built().filter(|(_, h)| *h == host).count();
    let fullest = built().map(|(_, h)| h).max_by_key(|h| count(*h))?;
    let bad = built()
        .filter(|(r, host)| *host == fullest && r.health != Health::Ill)
        .map(|(r, _)| Act::RecordHealth {
            resource: r.id,
            generation: r.generation,
            health: Health::Ill,
            why: None,
        });
    let all: Vec<Act> = bad.take(limits::COMMANDS_PER_ALL_MAX).collect();
    (!all.is_empty()).then_some(Act::All(all))
}

/// A dirty one that was built, and a declared one beside it.
fn cleans(state: &State) -> Option<Act> {
    let built =
        |r: &&std::sync::Arc<Resource>| r.state == ResourceState::Dirty && r.site().is_some();
    let r = state.resources.values().find(built)?;
    let pool = &state.pools.get(&r.pool)?.name;
    let mut both = scans();
    both.items.truncate(2);
    both.items[0].pool = Some(pool.clone());
    for item in &mut both.items {
        item.selector = None;
    }
    Some(Act::Acquire(both.into()))
}

fn taken_away(state: &State) -> Option<Act> {
    let cleaned = |r: &&std::sync::Arc<Resource>| {
        r.state == ResourceState::Cleaning && r.lease.is_some() && r.site().is_some()
    };
    let r = state.resources.values().find(cleaned)?;
    Some(Act::DeleteResource {
        resource: r.id,
        force: true,
        expect: None,
    })
}
