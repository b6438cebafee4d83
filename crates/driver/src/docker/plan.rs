//! What is checked and worked out before an engine is asked for anything.

use std::collections::BTreeMap;

use super::network;
use crate::blueprint::{Blueprint, Dependency};

/// How many starts must precede each service's, and that the blueprint hangs together.
pub(super) fn depths(blueprint: &Blueprint) -> Result<BTreeMap<&str, usize>, String> {
    let mut depths = BTreeMap::new();
    for service in &blueprint.services {
        let name = service.name.as_str();
        let mut depth = 0;
        for (needed, dependency) in &service.depends_on {
            let below = depths.get(needed.as_str());
            let below =
                below.ok_or_else(|| format!("{name} comes before {needed}, which it needs"))?;
            depth = depth.max(below + 1);
            let checked = || {
                blueprint
                    .service(needed)
                    .is_some_and(|s| s.healthcheck.is_some())
            };
            if *dependency == Dependency::ServiceHealthy && !checked() {
                return Err(format!(
                    "{name} waits for the health of {needed}, which has no health check"
                ));
            }
        }
        if let Some(mount) = service
            .mounts
            .iter()
            .find(|m| !blueprint.volumes.contains(&m.volume))
        {
            return Err(format!(
                "{name} mounts {}, which is no volume",
                mount.volume
            ));
        }
        let known = |n: &&String| *n == network::DEFAULT || blueprint.networks.contains(n);
        if let Some(network) = service.networks.keys().find(|n| !known(n)) {
            return Err(format!("{name} joins {network}, which is no network"));
        }
        let in_root = |path: &str| path.rfind('/') == Some(0);
        if let Some(file) = service
            .files
            .iter()
            .find(|f| service.read_only && in_root(&f.path))
        {
            let path = &file.path;
            return Err(format!(
                "{name}: read_only leaves no place for {path}; put it in a folder"
            ));
        }
        if depths.insert(name, depth).is_some() {
            return Err(format!("two services are called {name}"));
        }
    }
    Ok(depths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{Healthcheck, Service};

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
        });
        assert!(depths(&blueprint).is_ok());
    }
}
