//! A clock the test moves, and the commands the tests are made of.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use caviada_core::attribute::{Attributes, Labels};
use caviada_core::command::{Acquire, Act, By, Command, Entry, Reuse, Want};
use caviada_core::host::{HostSpec, Network, PortRange};
use caviada_core::id::LeaseId;
use caviada_core::lease::Purpose;
use caviada_core::name::{Name, Owner, ResourceName};
use caviada_core::outcome::Subject;
use caviada_core::pool::PoolSpec;
use caviada_core::time::Time;
use caviada_ledger::clock::Source;
use caviada_ledger::store::Store;
use caviada_ledger::{Accepted, Answer, Ledger, Start};

/// A clock that stands still until it is moved; clones share it.
#[derive(Debug, Clone)]
pub struct SimClock(Rc<Cell<u64>>);

impl Default for SimClock {
    fn default() -> Self {
        Self(Rc::new(Cell::new(1_800_000_000_000)))
    }
}

impl SimClock {
    pub fn at(now: Time) -> Self {
        Self(Rc::new(Cell::new(now.0)))
    }

    pub fn pass_ms(&self, ms: u64) {
        self.0.set(self.0.get() + ms);
    }
}

impl Source for SimClock {
    fn wall(&mut self) -> Time {
        Time(self.0.get())
    }
    fn monotonic(&mut self) -> Duration {
        Duration::from_millis(self.0.get())
    }
}

pub fn open<S: Store>(store: S, clock: &SimClock) -> Ledger<S, SimClock> {
    Ledger::open(store, clock.clone(), Start::default()).unwrap()
}

/// A pool of two machines.
pub fn stocked<S: Store>(store: S, clock: &SimClock) -> Ledger<S, SimClock> {
    let mut ledger = open(store, clock);
    let made = [
        put_pool("machines", PoolSpec::declared()),
        declare("machines", "m1"),
        declare("machines", "m2"),
    ];
    let turn = ledger.turn(&made).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok), "{:?}", turn.answers);
    ledger
}

pub fn system(act: Act) -> Command {
    Command {
        by: By::System,
        idempotency: None,
        act,
    }
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn put_pool(pool: &str, spec: PoolSpec) -> Command {
    system(Act::PutPool {
        name: name(pool),
        spec: Box::new(spec),
        expect: None,
    })
}

pub fn declare(pool: &str, resource: &str) -> Command {
    system(Act::Declare {
        pool: name(pool),
        name: ResourceName::new(resource).unwrap(),
        attributes: Attributes::new([("cores", 4.into())]).unwrap(),
        labels: Labels::new([("rack", "r1")]).unwrap(),
        endpoints: vec![("ssh".into(), "10.0.0.1:22".into())],
        entry: Entry::Free,
        space: None,
        declared_in: None,
        expect: None,
    })
}

pub fn asking(owner: &str, pool: &str, wait_ms: u64) -> Acquire {
    Acquire {
        owner: Some(Owner::new(owner).unwrap()),
        items: vec![Want {
            pool: Some(name(pool)),
            selector: None,
            count: 1,
            amount: None,
        }],
        ttl_ms: Some(60_000),
        wait_ms,
        poll_within_ms: None,
        priority: 5,
        reuse: Reuse::Never,
        purpose: Purpose::Use,
        labels: Labels::default(),
        note: None,
    }
}

pub fn acquire(owner: &str, pool: &str, wait_ms: u64) -> Command {
    system(Act::Acquire(Box::new(asking(owner, pool, wait_ms))))
}

pub fn release(lease: LeaseId) -> Command {
    system(Act::Release {
        lease,
        members: vec![],
        hold: None,
        ok: true,
        fence: None,
    })
}

/// The lease an accepted acquire is about.
pub fn lease_of(answer: &Answer) -> LeaseId {
    match answer {
        Ok(Accepted { reply, .. }) => match reply.subject {
            Subject::Lease(id) => id,
            other => panic!("not a lease: {other:?}"),
        },
        Err(failure) => panic!("{failure}"),
    }
}

/// One command in one turn.
pub fn one<S: Store>(ledger: &mut Ledger<S, SimClock>, command: Command) -> Answer {
    ledger.turn(&[command]).unwrap().answers.remove(0)
}

pub fn host() -> HostSpec {
    HostSpec {
        driver: "docker".into(),
        address: "unix:///var/run/docker.sock".into(),
        options: [("run_id".into(), "t1".into())].into(),
        credential: None,
        reach: "127.0.0.1".into(),
        capacity: 4,
        holds: Default::default(),
        schedulable: true,
        drain: false,
        autofill: false,
        ports: Some(PortRange {
            first: 20_000,
            last: 20_999,
            block: 10,
        }),
        network: Some(Network {
            address: "10.9.0.0".parse().unwrap(),
            prefix: 16,
            subnet: 28,
        }),
        defaults: Default::default(),
        images: Default::default(),
        builds_max: 4,
        attributes: Default::default(),
        labels: Default::default(),
        lost_after_ms: 300_000,
        declared_in: None,
    }
}
