//! What holders and operators may count on when they start and stop things.

use caviada_core::command::{Act, AttemptOutcome, Reply};
use caviada_core::id::ResourceId;
use caviada_core::plan::{Condition, Observed, Seen, Verb, plan, wanted};
use caviada_core::pool::{PoolSpec, RecycleClass};
use caviada_core::power::{Turn, Way};
use caviada_core::reconcile::{Input, Output, Periods, Reconciler};
use caviada_core::refusal::Refusal;
use caviada_core::resource::{Health, ResourceState};

use crate::scene::{Scene, item, name, released, waiting, want, wants};

fn clusters(warm: u32, max: u32) -> PoolSpec {
    PoolSpec::built(name("cluster"), warm, max)
}

fn turn(scene: &mut Scene, who: &str, id: ResourceId, way: Way) -> Result<Reply, Refusal> {
    let turn = Turn { way, service: None };
    let act = Act::Power {
        resource: id,
        turn,
        lease: None,
    };
    scene.does(who, act)
}

fn turn_one(scene: &mut Scene, id: ResourceId, way: Way) -> Result<Reply, Refusal> {
    let turn = Turn {
        way,
        service: Some("db".into()),
    };
    let act = Act::Power {
        resource: id,
        turn,
        lease: None,
    };
    scene.does("operator", act)
}

/// A pool with one cluster, which Ann has.
fn held() -> (Scene, ResourceId) {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(0, 1));
    let lease = scene.wait("ann", "clusters");
    scene.drivers_work();
    let id = scene.member(lease).id;
    (scene, id)
}

#[test]
fn a_repeat_shows_a_resource_only_to_who_may_see_it_now() {
    let (mut scene, id) = held();
    let stop = || Act::Power {
        resource: id,
        turn: Turn {
            way: Way::Stop,
            service: None,
        },
        lease: None,
    };
    scene.keyed("ann", "stop", stop()).unwrap();
    scene.drivers_work();
    let mut hidden = clusters(0, 1);
    hidden.visibility.owners = Some(["bob".parse().unwrap()].into());
    scene.pool("clusters", hidden);
    assert!(scene.keyed("ann", "stop", stop()).unwrap().repeated);
    let lease = scene.resource(id).lease.unwrap();
    scene.release("ann", lease).unwrap();
    let no = scene.keyed("ann", "stop", stop()).unwrap_err();
    assert_eq!(no.code(), "unknown");
}

/// The only resource there is.
fn only(scene: &Scene) -> ResourceId {
    let mut all = scene.state.resources.iter();
    let (id, _) = all.next().unwrap();
    assert!(all.next().is_none());
    *id
}

fn is_stopped(scene: &Scene, id: ResourceId) -> bool {
    let power = scene.resource(id).power.as_ref();
    power.is_some_and(|p| p.stopped)
}

#[test]
fn a_holder_stops_and_starts_what_he_holds_and_keeps_it() {
    let (mut scene, id) = held();
    turn(&mut scene, "ann", id, Way::Stop).unwrap();
    let host = scene.resource(id).site().unwrap().host;
    let verbs: Vec<Verb> = wanted(&scene.state, host).map(|a| a.verb).collect();
    assert_eq!(verbs, [Verb::Turn]);
    assert!(!is_stopped(&scene, id), "not before it is");
    scene.drivers_work();
    assert!(is_stopped(&scene, id));
    assert_eq!(scene.resource(id).state, ResourceState::Leased);
    assert!(turn(&mut scene, "ann", id, Way::Stop).unwrap().repeated);
    turn(&mut scene, "ann", id, Way::Start).unwrap();
    scene.drivers_work();
    assert_eq!(scene.resource(id).power, None);
    assert!(turn(&mut scene, "ann", id, Way::Start).unwrap().repeated);
    assert_eq!(scene.resource(id).generation, 1, "it is the same one");
}

#[test]
fn nobody_stops_what_another_holds() {
    let (mut scene, id) = held();
    let refused = turn(&mut scene, "bob", id, Way::Stop).unwrap_err();
    assert_eq!(refused.code(), "forbidden", "as for what nobody has");
    let lease = scene.resource(id).lease;
    scene.release("ann", lease.unwrap()).unwrap();
    scene.drivers_work();
    scene.take("bob", "clusters");
    let late = Act::Power {
        resource: id,
        turn: Turn {
            way: Way::Stop,
            service: None,
        },
        lease,
    };
    let refused = scene.does("operator", late).unwrap_err();
    assert_eq!(refused.code(), "bad-transition", "it is another's by now");
    turn(&mut scene, "operator", id, Way::Stop).unwrap();
}

#[test]
fn what_nobody_holds_is_the_operators_to_stop() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    scene.drivers_work();
    let id = only(&scene);
    let refused = turn(&mut scene, "ann", id, Way::Stop).unwrap_err();
    assert_eq!(refused.code(), "forbidden");
}

#[test]
fn what_is_free_and_stopped_is_not_handed_out_and_comes_back_when_it_is_started() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    scene.drivers_work();
    let id = only(&scene);
    turn(&mut scene, "operator", id, Way::Stop).unwrap();
    assert_eq!(scene.count(ResourceState::Free), 0, "at once");
    scene.drivers_work();
    assert!(scene.acquire("ann", want("clusters")).is_err());
    turn(&mut scene, "operator", id, Way::Start).unwrap();
    scene.drivers_work();
    assert_eq!(scene.resource(id).state, ResourceState::Free);
    scene.take("ann", "clusters");
}

#[test]
fn a_restart_takes_what_is_free_out_of_the_pool_for_as_long_as_it_takes() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    scene.drivers_work();
    let id = only(&scene);
    let waits = {
        turn(&mut scene, "operator", id, Way::Restart).unwrap();
        scene.acquire("ann", waiting(want("clusters"))).unwrap()
    };
    assert_eq!(scene.resource(id).state, ResourceState::Withheld);
    scene.drivers_work();
    assert_eq!(scene.member(waits).id, id);
}

#[test]
fn what_a_person_stopped_is_not_ill_and_what_is_gone_is() {
    let (mut scene, id) = held();
    turn(&mut scene, "ann", id, Way::Stop).unwrap();
    scene.drivers_work();
    let host = scene.resource(id).site().unwrap().host;
    let mut reconciler = Reconciler::new(Periods::default(), false);
    let mut look = |scene: &mut Scene, observed: Observed| {
        scene.state.finish();
        let now = scene.state.now();
        reconciler.step(&scene.state, now, Input::Wake);
        let told = reconciler.step(&scene.state, now, Input::Looked(host, Some(observed)));
        scene.state.begin(now);
        for output in told {
            if let Output::Report(act) = output {
                scene.system(act);
            }
        }
        scene.pass(60_000);
        scene.resource(id).health
    };
    let down = Seen {
        revision: 1,
        condition: Condition::Down,
        why: Some("web: Exited (1)".into()),
    };
    let stopped = Observed::from([((id, 1), down)]);
    scene
        .renew("ann", scene.resource(id).lease.unwrap(), 600_000)
        .unwrap();
    assert_eq!(look(&mut scene, stopped.clone()), Health::Well);
    assert_eq!(look(&mut scene, stopped), Health::Well);
    assert_eq!(look(&mut scene, Observed::new()), Health::Suspect);
    assert_eq!(look(&mut scene, Observed::new()), Health::Ill);
    assert_eq!(plan(&scene.state, host, &Observed::new()), []);
}

#[test]
fn what_was_stopped_is_clean_and_runs_for_the_next_holder() {
    for class in [
        RecycleClass::Replace,
        RecycleClass::Reset,
        RecycleClass::Keep,
    ] {
        let mut scene = Scene::with_host();
        let mut spec = clusters(1, 1);
        spec.recycle.class = class;
        scene.pool("clusters", spec);
        scene.drivers_work();
        let lease = scene.take("ann", "clusters");
        let id = scene.member(lease).id;
        turn(&mut scene, "ann", id, Way::Stop).unwrap();
        scene.drivers_work();
        scene.release("ann", lease).unwrap();
        assert_eq!(scene.count(ResourceState::Free), 0, "{class:?}");
        scene.drivers_work();
        let lease = scene.take("bob", "clusters");
        assert_eq!(scene.member(lease).power, None, "{class:?}");
    }
}

#[test]
fn what_a_failed_stop_may_have_stopped_counts_as_stopped() {
    let (mut scene, id) = held();
    turn(&mut scene, "ann", id, Way::Stop).unwrap();
    scene.drivers_fail();
    let r = scene.resource(id);
    assert_eq!(r.state, ResourceState::Leased);
    assert!(is_stopped(&scene, id), "nobody knows, so it is not ill");
    assert_eq!(r.cause.as_deref(), Some("not_ready: it never answered"));
    turn(&mut scene, "ann", id, Way::Start).unwrap();
    assert_eq!(scene.resource(id).cause, None);
    scene
        .renew("ann", scene.resource(id).lease.unwrap(), 3_600_000)
        .unwrap();
    scene.pass(PoolSpec::declared().deadlines.create_ms);
    let r = scene.resource(id);
    assert!(!r.open, "nobody waits for it for ever");
    assert!(r.cause.as_deref().unwrap().starts_with("timed_out"));
    assert!(is_stopped(&scene, id), "it can be started again");
    turn(&mut scene, "ann", id, Way::Start).unwrap();
    scene.drivers_work();
    assert_eq!(scene.resource(id).power, None);
}

#[test]
fn a_service_that_is_not_there_changes_nothing() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    scene.drivers_work();
    let id = only(&scene);
    turn_one(&mut scene, id, Way::Stop).unwrap();
    scene.drivers_end(&AttemptOutcome::Failed {
        kind: "refused".into(),
        detail: "there is no such service".into(),
    });
    let r = scene.resource(id);
    assert_eq!((r.state, &r.power), (ResourceState::Free, &None));
}

#[test]
fn what_failed_to_start_comes_back_only_through_a_start_or_a_cleaning() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    scene.drivers_work();
    let resource = only(&scene);
    turn(&mut scene, "operator", resource, Way::Stop).unwrap();
    scene.drivers_work();
    turn(&mut scene, "operator", resource, Way::Start).unwrap();
    scene.drivers_fail();
    assert_eq!(scene.resource(resource).state, ResourceState::Withheld);
    scene.does("operator", Act::Return { resource }).unwrap();
    assert_eq!(scene.resource(resource).state, ResourceState::Cleaning);
}

#[test]
fn a_cleaner_is_not_given_what_is_stopped() {
    let mut scene = Scene::with_host();
    let mut spec = clusters(1, 1);
    spec.recycle.class = RecycleClass::Reset;
    scene.pool("clusters", spec);
    scene.drivers_work();
    let lease = scene.take("ann", "clusters");
    let id = scene.member(lease).id;
    turn(&mut scene, "ann", id, Way::Stop).unwrap();
    scene.drivers_work();
    scene.seen("h1", false);
    scene.release("ann", lease).unwrap();
    assert_eq!(scene.resource(id).state, ResourceState::Dirty);
    let clean = caviada_core::command::Acquire {
        purpose: caviada_core::lease::Purpose::Clean,
        ..want("clusters")
    };
    assert!(scene.acquire("operator", clean).is_err());
}

#[test]
fn frozen_members_are_not_left_in_a_pool_that_would_not_thaw_them() {
    let mut scene = Scene::with_host();
    let mut spec = clusters(1, 1);
    (spec.prepare, spec.pause) = (true, true);
    scene.pool("clusters", spec.clone());
    scene.drivers_work();
    (spec.prepare, spec.pause) = (false, false);
    let put = Act::PutPool {
        name: name("clusters"),
        spec: Box::new(spec),
        expect: None,
    };
    assert_eq!(scene.does("operator", put).unwrap_err().code(), "conflict");
}

#[test]
fn one_service_is_stopped_by_itself() {
    let (mut scene, id) = held();
    turn_one(&mut scene, id, Way::Stop).unwrap();
    let busy = turn_one(&mut scene, id, Way::Start).unwrap_err();
    assert_eq!(busy.code(), "bad-transition");
    scene.drivers_work();
    let power = scene.resource(id).power.clone().unwrap();
    assert!(!power.stopped);
    assert_eq!(power.services, ["db".into()].into());
    turn(&mut scene, "ann", id, Way::Stop).unwrap();
    scene.drivers_work();
    let refused = turn_one(&mut scene, id, Way::Start).unwrap_err();
    assert_eq!(refused.code(), "invalid");
    turn(&mut scene, "ann", id, Way::Start).unwrap();
    scene.drivers_work();
    assert_eq!(scene.resource(id).power, None);
}

#[test]
fn what_is_stopped_goes_on_when_only_one_of_several_is_released() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(2, 2));
    scene.drivers_work();
    let lease = scene
        .acquire("ann", wants(vec![item("clusters", 2)]))
        .unwrap();
    let [first, second] = [0, 1].map(|n| scene.lease(lease).members[n].resource);
    turn(&mut scene, "ann", first, Way::Stop).unwrap();
    let stale = scene.open();
    let mut one = released(lease);
    if let Act::Release { members, .. } = &mut one {
        members.push(first);
    }
    scene.does("ann", one).unwrap();
    // The stop's outcome comes when it is being built anew.
    for (resource, generation, attempt) in stale {
        scene.system(Act::Record {
            resource,
            generation,
            attempt,
            outcome: AttemptOutcome::Done(vec![]),
        });
    }
    assert_eq!(scene.resource(first).state, ResourceState::Cleaning);
    scene.drivers_work();
    assert_eq!(scene.resource(first).power, None);
    assert_eq!(scene.resource(second).state, ResourceState::Leased);
}

#[test]
fn what_is_withheld_and_stopped_comes_back_through_a_cleaning() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    scene.drivers_work();
    let resource = only(&scene);
    let withhold = Act::Withhold {
        resource,
        reason: "maintenance".into(),
        until: Some(scene.state.now().plus_ms(700_000)),
    };
    scene.does("operator", withhold).unwrap();
    turn(&mut scene, "operator", resource, Way::Stop).unwrap();
    scene.drivers_work();
    scene.pass(700_000);
    assert_eq!(scene.resource(resource).state, ResourceState::Cleaning);
    scene.drivers_work();
    assert_eq!(scene.resource(resource).state, ResourceState::Free);
}

#[test]
fn an_operator_cleans_what_is_free_in_its_place() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", clusters(1, 1));
    scene.drivers_work();
    let resource = only(&scene);
    scene.does("operator", Act::Recycle { resource }).unwrap();
    let r = scene.resource(resource);
    assert_eq!((r.state, r.generation), (ResourceState::Cleaning, 2));
    scene.drivers_work();
    let lease = scene.take("ann", "clusters");
    assert_eq!(scene.member(lease).id, resource);
    let refused = scene.does("operator", Act::Recycle { resource });
    assert_eq!(refused.unwrap_err().code(), "bad-transition");
    assert_eq!(
        scene
            .does("ann", Act::Recycle { resource })
            .unwrap_err()
            .code(),
        "forbidden"
    );
}

#[test]
fn one_more_member_is_built_where_an_operator_wants_it() {
    let mut scene = Scene::with_host();
    scene.host("h2", |h| h.capacity = 1);
    scene.pool("clusters", clusters(0, 3));
    let build = |host: Option<&str>, called: Option<&str>| Act::Build {
        pool: name("clusters"),
        host: host.map(name),
        name: called.map(|n| n.parse().unwrap()),
    };
    scene
        .does("operator", build(Some("h2"), Some("mine")))
        .unwrap();
    scene.drivers_work();
    let built = scene.state.resources.values().next().unwrap();
    let host = scene.state.host_named(&name("h2")).unwrap().id;
    assert_eq!(built.doc.name.as_str(), "mine");
    assert_eq!(built.site().unwrap().host, host);
    assert_eq!(
        built.state,
        ResourceState::Free,
        "it stays, though nothing shall be warm"
    );
    let code = |scene: &mut Scene, act| scene.does("operator", act).unwrap_err().code();
    assert_eq!(
        code(&mut scene, build(Some("h1"), Some("mine"))),
        "conflict"
    );
    assert_eq!(
        code(&mut scene, build(Some("h2"), None)),
        "conflict",
        "full"
    );
    assert_eq!(code(&mut scene, build(Some("h3"), None)), "unknown");
    scene.does("operator", build(None, None)).unwrap();
    scene.does("operator", build(Some("h1"), None)).unwrap();
    assert_eq!(code(&mut scene, build(None, None)), "conflict", "max");
}
