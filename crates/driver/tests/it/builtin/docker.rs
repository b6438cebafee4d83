//! With the test helper's image, whose commands differ from the defaults only in their words.

use caviada_driver::template::{
    ParameterValue, Parameters, PortBlock, Reserved, Template, builtin,
};

use crate::contract::{Fixture, create, get, identity, keep};
use crate::docker::Engine;

fn parameters(image: &str, words: &[(&str, &str)]) -> Parameters {
    let words = words.iter().copied().chain([("image", image)]);
    let text = |text: &str| ParameterValue::Text(text.to_owned());
    words
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect()
}

/// The first of `count` free ports in a row.
fn free_block(count: u16) -> u16 {
    let from = crate::contract::port();
    let free = |port: u16| std::net::TcpListener::bind(("0.0.0.0", port)).is_ok();
    (from..)
        .find(|first| (*first..first + count).all(free))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_built_in_templates_come_up() {
    let Some(engine) = Engine::there() else {
        return;
    };
    keep(engine, |engine| {
        Box::pin(async move {
            let serve = ("serve", "serve --port 8080");
            let tiny = [serve, ("job", "job --print loaded")];
            let cluster = [serve, ("seed", "write /data/seed seeded")];
            for (n, (name, words)) in [("tiny", tiny), ("cluster", cluster)].iter().enumerate() {
                let template = Template::parse(&builtin::source(name).unwrap()).unwrap();
                let parameters = parameters(&engine.image, words);
                let count = template.ports(&parameters).unwrap();
                let reserved = Reserved {
                    ports: PortBlock {
                        first: free_block(count),
                        count,
                    },
                    subnet: None,
                    address: "127.0.0.1".to_owned(),
                };
                let blueprint = template.render(&parameters, &reserved).unwrap();
                let driver = engine.driver();
                let id = identity(engine, 1 + n as u64, 1);
                let built = create(&*driver, &id, &blueprint).await.unwrap();
                for (name, value) in &built.outputs {
                    match value.strip_prefix("http://") {
                        Some(address) => {
                            let body = get(address, "/").await.unwrap();
                            assert!(body.contains("hostname="), "{name}: {body}");
                        }
                        None if name == "seed" => assert_eq!(value.trim(), "seeded"),
                        None => assert!(value.contains("127.0.0.1:"), "{name}: {value}"),
                    }
                }
            }
        })
    })
    .await;
}
