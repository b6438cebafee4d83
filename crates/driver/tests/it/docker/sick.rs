//! Engines that hang, break off or talk nonsense harm nobody but themselves.

use std::time::Duration;

use caviada_core::id::ResourceId;
use caviada_driver::blueprint::{Blueprint, Healthcheck, Service};
use caviada_driver::docker::{Credentials, Docker, DockerAddress, DockerOptions};
use caviada_driver::{Condition, Driver, DriverError, Failure, Identity, Power};
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::Engine;
use super::stand_in::{Manner, StandIn, VERSION};
use crate::contract::{self, Fixture};

const SHORT: Duration = Duration::from_millis(300);
const HOUR: Duration = Duration::from_secs(3_600);
/// Far beyond every deadline under test, far below a hang.
const PATIENCE: Duration = Duration::from_secs(60);

fn identity() -> Identity {
    Identity {
        installation: "stand-in".into(),
        resource: ResourceId(1),
        generation: 1,
        revision: 1,
    }
}

fn blueprint() -> Blueprint {
    Blueprint {
        services: vec![Service {
            name: "web".into(),
            image: "some/image:1".into(),
            ..Service::default()
        }],
        create_ms_max: 1_000,
        ..Blueprint::default()
    }
}

/// How each verb ends.
async fn verbs(driver: &Docker) -> Vec<(&'static str, DriverError)> {
    let (id, plan) = (identity(), blueprint());
    let words = ["true".to_owned()];
    let mut reset = plan.clone();
    reset.reset = vec![caviada_driver::blueprint::ResetStep::Restart {
        service: "web".into(),
    }];
    let ends = async {
        vec![
            ("probe", driver.probe().await.map(drop)),
            ("list", driver.list().await.map(drop)),
            ("create", driver.create(&id, &plan, &|_| {}).await.map(drop)),
            ("reset", driver.reset(&id, &reset, &|_| {}).await.map(drop)),
            ("power", driver.power(&id, None, Power::Stop).await),
            ("delete", driver.delete(id.resource, 1).await),
            ("logs", driver.logs(&id, "web", 1).await.map(drop)),
            (
                "exec",
                driver.exec(&id, "web", &words, SHORT, 1).await.map(drop),
            ),
            ("put_files", driver.put_files(&id, "web", "/", vec![]).await),
            (
                "get_files",
                driver.get_files(&id, "web", "/", 1).await.map(drop),
            ),
        ]
    };
    let ends = tokio::time::timeout(PATIENCE, ends)
        .await
        .expect("every verb ends by itself");
    ends.into_iter()
        .map(|(verb, end)| (verb, end.expect_err(verb)))
        .collect()
}

#[tokio::test]
async fn no_verb_waits_longer_than_its_deadline_for_a_mute_engine() {
    let host = StandIn::new(|_| Manner::Mute).await;
    for (verb, error) in verbs(&host.driver(SHORT, SHORT)).await {
        assert_eq!((error.op, error.kind), (verb, Failure::TimedOut), "{error}");
    }
}

#[tokio::test]
async fn an_engine_that_falls_mute_after_its_first_words_costs_no_more() {
    let host = StandIn::new(|line| match line.contains("/version") {
        true => Manner::Says(200, VERSION),
        false => Manner::Mute,
    })
    .await;
    for (verb, error) in verbs(&host.driver(SHORT, SHORT)).await {
        assert_eq!((error.op, error.kind), (verb, Failure::TimedOut), "{error}");
    }
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let host = StandIn::new(|line| match line.contains("/version") {
        true => Manner::Says(200, VERSION),
        false => Manner::Half,
    })
    .await;
    for (verb, error) in verbs(&host.driver(SHORT, SHORT)).await {
        assert_eq!((error.op, error.kind), (verb, Failure::TimedOut), "{error}");
    }
}

#[tokio::test]
async fn an_engine_that_hangs_up_is_unreachable() {
    for manners in [
        (|_| Manner::Reset) as super::stand_in::Manners,
        |line| match line.contains("/version") {
            true => Manner::Says(200, VERSION),
            false => Manner::Reset,
        },
    ] {
        let host = StandIn::new(manners).await;
        for (verb, error) in verbs(&host.driver(SHORT, SHORT)).await {
            assert_eq!(
                (error.op, error.kind),
                (verb, Failure::Unreachable),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn an_absent_engine_is_unreachable() {
    let address = DockerAddress::parse("unix:///no/such/socket", Credentials::default());
    let driver = Docker::new(DockerOptions::new("stand-in", address.unwrap()));
    for (verb, error) in verbs(&driver).await {
        assert_eq!(
            (error.op, error.kind),
            (verb, Failure::Unreachable),
            "{error}"
        );
        assert!(error.to_string().contains("/no/such/socket"), "{error}");
    }
}

#[tokio::test]
async fn nonsense_is_told_from_an_empty_host() {
    let host = StandIn::new(|line| match line.contains("/version") {
        true => Manner::Says(200, VERSION),
        false => Manner::Says(200, r#"{"what": "ever"}"#),
    })
    .await;
    let error = host.driver(SHORT, SHORT).list().await.unwrap_err();
    assert_eq!(error.kind, Failure::Bug, "{error}");
}

#[tokio::test]
async fn a_list_that_failed_in_part_is_an_error_and_not_an_empty_host() {
    let host = StandIn::new(|line| match line {
        l if l.contains("/version") => Manner::Says(200, VERSION),
        l if l.contains("/networks") => Manner::Says(500, r#"{"message":"network db broke"}"#),
        l if l.contains("/volumes") => Manner::Says(200, r#"{"Volumes":[]}"#),
        _ => Manner::Says(200, "[]"),
    })
    .await;
    let error = host.driver(SHORT, SHORT).list().await.unwrap_err();
    assert!(error.to_string().contains("network db broke"), "{error}");
}

#[tokio::test]
async fn an_engine_too_old_is_refused_with_the_version_it_needs() {
    let host =
        StandIn::new(|_| Manner::Says(200, r#"{"ApiVersion":"1.40","MinAPIVersion":"1.12"}"#))
            .await;
    let error = host.driver(SHORT, SHORT).probe().await.unwrap_err();
    assert_eq!(error.kind, Failure::Refused);
    let text = error.to_string();
    assert!(text.contains("1.40") && text.contains("1.41"), "{text}");
}

#[tokio::test]
async fn a_key_newer_than_the_engine_is_refused_by_name_before_anything_is_made() {
    let host = StandIn::new(|line| match line.contains("/version") {
        true => Manner::Says(200, VERSION),
        false => Manner::Mute,
    })
    .await;
    let mut plan = blueprint();
    plan.services[0].healthcheck = Some(Healthcheck {
        test: vec!["CMD".into(), "true".into()],
        interval_ms: 1_000,
        timeout_ms: 1_000,
        retries: 1,
        start_period_ms: 1_000,
        start_interval_ms: Some(100),
    });
    let driver = host.driver(SHORT, SHORT);
    let error = driver
        .create(&identity(), &plan, &|_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind, Failure::Refused, "{error}");
    let text = error.to_string();
    assert!(text.contains("web: healthcheck.start_interval"), "{text}");
    assert!(text.contains("1.44") && text.contains("1.41"), "{text}");
    assert_eq!(host.lines().len(), 1);
}

#[tokio::test]
async fn every_request_after_the_first_says_the_negotiated_version() {
    let host = StandIn::new(|line| match line {
        l if l.contains("/version") => Manner::Says(200, VERSION),
        l if l.contains("/volumes") => Manner::Says(200, r#"{"Volumes":[]}"#),
        _ => Manner::Says(200, "[]"),
    })
    .await;
    assert_eq!(host.driver(SHORT, SHORT).list().await.unwrap(), []);
    let lines = host.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in &lines[1..] {
        assert!(line.starts_with("GET /v1.41/"), "{line}");
    }
}

#[tokio::test]
async fn a_limit_the_host_cannot_hold_is_refused_by_name_and_leaves_no_container() {
    let host = StandIn::new(|line| match line {
        l if l.contains("/version") => Manner::Says(200, VERSION),
        l if l.contains("/volumes") => Manner::Says(200, r#"{"Volumes":[]}"#),
        l if l.contains("/images/") => Manner::Says(200, "{}"),
        l if l.starts_with("DELETE") => Manner::Says(204, ""),
        l if l.contains("/networks/create") => Manner::Says(201, r#"{"Id":"n","Warning":""}"#),
        l if l.contains("/networks") => Manner::Says(200, OUR_NETWORK),
        l if l.contains("/containers/create") => Manner::Says(201, DISCARDED),
        _ => Manner::Says(200, "[]"),
    })
    .await;
    let driver = host.driver(SHORT, SHORT);
    let error = driver
        .create(&identity(), &blueprint(), &|_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind, Failure::Refused, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("web") && text.contains("pids limit"),
        "{text}"
    );
    let lines = host.lines();
    assert!(
        lines
            .iter()
            .any(|l| l.starts_with("DELETE /v1.41/containers/c?")),
        "{lines:?}"
    );
}

const OUR_NETWORK: &str = r#"[{"Id":"n","Name":"caviada-standin-res_0000000000001-g1-default",
    "Labels":{"caviada.installation":"stand-in","caviada.resource":"res_0000000000001",
    "caviada.generation":"1","caviada.revision":"1"}}]"#;
const DISCARDED: &str = r#"{"Id":"c","Warnings":["Your kernel does not support pids limit capabilities or the cgroup is not mounted. PIDs limit discarded."]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_calls_that_hang_leave_room_for_looking() {
    let host = StandIn::new(|line| match line {
        l if l.contains("/version") => Manner::Says(200, VERSION),
        l if l.contains("/volumes") => Manner::Says(200, r#"{"Volumes":[]}"#),
        l if l.contains("/images/") => Manner::Says(200, "{}"),
        l if l.starts_with("GET") => Manner::Says(200, "[]"),
        _ => Manner::Mute,
    })
    .await;
    let driver = host.driver(HOUR, HOUR);
    let mut plan = blueprint();
    plan.create_ms_max = 3_600_000;
    let stuck = async |n: u64| {
        let id = Identity {
            resource: ResourceId(n),
            ..identity()
        };
        driver.create(&id, &plan, &|_| {}).await.map(drop)
    };
    let mut stuck = Box::pin(join_all((0..10).map(stuck)));
    let listed = async {
        // Looks only once the engine is as busy as it can be made.
        while host
            .lines()
            .iter()
            .filter(|l| l.starts_with("POST"))
            .count()
            < 4
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        driver.list().await
    };
    tokio::select! {
        _ = &mut stuck => panic!("a mute engine made something"),
        listed = tokio::time::timeout(PATIENCE, listed) => {
            assert_eq!(listed.expect("looking is not stuck").unwrap(), []);
        }
    }
    let posts = host
        .lines()
        .iter()
        .filter(|l| l.starts_with("POST"))
        .count();
    assert_eq!(posts, 4, "no more than four heavy calls at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_host_finishes_all_builds_while_a_sick_one_still_hangs() {
    let Some(engine) = Engine::there() else {
        return;
    };
    contract::keep(engine, |engine| Box::pin(beside_a_sick_one(engine))).await;
}

async fn beside_a_sick_one(engine: &Engine) {
    let host = StandIn::new(|_| Manner::Mute).await;
    let sick = host.driver(HOUR, HOUR);
    let mut hangs = Box::pin(async {
        let (id, plan) = (
            identity(),
            Blueprint {
                create_ms_max: 3_600_000,
                ..blueprint()
            },
        );
        // As many as one engine is ever asked to do at once, and more.
        let creates = join_all((0..5).map(|_| sick.create(&id, &plan, &|_| {})));
        tokio::join!(sick.list(), creates, sick.delete(ResourceId(1), 1))
    });
    assert!(hangs.as_mut().now_or_never().is_none());

    let driver = engine.driver();
    let build = async |n: u64| {
        let id = contract::identity(engine, n, 1);
        let plan = contract::serving(engine, contract::port());
        contract::create(&*driver, &id, &plan).await.unwrap();
    };
    tokio::select! {
        _ = &mut hangs => panic!("a mute engine answered"),
        _ = join_all((0..2).map(build)) => {}
    }
    let all = driver.list().await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(
        all.iter().all(|seen| seen.condition == Condition::Up),
        "{all:?}"
    );
    assert!(hangs.now_or_never().is_none());
}
