//! Services in an order in which each comes after those it depends on.

use std::collections::{BTreeMap, BTreeSet};

use super::super::problem::Findings;
use super::super::tree::Entry;
use crate::blueprint::{Dependency, Job, Service};
use crate::process::variable;

/// Sorts by dependency, else by the order of the file, and makes a job of whatever somebody waits
/// for to complete.
pub(super) fn by_dependency(
    services: Vec<Service>,
    entries: &[Entry],
    key: &str,
    findings: &Findings,
) -> Option<Vec<Service>> {
    let names: BTreeSet<String> = services.iter().map(|s| s.name.clone()).collect();
    let mut finished = BTreeSet::new();
    for (service, entry) in services.iter().zip(entries) {
        for (name, dependency) in &service.depends_on {
            if !names.contains(name) {
                let key = format!("{key}.{}.depends_on", service.name);
                findings.say(entry.at, &key, format!("there is no service `{name}`"));
            }
            if *dependency == Dependency::ServiceCompletedSuccessfully {
                finished.insert(name.clone());
            }
        }
    }
    let mut waiting: Vec<Service> = services
        .into_iter()
        .map(|mut service| {
            if finished.contains(&service.name) {
                service.job.get_or_insert_with(Job::default);
            }
            service
        })
        .collect();
    check_jobs(&waiting, entries, key, findings);
    check_files(&waiting, entries, key, findings);
    check_placeholders(&waiting, entries, key, findings);
    let places: BTreeMap<&str, _> = entries.iter().map(|e| (e.key.as_str(), e.at)).collect();
    let mut ordered: Vec<Service> = Vec::with_capacity(waiting.len());
    let mut done = BTreeSet::new();
    while !waiting.is_empty() {
        let ready = |s: &Service| {
            let mut on = s.depends_on.keys();
            on.all(|name| done.contains(name) || !names.contains(name))
        };
        let Some(next) = waiting.iter().position(ready) else {
            let left: Vec<_> = waiting.iter().map(|s| s.name.as_str()).collect();
            let at = places.get(left[0]).copied().unwrap_or_default();
            let message = format!("depend on each other in a circle: {}", left.join(", "));
            findings.say(at, key, message);
            return None;
        };
        let service = waiting.remove(next);
        done.insert(service.name.clone());
        ordered.push(service);
    }
    Some(ordered)
}

fn check_jobs(services: &[Service], entries: &[Entry], key: &str, findings: &Findings) {
    use crate::blueprint::Restart;
    for (service, entry) in services.iter().zip(entries) {
        let key = format!("{key}.{}", service.name);
        let again = matches!(service.restart, Restart::Always | Restart::UnlessStopped);
        if service.job.is_some() && again {
            let message = "a job runs once: restart must be no or on-failure";
            findings.say(entry.at, &format!("{key}.restart"), message);
        }
        for (name, dependency) in &service.depends_on {
            let on = services.iter().find(|s| s.name == *name);
            if *dependency != Dependency::ServiceHealthy {
                continue;
            }
            let message = match on {
                Some(on) if on.job.is_some() => {
                    format!("`{name}` is a job: wait for service_completed_successfully")
                }
                Some(on) if on.healthcheck.is_none() => {
                    format!("`{name}` has no healthcheck to wait for")
                }
                _ => continue,
            };
            findings.say(entry.at, &format!("{key}.depends_on"), message);
        }
    }
}

/// A file of a job is there once the job is done, and who needs it must wait for that.
fn check_files(services: &[Service], entries: &[Entry], key: &str, findings: &Findings) {
    for (service, entry) in services.iter().zip(entries) {
        for (name, file) in &service.environment_files {
            if service.environment.contains_key(name) {
                let key = format!("{key}.{}.environment.{name}", service.name);
                findings.say(entry.at, &key, "stands in `x-caviada-environment`, too");
            }
            let waits = service.depends_on.get(&file.service);
            if waits != Some(&Dependency::ServiceCompletedSuccessfully) {
                let key = format!("{key}.{}.x-caviada-environment.{name}", service.name);
                let message = format!(
                    "`{}` must stand in depends_on with service_completed_successfully",
                    file.service
                );
                findings.say(entry.at, &key, message);
            }
        }
    }
}

/// `{PORT_80}` in a process's arguments must be something the process driver fills in.
fn check_placeholders(services: &[Service], entries: &[Entry], key: &str, findings: &Findings) {
    for (service, entry) in services.iter().zip(entries) {
        for name in variable::unknown(services, service) {
            let key = format!("{key}.{}.x-caviada-process", service.name);
            let message = format!("there is no variable `{name}` to fill in");
            findings.say(entry.at, &key, message);
        }
    }
}
