//! What a key may count on that acts for others, and what they may.

use caviada_core::command::{Acquire, Act, Reuse, Want};
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::key::Role;
use caviada_core::lease::{End, LeaseState, Purpose};
use caviada_core::pool::{OnBad, PoolSpec};
use caviada_core::resource::Health;

use crate::scene::{Scene, name, owner, released, waiting, want, wants};

/// A gateway that acts in `chains` and `more`, and a third pool that everybody sees.
fn scene() -> Scene {
    let mut scene = Scene::new();
    for pool in ["chains", "more", "other"] {
        scene.pool(pool, PoolSpec::declared());
    }
    gateway(&mut scene, "gateway");
    scene
}

fn gateway(scene: &mut Scene, key: &str) {
    let hash = [key.as_bytes()[0]; 32];
    scene.system(Act::PutKey {
        name: name(key),
        role: Role::User,
        owner: owner("gate"),
        groups: Default::default(),
        act_for: [name("chains"), name("more")].into(),
        hash,
        expires_at: None,
        declared_in: None,
    });
}

fn chain(scene: &mut Scene, pool: &str, chain: &str) -> ResourceId {
    scene.declare(pool, chain, vec![("size", 4.into())], None)
}

fn any() -> Want {
    Want {
        pool: None,
        selector: Some("size=4".parse().unwrap()),
        count: 1,
        amount: None,
    }
}

/// Any chain, for somebody.
fn for_whom(who: &str) -> Acquire {
    Acquire {
        owner: Some(owner(who)),
        ..wants(vec![any()])
    }
}

fn matching(who: &str) -> Acquire {
    Acquire {
        reuse: Reuse::Matching,
        ..for_whom(who)
    }
}

/// Only the gateway's own owner sees it.
fn hide(scene: &mut Scene, pool: &str) {
    let mut spec = PoolSpec::declared();
    spec.visibility.owners = Some([owner("gate")].into());
    scene.pool(pool, spec);
}

fn delete(scene: &mut Scene, key: &str) {
    let key = scene.state.index.key_names[&name(key)];
    scene.system(Act::DeleteKey { key });
}

fn state_of(scene: &Scene, id: LeaseId) -> LeaseState {
    scene.lease(id).state
}

#[test]
fn who_acts_for_others_need_not_know_the_pools() {
    let mut scene = scene();
    chain(&mut scene, "more", "m1");
    let id = scene.acquire("gateway", for_whom("zoe")).unwrap();
    assert_eq!(scene.names(id), ["m1"]);
    assert_eq!(scene.lease(id).owner, owner("zoe"));
}

#[test]
fn who_acts_for_others_is_served_from_the_pools_it_acts_for_alone() {
    let mut scene = scene();
    chain(&mut scene, "other", "o1");
    let no = scene.acquire("gateway", for_whom("zoe")).unwrap_err();
    assert_eq!(no.code(), "impossible");
    let no = scene.acquire("ann", for_whom("zoe")).unwrap_err();
    assert_eq!(no.code(), "not-owner");
    let c1 = chain(&mut scene, "chains", "c1");
    let id = scene.acquire("gateway", for_whom("zoe")).unwrap();
    assert_eq!(scene.member(id).id, c1);
    let no = scene.acquire("gateway", for_whom("zed")).unwrap_err();
    assert_eq!(no.code(), "pool-exhausted");
}

#[test]
fn what_was_promised_to_who_waits_is_what_he_is_given() {
    let mut scene = scene();
    hide(&mut scene, "chains");
    chain(&mut scene, "chains", "c1");
    chain(&mut scene, "other", "o1");
    // What neither sees is not promised; what one of them sees is.
    let held = scene.acquire("gateway", for_whom("zoe")).unwrap();
    let waits = scene.acquire("gateway", waiting(for_whom("zed"))).unwrap();
    assert_eq!(state_of(&scene, waits), LeaseState::Waiting);
    scene.does("gateway", released(held)).unwrap();
    assert_eq!(scene.names(waits), ["c1"]);
}

#[test]
fn a_key_that_is_gone_opens_no_other_pool_to_who_waits() {
    let mut scene = scene();
    chain(&mut scene, "chains", "c1");
    chain(&mut scene, "other", "o1");
    scene.acquire("gateway", for_whom("zoe")).unwrap();
    let waits = scene.acquire("gateway", waiting(for_whom("zed"))).unwrap();
    let named = Acquire {
        owner: Some(owner("zed")),
        ..waiting(want("chains"))
    };
    let named = scene.acquire("gateway", named).unwrap();
    assert_eq!(state_of(&scene, waits), LeaseState::Waiting);
    delete(&mut scene, "gateway");
    assert_eq!(scene.end(waits), Some(End::Impossible));
    assert_eq!(state_of(&scene, named), LeaseState::Waiting);
}

#[test]
fn who_asked_for_another_may_what_he_may_and_no_more() {
    let mut scene = scene();
    chain(&mut scene, "chains", "c1");
    let id = scene.acquire("gateway", for_whom("zoe")).unwrap();
    let revoke = Act::Revoke {
        lease: id,
        reason: None,
    };
    let no = scene.does("gateway", revoke).unwrap_err();
    assert_eq!(no.code(), "forbidden");
    let give = Act::Give {
        lease: id,
        to: owner("zed"),
        fence: None,
    };
    scene.does("gateway", give).unwrap();
    assert_eq!(scene.lease(id).owner, owner("zed"));
}

#[test]
fn of_an_ended_lease_nobody_is_told_who_did_not_have_it() {
    let mut scene = scene();
    chain(&mut scene, "other", "o1");
    let id = scene.take("ann", "other");
    scene.does("ann", released(id)).unwrap();
    let renew = || Act::Renew {
        lease: id,
        ttl_ms: None,
        fence: None,
    };
    for act in [renew(), released(id)] {
        for who in ["gateway", "bob"] {
            let no = scene.does(who, act.clone()).unwrap_err();
            assert_eq!(no.code(), "unknown", "{who} {act:?}");
        }
    }
    assert_eq!(
        scene.does("ann", renew()).unwrap_err().code(),
        "lease-ended"
    );
    scene.does("ann", released(id)).unwrap();
    scene.does("operator", released(id)).unwrap();
}

#[test]
fn a_lease_matches_only_within_the_pools_the_key_acts_for() {
    let mut scene = scene();
    chain(&mut scene, "other", "o1");
    let c1 = chain(&mut scene, "chains", "c1");
    let own = scene.take("ann", "other");
    let first = scene.acquire("gateway", matching("ann")).unwrap();
    assert_ne!(first, own, "her own is none of the gateway's business");
    assert_eq!(scene.member(first).id, c1);
    let again = scene.acquire("gateway", matching("ann")).unwrap();
    assert_eq!(again, first);
    assert_eq!(scene.acquire("ann", matching("ann")).unwrap(), own);
}

#[test]
fn its_own_owner_gets_no_more_by_naming_no_pool() {
    let mut scene = scene();
    chain(&mut scene, "other", "o1");
    let own = scene.take("gateway", "other");
    chain(&mut scene, "other", "o2");
    for ask in [wants(vec![any()]), for_whom("gate"), matching("gate")] {
        let no = scene.acquire("gateway", ask).unwrap_err();
        assert_eq!(no.code(), "impossible");
    }
    let c1 = chain(&mut scene, "chains", "c1");
    let id = scene.acquire("gateway", matching("gate")).unwrap();
    assert_ne!(id, own);
    assert_eq!(scene.member(id).id, c1);
    assert_eq!(scene.acquire("gateway", matching("gate")).unwrap(), id);
}

#[test]
fn a_slot_that_another_key_has_taken_elsewhere_is_refused() {
    let mut scene = scene();
    chain(&mut scene, "other", "o1");
    chain(&mut scene, "chains", "c1");
    let slot = || Reuse::Slot("shell".into());
    let own = Acquire {
        reuse: slot(),
        ..want("other")
    };
    scene.acquire("ann", own).unwrap();
    let theirs = Acquire {
        reuse: slot(),
        ..for_whom("ann")
    };
    let no = scene.acquire("gateway", theirs).unwrap_err();
    assert_eq!(no.code(), "not-owner");
}

#[test]
fn a_new_key_goes_on_with_what_the_old_one_asked_for() {
    let mut scene = scene();
    chain(&mut scene, "chains", "c1");
    chain(&mut scene, "other", "o1");
    let (theirs, own) = (
        scene.acquire("gateway", matching("zoe")).unwrap(),
        scene.take("ann", "other"),
    );
    delete(&mut scene, "gateway");
    gateway(&mut scene, "successor");
    assert_eq!(scene.acquire("successor", matching("zoe")).unwrap(), theirs);
    assert_eq!(
        scene.release("successor", own).unwrap_err().code(),
        "unknown"
    );
    let give = Act::Give {
        lease: theirs,
        to: owner("zed"),
        fence: None,
    };
    assert_eq!(
        scene.does("successor", give).unwrap_err().code(),
        "forbidden"
    );
    scene.release("successor", theirs).unwrap();
    assert_eq!(scene.end(theirs), Some(End::Released));
}

#[test]
fn what_goes_bad_is_exchanged_within_the_pools_the_key_acts_for() {
    let mut scene = scene();
    let swap = PoolSpec {
        on_bad: OnBad::Swap,
        ..PoolSpec::declared()
    };
    scene.pool("chains", swap);
    let c1 = chain(&mut scene, "chains", "c1");
    let id = scene.acquire("gateway", for_whom("zoe")).unwrap();
    chain(&mut scene, "other", "o1");
    let m1 = chain(&mut scene, "more", "m1");
    scene.system(Act::RecordHealth {
        resource: c1,
        generation: 0,
        health: Health::Ill,
        why: None,
    });
    assert_eq!(scene.member(id).id, m1);
}

#[test]
fn nobody_takes_what_is_dirty_by_naming_no_pool() {
    let mut scene = scene();
    chain(&mut scene, "chains", "c1");
    let clean = Acquire {
        purpose: Purpose::Clean,
        ..wants(vec![any()])
    };
    let no = scene.acquire("ann", clean).unwrap_err();
    assert_eq!(no.code(), "forbidden");
}
