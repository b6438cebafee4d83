//! What people, cleaners and the reconciler do at random.

use std::collections::BTreeSet;

use caviada_core::alter::Alter;
use caviada_core::attribute::Labels;
use caviada_core::command::{
    Acquire, Act, AttemptOutcome, By, Command, Entry, Idempotency, Reuse, Want,
};
use caviada_core::event::Number;
use caviada_core::id::{Fence, HostId, KeyId, LeaseId, ResourceId, TemplateId};
use caviada_core::lease::Purpose;
use caviada_core::power::{Turn, Way};
use caviada_core::resource::{Health, Make, Resource, ResourceState};
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_core::webhook::WebhookSpec;

use super::nouns::{self, OWNERS, POOLS, Sort, name, owner};
use super::rng::Rng;
use super::rush::Rush;
use super::user;

/// Acts between two rushes, about.
const RUSH_EVERY: u64 = 4_000;

/// What the actors remember of what they did.
#[derive(Debug, Default)]
pub struct Memory {
    /// Leases that were once there.
    pub leases: Vec<LeaseId>,
    /// Resources that were once there.
    pub resources: Vec<ResourceId>,
    /// Commands with an idempotency key.
    pub keyed: Vec<Command>,
    /// Keys that were once there.
    pub keys: Vec<KeyId>,
    /// How likely each kind of act is.
    pub mix: Mix,
    /// The one that is on.
    rush: Option<Rush>,
    hash: u8,
}

fn keep<T: Copy + PartialEq>(list: &mut Vec<T>, new: T, max: usize, rng: &mut Rng) {
    if list.len() < max {
        list.push(new);
    } else {
        let i = usize::try_from(rng.below(max as u64)).unwrap();
        list[i] = new;
    }
}

impl Memory {
    /// Nothing yet.
    pub fn new(mix: Mix) -> Self {
        Self {
            mix,
            ..Self::default()
        }
    }

    /// Looks around, so that what goes is remembered.
    pub fn look(&mut self, rng: &mut Rng, state: &State) {
        if let Some(id) = lease(rng, state) {
            keep(&mut self.leases, id, 16, rng);
        }
        if let Some(id) = any_resource(rng, state) {
            keep(&mut self.resources, id, 16, rng);
        }
        if let Some((id, _)) = nth(rng, state.keys.iter(), state.keys.len()) {
            keep(&mut self.keys, *id, 8, rng);
        }
    }
}

fn nth<T>(rng: &mut Rng, mut of: impl Iterator<Item = T>, len: usize) -> Option<T> {
    let n = usize::try_from(rng.below(len as u64)).unwrap();
    of.nth(n)
}

fn lease(rng: &mut Rng, state: &State) -> Option<LeaseId> {
    nth(rng, state.leases.iter(), state.leases.len()).map(|(id, _)| *id)
}

fn any_resource(rng: &mut Rng, state: &State) -> Option<ResourceId> {
    nth(rng, state.resources.iter(), state.resources.len()).map(|(id, _)| *id)
}

/// A command and whether it repeats one that was given before, word for word.
pub fn command(rng: &mut Rng, state: &State, memory: &mut Memory) -> Command {
    if rng.percent(4)
        && let Some(old) = rng.pick(&memory.keyed).cloned()
    {
        return repeat(rng, old);
    }
    if memory.rush.is_none() && rng.below(RUSH_EVERY) == 0 {
        let (pool, _) = there(rng, state);
        memory.rush = Some(Rush::begin(rng, pool));
    }
    if let Some(act) = memory.rush.as_mut().and_then(|r| r.next(rng, state)) {
        return Command {
            by: By::System,
            idempotency: None,
            act,
        };
    }
    memory.rush = None;
    let act = act(rng, state, memory);
    let by = who(rng, state, memory, &act);
    let mut command = Command {
        by,
        idempotency: None,
        act,
    };
    if rng.percent(15) {
        let key: Box<str> = match rng.below(20) {
            0 => "".into(),
            1 => "tab\there".into(),
            _ => format!("k{}", rng.below(40)).into(),
        };
        command.idempotency = Some(Idempotency {
            key,
            digest: digest(&command.act),
        });
        if memory.keyed.len() < 12 {
            memory.keyed.push(command.clone());
        } else {
            let i = usize::try_from(rng.below(12)).unwrap();
            memory.keyed[i] = command.clone();
        }
    }
    command
}

/// The same again, or another one under its key.
fn repeat(rng: &mut Rng, mut old: Command) -> Command {
    if rng.percent(25)
        && let Some(idempotency) = &mut old.idempotency
    {
        idempotency.digest[0] ^= 1;
    }
    old
}

/// Stands for the SHA-256 of the request.
pub fn digest(act: &Act) -> [u8; 32] {
    let text = format!("{act:?}");
    let mut n = Rng::new(text.bytes().fold(7, |h: u64, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    }));
    let mut out = [0; 32];
    for chunk in out.chunks_mut(8) {
        chunk.copy_from_slice(&n.next().to_le_bytes());
    }
    out
}

/// Mostly somebody who may.
fn who(rng: &mut Rng, state: &State, memory: &Memory, act: &Act) -> By {
    let by_name = |n: &str| state.index.key_names.get(&name(n)).copied();
    if rng.percent(2) {
        return By::Key(KeyId(rng.below(state.counter() + 10)));
    }
    if rng.percent(2)
        && let Some(id) = rng.pick(&memory.keys)
    {
        return By::Key(*id);
    }
    if let Some(by) = user::who(rng, state, act) {
        return by;
    }
    let names: &[&str] = match act {
        Act::Record { .. } | Act::RecordHealth { .. } | Act::RecordHost { .. } => {
            if rng.percent(97) {
                return By::System;
            }
            &["admin", "ann"]
        }
        Act::PutKey { .. }
        | Act::DeleteKey { .. }
        | Act::PutQuota { .. }
        | Act::DeleteQuota { .. }
        | Act::PutWebhook { .. }
        | Act::DeleteWebhook { .. }
        | Act::PutUser { .. }
        | Act::ImportLease { .. }
        | Act::DeleteUser { .. } => &["admin", "admin", "admin", "operator"],
        Act::Acquire(a) if a.purpose == Purpose::Clean => {
            &["operator", "operator", "gateway", "ann"]
        }
        Act::Acquire(a) if a.owner.is_some() => &["gateway", "gateway", "operator", "ann"],
        Act::Acquire(_) => &[
            "ann", "bob", "cid", "ann", "bob", "cid", "operator", "gateway", "guest",
        ],
        Act::Renew { .. }
        | Act::Release { .. }
        | Act::Give { .. }
        | Act::Share { .. }
        | Act::Annotate { .. } => &[
            "ann", "bob", "cid", "operator", "operator", "gateway", "admin",
        ],
        Act::Revoke { .. } => &["operator", "operator", "operator", "ann"],
        _ => &["operator", "operator", "operator", "admin", "bob"],
    };
    by_name(rng.one(names)).map_or(By::System, By::Key)
}

/// How likely each kind of act is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mix(pub [u64; 12]);

impl Mix {
    /// Everybody acts; what hosts do is a part of so many.
    pub const fn with_hosts(part: u64) -> Self {
        let (record, health, host) = (part * 8, part * 2, part);
        Self([420, 60, 110, 40, record, health, host, 30, 60, 14, 18, 14])
    }
}

/// Something somebody could do now.
pub fn act(rng: &mut Rng, state: &State, memory: &mut Memory) -> Act {
    match rng.weighted(&memory.mix.0) {
        0 => Act::Acquire(Box::new(acquire(rng, state))),
        1 => renew(rng, state, memory),
        2 => release(rng, state, memory),
        3 => holder(rng, state, memory),
        4 => record(rng, state, memory),
        5 => record_health(rng, state, memory),
        6 => record_host(rng, state),
        7 => declare(rng, state),
        8 => resource(rng, state, memory),
        9 => pool(rng, state),
        10 => host(rng, state),
        _ => match rng.below(5) {
            4 => user::act(rng, state),
            0 => key(rng, state, memory),
            1 if rng.percent(70) => quota(rng),
            1 => webhook(rng),
            2 => template(rng),
            _ => {
                let n = rng.below(5);
                Act::All((0..n).map(|_| act(rng, state, memory)).collect())
            }
        },
    }
}

fn pool_name(rng: &mut Rng) -> (&'static str, Sort) {
    rng.one(&POOLS)
}

/// Mostly one that is there.
fn there(rng: &mut Rng, state: &State) -> (&'static str, Sort) {
    let mut pool = pool_name(rng);
    for _ in 0..4 {
        if state.pool_named(&name(pool.0)).is_some_and(|p| !p.retiring) {
            break;
        }
        pool = pool_name(rng);
    }
    pool
}

/// Sometimes the right number, sometimes an old one.
fn expect(rng: &mut Rng, current: Option<Number>) -> Option<Number> {
    match rng.below(10) {
        0 => Some(Number {
            revision: rng.below(50),
            index: 0,
        }),
        1 => current,
        _ => None,
    }
}

fn selector(rng: &mut Rng) -> Option<caviada_core::selector::Selector> {
    let text = rng.one(&[
        "zone=a",
        "zone=b",
        "cores>=4",
        "cores=2",
        "zone=a,cores>=4",
        "zone in (a,b)",
        "gpu exists",
        "zone!=a",
        "tier=gold",
    ]);
    Some(text.parse().unwrap_or_else(|e| panic!("{text}: {e}")))
}

pub fn acquire(rng: &mut Rng, state: &State) -> Acquire {
    let clean = rng.percent(12);
    let owner = rng.percent(12).then(|| owner(rng.one(&OWNERS)));
    let mut items: Vec<_> = (0..rng.one(&[1, 1, 1, 1, 2, 3]))
        .map(|_| want(rng, state, clean))
        .collect();
    // Who acts for others mostly does not know the pools.
    for item in items.iter_mut().filter(|_| owner.is_some()) {
        if rng.percent(50) {
            (item.pool, item.amount) = (None, None);
            item.selector = item.selector.take().or_else(|| selector(rng));
        }
    }
    let mut a = Acquire {
        owner,
        items,
        ttl_ms: rng.one(&[None, None, Some(2_000), Some(30_000), Some(1_000_000)]),
        wait_ms: rng.one(&[0, 0, 5_000, 60_000, 60_000, 600_000]),
        poll_within_ms: rng.one(&[None, None, None, Some(3_000), Some(20_000)]),
        priority: rng.one(&[5, 5, 5, 5, 0, 3, 4]),
        reuse: match rng.below(10) {
            0 => Reuse::Slot(format!("s{}", rng.below(3)).into()),
            1 => Reuse::Matching,
            _ => Reuse::Never,
        },
        purpose: if clean { Purpose::Clean } else { Purpose::Use },
        labels: labels(rng),
        note: rng.percent(10).then(|| "job 7".into()),
    };
    if clean {
        a.wait_ms = 0;
    }
    if rng.percent(10) {
        spoil(rng, &mut a);
    }
    a
}

fn want(rng: &mut Rng, state: &State, clean: bool) -> Want {
    let (pool, sort) = if clean {
        rng.one(&[
            ("machines", Sort::Hook),
            ("slots", Sort::Keep),
            ("clusters", Sort::Built),
            ("addresses", Sort::Range),
        ])
    } else {
        there(rng, state)
    };
    let divisible = matches!(sort, Sort::Range | Sort::Quantity);
    let named = !rng.percent(8);
    Want {
        pool: named.then(|| name(pool)),
        selector: if !named || rng.percent(12) {
            selector(rng)
        } else {
            None
        },
        count: rng.one(&[1, 1, 1, 2, 3]),
        amount: (named && (divisible && rng.percent(60) || rng.percent(1)))
            .then(|| nouns::amount(rng, pool)),
    }
}

/// Makes it something that is mostly refused.
fn spoil(rng: &mut Rng, a: &mut Acquire) {
    match rng.below(10) {
        0 => a.items.clear(),
        1 => a.items[0].count = rng.one(&[0, 7, 2_000]),
        2 => a.items[0].pool = Some(name("nowhere")),
        3 => a.items[0].pool = None,
        4 => a.ttl_ms = Some(10),
        5 => a.wait_ms = 100_000_000_000,
        6 => a.poll_within_ms = Some(1),
        7 => a.reuse = Reuse::Slot("".into()),
        8 => a.wait_ms = 60_000,
        _ => a.priority = rng.one(&[7, 9, 11]),
    }
}

fn labels(rng: &mut Rng) -> Labels {
    if rng.percent(20) {
        Labels::new([("tier", rng.one(&["gold", "tin"]))]).unwrap()
    } else {
        Labels::default()
    }
}

fn some_lease(rng: &mut Rng, state: &State, memory: &Memory) -> LeaseId {
    match rng.below(20) {
        0 => LeaseId(rng.below(state.counter() + 5)),
        1 | 2 => rng.pick(&memory.leases).copied().unwrap_or(LeaseId(1)),
        _ => lease(rng, state)
            .or_else(|| rng.pick(&memory.leases).copied())
            .unwrap_or(LeaseId(2)),
    }
}

fn fence(rng: &mut Rng, state: &State, id: LeaseId) -> Option<Fence> {
    let current = state.leases.get(&id).map_or(Fence(0), |l| l.fence);
    match rng.below(12) {
        0 => Some(Fence(current.0.saturating_sub(1))),
        1..=3 => Some(current),
        _ => None,
    }
}

fn renew(rng: &mut Rng, state: &State, memory: &Memory) -> Act {
    let lease = some_lease(rng, state, memory);
    Act::Renew {
        lease,
        ttl_ms: match rng.below(30) {
            0 => Some(1),
            _ => rng.one(&[None, None, Some(1_500), Some(60_000), Some(3_600_000)]),
        },
        fence: fence(rng, state, lease),
    }
}

fn until(rng: &mut Rng, state: &State) -> Time {
    state
        .now()
        .plus_ms(rng.one(&[0, 1, 2_000, 60_000, 600_000, 30 * 86_400_000]))
}

fn release(rng: &mut Rng, state: &State, memory: &Memory) -> Act {
    let lease = some_lease(rng, state, memory);
    let mut members = vec![];
    let held = state.leases.get(&lease);
    // A cleaner mostly gives back what it is done with.
    let cleans = held.is_some_and(|l| l.purpose == Purpose::Clean);
    if rng.percent(if cleans { 60 } else { 25 })
        && let Some(l) = held
    {
        let bad = rng.percent(50) && l.members.iter().any(|m| m.flagged);
        for m in &l.members {
            if (bad && m.flagged) || (!bad && rng.percent(60)) {
                members.push(m.resource);
            }
        }
        if rng.percent(10) {
            members.extend(any_resource(rng, state));
        }
    }
    Act::Release {
        lease,
        members,
        hold: if rng.percent(12) {
            Some((until(rng, state), "look".into()))
        } else {
            None
        },
        ok: rng.percent(70),
        fence: fence(rng, state, lease),
    }
}

fn holder(rng: &mut Rng, state: &State, memory: &Memory) -> Act {
    let lease = some_lease(rng, state, memory);
    match rng.below(6) {
        3 => {
            let ended = state.now().0.saturating_sub(rng.below(3 * 3_600_000));
            Act::ImportLease {
                owner: owner(rng.one(&OWNERS)),
                pool: name(there(rng, state).0),
                granted_at: Time(ended.saturating_sub(rng.below(1_000))),
                ended_at: Time(ended + rng.one(&[0, 0, 0, 4 * 3_600_000])),
                labels: labels(rng),
                note: None,
            }
        }
        0 => Act::Give {
            lease,
            to: owner(rng.one(&OWNERS)),
            fence: None,
        },
        1 => {
            let mut with = BTreeSet::new();
            for _ in 0..rng.one(&[0, 1, 2, 2, 3]) {
                with.insert(owner(rng.one(&["ann", "bob", "team-a", "team-b"])));
            }
            if rng.percent(3) {
                with = (0..65).map(|n| owner(&format!("o{n}"))).collect();
            }
            Act::Share {
                lease,
                with,
                fence: None,
            }
        }
        2 => Act::Annotate {
            lease,
            labels: labels(rng),
            note: rng.one(&[None, Some("n"), Some("bad\n")]).map(Into::into),
            expect: None,
        },
        _ => Act::Revoke {
            lease,
            reason: rng.percent(30).then(|| "maintenance".into()),
        },
    }
}

/// Mostly the outcome of something open.
pub fn record(rng: &mut Rng, state: &State, memory: &Memory) -> Act {
    let open: Vec<_> = state.resources.values().filter(|r| r.open).collect();
    let r = match rng.below(12) {
        0 => any_resource(rng, state).and_then(|id| state.resources.get(&id)),
        _ => rng.pick(&open).copied(),
    };
    let (resource, generation, attempt) = match r {
        Some(r) => {
            let stale = rng.percent(6);
            let old = u64::from(stale && rng.percent(50));
            (
                r.id,
                r.generation.wrapping_sub(old),
                r.attempt.wrapping_sub(u64::from(stale) - old),
            )
        }
        None => (
            rng.pick(&memory.resources)
                .copied()
                .unwrap_or(ResourceId(3)),
            1,
            1,
        ),
    };
    Act::Record {
        resource,
        generation,
        attempt,
        outcome: outcome(rng),
    }
}

pub fn outcome(rng: &mut Rng) -> AttemptOutcome {
    if rng.percent(75) {
        return AttemptOutcome::Done(vec![(
            "rpc".into(),
            format!("127.0.0.1:{}", rng.below(99)).into(),
        )]);
    }
    let kind = rng.one(&[
        "refused",
        "no_image",
        "port_taken",
        "port_taken",
        "not_ready",
    ]);
    AttemptOutcome::Failed {
        kind: kind.into(),
        detail: "as the engine says".into(),
    }
}

fn record_health(rng: &mut Rng, state: &State, memory: &Memory) -> Act {
    let looked_at = |r: &&std::sync::Arc<Resource>| {
        matches!(r.state, ResourceState::Free | ResourceState::Leased)
    };
    let seen: Vec<_> = state.resources.values().filter(looked_at).collect();
    let (resource, generation) = match rng.below(12) {
        0 => (
            rng.pick(&memory.resources)
                .copied()
                .unwrap_or(ResourceId(3)),
            1,
        ),
        1 => any_resource(rng, state)
            .and_then(|id| state.resources.get(&id))
            .map_or((ResourceId(3), 0), |r| {
                (r.id, r.generation.saturating_sub(rng.below(2)))
            }),
        _ => rng
            .pick(&seen)
            .map_or((ResourceId(3), 0), |r| (r.id, r.generation)),
    };
    let health = rng.one(&[Health::Well, Health::Well, Health::Suspect, Health::Ill]);
    Act::RecordHealth {
        resource,
        generation,
        health,
        why: rng.percent(50).then(|| "unwell: web: Exited (1)".into()),
    }
}

fn record_host(rng: &mut Rng, state: &State) -> Act {
    let host = nth(rng, state.hosts.iter(), state.hosts.len()).map_or(HostId(9), |(id, _)| *id);
    let host = if rng.percent(3) {
        HostId(rng.below(state.counter()))
    } else {
        host
    };
    Act::RecordHost {
        host,
        seen: rng.percent(75),
    }
}

fn declare(rng: &mut Rng, state: &State) -> Act {
    let (pool, sort) = there(rng, state);
    let text = format!("r{}", rng.below(6));
    let divisible = matches!(sort, Sort::Range | Sort::Quantity) != rng.percent(3);
    let id = state.pool_named(&name(pool)).and_then(|p| {
        state
            .index
            .resource_names
            .get(&(p.id, nouns::resource(&text)))
    });
    let old = id.and_then(|id| state.resources.get(id));
    let space = match old.map(|r| &r.origin) {
        Some(caviada_core::resource::Origin::Divisible(whole)) if rng.percent(90) => {
            Some(Box::new((**whole).clone()))
        }
        _ if divisible => Some(Box::new(nouns::space(rng, pool))),
        _ => None,
    };
    Act::Declare {
        pool: name(pool),
        name: nouns::resource(&text),
        attributes: nouns::attributes(rng),
        labels: labels(rng),
        endpoints: vec![("ssh".into(), format!("10.0.0.{}", rng.below(9)).into())],
        declared_in: None,
        entry: rng.one(&[
            Entry::Free,
            Entry::Free,
            Entry::Free,
            Entry::Dirty,
            Entry::Withheld,
        ]),
        space,
        expect: expect(rng, old.map(|r| r.changed)),
    }
}

fn resource(rng: &mut Rng, state: &State, memory: &Memory) -> Act {
    let id = match rng.below(16) {
        0 => rng.pick(&memory.resources).copied(),
        1..=5 => state
            .resources
            .values()
            .filter(|r| r.state == ResourceState::Withheld)
            .map(|r| r.id)
            .nth(usize::try_from(rng.below(3)).unwrap())
            .or_else(|| any_resource(rng, state)),
        6 | 7 => {
            let held = |r: &&std::sync::Arc<Resource>| r.lease.is_some();
            let cleaning = |r: &&std::sync::Arc<Resource>| r.state == ResourceState::Cleaning;
            let (all, n) = (|| state.resources.values().filter(held), rng.below(3));
            let n = usize::try_from(n).unwrap();
            let r = all().filter(cleaning).nth(n).or_else(|| all().nth(n));
            r.map(|r| r.id).or_else(|| any_resource(rng, state))
        }
        _ => any_resource(rng, state),
    };
    let id = id.unwrap_or(ResourceId(4));
    match rng.below(16) {
        10 => Act::Recycle { resource: id },
        11 => build(rng, state),
        12..=15 if rng.percent(60) => power(rng, state, id),
        12..=15 => alter(rng, state, id),
        0 | 1 => Act::DeleteResource {
            resource: id,
            force: rng.percent(40),
            expect: expect(rng, state.resources.get(&id).map(|r| r.changed)),
        },
        2..=5 => Act::Withhold {
            resource: id,
            reason: rng.one(&["maintenance", "quarantine", "", "x"]).into(),
            until: if rng.percent(40) {
                Some(until(rng, state))
            } else {
                None
            },
        },
        _ => Act::Return { resource: id },
    }
}

/// Something is started or stopped: mostly what can be, and what is stopped more often than not.
fn power(rng: &mut Rng, state: &State, id: ResourceId) -> Act {
    let stopped = |r: &&std::sync::Arc<Resource>| r.power.is_some();
    let held = |r: &&std::sync::Arc<Resource>| {
        let rests = matches!(r.state, ResourceState::Leased | ResourceState::Free);
        rests && r.site().is_some() && !r.open
    };
    let n = usize::try_from(rng.below(4)).unwrap();
    let resources = || state.resources.values();
    let found = match rng.below(8) {
        0 => None,
        1..=3 => resources().filter(stopped).nth(n),
        _ => resources().filter(held).nth(n),
    };
    let service = rng.percent(25).then(|| rng.one(&["web", "db", ""]).into());
    let lease = found.and_then(|r| r.lease).filter(|_| rng.percent(30));
    Act::Power {
        resource: found.map_or(id, |r| r.id),
        lease,
        turn: Turn {
            way: rng.one(&Way::ALL),
            service,
        },
    }
}

/// A holder has what he holds altered: mostly what can be.
fn alter(rng: &mut Rng, state: &State, id: ResourceId) -> Act {
    let held = |r: &&std::sync::Arc<Resource>| {
        r.state == ResourceState::Leased && r.site().is_some() && r.is_as_built() && !r.open
    };
    let n = usize::try_from(rng.below(4)).unwrap();
    let altered = |r: &&std::sync::Arc<Resource>| r.altered.is_some();
    let found = match rng.below(8) {
        0 => None,
        1 | 2 => state.resources.values().filter(altered).nth(n),
        _ => state.resources.values().filter(held).nth(n),
    };
    let r = found.or_else(|| state.resources.get(&id));
    let now = r.and_then(|r| r.site()).map(|s| s.make());
    let none = || Make {
        template: TemplateId(1),
        parameters: "".into(),
    };
    let mut from = now.unwrap_or_else(none);
    if rng.percent(5) {
        from.parameters = "other".into();
    }
    let texts = ["{}", r#"{"size":3}"#, r#"{"size":4}"#];
    Act::Alter(Box::new(Alter {
        resource: r.map_or(id, |r| r.id),
        parameters: rng.one(&texts).into(),
        from,
        tried: r.map_or(vec![], |r| r.tried().to_vec()),
        lease: r.and_then(|r| r.lease).filter(|_| rng.percent(30)),
        expect: expect(rng, r.map(|r| r.changed)),
    }))
}

fn build(rng: &mut Rng, state: &State) -> Act {
    let (pool, _) = there(rng, state);
    Act::Build {
        pool: name(pool),
        host: rng.percent(60).then(|| name(rng.one(&nouns::HOSTS))),
        name: rng
            .percent(40)
            .then(|| nouns::resource(&format!("b{}", rng.below(4)))),
    }
}

fn pool(rng: &mut Rng, state: &State) -> Act {
    let (pool, sort) = pool_name(rng);
    let old = state.pool_named(&name(pool));
    let expect = expect(rng, old.map(|p| p.changed));
    if rng.percent(if old.is_some() { 15 } else { 2 }) {
        return Act::DeletePool {
            name: name(pool),
            expect,
        };
    }
    let sort = if rng.percent(5) { Sort::Built } else { sort };
    let mut spec = nouns::pool(rng, pool, sort);
    match rng.below(20) {
        0 => spec.warm = spec.max + 1,
        1 => spec.lease.ttl_ms = 1,
        2 if old.is_some() => spec = (*old.unwrap().spec).clone(),
        _ => {}
    }
    Act::PutPool {
        name: name(pool),
        spec: Box::new(spec),
        expect,
    }
}

fn host(rng: &mut Rng, state: &State) -> Act {
    let n = name(rng.one(&nouns::HOSTS));
    let old = state.host_named(&n);
    let expect = expect(rng, old.map(|h| h.changed));
    if rng.percent(if old.is_some() { 20 } else { 2 }) {
        return Act::DeleteHost {
            name: n,
            forget: rng.percent(30),
            expect,
        };
    }
    let mut spec = nouns::host(rng, n.as_str());
    if let Some(old) = old.filter(|_| rng.percent(70)) {
        spec.driver = old.spec.driver.clone();
        spec.ports = old.spec.ports;
        spec.network = old.spec.network;
    }
    if rng.percent(5) {
        spec.builds_max = 0;
    }
    Act::PutHost {
        name: n,
        spec: Box::new(spec),
        expect,
    }
}

fn key(rng: &mut Rng, state: &State, memory: &mut Memory) -> Act {
    if rng.percent(20) {
        let id = nth(rng, state.keys.iter(), state.keys.len()).map_or(KeyId(1), |(id, _)| *id);
        let id = if rng.percent(15) {
            KeyId(rng.below(state.counter()))
        } else {
            id
        };
        return Act::DeleteKey { key: id };
    }
    // One of the world's own comes back, with a new secret.
    let mut act = rng.pick(&nouns::keys()).cloned().unwrap();
    if let Act::PutKey {
        hash,
        role,
        expires_at,
        ..
    } = &mut act
    {
        memory.hash = memory.hash.wrapping_add(1);
        if rng.percent(90) {
            *hash = [memory.hash; 32];
            hash[0] = 99;
        }
        if rng.percent(5) {
            *role = caviada_core::key::Role::Operator;
        }
        if expires_at.is_some() {
            *expires_at = Some(state.now().plus_ms(rng.below(1_200_000)));
        }
    }
    act
}

fn quota(rng: &mut Rng) -> Act {
    let who = owner(rng.one(&["ann", "bob", "cid", "gate"]));
    if rng.percent(40) {
        Act::DeleteQuota { owner: who }
    } else {
        Act::PutQuota {
            owner: who,
            spec: nouns::quota(rng),
            declared_in: None,
            expect: None,
        }
    }
}

fn webhook(rng: &mut Rng) -> Act {
    let name = name(rng.one(&["chat", "audit"]));
    if rng.percent(30) {
        return Act::DeleteWebhook { name };
    }
    let kinds = [
        None,
        Some(["lease".into()].into()),
        Some(["host.lost".into()].into()),
    ];
    Act::PutWebhook {
        name,
        spec: Box::new(WebhookSpec {
            url: rng
                .one(&["https://a.example/", "https://b.example/"])
                .into(),
            events: kinds[usize::try_from(rng.below(3)).unwrap_or(0)].clone(),
            pools: None,
        }),
        sealed: rng.percent(80).then(|| "sealed".into()),
        declared_in: None,
        expect: None,
    }
}

fn template(rng: &mut Rng) -> Act {
    if rng.percent(20) {
        Act::DeleteTemplate {
            name: name(rng.one(&nouns::TEMPLATES)),
        }
    } else {
        nouns::template(rng)
    }
}

/// Where the clock goes next: mostly a little on, often just to, before or after what is due.
pub fn clock(rng: &mut Rng, state: &State) -> Time {
    let now = state.now();
    let due = state.next_due().filter(|t| *t > now);
    match (rng.below(20), due) {
        (0..=5, Some(t)) => t,
        (6, Some(t)) => Time(t.0 - 1).max(now),
        (7, Some(t)) => t.plus_ms(1),
        (8..=17, _) => now.plus_ms(rng.below(1_500)),
        (18, _) => now.plus_ms(rng.below(120_000)),
        (_, _) if rng.percent(20) => now.plus_ms(rng.below(26 * 3_600_000)),
        _ => now,
    }
}

/// How the world begins, by Caviada itself.
pub fn opening(rng: &mut Rng) -> Vec<Command> {
    let mut acts = nouns::keys();
    for t in nouns::TEMPLATES {
        let mut act = nouns::template(rng);
        if let Act::PutTemplate {
            name: n, drivers, ..
        } = &mut act
        {
            *n = name(t);
            *drivers = nouns::DRIVERS.iter().map(|d| (*d).into()).collect();
        }
        acts.push(act);
    }
    for h in nouns::HOSTS {
        acts.push(Act::PutHost {
            name: name(h),
            spec: Box::new(nouns::host(rng, h)),
            expect: None,
        });
    }
    for (pool, sort) in POOLS {
        if rng.percent(85) {
            let spec = nouns::pool(rng, pool, sort);
            acts.push(Act::PutPool {
                name: name(pool),
                spec: Box::new(spec),
                expect: None,
            });
            if sort != Sort::Built {
                for n in 0..rng.within(1, 4) {
                    acts.push(Act::Declare {
                        pool: name(pool),
                        name: nouns::resource(&format!("r{n}")),
                        attributes: nouns::attributes(rng),
                        labels: labels(rng),
                        endpoints: vec![],
                        declared_in: None,
                        entry: Entry::Free,
                        space: matches!(sort, Sort::Range | Sort::Quantity)
                            .then(|| Box::new(nouns::space(rng, pool))),
                        expect: None,
                    });
                }
            }
        }
    }
    acts.into_iter()
        .map(|act| Command {
            by: By::System,
            idempotency: None,
            act,
        })
        .collect()
}

/// The name of its row in the table of acts, where it is another than its own.
pub fn row_name(act: &Act, otherwise: &'static str) -> &'static str {
    match act {
        Act::DeleteResource { force: true, .. } => "delete by force",
        Act::DeleteResource { .. } => "delete",
        Act::Record { .. } => "stale outcome",
        _ => otherwise,
    }
}
