//! Altering what stands: what differs is made, what stays is not touched, what goes goes last.

use std::collections::BTreeSet;

use caviada_driver::blueprint::{Blueprint, Dependency, Job};
use caviada_driver::{Capability, Condition, Driver, DriverError, Failure};

use super::{Fixture, create, get, identity, port, seen, serving};

/// Whether the driver does it; one that cannot says so by name, and nothing happens.
fn does(driver: &dyn Driver, answer: &Result<caviada_driver::Built, DriverError>) -> bool {
    if driver.can(Capability::Alter) {
        return true;
    }
    let refused = answer.as_ref().unwrap_err();
    assert_eq!(refused.kind, Failure::Unsupported);
    assert!(refused.to_string().starts_with("alter"), "{refused}");
    false
}

/// A web server with a companion; and the same with another one, which waits for a job.
fn two(f: &dyn Fixture, job: &[&str]) -> (Blueprint, Blueprint) {
    let mut from = serving(f, port());
    let mut to = from.clone();
    from.services.push(f.service("old", &["sleep", "600"]));
    let mut done = f.service("job", job);
    done.job = Some(Job {
        output_contains: None,
    });
    let mut new = f.service("new", &["sleep", "600"]);
    let succeeded = Dependency::ServiceCompletedSuccessfully;
    new.depends_on.insert("job".into(), succeeded);
    to.services.extend([done, new]);
    (from, to)
}

async fn members(f: &dyn Fixture, id: &caviada_driver::Identity) -> BTreeSet<String> {
    f.members(id).await.into_iter().collect()
}

pub async fn what_differs_is_made_what_stays_is_not_touched_and_what_goes_goes(f: &dyn Fixture) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let (from, to) = two(f, &["job"]);
    let built = create(&*driver, &id, &from).await.unwrap();
    let before = members(f, &id).await;
    // Made by a later call: it says how many there are now.
    let mut later = id.clone();
    later.revision += 1;
    let altered = driver.alter(&later, &from, &to, &|_| {}).await;
    if !does(&*driver, &altered) {
        assert_eq!(members(f, &id).await, before);
        return;
    }
    assert_eq!(altered.unwrap().outputs, built.outputs);
    let after = members(f, &id).await;
    assert_eq!((before.intersection(&after).count(), after.len()), (1, 3));
    let all = seen(&*driver, &id).await.unwrap();
    assert_eq!(all.condition, Condition::Up, "{:?}", all.detail);
    // Whoever is not sure that it was done does it again.
    driver.alter(&later, &from, &to, &|_| {}).await.unwrap();
    assert_eq!(members(f, &id).await, after);
    // And what it was before is an alteration, too.
    later.revision += 1;
    driver.alter(&later, &to, &from, &|_| {}).await.unwrap();
    let again = members(f, &id).await;
    assert_eq!((again.len(), again.is_subset(&after)), (2, false));
    let all = seen(&*driver, &id).await.unwrap();
    assert_eq!(all.condition, Condition::Up, "{:?}", all.detail);
    get(&built.outputs[0].1, "/").await.unwrap();
}

pub async fn an_alteration_that_fails_leaves_what_stood_and_is_undone(f: &dyn Fixture) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let (from, to) = two(f, &["exit", "3"]);
    let built = create(&*driver, &id, &from).await.unwrap();
    let before = members(f, &id).await;
    let failed = driver.alter(&id, &from, &to, &|_| {}).await;
    if !does(&*driver, &failed) {
        return;
    }
    let failed = failed.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    assert!(before.is_subset(&members(f, &id).await));
    get(&built.outputs[0].1, "/").await.unwrap();
    driver.alter(&id, &to, &from, &|_| {}).await.unwrap();
    assert_eq!(members(f, &id).await, before);
    let all = seen(&*driver, &id).await.unwrap();
    assert_eq!(all.condition, Condition::Up, "{:?}", all.detail);
    // What failed runs again for whoever asks again.
    let mut mended = to.clone();
    for service in mended.services.iter_mut().filter(|s| s.name == "job") {
        service.command = f.service("job", &["job"]).command;
    }
    driver.alter(&id, &from, &to, &|_| {}).await.unwrap_err();
    let mut later = id.clone();
    later.revision += 1;
    driver.alter(&later, &from, &mended, &|_| {}).await.unwrap();
    assert_eq!(members(f, &id).await.len(), 3);
    let nothing = identity(f, 2, 1);
    let refused = driver.alter(&nothing, &from, &to, &|_| {}).await;
    assert_eq!(refused.unwrap_err().kind, Failure::Refused);
}
