//! Templates: the compose file under a manifest that is in order, or with [`BETWEEN`] the
//! manifest, the compose file, and further files.

use caviada_driver::template::{
    Parameters, PortBlock, Problem, Reserved, Source, Template, limits,
};

use super::{Target, is_a_reason};
use crate::BETWEEN;

const MANIFEST: &str = r#"
name = "test"
drivers = ["docker"]
[parameters.size]
type = "int"
default = 2
min = 1
max = 3
[parameters.text]
type = "string"
default = "some"
[parameters.mode]
type = "choice"
values = ["solo", "raft"]
default = "solo"
[[readiness]]
tcp = { service = "*", port = 80 }
when = "mode == 'raft'"
"#;

pub const TARGET: Target = Target {
    name: "template",
    check,
    seeds: &[
        concat!(
            include_str!("../../../../templates/tiny/template.toml"),
            "\n=====\n",
            include_str!("../../../../templates/tiny/compose.yaml")
        ),
        concat!(
            include_str!("../../../../templates/cluster/template.toml"),
            "\n=====\n",
            include_str!("../../../../templates/cluster/compose.yaml")
        ),
        r#"x-a: &a {image: i, mem_limit: 1g, cpus: 0.5, ulimits: {nofile: {soft: 1, hard: 2}}}
services:
{% for i in range(size) %}
  s{{ i }}:
    <<: *a
    command: [run, "{{ text }}"]
    environment: {A: "{{ host_port('s0', 80) }}", B: $$x}
    ports: ["80", "53/udp", {target: 81}]
    networks: {default: {aliases: [x{{ i }}]}}
    healthcheck: {test: [CMD, true], interval: 1s, retries: 3}
    depends_on: {{ "[]" if i == 0 else "[s0]" }}
    configs: [{source: c, target: /c, mode: 0440}]
    volumes: ["d:/d:ro", {type: tmpfs, target: /t, tmpfs: {size: 1m}}]
{% endfor %}
volumes: {d: }
configs: {c: {content: "x = {{ address }}\n"}}
"#,
        "services:\n  job:\n    image: i\n    entrypoint: sh -c 'echo a \"b\"'\n    x-caviada-job: {output_contains: a}\n    deploy: {resources: {limits: {memory: 64m}}}\n    restart: on-failure\n",
        "{% raw %}{{ x }}{% endraw %}{# note #}{% set n = size * 2 %}{% if mode == 'solo' and n > 1 %}services: {a: {image: {{ text|tojson }}}}{% else %}services: {}{% endif %}",
    ],
    words: &[
        "{{ ",
        " }}",
        "{% ",
        " %}",
        "{#",
        "#}",
        "for i in range(",
        "endfor",
        "if ",
        "else",
        "endif",
        "set x = ",
        "raw",
        "endraw",
        "size",
        "text",
        "mode",
        "host_port('a', 80)",
        "|tojson",
        "|default",
        "|join(',')",
        "loop.index",
        "services:",
        "\n  a:\n",
        "    image: i\n",
        "    ports: [",
        "volumes:",
        "configs:",
        "networks:",
        "&a ",
        "*a",
        "<<: ",
        "- ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        "|\n",
        ">\n",
        "!!binary ",
        "? ",
        "---\n",
        "\t",
        "\"",
        "'",
        "$",
        "$$",
        "${X}",
        "\n=====\n",
        "name = \"t\"\n",
        "drivers = [\"process\"]\n",
        "[[outputs]]\n",
        "[[reset]]\n",
        "[[readiness]]\n",
        "[parameters.p]\n",
        "when = ",
        "1s",
        "64m",
        "..",
        "65536",
    ],
};

fn check(text: &str) {
    let mut parts = text.split(BETWEEN);
    let first = parts.next().unwrap_or_default();
    let (manifest, compose) = match parts.next() {
        Some(compose) => (first, compose),
        None => (MANIFEST, first),
    };
    let files = [("template.toml", manifest), ("compose.yaml", compose)];
    let mut source = Source::default();
    for (name, text) in files {
        source.files.insert(name.to_owned(), text.to_owned());
    }
    for (number, text) in parts.take(4).enumerate() {
        source
            .files
            .insert(format!("file-{number}.j2"), text.to_owned());
    }
    let template = match Template::parse(&source) {
        Ok(template) => template,
        Err(problems) => return are_placed(&source, &problems),
    };
    let problems = template.check();
    if !problems.is_empty() {
        are_placed(&source, &problems);
    }
    let reserved = reserved();
    match template.render(&Parameters::new(), &reserved) {
        Ok(blueprint) => {
            let again = template.render(&Parameters::new(), &reserved);
            assert_eq!(again.as_ref(), Ok(&blueprint), "two renderings differ");
            let json = serde_json::to_vec(&blueprint).expect("a blueprint is a document");
            assert!(json.len() <= 4 * limits::BLUEPRINT_BYTES_MAX);
            let ports: usize = blueprint.services.iter().map(|s| s.ports.len()).sum();
            assert!(ports <= limits::PORTS_MAX);
            assert!(blueprint.services.len() <= limits::SERVICES_MAX);
        }
        Err(problems) => are_placed(&source, &problems),
    }
}

fn reserved() -> Reserved {
    Reserved {
        ports: PortBlock {
            first: 21_000,
            count: 64,
        },
        subnet: None,
        address: "192.0.2.7".to_owned(),
        log_level: Default::default(),
    }
}

/// Each problem names a file that is there and a line of it.
fn are_placed(source: &Source, problems: &[Problem]) {
    assert!((1..=limits::PROBLEMS_MAX).contains(&problems.len()));
    for problem in problems {
        is_a_reason(&problem.to_string());
        match source.files.get(&problem.file) {
            Some(text) => {
                // YAML ends lines with either.
                let lines = text.split(['\n', '\r']).count();
                let line = usize::try_from(problem.line).unwrap_or(usize::MAX);
                assert!(line <= lines, "{lines} lines, and yet {problem}");
            }
            None => assert_eq!(problem.file, "parameters", "{problem}"),
        }
    }
}
