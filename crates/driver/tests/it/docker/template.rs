//! The built-in templates, from their files to containers that answer.

use std::net::TcpListener;

use caviada_driver::template::{
    ParameterValue, Parameters, PortBlock, Reserved, Template, builtin,
};
use caviada_driver::{Condition, Identity};

use super::Engine;
use crate::contract::{Fixture, create, get, identity, keep, port, seen};

/// Host ports in a row that nobody listens on.
fn block(count: u16) -> PortBlock {
    loop {
        let first = port();
        if (first..first + count).all(|p| TcpListener::bind(("0.0.0.0", p)).is_ok()) {
            return PortBlock { first, count };
        }
    }
}

fn reserved(template: &Template, parameters: &Parameters) -> Reserved {
    Reserved {
        ports: block(template.ports(parameters).unwrap()),
        subnet: None,
        address: "127.0.0.1".to_owned(),
        log_level: Default::default(),
    }
}

fn parameters(engine: &Engine, others: &[(&str, &str)]) -> Parameters {
    let image = ("image", engine.image.as_str());
    let all = others.iter().chain([&image]);
    let value = |text: &str| match text.parse() {
        Ok(number) => ParameterValue::Int(number),
        Err(_) => ParameterValue::Text(text.to_owned()),
    };
    all.map(|(name, text)| ((*name).to_owned(), value(text)))
        .collect()
}

async fn built(engine: &Engine, name: &str, id: &Identity, others: &[(&str, &str)]) -> Vec<String> {
    let template = Template::parse(&builtin::source(name).unwrap()).unwrap();
    let parameters = parameters(engine, others);
    let blueprint = template
        .render(&parameters, &reserved(&template, &parameters))
        .unwrap();
    let built = create(&*engine.driver(), id, &blueprint).await.unwrap();
    assert_eq!(
        seen(&*engine.driver(), id).await.unwrap().condition,
        Condition::Up
    );
    if !blueprint.reset.is_empty() {
        let again = engine
            .driver()
            .reset(id, &blueprint, &|_| {})
            .await
            .unwrap();
        assert_eq!(again.outputs, built.outputs);
    }
    built
        .outputs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tiny_template_comes_up_and_resets() {
    let Some(engine) = Engine::there() else {
        return;
    };
    keep(engine, |engine| Box::pin(tiny(engine))).await;
}

async fn tiny(engine: &Engine) {
    let words = [("serve", "serve"), ("job", "job --print loaded")];
    let outputs = built(engine, "tiny", &identity(engine, 1, 1), &words).await;
    assert_eq!(outputs.len(), 1, "{outputs:?}");
    let address = outputs[0].strip_prefix("web=http://").unwrap();
    get(address, "/").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_template_comes_up_with_its_profile() {
    let Some(engine) = Engine::there() else {
        return;
    };
    keep(engine, |engine| Box::pin(cluster(engine))).await;
}

async fn cluster(engine: &Engine) {
    let words = [
        ("serve", "serve"),
        ("seed", "write /data/seed seeded"),
        ("size", "2"),
    ];
    let outputs = built(engine, "cluster", &identity(engine, 1, 1), &words).await;
    let names: Vec<_> = outputs
        .iter()
        .map(|o| o.split_once('=').unwrap().0)
        .collect();
    assert_eq!(names, ["node0", "node1", "front", "seed", "profile"]);
    assert!(outputs.contains(&"seed=seeded".to_owned()), "{outputs:?}");
    for output in &outputs[..3] {
        let (_, address) = output.split_once("=http://").unwrap();
        let shared = get(address, "/file/data/seed").await.unwrap();
        assert_eq!(shared, "seeded", "{output}");
    }
    let profile = outputs[4].split_once('=').unwrap().1;
    let profile: serde_json::Value = serde_json::from_str(profile).unwrap();
    assert_eq!(profile["nodes"].as_array().unwrap().len(), 2);
}
