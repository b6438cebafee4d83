//! Rendering: loops, parameters, ports, and where errors are told.

use caviada_driver::template::{ParameterValue, Parameters, PortBlock, Reserved, Template};
use proptest::prelude::*;

use super::{
    MANIFEST, int, refusal, render, render_source, render_with, reserved, said, source, text,
};

const LOOP: &str = "services:
{% for i in range(size) %}
  node{{ i }}:
    image: i
    environment: {NODE: \"{{ i + 1 }} of {{ size }}\", HOST: {{ address }}}
    ports: [80]
{% if i > 0 %}
    depends_on: [node{{ i - 1 }}]
{% endif %}
{% endfor %}
";

#[test]
fn a_loop_makes_as_many_services_as_a_parameter_says() {
    let blueprint = render_with(LOOP, &Parameters::from([("size".to_owned(), int(3))])).unwrap();
    assert_eq!(blueprint.services.len(), 3);
    assert_eq!(blueprint.services[2].environment["NODE"], "3 of 3");
    assert_eq!(blueprint.services[2].environment["HOST"], "192.0.2.7");
    assert_eq!(blueprint.services[2].ports[0].host, 21_002);
    let template = Template::parse(&source(MANIFEST, LOOP)).unwrap();
    let size = |n| Parameters::from([("size".to_owned(), int(n))]);
    assert_eq!(template.ports(&Parameters::new()), Ok(2));
    assert_eq!(template.ports(&size(40)), Ok(40));
}

#[test]
fn a_block_that_is_too_small_is_refused() {
    let template = Template::parse(&source(MANIFEST, LOOP)).unwrap();
    for block in [(21_000, 1), (65_535, 100)] {
        let reserved = Reserved {
            ports: PortBlock {
                first: block.0,
                count: block.1,
            },
            ..reserved()
        };
        let said = said(template.render(&Parameters::new(), &reserved).unwrap_err());
        assert!(said[0].contains("too small"), "{said:?}");
    }
}

#[test]
fn a_file_can_name_its_own_host_ports() {
    let blueprint = render(
        "services:\n  a: {image: i, ports: [80]}\n  b:\n    image: i\n    ports: [81, 82]\n    environment: {OWN: \"{{ host_port('b', 82) }}\", OTHER: \"{{ host_port('a', 80) }}\"}\n",
    )
    .unwrap();
    assert_eq!(blueprint.services[1].environment["OWN"], "21002");
    assert_eq!(blueprint.services[1].environment["OTHER"], "21000");
    assert!(
        refusal("services: {a: {image: i, command: \"{{ host_port('a', 80) }}\"}}\n")[0]
            .contains("publishes no port 80")
    );
    let turning = "services: {a: {image: i, ports: [80{% if host_port('a', 80) < 30000 %}, 81{% endif %}]}}\n";
    assert!(refusal(turning)[0].contains("must not depend"));
}

#[test]
fn errors_are_told_in_the_lines_the_author_wrote() {
    let compose = "services:\n{% for i in range(3) %}\n  n{{ i }}:\n    image: i\n{% endfor %}\n\n{# a comment\n   of two lines #}\n  {% if debug %}\n  d: {image: i}\n  {% endif %}\n  last:\n    image: i\n    fancy: x\n    cpus: {{ text }}\n";
    assert_eq!(
        refusal(compose),
        [
            "compose.yaml:14:5: services.last.fancy: is not supported",
            "compose.yaml:15:11: services.last.cpus: `some` is no number of processors: write 0.5 or 2",
        ]
    );
}

#[test]
fn errors_of_the_language_are_told_where_they_are() {
    let said = refusal("services:\n  a:\n    image: {{ nothing }}\n");
    assert!(said[0].starts_with("compose.yaml:3:"), "{said:?}");
    assert!(
        said[0].contains("`nothing` is undefined: there is no parameter"),
        "{said:?}"
    );
    let said = refusal("services:\n  a:\n    image: {% if %}\n");
    assert!(said[0].starts_with("compose.yaml:3:"), "{said:?}");
    let said = refusal("services:\n  a:\n    image: {{ text | nofilter }}\n");
    assert!(said[0].starts_with("compose.yaml:3:"), "{said:?}");
    let said = refusal("services:\n  a: {image: i}\n{% include 'x' %}\n");
    assert!(said[0].starts_with("compose.yaml:3:"), "{said:?}");
}

#[test]
fn a_value_with_a_dollar_or_a_quote_arrives_as_it_is() {
    let value = "a$b \"c\": {d}, #e";
    let compose = "services:\n  a:\n    image: i\n    environment:\n      V: {{ text|tojson }}\n";
    let parameters = Parameters::from([("text".to_owned(), text(value))]);
    let blueprint = render_with(compose, &parameters).unwrap();
    assert_eq!(blueprint.services[0].environment["V"], value);
}

#[test]
fn parameters_are_checked_by_name_type_and_bounds() {
    let with = |name: &str, value: ParameterValue| {
        let parameters = Parameters::from([(name.to_owned(), value)]);
        render_with(LOOP, &parameters)
    };
    assert!(with("size", int(1)).is_ok());
    assert!(with("mode", text("raft")).is_ok());
    for (name, value) in [
        ("size", int(0)),
        ("size", int(65)),
        ("size", text("3")),
        ("mode", text("pow")),
        ("debug", text("true")),
        ("text", int(3)),
        ("text", text("two\nlines")),
        ("text", text(&"x".repeat(2_000))),
        ("colour", text("red")),
    ] {
        let said = said(with(name, value.clone()).unwrap_err());
        assert!(
            said[0].starts_with(&format!("parameters: {name}: ")),
            "{name} {value:?}: {said:?}"
        );
    }
}

#[test]
fn other_files_become_configs_and_those_ending_in_j2_are_rendered() {
    let mut source = source(
        MANIFEST,
        "services: {a: {image: i, configs: [one, two]}}\nconfigs: {one: {file: ./one.txt}, two: {file: sub/two.txt.j2}}\n",
    );
    let mut add = |name: &str, text: &str| source.files.insert(name.to_owned(), text.to_owned());
    add("one.txt", "{{ size }} $HOME");
    add("sub/two.txt.j2", "{{ size }} $HOME");
    let files = render_source(&source, &Parameters::new())
        .unwrap()
        .services
        .remove(0)
        .files;
    assert_eq!(files[0].content, "{{ size }} $HOME");
    assert_eq!(files[1].content, "2 $HOME");
    source
        .files
        .insert("sub/two.txt.j2".to_owned(), "ok\n{{ nope }}".to_owned());
    let problems = said(render_source(&source, &Parameters::new()).unwrap_err());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("sub/two.txt.j2:2:"), "{problems:?}");
    source.files.remove("one.txt");
    let problems = said(render_source(&source, &Parameters::new()).unwrap_err());
    assert!(
        problems.iter().any(|p| p.contains("no file `./one.txt`")),
        "{problems:?}"
    );
}

#[test]
fn a_check_tries_every_allowed_value() {
    let compose = "services:\n  a:\n    image: i\n{% if mode == 'raft' %}\n    odd: 1\n{% endif %}\n{% if debug %}\n    build: .\n{% endif %}\n{% if size > 63 %}\n    scale: 2\n{% endif %}\n";
    let template = Template::parse(&source(MANIFEST, compose)).unwrap();
    assert!(template.render(&Parameters::new(), &reserved()).is_ok());
    let said = said(template.check());
    assert_eq!(
        said,
        [
            "compose.yaml:11:5: services.a.scale: is not supported: use a parameter and {% for %} (with size = 64)",
            "compose.yaml:5:5: services.a.odd: is not supported (with mode = raft)",
            "compose.yaml:8:5: services.a.build: is not supported: name an image that exists (with debug = true)",
        ]
    );
}

proptest! {
    #[test]
    fn the_same_input_gives_the_same_blueprint(size in 1i64..=64, debug: bool, value in "[ -~]{0,40}") {
        let compose = format!("{LOOP}  z:\n    image: i\n    environment: [{{{{ 'V=' }}}}]\n    command: [{{{{ text|tojson }}}}]\n");
        let parameters = Parameters::from([
            ("size".to_owned(), int(size)),
            ("debug".to_owned(), ParameterValue::Bool(debug)),
            ("text".to_owned(), text(&value)),
        ]);
        let first = render_with(&compose, &parameters).unwrap();
        prop_assert_eq!(first.services.last().unwrap().command.as_ref().unwrap(), &[value]);
        let again = render_with(&compose, &parameters).unwrap();
        prop_assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&again).unwrap());
    }
}
