//! Making, adopting, replacing, removing.

use std::sync::Mutex;
use std::time::Duration;

use caviada_core::id::ResourceId;
use caviada_driver::blueprint::{Blueprint, Dependency, Job};
use caviada_driver::{Condition, Failure, Progress};

use super::{Fixture, create, get, identity, port, seen, serving};

pub async fn a_created_resource_is_listed_up_and_its_outputs_answer(f: &dyn Fixture) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let host = port();
    let told: Mutex<Vec<Progress>> = Mutex::default();
    let tell = |step| told.lock().unwrap().push(step);
    let built = driver.create(&id, &serving(f, host), &tell).await.unwrap();

    let facts = driver.probe().await.unwrap();
    assert!(
        !facts.engine.is_empty() && facts.cpus > 0 && facts.memory_bytes > 0,
        "{facts:?}"
    );
    let seen = seen(&*driver, &id).await.unwrap();
    assert_eq!((seen.condition, seen.detail), (Condition::Up, None));
    assert_eq!(seen.identity, id);

    let names: Vec<_> = built
        .outputs
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["web", "profile"]);
    let address = &built.outputs[0].1;
    assert!(address.ends_with(&format!(":{host}")), "{address}");
    assert!(get(address, "/").await.unwrap().contains("hostname="));
    assert_eq!(
        built.outputs[1].1,
        format!(r#"{{"url": "http://{address}/"}}"#)
    );

    let told = told.into_inner().unwrap();
    assert!(told.is_sorted_by_key(|step| step.done), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!(last.done, last.of, "{told:?}");
}

pub async fn creating_twice_adopts_and_makes_no_doubles(f: &dyn Fixture) {
    let id = identity(f, 1, 1);
    let blueprint = serving(f, port());
    let first = create(&*f.driver(), &id, &blueprint).await.unwrap();
    let members = f.members(&id).await;
    let later = super::Identity {
        revision: id.revision + 1,
        ..id.clone()
    };
    let second = create(&*f.driver(), &later, &blueprint).await.unwrap();
    assert_eq!(first.outputs, second.outputs);
    assert_eq!(f.members(&id).await, members);
    assert_eq!(f.driver().list().await.unwrap().len(), 1);
}

pub async fn a_newer_generation_replaces_the_older_one(f: &dyn Fixture) {
    let driver = f.driver();
    let (first, second) = (identity(f, 1, 1), identity(f, 1, 2));
    let blueprint = serving(f, port());
    create(&*driver, &first, &blueprint).await.unwrap();
    let built = create(&*driver, &second, &blueprint).await.unwrap();
    assert_eq!(f.members(&first).await, Vec::<String>::new());
    let all = driver.list().await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].identity, second);
    get(&built.outputs[0].1, "/").await.unwrap();
}

pub async fn a_late_create_of_an_older_generation_is_refused(f: &dyn Fixture) {
    let driver = f.driver();
    let blueprint = serving(f, port());
    let (older, newer) = (identity(f, 1, 1), identity(f, 1, 2));
    create(&*driver, &newer, &blueprint).await.unwrap();
    let refused = create(&*driver, &older, &blueprint).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused, "{refused}");
    assert_eq!(
        seen(&*driver, &newer).await.unwrap().condition,
        Condition::Up
    );
    assert_eq!(seen(&*driver, &older).await, None);
}

pub async fn deleting_up_to_a_generation_leaves_newer_ones(f: &dyn Fixture) {
    let driver = f.driver();
    let (mine, other) = (identity(f, 1, 5), identity(f, 2, 1));
    create(&*driver, &mine, &serving(f, port())).await.unwrap();
    create(&*driver, &other, &serving(f, port())).await.unwrap();
    driver.delete(ResourceId(1), 4).await.unwrap();
    assert_eq!(driver.list().await.unwrap().len(), 2);
    driver.delete(ResourceId(1), 5).await.unwrap();
    let left = driver.list().await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].identity, other);
}

pub async fn a_delete_is_safe_to_repeat(f: &dyn Fixture) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    driver.delete(id.resource, 1).await.unwrap();
    create(&*driver, &id, &serving(f, port())).await.unwrap();
    let (one, two) = tokio::join!(driver.delete(id.resource, 1), driver.delete(id.resource, 1));
    one.unwrap();
    two.unwrap();
    driver.delete(id.resource, u64::MAX).await.unwrap();
    assert_eq!(driver.list().await.unwrap(), []);
    assert_eq!(f.members(&id).await, Vec::<String>::new());
}

pub async fn foreign_things_are_neither_seen_nor_touched(f: &dyn Fixture) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let planted = f.plant(&id).await;
    let listed = driver.list().await.unwrap();
    let created = create(&*driver, &id, &serving(f, port())).await;
    driver.delete(id.resource, u64::MAX).await.unwrap();
    let standing = f.standing(&planted).await;
    f.uproot(&planted).await;
    assert_eq!(listed, []);
    assert_eq!(standing, planted);
    // A driver whose names are not guessable may succeed beside the foreign thing.
    if let Err(refused) = created {
        assert_eq!(refused.kind, Failure::NotOurs, "{refused}");
    }
}

pub async fn a_bring_up_that_was_cut_off_is_partial_and_is_finished_by_the_next(f: &dyn Fixture) {
    let id = identity(f, 1, 1);
    // The second service cannot start before the first is done, so cutting there is no race.
    let mut blueprint = serving(f, port());
    let mut slow = f.service("slow", &["sleep", "2"]);
    slow.job = Some(Job::default());
    blueprint.services[0]
        .depends_on
        .insert("slow".into(), Dependency::ServiceCompletedSuccessfully);
    blueprint.services.insert(0, slow);

    let driver = f.driver();
    let started = tokio::sync::Notify::new();
    let tell = |step: Progress| {
        if step.step == "starting" {
            started.notify_one();
        }
    };
    tokio::select! {
        built = driver.create(&id, &blueprint, &tell) => panic!("not cut off: {built:?}"),
        () = started.notified() => {}
    }
    drop(driver);
    let driver = f.driver();
    let half = seen(&*driver, &id).await.unwrap();
    assert_eq!(half.condition, Condition::Partial, "{half:?}");
    assert!(half.detail.is_some());
    let members = f.members(&id).await;

    let built = create(&*driver, &id, &blueprint).await.unwrap();
    get(&built.outputs[0].1, "/").await.unwrap();
    assert_eq!(seen(&*driver, &id).await.unwrap().condition, Condition::Up);
    let finished = f.members(&id).await;
    assert_eq!(finished.len(), 2);
    assert!(
        members.iter().all(|m| finished.contains(m)),
        "{members:?} {finished:?}"
    );
}

pub async fn services_start_after_what_they_depend_on(f: &dyn Fixture) {
    let mut job = f.service("init", &["job", "--print", "prepared"]);
    job.job = Some(Job {
        output_contains: Some("prepared".into()),
    });
    let mut blueprint: Blueprint = serving(f, port());
    blueprint.services[0]
        .depends_on
        .insert("init".into(), Dependency::ServiceCompletedSuccessfully);
    let mut last = f.serve("last", port(), Duration::ZERO);
    last.depends_on
        .insert("web".into(), Dependency::ServiceStarted);
    blueprint.services.insert(0, job);
    blueprint.services.push(last);

    let order: Mutex<Vec<String>> = Mutex::default();
    let tell = |step: Progress| {
        if step.step == "starting" {
            order.lock().unwrap().push(step.subject);
        }
    };
    let id = identity(f, 1, 1);
    f.driver().create(&id, &blueprint, &tell).await.unwrap();
    assert_eq!(order.into_inner().unwrap(), ["init", "web", "last"]);
    assert_eq!(
        seen(&*f.driver(), &id).await.unwrap().condition,
        Condition::Up
    );
}
