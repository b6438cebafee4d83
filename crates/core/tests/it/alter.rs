//! What holders may count on who alter what they hold, and what those after them may.

use std::sync::Arc;

use caviada_core::alter::{Alter, Direction};
use caviada_core::command::{Act, AttemptOutcome, Reply};
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::plan::{Verb, wanted};
use caviada_core::pool::{OnBad, PoolSpec, RecycleClass};
use caviada_core::power::{Turn, Way};
use caviada_core::refusal::Refusal;
use caviada_core::resource::{Health, ResourceState};

use crate::scene::{Scene, name, released, want};

const OTHER: &str = r#"{"chaincode":[{"image":"notes:1","name":"notes"}]}"#;

fn networks(class: RecycleClass) -> PoolSpec {
    let mut spec = PoolSpec::built(name("network"), 1, 2);
    spec.recycle.class = class;
    spec
}

/// A pool with a network that Ann has.
fn held_of(class: RecycleClass) -> (Scene, LeaseId, ResourceId) {
    let mut scene = Scene::with_host();
    scene.revise_as("network", "one");
    scene.pool("networks", networks(class));
    scene.drivers_work();
    let lease = scene.take("ann", "networks");
    let id = scene.member(lease).id;
    scene.drivers_work();
    (scene, lease, id)
}

fn held() -> (Scene, LeaseId, ResourceId) {
    held_of(RecycleClass::Replace)
}

fn altering(scene: &Scene, resource: ResourceId, to: &str) -> Act {
    Act::Alter(Box::new(Alter {
        resource,
        parameters: to.into(),
        from: scene.resource(resource).site().unwrap().make(),
        tried: scene.resource(resource).tried().to_vec(),
        lease: None,
        expect: None,
    }))
}

fn alter(scene: &mut Scene, who: &str, id: ResourceId, to: &str) -> Result<Reply, Refusal> {
    let act = altering(scene, id, to);
    scene.does(who, act)
}

fn tried(scene: &Scene, id: ResourceId) -> Vec<&str> {
    let tried = scene.resource(id).tried().iter();
    tried.map(|text| &**text).collect()
}

fn parameters(scene: &Scene, id: ResourceId) -> Arc<str> {
    scene.resource(id).site().unwrap().parameters.clone()
}

#[test]
fn a_holder_has_what_he_holds_made_with_other_parameters_and_keeps_it() {
    let (mut scene, lease, id) = held();
    let before = parameters(&scene, id);
    alter(&mut scene, "ann", id, OTHER).unwrap();
    let host = scene.resource(id).site().unwrap().host;
    let verbs: Vec<Verb> = wanted(&scene.state, host)
        .filter(|a| a.resource == id)
        .map(|a| a.verb)
        .collect();
    assert_eq!(verbs, [Verb::Alter]);
    assert_eq!(parameters(&scene, id), before, "not before it is");
    assert!(alter(&mut scene, "ann", id, OTHER).unwrap().repeated);
    let endpoint = ("peer".into(), "127.0.0.1:1".into());
    scene.drivers_end(&AttemptOutcome::Done(vec![endpoint]));
    let r = scene.resource(id);
    assert_eq!(&*parameters(&scene, id), OTHER);
    assert_eq!((r.state, r.lease), (ResourceState::Leased, Some(lease)));
    assert_eq!((r.generation, r.outputs.len()), (1, 1));
    assert!(alter(&mut scene, "ann", id, OTHER).unwrap().repeated);
    // Without endpoints of its own those it had stay.
    alter(&mut scene, "ann", id, "{}").unwrap();
    scene.drivers_work();
    assert_eq!(scene.resource(id).outputs.len(), 1);
}

#[test]
fn what_was_altered_is_nobodys_afterwards_however_its_pool_cleans() {
    for class in [
        RecycleClass::Replace,
        RecycleClass::Reset,
        RecycleClass::Hook,
        RecycleClass::Keep,
    ] {
        let (mut scene, lease, id) = held_of(class);
        alter(&mut scene, "ann", id, OTHER).unwrap();
        scene.drivers_work();
        scene.release("ann", lease).unwrap();
        let r = scene.resource(id);
        assert_eq!(r.state, ResourceState::Deleting, "{class:?}");
        scene.drivers_work();
        let next = scene.take("bob", "networks");
        let next = scene.member(next);
        assert_ne!(next.id, id, "{class:?}");
        assert_eq!(next.altered, None);
        assert_ne!(&*next.site().unwrap().parameters, OTHER);
    }
}

#[test]
fn what_was_altered_does_not_come_back_from_a_hold_or_an_operators_shelf() {
    for (class, by_operator) in [
        (RecycleClass::Keep, true),
        (RecycleClass::Keep, false),
        (RecycleClass::Replace, false),
    ] {
        let (mut scene, lease, id) = held_of(class);
        alter(&mut scene, "ann", id, OTHER).unwrap();
        scene.drivers_work();
        if by_operator {
            let withhold = Act::Withhold {
                resource: id,
                reason: "maintenance".into(),
                until: None,
            };
            scene.does("operator", withhold).unwrap();
            scene.release("ann", lease).unwrap();
        } else {
            let mut with_hold = released(lease);
            if let Act::Release { hold, .. } = &mut with_hold {
                *hold = Some((scene.state.now().plus_ms(60_000), "debugging".into()));
            }
            scene.does("ann", with_hold).unwrap();
        }
        assert_eq!(scene.resource(id).state, ResourceState::Withheld);
        scene
            .does("operator", Act::Return { resource: id })
            .unwrap();
        let r = scene.resource(id);
        assert_eq!(r.state, ResourceState::Deleting, "{class:?}");
    }
}

#[test]
fn what_failed_is_undone_and_says_why_and_ends_with_its_holder_too() {
    let (mut scene, lease, id) = held_of(RecycleClass::Keep);
    let before = parameters(&scene, id);
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_fail();
    let r = scene.resource(id);
    assert!(r.open, "what was begun is being undone");
    assert_eq!(r.altering(), Some(&Direction::Back));
    assert_eq!(tried(&scene, id), [OTHER]);
    let busy = alter(&mut scene, "ann", id, "{}").unwrap_err();
    assert_eq!(busy.code(), "bad-transition");
    scene.drivers_work();
    let r = scene.resource(id);
    assert_eq!((r.state, r.open), (ResourceState::Leased, false));
    assert_eq!(r.cause.as_deref(), Some("not_ready: it never answered"));
    assert_eq!(parameters(&scene, id), before);
    assert_eq!(r.tried().len(), 0, "it is as it was");
    assert!(alter(&mut scene, "ann", id, &before).unwrap().repeated);
    // What was done to it meanwhile nobody knows.
    scene.release("ann", lease).unwrap();
    assert_eq!(scene.resource(id).state, ResourceState::Deleting);
}

#[test]
fn what_cannot_be_undone_stays_its_holders_and_says_both() {
    let (mut scene, _, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_fail();
    scene.drivers_fail();
    let r = scene.resource(id);
    assert_eq!((r.state, r.open), (ResourceState::Leased, false));
    let cause = r.cause.clone().unwrap();
    assert!(cause.contains("could not be undone"), "{cause}");
    alter(&mut scene, "ann", id, OTHER).unwrap();
    assert_eq!(scene.resource(id).cause, None, "he may try again");
}

/// A network that Ann has, torn between what it was and what she tried.
fn torn() -> (Scene, LeaseId, ResourceId) {
    let (mut scene, lease, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_fail();
    scene.drivers_fail();
    (scene, lease, id)
}

#[test]
fn what_could_not_be_undone_is_made_either_by_asking_for_it_again() {
    let (mut scene, _, id) = torn();
    assert_eq!(tried(&scene, id), [OTHER]);
    // What it was before is not what stands.
    let before = parameters(&scene, id);
    assert!(!alter(&mut scene, "ann", id, &before).unwrap().repeated);
    let r = scene.resource(id);
    assert!(matches!(r.altering(), Some(Direction::Towards(to)) if *to == before));
    assert_eq!(
        tried(&scene, id),
        [OTHER],
        "a part of it may stand meanwhile"
    );
    scene.drivers_work();
    let r = scene.resource(id);
    assert_eq!((r.tried().len(), r.cause.as_deref()), (0, None));
    assert_eq!(parameters(&scene, id), before);
    assert!(alter(&mut scene, "ann", id, &before).unwrap().repeated);

    let (mut scene, _, id) = torn();
    assert!(!alter(&mut scene, "ann", id, OTHER).unwrap().repeated);
    scene.drivers_work();
    assert_eq!(scene.resource(id).tried().len(), 0);
    assert_eq!(&*parameters(&scene, id), OTHER);
}

#[test]
fn what_fails_on_the_way_back_is_still_torn_and_is_not_tried_twice() {
    let (mut scene, _, id) = torn();
    let before = parameters(&scene, id);
    alter(&mut scene, "ann", id, &before).unwrap();
    scene.drivers_fail();
    let r = scene.resource(id);
    assert_eq!(
        (r.open, r.altering()),
        (false, None),
        "to undo it is the same"
    );
    assert_eq!(tried(&scene, id), [OTHER]);
    assert_eq!(r.cause.as_deref(), Some("not_ready: it never answered"));
}

#[test]
fn all_that_was_tried_is_known_and_bounded() {
    let (mut scene, _, id) = held();
    let before = parameters(&scene, id);
    let most = caviada_core::limits::TRIED_PER_RESOURCE_MAX;
    let text = |n: usize| format!("{{\"n\":{n}}}");
    for n in (0..most).chain([1]) {
        alter(&mut scene, "ann", id, &text(n)).unwrap();
        scene.drivers_fail();
        scene.drivers_fail();
    }
    assert_eq!(scene.resource(id).tried().len(), most, "each once");
    let more = alter(&mut scene, "ann", id, &text(most)).unwrap_err();
    assert_eq!(more.code(), "bad-transition");
    assert!(more.to_string().contains("too much was tried"), "{more}");
    // Worked out when less had been tried.
    let mut early = altering(&scene, id, &text(0));
    if let Act::Alter(wanted) = &mut early {
        wanted.tried.pop();
    }
    assert_eq!(scene.does("ann", early).unwrap_err().code(), "conflict");
    alter(&mut scene, "ann", id, &before).unwrap();
    scene.drivers_work();
    alter(&mut scene, "ann", id, &text(most)).unwrap();
}

#[test]
fn what_a_driver_cannot_do_needs_no_undoing() {
    let (mut scene, _, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_end(&AttemptOutcome::Failed {
        kind: "unsupported".into(),
        detail: "a swarm alters nothing".into(),
    });
    let r = scene.resource(id);
    assert_eq!((r.open, r.altering()), (false, None));
    assert!(r.cause.as_deref().unwrap().contains("a swarm"));
}

#[test]
fn nobody_waits_for_an_alteration_for_ever() {
    let (mut scene, lease, id) = held();
    scene.renew("ann", lease, 3_600_000).unwrap();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    let overdue = PoolSpec::declared().deadlines.create_ms;
    scene.pass(overdue);
    assert_eq!(scene.resource(id).altering(), Some(&Direction::Back));
    scene.pass(overdue);
    let r = scene.resource(id);
    assert!(!r.open && r.cause.as_deref().unwrap().starts_with("timed_out"));
    assert_eq!(r.state, ResourceState::Leased);
}

#[test]
fn a_late_outcome_of_an_alteration_changes_nothing_for_the_next_holder() {
    let (mut scene, lease, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    let (_, generation, attempt) = scene.open().into_iter().find(|o| o.0 == id).unwrap();
    let late = Act::Record {
        resource: id,
        generation,
        attempt,
        outcome: AttemptOutcome::Done(vec![]),
    };
    // It goes on under another owner, and ends with the lease.
    let give = Act::Give {
        lease,
        to: crate::scene::owner("bob"),
        fence: None,
    };
    scene.does("ann", give).unwrap();
    assert!(scene.resource(id).open);
    assert!(alter(&mut scene, "ann", id, OTHER).is_err());
    scene.release("bob", lease).unwrap();
    assert_eq!(scene.resource(id).state, ResourceState::Deleting);
    scene.system(late);
    assert_ne!(&*parameters(&scene, id), OTHER);
    assert_eq!(scene.resource(id).state, ResourceState::Deleting);
}

#[test]
fn an_alteration_ends_with_a_lease_that_expires_and_nobody_gets_half_of_it() {
    let (mut scene, lease, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    let left = scene.lease(lease).deadline.unwrap();
    scene.pass(left.since(scene.state.now()));
    let r = scene.resource(id);
    assert_eq!((r.state, r.altering()), (ResourceState::Deleting, None));
}

#[test]
fn who_does_not_hold_it_alters_nothing_and_nobody_what_is_free() {
    let (mut scene, lease, id) = held();
    let foreign = alter(&mut scene, "bob", id, OTHER).unwrap_err();
    assert_eq!(foreign.code(), "forbidden");
    let mut of_another = altering(&scene, id, OTHER);
    if let Act::Alter(wanted) = &mut of_another {
        wanted.lease = Some(LeaseId(1));
    }
    let late = scene.does("operator", of_another).unwrap_err();
    assert_eq!(late.code(), "bad-transition");
    let share = Act::Share {
        lease,
        with: [crate::scene::owner("bob")].into(),
        fence: None,
    };
    scene.does("ann", share).unwrap();
    alter(&mut scene, "bob", id, OTHER).unwrap();
    let free = scene
        .state
        .resources
        .values()
        .find(|r| r.state == ResourceState::Free);
    let free = free.unwrap().id;
    let refused = alter(&mut scene, "operator", free, OTHER).unwrap_err();
    assert_eq!(refused.code(), "bad-transition");
}

#[test]
fn what_is_stopped_or_was_altered_meanwhile_is_refused_by_name() {
    let (mut scene, _, id) = held();
    let read = altering(&scene, id, "{}");
    let first = Act::Alter(Box::new(Alter {
        resource: id,
        parameters: OTHER.into(),
        from: scene.resource(id).site().unwrap().make(),
        tried: vec![],
        lease: None,
        expect: Some(scene.resource(id).changed),
    }));
    scene.does("ann", first.clone()).unwrap();
    scene.drivers_work();
    let stale = alter(&mut scene, "ann", id, "{\"a\":1}");
    stale.unwrap();
    scene.drivers_work();
    assert_eq!(scene.does("ann", read).unwrap_err().code(), "conflict");
    assert_eq!(scene.does("ann", first).unwrap_err().code(), "changed");
    let stop = Act::Power {
        resource: id,
        turn: Turn {
            way: Way::Stop,
            service: None,
        },
        lease: None,
    };
    scene.does("ann", stop).unwrap();
    scene.drivers_work();
    let stopped = alter(&mut scene, "ann", id, OTHER).unwrap_err();
    assert_eq!(stopped.code(), "bad-transition");
    let long = " ".repeat(20_000);
    let refused = alter(&mut scene, "ann", id, &long).unwrap_err();
    assert_eq!(refused.code(), "invalid");
}

/// A network that Ann has, of a pool that leaves no bad one with its holder.
fn of_a_strict_pool(policy: OnBad) -> (Scene, LeaseId, ResourceId) {
    let mut scene = Scene::with_host();
    scene.revise_as("network", "one");
    let mut spec = networks(RecycleClass::Replace);
    spec.on_bad = policy;
    scene.pool("networks", spec);
    scene.drivers_work();
    let lease = scene.take("ann", "networks");
    let id = scene.member(lease).id;
    (scene, lease, id)
}

fn looks(scene: &mut Scene, id: ResourceId, health: Health, why: &str) {
    let generation = scene.resource(id).generation;
    scene.system(Act::RecordHealth {
        resource: id,
        generation,
        health,
        why: (!why.is_empty()).then(|| why.into()),
    });
}

#[test]
fn what_a_holder_brought_and_breaks_does_not_cost_him_the_rest() {
    for policy in [OnBad::Swap, OnBad::End] {
        let (mut scene, lease, id) = of_a_strict_pool(policy);
        alter(&mut scene, "ann", id, OTHER).unwrap();
        // While it is made, and once it is.
        looks(&mut scene, id, Health::Ill, "unwell: notes: Restarting (1)");
        assert_eq!(scene.member(lease).id, id, "{policy:?}");
        scene.drivers_work();
        looks(&mut scene, id, Health::Well, "");
        looks(&mut scene, id, Health::Ill, "unwell: notes: Exited (1)");
        let r = scene.resource(id);
        assert_eq!((r.state, r.lease), (ResourceState::Leased, Some(lease)));
        assert_eq!(r.cause_kind(), Some("unwell"), "he is told");
        assert!(scene.lease(lease).members[0].flagged);
    }
}

#[test]
fn what_vanishes_after_it_was_ill_is_gone_all_the_same() {
    let (mut scene, lease, id) = of_a_strict_pool(OnBad::Swap);
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_work();
    looks(&mut scene, id, Health::Ill, "unwell: notes: Exited (1)");
    assert_eq!(scene.member(lease).id, id);
    looks(
        &mut scene,
        id,
        Health::Ill,
        "unwell: one of five is missing",
    );
    assert_eq!(scene.member(lease).id, id);
    let nothing = "gone: nothing of it is on its host";
    looks(&mut scene, id, Health::Ill, nothing);
    assert_ne!(scene.member(lease).id, id);
}

#[test]
fn why_an_alteration_failed_outlives_that_it_is_well_again() {
    let (mut scene, _, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_work();
    looks(&mut scene, id, Health::Ill, "unwell: notes: Exited (1)");
    alter(&mut scene, "ann", id, "{}").unwrap();
    scene.drivers_fail();
    scene.drivers_work();
    let failed = scene.resource(id).cause.clone();
    assert_eq!(failed.as_deref(), Some("not_ready: it never answered"));
    looks(&mut scene, id, Health::Well, "");
    assert_eq!(scene.resource(id).cause, failed);
}

#[test]
fn of_what_is_not_well_its_own_parameters_are_made_again() {
    let (mut scene, _, id) = held();
    let own = parameters(&scene, id);
    assert!(alter(&mut scene, "ann", id, &own).unwrap().repeated);
    looks(&mut scene, id, Health::Ill, "unwell: one too many");
    assert!(!alter(&mut scene, "ann", id, &own).unwrap().repeated);
    scene.drivers_work();
    assert_eq!(parameters(&scene, id), own);
}

#[test]
fn a_restart_that_fails_does_not_keep_its_holder_from_mending_it() {
    let restart = |resource| Act::Power {
        resource,
        turn: Turn {
            way: Way::Restart,
            service: None,
        },
        lease: None,
    };
    let (mut scene, _, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_work();
    scene.does("ann", restart(id)).unwrap();
    scene.drivers_fail();
    assert!(scene.resource(id).power.is_none());
    alter(&mut scene, "ann", id, "{}").unwrap();
    let (mut scene, _, id) = torn();
    let refused = scene.does("ann", restart(id)).unwrap_err();
    assert!(
        refused.to_string().contains("would not come up"),
        "{refused}"
    );
}

#[test]
fn of_what_is_gone_nothing_is_left_to_its_holder() {
    let (mut scene, lease, id) = of_a_strict_pool(OnBad::Swap);
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_work();
    looks(
        &mut scene,
        id,
        Health::Ill,
        "gone: nothing of it is on its host",
    );
    assert_ne!(scene.member(lease).id, id);
    let (mut scene, lease, id) = of_a_strict_pool(OnBad::End);
    scene.renew("ann", lease, 3_600_000).unwrap();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.drivers_work();
    scene.seen("h1", false);
    scene.pass(600_000);
    assert_eq!(scene.end(lease), Some(caviada_core::lease::End::Lost));
    assert_ne!(scene.resource(id).state, ResourceState::Leased);
}

#[test]
fn a_pool_that_rolls_leaves_what_is_altered_to_its_holder() {
    let (mut scene, lease, id) = held();
    alter(&mut scene, "ann", id, OTHER).unwrap();
    scene.revise_as("network", "two");
    scene.host("h1", |h| h.schedulable = false);
    scene.drivers_work();
    let r = scene.resource(id);
    assert_eq!((r.state, r.lease), (ResourceState::Leased, Some(lease)));
    assert_eq!(&*parameters(&scene, id), OTHER, "of the revision it is of");
    scene.release("ann", lease).unwrap();
    assert_eq!(scene.resource(id).state, ResourceState::Deleting);
}

#[test]
fn what_was_declared_has_no_parameters() {
    let mut scene = Scene::with_machines(&["m1"]);
    let lease = scene.acquire("ann", want("machines")).unwrap();
    let act = Act::Alter(Box::new(Alter {
        resource: scene.member(lease).id,
        parameters: OTHER.into(),
        from: caviada_core::resource::Make {
            template: caviada_core::id::TemplateId(1),
            parameters: "{}".into(),
        },
        tried: vec![],
        lease: Some(lease),
        expect: None,
    }));
    assert_eq!(scene.does("ann", act).unwrap_err().code(), "invalid");
}

#[test]
fn holders_bring_only_images_that_their_pool_lists() {
    let mut scene = Scene::with_host();
    let mut spec = PoolSpec::built(name("cluster"), 1, 1);
    assert!(!spec.lets_bring("notes:1"), "without a word none");
    let words = ["notes:", "registry.example.org/cc/", "gold@", "exact:1"];
    spec.holder_images = words.map(Into::into).into();
    for image in [
        "notes:1",
        "registry.example.org/cc/a:1",
        "gold@sha256:00",
        "exact:1",
    ] {
        assert!(spec.lets_bring(image), "{image}");
    }
    for image in [
        "notes",
        "notesevil:1",
        "registry.example.org/ccx/a",
        "exact:12",
        "evil/notes:1",
    ] {
        assert!(!spec.lets_bring(image), "{image}");
    }
    scene.pool("clusters", spec.clone());
    spec.holder_images = ["*".into()].into();
    assert!(spec.lets_bring("anything/at:all"));
    for bad in ["", "a b", "x\n", "$(id)", "**"] {
        spec.holder_images = [bad.into()].into();
        let put = Act::PutPool {
            name: name("clusters"),
            spec: Box::new(spec.clone()),
            expect: None,
        };
        match scene.does("admin", put) {
            Err(Refusal::Invalid { field, .. }) => assert_eq!(field, "holder_images", "{bad:?}"),
            other => panic!("{bad:?}: {other:?}"),
        }
    }
}
