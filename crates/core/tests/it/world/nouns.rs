//! The nouns of the small world: few names, so that acts meet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use caviada_core::attribute::{Attributes, Labels, Value};
use caviada_core::command::Act;
use caviada_core::host::{HostSpec, Network, PortRange};
use caviada_core::key::Role;
use caviada_core::name::{Name, Owner, ResourceName};
use caviada_core::pool::{Holders, OnBad, Pick, Placement, PoolSpec, RecycleClass};
use caviada_core::quota::QuotaSpec;
use caviada_core::space::{Amount, Amounts, Space};
use caviada_core::time::Time;

use super::rng::Rng;

/// When the world begins.
pub const START: Time = Time(1_700_000_000_000);

pub const OWNERS: [&str; 5] = ["ann", "bob", "cid", "dan", "eve"];
pub const GROUPS: [&str; 2] = ["team-a", "team-b"];
pub const TEMPLATES: [&str; 2] = ["fabric", "tiny"];
pub const HOSTS: [&str; 3] = ["h1", "h2", "h3"];
pub const DRIVERS: [&str; 2] = ["docker", "process"];

/// What a pool of this name is like, so that redeclaring mostly keeps its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Declared, class keep.
    Keep,
    /// Declared, class hook.
    Hook,
    /// Addresses, ports or prefixes.
    Range,
    /// Amounts.
    Quantity,
    /// From a template.
    Built,
}

pub const POOLS: [(&str, Sort); 8] = [
    ("slots", Sort::Keep),
    ("machines", Sort::Hook),
    ("addresses", Sort::Range),
    ("ports", Sort::Range),
    ("cores", Sort::Quantity),
    ("clusters", Sort::Built),
    ("sessions", Sort::Built),
    ("chains", Sort::Built),
];

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn owner(text: &str) -> Owner {
    Owner::new(text).unwrap()
}

/// Keys of the world: admin, operator, users in groups, one that speaks for others, one that ends.
pub fn keys() -> Vec<Act> {
    let key =
        |n: u8, text: &str, role, who: &str, groups: &[&str], act_for: &[&str], end| Act::PutKey {
            name: name(text),
            role,
            owner: owner(who),
            groups: groups.iter().map(|g| owner(g)).collect(),
            act_for: act_for.iter().map(|p| name(p)).collect(),
            hash: [n; 32],
            expires_at: end,
            declared_in: None,
        };
    let soon = START.plus_ms(20 * 60_000);
    vec![
        key(1, "admin", Role::Admin, "root", &[], &[], None),
        key(2, "operator", Role::Operator, "ops", &[], &[], None),
        key(3, "ann", Role::User, "ann", &["team-a"], &[], None),
        key(
            4,
            "bob",
            Role::User,
            "bob",
            &["team-a", "team-b"],
            &[],
            None,
        ),
        key(5, "cid", Role::User, "cid", &["team-b"], &[], None),
        key(
            6,
            "gateway",
            Role::User,
            "gate",
            &[],
            &["slots", "clusters", "machines"],
            None,
        ),
        key(7, "guest", Role::User, "eve", &[], &[], Some(soon)),
    ]
}

pub fn host(rng: &mut Rng, name: &str) -> HostSpec {
    let network = Network {
        address: "10.9.0.0".parse().unwrap(),
        prefix: 26,
        subnet: 28,
    };
    let schedulable = !rng.percent(12);
    HostSpec {
        driver: rng.one(&DRIVERS).into(),
        address: format!("sim://{name}").into(),
        options: Default::default(),
        credential: (name == HOSTS[0]).then(|| "v1.sealed".into()),
        reach: "127.0.0.1".into(),
        capacity: rng.one(&[0, 2, 4, 6, 8, 14, 14]),
        holds: amounts(rng.one(&["", "cpu=4", "cpu=8,mem=8", "cpu=16,mem=16"])),
        schedulable,
        drain: !schedulable && rng.percent(50),
        autofill: rng.percent(15),
        ports: rng.one(&[
            None,
            Some(PortRange {
                first: 20_000,
                last: 20_039,
                block: 10,
            }),
            Some(PortRange {
                first: 20_000,
                last: 20_079,
                block: 10,
            }),
            Some(PortRange {
                first: 20_000,
                last: 20_079,
                block: 10,
            }),
        ]),
        network: rng.one(&[None, None, Some(network)]),
        defaults: Default::default(),
        images: Default::default(),
        builds_max: rng.one(&[1, 2, 4]),
        attributes: Attributes::default(),
        labels: Labels::default(),
        declared_in: None,
        lost_after_ms: rng.one(&[5_000, 60_000, 300_000]),
    }
}

/// `cpu=2,mem=3`, or nothing.
fn amounts(text: &str) -> Amounts {
    match text.parse() {
        Ok(Amount::Quantity(amounts)) => amounts,
        _ => Amounts::new(),
    }
}

pub fn template(rng: &mut Rng) -> Act {
    let mut files = BTreeMap::new();
    files.insert(
        "template.toml".into(),
        format!("revision {}", rng.below(4)).into(),
    );
    Act::PutTemplate {
        expect: None,
        name: name(rng.one(&TEMPLATES)),
        files: Arc::new(files),
        drivers: match rng.below(4) {
            0 => vec!["docker".into()],
            1 => vec!["process".into()],
            _ => DRIVERS.iter().map(|d| (*d).into()).collect(),
        },
        ports: rng.percent(60),
        reset: rng.percent(50),
        create_ms: rng.one(&[0, 0, 0, 120_000]),
        declared_in: None,
    }
}

pub fn attributes(rng: &mut Rng) -> Attributes {
    let mut entries: Vec<(&str, Value)> = vec![];
    if rng.percent(80) {
        entries.push(("zone", rng.one(&["a", "b"]).into()));
    }
    if rng.percent(80) {
        entries.push(("cores", Value::from(rng.one(&[2i64, 4, 8]))));
    }
    Attributes::new(entries).unwrap()
}

pub fn space(rng: &mut Rng, pool: &str) -> Space {
    let text = match pool {
        "addresses" => rng.one(&[
            "10.0.0.0/28",
            "10.1.0.0/29 except 10.1.0.0",
            "10.2.0.4-10.2.0.11",
        ]),
        "ports" => rng.one(&["30000-30015", "30100-30107"]),
        _ => rng.one(&["cpu=8,mem=16Gi", "cpu=4,mem=4Gi"]),
    };
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

pub fn amount(rng: &mut Rng, pool: &str) -> Amount {
    let text = match pool {
        "addresses" => rng.one(&["1", "2", "4", "/30", "/29"]),
        "ports" => rng.one(&["1", "3", "4", "8"]),
        _ => rng.one(&[
            "cpu=1,mem=1Gi",
            "cpu=2,mem=1Gi",
            "cpu=4,mem=4Gi",
            "cpu=8",
            "mem=3Gi",
        ]),
    };
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// A spec for the pool of that name.
pub fn pool(rng: &mut Rng, pool: &str, sort: Sort) -> PoolSpec {
    let mut spec = match sort {
        Sort::Built => PoolSpec::built(name(rng.one(&TEMPLATES)), 0, 0),
        _ => PoolSpec::declared(),
    };
    spec.lease.ttl_ms = rng.one(&[5_000, 60_000, 600_000]);
    spec.lease.ttl_ms_max = spec.lease.ttl_ms * rng.one(&[1, 3, 10]);
    spec.lease.endless = rng.percent(8);
    spec.lease.claim_within_ms = rng.one(&[None, None, Some(2_000), Some(10_000)]);
    spec.lease.wait_ms_max = rng.one(&[600_000, 600_000, 60_000]);
    spec.recycle.cooldown_ms = rng.one(&[0, 0, 0, 500, 5_000]);
    spec.pick = rng.one(&[Pick::First, Pick::Oldest]);
    spec.on_bad = rng.one(&[OnBad::Keep, OnBad::Swap, OnBad::End]);
    spec.visibility.holders = rng.one(&[Holders::Nobody, Holders::Group, Holders::Everyone]);
    spec.visibility.owners = match rng.below(8) {
        0 => Some([owner("ann"), owner("team-b")].into()),
        1 => Some(GROUPS.iter().map(|g| owner(g)).collect()),
        _ => None,
    };
    spec.indexed = match rng.below(4) {
        0 => ["zone".into()].into(),
        1 => ["cores".into(), "zone".into()].into(),
        _ => BTreeSet::new(),
    };
    spec.deadlines.plan_ms = rng.one(&[5_000, 60_000]);
    spec.deadlines.create_ms = rng.one(&[5_000, 60_000]);
    spec.deadlines.clean_ms = rng.one(&[3_000, 60_000]);
    spec.deadlines.prepare_ms = rng.one(&[2_000, 20_000]);
    spec.deadlines.delete_ms = rng.one(&[2_000, 20_000]);
    spec.deadlines.retry_ms = rng.one(&[500, 3_000, 60_000]);
    spec.deadlines.dirty_alert_ms = rng.one(&[10_000, 100_000]);
    spec.tries_max = rng.one(&[1, 2, 5]);
    match sort {
        Sort::Keep => spec.prepare = rng.percent(20),
        Sort::Hook => {
            spec.recycle.class = RecycleClass::Hook;
            spec.prepare = rng.percent(30);
        }
        Sort::Range | Sort::Quantity => {
            spec.slice = Some(amount(rng, pool));
            if rng.percent(40) {
                spec.recycle.class = RecycleClass::Hook;
            }
        }
        Sort::Built => {
            spec.max = rng.one(&[0, 2, 4, 6, 6, 10]);
            spec.warm = rng.below(u64::from(spec.max) + 1).try_into().unwrap();
            if spec.max < 10 {
                spec.warm = spec.warm.min(3);
            }
            spec.recycle.class = rng.one(&[
                RecycleClass::Replace,
                RecycleClass::Replace,
                RecycleClass::Reset,
                RecycleClass::Hook,
                RecycleClass::Keep,
            ]);
            spec.recycle.age_ms_max = rng.one(&[None, None, Some(30_000), Some(300_000)]);
            spec.recycle.uses_max = rng.one(&[None, None, Some(1), Some(3)]);
            spec.prepare = rng.percent(40);
            spec.pause = spec.prepare && rng.percent(20);
            spec.needs = amounts(rng.one(&["", "", "cpu=1", "cpu=2,mem=3", "mem=0"]));
            spec.placement = rng.one(&[Placement::Spread, Placement::Pack]);
            spec.attributes = attributes(rng);
            spec.builds_max = rng.one(&[1, 2, 8]);
            if rng.percent(15) {
                spec.hosts = Some([name("h1"), name("h2")].into());
            }
        }
    }
    spec
}

pub fn quota(rng: &mut Rng) -> QuotaSpec {
    QuotaSpec {
        leases_max: rng.one(&[None, Some(0), Some(2), Some(5)]),
        resources_max: rng.one(&[None, Some(1), Some(4), Some(10)]),
        quantity_max: amounts(rng.one(&["", "", "cpu=2", "cpu=6,mem=1Gi"])),
    }
}

/// `text` as the name of a resource.
pub fn resource(text: &str) -> ResourceName {
    ResourceName::new(text).unwrap()
}
