//! What somebody who waits may count on.

use caviada_core::command::{Acquire, Act, Want};
use caviada_core::id::LeaseId;
use caviada_core::lease::{End, LeaseState};
use caviada_core::pool::PoolSpec;

use crate::scene::{Scene, item, name, waiting, want, wants};

fn selecting(pool: &str, selector: &str) -> Want {
    Want {
        selector: Some(selector.parse().unwrap()),
        ..item(pool, 1)
    }
}

#[test]
fn who_asked_first_is_served_first() {
    let mut scene = Scene::with_machines(&["m1"]);
    let held = scene.take("ann", "machines");
    let (bob, cid) = (scene.wait("bob", "machines"), scene.wait("cid", "machines"));
    scene.release("ann", held).unwrap();
    assert_eq!(scene.names(bob), ["m1"]);
    scene.release("bob", bob).unwrap();
    assert_eq!(scene.names(cid), ["m1"]);
}

#[test]
fn a_higher_priority_goes_first_and_only_operators_have_it() {
    let mut scene = Scene::with_machines(&["m1"]);
    let held = scene.take("ann", "machines");
    let bob = scene.wait("bob", "machines");
    let urgent = || {
        waiting(Acquire {
            priority: 9,
            ..want("machines")
        })
    };
    assert_eq!(
        scene.acquire("cid", urgent()).unwrap_err().code(),
        "forbidden"
    );
    let first = scene.acquire("operator", urgent()).unwrap();
    scene.release("ann", held).unwrap();
    assert_eq!(scene.names(first), ["m1"]);
    assert_eq!(scene.lease(bob).state, LeaseState::Waiting);
}

#[test]
fn a_large_demand_is_not_starved_by_small_ones_behind_it() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    let (a, b) = (scene.take("ann", "machines"), scene.take("ann", "machines"));
    let large = scene
        .acquire("bob", waiting(wants(vec![item("machines", 2)])))
        .unwrap();
    let small = scene.wait("cid", "machines");
    scene.release("ann", a).unwrap();
    assert_eq!(
        scene.lease(large).earmarks.len(),
        1,
        "kept for the large one"
    );
    assert_eq!(scene.lease(small).state, LeaseState::Waiting);
    scene.release("ann", b).unwrap();
    assert_eq!(scene.lease(large).members.len(), 2);
}

#[test]
fn what_is_kept_for_a_later_one_goes_to_an_earlier_one_that_can_use_it() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    scene.take("ann", "machines");
    let later = scene
        .acquire("bob", waiting(wants(vec![item("machines", 2)])))
        .unwrap();
    assert_eq!(scene.lease(later).earmarks.len(), 1);
    let urgent = scene
        .acquire(
            "operator",
            Acquire {
                priority: 8,
                ..want("machines")
            },
        )
        .unwrap();
    assert_eq!(scene.names(urgent), ["m2"]);
    assert!(scene.lease(later).earmarks.is_empty());
}

#[test]
fn what_can_never_be_had_is_refused_at_once() {
    let mut scene = Scene::with_machines(&["m1"]);
    let two = waiting(wants(vec![item("machines", 2)]));
    assert_eq!(scene.acquire("ann", two).unwrap_err().code(), "impossible");
    let gpu = waiting(wants(vec![selecting("machines", "gpu>=1")]));
    assert_eq!(scene.acquire("ann", gpu).unwrap_err().code(), "impossible");
}

#[test]
fn a_wait_ends_when_what_it_waits_for_can_no_longer_come() {
    let mut scene = Scene::with_machines(&["m1"]);
    scene.take("ann", "machines");
    let bob = scene.wait("bob", "machines");
    let pool = Act::DeletePool {
        name: name("machines"),
        expect: None,
    };
    scene.does("operator", pool).unwrap();
    assert_eq!(scene.end(bob), Some(End::Impossible));
}

#[test]
fn a_wait_has_an_end() {
    let mut scene = Scene::with_machines(&["m1"]);
    scene.take("ann", "machines");
    let bob = scene.wait("bob", "machines");
    scene.pass(59_999);
    assert_eq!(scene.lease(bob).state, LeaseState::Waiting);
    let cid = scene.acquire("cid", want("machines"));
    assert_eq!(
        cid.unwrap_err().code(),
        "pool-exhausted",
        "who does not wait is told at once"
    );
    scene.pass(1);
    assert!(scene.end(bob).is_some() || scene.lease(bob).state == LeaseState::Active);
}

#[test]
fn who_promised_to_ask_again_and_does_not_is_forgotten() {
    let mut scene = Scene::with_machines(&["m1"]);
    let held = Acquire {
        ttl_ms: Some(600_000),
        ..want("machines")
    };
    scene.acquire("ann", held).unwrap();
    let asks = || {
        waiting(Acquire {
            poll_within_ms: Some(5_000),
            ..want("machines")
        })
    };
    let (silent, lively) = (
        scene.acquire("bob", asks()).unwrap(),
        scene.acquire("cid", asks()).unwrap(),
    );
    for _ in 0..3 {
        scene.pass(4_000);
        scene.renew("cid", lively, 60_000).unwrap();
    }
    assert_eq!(scene.end(silent), Some(End::Abandoned));
    assert_eq!(scene.lease(lively).state, LeaseState::Waiting);
}

#[test]
fn who_waited_must_claim_what_he_got_in_time() {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    spec.lease.claim_within_ms = Some(2_000);
    scene.pool("machines", spec);
    scene.machine("m1", &[]);
    let held = scene.take("ann", "machines");
    let (bob, cid) = (scene.wait("bob", "machines"), scene.wait("cid", "machines"));
    scene.release("ann", held).unwrap();
    scene.pass(2_000);
    assert_eq!(scene.end(bob), Some(End::Expired));
    scene.renew("cid", cid, 60_000).unwrap();
    scene.pass(59_999);
    assert_eq!(scene.names(cid), ["m1"], "a claimed one has its whole time");
}

#[test]
fn an_item_that_takes_anything_leaves_what_only_another_can_use() {
    let mut scene = Scene::with_machines(&[]);
    scene.machine("big", &[("cores", 64)]);
    scene.machine("small", &[("cores", 2)]);
    let items = || vec![item("machines", 1), selecting("machines", "cores>=32")];
    let id = scene.acquire("ann", wants(items())).unwrap();
    assert_eq!(scene.lease(id).members.len(), 2);
    // And the same for one who waits.
    let bob = scene.acquire("bob", waiting(wants(items()))).unwrap();
    scene.release("ann", id).unwrap();
    assert_eq!(scene.lease(bob).members.len(), 2);
}

#[test]
fn what_one_before_leaves_is_kept_for_who_comes_in_the_moment_that_one_lost_something() {
    let mut scene = Scene::with_machines(&["m1", "m2", "m3"]);
    scene.pool("boards", PoolSpec::declared());
    scene.declare("boards", "b1", vec![], None);
    scene.take("cid", "boards");
    let both = wants(vec![item("machines", 1), item("boards", 1)]);
    let first = scene.acquire("ann", waiting(both)).unwrap();
    let kept = scene.lease(first).earmarks[0].resource;
    let withhold = Act::Withhold {
        resource: kept,
        reason: "maintenance".into(),
        until: None,
    };
    let three = waiting(wants(vec![item("machines", 3)]));
    let both = Act::All(vec![withhold, Act::Acquire(Box::new(three))]);
    scene.does("operator", both).unwrap();
    let kept = |of: &dyn Fn(LeaseId) -> bool| {
        let all = scene.state.leases.values().filter(|l| of(l.id));
        all.map(|l| l.earmarks.len()).sum::<usize>()
    };
    assert_eq!(kept(&|id| id == first), 1, "another one");
    assert_eq!(kept(&|id| id != first), 1, "what is left");
}
