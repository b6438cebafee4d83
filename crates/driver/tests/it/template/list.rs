//! Parameters that are lists, and variables that jobs find out.

use std::collections::BTreeMap;

use caviada_driver::blueprint::JobFile;
use caviada_driver::template::{ParameterValue, Parameters, Source, Template};

use super::{int, refusal, render, render_source, said, source, text};

const MANIFEST: &str = "name = \"m\"
drivers = [\"docker\"]
[parameters.sides]
type = \"list\"
max = 2
[parameters.sides.fields.name]
type = \"string\"
[parameters.sides.fields.count]
type = \"int\"
min = 1
max = 3
default = 2
";

const COMPOSE: &str = "services:
  main: {image: i}
{% for side in sides %}
  {{ side.name }}: {image: i, environment: {COUNT: \"{{ side.count }}\"}}
{% endfor %}
";

fn sided() -> Source {
    source(MANIFEST, COMPOSE)
}

fn sides(items: &[&[(&str, ParameterValue)]]) -> Parameters {
    let item = |fields: &&[(&str, ParameterValue)]| -> Parameters {
        let fields = fields.iter();
        fields.map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
    };
    let items = items.iter().map(item).collect();
    Parameters::from([("sides".to_owned(), ParameterValue::List(items))])
}

#[test]
fn a_list_gives_each_item_its_fields_and_their_defaults() {
    let none = render_source(&sided(), &Parameters::new()).unwrap();
    assert_eq!(none.services.len(), 1);
    let two = sides(&[
        &[("name", text("a"))],
        &[("name", text("b")), ("count", int(3))],
    ]);
    let two = render_source(&sided(), &two).unwrap();
    let seen: Vec<_> = two.services[1..]
        .iter()
        .map(|s| (s.name.as_str(), s.environment["COUNT"].as_str()))
        .collect();
    assert_eq!(seen, [("a", "2"), ("b", "3")]);
}

#[test]
fn a_list_is_read_as_json_and_checked_with_one_item() {
    let json = r#"{"sides": [{"name": "a", "count": 1}]}"#;
    let read: Parameters = serde_json::from_str(json).unwrap();
    assert_eq!(read, sides(&[&[("name", text("a")), ("count", int(1))]]));
    let template = Template::parse(&sided()).unwrap();
    assert_eq!(template.check(), []);
    let wrong = COMPOSE.replace("image: i, environment", "imag: i, environment");
    let said = said(Template::parse(&source(MANIFEST, &wrong)).unwrap().check());
    assert!(
        said[0].contains("imag") && said[0].contains("sides"),
        "{said:?}"
    );
}

#[test]
fn a_list_that_is_not_as_it_is_described_is_refused_with_its_item() {
    let long = "x".repeat(1_025);
    for (given, what) in [
        (sides(&[&[], &[]]), "item 1: `name` is missing"),
        (
            sides(&[&[("name", text("a"))], &[("name", int(1))]]),
            "item 2: `name` must be a text",
        ),
        (
            sides(&[&[("name", text("a")), ("colour", text("red"))]]),
            "item 1: `colour` is unknown: it has",
        ),
        (
            sides(&[&[("name", text("a")), ("count", int(4))]]),
            "item 1: `count` must be a whole number from 1 to 3",
        ),
        (sides(&[&[("name", text(&long))]]), "longer than 1024 bytes"),
        (
            sides(&[&[("name", text("a"))][..]; 3]),
            "has more than 2 items",
        ),
        (
            Parameters::from([("sides".to_owned(), text("a"))]),
            "must be a list of items",
        ),
    ] {
        let said = said(render_source(&sided(), &given).unwrap_err());
        assert!(said[0].contains(what), "{said:?}");
    }
}

#[test]
fn a_list_is_described_with_bounds() {
    for (from, to, what) in [
        ("max = 2", "", "max"),
        ("max = 2", "max = 65", "1 to 64"),
        ("max = 2", "max = 0", "1 to 64"),
        ("[parameters.sides.fields.name]\ntype = \"string\"", "", ""),
        ("type = \"string\"", "type = \"list\"", "a list in a list"),
        ("fields.name", "fields.Name", "no name for a field"),
        ("default = 2", "default = 9", "from 1 to 3"),
        (
            "default = 2",
            "default = 2\nsets = { a = {} }",
            "sets no parameter",
        ),
    ] {
        let manifest = MANIFEST.replacen(from, to, 1);
        let parsed = Template::parse(&source(&manifest, COMPOSE));
        match what {
            "" => assert!(parsed.is_ok()),
            what => {
                let said = said(parsed.unwrap_err());
                assert!(said.iter().any(|s| s.contains(what)), "{said:?}");
            }
        }
    }
}

#[test]
fn a_list_does_not_let_a_text_grow_inside_a_tag() {
    for tag in [
        "{% set x = [sides, sides] %}",
        "{{ sides }}",
        "{{ sides + sides }}",
    ] {
        let compose = format!("# {tag}\n{COMPOSE}");
        let given = sides(&[&[("name", text("a"))]]);
        assert!(
            render_source(&source(MANIFEST, &compose), &given).is_err(),
            "{tag}"
        );
    }
}

#[test]
fn a_variable_that_a_job_finds_out_needs_that_job_to_be_awaited() {
    let compose = |waits: &str| {
        format!(
            "services:
  find: {{image: i, x-caviada-job: {{}}}}
  use:
    image: i
    x-caviada-environment: {{ID: {{service: find, path: /id}}}}
    {waits}
"
        )
    };
    let blueprint = render(&compose(
        "depends_on: {find: {condition: service_completed_successfully}}",
    ));
    let file = JobFile {
        service: "find".to_owned(),
        path: "/id".to_owned(),
    };
    let services = blueprint.unwrap().services;
    assert_eq!(
        services[1].environment_files,
        BTreeMap::from([("ID".to_owned(), file)])
    );
    for waits in ["", "depends_on: [find]"] {
        let said = refusal(&compose(waits));
        assert!(said[0].contains("must stand in depends_on"), "{said:?}");
    }
    let twice = "depends_on: {find: {condition: service_completed_successfully}}
    environment: {ID: fixed}";
    let said = refusal(&compose(twice));
    assert!(
        said[0].contains("stands in `x-caviada-environment`, too"),
        "{said:?}"
    );
}
