//! Declaring hosts.

use caviada_core::command::Act;
use caviada_core::host::HostSpec;
use caviada_core::limits;
use caviada_core::plan::{Condition, Observed, Seen};
use caviada_core::pool::PoolSpec;
use caviada_core::reconcile::{Input, Output, Periods, Reconciler};
use caviada_core::refusal::Refusal;

use crate::scene::{Scene, name};

fn put(scene: &mut Scene, change: impl FnOnce(&mut HostSpec)) -> Result<usize, Refusal> {
    let host = scene.state.host_named(&name("h1")).unwrap();
    let mut spec = (*host.spec).clone();
    change(&mut spec);
    let before = scene.events.len();
    let act = Act::PutHost {
        name: name("h1"),
        spec: Box::new(spec),
        expect: None,
    };
    scene.does("operator", act)?;
    Ok(scene.events.len() - before)
}

#[test]
fn a_credential_changes_under_what_stands_on_its_host_and_the_same_one_changes_nothing() {
    let mut scene = Scene::with_host();
    let sealed = |text: &str| Some(text.into());
    assert_eq!(put(&mut scene, |s| s.credential = sealed("one")), Ok(1));
    assert_eq!(put(&mut scene, |s| s.credential = sealed("one")), Ok(0));
    assert_eq!(put(&mut scene, |s| s.credential = sealed("two")), Ok(1));
    assert_eq!(put(&mut scene, |s| s.credential = None), Ok(1));
}

#[test]
fn what_a_driver_is_told_is_bounded() {
    let mut scene = Scene::with_host();
    let field = |done: Result<usize, Refusal>| match done {
        Err(Refusal::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let long = "x".repeat(limits::SEALED_BYTES_MAX + 1);
    let done = put(&mut scene, |s| s.credential = Some(long.as_str().into()));
    assert_eq!(field(done), "credential");
    let done = put(&mut scene, |s| {
        s.options.insert("tls_ca".into(), long.into());
    });
    assert_eq!(field(done), "options");
}

#[test]
fn what_stands_elsewhere_is_nobodys_orphan_where_it_is_seen_twice() {
    let mut scene = Scene::with_host();
    scene.pool("clusters", PoolSpec::built(name("cluster"), 1, 1));
    scene.drivers_work();
    let id = *scene.state.resources.iter().next().unwrap().0;
    // The same engine, declared under a second name.
    scene.host("h2", |h| h.schedulable = false);
    let second = scene.state.host_named(&name("h2")).unwrap().id;
    let periods = Periods::default();
    let mut reconciler = Reconciler::new(periods, false);
    let seen = Seen {
        revision: 1,
        condition: Condition::Up,
        why: None,
    };
    let mut now = scene.state.now();
    for _ in 0..3 {
        scene.state.finish();
        reconciler.step(&scene.state, now, Input::Wake);
        let looked = Input::Looked(second, Some(Observed::from([((id, 1), seen.clone())])));
        let told = reconciler.step(&scene.state, now, looked);
        let acts = told.iter().any(|o| matches!(o, Output::Act(_)));
        assert!(!acts, "{told:?}");
        now = now.plus_ms(periods.orphan_grace_ms);
        scene.state.begin(now);
    }
}
