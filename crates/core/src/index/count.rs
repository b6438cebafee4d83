//! What is in use of pools, hosts and owners, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::host::Host;
use crate::id::PoolId;
use crate::lease::{Lease, LeaseState};
use crate::name::Name;
use crate::resource::ResourceState;
use crate::space::{Amount, IntervalSet};
use crate::state::State;

/// Counts of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Members by state, slices not counted.
    pub states: [u32; 9],
    /// Free members kept for somebody.
    pub earmarked: u32,
    /// Free members not offered for now: cooling or not well.
    pub resting: u32,
    /// Members asked for by waiters and not kept for them yet.
    pub unmet: u32,
    /// Leases that wait for something of this pool.
    pub waiting: u32,
    /// Members that outside cleaners clean: no builds.
    pub outside: u32,
    /// Slices cut from its divisible members.
    pub slices: u32,
    /// Members asked for by waiters that name no pool, for whom this one builds.
    pub roaming: u32,
    /// Members ready or on their way on hosts of which nothing is granted, by their operators' will.
    pub closed: u32,
    /// Members being deleted on hosts that were given up.
    pub stranded: u32,
    /// Hosts on which its builds wait after a failure.
    pub backing_off: u32,
}

/// What is in use of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostUse {
    /// Members by pool and state.
    pub pools: BTreeMap<PoolId, [u32; 9]>,
    /// Those of them, by pool, that outside cleaners clean: no builds.
    pub outside: BTreeMap<PoolId, u32>,
    /// Free port blocks.
    pub blocks: IntervalSet,
    /// Blocks that stay closed when they are given back.
    pub quarantined: BTreeSet<u32>,
    /// Free subnets.
    pub subnets: IntervalSet,
    /// Resources that are not gone.
    pub members: u32,
    /// The most it may carry.
    pub(super) capacity: u32,
    /// It takes new builds.
    pub(super) open: bool,
    /// It is filled to its capacity.
    pub(super) fills: bool,
    /// Nothing of it is granted, by its operator's will.
    pub(super) closed: bool,
    /// It was given up.
    pub(super) lost: bool,
    pub(super) driver: Arc<str>,
}

/// What an owner has and asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerUse {
    /// Leases in the queue.
    pub waiting: u32,
    /// Leases preparing and active.
    pub live: u32,
    /// Members held and asked for.
    pub resources: u32,
    /// Amounts of them, by kind; wide enough for every sum of amounts.
    pub quantity: BTreeMap<Name, u128>,
}

impl OwnerUse {
    /// One lease's part of it.
    pub(crate) fn of(lease: &Lease) -> Self {
        let waits = lease.state == LeaseState::Waiting;
        let held = || u32::try_from(lease.members.len()).unwrap_or(u32::MAX);
        let asked = || lease.items.iter().map(|i| i.count).sum();
        let mut quantity = BTreeMap::new();
        for (i, item) in lease.items.iter().enumerate() {
            let Some(Amount::Quantity(amounts)) = &item.amount else {
                continue;
            };
            let times = u128::from(lease.times(i));
            for (kind, amount) in amounts {
                *quantity.entry(kind.clone()).or_default() += times * u128::from(*amount);
            }
        }
        Self {
            waiting: waits.into(),
            live: (!waits).into(),
            resources: if waits { asked() } else { held() },
            quantity,
        }
    }

    /// A lease came, or went.
    pub(crate) fn change(&mut self, part: &Self, came: bool) {
        let step = |n: &mut u32, by: u32| *n = if came { *n + by } else { n.saturating_sub(by) };
        step(&mut self.waiting, part.waiting);
        step(&mut self.live, part.live);
        step(&mut self.resources, part.resources);
        for (kind, by) in &part.quantity {
            let n = self.quantity.entry(kind.clone()).or_default();
            *n = if came { *n + by } else { n.saturating_sub(*by) };
            if *n == 0 {
                self.quantity.remove(kind);
            }
        }
    }
}

impl PoolUse {
    /// Members in a state.
    pub fn in_state(&self, state: ResourceState) -> u32 {
        self.states[state as usize]
    }

    /// Members that are not gone.
    pub fn total(&self) -> u32 {
        self.states.iter().sum()
    }

    /// Members that could be granted now, hosts permitting.
    pub fn ready(&self) -> u32 {
        self.in_state(ResourceState::Free)
            .saturating_sub(self.earmarked + self.resting)
    }

    /// Builds and cleanings under way.
    pub fn building(&self) -> u32 {
        under_way(&self.states).saturating_sub(self.outside)
    }

    /// Members on their way to free.
    pub fn coming(&self) -> u32 {
        let coming = ResourceState::COMING.iter();
        coming.map(|s| self.in_state(*s)).sum()
    }
}

impl HostUse {
    /// All of a host, nothing in use.
    pub fn of(host: &Host) -> Self {
        let whole = |n: u32| {
            let mut set = IntervalSet::default();
            if n > 0 {
                let _ = set.put(0, u128::from(n));
            }
            set
        };
        let mut blocks = whole(host.spec.ports.map_or(0, |p| p.blocks()));
        for block in &host.quarantined {
            blocks.take_exact(u128::from(*block), 1);
        }
        let mut u = Self {
            pools: BTreeMap::new(),
            outside: BTreeMap::new(),
            blocks,
            quarantined: host.quarantined.clone(),
            subnets: whole(host.spec.network.map_or(0, |n| n.subnets())),
            members: 0,
            capacity: 0,
            open: false,
            fills: false,
            closed: false,
            lost: false,
            driver: (*host.spec.driver).into(),
        };
        u.follow(host);
        u
    }

    /// What of it its host says.
    pub(super) fn follow(&mut self, host: &Host) {
        self.capacity = host.spec.capacity;
        self.open = host.offers() && !host.lost;
        self.fills = host.spec.autofill;
        self.closed = !host.spec.schedulable || host.retiring;
        self.lost = host.lost;
    }

    /// Millionths of its capacity that are taken.
    pub fn load(&self) -> u64 {
        u64::from(self.members) * 1_000_000 / u64::from(self.capacity.max(1))
    }

    /// Resources that are not gone.
    pub fn total(&self) -> u32 {
        self.members
    }

    /// What its resources take of a kind it holds, as their pools say now.
    pub fn taken(&self, state: &State, kind: &Name) -> u128 {
        let each = |id| state.pools.get(id)?.spec.needs.get(kind).copied();
        let taken = self.pools.iter().map(|(id, states)| {
            let members: u32 = states.iter().sum();
            u128::from(each(id).unwrap_or(0)) * u128::from(members)
        });
        taken.sum()
    }

    /// Resources in a state.
    pub fn in_state(&self, state: ResourceState) -> u32 {
        self.pools.values().map(|s| s[state as usize]).sum()
    }

    /// Builds and cleanings under way.
    pub fn building(&self) -> u32 {
        self.pools.keys().map(|pool| self.building_of(*pool)).sum()
    }

    /// Those of one pool.
    pub fn building_of(&self, pool: PoolId) -> u32 {
        let outside = self.outside.get(&pool).copied().unwrap_or(0);
        let all = self.pools.get(&pool).map_or(0, under_way);
        all.saturating_sub(outside)
    }
}

fn under_way(states: &[u32; 9]) -> u32 {
    states[ResourceState::Creating as usize] + states[ResourceState::Cleaning as usize]
}
