//! Health tests that the engine comes to late are asked by the driver itself.

use std::time::Duration;

use caviada_driver::blueprint::{Blueprint, Healthcheck};
use caviada_driver::{Condition, Identity, Power};

use super::Engine;
use crate::contract::{Fixture, create, identity, keep, port, seen, until};

const HOUR_MS: u64 = 3_600_000;

/// A service that is well after a while and whose engine would look in an hour.
fn blueprint(engine: &Engine, healthy_after: Duration) -> Blueprint {
    let mut web = engine.serve("web", port(), healthy_after);
    let probe = [
        "CMD",
        "/caviada-testimage",
        "probe",
        "http://localhost:8080/health",
    ];
    web.healthcheck = Some(Healthcheck {
        test: probe.map(str::to_owned).to_vec(),
        interval_ms: HOUR_MS,
        timeout_ms: 5_000,
        retries: 1,
        start_period_ms: 0,
        start_interval_ms: None,
    });
    Blueprint {
        services: vec![web],
        create_ms_max: 60_000,
        ..Blueprint::default()
    }
}

async fn restart(engine: &Engine, id: &Identity) {
    let name = engine.name(id, "web");
    engine.engine.restart_container(&name, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_is_waited_for_and_asked_again_though_its_engine_would_in_an_hour() {
    let Some(engine) = Engine::there() else {
        return;
    };
    keep(engine, |engine| {
        Box::pin(async move {
            let id = identity(engine, 1, 1);
            let plan = blueprint(engine, Duration::from_secs(3));
            // Waits for the test and not for the engine to make it.
            create(&*engine.driver(), &id, &plan).await.unwrap();
            what_was_started_again_is_well_only_once_its_test_passes(engine, &id).await;
            what_was_frozen_is_well_once_it_is_thawed_and_its_test_passes(engine, &id, &plan).await;
        })
    })
    .await;
}

async fn what_was_started_again_is_well_only_once_its_test_passes(engine: &Engine, id: &Identity) {
    let driver = engine.driver();
    assert_eq!(seen(&*driver, id).await.unwrap().condition, Condition::Up);
    restart(engine, id).await;
    let down = seen(&*driver, id).await.unwrap();
    assert_eq!(down.condition, Condition::Down);
    let why = down.detail.unwrap();
    assert!(why.starts_with("web: "), "{why}");
    until(&*driver, id, Condition::Up).await;
}

/// Its engine calls what was frozen unhealthy, until its next test an hour later.
async fn what_was_frozen_is_well_once_it_is_thawed_and_its_test_passes(
    engine: &Engine,
    id: &Identity,
    plan: &Blueprint,
) {
    let driver = engine.driver();
    driver.power(id, None, Power::Pause).await.unwrap();
    until(&*driver, id, Condition::Paused).await;
    create(&*driver, id, plan).await.unwrap();
    let thawed = seen(&*driver, id).await.unwrap();
    assert_eq!(thawed.condition, Condition::Up, "{:?}", thawed.detail);
}
