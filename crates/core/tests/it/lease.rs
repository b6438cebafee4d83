//! What a holder may count on.

use caviada_core::attribute::Labels;
use caviada_core::command::{Acquire, Act, Command, Idempotency, Reply, Reuse};
use caviada_core::id::Fence;
use caviada_core::lease::{End, LeaseState};
use caviada_core::limits;
use caviada_core::outcome::Subject;
use caviada_core::pool::PoolSpec;
use caviada_core::refusal::Refusal;
use caviada_core::resource::ResourceState;
use caviada_core::time::Time;

use crate::scene::{Scene, item, name, owner, released, want, wants};

#[test]
fn no_two_leases_have_the_same_resource() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    let (a, b) = (scene.take("ann", "machines"), scene.take("bob", "machines"));
    assert_eq!(
        (scene.names(a), scene.names(b)),
        (vec!["m1".into()], vec!["m2".into()])
    );
    let refusal = scene.acquire("cid", want("machines")).unwrap_err();
    assert_eq!(refusal.code(), "pool-exhausted");
}

#[test]
fn a_lease_of_several_items_is_granted_whole_or_not_at_all() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    scene.pool("licences", PoolSpec::declared());
    scene.declare("licences", "l1", vec![], None);
    let both = |machines| wants(vec![item("machines", machines), item("licences", 1)]);
    let refusal = scene.acquire("ann", both(3)).unwrap_err();
    assert_eq!(refusal.code(), "impossible");
    let id = scene.acquire("ann", both(2)).unwrap();
    assert_eq!(scene.names(id), ["m1", "m2", "l1"]);
    let refusal = scene.acquire("bob", both(1)).unwrap_err();
    assert_eq!(refusal.code(), "pool-exhausted");
}

#[test]
fn a_release_is_safe_to_repeat() {
    let mut scene = Scene::with_machines(&["m1"]);
    let first = scene.take("ann", "machines");
    scene.release("ann", first).unwrap();
    let second = scene.take("bob", "machines");
    let reply = scene.release("ann", first).unwrap();
    assert!(reply.repeated);
    assert_eq!(
        scene.lease(second).state,
        LeaseState::Active,
        "the next holder's stays"
    );
}

#[test]
fn a_lease_expires_at_its_deadline_and_not_before() {
    let mut scene = Scene::with_machines(&["m1"]);
    let id = scene.take("ann", "machines");
    scene.pass(59_999);
    assert_eq!(scene.lease(id).state, LeaseState::Active);
    scene.pass(1);
    assert_eq!(scene.end(id), Some(End::Expired));
    assert_eq!(scene.count(ResourceState::Free), 1);
}

#[test]
fn a_renewal_moves_the_deadline_and_never_back() {
    let mut scene = Scene::with_machines(&["m1"]);
    let id = scene.take("ann", "machines");
    let first = scene.lease(id).deadline.unwrap();
    scene.pass(30_000);
    scene.renew("ann", id, 10_000).unwrap();
    assert_eq!(scene.lease(id).deadline, Some(first));
    scene.renew("ann", id, 60_000).unwrap();
    assert_eq!(scene.lease(id).deadline, Some(first.plus_ms(30_000)));
}

#[test]
fn no_renewal_goes_beyond_what_the_pool_allows_from_the_grant_on() {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    (spec.lease.ttl_ms, spec.lease.ttl_ms_max) = (60_000, 100_000);
    scene.pool("machines", spec);
    scene.machine("m1", &[]);
    let id = scene.take("ann", "machines");
    let granted = scene.lease(id).granted_at.unwrap();
    for _ in 0..3 {
        scene.pass(40_000);
        let _ = scene.renew("ann", id, 60_000);
    }
    let ended = scene.state.ended_lease(id).unwrap();
    assert_eq!(
        (ended.end, ended.at),
        (End::Expired, granted.plus_ms(100_000))
    );
}

#[test]
fn a_renewal_at_the_deadline_comes_too_late() {
    let mut scene = Scene::with_machines(&["m1"]);
    let id = scene.take("ann", "machines");
    scene.pass(60_000);
    assert_eq!(
        scene.renew("ann", id, 60_000).unwrap_err().code(),
        "lease-ended"
    );
}

#[test]
fn each_grant_of_a_resource_has_a_higher_fence_than_the_one_before() {
    let mut scene = Scene::with_machines(&["m1"]);
    let mut last = Fence(0);
    for who in ["ann", "bob", "ann"] {
        let id = scene.take(who, "machines");
        let fence = scene.lease(id).fence;
        assert!(fence > last, "{fence:?} after {last:?}");
        last = fence;
        scene.release(who, id).unwrap();
    }
}

#[test]
fn a_call_with_an_old_fence_is_refused() {
    let mut scene = Scene::with_machines(&["m1"]);
    let id = scene.take("ann", "machines");
    let Fence(fence) = scene.lease(id).fence;
    let renew = |fence| Act::Renew {
        lease: id,
        ttl_ms: None,
        fence: Some(Fence(fence)),
    };
    assert_eq!(
        scene.does("ann", renew(fence - 1)).unwrap_err().code(),
        "stale-fence"
    );
    scene.does("ann", renew(fence)).unwrap();
}

#[test]
fn members_may_be_given_back_one_by_one_and_the_last_ends_the_lease() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    let id = scene
        .acquire("ann", wants(vec![item("machines", 2)]))
        .unwrap();
    let members: Vec<_> = scene.lease(id).members.iter().map(|m| m.resource).collect();
    let back = |resource| Act::Release {
        lease: id,
        members: vec![resource],
        hold: None,
        ok: true,
        fence: None,
    };
    scene.does("ann", back(members[0])).unwrap();
    assert_eq!(scene.names(id), ["m2"]);
    assert_eq!(scene.count(ResourceState::Free), 1);
    scene.does("ann", back(members[1])).unwrap();
    assert_eq!(scene.end(id), Some(End::Released));
}

#[test]
fn nobody_ends_or_renews_the_lease_of_another() {
    let mut scene = Scene::with_machines(&["m1"]);
    let id = scene.take("ann", "machines");
    for refused in [scene.release("bob", id), scene.renew("bob", id, 60_000)] {
        assert_eq!(
            refused.unwrap_err().code(),
            "unknown",
            "not even that it is there"
        );
    }
    let revoke = Act::Revoke {
        lease: id,
        reason: Some("the rack moves".into()),
    };
    scene.does("operator", revoke).unwrap();
    assert_eq!(scene.end(id), Some(End::Revoked));
}

#[test]
fn what_is_given_is_the_new_owners_alone() {
    let mut scene = Scene::with_machines(&["m1"]);
    let id = scene.take("ann", "machines");
    let give = Act::Give {
        lease: id,
        to: owner("bob"),
        fence: None,
    };
    scene.does("ann", give).unwrap();
    assert!(scene.release("ann", id).is_err());
    scene.release("bob", id).unwrap();
}

#[test]
fn a_hold_keeps_a_member_for_debugging_and_then_cleans_it() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", PoolSpec::built(name("cluster"), 1, 1));
    scene.drivers_work();
    let id = scene.take("ann", "clusters");
    let member = scene.member(id).id;
    let until = scene.state.now().plus_ms(30_000);
    let Act::Release {
        lease,
        members,
        ok,
        fence,
        ..
    } = released(id)
    else {
        unreachable!()
    };
    let hold = Some((until, "look at the logs".into()));
    let held = Act::Release {
        lease,
        members,
        hold,
        ok,
        fence,
    };
    scene.does("ann", held).unwrap();
    assert_eq!(scene.resource(member).state, ResourceState::Withheld);
    assert!(scene.open().is_empty(), "nobody touches it");
    scene.pass(30_000);
    assert_eq!(scene.resource(member).state, ResourceState::Cleaning);
    scene.drivers_work();
    assert_eq!(scene.resource(member).generation, 2);
}

#[test]
fn a_pool_may_lend_without_a_deadline() {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    spec.lease.endless = true;
    scene.pool("machines", spec);
    scene.machine("m1", &[]);
    let id = scene
        .acquire(
            "ann",
            Acquire {
                ttl_ms: None,
                ..want("machines")
            },
        )
        .unwrap();
    scene.pass(365 * 86_400_000);
    assert_eq!(scene.lease(id).deadline, None);
}

#[test]
fn the_same_idempotency_key_is_one_lease_and_another_request_under_it_is_refused() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    let ask = |scene: &Scene, digest| Command {
        by: scene.by("ann"),
        idempotency: Some(Idempotency {
            key: "job-7".into(),
            digest: [digest; 32],
        }),
        act: Act::Acquire(Box::new(want("machines"))),
    };
    let first = scene.command(&ask(&scene, 1)).unwrap();
    let again = scene.command(&ask(&scene, 1)).unwrap();
    assert_eq!((first.subject, again.repeated), (again.subject, true));
    assert_eq!(
        scene.command(&ask(&scene, 2)).unwrap_err().code(),
        "key-reused"
    );
    assert_eq!(scene.count(ResourceState::Leased), 1);
}

#[test]
fn a_refusal_is_no_outcome_so_a_repeat_is_decided_anew() {
    let mut scene = Scene::with_machines(&["m1"]);
    let taken = scene.take("bob", "machines");
    let ask = Command {
        by: scene.by("ann"),
        idempotency: Some(Idempotency {
            key: "job-7".into(),
            digest: [1; 32],
        }),
        act: Act::Acquire(Box::new(want("machines"))),
    };
    assert_eq!(scene.command(&ask).unwrap_err().code(), "pool-exhausted");
    scene.release("bob", taken).unwrap();
    assert!(!scene.command(&ask).unwrap().repeated);
}

#[test]
fn who_repeats_what_he_did_is_shown_only_what_he_may_see_now() {
    let mut scene = Scene::with_machines(&["m1"]);
    let ask = || Act::Acquire(Box::new(want("machines")));
    let Subject::Lease(lease) = scene.keyed("ann", "ask", ask()).unwrap().subject else {
        panic!("not a lease");
    };
    let give = || Act::Give {
        lease,
        to: owner("bob"),
        fence: None,
    };
    let given = scene.keyed("ann", "give", give()).unwrap();
    assert_eq!(given.subject, Subject::Lease(lease));
    // It is Bob's: what he notes on it is not Ann's to read, however often she asks.
    let told = |repeat: Result<Reply, Refusal>| {
        let shown = repeat.map(|r| (r.subject, r.repeated));
        shown.map_err(|refusal| refusal.code())
    };
    let unseen = Err("unknown");
    assert_eq!(told(scene.keyed("ann", "ask", ask())), unseen);
    let nothing = Ok((Subject::Nothing, true));
    assert_eq!(told(scene.keyed("ann", "give", give())), nothing);
    let share = |with: &[&str]| Act::Share {
        lease,
        with: with.iter().map(|o| owner(o)).collect(),
        fence: None,
    };
    scene.does("bob", share(&["ann"])).unwrap();
    let seen = Ok((Subject::Lease(lease), true));
    assert_eq!(told(scene.keyed("ann", "ask", ask())), seen);
    assert_eq!(told(scene.keyed("ann", "give", give())), seen);
    scene.does("bob", share(&[])).unwrap();
    scene.release("bob", lease).unwrap();
    assert_eq!(told(scene.keyed("ann", "ask", ask())), unseen);
    assert_eq!(told(scene.keyed("ann", "give", give())), nothing);
    // Later the history alone knows whose it was.
    scene.pass(2 * limits::ENDED_KEPT_MS);
    assert_eq!(told(scene.keyed("ann", "ask", ask())), seen);
    assert_eq!(told(scene.keyed("ann", "give", give())), nothing);
}

#[test]
fn who_releases_what_is_shared_with_him_may_do_so_twice() {
    let mut scene = Scene::with_machines(&["m1"]);
    let lease = scene.take("ann", "machines");
    let share = Act::Share {
        lease,
        with: [owner("bob")].into(),
        fence: None,
    };
    scene.does("ann", share).unwrap();
    scene.keyed("bob", "done", released(lease)).unwrap();
    let again = scene.keyed("bob", "done", released(lease)).unwrap();
    assert_eq!(
        (again.subject, again.repeated),
        (Subject::Lease(lease), true)
    );
    // Without a key, too; and nobody else.
    assert!(scene.release("bob", lease).unwrap().repeated);
    assert_eq!(scene.release("cid", lease).unwrap_err().code(), "unknown");
}

#[test]
fn an_owner_has_one_live_lease_per_slot() {
    let mut scene = Scene::with_machines(&["m1", "m2"]);
    let slot = || Acquire {
        reuse: Reuse::Slot("notebook".into()),
        ..want("machines")
    };
    let first = scene.acquire("ann", slot()).unwrap();
    assert_eq!(scene.acquire("ann", slot()).unwrap(), first);
    assert_ne!(
        scene.acquire("bob", slot()).unwrap(),
        first,
        "slots are each owner's own"
    );
    scene.release("ann", first).unwrap();
    assert_ne!(scene.acquire("ann", slot()).unwrap(), first);
}

#[test]
fn a_matching_lease_is_reused_only_while_it_is_healthy() {
    use caviada_core::resource::Health;
    let mut scene = Scene::with_host();
    scene.pool("clusters", PoolSpec::built(name("cluster"), 2, 2));
    scene.drivers_work();
    let matching = || Acquire {
        reuse: Reuse::Matching,
        ..want("clusters")
    };
    let first = scene.acquire("ann", matching()).unwrap();
    assert_eq!(scene.acquire("ann", matching()).unwrap(), first);
    let member = scene.member(first);
    let (resource, generation) = (member.id, member.generation);
    let health = Health::Ill;
    scene.system(Act::RecordHealth {
        resource,
        generation,
        health,
        why: None,
    });
    assert_ne!(scene.acquire("ann", matching()).unwrap(), first);
}

#[test]
fn a_past_lease_is_entered_by_an_admin_and_by_nobody_else_and_lies_in_the_past() {
    let mut scene = Scene::with_machines(&["m1"]);
    scene.pass(1_000_000);
    let now = scene.state.now();
    let past = |pool: &str, granted_at: Time, ended_at: Time| Act::ImportLease {
        owner: owner("ann"),
        pool: name(pool),
        granted_at,
        ended_at,
        labels: Labels::default(),
        note: None,
    };
    let before = |ms: u64| Time(now.0 - ms);
    let good = past("machines", before(900), before(100));
    for who in ["ann", "operator"] {
        let refused = scene.does(who, good.clone()).unwrap_err();
        assert_eq!(refused.code(), "forbidden", "{who}");
    }
    for (act, field) in [
        (past("machines", before(900), now.plus_ms(1)), "ended_at"),
        (past("machines", before(99), before(100)), "granted_at"),
    ] {
        match scene.does("admin", act) {
            Err(Refusal::Invalid { field: f, .. }) => assert_eq!(f, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    let unknown = scene.does("admin", past("nowhere", before(2), before(1)));
    assert_eq!(unknown.unwrap_err().code(), "unknown");
    let counter = scene.state.counter();
    scene.does("admin", good.clone()).unwrap();
    assert_eq!(scene.state.leases.len(), 0, "only the history has it");
    assert_eq!(scene.state.counter(), counter + 1);
    assert_eq!(scene.count(ResourceState::Free), 1);
    // Longer ago than the history keeps.
    scene.pass(limits::HISTORY_KEPT_MS);
    match scene.does("admin", good) {
        Err(Refusal::Invalid { field, .. }) => assert_eq!(field, "ended_at"),
        other => panic!("{other:?}"),
    }
}
