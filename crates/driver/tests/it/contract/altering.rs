//! Altering what stands: what differs is made, what stays is not touched, what goes goes last.

use std::collections::BTreeSet;
use std::sync::Arc;

use caviada_driver::alteration;
use caviada_driver::blueprint::{Blueprint, Dependency, Job, Service};
use caviada_driver::{Built, Capability, Condition, Driver, DriverError, Failure, Identity};

use super::{Fixture, create, get, identity, port, seen, serving};

/// A resource that is altered again and again: a web server, which nobody ever touches, and what comes
/// and goes beside it.
pub struct Altered<'f> {
    f: &'f dyn Fixture,
    driver: Arc<dyn Driver>,
    id: Identity,
    alone: Blueprint,
    built: Built,
}

impl<'f> Altered<'f> {
    /// With a companion, `old`.
    pub async fn new(f: &'f dyn Fixture) -> Self {
        let (driver, id, alone) = (f.driver(), identity(f, 1, 1), serving(f, port()));
        let mut it = Self {
            f,
            driver,
            id,
            alone,
            built: Built::default(),
        };
        let began = it.began();
        it.built = create(&*it.driver, &it.id, &began).await.unwrap();
        it
    }

    /// The web server with these.
    fn with(&self, more: impl IntoIterator<Item = Service>) -> Blueprint {
        let mut blueprint = self.alone.clone();
        blueprint.services.extend(more);
        blueprint
    }

    fn sleeper(&self, name: &str) -> Service {
        self.f.service(name, &["sleep", "600"])
    }

    fn began(&self) -> Blueprint {
        self.with([self.sleeper("old")])
    }

    /// With another companion, which waits for a job.
    fn wanted(&self, job: &[&str]) -> Blueprint {
        let mut done = self.f.service("job", job);
        done.job = Some(Job {
            output_contains: None,
        });
        let mut new = self.sleeper("new");
        let succeeded = Dependency::ServiceCompletedSuccessfully;
        new.depends_on.insert("job".into(), succeeded);
        self.with([done, new])
    }

    /// Whether the driver does it; one that cannot says so by name, and nothing happens.
    pub async fn can(&mut self) -> bool {
        let told = alteration::DRIVERS.contains(&self.driver.name());
        let can = self.driver.can(Capability::Alter);
        assert_eq!(can, told, "what templates are told");
        if can {
            return true;
        }
        let before = self.members().await;
        let (from, to) = (self.began(), self.wanted(&["job"]));
        let refused = self.alter(&[&from], &to).await.unwrap_err();
        assert_eq!(refused.kind, Failure::Unsupported);
        assert!(refused.to_string().starts_with("alter"), "{refused}");
        assert_eq!(self.members().await, before);
        false
    }

    /// Alters it by a later call, which says how many there are now.
    async fn alter(&mut self, from: &[&Blueprint], to: &Blueprint) -> Result<Built, DriverError> {
        self.id.revision += 1;
        let from: Vec<Blueprint> = from.iter().copied().cloned().collect();
        self.driver.alter(&self.id, &from, to, &|_| {}).await
    }

    async fn members(&self) -> BTreeSet<String> {
        self.f.members(&self.id).await.into_iter().collect()
    }

    async fn is_up(&self) {
        let all = seen(&*self.driver, &self.id).await.unwrap();
        assert_eq!(all.condition, Condition::Up, "{:?}", all.detail);
    }

    async fn answers(&self) {
        get(&self.built.outputs[0].1, "/").await.unwrap();
    }
}

pub async fn an_alteration_that_fails_leaves_what_stood_and_is_undone(it: &mut Altered<'_>) {
    let (from, to) = (it.began(), it.wanted(&["exit", "3"]));
    let before = it.members().await;
    let failed = it.alter(&[&from], &to).await.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady, "{failed}");
    assert!(before.is_subset(&it.members().await));
    it.answers().await;
    it.alter(&[&to], &from).await.unwrap();
    assert_eq!(it.members().await, before);
    it.is_up().await;
    // Once more, and it is left so: what failed runs again for whoever asks next.
    it.alter(&[&from], &to).await.unwrap_err();
    let nothing = identity(it.f, 2, 1);
    let refused = it.driver.alter(&nothing, &[from], &to, &|_| {}).await;
    assert_eq!(refused.unwrap_err().kind, Failure::Refused);
}

/// Beside a job that failed.
pub async fn what_differs_is_made_what_stays_is_not_touched_and_what_goes_goes(
    it: &mut Altered<'_>,
) {
    let (from, to) = (it.began(), it.wanted(&["job"]));
    let before = it.members().await;
    let altered = it.alter(&[&from], &to).await;
    assert_eq!(altered.unwrap().outputs, it.built.outputs);
    let after = it.members().await;
    assert_eq!((before.intersection(&after).count(), after.len()), (1, 3));
    it.is_up().await;
    // Whoever is not sure that it was done does it again.
    it.alter(&[&from], &to).await.unwrap();
    assert_eq!(it.members().await, after);
    // And what it was before is an alteration, too.
    it.alter(&[&to], &from).await.unwrap();
    let again = it.members().await;
    assert_eq!((again.intersection(&after).count(), again.len()), (1, 2));
    it.is_up().await;
    it.answers().await;
}

pub async fn what_only_comes_or_only_goes_touches_nothing_else(it: &mut Altered<'_>) {
    let (one, two) = (it.alone.clone(), it.began());
    let mut three = it.with([it.sleeper("old"), it.sleeper("most")]);
    three.volumes.push("notes".to_owned());
    for (from, to) in [(&two, &one), (&one, &three), (&three, &two)] {
        let before = it.members().await;
        it.alter(&[from], to).await.unwrap();
        let now = it.members().await;
        assert_eq!(now.len(), to.services.len());
        let (less, more) = match from.services.len() < to.services.len() {
            true => (before, now),
            false => (now, before),
        };
        assert!(less.is_subset(&more), "{less:?} {more:?}");
        it.is_up().await;
    }
}

pub async fn what_is_torn_between_several_becomes_any_of_them(it: &mut Altered<'_>) {
    let own = it.began();
    let otherwise = it.f.service("old", &["sleep", "601"]);
    let tried = it.with([otherwise, it.sleeper("new")]);
    let other = it.with([it.sleeper("other")]);
    // As if it had been cut off at its end and could not be undone.
    it.alter(&[&own], &tried).await.unwrap();
    for to in [&tried, &own, &other] {
        it.alter(&[&own, &tried, &other], to).await.unwrap();
        assert_eq!(it.members().await.len(), to.services.len());
        it.is_up().await;
        // It is all of it what was asked for: asked for again, nothing is made.
        let before = it.members().await;
        it.alter(&[&own, &tried, &other], to).await.unwrap();
        assert_eq!(it.members().await, before);
    }
}

pub async fn what_died_is_made_again_though_nothing_about_it_differs(it: &mut Altered<'_>) {
    let one = it.with([it.sleeper("other")]);
    let two = it.with([it.sleeper("other"), it.sleeper("more")]);
    for (from, to) in [(&one, &two), (&two, &two), (&two, &one)] {
        it.f.kill(&it.id, "other").await;
        it.alter(&[from], to).await.unwrap();
        assert_eq!(it.members().await.len(), to.services.len());
        it.is_up().await;
    }
}

pub async fn what_was_altered_is_deleted_whole(it: &mut Altered<'_>) {
    let (resource, generation) = (it.id.resource, it.id.generation);
    it.driver.delete(resource, generation).await.unwrap();
    assert!(seen(&*it.driver, &it.id).await.is_none());
}
