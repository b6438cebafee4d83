//! What a divisible resource can be cut into: a range of addresses, prefixes or ports, or a
//! quantity such as `cpu=16,mem=64Gi`.
//!
//! A [`Space`] is its definition and what is free of it; the parts in use stand elsewhere (slices,
//! the ports and subnets of resources, the amounts of a quota). At every moment
//! *parts + free + excluded = whole*. A free /8 or IPv6 /48 is one interval, and finding, taking and
//! putting back are O(log intervals).
//!
//! On the wire and in the store a space is its definition only; whoever loads one takes the live
//! parts from it again ([`Space::with_parts`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::limits::{INTERVALS_PER_SPACE_MAX, KINDS_PER_QUANTITY_MAX};
use crate::name::Name;

mod interval;
mod text;

pub use interval::{Interval, IntervalSet, Overlap};
pub use text::scaled_number;

/// Amounts by kind, such as cpu and mem.
pub type Amounts = BTreeMap<Name, u64>;

/// What the numbers of a range stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4 addresses.
    V4,
    /// IPv6 addresses.
    V6,
    /// Ports, 1 to 65535.
    Port,
}

impl Family {
    /// How many bits an address has; none for ports, which have no prefixes.
    #[must_use]
    pub fn prefix_bits(self) -> Option<u8> {
        match self {
            Self::V4 => Some(32),
            Self::V6 => Some(128),
            Self::Port => None,
        }
    }

    fn last(self) -> u128 {
        match self {
            Self::V4 => u128::from(u32::MAX),
            Self::V6 => u128::MAX,
            Self::Port => u128::from(u16::MAX),
        }
    }

    fn first(self) -> u128 {
        if self == Self::Port { 1 } else { 0 }
    }
}

/// How much is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Amount {
    /// So many addresses or ports in a row.
    Count(u64),
    /// An aligned block of addresses with this prefix length, a /29 for example.
    Prefix(u8),
    /// So much of each kind.
    Quantity(Amounts),
}

/// What was cut out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Of a range.
    Interval {
        /// What its numbers stand for.
        family: Family,
        /// From which to which.
        interval: Interval,
    },
    /// Of a quantity.
    Quantity(Amounts),
}

/// A divisible whole and what is free of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Space {
    /// Addresses, prefixes or ports.
    Range(Range),
    /// Amounts.
    Quantity(Quantity),
}

/// A range of addresses or ports and what is free of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    family: Family,
    whole: Arc<[Interval]>,
    excluded: Arc<[Interval]>,
    /// The whole without the excluded: what is free when no part is out.
    usable: IntervalSet,
    free: IntervalSet,
}

/// Amounts by kind and what is free of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    whole: Arc<Amounts>,
    free: Amounts,
}

/// A text or value defines no space, amount or part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidSpace {
    /// What is wrong and what is allowed, as one sentence without a full stop.
    pub reason: String,
}

fn invalid(reason: impl Into<String>) -> InvalidSpace {
    InvalidSpace {
        reason: reason.into(),
    }
}

/// A part was taken that is not free, or put back that is not out. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongPart {
    /// It is taken already, excluded, outside the whole or of another kind.
    #[error("{0} is not free")]
    NotFree(Part),
    /// It is free already, excluded, outside the whole or of another kind.
    #[error("{0} is not taken")]
    NotTaken(Part),
}

impl Space {
    /// A range of which all but the excluded is free. Intervals that touch or overlap are joined.
    ///
    /// # Errors
    /// No interval, one that is no address or port of the family, an exclusion that lies outside,
    /// or more than [`INTERVALS_PER_SPACE_MAX`] of either.
    pub fn range(
        family: Family,
        whole: Vec<Interval>,
        excluded: Vec<Interval>,
    ) -> Result<Self, InvalidSpace> {
        let whole = joined(family, whole)?;
        let excluded = joined(family, excluded)?;
        if whole.is_empty() {
            return Err(invalid("a range has at least one address or port"));
        }
        let mut usable = IntervalSet::default();
        for interval in &whole {
            usable
                .put_interval(*interval)
                .map_err(|_| invalid("the range overlaps itself"))?;
        }
        for interval in &excluded {
            if !usable.take_interval(*interval) {
                let part = Part::Interval {
                    family,
                    interval: *interval,
                };
                return Err(invalid(format!(
                    "{part} is excluded but lies outside the range"
                )));
            }
        }
        Ok(Self::Range(Range {
            family,
            whole: whole.into(),
            excluded: excluded.into(),
            free: usable.clone(),
            usable,
        }))
    }

    /// Amounts, all of them free.
    ///
    /// # Errors
    /// No kind, or more than [`KINDS_PER_QUANTITY_MAX`].
    pub fn quantity(whole: Amounts) -> Result<Self, InvalidSpace> {
        if !(1..=KINDS_PER_QUANTITY_MAX).contains(&whole.len()) {
            return Err(invalid(format!(
                "a quantity has 1 to {KINDS_PER_QUANTITY_MAX} kinds; this one has {}",
                whole.len()
            )));
        }
        Ok(Self::Quantity(Quantity {
            free: whole.clone(),
            whole: whole.into(),
        }))
    }

    /// The same definition with just these parts taken: for loading, and for a definition that
    /// changed while parts are out.
    ///
    /// # Errors
    /// The first part that does not fit; the space is unchanged.
    pub fn with_parts<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a Part>,
    ) -> Result<Self, WrongPart> {
        let mut space = self.emptied();
        for part in parts {
            space.take(part)?;
        }
        Ok(space)
    }

    /// The same definition with nothing taken.
    #[must_use]
    pub fn emptied(&self) -> Self {
        match self {
            Self::Range(range) => Self::Range(Range {
                free: range.usable.clone(),
                ..range.clone()
            }),
            Self::Quantity(quantity) => Self::Quantity(Quantity {
                free: Amounts::clone(&quantity.whole),
                whole: Arc::clone(&quantity.whole),
            }),
        }
    }

    /// Where the amount would be cut now: the lowest free interval if it fits there, else the
    /// shortest one it fits into, so that large ones stay whole. None when nothing free fits.
    #[must_use]
    pub fn find(&self, amount: &Amount) -> Option<Part> {
        match self {
            Self::Range(range) => range.find_in(&range.free, amount),
            Self::Quantity(quantity) => find_quantity(&quantity.free, amount),
        }
    }

    /// Whether the amount would fit if nothing were taken. If not, waiting is in vain.
    #[must_use]
    pub fn could_ever(&self, amount: &Amount) -> bool {
        match self {
            Self::Range(range) => range.find_in(&range.usable, amount).is_some(),
            Self::Quantity(quantity) => find_quantity(&quantity.whole, amount).is_some(),
        }
    }

    /// Takes a part out of what is free.
    ///
    /// # Errors
    /// When not all of it is free; nothing is taken then.
    pub fn take(&mut self, part: &Part) -> Result<(), WrongPart> {
        let taken = match (self, part) {
            (Self::Range(range), Part::Interval { family, interval }) => {
                range.family == *family && range.free.take_interval(*interval)
            }
            (Self::Quantity(quantity), Part::Quantity(amounts)) => quantity.take(amounts),
            _ => false,
        };
        if taken {
            Ok(())
        } else {
            Err(WrongPart::NotFree(part.clone()))
        }
    }

    /// Puts a part back into what is free, where it merges with its neighbours.
    ///
    /// # Errors
    /// When not all of it is taken; nothing is put back then.
    pub fn put(&mut self, part: &Part) -> Result<(), WrongPart> {
        let put = match (self, part) {
            (Self::Range(range), Part::Interval { family, interval }) => {
                range.family == *family
                    && range.usable.contains(*interval)
                    && range.free.put_interval(*interval).is_ok()
            }
            (Self::Quantity(quantity), Part::Quantity(amounts)) => quantity.put(amounts),
            _ => false,
        };
        if put {
            Ok(())
        } else {
            Err(WrongPart::NotTaken(part.clone()))
        }
    }

    /// Whether nothing is taken.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        match self {
            Self::Range(range) => range.free == range.usable,
            Self::Quantity(quantity) => quantity.free == *quantity.whole,
        }
    }
}

impl Range {
    /// What the numbers stand for.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The definition: ascending, disjoint, not touching.
    #[must_use]
    pub fn whole(&self) -> &[Interval] {
        &self.whole
    }

    /// What is never handed out: ascending, disjoint, not touching, within the whole.
    #[must_use]
    pub fn excluded(&self) -> &[Interval] {
        &self.excluded
    }

    /// What is free.
    #[must_use]
    pub fn free(&self) -> &IntervalSet {
        &self.free
    }

    fn find_in(&self, free: &IntervalSet, amount: &Amount) -> Option<Part> {
        let interval = match amount {
            Amount::Count(count) => free.find(u128::from(*count))?,
            Amount::Prefix(length) => {
                free.find_aligned(self.family.prefix_bits()?.checked_sub(*length)?)?
            }
            Amount::Quantity(_) => return None,
        };
        Some(Part::Interval {
            family: self.family,
            interval,
        })
    }
}

impl Quantity {
    /// The definition.
    #[must_use]
    pub fn whole(&self) -> &Amounts {
        &self.whole
    }

    /// What is free; the same kinds as the whole.
    #[must_use]
    pub fn free(&self) -> &Amounts {
        &self.free
    }

    fn take(&mut self, amounts: &Amounts) -> bool {
        let fits = covers(&self.free, amounts);
        if fits {
            for (kind, amount) in amounts {
                if let Some(free) = self.free.get_mut(kind) {
                    *free -= amount;
                }
            }
        }
        fits
    }

    fn put(&mut self, amounts: &Amounts) -> bool {
        let taken = |kind: &Name| Some(self.whole.get(kind)? - self.free.get(kind)?);
        let fits = !amounts.is_empty()
            && amounts
                .iter()
                .all(|(kind, amount)| taken(kind).is_some_and(|t| t >= *amount));
        if fits {
            for (kind, amount) in amounts {
                if let Some(free) = self.free.get_mut(kind) {
                    *free += amount;
                }
            }
        }
        fits
    }
}

fn covers(free: &Amounts, wanted: &Amounts) -> bool {
    !wanted.is_empty()
        && wanted
            .iter()
            .all(|(kind, amount)| free.get(kind).is_some_and(|f| f >= amount))
}

fn find_quantity(free: &Amounts, amount: &Amount) -> Option<Part> {
    match amount {
        Amount::Quantity(wanted) if covers(free, wanted) => Some(Part::Quantity(wanted.clone())),
        _ => None,
    }
}

/// Ascending, disjoint and not touching.
fn joined(family: Family, mut intervals: Vec<Interval>) -> Result<Vec<Interval>, InvalidSpace> {
    if intervals.len() > INTERVALS_PER_SPACE_MAX {
        return Err(invalid(format!(
            "a range is defined by at most {INTERVALS_PER_SPACE_MAX} intervals; there are {}",
            intervals.len()
        )));
    }
    intervals.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        if interval.first() < family.first() || interval.last() > family.last() {
            return Err(invalid(
                "a range must consist of addresses or ports of its family",
            ));
        }
        match joined.last_mut() {
            Some(before) if before.touches(interval) => *before = before.hull(interval),
            _ => joined.push(interval),
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests;
