//! What the policies of a pool promise: which host, which member, when, and who sees it.

use std::collections::BTreeSet;

use caviada_core::access::Principal;
use caviada_core::command::Act;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::key::Role;
use caviada_core::lease::{End, LeaseState};
use caviada_core::limits;
use caviada_core::pool::{Holders, OnBad, Pick, Placement, PoolSpec, RecycleClass};
use caviada_core::resource::{Health, ResourceState};

use crate::scene::{Scene, name, owner, want};

fn clusters(warm: u32, max: u32) -> PoolSpec {
    PoolSpec::built(name("cluster"), warm, max)
}

/// The scene with a pool of these declared machines; `change` says what is special about the pool.
fn machines(mut scene: Scene, names: &[&str], change: impl FnOnce(&mut PoolSpec)) -> Scene {
    let mut spec = PoolSpec::declared();
    change(&mut spec);
    scene.pool("machines", spec);
    for name in names {
        scene.machine(name, &[]);
    }
    scene
}

/// How many members stand on a host.
fn on(scene: &Scene, host: &str) -> usize {
    let host = scene.state.host_named(&name(host)).unwrap().id;
    let all = scene.state.resources.values();
    all.filter(|r| r.site().is_some_and(|s| s.host == host))
        .count()
}

/// Three hosts, of which the second carries one member of another pool.
fn three_hosts(placement: Placement) -> (Scene, PoolSpec) {
    let mut scene = Scene::new();
    scene.revise("first");
    for host in ["h1", "h2", "h3"] {
        scene.host(host, |h| h.capacity = 3);
    }
    let mut other = clusters(1, 1);
    other.hosts = Some([name("h2")].into());
    scene.pool("others", other);
    let mut spec = clusters(1, 8);
    spec.placement = placement;
    (scene, spec)
}

#[test]
fn a_pool_that_spreads_builds_on_the_emptiest_host() {
    let (mut scene, mut spec) = three_hosts(Placement::Spread);
    let mut stand = vec![];
    for warm in 1..=5 {
        spec.warm = warm;
        scene.pool("clusters", spec.clone());
        stand.push(["h1", "h2", "h3"].map(|h| on(&scene, h)));
    }
    // Of equals the oldest.
    let one_by_one = [[1, 1, 0], [1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2]];
    assert_eq!(stand, one_by_one);
}

#[test]
fn a_pool_that_packs_builds_on_the_fullest_host_with_room() {
    let (mut scene, mut spec) = three_hosts(Placement::Pack);
    let mut stand = vec![];
    for warm in 1..=6 {
        spec.warm = warm;
        scene.pool("clusters", spec.clone());
        stand.push(["h1", "h2", "h3"].map(|h| on(&scene, h)));
    }
    let one_by_one = [
        [0, 2, 0],
        [0, 3, 0],
        [1, 3, 0],
        [2, 3, 0],
        [3, 3, 0],
        [3, 3, 1],
    ];
    assert_eq!(stand, one_by_one);
}

#[test]
fn how_full_a_host_is_counts_by_its_capacity() {
    for (placement, next) in [(Placement::Spread, "large"), (Placement::Pack, "small")] {
        let mut scene = Scene::new();
        scene.revise("first");
        for (host, capacity, warm) in [("small", 2, 1), ("large", 8, 2)] {
            scene.host(host, |h| h.capacity = capacity);
            let mut spec = clusters(warm, warm);
            spec.hosts = Some([name(host)].into());
            scene.pool(host, spec);
        }
        let before = on(&scene, next);
        let mut spec = clusters(1, 1);
        spec.placement = placement;
        scene.pool("clusters", spec);
        assert_eq!(on(&scene, next), before + 1, "{placement:?}");
    }
}

#[test]
fn the_first_is_taken_again_and_the_oldest_takes_turns() {
    for (pick, taken) in [
        (Pick::First, ["m1", "m1", "m1", "m1"]),
        (Pick::Oldest, ["m1", "m2", "m3", "m1"]),
    ] {
        let mut scene = machines(Scene::new(), &["m1", "m2", "m3"], |p| p.pick = pick);
        for machine in taken {
            let id = scene.take("ann", "machines");
            assert_eq!(scene.names(id), [machine], "{pick:?}");
            scene.pass(1_000);
            scene.release("ann", id).unwrap();
        }
    }
}

#[test]
fn the_oldest_is_the_one_that_was_given_back_first_not_the_one_that_was_taken_first() {
    let mut scene = machines(Scene::new(), &["m1", "m2"], |p| p.pick = Pick::Oldest);
    let (first, second) = (scene.take("ann", "machines"), scene.take("bob", "machines"));
    assert_eq!(scene.names(first), ["m1"]);
    for (who, id) in [("bob", second), ("ann", first)] {
        scene.pass(1_000);
        scene.release(who, id).unwrap();
    }
    let id = scene.take("ann", "machines");
    assert_eq!(scene.names(id), ["m2"]);
}

#[test]
fn a_changed_pick_counts_for_what_is_free_already() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    scene.pass(1_000);
    let id = scene.take("ann", "machines");
    scene.pass(1_000);
    scene.release("ann", id).unwrap();
    let mut spec = PoolSpec::declared();
    spec.pick = Pick::Oldest;
    scene.pool("machines", spec);
    let id = scene.take("ann", "machines");
    assert_eq!(scene.names(id), ["m2"]);
}

#[test]
fn what_was_given_back_is_offered_once_its_cooldown_is_over() {
    let mut scene = machines(Scene::new(), &["m1"], |p| p.recycle.cooldown_ms = 5_000);
    // What was never held has nothing to rest from.
    let held = scene.take("ann", "machines");
    scene.release("ann", held).unwrap();
    assert_eq!(scene.count(ResourceState::Free), 1, "it rests as free");
    scene.pass(4_999);
    let early = scene.acquire("bob", want("machines"));
    assert_eq!(early.unwrap_err().code(), "pool-exhausted");
    scene.pass(1);
    scene.take("bob", "machines");
}

#[test]
fn who_waits_gets_what_rests_in_the_moment_its_cooldown_is_over() {
    let mut scene = machines(Scene::new(), &["m1"], |p| p.recycle.cooldown_ms = 5_000);
    let held = scene.take("ann", "machines");
    let waits = scene.wait("bob", "machines");
    scene.release("ann", held).unwrap();
    scene.pass(4_999);
    assert_eq!(scene.lease(waits).state, LeaseState::Waiting);
    assert!(scene.lease(waits).earmarks.is_empty());
    scene.pass(1);
    assert_eq!(scene.names(waits), ["m1"]);
}

#[test]
fn a_cooldown_begins_when_the_cleaning_is_done() {
    for class in [RecycleClass::Replace, RecycleClass::Reset] {
        let mut scene = Scene::with_host();
        let mut spec = clusters(1, 1);
        spec.recycle.class = class;
        spec.recycle.cooldown_ms = 5_000;
        scene.pool("clusters", spec);
        scene.drivers_work();
        let id = scene.take("ann", "clusters");
        scene.release("ann", id).unwrap();
        scene.pass(60_000);
        assert_eq!(scene.count(ResourceState::Cleaning), 1);
        scene.drivers_work();
        scene.pass(4_999);
        let early = scene.acquire("bob", want("clusters"));
        assert_eq!(early.unwrap_err().code(), "pool-exhausted", "{class:?}");
        scene.pass(1);
        scene.take("bob", "clusters");
    }
}

fn aging(class: RecycleClass) -> Scene {
    let mut scene = Scene::with_host();
    let mut spec = clusters(1, 1);
    spec.recycle.class = class;
    spec.recycle.age_ms_max = Some(60_000);
    scene.pool("clusters", spec);
    scene.drivers_work();
    scene
}

/// The only member there is.
fn only(scene: &Scene) -> ResourceId {
    let ids: Vec<ResourceId> = scene.state.resources.values().map(|r| r.id).collect();
    let [id] = ids[..] else { panic!("{ids:?}") };
    id
}

#[test]
fn a_free_member_that_grows_too_old_is_replaced_by_another() {
    let mut scene = aging(RecycleClass::Reset);
    let old = only(&scene);
    scene.pass(59_999);
    assert_eq!(scene.resource(old).state, ResourceState::Free);
    scene.pass(1);
    assert_eq!(scene.resource(old).state, ResourceState::Deleting);
    scene.drivers_work();
    assert_ne!(only(&scene), old);
    assert_eq!(scene.count(ResourceState::Free), 1);
}

#[test]
fn a_held_member_that_grows_too_old_stays_with_its_holder_and_goes_after_its_release() {
    let mut scene = aging(RecycleClass::Reset);
    let id = scene.take("ann", "clusters");
    let old = scene.member(id).id;
    scene.pass(50_000);
    scene.renew("ann", id, 60_000).unwrap();
    scene.pass(50_000);
    assert_eq!(scene.member(id).id, old);
    scene.release("ann", id).unwrap();
    assert_eq!(scene.resource(old).state, ResourceState::Deleting);
    scene.drivers_work();
    assert_ne!(only(&scene), old);
    assert_eq!(scene.count(ResourceState::Free), 1);
}

#[test]
fn what_is_built_anew_begins_its_age_again_and_what_is_reset_does_not() {
    for (class, stays) in [(RecycleClass::Replace, true), (RecycleClass::Reset, false)] {
        let mut scene = aging(class);
        let member = only(&scene);
        let id = scene.take("ann", "clusters");
        scene.pass(40_000);
        scene.release("ann", id).unwrap();
        scene.drivers_work();
        scene.pass(40_000);
        let free = scene.resource(member).state == ResourceState::Free;
        assert_eq!(free, stays, "{class:?}");
    }
}

#[test]
fn a_lease_is_mended_a_few_times_and_is_then_lost_though_there_are_more() {
    let names = ["m1", "m2", "m3", "m4", "m5"];
    let mut scene = machines(Scene::new(), &names, |p| p.on_bad = OnBad::Swap);
    let id = scene.take("ann", "machines");
    for _ in 0..limits::SWAPS_PER_LEASE_MAX {
        let bad = scene.member(id).id;
        goes_bad(&mut scene, bad);
        assert_ne!(scene.member(id).id, bad);
    }
    let bad = scene.member(id).id;
    goes_bad(&mut scene, bad);
    assert_eq!(scene.end(id), Some(End::Lost));
    assert_eq!(scene.count(ResourceState::Free), 1);
}

fn goes_bad(scene: &mut Scene, resource: ResourceId) {
    scene.system(Act::RecordHealth {
        resource,
        generation: 0,
        health: Health::Ill,
        why: None,
    });
}

/// Keys in groups: two of one, and one of another.
fn grouped() -> Scene {
    let mut scene = Scene::new();
    for (n, (who, group)) in (100..).zip([("dan", "red"), ("eve", "red"), ("fay", "blue")]) {
        scene.system(Act::PutKey {
            name: name(who),
            role: Role::User,
            owner: owner(who),
            groups: [owner(group)].into(),
            act_for: Default::default(),
            hash: [n; 32],
            expires_at: None,
            declared_in: None,
        });
    }
    scene
}

/// Who of all sees that this lease has its member.
fn seen_by(scene: &Scene, lease: LeaseId) -> Vec<&'static str> {
    let lease = scene.lease(lease);
    let pool = scene.state.pool_named(&name("machines")).unwrap();
    let sees = |who: &&str| {
        let who = Principal::of(&scene.state, scene.by(who)).unwrap();
        who.sees_holder(&scene.state, pool, lease)
    };
    let all = ["ann", "dan", "eve", "fay", "operator", "admin"];
    all.into_iter().filter(sees).collect()
}

#[test]
fn who_sees_a_holder_is_the_pools_choice() {
    let nobody = vec!["dan", "operator", "admin"];
    let group = vec!["dan", "eve", "operator", "admin"];
    let everyone = vec!["ann", "dan", "eve", "fay", "operator", "admin"];
    for (holders, see) in [
        (Holders::Nobody, nobody),
        (Holders::Group, group),
        (Holders::Everyone, everyone),
    ] {
        let mut scene = machines(grouped(), &["m1"], |p| p.visibility.holders = holders);
        let id = scene.take("dan", "machines");
        assert_eq!(seen_by(&scene, id), see, "{holders:?}");
    }
}

#[test]
fn who_has_no_group_shares_none() {
    let mut scene = machines(grouped(), &["m1"], |p| {
        p.visibility.holders = Holders::Group;
    });
    let id = scene.take("bob", "machines");
    assert_eq!(seen_by(&scene, id), ["operator", "admin"]);
}

#[test]
fn everyone_who_sees_holders_is_everyone_who_sees_the_pool() {
    let mut scene = machines(grouped(), &["m1"], |p| {
        p.visibility.holders = Holders::Everyone;
        p.visibility.owners = Some(BTreeSet::from([owner("red")]));
    });
    let id = scene.take("dan", "machines");
    assert_eq!(seen_by(&scene, id), ["dan", "eve", "operator", "admin"]);
}

#[test]
fn a_pool_that_is_shown_to_a_group_is_for_its_owners_alone() {
    let mut scene = machines(grouped(), &["m1"], |p| {
        p.visibility.owners = Some(BTreeSet::from([owner("red")]));
    });
    let refused = scene.acquire("fay", want("machines")).unwrap_err();
    assert_eq!(refused.code(), "unknown");
    scene.take("eve", "machines");
}
