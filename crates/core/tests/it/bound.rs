//! What happens at the bounds of `limits.rs`: the last one is taken, the next is refused or makes room.

use caviada_core::attribute::Attributes;
use caviada_core::check::{violations, violations_when_settled};
use caviada_core::command::{Acquire, Act, By, Command, Entry, Idempotency, Reply, Want};
use caviada_core::event::Event;
use caviada_core::id::LeaseId;
use caviada_core::limits;
use caviada_core::outcome::{OutcomeKey, Subject};
use caviada_core::pool::PoolSpec;
use caviada_core::refusal::Refusal;
use caviada_core::resource::ResourceState;
use caviada_core::settle::Bound;
use caviada_core::step::step;

use crate::scene::{Scene, item, name, owner, released, waiting, want, wants};

/// Does one of very many acts: the invariants are looked at when all are done.
fn one_of_many(
    scene: &mut Scene,
    by: By,
    act: Act,
    key: Option<&str>,
) -> Result<(Reply, Vec<Event>), Refusal> {
    let idempotency = key.map(|key| Idempotency {
        key: key.into(),
        digest: [0; 32],
    });
    let command = Command {
        by,
        idempotency,
        act,
    };
    step(&mut scene.state, &command, &mut Bound::default())
}

fn holds(scene: &Scene) {
    let mut wrong = violations(&scene.state);
    wrong.extend(violations_when_settled(&scene.state));
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Machines of one pool, with so many cores each.
fn machines(scene: &mut Scene, n: usize, cores: i64) {
    for i in 0..n {
        let declared = Act::Declare {
            pool: name("machines"),
            name: format!("m{cores}-{i}").parse().unwrap(),
            attributes: Attributes::new([("cores", cores.into())]).unwrap(),
            labels: Default::default(),
            endpoints: vec![],
            declared_in: None,
            entry: Entry::Free,
            space: None,
            expect: None,
        };
        one_of_many(scene, By::System, declared, None).unwrap();
    }
}

/// Pools of one machine, which is held.
fn busy_pools(scene: &mut Scene, n: usize) -> Vec<String> {
    let pools: Vec<String> = (0..n).map(|i| format!("pool-{i}")).collect();
    for pool in &pools {
        scene.pool(pool, PoolSpec::declared());
        scene.declare(pool, "m1", vec![], None);
        scene.take("operator", pool);
    }
    pools
}

/// Waits for a pool in the name of some owner.
fn waits(scene: &mut Scene, who: &str, pool: &str) -> Result<(), Refusal> {
    let acquire = Acquire {
        owner: Some(owner(who)),
        ..waiting(want(pool))
    };
    let by = scene.by("operator");
    one_of_many(scene, by, Act::Acquire(Box::new(acquire)), None).map(|_| ())
}

fn reached(refused: Result<(), Refusal>) -> (&'static str, usize) {
    match refused {
        Err(Refusal::LimitReached { what, max }) => (what, max),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_owner_takes_only_so_many_places_in_the_queue() {
    let mut scene = Scene::new();
    busy_pools(&mut scene, 1);
    for _ in 0..limits::WAITING_PER_OWNER_MAX {
        waits(&mut scene, "ann", "pool-0").unwrap();
    }
    let refused = waits(&mut scene, "ann", "pool-0");
    let max = limits::WAITING_PER_OWNER_MAX;
    assert_eq!(reached(refused), ("waiting leases of this owner", max));
    waits(&mut scene, "bob", "pool-0").unwrap();
    holds(&scene);
}

#[test]
fn a_crowded_pool_takes_no_more_waiters_and_leaves_room_for_the_others() {
    let mut scene = Scene::new();
    busy_pools(&mut scene, 2);
    for i in 0..limits::WAITING_PER_POOL_MAX {
        let who = format!("owner-{}", i / limits::WAITING_PER_OWNER_MAX);
        waits(&mut scene, &who, "pool-0").unwrap();
    }
    let refused = waits(&mut scene, "ann", "pool-0");
    let max = limits::WAITING_PER_POOL_MAX;
    assert_eq!(reached(refused), ("leases waiting for this pool", max));
    waits(&mut scene, "ann", "pool-1").unwrap();
    holds(&scene);
}

#[test]
fn the_queue_has_an_end() {
    let mut scene = Scene::new();
    let pools = busy_pools(&mut scene, 11);
    let each = limits::WAITING_MAX / 10;
    assert!(each <= limits::WAITING_PER_POOL_MAX);
    for i in 0..limits::WAITING_MAX {
        let who = format!("owner-{}", i / limits::WAITING_PER_OWNER_MAX);
        waits(&mut scene, &who, &pools[i / each]).unwrap();
    }
    let refused = waits(&mut scene, "ann", &pools[10]);
    assert_eq!(reached(refused), ("waiting leases", limits::WAITING_MAX));
    let wrong = violations(&scene.state);
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_lease_has_as_many_members_as_a_turn_has_events_and_not_one_more() {
    let mut scene = Scene::with_machines(&[]);
    let most = u32::try_from(limits::MEMBERS_PER_LEASE_MAX).unwrap();
    machines(&mut scene, limits::MEMBERS_PER_LEASE_MAX + 1, 4);
    for items in [
        vec![item("machines", most + 1)],
        vec![item("machines", most), item("machines", 1)],
    ] {
        let refused = scene.acquire("ann", wants(items)).unwrap_err();
        assert_eq!(refused.code(), "invalid");
        assert!(refused.to_string().contains("1024"), "{refused}");
    }
    let id = scene.acquire("ann", wants(vec![item("machines", most)]));
    let id = id.unwrap();
    assert_eq!(scene.lease(id).members.len(), limits::MEMBERS_PER_LEASE_MAX);
    scene.release("ann", id).unwrap();
    holds(&scene);
}

fn selecting(selector: &str) -> Acquire {
    wants(vec![Want {
        selector: Some(selector.parse().unwrap()),
        ..item("machines", 1)
    }])
}

#[test]
fn a_selector_that_looks_too_far_is_refused_with_the_attribute_to_index() {
    for indexed in [false, true] {
        let mut scene = Scene::new();
        let mut spec = PoolSpec::declared();
        spec.indexed = indexed.then(|| "cores".into()).into_iter().collect();
        scene.pool("machines", spec);
        // The only one that would do is held.
        machines(&mut scene, 1, 64);
        scene.acquire("bob", selecting("cores=64")).unwrap();
        machines(&mut scene, limits::SCAN_MAX, 4);
        let refused = |scene: &mut Scene| scene.acquire("ann", selecting("cores=64")).unwrap_err();
        assert_eq!(refused(&mut scene).code(), "pool-exhausted");
        machines(&mut scene, 1, 8);
        match indexed {
            false => assert_eq!(refused(&mut scene), too_far(Some("cores"))),
            true => assert_eq!(refused(&mut scene).code(), "pool-exhausted"),
        }
    }
}

fn too_far(attribute: Option<&str>) -> Refusal {
    Refusal::ScanTooLong {
        attribute: attribute.map(Into::into),
        max: limits::SCAN_MAX,
    }
}

#[test]
fn only_an_attribute_whose_index_would_help_is_named() {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    spec.indexed = ["cores".into()].into();
    scene.pool("machines", spec);
    let only = scene.machine("m", &[("cores", 4), ("rack", 9)]);
    scene.acquire("bob", selecting("rack=9")).unwrap();
    assert_eq!(scene.resource(only).state, ResourceState::Leased);
    machines(&mut scene, limits::SCAN_MAX + 1, 4);
    for (selector, attribute) in [
        ("cores=4,rack=9", Some("rack")),
        ("cores>=1,rack=9", Some("rack")),
        ("cores=4,rack>=9", None),
        ("rack exists", None),
    ] {
        let refused = scene.acquire("ann", selecting(selector)).unwrap_err();
        assert_eq!(refused, too_far(attribute), "{selector}");
    }
}

/// The admin does something that ends at once, under so many keys.
fn outcomes(scene: &mut Scene, keys: std::ops::Range<usize>) {
    let by = scene.by("admin");
    for key in keys {
        let act = Act::PutQuota {
            owner: owner("ann"),
            spec: Default::default(),
            declared_in: None,
            expect: None,
        };
        one_of_many(scene, by, act, Some(&format!("key-{key:06}"))).unwrap();
    }
}

fn is_kept(scene: &Scene, key: &str) -> bool {
    let By::Key(by) = scene.by("admin") else {
        return false;
    };
    let key = key.into();
    scene.state.outcomes.get(&OutcomeKey { by, key }).is_some()
}

/// A lease of the admin's under a key, and then as many other outcomes as are kept.
fn a_lease_and_many_outcomes() -> (Scene, Act, LeaseId) {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    let acquire = Acquire {
        ttl_ms: Some(3_600_000),
        ..want("machines")
    };
    let asks = Act::Acquire(Box::new(acquire));
    let by = scene.by("admin");
    let (reply, _) = one_of_many(&mut scene, by, asks.clone(), Some("lease")).unwrap();
    let Subject::Lease(lease) = reply.subject else {
        panic!("{reply:?}");
    };
    outcomes(&mut scene, 0..1);
    scene.pass(1_000);
    outcomes(&mut scene, 1..limits::IDEMPOTENCY_PER_PRINCIPAL_MAX);
    scene.pass(1_000);
    assert!(is_kept(&scene, "key-000000"), "that many are kept");
    (scene, asks, lease)
}

#[test]
fn the_oldest_outcome_makes_room_and_that_of_a_live_lease_does_not() {
    let (mut scene, asks, lease) = a_lease_and_many_outcomes();
    let max = limits::IDEMPOTENCY_PER_PRINCIPAL_MAX;
    outcomes(&mut scene, max..max + 1);
    assert!(!is_kept(&scene, "key-000000"));
    assert!(is_kept(&scene, "key-000001"));
    assert!(is_kept(&scene, &format!("key-{max:06}")));
    let by = scene.by("admin");
    let (reply, _) = one_of_many(&mut scene, by, asks, Some("lease")).unwrap();
    assert!(reply.repeated && reply.subject == Subject::Lease(lease));
    holds(&scene);
}

#[test]
fn the_outcome_of_a_live_lease_takes_the_place_of_no_other() {
    let (mut scene, asks, _) = a_lease_and_many_outcomes();
    let by = scene.by("admin");
    one_of_many(&mut scene, by, asks, Some("another lease")).unwrap();
    assert!(is_kept(&scene, "key-000000"));
    holds(&scene);
}

#[test]
fn an_outcome_that_outlives_its_lease_takes_the_place_of_the_oldest() {
    let (mut scene, _, lease) = a_lease_and_many_outcomes();
    let by = scene.by("admin");
    one_of_many(&mut scene, by, released(lease), None).unwrap();
    assert!(!is_kept(&scene, "key-000000"));
    assert!(is_kept(&scene, "lease") && is_kept(&scene, "key-000001"));
    holds(&scene);
}
