//! Who lacks what: waiters by what they ask for. A freed resource meets each distinct demand once,
//! however many ask for the same, and of those with an equality only the ones it fulfils.

use std::ops::Bound;
use std::sync::Arc;

use crate::access::Asker;
use crate::attribute::Value;
use crate::id::PoolId;
use crate::index::Index;
use crate::lease::{Lease, LeaseState, Rank};
use crate::planted;
use crate::resource::Resource;
use crate::selector::{Selector, lookup};

/// What somebody asks for, one for all who ask for the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demand {
    /// From this pool; none means any that whoever asks sees.
    pub pool: Option<PoolId>,
    /// An equality of the selector, if it has one.
    pub equals: Option<(Box<str>, Value)>,
    /// What it must satisfy.
    pub selector: Option<Selector>,
    /// Who asks, where that decides which pools are meant.
    pub who: Option<Asker>,
}

/// Demand that names no pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Members asked for and not kept for anybody yet.
    pub unmet: u32,
    /// The pool that builds for it: the first one that could.
    pub builder: Option<PoolId>,
}

/// Finds the pool that builds for a demand that names none.
pub(crate) type Builder<'a> = &'a dyn Fn(&Demand) -> Option<PoolId>;

/// So many who ask for the same are passed by one after the other; beyond, a leap is cheaper.
const NEAR: u32 = 4;

impl Demand {
    /// What a lease asks for with an item.
    pub(crate) fn of(l: &Lease, item: usize) -> Self {
        let item = &l.items[item];
        let equalities = item.selector.iter().flat_map(Selector::equalities);
        let equals = equalities.min_by(|a, b| a.0.cmp(b.0));
        let anywhere = item.pool.is_none();
        Self {
            pool: item.pool,
            equals: equals.map(|(key, value)| (key.into(), value.clone())),
            selector: item.selector.clone(),
            who: anywhere.then(|| Asker::of(l)),
        }
    }

    /// Before every other of this pool whose equality is at or after this one.
    fn least(pool: Option<PoolId>, equals: Option<(Box<str>, Value)>) -> (Arc<Self>, Rank) {
        let least = Self {
            pool,
            equals,
            selector: None,
            who: None,
        };
        (Arc::new(least), Rank::FIRST)
    }
}

impl Index {
    /// Demand on a pool, or on any, that a resource may meet, each with the first who asks for it.
    /// Demand for another value of an attribute is passed over, whoever and how many ask for it.
    pub(crate) fn lacking<'a>(
        &'a self,
        pool: Option<PoolId>,
        r: &'a Resource,
    ) -> impl Iterator<Item = &'a (Arc<Demand>, Rank)> {
        let from = |first| self.lacking.range((first, Bound::Unbounded));
        let mut ahead = from(Bound::Included(Demand::least(pool, None)));
        let (mut last, mut same): (Option<&Arc<Demand>>, u32) = (None, 0);
        std::iter::from_fn(move || {
            loop {
                let next = ahead.next().filter(|(d, _)| d.pool == pool)?;
                if last.is_some_and(|d| *d == next.0) {
                    same += 1;
                    if same == NEAR {
                        ahead = from(Bound::Excluded((next.0.clone(), Rank::LAST)));
                    }
                    continue;
                }
                (last, same) = (Some(&next.0), 0);
                let wrong = next.0.equals.as_ref().and_then(|(key, wanted)| {
                    let is = lookup(key, &r.doc.attributes, &r.doc.labels);
                    match is {
                        Some(is) if is == wanted.as_ref() => None,
                        Some(is) if is > wanted.as_ref() => Some((key.clone(), is.to_value())),
                        // The next key there can be.
                        _ => Some((format!("{key}\0").into(), Value::Bool(false))),
                    }
                });
                if wrong.is_none() {
                    return Some(next);
                }
                ahead = from(Bound::Included(Demand::least(pool, wrong)));
            }
        })
    }

    /// What a waiting lease lacks, in or out.
    pub(super) fn link_demand(&mut self, l: &Lease, present: bool, builder: Builder<'_>) {
        if l.state != LeaseState::Waiting {
            return;
        }
        for i in 0..l.items.len() {
            let unmet = l.unmet(i);
            // Slices are cut for the first who waits for one, whatever comes free.
            if unmet == 0 || l.items[i].amount.is_some() {
                continue;
            }
            let demand = Arc::new(Demand::of(l, i));
            if demand.pool.is_none() {
                self.change_open(&demand, unmet, present, builder);
            }
            let lacks = (demand, l.rank());
            if present {
                self.lacking.insert(lacks);
            } else {
                self.lacking.remove(&lacks);
            }
        }
    }

    fn change_open(&mut self, demand: &Arc<Demand>, by: u32, up: bool, builder: Builder<'_>) {
        let mut open = self.open.get(demand).cloned().unwrap_or_else(|| Open {
            unmet: 0,
            builder: builder(demand),
        });
        open.unmet = match up {
            true => open.unmet + by,
            false => open.unmet.saturating_sub(by),
        };
        self.roam(open.builder, by, up);
        if open.unmet > 0 {
            self.open.insert(demand.clone(), open);
        } else {
            self.open.remove(demand);
        }
    }

    /// Pools or who sees them changed: others may have to build.
    pub(crate) fn choose_builders(&mut self, builder: Builder<'_>) {
        let moved = self.open.iter().filter_map(|(demand, open)| {
            let builder = builder(demand);
            let moves = builder != open.builder && !planted!(BuilderForgotten);
            moves.then(|| (demand.clone(), builder))
        });
        let moved: Vec<_> = moved.collect();
        for (demand, builder) in moved {
            let Some(mut open) = self.open.get(&demand).cloned() else {
                continue;
            };
            self.roam(open.builder, open.unmet, false);
            open.builder = builder;
            self.roam(open.builder, open.unmet, true);
            self.open.insert(demand, open);
        }
    }

    fn roam(&mut self, builder: Option<PoolId>, by: u32, up: bool) {
        let Some(pool) = builder else { return };
        self.pool_use(pool, |u| {
            u.roaming = match up {
                true => u.roaming + by,
                false => u.roaming.saturating_sub(by),
            }
        });
    }
}
