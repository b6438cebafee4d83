use std::sync::Arc;

use imbl::OrdSet;

use super::*;
use crate::attribute::Attributes;
use crate::choose::blank;
use crate::event::Number;
use crate::id::Fence;
use crate::lease::{Item, Purpose};
use crate::limits;
use crate::name::ResourceName;
use crate::resource::ResourceDoc;
use crate::state::{State, Tables};

/// The queue at its longest, each waiter with a selector of its own.
fn queue(selector: impl Fn(usize) -> String) -> State {
    let lease = |n: usize| Lease {
        id: LeaseId(n as u64 + 1),
        owner: Owner::new("ann").unwrap(),
        by: None,
        confined: false,
        shared: vec![],
        state: LeaseState::Waiting,
        items: Arc::new([Item {
            pool: Some(PoolId(1)),
            selector: Some(selector(n).parse().unwrap()),
            count: 1,
            amount: None,
        }]),
        priority: 5,
        fence: Fence(0),
        members: vec![],
        earmarks: vec![],
        asked_at: Time(0),
        granted_at: None,
        deadline: None,
        deadline_max: None,
        ttl_ms: None,
        claim_within_ms: None,
        wait_until: None,
        poll_within_ms: None,
        poll_until: None,
        slot: None,
        purpose: Purpose::Use,
        labels: Default::default(),
        note: None,
        swaps: 0,
        changed: Number::default(),
    };
    State::load(Tables {
        leases: (0..limits::WAITING_PER_POOL_MAX).map(lease).collect(),
        ..Tables::default()
    })
}

/// Demands that are held against a resource with these attributes.
fn looked_at(state: &State, attributes: &[(&str, &str)]) -> Vec<String> {
    let attributes = attributes.iter().map(|(k, v)| (*k, Value::from_text(v)));
    let doc = ResourceDoc {
        name: ResourceName::new("r").unwrap(),
        attributes: Attributes::new(attributes).unwrap(),
        ..ResourceDoc::default()
    };
    let r = blank(ResourceId(1), PoolId(1), doc, Origin::Declared, state);
    let demands = state.index.lacking(Some(PoolId(1)), &r);
    let selectors = demands.filter_map(|(d, _)| d.selector.as_ref());
    selectors.map(ToString::to_string).collect()
}

#[test]
fn a_freed_resource_is_not_held_against_demand_for_another_value() {
    let state = queue(|n| format!("tag=t{n}"));
    assert_eq!(looked_at(&state, &[("tag", "t77")]), ["tag=t77"]);
    assert!(looked_at(&state, &[("tag", "unasked")]).is_empty());
    assert!(looked_at(&state, &[("zone", "a")]).is_empty());
}

#[test]
fn demand_of_many_keys_is_found_by_each() {
    let state = queue(|n| match n % 4 {
        0 => format!("a={n}"),
        1 => format!("b={n}"),
        2 => format!("c={n},d>=1"),
        _ => "e>=1".to_owned(),
    });
    let all = looked_at(&state, &[("a", "8"), ("b", "9"), ("c", "10"), ("x", "1")]);
    assert_eq!(all, ["e>=1", "a=8", "b=9", "c=10,d>=1"]);
}

#[test]
fn the_same_demand_is_looked_at_once_however_many_ask() {
    let state = queue(|n| format!("cores>={}", n % 3));
    let all = looked_at(&state, &[]);
    assert_eq!(all, ["cores>=0", "cores>=1", "cores>=2"]);
}

#[test]
fn places_come_by_load_and_equals_by_age() {
    let place = |driver: &str, load, host| Place {
        driver: driver.into(),
        load,
        host: HostId(host),
    };
    let places: OrdSet<Place> = [
        place("docker", 0, 4),
        place("docker", 0, 7),
        place("docker", 500, 1),
        place("docker", 500, 3),
        place("docker", 900, 2),
        place("process", 0, 5),
    ]
    .into_iter()
    .collect();
    let ids = |hosts: &mut dyn Iterator<Item = HostId>| hosts.map(|h| h.0).collect::<Vec<_>>();
    assert_eq!(ids(&mut emptiest(&places, "docker")), [4, 7, 1, 3, 2]);
    assert_eq!(ids(&mut fullest(&places, "docker")), [2, 1, 3, 4, 7]);
    assert_eq!(ids(&mut fullest(&places, "agent")), Vec::<u64>::new());
}
