//! Choosing resources for a demand. Used alike by `decide`, for a call that can be met at once,
//! and by `settle`, for those who wait.

mod ever;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::attribute::Value;
use crate::event::Number;
use crate::host::Host;
use crate::id::{Fence, HostId, PoolId, ResourceId};
use crate::index::FreeKey;
use crate::lease::{Item, Purpose, Rank};
use crate::limits;
use crate::name::ResourceName;
use crate::planted;
use crate::pool::Pool;
use crate::refusal::Refusal;
use crate::resource::{Cut, Health, Origin, Resource, ResourceDoc, ResourceState};
use crate::settle::queue::first_lacking;
use crate::space::Space;
use crate::state::State;

pub(crate) use ever::ever;

/// What was chosen for one place of an item.
pub(crate) struct Choice {
    /// The resource.
    pub resource: ResourceId,
    /// Index of the item.
    pub item: u16,
    /// A slice that has yet to be cut.
    pub cut: Option<Box<Resource>>,
}

/// One search: whom it is for, and what it has taken so far.
pub(crate) struct Search<'a> {
    state: &'a State,
    sees: &'a dyn Fn(&Pool) -> bool,
    purpose: Purpose,
    /// Place in the queue; resources kept for later ones may be taken.
    rank: Rank,
    /// Last number given out.
    counter: u64,
    taken: BTreeSet<ResourceId>,
    spaces: BTreeMap<ResourceId, Space>,
    /// Candidates looked at.
    looked: usize,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        state: &'a State,
        sees: &'a dyn Fn(&Pool) -> bool,
        purpose: Purpose,
        rank: Rank,
        counter: u64,
    ) -> Self {
        Self {
            state,
            sees,
            purpose,
            rank,
            counter,
            taken: BTreeSet::new(),
            spaces: BTreeMap::new(),
            looked: 0,
        }
    }

    /// The last number given out, cuts included.
    pub(crate) fn counter(&self) -> u64 {
        self.counter
    }

    /// Up to `count` resources for an item, in the pool's pick order: first what is free, then
    /// what is kept for waiters of a later place.
    pub(crate) fn item(
        &mut self,
        i: usize,
        item: &Item,
        count: u32,
    ) -> Result<Vec<Choice>, Refusal> {
        let mut found = Vec::new();
        let index = u16::try_from(i).unwrap_or(u16::MAX);
        match item.pool {
            Some(pool) => self.pool(pool, index, item, count, &mut found)?,
            None => {
                for pool in self.state.pools.values() {
                    if found.len() as u64 >= u64::from(count) {
                        break;
                    }
                    let seen = (self.sees)(pool);
                    self.look(Some(&**pool).filter(|_| seen), item)?;
                    if !pool.retiring && seen {
                        self.pool(pool.id, index, item, count, &mut found)?;
                    }
                }
            }
        }
        Ok(found)
    }

    fn pool(
        &mut self,
        id: PoolId,
        i: u16,
        item: &Item,
        count: u32,
        found: &mut Vec<Choice>,
    ) -> Result<(), Refusal> {
        let Some(pool) = self.state.pools.get(&id).filter(|p| !p.retiring) else {
            return Ok(());
        };
        let pool = Arc::clone(pool);
        if item.amount.is_some() {
            return self.slices(&pool, i, item, count, found);
        }
        if self.purpose == Purpose::Clean {
            return self.dirty(&pool, i, item, count, found);
        }
        let mut keys = self.free(&pool, item, count)?;
        keys.sort_unstable_by_key(|k| (k.order, k.resource));
        for key in keys {
            if found.len() as u64 >= u64::from(count) {
                return Ok(());
            }
            self.taken.insert(key.resource);
            found.push(Choice {
                resource: key.resource,
                item: i,
                cut: None,
            });
        }
        if found.len() as u64 >= u64::from(count) {
            return Ok(());
        }
        self.later(&pool, i, item, count, found)
    }

    /// Free members that satisfy the item: at most `count` from each host.
    fn free(&mut self, pool: &Pool, item: &Item, count: u32) -> Result<Vec<FreeKey>, Refusal> {
        let state = self.state;
        let mut keys = Vec::new();
        if let Some((position, value)) = indexed(pool, item) {
            let from = (
                pool.id,
                position,
                value.clone(),
                FreeKey {
                    pool: pool.id,
                    host: HostId(0),
                    order: 0,
                    resource: ResourceId(0),
                },
            );
            for (p, n, v, key) in state.index.postings.range(from..) {
                if *p != pool.id
                    || *n != position
                    || *v != value
                    || keys.len() as u64 >= u64::from(count)
                {
                    break;
                }
                self.look(Some(pool), item)?;
                let mine = self.fits(key.resource, item) && !self.overtakes(key.resource);
                if mine && self.offered(key.host) {
                    keys.push(*key);
                }
            }
            return Ok(keys);
        }
        for (host, members) in state.index.free_groups(pool.id) {
            if !self.offered(host) {
                continue;
            }
            let mut here = 0;
            for key in members {
                if here >= count {
                    break;
                }
                if item.selector.is_some() {
                    self.look(Some(pool), item)?;
                }
                if self.fits(key.resource, item) && !self.overtakes(key.resource) {
                    keys.push(*key);
                    here += 1;
                }
            }
        }
        Ok(keys)
    }

    /// Members kept for waiters of a later place, the last first.
    fn later(
        &mut self,
        pool: &Pool,
        i: u16,
        item: &Item,
        count: u32,
        found: &mut Vec<Choice>,
    ) -> Result<(), Refusal> {
        let state = self.state;
        let first = Rank::new(limits::PRIORITY_MAX, crate::id::LeaseId(0));
        let mine = if planted!(Overtaken) {
            first
        } else {
            self.rank
        };
        let from = (pool.id, mine, ResourceId(u64::MAX));
        let to = (PoolId(pool.id.0 + 1), first, ResourceId(0));
        for (_, _, resource) in state.index.earmarks.range(from..to).rev() {
            if found.len() as u64 >= u64::from(count) {
                break;
            }
            self.look(Some(pool), item)?;
            let whole = state
                .resources
                .get(resource)
                .is_some_and(|r| r.parent().is_none());
            if whole && self.fits(*resource, item) {
                self.taken.insert(*resource);
                found.push(Choice {
                    resource: *resource,
                    item: i,
                    cut: None,
                });
            }
        }
        Ok(())
    }

    /// Dirty members, for an outside cleaner.
    fn dirty(
        &mut self,
        pool: &Pool,
        i: u16,
        item: &Item,
        count: u32,
        found: &mut Vec<Choice>,
    ) -> Result<(), Refusal> {
        let state = self.state;
        let at = |id| (pool.id, ResourceState::Dirty, ResourceId(id));
        for (_, _, resource) in state.index.busy.range(at(0)..=at(u64::MAX)) {
            if found.len() as u64 >= u64::from(count) {
                break;
            }
            self.look(Some(pool), item)?;
            // Who cleans would not know that it has to be started, or what its holder altered.
            let r = state.resources.get(resource);
            let as_built = r.is_none_or(|r| r.is_as_built());
            if as_built && self.fits(*resource, item) {
                self.taken.insert(*resource);
                found.push(Choice {
                    resource: *resource,
                    item: i,
                    cut: None,
                });
            }
        }
        Ok(())
    }

    /// Cuts slices, unless somebody waits longer for one of this pool.
    fn slices(
        &mut self,
        pool: &Pool,
        i: u16,
        item: &Item,
        count: u32,
        found: &mut Vec<Choice>,
    ) -> Result<(), Refusal> {
        let state = self.state;
        let Some(amount) = &item.amount else {
            return Ok(());
        };
        let at = |rank| (Some(pool.id), rank);
        let first = Rank::new(limits::PRIORITY_MAX, crate::id::LeaseId(0));
        if state
            .index
            .waiting
            .range(at(first)..at(self.rank))
            .next()
            .is_some()
        {
            return Ok(());
        }
        let parents = (pool.id, ResourceId(0))..=(pool.id, ResourceId(u64::MAX));
        for (_, parent) in state.index.divisible.range(parents) {
            self.look(Some(pool), item)?;
            let open = state.resources.get(parent).is_some_and(|p| {
                p.state == ResourceState::Free && p.health == Health::Well && satisfies(p, item)
            });
            let Some(space) = state.index.spaces.get(parent).filter(|_| open) else {
                continue;
            };
            let mut space = self.spaces.remove(parent).unwrap_or_else(|| space.clone());
            while (found.len() as u64) < u64::from(count) {
                let Some(part) = space.find(amount) else {
                    break;
                };
                let _ = space.take(&part);
                self.counter += 1;
                let id = ResourceId(self.counter);
                let slice = slice(state, pool, *parent, id, part);
                found.push(Choice {
                    resource: id,
                    item: i,
                    cut: Some(Box::new(slice)),
                });
            }
            self.spaces.insert(*parent, space);
        }
        Ok(())
    }

    fn fits(&self, id: ResourceId, item: &Item) -> bool {
        (!self.taken.contains(&id) || planted!(TwiceAMember))
            && (item.selector.is_none()
                || self
                    .state
                    .resources
                    .get(&id)
                    .is_some_and(|r| satisfies(r, item)))
    }

    /// Somebody before this one lacks it too and has not been offered it yet: only so while
    /// `settle` has work left.
    fn overtakes(&self, id: ResourceId) -> bool {
        let state = self.state;
        !state.work.is_empty()
            && !state.index.waiters.is_empty()
            && state
                .resources
                .get(&id)
                .and_then(|r| first_lacking(state, r))
                .is_some_and(|(rank, _)| rank < self.rank)
    }

    fn offered(&self, host: HostId) -> bool {
        host == HostId(0) || self.state.hosts.get(&host).is_some_and(|h| h.offers())
    }

    fn look(&mut self, pool: Option<&Pool>, item: &Item) -> Result<(), Refusal> {
        self.looked += 1;
        if self.looked <= limits::SCAN_MAX {
            return Ok(());
        }
        Err(Refusal::ScanTooLong {
            attribute: pool.and_then(|p| unindexed(p, item)).map(Into::into),
            max: limits::SCAN_MAX,
        })
    }
}

/// An equality of the selector on an attribute the pool indexes.
fn indexed(pool: &Pool, item: &Item) -> Option<(u8, Value)> {
    item.selector
        .as_ref()?
        .equalities()
        .find_map(|(key, value)| {
            let position = pool.spec.indexed.iter().position(|a| &**a == key)?;
            Some((u8::try_from(position).ok()?, value.clone()))
        })
}

/// What an equality of the selector is on and the pool does not index: an index finds nothing else.
fn unindexed<'i>(pool: &Pool, item: &'i Item) -> Option<&'i str> {
    let mut keys = item.selector.as_ref()?.equalities().map(|(key, _)| key);
    keys.find(|key| !pool.spec.indexed.contains(*key))
}

/// How much an item demands. The most demanding one chooses first, so that one that takes anything
/// leaves what only another can use. Not every combination is tried: selectors that overlap in part
/// may still get in each other's way.
pub(crate) fn demand(item: &Item) -> (bool, usize) {
    let conditions = item.selector.as_ref().map_or(0, |s| s.conditions().len());
    (item.pool.is_some(), conditions)
}

/// Items by how much they demand, most first.
pub(crate) fn most_demanding_first(items: &[Item]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|i| Reverse(demand(&items[*i])));
    order
}

/// Is a resource what an item asks for, whatever its state?
pub(crate) fn satisfies(r: &Resource, item: &Item) -> bool {
    item.pool.is_none_or(|p| p == r.pool)
        && item
            .selector
            .as_ref()
            .is_none_or(|s| s.matches(&r.doc.attributes, &r.doc.labels))
}

/// May this resource be granted now, its host included?
pub(crate) fn offerable(state: &State, r: &Resource) -> bool {
    let host = |s: &crate::resource::Site| {
        state
            .hosts
            .get(&s.host)
            .is_some_and(|h: &Arc<Host>| h.offers())
    };
    r.is_ready() && r.site().is_none_or(host)
}

fn slice(
    state: &State,
    pool: &Pool,
    parent: ResourceId,
    id: ResourceId,
    part: crate::space::Part,
) -> Resource {
    let doc = state
        .resources
        .get(&parent)
        .map(|p| p.doc.clone())
        .unwrap_or_default();
    let name = ResourceName::numbered(&part.to_string(), id);
    blank(
        id,
        pool.id,
        ResourceDoc {
            name,
            ..(*doc).clone()
        },
        Origin::Slice(Arc::new(Cut { parent, part })),
        state,
    )
}

/// A resource as it comes into being: free, nobody's, of no generation.
pub(crate) fn blank(
    id: ResourceId,
    pool: PoolId,
    doc: ResourceDoc,
    origin: Origin,
    state: &State,
) -> Resource {
    Resource {
        id,
        pool,
        doc: Arc::new(doc),
        origin,
        state: ResourceState::Free,
        generation: 0,
        attempt: 0,
        open: false,
        deadline: None,
        lease: None,
        earmark: None,
        fence: Fence(0),
        then: None,
        health: Health::Well,
        cooling_until: None,
        freed_at: state.now(),
        born_at: state.now(),
        uses: 0,
        tries: 0,
        retire_at: None,
        cause: None,
        withheld: None,
        power: None,
        altered: None,
        outputs: Arc::default(),
        changed: Number::default(),
    }
}
