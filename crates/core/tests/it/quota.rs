//! Bounds on owners, and what they cannot see.

use std::collections::BTreeSet;

use caviada_core::command::Act;
use caviada_core::pool::PoolSpec;

use crate::scene::{Scene, item, name, owner, waiting, want, wants};

#[test]
fn waiting_and_live_leases_count_against_a_quota() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    scene.quota("ann", |q| q.leases_max = Some(2));
    scene.take("bob", "machines");
    let live = scene.take("ann", "machines");
    scene.wait("ann", "machines");
    let third = scene.acquire("ann", waiting(want("machines")));
    assert_eq!(third.unwrap_err().code(), "quota-exceeded");
    scene.release("ann", live).unwrap();
    scene.wait("cid", "machines");
}

#[test]
fn resources_count_against_a_quota_however_they_are_asked_for() {
    let mut scene = Scene::with_machines(&["m1", "m2", "m3"]);
    scene.quota("ann", |q| q.resources_max = Some(2));
    let three = wants(vec![item("machines", 3)]);
    assert_eq!(
        scene.acquire("ann", three).unwrap_err().code(),
        "quota-exceeded"
    );
    scene
        .acquire("ann", wants(vec![item("machines", 2)]))
        .unwrap();
    assert_eq!(
        scene.acquire("ann", want("machines")).unwrap_err().code(),
        "quota-exceeded"
    );
    scene.take("bob", "machines");
}

#[test]
fn a_pool_that_is_not_shown_to_an_owner_does_not_exist_for_him() {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    spec.visibility.owners = Some(BTreeSet::from([owner("ann")]));
    scene.pool("machines", spec);
    scene.machine("m1", &[]);
    let of = |scene: &mut Scene, who| scene.acquire(who, want("machines"));
    let hidden = of(&mut scene, "bob").unwrap_err();
    assert_eq!(hidden.code(), "unknown");
    let absent = scene.acquire("bob", want("nothing")).unwrap_err();
    assert_eq!(
        hidden.to_string().replace("machines", "nothing"),
        absent.to_string()
    );
    of(&mut scene, "ann").unwrap();
}

#[test]
fn the_last_admin_key_stays() {
    let mut scene = Scene::new();
    let admin = scene.state.keys.values().find(|k| k.name == name("admin"));
    let key = admin.unwrap().id;
    assert_eq!(
        scene
            .does("admin", Act::DeleteKey { key })
            .unwrap_err()
            .code(),
        "conflict"
    );
}
