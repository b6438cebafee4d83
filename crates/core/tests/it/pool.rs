//! What an operator may count on: sizes, recycling, placement, revisions.

use caviada_core::command::{Acquire, Act, AttemptOutcome, Entry};
use caviada_core::id::ResourceId;
use caviada_core::lease::{End, Purpose};
use caviada_core::limits;
use caviada_core::pool::{OnBad, PoolKind, PoolSpec, RecycleClass};
use caviada_core::resource::{Health, Resource, ResourceState};

use crate::scene::{Scene, amounts, name, waiting, want};

fn clusters(warm: u32, max: u32) -> PoolSpec {
    PoolSpec::built(name("cluster"), warm, max)
}

#[test]
fn a_pool_is_kept_warm_and_never_grows_beyond_its_max() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(2, 3));
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 2);
    scene.take("ann", "clusters");
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 2, "two are ready again");
    scene.take("ann", "clusters");
    scene.drivers_work();
    assert_eq!(scene.state.resources.len(), 3);
}

#[test]
fn who_waits_is_built_for_before_the_pool_is_warmed() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(0, 4));
    assert_eq!(scene.state.resources.len(), 0, "nothing is wanted");
    let id = scene.wait("ann", "clusters");
    scene.drivers_work();
    assert_eq!(scene.member(id).generation, 1);
}

#[test]
fn nothing_returns_from_a_lease_uncleaned() {
    for class in [RecycleClass::Replace, RecycleClass::Reset] {
        let mut scene = Scene::with_host();
        let mut spec = clusters(1, 1);
        spec.recycle.class = class;
        scene.pool("clusters", spec);
        scene.drivers_work();
        let id = scene.take("ann", "clusters");
        let (resource, generation) = (scene.member(id).id, scene.member(id).generation);
        scene.release("ann", id).unwrap();
        assert_eq!(scene.resource(resource).state, ResourceState::Cleaning);
        assert_eq!(
            scene.acquire("bob", want("clusters")).unwrap_err().code(),
            "pool-exhausted"
        );
        scene.drivers_work();
        let id = scene.take("bob", "clusters");
        let anew = u64::from(class == RecycleClass::Replace);
        assert_eq!(scene.member(id).generation, generation + anew);
    }
}

#[test]
fn an_outcome_of_an_earlier_attempt_changes_nothing() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    let [(resource, generation, attempt)] = scene.open()[..] else {
        panic!()
    };
    scene.drivers_work();
    let id = scene.take("ann", "clusters");
    scene.release("ann", id).unwrap();
    let late = Act::Record {
        resource,
        generation,
        attempt,
        outcome: AttemptOutcome::Done(vec![]),
    };
    assert!(scene.system(late).repeated);
    assert_eq!(scene.resource(resource).state, ResourceState::Cleaning);
}

#[test]
fn a_member_that_goes_bad_is_not_handed_out_and_is_replaced() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 2));
    scene.drivers_work();
    let r = scene.state.resources.values().next().unwrap();
    let (resource, generation) = (r.id, r.generation);
    let see = |health| Act::RecordHealth {
        resource,
        generation,
        health,
        why: None,
    };
    scene.system(see(Health::Suspect));
    let refused = scene.acquire("ann", want("clusters"));
    assert_eq!(
        refused.unwrap_err().code(),
        "pool-exhausted",
        "one bad look is enough for that"
    );
    scene.system(see(Health::Ill));
    scene.drivers_work();
    scene.pass(60_000);
    scene.drivers_work();
    let id = scene.take("ann", "clusters");
    assert_ne!(scene.member(id).id, resource);
}

#[test]
fn a_leased_member_that_goes_bad_is_left_to_the_pools_policy() {
    for policy in [OnBad::Keep, OnBad::Swap, OnBad::End] {
        let mut scene = Scene::with_host();
        let mut spec = clusters(2, 3);
        spec.on_bad = policy;
        scene.pool("clusters", spec);
        scene.drivers_work();
        let id = scene.take("ann", "clusters");
        let (r, fence) = (scene.member(id), scene.lease(id).fence);
        let (resource, generation) = (r.id, r.generation);
        let health = Health::Ill;
        scene.system(Act::RecordHealth {
            resource,
            generation,
            health,
            why: None,
        });
        match policy {
            OnBad::Keep => {
                assert_eq!(scene.member(id).id, resource);
                assert!(scene.lease(id).members[0].flagged);
            }
            OnBad::Swap => {
                assert_ne!(scene.member(id).id, resource);
                assert!(scene.lease(id).fence > fence);
            }
            OnBad::End => assert_eq!(scene.end(id), Some(End::Lost)),
        }
    }
}

#[test]
fn a_host_out_of_sight_loses_nothing_until_it_is_given_up() {
    let mut scene = Scene::with_host();
    scene.host("h2", |_| {});
    scene.pool("clusters", clusters(2, 2));
    scene.drivers_work();
    scene.seen("h1", false);
    scene.pass(59_000);
    assert_eq!(scene.count(ResourceState::Free), 2);
    scene.seen("h1", true);
    scene.pass(600_000);
    assert_eq!(scene.count(ResourceState::Free), 2, "it came back in time");
}

#[test]
fn builds_that_fail_are_tried_again_later_and_less_and_less_often() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    let mut pauses = vec![];
    for _ in 0..4 {
        scene.drivers_fail();
        while scene.open().is_empty() {
            scene.pass(1_000);
        }
        // What failed is removed first.
        let begun = scene.state.now();
        while scene.count(ResourceState::Creating) == 0 {
            scene.drivers_end(&AttemptOutcome::Done(vec![]));
            scene.pass(1_000);
        }
        pauses.push(scene.state.now().since(begun));
    }
    assert!(pauses.is_sorted() && pauses[0] < pauses[3], "{pauses:?}");
}

#[test]
fn builds_that_fail_together_are_one_failure() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(4, 8));
    assert_eq!(scene.count(ResourceState::Creating), 4);
    let tries = |scene: &Scene| {
        let host = scene.state.host_named(&name("h1")).unwrap();
        let backoff = host.backoffs.values().next().unwrap();
        (backoff.tries, backoff.until.is_some())
    };
    let open = scene.open();
    let [first, rest @ ..] = &open[..] else {
        panic!("nothing is built");
    };
    let fails = |(resource, generation, attempt): &(ResourceId, u64, u64)| Act::Record {
        resource: *resource,
        generation: *generation,
        attempt: *attempt,
        outcome: AttemptOutcome::Failed {
            kind: "no_image".into(),
            detail: "the registry is away".into(),
        },
    };
    scene.system(fails(first));
    scene.system(fails(&rest[0]));
    assert_eq!(tries(&scene), (1, true));
    // One that began before and ends long after tells nothing new either.
    scene.pass(6_000);
    assert_eq!(tries(&scene), (1, false));
    scene.system(fails(&rest[1]));
    assert_eq!(tries(&scene), (1, false));
    // The next one to begin does.
    scene.system(fails(&rest[2]));
    scene.pass(1);
    let creating = |r: &&std::sync::Arc<Resource>| r.state == ResourceState::Creating;
    let next = scene.state.resources.values().find(creating);
    let next = next.map(|r| (r.id, r.generation, r.attempt)).unwrap();
    scene.system(fails(&next));
    assert_eq!(tries(&scene), (2, true));
}

#[test]
fn a_failure_of_another_kind_begins_a_back_off_of_its_own() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 8));
    let creating = |r: &&std::sync::Arc<Resource>| r.state == ResourceState::Creating;
    let mut told = vec![];
    // What a driver says of each differs; the kind is what counts.
    for (n, kind) in (0..).zip([
        "not_ready",
        "not_ready",
        "no_image",
        "no_image",
        "not_ready",
    ]) {
        while scene.count(ResourceState::Creating) == 0 {
            scene.pass(1_000);
        }
        let r = scene.state.resources.values().find(creating).unwrap();
        let failed = Act::Record {
            resource: r.id,
            generation: r.generation,
            attempt: r.attempt,
            outcome: AttemptOutcome::Failed {
                kind: kind.into(),
                detail: format!("try {n} of service {n}").into(),
            },
        };
        scene.system(failed);
        let host = scene.state.host_named(&name("h1")).unwrap();
        let backoff = host.backoffs.values().next().unwrap();
        let pause_ms = backoff.until.unwrap().since(scene.state.now());
        assert_eq!(&*backoff.cause, kind);
        told.push((kind, backoff.tries, pause_ms));
    }
    let each = [
        ("not_ready", 1, 5_000),
        ("not_ready", 2, 10_000),
        ("no_image", 1, 5_000),
        ("no_image", 2, 10_000),
        ("not_ready", 1, 5_000),
    ];
    assert_eq!(told, each);
}

#[test]
fn a_machine_whose_cleaning_keeps_failing_waits_for_a_person() {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    spec.recycle.class = RecycleClass::Hook;
    scene.pool("machines", spec);
    scene.machine("m1", &[]);
    let id = scene.take("ann", "machines");
    let resource = scene.member(id).id;
    scene.release("ann", id).unwrap();
    assert_eq!(scene.resource(resource).state, ResourceState::Dirty);
    let act = Act::Withhold {
        resource,
        reason: "disk".into(),
        until: None,
    };
    scene.does("operator", act).unwrap();
    assert!(!scene.resource(resource).withheld.as_ref().unwrap().clean);
    scene.does("operator", Act::Return { resource }).unwrap();
    assert_eq!(
        scene.resource(resource).state,
        ResourceState::Dirty,
        "it is remembered unclean"
    );
}

#[test]
fn what_was_withheld_clean_returns_clean() {
    let mut scene = Scene::new();
    let mut spec = PoolSpec::declared();
    spec.recycle.class = RecycleClass::Hook;
    scene.pool("machines", spec);
    let resource = scene.machine("m1", &[]);
    let act = Act::Withhold {
        resource,
        reason: "maintenance".into(),
        until: None,
    };
    scene.does("operator", act).unwrap();
    assert_eq!(
        scene.acquire("ann", want("machines")).unwrap_err().code(),
        "pool-exhausted"
    );
    scene.does("operator", Act::Return { resource }).unwrap();
    scene.take("ann", "machines");
}

/// The same pool with other parameters.
fn sized(spec: &PoolSpec, size: u32) -> PoolSpec {
    let mut spec = spec.clone();
    if let PoolKind::Built { parameters, .. } = &mut spec.kind {
        *parameters = format!(r#"{{"size":{size}}}"#).into();
    }
    spec
}

/// Parameters of the members that are free.
fn free_sizes(scene: &Scene) -> Vec<String> {
    let free = scene.state.resources.values();
    let free = free.filter(|r| r.state == ResourceState::Free);
    free.map(|r| r.site().unwrap().parameters.to_string())
        .collect()
}

#[test]
fn changed_parameters_roll_one_by_one_and_leave_leased_members_alone() {
    let mut scene = Scene::with_host();
    let four = sized(&clusters(3, 4), 4);
    scene.pool("clusters", four.clone());
    scene.drivers_work();
    let id = scene.take("ann", "clusters");
    scene.drivers_work();
    scene.pool("clusters", sized(&four, 7));
    while !scene.open().is_empty() {
        assert!(free_sizes(&scene).len() >= 2, "the pool stays usable");
        scene.drivers_end(&AttemptOutcome::Done(vec![]));
    }
    assert_eq!(free_sizes(&scene), [r#"{"size":7}"#; 3]);
    let held = scene.member(id).site().unwrap().parameters.to_string();
    assert_eq!(held, r#"{"size":4}"#, "it is what it was made of");
    scene.release("ann", id).unwrap();
    scene.drivers_work();
    assert_eq!(free_sizes(&scene), [r#"{"size":7}"#; 3]);
}

#[test]
fn parameters_that_do_not_come_up_take_nothing_down_and_going_back_builds_nothing() {
    let mut scene = Scene::with_host();
    let four = sized(&clusters(2, 3), 4);
    scene.pool("clusters", four.clone());
    scene.drivers_work();
    scene.pool("clusters", sized(&four, 7));
    scene.drivers_fail();
    assert_eq!(free_sizes(&scene), [r#"{"size":4}"#; 2]);
    scene.pool("clusters", four);
    scene.pass(600_000);
    scene.drivers_work();
    assert_eq!(free_sizes(&scene), [r#"{"size":4}"#; 2]);
}

#[test]
fn a_member_is_reset_as_it_was_built_until_the_new_parameters_came_up() {
    let mut scene = Scene::with_host();
    let mut four = sized(&clusters(1, 1), 4);
    four.recycle.class = RecycleClass::Reset;
    scene.pool("clusters", four.clone());
    scene.drivers_work();
    let id = scene.take("ann", "clusters");
    let member = scene.member(id).id;
    scene.pool("clusters", sized(&four, 7));
    scene.release("ann", id).unwrap();
    let cleaned = scene.state.resources.get(&member).unwrap();
    assert_eq!(cleaned.state, ResourceState::Cleaning);
    assert_eq!(&*cleaned.site().unwrap().parameters, r#"{"size":4}"#);
    scene.drivers_work();
    assert_eq!(free_sizes(&scene), [r#"{"size":7}"#]);
}

#[test]
fn a_pool_that_turns_to_an_older_template_rolls() {
    let mut scene = Scene::with_host();
    let first = clusters(2, 3);
    scene.revise_as("other", "other's first");
    let PoolKind::Built { .. } = first.kind else {
        panic!("built from a template")
    };
    let mut other = first.clone();
    other.kind = PoolKind::Built {
        template: name("other"),
        parameters: "{}".into(),
    };
    scene.pool("clusters", other);
    scene.drivers_work();
    scene.pool("clusters", first);
    scene.drivers_work();
    let free = scene.state.resources.values();
    let mut of = free.map(|r| scene.state.templates.get(&r.site().unwrap().template));
    assert!(of.all(|t| t.unwrap().name == name("cluster")));
    assert_eq!(scene.count(ResourceState::Free), 2);
}

#[test]
fn a_worn_member_is_replaced_by_another() {
    let mut scene = Scene::with_host();
    let mut spec = clusters(1, 1);
    spec.recycle.class = RecycleClass::Reset;
    spec.recycle.uses_max = Some(2);
    scene.pool("clusters", spec);
    scene.drivers_work();
    let mut served = vec![];
    for _ in 0..3 {
        let id = scene.take("ann", "clusters");
        served.push(scene.member(id).id);
        scene.release("ann", id).unwrap();
        scene.drivers_work();
    }
    assert_eq!(served[0], served[1]);
    assert_ne!(served[1], served[2]);
}

#[test]
fn what_comes_back_beyond_its_pools_max_goes_and_is_not_made_clean_first() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(2, 2));
    scene.drivers_work();
    let leases = [0, 1].map(|_| scene.take("ann", "clusters"));
    let members = leases.map(|id| scene.member(id).id);
    scene.pool("clusters", clusters(1, 1));
    let state = |scene: &Scene, i: usize| scene.state.resources.get(&members[i]).unwrap().state;
    scene.release("ann", leases[0]).unwrap();
    assert_eq!(state(&scene, 0), ResourceState::Deleting);
    scene.release("ann", leases[1]).unwrap();
    assert_eq!(state(&scene, 1), ResourceState::Cleaning);
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 1);
}

#[test]
fn a_build_has_as_long_as_its_template_says_and_not_less_than_its_pool_gives() {
    for (says, given) in [
        (0, limits::CREATE_MS_DEFAULT),
        (120_000, limits::CREATE_MS_DEFAULT),
        (3_600_000, 3_600_000 + limits::CREATE_MS_MORE),
    ] {
        let mut scene = Scene::with_host();
        scene.put_template("slow", "", says).unwrap();
        scene.pool("slow", PoolSpec::built(name("slow"), 1, 1));
        let r = scene
            .state
            .resources
            .values()
            .find(|r| r.state == ResourceState::Creating);
        let deadline = r.unwrap().deadline.unwrap();
        assert_eq!(deadline, scene.state.now().plus_ms(given), "{says}");
    }
    let mut scene = Scene::with_host();
    let refused = scene.put_template("slow", "", limits::CREATE_MS_MAX + 1);
    assert!(refused.unwrap_err().to_string().contains("create_within"));
}

#[test]
fn a_new_revision_rolls_one_by_one_and_leaves_leased_members_alone() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(3, 4));
    scene.drivers_work();
    let id = scene.take("ann", "clusters");
    scene.drivers_work();
    let old = scene.member(id).site().unwrap().template;
    scene.revise("second");
    let ready = |scene: &Scene| scene.count(ResourceState::Free);
    while !scene.open().is_empty() {
        assert!(ready(&scene) >= 2, "the pool stays usable");
        scene.drivers_end(&AttemptOutcome::Done(vec![]));
    }
    let free = scene
        .state
        .resources
        .values()
        .filter(|r| r.state == ResourceState::Free);
    assert!(free.map(|r| r.site().unwrap().template).all(|t| t > old));
    assert_eq!(scene.member(id).site().unwrap().template, old);
}

#[test]
fn a_revision_that_does_not_come_up_takes_nothing_down() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(2, 3));
    scene.drivers_work();
    scene.revise("broken");
    scene.drivers_fail();
    scene.pass(1_000);
    assert_eq!(scene.count(ResourceState::Free), 2);
}

#[test]
fn a_retiring_pool_ends_with_its_last_member() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 2));
    scene.drivers_work();
    let id = scene.take("ann", "clusters");
    let delete = Act::DeletePool {
        name: name("clusters"),
        expect: None,
    };
    scene.does("operator", delete).unwrap();
    let refused = scene.acquire("bob", waiting(want("clusters")));
    assert_eq!(refused.unwrap_err().code(), "retiring");
    scene.drivers_work();
    assert_eq!(scene.names(id).len(), 1, "its holder keeps it");
    scene.release("ann", id).unwrap();
    scene.drivers_work();
    assert!(scene.state.pool_named(&name("clusters")).is_none());
}

#[test]
fn a_host_that_drains_gives_up_all_but_what_is_held_or_kept() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(3, 6));
    scene.drivers_work();
    let held = scene.take("ann", "clusters");
    scene.drivers_work();
    let is_free = |r: &&std::sync::Arc<Resource>| r.state == ResourceState::Free;
    let kept = scene.state.resources.values().find(is_free).unwrap().id;
    let withhold = Act::Withhold {
        resource: kept,
        reason: "debug".into(),
        until: None,
    };
    scene.does("operator", withhold).unwrap();
    scene.drivers_work();
    scene.host("h2", |_| {});
    scene.host("h1", |h| (h.schedulable, h.drain) = (false, true));
    scene.drivers_work();
    let on_h1 = |scene: &Scene| {
        let h1 = scene.state.host_named(&name("h1")).unwrap().id;
        let all = scene.state.resources.values();
        let here = all.filter(|r| r.site().is_some_and(|s| s.host == h1));
        here.map(|r| r.id).collect::<Vec<_>>()
    };
    let holds = scene.member(held).id;
    assert_eq!(on_h1(&scene).len(), 2, "{:?}", on_h1(&scene));
    assert!(on_h1(&scene).contains(&kept) && on_h1(&scene).contains(&holds));
    assert_eq!(scene.count(ResourceState::Free), 3, "built elsewhere");
    scene.release("ann", held).unwrap();
    scene
        .does("operator", Act::Return { resource: kept })
        .unwrap();
    scene.drivers_work();
    assert_eq!(on_h1(&scene), []);
    // Nothing comes there until somebody says so.
    scene.host("h1", |_| {});
    scene.host("h2", |h| (h.schedulable, h.drain) = (false, true));
    scene.drivers_work();
    assert_eq!(on_h1(&scene).len(), 3);
}

#[test]
fn a_host_builds_no_more_at_once_than_its_budget() {
    let mut scene = Scene::new();
    scene.revise("first");
    scene.host("h1", |h| h.builds_max = 2);
    scene.pool("clusters", clusters(6, 6));
    while !scene.open().is_empty() {
        assert!(scene.open().len() <= 2);
        scene.drivers_end(&AttemptOutcome::Done(vec![]));
    }
    assert_eq!(scene.count(ResourceState::Free), 6);
}

#[test]
fn an_autofilled_host_is_filled_whatever_warm_says() {
    let mut scene = Scene::new();
    scene.revise("first");
    scene.host("h1", |h| (h.capacity, h.autofill) = (3, true));
    scene.pool("clusters", clusters(0, 8));
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 3);
}

#[test]
fn a_declared_resource_may_enter_dirty_or_withheld() {
    for (entry, state) in [
        (Entry::Free, ResourceState::Free),
        (Entry::Withheld, ResourceState::Withheld),
    ] {
        let mut scene = Scene::with_machines(&[]);
        let declared = Act::Declare {
            pool: name("machines"),
            name: "m1".parse().unwrap(),
            attributes: Default::default(),
            labels: Default::default(),
            endpoints: vec![],
            declared_in: None,
            entry,
            space: None,
            expect: None,
        };
        scene.system(declared);
        assert_eq!(scene.count(state), 1);
    }
}

#[test]
fn members_stand_only_where_their_needs_are_met() {
    let mut scene = Scene::new();
    scene.revise("first");
    scene.host("bare", |_| {});
    scene.host("small", |h| h.holds = amounts("cpu=3,mem=100"));
    scene.host("large", |h| h.holds = amounts("cpu=100,mem=5"));
    let mut spec = clusters(8, 8);
    spec.needs = amounts("cpu=2,mem=2");
    scene.pool("clusters", spec.clone());
    scene.drivers_work();
    // One by its cpu, two by its memory, none where neither is told of.
    assert_eq!(scene.count(ResourceState::Free), 3);
    spec.needs = amounts("cpu=1,mem=1");
    scene.pool("clusters", spec.clone());
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 8);
    // Heavier than the hosts can bear: what stands there stays.
    spec.needs = amounts("cpu=50");
    scene.pool("clusters", spec);
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 8);
}

#[test]
fn a_lighter_pool_makes_room_for_others_on_its_hosts() {
    let mut scene = Scene::new();
    scene.revise("first");
    scene.host("h1", |h| h.holds = amounts("cpu=4"));
    let mut spec = clusters(2, 2);
    spec.needs = amounts("cpu=2");
    scene.pool("clusters", spec.clone());
    scene.pool("others", spec.clone());
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 2);
    spec.needs = amounts("cpu=1");
    scene.pool("clusters", spec);
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 3);
}

#[test]
fn an_autofilled_host_is_filled_with_no_more_than_it_holds() {
    let mut scene = Scene::new();
    scene.revise("first");
    scene.host("h1", |h| (h.autofill, h.holds) = (true, amounts("cpu=5")));
    let mut spec = clusters(0, 8);
    spec.needs = amounts("cpu=2");
    scene.pool("clusters", spec);
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 2);
}

#[test]
fn an_outside_cleaner_holds_up_no_build() {
    let mut scene = Scene::with_host();
    let mut spec = clusters(2, 6);
    spec.recycle.class = RecycleClass::Hook;
    spec.builds_max = 1;
    scene.pool("clusters", spec);
    scene.drivers_work();
    let used = scene.take("ann", "clusters");
    scene.release("ann", used).unwrap();
    let cleans = Acquire {
        purpose: Purpose::Clean,
        ..want("clusters")
    };
    scene.acquire("operator", cleans).unwrap();
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Cleaning), 1);
    scene.take("bob", "clusters");
    scene.take("cid", "clusters");
    assert_eq!(
        scene.count(ResourceState::Creating),
        1,
        "and the next is built"
    );
}

#[test]
fn a_host_that_is_filled_draws_nothing_onto_others() {
    let mut scene = Scene::with_host();
    scene.host("filled", |h| {
        h.autofill = true;
        h.capacity = 3;
    });
    scene.pool("clusters", clusters(0, 8));
    scene.drivers_work();
    assert_eq!(scene.count(ResourceState::Free), 3);
    let filled = scene.state.host_named(&name("filled")).unwrap().id;
    let stands = |r: &std::sync::Arc<Resource>| r.site().unwrap().host == filled;
    assert!(scene.state.resources.values().all(stands));
}
