//! Altering what stands: what differs is made, what stays is not touched, what goes goes last.

use std::collections::BTreeSet;

use caviada_driver::alteration;
use caviada_driver::blueprint::{Blueprint, Dependency, Job};
use caviada_driver::{Built, Capability, Condition, Driver, DriverError, Failure, Identity};

use super::{Fixture, create, get, identity, port, seen, serving};

/// Whether the driver does it; one that cannot says so by name, and nothing happens.
fn does(driver: &dyn Driver, answer: &Result<Built, DriverError>) -> bool {
    let told = alteration::DRIVERS.contains(&driver.name());
    assert_eq!(
        driver.can(Capability::Alter),
        told,
        "what templates are told"
    );
    if told {
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

async fn alter(
    driver: &dyn Driver,
    id: &Identity,
    from: &Blueprint,
    to: &Blueprint,
) -> Result<Built, DriverError> {
    driver
        .alter(id, std::slice::from_ref(from), to, &|_| {})
        .await
}

async fn is_up(driver: &dyn Driver, id: &Identity) {
    let all = seen(driver, id).await.unwrap();
    assert_eq!(all.condition, Condition::Up, "{:?}", all.detail);
}

async fn members(f: &dyn Fixture, id: &Identity) -> BTreeSet<String> {
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
    let altered = alter(&*driver, &later, &from, &to).await;
    if !does(&*driver, &altered) {
        assert_eq!(members(f, &id).await, before);
        return;
    }
    assert_eq!(altered.unwrap().outputs, built.outputs);
    let after = members(f, &id).await;
    assert_eq!((before.intersection(&after).count(), after.len()), (1, 3));
    is_up(&*driver, &id).await;
    // Whoever is not sure that it was done does it again.
    alter(&*driver, &later, &from, &to).await.unwrap();
    assert_eq!(members(f, &id).await, after);
    // And what it was before is an alteration, too.
    later.revision += 1;
    alter(&*driver, &later, &to, &from).await.unwrap();
    let again = members(f, &id).await;
    assert_eq!((again.len(), again.is_subset(&after)), (2, false));
    is_up(&*driver, &id).await;
    get(&built.outputs[0].1, "/").await.unwrap();
}

pub async fn an_alteration_that_fails_leaves_what_stood_and_is_undone(f: &dyn Fixture) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let (from, to) = two(f, &["exit", "3"]);
    let built = create(&*driver, &id, &from).await.unwrap();
    let before = members(f, &id).await;
    let failed = alter(&*driver, &id, &from, &to).await;
    if !does(&*driver, &failed) {
        return;
    }
    let failed = failed.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    assert!(before.is_subset(&members(f, &id).await));
    get(&built.outputs[0].1, "/").await.unwrap();
    alter(&*driver, &id, &to, &from).await.unwrap();
    assert_eq!(members(f, &id).await, before);
    is_up(&*driver, &id).await;
    // What failed runs again for whoever asks again.
    let mut mended = to.clone();
    for service in mended.services.iter_mut().filter(|s| s.name == "job") {
        service.command = f.service("job", &["job"]).command;
    }
    alter(&*driver, &id, &from, &to).await.unwrap_err();
    let mut later = id.clone();
    later.revision += 1;
    alter(&*driver, &later, &from, &mended).await.unwrap();
    assert_eq!(members(f, &id).await.len(), 3);
    let nothing = identity(f, 2, 1);
    let refused = alter(&*driver, &nothing, &from, &to).await;
    assert_eq!(refused.unwrap_err().kind, Failure::Refused);
}

pub async fn what_only_comes_or_only_goes_touches_nothing_else_and_is_undone(f: &dyn Fixture) {
    let driver = f.driver();
    let mut id = identity(f, 1, 1);
    let one = serving(f, port());
    let mut two = one.clone();
    two.services.push(f.service("more", &["sleep", "600"]));
    let mut three = two.clone();
    three.services.push(f.service("most", &["sleep", "600"]));
    three.volumes.push("notes".to_owned());
    create(&*driver, &id, &two).await.unwrap();
    let before = members(f, &id).await;
    id.revision += 1;
    let fewer = alter(&*driver, &id, &two, &one).await;
    if !does(&*driver, &fewer) {
        return;
    }
    fewer.unwrap();
    let left = members(f, &id).await;
    assert_eq!((left.len(), left.is_subset(&before)), (1, true));
    is_up(&*driver, &id).await;
    for (from, to) in [
        (&one, &three),
        (&three, &two),
        (&two, &three),
        (&three, &one),
    ] {
        id.revision += 1;
        alter(&*driver, &id, from, to).await.unwrap();
        let now = members(f, &id).await;
        assert_eq!((now.len(), left.is_subset(&now)), (to.services.len(), true));
        is_up(&*driver, &id).await;
    }
    driver.delete(id.resource, id.generation).await.unwrap();
    assert!(seen(&*driver, &id).await.is_none());
}

pub async fn what_is_torn_between_several_becomes_any_of_them(f: &dyn Fixture) {
    let driver = f.driver();
    let mut id = identity(f, 1, 1);
    let one = serving(f, port());
    let with = |words: &[&str], more: Option<&str>| {
        let mut blueprint = one.clone();
        blueprint.services.push(f.service("side", words));
        blueprint
            .services
            .extend(more.map(|name| f.service(name, &["sleep", "600"])));
        blueprint
    };
    let own = with(&["sleep", "600"], None);
    let tried = with(&["sleep", "601"], Some("new"));
    let other = with(&["sleep", "602"], Some("other"));
    create(&*driver, &id, &own).await.unwrap();
    // As if it had been cut off at its end and could not be undone.
    id.revision += 1;
    let done = alter(&*driver, &id, &own, &tried).await;
    if !does(&*driver, &done) {
        return;
    }
    done.unwrap();
    let from = [own.clone(), tried.clone(), other.clone()];
    for to in [&own, &tried, &other, &own] {
        id.revision += 1;
        driver.alter(&id, &from, to, &|_| {}).await.unwrap();
        assert_eq!(members(f, &id).await.len(), to.services.len());
        is_up(&*driver, &id).await;
        // It is all of it what was asked for: asked for again, nothing is made.
        let before = members(f, &id).await;
        driver.alter(&id, &from, to, &|_| {}).await.unwrap();
        assert_eq!(members(f, &id).await, before);
    }
}

pub async fn what_died_is_made_again_though_nothing_about_it_differs(f: &dyn Fixture) {
    let driver = f.driver();
    let mut id = identity(f, 1, 1);
    let mut one = serving(f, port());
    one.services.push(f.service("side", &["sleep", "600"]));
    let mut two = one.clone();
    two.services.push(f.service("more", &["sleep", "600"]));
    create(&*driver, &id, &one).await.unwrap();
    for (from, to) in [(&one, &two), (&two, &two), (&two, &one)] {
        f.kill(&id, "side").await;
        id.revision += 1;
        let altered = alter(&*driver, &id, from, to).await;
        if !does(&*driver, &altered) {
            return;
        }
        altered.unwrap();
        assert_eq!(members(f, &id).await.len(), to.services.len());
        is_up(&*driver, &id).await;
    }
}
