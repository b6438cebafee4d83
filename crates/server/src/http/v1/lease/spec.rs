//! What is asked for, from the words of the API to those of `core`.

use std::collections::BTreeMap;

use caviada_api::attribute::Labels as WireLabels;
use caviada_api::lease as wire;
use caviada_core::attribute::Labels;
use caviada_core::command::{Acquire, Reuse, Want};
use caviada_core::lease::Purpose;
use caviada_core::limits;

use crate::http::problem::Error;
use crate::http::v1::read;

/// What somebody asks for.
pub fn acquire(wire: wire::Acquire) -> Result<Acquire, Error> {
    Ok(Acquire {
        owner: read::maybe("owner", wire.owner.as_deref())?,
        items: items(&wire)?,
        ttl_ms: wire.ttl_ms,
        wait_ms: wire.wait_ms.unwrap_or(0),
        poll_within_ms: wire.poll_within_ms,
        priority: wire.priority.unwrap_or(limits::PRIORITY_DEFAULT),
        reuse: match wire.reuse {
            wire::Reuse::Never => Reuse::Never,
            wire::Reuse::Matching => Reuse::Matching,
            wire::Reuse::Slot(slot) => Reuse::Slot(slot.into()),
        },
        purpose: match wire.purpose {
            wire::Purpose::Use => Purpose::Use,
            wire::Purpose::Clean => Purpose::Clean,
        },
        labels: read::labels("labels", &wire.labels)?,
        note: wire.note.map(Into::into),
    })
}

/// The items, named one by one, or the one that stands at the top.
fn items(wire: &wire::Acquire) -> Result<Vec<Want>, Error> {
    if wire.items.is_empty() {
        if wire.pool.is_none() && wire.selector.is_none() {
            return Err(Error::invalid(
                "pool",
                "say which pool, a selector, or items",
            ));
        }
        let (pool, selector) = (wire.pool.as_deref(), wire.selector.as_deref());
        return Ok(vec![want(
            "",
            pool,
            selector,
            wire.count,
            wire.slice.as_ref(),
        )?]);
    }
    let at_top = wire.pool.is_some()
        || wire.selector.is_some()
        || wire.count.is_some()
        || wire.slice.is_some();
    read::without(
        "items",
        !at_top,
        "not beside pool, selector, count or slice at the top",
    )?;
    if wire.items.len() > limits::ITEMS_PER_LEASE_MAX {
        let reason = format!("at most {}", limits::ITEMS_PER_LEASE_MAX);
        return Err(Error::invalid("items", reason));
    }
    let each = |(i, item): (usize, &wire::Item)| {
        let (pool, selector) = (item.pool.as_deref(), item.selector.as_deref());
        let at = format!("items[{i}].");
        want(&at, pool, selector, item.count, item.slice.as_ref())
    };
    wire.items.iter().enumerate().map(each).collect()
}

fn want(
    at: &str,
    pool: Option<&str>,
    selector: Option<&str>,
    count: Option<u32>,
    slice: Option<&wire::SliceSize>,
) -> Result<Want, Error> {
    let field = |name: &str| [at, name].concat();
    Ok(Want {
        pool: pool.map(|p| read::text(&field("pool"), p)).transpose()?,
        selector: selector
            .map(|s| read::text(&field("selector"), s))
            .transpose()?,
        count: count.unwrap_or(1),
        amount: slice
            .map(|s| read::amount(&field("slice"), s))
            .transpose()?,
    })
}

/// Why a released resource is kept for debugging.
pub fn hold_reason(reason: Option<&str>) -> Box<str> {
    match reason.map(str::trim).filter(|r| !r.is_empty()) {
        Some(reason) => format!("debugging: {reason}").into(),
        None => "debugging".into(),
    }
}

/// Labels after a change: what is null goes, what is named is set, the rest stays.
pub fn changed_labels(
    labels: &Labels,
    changes: &BTreeMap<String, Option<String>>,
) -> Result<Labels, Error> {
    let mut all: WireLabels = labels
        .iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    for (key, value) in changes {
        match value {
            Some(value) => all.insert(key.clone(), value.clone()),
            None => all.remove(key),
        };
    }
    read::labels("labels", &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_stands_at_the_top_or_in_items() {
        let top = wire::Acquire {
            pool: Some("boards".into()),
            count: Some(2),
            ..wire::Acquire::default()
        };
        let asked = acquire(top.clone()).unwrap();
        assert_eq!((asked.items.len(), asked.items[0].count), (1, 2));
        assert_eq!((asked.wait_ms, asked.priority), (0, 5));
        let both = wire::Acquire {
            items: vec![wire::Item::default()],
            ..top
        };
        assert_eq!(acquire(both).unwrap_err().code(), "invalid");
        let neither = wire::Acquire::default();
        assert_eq!(acquire(neither).unwrap_err().code(), "invalid");
    }

    #[test]
    fn a_field_of_an_item_is_named_with_its_place() {
        let item = |pool: &str| wire::Item {
            pool: Some(pool.into()),
            ..wire::Item::default()
        };
        let two = wire::Acquire {
            items: vec![item("a"), item("NO")],
            ..wire::Acquire::default()
        };
        let problem = acquire(two).unwrap_err().document("r");
        assert_eq!(problem.errors[0].field, "items[1].pool");
    }

    #[test]
    fn labels_change_one_by_one() {
        let labels = Labels::new([("a", "1"), ("b", "2")]).unwrap();
        let changes = BTreeMap::from([
            ("a".to_owned(), None),
            ("c".to_owned(), Some("3".to_owned())),
        ]);
        let after = changed_labels(&labels, &changes).unwrap();
        assert_eq!(after, Labels::new([("b", "2"), ("c", "3")]).unwrap());
    }
}
