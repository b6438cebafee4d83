//! Divisible resources: what is cut from them, and how it merges back.

use caviada_core::command::{Acquire, Want};
use caviada_core::pool::PoolSpec;

use crate::scene::{Scene, amounts, item, name, wants};

fn scene(space: &str, slice: &str) -> Scene {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    spec.slice = Some(slice.parse().unwrap());
    scene.pool("parts", spec);
    scene.declare("parts", "whole", vec![], Some(space));
    scene
}

fn part(amount: &str) -> Acquire {
    wants(vec![Want {
        amount: Some(amount.parse().unwrap()),
        ..item("parts", 1)
    }])
}

#[test]
fn no_two_slices_overlap_and_what_is_excluded_is_never_cut() {
    let mut scene = scene("10.0.0.0/30 except 10.0.0.0", "1");
    let mut cut = vec![];
    while let Ok(id) = scene.acquire("ann", part("1")) {
        cut.extend(scene.names(id));
    }
    cut.sort();
    cut.dedup();
    let addresses: Vec<_> = cut.iter().map(|c| c.split('-').next().unwrap()).collect();
    assert_eq!(addresses, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
}

#[test]
fn slices_merge_back_so_that_a_large_one_can_be_cut_again() {
    let mut scene = scene("10.0.0.0/29", "1");
    let small: Vec<_> = (0..8)
        .map(|_| scene.acquire("ann", part("1")).unwrap())
        .collect();
    assert_eq!(
        scene.acquire("bob", part("/29")).unwrap_err().code(),
        "pool-exhausted"
    );
    for id in small {
        scene.release("ann", id).unwrap();
    }
    scene.acquire("bob", part("/29")).unwrap();
}

#[test]
fn quantities_are_shared_out_to_the_last_unit() {
    let mut scene = scene("cpu=4,mem=8Gi", "cpu=1,mem=1Gi");
    let id = scene.acquire("ann", part("cpu=3,mem=1Gi")).unwrap();
    scene.acquire("bob", part("cpu=1,mem=7Gi")).unwrap();
    assert_eq!(
        scene.acquire("cid", part("cpu=1")).unwrap_err().code(),
        "pool-exhausted"
    );
    assert_eq!(
        scene.acquire("cid", part("cpu=5")).unwrap_err().code(),
        "impossible"
    );
    scene.release("ann", id).unwrap();
    scene.acquire("cid", part("cpu=2,mem=512Mi")).unwrap();
}

#[test]
fn an_item_that_names_no_amount_gets_the_pools_own() {
    let mut scene = scene("30000-30009", "5");
    scene.take("ann", "parts");
    scene.take("ann", "parts");
    assert!(scene.acquire("ann", wants(vec![item("parts", 1)])).is_err());
    assert!(scene.state.pool_named(&name("parts")).is_some());
}

#[test]
fn amounts_count_against_a_quota_while_they_wait_and_while_they_are_held() {
    let mut scene = scene("cpu=8,mem=8Gi", "cpu=1");
    scene.quota("ann", |q| q.quantity_max = amounts("cpu=4"));
    let code = |scene: &mut Scene, text| scene.acquire("ann", part(text)).unwrap_err();
    assert_eq!(code(&mut scene, "cpu=5").code(), "quota-exceeded");
    let held = scene.acquire("ann", part("cpu=3,mem=8Gi")).unwrap();
    // Another owner is not bounded.
    scene.acquire("bob", part("cpu=4")).unwrap();
    let mut waits = part("cpu=1,mem=1Gi");
    waits.wait_ms = 60_000;
    let waits = scene.acquire("ann", waits).unwrap();
    let refused = code(&mut scene, "cpu=1");
    assert_eq!(
        refused.to_string(),
        "the quota of ann allows 4 cpu, 4 are in use"
    );
    scene.release("ann", waits).unwrap();
    scene.release("ann", held).unwrap();
    scene.acquire("ann", part("cpu=4,mem=8Gi")).unwrap();
}
