//! What is checked and worked out before an engine is asked for anything.

use std::collections::BTreeMap;

use bollard::ClientVersion;

use super::subnet;
use crate::blueprint::{Blueprint, Dependency, Service};

/// A key of a service that came after the oldest API, with the version that has it.
pub(crate) type LaterKey = (&'static str, ClientVersion, fn(&Service) -> bool);

/// Older engines leave out what they do not know without a word.
const LATER_KEYS: [LaterKey; 1] = [(
    "healthcheck.start_interval",
    ClientVersion {
        major_version: 1,
        minor_version: 44,
    },
    |service| {
        let check = service.healthcheck.as_ref();
        check.is_some_and(|c| c.start_interval_ms.is_some())
    },
)];

/// Refuses keys that an engine of this version cannot do, by name: those of every engine, and `more`.
pub(crate) fn fits(
    blueprint: &Blueprint,
    version: &ClientVersion,
    more: &[LaterKey],
) -> Result<(), String> {
    for &(key, since, uses) in LATER_KEYS.iter().chain(more) {
        if let Some(service) = blueprint
            .services
            .iter()
            .find(|s| uses(s) && *version < since)
        {
            let name = &service.name;
            return Err(format!(
                "{name}: {key} needs engine API {since}, this engine speaks {version}"
            ));
        }
    }
    Ok(())
}

/// How many starts must precede each service's, and that the blueprint hangs together.
pub(crate) fn depths(blueprint: &Blueprint) -> Result<BTreeMap<&str, usize>, String> {
    if blueprint.services.is_empty() {
        return Err("a resource without services would never be seen".to_owned());
    }
    let mut depths = BTreeMap::new();
    for service in &blueprint.services {
        let name = service.name.as_str();
        let mut depth = 0;
        for (needed, dependency) in &service.depends_on {
            let below = depths.get(needed.as_str());
            let below =
                below.ok_or_else(|| format!("{name} comes before {needed}, which it needs"))?;
            depth = depth.max(below + 1);
            let check = blueprint
                .service(needed)
                .and_then(|s| s.healthcheck.as_ref());
            let checked = check.is_some_and(|c| c.test.first().is_some_and(|t| t != "NONE"));
            if *dependency == Dependency::ServiceHealthy && !checked {
                return Err(format!(
                    "{name} waits for the health of {needed}, which has no health check"
                ));
            }
        }
        hangs_together(service, blueprint).map_err(|why| format!("{name} {why}"))?;
        if depths.insert(name, depth).is_some() {
            return Err(format!("two services are called {name}"));
        }
    }
    Ok(depths)
}

fn hangs_together(service: &Service, blueprint: &Blueprint) -> Result<(), String> {
    let mut mounts = service.mounts.iter();
    if let Some(mount) = mounts.find(|m| !blueprint.volumes.contains(&m.volume)) {
        return Err(format!("mounts {}, which is no volume", mount.volume));
    }
    let known = |n: &String| n == subnet::DEFAULT || blueprint.networks.contains(n);
    if let Some(network) = service.networks.keys().find(|n| !known(n)) {
        return Err(format!("joins {network}, which is no network"));
    }
    let done = Some(&Dependency::ServiceCompletedSuccessfully);
    let mut jobs = service.environment_files.values().map(|f| &f.service);
    if let Some(job) = jobs.find(|job| service.depends_on.get(*job) != done) {
        return Err(format!(
            "takes a variable of {job} and does not wait for it"
        ));
    }
    let in_root = |path: &str| path.rfind('/') == Some(0);
    let mut files = service.files.iter();
    match files.find(|f| service.read_only && in_root(&f.path)) {
        Some(file) => Err(format!(
            "is read_only, which leaves no place for {}: put it in a folder",
            file.path
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::Healthcheck;

    fn service(name: &str, needs: &[(&str, Dependency)]) -> Service {
        Service {
            name: name.into(),
            depends_on: needs.iter().map(|(n, d)| ((*n).to_owned(), *d)).collect(),
            ..Service::default()
        }
    }

    fn blueprint(services: Vec<Service>) -> Blueprint {
        Blueprint {
            services,
            ..Blueprint::default()
        }
    }

    #[test]
    fn a_service_is_deeper_than_everything_it_needs() {
        let started = Dependency::ServiceStarted;
        let blueprint = blueprint(vec![
            service("db", &[]),
            service("cache", &[]),
            service("api", &[("db", started)]),
            service("web", &[("api", started), ("cache", started)]),
        ]);
        let depths = depths(&blueprint).unwrap();
        assert_eq!(
            depths.into_iter().collect::<Vec<_>>(),
            [("api", 1), ("cache", 0), ("db", 0), ("web", 2)]
        );
    }

    #[test]
    fn a_blueprint_that_does_not_hang_together_is_refused() {
        let mut mounting = service("a", &[]);
        mounting.mounts = vec![crate::blueprint::Mount {
            volume: "none".into(),
            path: "/x".into(),
            read_only: false,
        }];
        let mut joining = service("a", &[]);
        joining.networks.insert("none".into(), vec![]);
        let mut unawaited = service("b", &[("a", Dependency::ServiceStarted)]);
        let file = crate::blueprint::JobFile {
            service: "a".into(),
            path: "/x".into(),
        };
        unawaited.environment_files.insert("X".into(), file);
        let late = Dependency::ServiceStarted;
        for (services, why) in [
            (vec![], "without services"),
            (vec![service("a", &[]), service("a", &[])], "two services"),
            (
                vec![service("a", &[("b", late)]), service("b", &[])],
                "comes before b",
            ),
            (vec![mounting], "no volume"),
            (vec![joining], "no network"),
            (vec![service("a", &[]), unawaited], "does not wait for it"),
        ] {
            let refused = depths(&blueprint(services)).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn waiting_for_the_health_of_what_has_no_check_is_refused() {
        let mut blueprint = blueprint(vec![
            service("db", &[]),
            service("api", &[("db", Dependency::ServiceHealthy)]),
        ]);
        assert!(depths(&blueprint).is_err());
        blueprint.services[0].healthcheck = Some(Healthcheck {
            test: vec!["CMD".into(), "true".into()],
            interval_ms: 1,
            timeout_ms: 1,
            retries: 1,
            start_period_ms: 0,
            start_interval_ms: None,
        });
        assert!(depths(&blueprint).is_ok());
    }
}
