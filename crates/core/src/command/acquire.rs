//! What somebody asks for.

use serde::{Deserialize, Serialize};

use crate::attribute::Labels;
use crate::lease::Purpose;
use crate::name::{Name, Owner};
use crate::selector::Selector;
use crate::space::Amount;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acquire {
    /// Whom it is for; none is the key's owner.
    pub owner: Option<Owner>,
    /// What, 1 to 64 items.
    pub items: Vec<Want>,
    /// Time to live in milliseconds; none is the pool's.
    pub ttl_ms: Option<u64>,
    /// How long to wait in milliseconds; 0 fails when it cannot be met at once.
    pub wait_ms: u64,
    /// While it waits it must be renewed this often, in milliseconds.
    pub poll_within_ms: Option<u64>,
    /// 0 to 9.
    pub priority: u8,
    /// A live lease may be the answer.
    pub reuse: Reuse,
    /// What the members are for.
    pub purpose: Purpose,
    /// The holder's labels.
    pub labels: Labels,
    /// The holder's note.
    pub note: Option<Box<str>>,
}

/// One thing asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Want {
    /// From this pool; none means any pool the owner sees, and needs a selector.
    pub pool: Option<Name>,
    /// And satisfying this.
    pub selector: Option<Selector>,
    /// How many.
    pub count: u32,
    /// How much, from a divisible pool.
    pub amount: Option<Amount>,
}

/// May a live lease of the owner be the answer?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// Always a new lease.
    Never,
    /// The one in this slot, if there is one; else the new one takes the slot.
    Slot(Box<str>),
    /// Any healthy one that has the same number of members and satisfies every item.
    Matching,
}
