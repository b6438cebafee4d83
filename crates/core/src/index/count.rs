//! What is in use of pools, hosts and owners, counted.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::Host;
use crate::id::PoolId;
use crate::resource::ResourceState;
use crate::space::IntervalSet;

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
    /// Slices cut from its divisible members.
    pub slices: u32,
}

/// What is in use of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostUse {
    /// Members by pool and state.
    pub pools: BTreeMap<PoolId, [u32; 9]>,
    /// Free port blocks.
    pub blocks: IntervalSet,
    /// Blocks that stay closed when they are given back.
    pub quarantined: BTreeSet<u32>,
    /// Free subnets.
    pub subnets: IntervalSet,
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

    /// Members on their way to free.
    pub fn coming(&self) -> u32 {
        use ResourceState::{Cleaning, Creating, Dirty, Planned};
        [Planned, Creating, Dirty, Cleaning]
            .iter()
            .map(|s| self.in_state(*s))
            .sum()
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
        Self {
            pools: BTreeMap::new(),
            blocks,
            quarantined: host.quarantined.clone(),
            subnets: whole(host.spec.network.map_or(0, |n| n.subnets())),
        }
    }

    /// Resources that are not gone.
    pub fn total(&self) -> u32 {
        self.pools.values().flatten().sum()
    }

    /// Resources in a state.
    pub fn in_state(&self, state: ResourceState) -> u32 {
        self.pools.values().map(|s| s[state as usize]).sum()
    }

    /// Builds and cleanings under way.
    pub fn building(&self) -> u32 {
        self.in_state(ResourceState::Creating) + self.in_state(ResourceState::Cleaning)
    }
}
