//! From a template's files to a blueprint.

mod builtin;
mod chaincode;
mod compose;
mod docs;
mod ethereum;
mod fabric;
mod hostile;
mod language;
mod list;
mod manifest;
mod readiness;
mod script;
mod source;
mod swarm;

use caviada_driver::blueprint::{Blueprint, Service, Subnet};
use caviada_driver::template::{
    ParameterValue, Parameters, PortBlock, Problem, Reserved, Source, Template,
};

/// A manifest for tests that are about the compose file.
const MANIFEST: &str = r#"
name = "test"
drivers = ["docker"]
[parameters.size]
type = "int"
default = 2
min = 1
max = 64
[parameters.text]
type = "string"
default = "some"
[parameters.mode]
type = "choice"
values = ["solo", "raft"]
default = "solo"
[parameters.debug]
type = "bool"
default = false
"#;

fn source(manifest: &str, compose: &str) -> Source {
    let files = [("template.toml", manifest), ("compose.yaml", compose)];
    Source {
        files: files.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

fn reserved() -> Reserved {
    Reserved {
        ports: PortBlock {
            first: 21_000,
            count: 100,
        },
        subnet: Some(Subnet {
            address: [10, 1, 2, 0].into(),
            prefix: 27,
        }),
        address: "192.0.2.7".to_owned(),
        log_level: Default::default(),
    }
}

fn render_source(source: &Source, parameters: &Parameters) -> Result<Blueprint, Vec<Problem>> {
    Template::parse(source)?.render(parameters, &reserved())
}

/// A compose file under [`MANIFEST`], with its defaults.
fn render(compose: &str) -> Result<Blueprint, Vec<Problem>> {
    render_source(&source(MANIFEST, compose), &Parameters::new())
}

fn render_with(compose: &str, parameters: &Parameters) -> Result<Blueprint, Vec<Problem>> {
    render_source(&source(MANIFEST, compose), parameters)
}

/// The only service of a compose file with these lines in it.
fn service(lines: &str) -> Result<Service, Vec<Problem>> {
    let indented: String = lines.lines().map(|l| format!("    {l}\n")).collect();
    let compose = format!(
        "services:\n  web:\n    image: i\n{indented}volumes: {{data: , more: }}\nnetworks: {{back: }}\nconfigs: {{one: {{content: \"hello $$x\"}}}}\n"
    );
    render(&compose).map(|mut blueprint| blueprint.services.remove(0))
}

/// What is said about a compose file that must be refused, as `line:column key message`.
fn refusal(compose: &str) -> Vec<String> {
    said(render(compose).expect_err(compose))
}

fn said(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn int(n: i64) -> ParameterValue {
    ParameterValue::Int(n)
}

fn text(text: &str) -> ParameterValue {
    ParameterValue::Text(text.to_owned())
}
