//! Making, adopting, replacing, removing.

use std::sync::Mutex;
use std::time::Duration;

use caviada_core::id::ResourceId;
use caviada_driver::blueprint::{Blueprint, Dependency, Job};
use caviada_driver::{Condition, Failure, Progress};

use super::{Fixture, Identity, Standing, create, get, identity, port, seen, serving, until};

/// Which then stands for what is promised of such.
pub async fn a_created_resource_is_listed_up_and_its_outputs_answer(f: &dyn Fixture) -> Standing {
    let driver = f.driver();
    let id = identity(f, 1, 5);
    let host = port();
    let blueprint = serving(f, host);
    let told: Mutex<Vec<Progress>> = Mutex::default();
    let tell = |step| told.lock().unwrap().push(step);
    let built = driver.create(&id, &blueprint, &tell).await.unwrap();

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
    Standing {
        id,
        blueprint,
        built,
    }
}

pub async fn creating_twice_adopts_and_makes_no_doubles(f: &dyn Fixture, it: &Standing) {
    let members = f.members(&it.id).await;
    let later = Identity {
        revision: it.id.revision + 1,
        ..it.id.clone()
    };
    let second = create(&*f.driver(), &later, &it.blueprint).await.unwrap();
    assert_eq!(it.built.outputs, second.outputs);
    assert_eq!(f.members(&it.id).await, members);
    assert_eq!(f.driver().list().await.unwrap().len(), 1);
}

/// The generation that follows the one that stands.
fn newer(it: &Standing) -> Identity {
    Identity {
        generation: it.id.generation + 1,
        ..it.id.clone()
    }
}

pub async fn a_newer_generation_replaces_the_older_one(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let second = newer(it);
    let built = create(&*driver, &second, &it.blueprint).await.unwrap();
    assert_eq!(f.members(&it.id).await, Vec::<String>::new());
    let all = driver.list().await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].identity, second);
    get(&built.outputs[0].1, "/").await.unwrap();
}

/// Of the one that was replaced.
pub async fn a_late_create_of_an_older_generation_is_refused(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let refused = create(&*driver, &it.id, &it.blueprint).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused, "{refused}");
    let stands = seen(&*driver, &newer(it)).await.unwrap();
    assert_eq!(stands.condition, Condition::Up);
    assert_eq!(seen(&*driver, &it.id).await, None);
}

pub async fn deleting_up_to_a_generation_leaves_newer_ones(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let newer = newer(it);
    let other = ResourceId(it.id.resource.0 + 1);
    for (resource, generation) in [(it.id.resource, it.id.generation), (other, u64::MAX)] {
        driver.delete(resource, generation).await.unwrap();
        let left = driver.list().await.unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(
            (&left[0].identity, left[0].condition),
            (&newer, Condition::Up)
        );
    }
}

pub async fn a_delete_is_safe_to_repeat(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let id = newer(it);
    assert_ne!(f.members(&id).await, Vec::<String>::new());
    let (one, two) = tokio::join!(
        driver.delete(id.resource, id.generation),
        driver.delete(id.resource, id.generation)
    );
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

/// A job, a service that waits for it, and one that waits for that.
fn chain(f: &dyn Fixture) -> Blueprint {
    // The second service cannot start before the first is done, so cutting there is no race.
    let mut init = f.service("init", &["job", "--print", "prepared", "--after", "2"]);
    init.job = Some(Job {
        output_contains: Some("prepared".into()),
    });
    let mut blueprint = serving(f, port());
    blueprint.services[0]
        .depends_on
        .insert("init".into(), Dependency::ServiceCompletedSuccessfully);
    let mut last = f.serve("last", port(), Duration::ZERO);
    last.depends_on
        .insert("web".into(), Dependency::ServiceStarted);
    blueprint.services.insert(0, init);
    blueprint.services.push(last);
    blueprint
}

pub async fn a_bring_up_that_was_cut_off_is_partial_and_is_finished_by_the_next(
    f: &dyn Fixture,
) -> Standing {
    let id = identity(f, 1, 1);
    let blueprint = chain(f);
    let driver = f.driver();
    let started = tokio::sync::Notify::new();
    let order: Mutex<Vec<String>> = Mutex::default();
    let tell = |step: Progress| {
        if step.step == "starting" {
            order.lock().unwrap().push(step.subject);
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

    let built = driver.create(&id, &blueprint, &tell).await.unwrap();
    get(&built.outputs[0].1, "/").await.unwrap();
    assert_eq!(seen(&*driver, &id).await.unwrap().condition, Condition::Up);
    let finished = f.members(&id).await;
    assert_eq!(finished.len(), 3);
    assert!(
        members.iter().all(|m| finished.contains(m)),
        "{members:?} {finished:?}"
    );
    services_start_after_what_they_depend_on(order.into_inner().unwrap());
    Standing {
        id,
        blueprint,
        built,
    }
}

/// Though that was in a bring-up before.
fn services_start_after_what_they_depend_on(mut order: Vec<String>) {
    // One whose start was cut off is started once more.
    order.dedup();
    assert_eq!(order, ["init", "web", "last"]);
}

pub async fn a_killed_member_is_seen_down_and_named(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    f.kill(&it.id, "last").await;
    let seen = until(&*driver, &it.id, Condition::Down).await;
    let detail = seen.detail.unwrap();
    assert!(detail.contains("last"), "{detail}");
    // Nothing is destroyed because a neighbour died.
    get(&it.built.outputs[0].1, "/").await.unwrap();
}
