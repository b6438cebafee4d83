//! The templates that come with the program.

use caviada_driver::template::{Parameters, Template, builtin};

use super::{int, reserved};

#[test]
fn every_built_in_template_passes_its_check() {
    for name in builtin::names() {
        let template = Template::parse(&builtin::source(name).unwrap()).unwrap();
        assert_eq!(template.name(), name);
        assert_eq!(template.check(), [], "{name}");
    }
}

#[test]
fn the_cluster_grows_with_its_size() {
    let template = Template::parse(&builtin::source("cluster").unwrap()).unwrap();
    let size = |n| Parameters::from([("size".to_owned(), int(n))]);
    assert_eq!(template.ports(&size(16)), Ok(17));
    let blueprint = template.render(&size(4), &reserved()).unwrap();
    let names: Vec<_> = blueprint.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["seed", "node0", "node1", "node2", "node3", "front"]);
    let outputs: Vec<_> = blueprint.outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(
        outputs,
        [
            "node0", "node1", "node2", "node3", "front", "seed", "profile"
        ]
    );
}
