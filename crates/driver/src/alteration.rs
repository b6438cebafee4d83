//! What it takes to make a resource that stands another one: which of its services differ, and what
//! cannot be altered while it stands.

use std::collections::BTreeSet;

use crate::blueprint::{Blueprint, Service};

/// Names of the drivers that alter what stands: what a template may leave to holders depends on it.
pub const DRIVERS: [&str; 1] = ["docker"];

/// The services of `to` that `from` has not, or has otherwise: they are made anew, all others stay as
/// they stand. What can be done so can be undone: the other way round nothing else is asked.
///
/// # Errors
/// What cannot be done to a resource that stands, for people.
pub fn between<'b>(from: &Blueprint, to: &'b Blueprint) -> Result<BTreeSet<&'b str>, String> {
    if from.networks != to.networks || from.subnet != to.subnet {
        return Err("it would have other networks".to_owned());
    }
    let taken = |port: u16| {
        let mut holders = from.services.iter();
        holders.find(|s| s.ports.iter().any(|p| p.host == port))
    };
    let mut differ = BTreeSet::new();
    for service in &to.services {
        let name = service.name.as_str();
        let before = from.service(name);
        if before.is_some_and(|b| b.ports != service.ports) {
            return Err(format!("{name} would have other ports"));
        }
        for port in &service.ports {
            if let Some(other) = taken(port.host).filter(|s| s.name != name) {
                let other = &other.name;
                return Err(format!("{name} would have the port of {other}"));
            }
        }
        if !before.is_some_and(|b| is_same(b, service) && from.is_job(name) == to.is_job(name)) {
            differ.insert(name);
        }
    }
    Ok(differ)
}

/// Would its container be the same? What it waits for is none of it.
fn is_same(a: &Service, b: &Service) -> bool {
    let alone = |s: &Service| Service {
        depends_on: Default::default(),
        ..s.clone()
    };
    alone(a) == alone(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{Dependency, Port, Protocol};

    fn service(name: &str, image: &str) -> Service {
        Service {
            name: name.into(),
            image: image.into(),
            ..Service::default()
        }
    }

    fn published(name: &str, host: u16) -> Service {
        let port = Port {
            container: 80,
            host,
            protocol: Protocol::Tcp,
        };
        Service {
            ports: vec![port],
            ..service(name, "i")
        }
    }

    fn all(services: Vec<Service>) -> Blueprint {
        Blueprint {
            services,
            ..Blueprint::default()
        }
    }

    #[test]
    fn what_is_new_or_another_is_made_and_the_rest_stays() {
        let from = all(vec![service("db", "a:1"), service("old", "a:1")]);
        let mut web = service("web", "a:1");
        let started = Dependency::ServiceStarted;
        let mut db = service("db", "a:1");
        db.depends_on.insert("new".into(), started);
        web.depends_on.insert("db".into(), started);
        let to = all(vec![service("new", "a:1"), db.clone(), web]);
        let differ = between(&from, &to).unwrap();
        assert_eq!(differ.into_iter().collect::<Vec<_>>(), ["new", "web"]);
        db.image = "a:2".into();
        let to = all(vec![db]);
        let differ = between(&from, &to).unwrap();
        assert_eq!(differ.into_iter().collect::<Vec<_>>(), ["db"]);
    }

    #[test]
    fn what_stands_keeps_its_ports_and_networks() {
        let from = all(vec![published("a", 1), published("b", 2)]);
        let moved = all(vec![published("a", 1), published("b", 3)]);
        let refused = between(&from, &moved).unwrap_err();
        assert_eq!(refused, "b would have other ports");
        let over = all(vec![published("a", 1), published("c", 2)]);
        let refused = between(&from, &over).unwrap_err();
        assert_eq!(refused, "c would have the port of b");
        let mut other = from.clone();
        other.networks = vec!["n".into()];
        assert!(between(&from, &other).unwrap_err().contains("networks"));
    }
    #[test]
    fn what_can_be_done_can_be_undone() {
        let mut networked = all(vec![published("a", 1)]);
        networked.networks = vec!["n".into()];
        let mut job = service("b", "i");
        job.job = Some(crate::blueprint::Job::default());
        let mut kept = all(vec![published("a", 1), service("b", "i")]);
        kept.volumes = vec!["v".into()];
        let several = [
            all(vec![published("a", 1)]),
            all(vec![published("a", 1), service("b", "i")]),
            all(vec![published("a", 1), job]),
            all(vec![published("a", 1), published("b", 2)]),
            all(vec![published("a", 1), published("c", 2)]),
            all(vec![published("a", 2)]),
            all(vec![service("a", "i"), published("b", 1)]),
            all(vec![service("c", "j")]),
            networked,
            kept,
        ];
        for (at, a) in several.iter().enumerate() {
            for (to, b) in several.iter().enumerate() {
                let (done, undone) = (between(a, b), between(b, a));
                assert_eq!(
                    done.is_ok(),
                    undone.is_ok(),
                    "{at} {to}: {done:?} {undone:?}"
                );
            }
        }
        // Whatever only goes, and whatever only comes.
        assert!(between(&several[1], &several[0]).unwrap().is_empty());
        assert_eq!(between(&several[0], &several[1]).unwrap().len(), 1);
    }
}
