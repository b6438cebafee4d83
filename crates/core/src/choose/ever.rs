//! Whether a demand could ever be met: what could not is refused at once.

use std::sync::Arc;

use crate::choose::satisfies;
use crate::id::ResourceId;
use crate::lease::Item;
use crate::limits;
use crate::pool::Pool;
use crate::state::State;

/// Could present, planned or buildable members ever meet all items? Says which cannot.
pub(crate) fn ever(
    state: &State,
    sees: &dyn Fn(&Pool) -> bool,
    items: &[Item],
) -> Result<(), String> {
    for (i, item) in items.iter().enumerate() {
        let same = |other: &&Item| other.pool == item.pool && other.amount.is_none();
        let want: u64 = match (&item.selector, item.pool, &item.amount) {
            (None, Some(_), None) => items
                .iter()
                .filter(same)
                .filter(|o| o.selector.is_none())
                .map(|o| u64::from(o.count))
                .sum(),
            _ => u64::from(item.count),
        };
        let pools: Vec<&Arc<Pool>> = match item.pool {
            Some(id) => state.pools.get(&id).into_iter().collect(),
            None => state.pools.values().filter(|p| sees(p)).collect(),
        };
        let mut could = 0;
        for pool in pools.iter().filter(|p| !p.retiring) {
            could += members_ever(state, pool, item, want - could);
            if could >= want {
                break;
            }
        }
        if could < want {
            return Err(format!(
                "item {i} asks for {want}, and at most {could} could ever be had"
            ));
        }
    }
    Ok(())
}

fn members_ever(state: &State, pool: &Pool, item: &Item, want: u64) -> u64 {
    if let Some(amount) = &item.amount {
        let parents = (pool.id, ResourceId(0))..=(pool.id, ResourceId(u64::MAX));
        let spaces = state
            .index
            .divisible
            .range(parents)
            .filter_map(|(_, id)| state.index.spaces.get(id));
        return if spaces.take(limits::SCAN_MAX).any(|s| s.could_ever(amount)) {
            want
        } else {
            0
        };
    }
    if pool.spec.template().is_some() {
        let built = item
            .selector
            .as_ref()
            .is_none_or(|s| s.matches(&pool.spec.attributes, &Default::default()));
        return if built {
            u64::from(pool.spec.max).min(want)
        } else {
            0
        };
    }
    if pool.spec.slice.is_some() {
        return 0;
    }
    if item.selector.is_none() {
        let u = state.index.pools.get(&pool.id).cloned().unwrap_or_default();
        return u64::from(u.total()).min(want);
    }
    // Looking further than a scan may look would cost more than the answer is worth: assume yes.
    let mut fits = 0;
    for (n, id) in state.members_of(pool.id).enumerate() {
        if n >= limits::SCAN_MAX || fits >= want {
            return want;
        }
        let r = state.resources.get(&id);
        fits += u64::from(r.is_some_and(|r| r.parent().is_none() && satisfies(r, item)));
    }
    fits
}
