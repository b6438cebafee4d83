//! Random commands, faults and restarts: what the store holds is what State is, whatever happens.

use caviada_core::attribute::Labels;
use caviada_core::command::{Act, AttemptOutcome, By, Command, Idempotency, Reuse};
use caviada_core::id::{KeyId, LeaseId, ResourceId};
use caviada_core::key::Role;
use caviada_core::name::Owner;
use caviada_core::pool::{OnBad, PoolSpec, RecycleClass};
use caviada_core::resource::Health;
use caviada_core::time::Time;
use caviada_ledger::store::Store;
use caviada_ledger::store::memory::{Fault, Memory};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

use crate::sim::{SimClock, asking, declare, host, name, open, put_pool, system};
use crate::store::{Place, Postgres, Sqlite, assert_same};

type Ledger<S> = caviada_ledger::Ledger<S, SimClock>;

#[derive(Debug, Clone)]
enum Step {
    Declare(u8),
    Acquire {
        owner: u8,
        pool: u8,
        count: u8,
        wait: bool,
        slot: bool,
        key: Option<u8>,
    },
    Release {
        lease: Index,
        hold: bool,
        one: bool,
    },
    Renew(Index),
    Give(Index, u8),
    Share(Index, u8),
    Annotate(Index, u8),
    Import(u8, u8, u32),
    Revoke(Index),
    Withhold(Index),
    Return(Index),
    Delete(Index, bool),
    Record {
        resource: Index,
        done: bool,
    },
    Health(Index, bool),
    Host(bool),
    Pass(u32),
    Restart,
    Faults(Vec<Option<Fault>>),
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let fault = prop::sample::select(vec![
        None,
        None,
        Some(Fault::Refuse),
        Some(Fault::LoseBefore),
        Some(Fault::LoseAfter),
    ]);
    prop_oneof![
        3 => (0..12u8).prop_map(Step::Declare),
        12 => (0..3u8, 0..3u8, 1..3u8, any::<bool>(), any::<bool>(), prop::option::of(0..6u8))
            .prop_map(|(owner, pool, count, wait, slot, key)| Step::Acquire {
                owner, pool, count, wait, slot, key,
            }),
        8 => (index(), any::<bool>(), any::<bool>())
            .prop_map(|(lease, hold, one)| Step::Release { lease, hold, one }),
        3 => index().prop_map(Step::Renew),
        1 => (index(), 0..3u8).prop_map(|(l, o)| Step::Give(l, o)),
        1 => (index(), 0..3u8).prop_map(|(l, o)| Step::Share(l, o)),
        1 => (index(), 0..9u8).prop_map(|(l, n)| Step::Annotate(l, n)),
        1 => (0..3u8, 0..3u8, 0..9_000u32).prop_map(|(o, p, ago)| Step::Import(o, p, ago)),
        1 => index().prop_map(Step::Revoke),
        2 => index().prop_map(Step::Withhold),
        2 => index().prop_map(Step::Return),
        1 => (index(), any::<bool>()).prop_map(|(r, f)| Step::Delete(r, f)),
        10 => (index(), prop::bool::weighted(0.7))
            .prop_map(|(resource, done)| Step::Record { resource, done }),
        2 => (index(), any::<bool>()).prop_map(|(r, well)| Step::Health(r, well)),
        1 => any::<bool>().prop_map(Step::Host),
        4 => (1..2_000_000u32).prop_map(Step::Pass),
        1 => Just(Step::Restart),
        2 => prop::collection::vec(fault, 1..4).prop_map(Step::Faults),
    ]
}

const POOLS: [&str; 3] = ["machines", "hooked", "clusters"];

fn owner(n: u8) -> Owner {
    Owner::new(["ann", "ben", "cy"][usize::from(n)]).unwrap()
}

fn started<S: Store>(store: S, clock: &SimClock) -> Ledger<S> {
    let mut hooked = PoolSpec::declared();
    hooked.recycle.class = RecycleClass::Hook;
    hooked.recycle.cooldown_ms = 500;
    hooked.on_bad = OnBad::Swap;
    hooked.indexed = ["cores".into()].into();
    let mut clusters = PoolSpec::built(name("tiny"), 2, 4);
    clusters.prepare = true;
    clusters.on_bad = OnBad::End;
    let admin = Act::PutKey {
        name: name("admin"),
        role: Role::Admin,
        owner: owner(0),
        groups: Default::default(),
        act_for: Default::default(),
        hash: [1; 32],
        expires_at: None,
        declared_in: None,
    };
    let template = Act::PutTemplate {
        name: name("tiny"),
        files: std::sync::Arc::new([("compose.yaml".into(), "services: {}".into())].into()),
        drivers: vec!["docker".into()],
        ports: true,
        reset: false,
        create_ms: 120_000,
        declared_in: None,
        expect: None,
    };
    let host = Act::PutHost {
        name: name("h1"),
        spec: Box::new(host()),
        expect: None,
    };
    let mut ledger = open(store, clock);
    let mut commands = vec![
        system(admin),
        system(template),
        system(host),
        put_pool(POOLS[0], PoolSpec::declared()),
        put_pool(POOLS[1], hooked),
        put_pool(POOLS[2], clusters),
    ];
    commands.extend((0..6).map(|i| declare(POOLS[i % 2], &format!("m{i}"))));
    for answer in ledger.turn(&commands).unwrap().answers {
        answer.unwrap();
    }
    ledger
}

/// A lease that is, or one that never was.
fn lease(ledger: &Ledger<impl Store>, index: &Index) -> LeaseId {
    let ids: Vec<_> = ledger.state().leases.iter().map(|(id, _)| *id).collect();
    if ids.is_empty() {
        LeaseId(1)
    } else {
        *index.get(&ids)
    }
}

fn resource(ledger: &Ledger<impl Store>, index: &Index) -> ResourceId {
    let ids: Vec<_> = ledger.state().resources.iter().map(|(id, _)| *id).collect();
    if ids.is_empty() {
        ResourceId(1)
    } else {
        *index.get(&ids)
    }
}

/// The command of a step, if it is one.
fn command(ledger: &Ledger<impl Store>, step: &Step) -> Option<Command> {
    let act = match step {
        Step::Declare(n) => return Some(declare(POOLS[usize::from(n % 2)], &format!("m{n}"))),
        Step::Acquire {
            owner: o,
            pool,
            count,
            wait,
            slot,
            key,
        } => {
            let mut asked = asking("ann", POOLS[usize::from(*pool)], 0);
            asked.owner = Some(owner(*o));
            asked.items[0].count = u32::from(*count);
            asked.wait_ms = if *wait { 600_000 } else { 0 };
            asked.poll_within_ms = wait.then_some(120_000);
            if *slot {
                asked.reuse = Reuse::Slot("s".into());
            }
            let by = By::Key(admin(ledger));
            let idempotency = key.map(|k| Idempotency {
                key: format!("k{k}").into(),
                digest: [*o * 8 + *pool; 32],
            });
            return Some(Command {
                by,
                idempotency,
                act: Act::Acquire(Box::new(asked)),
            });
        }
        Step::Release {
            lease: l,
            hold,
            one,
        } => {
            let lease = lease(ledger, l);
            let held = ledger.state().leases.get(&lease);
            let first = held.and_then(|l| l.members.first()).map(|m| m.resource);
            let until = ledger.state().now().plus_ms(60_000);
            Act::Release {
                lease,
                members: first.filter(|_| *one).into_iter().collect(),
                hold: hold.then(|| (until, "look at it".into())),
                ok: true,
                fence: None,
            }
        }
        Step::Renew(l) => Act::Renew {
            lease: lease(ledger, l),
            ttl_ms: None,
            fence: None,
        },
        Step::Give(l, o) => Act::Give {
            lease: lease(ledger, l),
            to: owner(*o),
            fence: None,
        },
        Step::Share(l, o) => Act::Share {
            lease: lease(ledger, l),
            with: [owner(*o)].into(),
            fence: None,
        },
        Step::Annotate(l, n) => Act::Annotate {
            lease: lease(ledger, l),
            labels: Labels::new([("n", n.to_string())]).unwrap(),
            note: Some("a note with \"quotes\"".into()),
            expect: None,
        },
        Step::Import(o, p, ago) => {
            let now = ledger.state().now();
            let ended_at = Time(now.0.saturating_sub(u64::from(*ago)));
            Act::ImportLease {
                owner: owner(*o),
                pool: POOLS[usize::from(*p)].parse().unwrap(),
                granted_at: Time(ended_at.0.saturating_sub(1_000)),
                ended_at,
                labels: Labels::default(),
                note: None,
            }
        }
        Step::Revoke(l) => Act::Revoke {
            reason: None,
            lease: lease(ledger, l),
        },
        Step::Withhold(r) => Act::Withhold {
            resource: resource(ledger, r),
            reason: "maintenance".into(),
            until: None,
        },
        Step::Return(r) => Act::Return {
            resource: resource(ledger, r),
        },
        Step::Delete(r, force) => Act::DeleteResource {
            resource: resource(ledger, r),
            force: *force,
            expect: None,
        },
        Step::Record { resource: r, done } => {
            let open = |id: &ResourceId| ledger.state().resources.get(id).is_some_and(|r| r.open);
            let ids: Vec<_> = ledger
                .state()
                .resources
                .iter()
                .map(|(id, _)| *id)
                .filter(open)
                .collect();
            let id = if ids.is_empty() {
                return None;
            } else {
                *r.get(&ids)
            };
            let r = ledger.state().resources.get(&id)?;
            let outputs = vec![("url".into(), format!("http://{}", r.generation).into())];
            let failed = AttemptOutcome::Failed {
                kind: "not_ready".into(),
                detail: "no answer".into(),
            };
            Act::Record {
                resource: id,
                generation: r.generation,
                attempt: r.attempt,
                outcome: if *done {
                    AttemptOutcome::Done(outputs)
                } else {
                    failed
                },
            }
        }
        Step::Health(r, well) => {
            let resource = resource(ledger, r);
            let generation = ledger
                .state()
                .resources
                .get(&resource)
                .map_or(0, |r| r.generation);
            let health = if *well { Health::Well } else { Health::Ill };
            Act::RecordHealth {
                resource,
                generation,
                health,
                why: generation
                    .is_multiple_of(2)
                    .then(|| "unwell: web: Exited (1)".into()),
            }
        }
        Step::Host(seen) => Act::RecordHost {
            host: ledger.state().host_named(&name("h1"))?.id,
            seen: *seen,
        },
        Step::Pass(_) | Step::Restart | Step::Faults(_) => return None,
    };
    Some(system(act))
}

fn admin(ledger: &Ledger<impl Store>) -> KeyId {
    *ledger.state().keys.iter().next().unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_the_store_holds_is_what_state_is(steps in prop::collection::vec(step(), 1..120)) {
        let clock = SimClock::default();
        let mut ledger = started(Memory::default(), &clock);
        let mut last = Time(0);
        for step in &steps {
            match step {
                Step::Pass(ms) => clock.pass_ms(u64::from(*ms)),
                Step::Faults(faults) => ledger.store_mut().plan(faults.iter().copied()),
                Step::Restart => {
                    let mut store = ledger.into_store();
                    store.mend();
                    ledger = open(store, &clock);
                }
                _ => {}
            }
            let commands: Vec<_> = command(&ledger, step).into_iter().collect();
            ledger.turn(&commands).unwrap();
            prop_assert!(ledger.state().now() >= last);
            last = ledger.state().now();
            let mut store = ledger.store_mut().clone();
            store.mend();
            assert_same(&mut store, ledger.state());
        }
    }
}

/// The same walk on a store that keeps what it is told, and no faults but the end of the process.
/// To compare all of it takes long there, so not each step does.
fn walk(place: &impl Place, steps: &[Step]) {
    const STEPS_BETWEEN: usize = 24;
    place.clear();
    let clock = SimClock::default();
    let mut ledger = started(place.open(), &clock);
    let mut store = place.open();
    for (i, step) in steps.iter().enumerate() {
        match step {
            Step::Pass(ms) => clock.pass_ms(u64::from(*ms)),
            Step::Restart => {
                drop(ledger);
                ledger = open(place.open(), &clock);
            }
            _ => {}
        }
        let commands: Vec<_> = command(&ledger, step).into_iter().collect();
        ledger.turn(&commands).unwrap();
        if matches!(step, Step::Restart) || i % STEPS_BETWEEN == 0 {
            assert_same(&mut store, ledger.state());
        }
    }
    assert_same(&mut store, ledger.state());
}

fn what_the_store_holds_is_what_state_is_on(place: &impl Place, cases: u32) {
    let config = ProptestConfig {
        cases,
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let steps = prop::collection::vec(step(), 1..240);
    let walked = TestRunner::new(config).run(&steps, |steps| {
        walk(place, &steps);
        Ok(())
    });
    walked.unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn what_the_store_holds_is_what_state_is_on_sqlite() {
    what_the_store_holds_is_what_state_is_on(&Sqlite::new(), 12);
}

#[test]
fn what_the_store_holds_is_what_state_is_on_postgres() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    what_the_store_holds_is_what_state_is_on(&Postgres(server), 6);
}
