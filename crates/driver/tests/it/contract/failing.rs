//! What goes wrong is told by kind, and with the words somebody needs.

use std::time::Duration;

use caviada_driver::blueprint::{Blueprint, Job, Port, Protocol, Service};
use caviada_driver::{Condition, Failure};

use super::{Fixture, create, identity, port, serving, until};

/// A blueprint of nothing else.
fn only(service: Service) -> Blueprint {
    Blueprint {
        services: vec![service],
        create_ms_max: 60_000,
        ..Blueprint::default()
    }
}

pub async fn a_service_that_never_gets_ready_is_told_with_its_last_lines_by_each_deadline(
    f: &dyn Fixture,
) {
    let mut blueprint = serving(f, port());
    blueprint.services = vec![f.serve("web", port(), Duration::from_secs(600))];
    blueprint.readiness[0].within_ms = 1_500;
    let failed = create(&*f.driver(), &identity(f, 1, 1), &blueprint)
        .await
        .unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    let text = failed.to_string();
    assert!(
        text.contains("web") && text.contains("status 503"),
        "{text}"
    );
    assert!(
        text.contains("GET /health 503"),
        "the last log lines: {text}"
    );
    a_bring_up_ends_at_its_own_deadline_and_still_says_why(f, blueprint).await;
}

/// The next one, which finds what the last one left.
async fn a_bring_up_ends_at_its_own_deadline_and_still_says_why(
    f: &dyn Fixture,
    mut blueprint: Blueprint,
) {
    blueprint.readiness[0].within_ms = 600_000;
    blueprint.create_ms_max = f.start_ms();
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let ended = tokio::time::timeout(Duration::from_secs(60), create(&*driver, &id, &blueprint));
    let failed = ended.await.expect("it ends by itself").unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    assert!(failed.to_string().contains("GET /health 503"), "{failed}");
}

pub async fn a_service_that_ends_early_is_told_at_once(f: &dyn Fixture) {
    let mut blueprint = serving(f, port());
    let mut dying = f.serve("web", port(), Duration::ZERO);
    dying.command = f.service("x", &["job", "--print", "my last words"]).command;
    blueprint.services = vec![dying];
    blueprint.readiness[0].within_ms = 600_000;
    blueprint.create_ms_max = 600_000;
    let create = create(&*f.driver(), &identity(f, 1, 1), &blueprint).await;
    let failed = create.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    let text = failed.to_string();
    assert!(
        text.contains("web") && text.contains("exit code 0"),
        "{text}"
    );
    assert!(text.contains("my last words"), "{text}");
}

pub async fn a_job_that_fails_fails_the_bring_up(f: &dyn Fixture) {
    let mut job = f.service("init", &["exit", "3"]);
    job.job = Some(Job::default());
    let id = identity(f, 1, 1);
    let failed = create(&*f.driver(), &id, &only(job)).await.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    let text = failed.to_string();
    assert!(
        text.contains("init") && text.contains("exit code 3"),
        "{text}"
    );
    until(&*f.driver(), &id, Condition::Down).await;
}

pub async fn a_job_must_write_what_was_asked(f: &dyn Fixture) {
    let mut job = f.service("init", &["job", "--print", "half"]);
    job.job = Some(Job {
        output_contains: Some("all done".into()),
    });
    let failed = create(&*f.driver(), &identity(f, 1, 1), &only(job))
        .await
        .unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    let text = failed.to_string();
    assert!(
        text.contains("init") && text.contains("all done") && text.contains("half"),
        "{text}"
    );
}

/// Of several.
pub async fn a_taken_port_is_named(f: &dyn Fixture) {
    let (free, taken) = (port(), port());
    let somebody = f.occupy(taken);
    let mut blueprint = serving(f, free);
    blueprint.services[0].ports.push(Port {
        container: 8081,
        host: taken,
        protocol: Protocol::Tcp,
    });
    let id = identity(f, 1, 1);
    let failed = create(&*f.driver(), &id, &blueprint).await.unwrap_err();
    assert_eq!(failed.kind, Failure::PortTaken(taken), "{failed}");
    drop(somebody);
    create(&*f.driver(), &id, &blueprint).await.unwrap();
    until(&*f.driver(), &id, Condition::Up).await;
}
