//! The reference is true: its example renders, its lists are the code's.

use caviada_driver::template::{Parameters, Template, builtin, limits};

use super::{int, reserved, source};

const REFERENCE: &str = include_str!("../../../../../docs/reference/template.md");

fn block(language: &str) -> &'static str {
    let (_, rest) = REFERENCE.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_example_of_the_reference_renders() {
    let template = Template::parse(&source(block("toml"), block("yaml"))).unwrap();
    assert_eq!(template.check(), []);
    let replicas = Parameters::from([("replicas".to_owned(), int(3))]);
    let blueprint = template.render(&replicas, &reserved()).unwrap();
    assert_eq!(blueprint.services.len(), 5);
    assert_eq!(blueprint.outputs.len(), 6);
    let replica = &blueprint.services[4];
    assert_eq!(replica.environment["PUBLIC"], "192.0.2.7:21000");
}

#[test]
fn the_reference_names_the_limits_and_the_built_in_templates() {
    let grouped = |n: usize| match n {
        0..1_000 => n.to_string(),
        n => format!("{},{:03}", n / 1_000, n % 1_000),
    };
    let counts = [
        limits::SERVICES_MAX,
        limits::PORTS_MAX,
        limits::VOLUMES_MAX,
        limits::NETWORKS_MAX,
        limits::CONFIGS_MAX,
    ];
    for row in [
        counts.map(grouped).join(", "),
        [
            limits::PARAMETERS_MAX,
            limits::VALUES_MAX,
            limits::CHECKS_MAX,
        ]
        .map(grouped)
        .join(", "),
        format!("{} each", grouped(limits::OUTPUTS_MAX)),
        format!("{} bytes", grouped(limits::TAG_BYTES_MAX)),
        format!("{} steps", grouped(usize::try_from(limits::FUEL).unwrap())),
    ] {
        assert!(REFERENCE.contains(&row), "{row}");
    }
    for name in builtin::names() {
        assert!(REFERENCE.contains(&format!("| `{name}` |")), "{name}");
    }
}
