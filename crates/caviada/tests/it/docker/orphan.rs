//! What stands on an engine and is nobody's any more, or never was ours.

use std::collections::BTreeSet;

use super::engine::{self, KINDS};
use super::{ENGINE, Running, stall_host};

/// A container, a network and a volume of one name. They go with this.
struct Planted(String);

impl Planted {
    fn new(name: String, image: &str, labels: &[String]) -> Self {
        let planted = Self(name);
        let labels = labels.iter().flat_map(|label| ["--label", label.as_str()]);
        let labels: Vec<&str> = labels.collect();
        let name = planted.0.as_str();
        let with = |before: &[&str], after: &[&str]| {
            let words = [before, &labels, after].concat();
            engine::docker(words).expect("it is made");
        };
        with(&["container", "create", "--name", name], &[image]);
        with(&["network", "create"], &[name]);
        with(&["volume", "create"], &[name]);
        planted
    }

    /// What of it stands.
    fn standing(&self) -> BTreeSet<&'static str> {
        let there = |kind: &&str| engine::docker([*kind, "inspect", &self.0]).is_some();
        KINDS.into_iter().filter(there).collect()
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        for kind in self.standing() {
            engine::docker([kind, "rm", &self.0]);
        }
    }
}

#[test]
fn an_orphan_of_ours_is_removed_and_nothing_that_is_not_ours() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let mut running = Running::start();
    let id = "res_00000000zzzzz";
    let of = |installation: &str| {
        [
            ("installation", installation),
            ("resource", id),
            ("generation", "1"),
            ("revision", "1"),
        ]
        .map(|(name, value)| format!("caviada.{name}={value}"))
    };
    let prefix = running.engine.prefix();
    let plant = |part: &str, labels: &[String]| {
        Planted::new(format!("{prefix}{id}-g1-{part}"), &image, labels)
    };
    let orphan = plant("web", &of(running.engine.installation()));
    let others = [plant("foreign", &of("another")), plant("plain", &[])];
    running.put("hosts/here", stall_host(ENGINE));
    running.until("the orphan is gone", |_| orphan.standing().is_empty());
    for other in others {
        assert_eq!(other.standing(), KINDS.into(), "{}", other.0);
    }
}
