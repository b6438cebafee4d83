//! Engines that crash, restart and hang, each of the test's own.

use std::time::Duration;

use caviada_driver::blueprint::{Healthcheck, Restart};
use caviada_driver::docker::{Deadlines, Docker};
use caviada_driver::{Condition, Driver, Failure, Progress};
use futures_util::future::join_all;

use super::Engine;
use crate::contract::{Fixture, create, get, identity, keep, port, seen, serving, until};

/// Gets a page from a service that may be a moment from serving.
async fn answers(address: &str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while let Err(why) = get(address, "/").await {
        assert!(tokio::time::Instant::now() < deadline, "{address}: {why}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_of_the_engine_the_same_create_brings_the_resource_up_again() {
    let Some(mut own) = caviada_testbed::engine(&[]) else {
        return;
    };
    let engine = Engine::own(&own);
    let driver = engine.driver();
    let id = identity(&engine, 1, 1);
    let plan = serving(&engine, port());
    let built = create(&*driver, &id, &plan).await.unwrap();
    answers(&built.outputs[0].1).await;

    own.kill();
    let gone = driver.list().await.unwrap_err();
    assert_eq!(gone.kind, Failure::Unreachable, "{gone}");
    own.start();
    let members = engine.members(&id).await;
    until(&*driver, &id, Condition::Down).await;
    let again = create(&*driver, &id, &plan).await.unwrap();
    assert_eq!(again.outputs, built.outputs);
    assert_eq!(engine.members(&id).await, members);
    answers(&built.outputs[0].1).await;
    driver.delete(id.resource, 1).await.unwrap();
    assert_eq!(driver.list().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fixed_ports_are_kept_over_a_restart_of_the_engine() {
    let Some(mut own) = caviada_testbed::engine(&[]) else {
        return;
    };
    let engine = Engine::own(&own);
    let driver = engine.driver();
    let id = identity(&engine, 1, 1);
    let mut plan = serving(&engine, port());
    plan.services[0].restart = Restart::Always;
    let built = create(&*driver, &id, &plan).await.unwrap();
    own.stop();
    own.start();
    until(&*driver, &id, Condition::Up).await;
    answers(&built.outputs[0].1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bring_up_cut_by_the_engines_crash_is_finished_once_it_is_back() {
    let Some(mut own) = caviada_testbed::engine(&[]) else {
        return;
    };
    let engine = Engine::own(&own);
    let driver = engine.driver();
    let id = identity(&engine, 1, 1);
    let mut plan = serving(&engine, port());
    plan.services[0] = engine.serve("web", port(), Duration::from_secs(2));
    let test = [
        "CMD",
        "/caviada-testimage",
        "probe",
        "http://localhost:8080/health",
    ];
    plan.services[0].healthcheck = Some(Healthcheck {
        test: test.map(str::to_owned).into(),
        interval_ms: 100,
        timeout_ms: 2_000,
        retries: 100,
        start_period_ms: 10_000,
        start_interval_ms: None,
    });
    let started = tokio::sync::Notify::new();
    let tell = |step: Progress| {
        if step.step == "starting" {
            started.notify_one();
        }
    };
    let cut = async {
        started.notified().await;
        own.kill();
    };
    let (failed, ()) = tokio::join!(driver.create(&id, &plan, &tell), cut);
    let failed = failed.unwrap_err();
    assert_eq!(failed.kind, Failure::Unreachable, "{failed}");
    own.start();
    let built = create(&*driver, &id, &plan).await.unwrap();
    answers(&built.outputs[0].1).await;
    assert_eq!(driver.list().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_engine_costs_deadlines_and_nobody_else_and_goes_on_when_thawed() {
    let (Some(own), Some(healthy)) = (caviada_testbed::engine(&[]), Engine::there()) else {
        return;
    };
    keep(healthy, |healthy| {
        Box::pin(beside_a_frozen_one(healthy, own))
    })
    .await;
}

async fn beside_a_frozen_one(healthy: &Engine, own: caviada_testbed::Engine) {
    let engine = Engine::own(&own);
    let mut options = engine.options();
    options.deadlines = Deadlines {
        quick: Duration::from_millis(500),
        heavy: Duration::from_millis(500),
    };
    let hasty = Docker::new(options);
    let patient = engine.driver();
    let id = identity(&engine, 1, 1);
    create(&*patient, &id, &serving(&engine, port()))
        .await
        .unwrap();
    assert_eq!(hasty.list().await.unwrap().len(), 1);

    own.freeze();
    let late = hasty.list().await.unwrap_err();
    assert_eq!(late.kind, Failure::TimedOut, "{late}");
    let mut hangs = Box::pin(patient.delete(id.resource, 1));
    let driver = healthy.driver();
    let build = async |n: u64| {
        let id = identity(healthy, n, 1);
        create(&*driver, &id, &serving(healthy, port()))
            .await
            .unwrap();
    };
    tokio::select! {
        end = &mut hangs => panic!("a frozen engine answered: {end:?}"),
        _ = join_all((0..2).map(build)) => {}
    }
    assert_eq!(driver.list().await.unwrap().len(), 2);

    own.thaw();
    hangs.await.unwrap();
    assert_eq!(hasty.list().await.unwrap(), []);
    assert_eq!(seen(&*patient, &id).await, None);
}
