//! Declaring hosts.

use caviada_core::command::Act;
use caviada_core::host::HostSpec;
use caviada_core::limits;
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
