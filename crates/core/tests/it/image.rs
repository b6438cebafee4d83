//! Which images a host is to have: those of what may be built there.

use caviada_core::image::recipes;
use caviada_core::pool::PoolSpec;

use crate::scene::{Scene, name};

/// The pools whose images a host is to have.
fn wanted(scene: &Scene, host: &str) -> Vec<String> {
    let host = scene.state.host_named(&name(host)).unwrap();
    let pools = recipes(&scene.state, host).map(|(pool, _)| pool.name.to_string());
    pools.collect()
}

#[test]
fn a_host_is_to_have_what_may_be_built_there_and_nothing_else() {
    let mut scene = Scene::new();
    scene.revise("one");
    let built = |warm, max| PoolSpec::built(name("cluster"), warm, max);
    let elsewhere = PoolSpec {
        hosts: Some([name("h2")].into()),
        ..built(0, 2)
    };
    scene.pool("cold", built(0, 1));
    scene.pool("closed", built(0, 0));
    scene.pool("elsewhere", elsewhere);
    scene.pool("slots", PoolSpec::declared());
    scene.host("h1", |_| {});
    scene.host("h2", |_| {});
    assert_eq!(wanted(&scene, "h1"), ["cold"]);
    assert_eq!(wanted(&scene, "h2"), ["cold", "elsewhere"]);
    scene.host("cordoned", |spec| spec.schedulable = false);
    assert_eq!(wanted(&scene, "cordoned"), ["cold"], "it is prepared");
    // Not where nothing is built, where nobody answers, or where its operator says so.
    scene.host("h3", |spec| spec.driver = "process".into());
    scene.host("h4", |spec| {
        spec.schedulable = false;
        spec.drain = true;
    });
    scene.host("h5", |spec| spec.images.late = true);
    for host in ["h3", "h4", "h5"] {
        assert_eq!(wanted(&scene, host), Vec::<String>::new(), "{host}");
    }
    scene.seen("h1", false);
    assert_eq!(wanted(&scene, "h1"), Vec::<String>::new());
    scene.seen("h1", true);
    assert_eq!(wanted(&scene, "h1"), ["cold"]);
}
