//! Scenes in plain words: one State, people who act on it, and drivers that do their work when told
//! to. After everything that happens the invariants hold.

use std::collections::BTreeMap;

use caviada_core::attribute::{Attributes, Labels, Value};
use caviada_core::check::violations;
use caviada_core::command::{
    Acquire, Act, AttemptOutcome, By, Command, Entry, Idempotency, Reply, Reuse, Want,
};
use caviada_core::event::Event;
use caviada_core::host::HostSpec;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::key::Role;
use caviada_core::lease::{End, Lease, LeaseState, Purpose};
use caviada_core::name::{Name, Owner, ResourceName};
use caviada_core::outcome::Subject;
use caviada_core::pool::PoolSpec;
use caviada_core::quota::QuotaSpec;
use caviada_core::refusal::Refusal;
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::settle::{Bound, settle};
use caviada_core::space::{Amount, Amounts};
use caviada_core::state::State;
use caviada_core::step::step;
use caviada_core::time::Time;

/// When every scene begins.
pub const START: Time = Time(1_000_000);

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn owner(text: &str) -> Owner {
    Owner::new(text).unwrap()
}

/// One State and the events that made it.
pub struct Scene {
    pub state: State,
    pub events: Vec<Event>,
}

impl Scene {
    /// Ann, Bob and Cid have keys, and so has an operator.
    pub fn new() -> Self {
        let mut scene = Self {
            state: State::default(),
            events: vec![],
        };
        scene.state.begin(START);
        let people = [
            ("ann", Role::User),
            ("bob", Role::User),
            ("cid", Role::User),
            ("operator", Role::Operator),
            ("admin", Role::Admin),
        ];
        for (n, (who, role)) in (0..).zip(people) {
            let key = Act::PutKey {
                name: name(who),
                role,
                owner: owner(who),
                groups: Default::default(),
                act_for: Default::default(),
                hash: [n; 32],
                expires_at: None,
                declared_in: None,
            };
            scene.system(key);
        }
        scene
    }

    /// A scene with a pool of declared machines that need no cleaning.
    pub fn with_machines(machines: &[&str]) -> Self {
        let mut scene = Self::new();
        scene.pool("machines", PoolSpec::declared());
        for machine in machines {
            scene.machine(machine, &[]);
        }
        scene
    }

    /// A scene with a template and one host with room for eight.
    pub fn with_host() -> Self {
        let mut scene = Self::new();
        scene.revise("first");
        scene.host("h1", |_| {});
        scene
    }

    /// Does an act and settles; its events are kept.
    pub fn act(&mut self, by: By, act: Act) -> Result<Reply, Refusal> {
        let command = Command {
            by,
            idempotency: None,
            act,
        };
        self.command(&command)
    }

    pub fn command(&mut self, command: &Command) -> Result<Reply, Refusal> {
        let (reply, events) = step(&mut self.state, command, &mut Bound::default())?;
        self.events.extend(events);
        self.check();
        Ok(reply)
    }

    /// What Caviada itself does is never refused here.
    pub fn system(&mut self, act: Act) -> Reply {
        self.act(By::System, act).unwrap()
    }

    /// The key of somebody.
    pub fn by(&self, who: &str) -> By {
        let key = self.state.keys.values().find(|k| k.name == name(who));
        By::Key(key.unwrap().id)
    }

    pub fn does(&mut self, who: &str, act: Act) -> Result<Reply, Refusal> {
        self.act(self.by(who), act)
    }

    /// The same under an idempotency key, which stands for this one act.
    pub fn keyed(&mut self, who: &str, key: &str, act: Act) -> Result<Reply, Refusal> {
        let command = Command {
            by: self.by(who),
            idempotency: Some(Idempotency {
                key: key.into(),
                digest: [0; 32],
            }),
            act,
        };
        self.command(&command)
    }

    fn check(&self) {
        let wrong = violations(&self.state);
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    /// Time passes, and what is due is done when it is due.
    pub fn pass(&mut self, ms: u64) {
        let until = self.state.now().plus_ms(ms);
        loop {
            let due = self.state.next_due().filter(|due| *due <= until);
            self.state.finish();
            self.state.begin(due.unwrap_or(until).max(self.state.now()));
            settle(&mut self.state, &mut Bound::default(), &mut self.events);
            self.check();
            if due.is_none() {
                return;
            }
        }
    }

    pub fn pool(&mut self, pool: &str, spec: PoolSpec) {
        let act = Act::PutPool {
            name: name(pool),
            spec: Box::new(spec),
            expect: None,
        };
        self.system(act);
    }

    /// Enters a machine with whole numbers as attributes.
    pub fn machine(&mut self, machine: &str, attributes: &[(&str, i64)]) -> ResourceId {
        let attributes = attributes.iter().map(|(k, v)| (*k, Value::from(*v)));
        self.declare("machines", machine, attributes.collect(), None)
    }

    /// Enters a resource, divisible if it has a space.
    pub fn declare(
        &mut self,
        pool: &str,
        resource: &str,
        attributes: Vec<(&str, Value)>,
        space: Option<&str>,
    ) -> ResourceId {
        let reply = self.system(Act::Declare {
            pool: name(pool),
            name: ResourceName::new(resource).unwrap(),
            attributes: Attributes::new(attributes).unwrap(),
            labels: Labels::default(),
            endpoints: vec![],
            declared_in: None,
            entry: Entry::Free,
            space: space.map(|s| Box::new(s.parse().unwrap())),
            expect: None,
        });
        let Subject::Resource(id) = reply.subject else {
            panic!("{reply:?}");
        };
        id
    }

    /// A new revision of the template `cluster`.
    pub fn revise(&mut self, text: &str) {
        self.revise_as("cluster", text);
    }

    /// A new revision of a template of this name.
    pub fn revise_as(&mut self, template: &str, text: &str) {
        self.put_template(template, text, 120_000).unwrap();
    }

    /// The same with what its bring-up may take.
    pub fn put_template(
        &mut self,
        template: &str,
        text: &str,
        create_ms: u64,
    ) -> Result<Reply, Refusal> {
        let files = BTreeMap::from([("template.toml".into(), text.into())]);
        let act = Act::PutTemplate {
            expect: None,
            name: name(template),
            files: files.into(),
            drivers: vec!["docker".into()],
            ports: false,
            reset: true,
            create_ms,
            declared_in: None,
        };
        self.act(By::System, act)
    }

    /// A host in sight, with room for eight unless `change` says otherwise.
    pub fn host(&mut self, host: &str, change: impl FnOnce(&mut HostSpec)) {
        let mut spec = HostSpec {
            driver: "docker".into(),
            address: "unix:///run/engine.sock".into(),
            options: Default::default(),
            credential: None,
            reach: "127.0.0.1".into(),
            capacity: 8,
            holds: Default::default(),
            schedulable: true,
            drain: false,
            autofill: false,
            ports: None,
            network: None,
            defaults: Default::default(),
            images: Default::default(),
            builds_max: 4,
            attributes: Attributes::default(),
            labels: Labels::default(),
            declared_in: None,
            lost_after_ms: 60_000,
        };
        change(&mut spec);
        let reply = self.system(Act::PutHost {
            name: name(host),
            spec: Box::new(spec),
            expect: None,
        });
        let Subject::Host(host) = reply.subject else {
            panic!("{reply:?}");
        };
        self.system(Act::RecordHost { host, seen: true });
    }

    /// Bounds an owner in what `change` says.
    pub fn quota(&mut self, who: &str, change: impl FnOnce(&mut QuotaSpec)) {
        let mut spec = QuotaSpec::default();
        change(&mut spec);
        self.system(Act::PutQuota {
            owner: owner(who),
            spec,
            declared_in: None,
            expect: None,
        });
    }

    /// A host goes out of sight or comes back.
    pub fn seen(&mut self, host: &str, seen: bool) {
        let host = self.state.host_named(&name(host)).unwrap().id;
        self.system(Act::RecordHost { host, seen });
    }

    /// The attempts that wait for their outcomes.
    pub fn open(&self) -> Vec<(ResourceId, u64, u64)> {
        let open = self.state.resources.values().filter(|r| r.open);
        open.map(|r| (r.id, r.generation, r.attempt)).collect()
    }

    /// Drivers end all they are asked to, until they are asked for nothing more.
    pub fn drivers_work(&mut self) {
        while !self.open().is_empty() {
            self.drivers_end(&AttemptOutcome::Done(vec![]));
        }
    }

    /// Every open attempt ends like this, once.
    pub fn drivers_end(&mut self, outcome: &AttemptOutcome) {
        for (resource, generation, attempt) in self.open() {
            self.system(Act::Record {
                resource,
                generation,
                attempt,
                outcome: outcome.clone(),
            });
        }
    }

    pub fn drivers_fail(&mut self) {
        self.drivers_end(&AttemptOutcome::Failed {
            kind: "not_ready".into(),
            detail: "it never answered".into(),
        });
    }

    pub fn acquire(&mut self, who: &str, acquire: Acquire) -> Result<LeaseId, Refusal> {
        let reply = self.does(who, Act::Acquire(Box::new(acquire)))?;
        let Subject::Lease(id) = reply.subject else {
            panic!("{reply:?}");
        };
        Ok(id)
    }

    /// One member of a pool, which must be free.
    pub fn take(&mut self, who: &str, pool: &str) -> LeaseId {
        self.acquire(who, want(pool)).unwrap()
    }

    /// A place in the queue of a pool, which must be empty.
    pub fn wait(&mut self, who: &str, pool: &str) -> LeaseId {
        let id = self.acquire(who, waiting(want(pool))).unwrap();
        assert_eq!(self.lease(id).state, LeaseState::Waiting);
        id
    }

    pub fn renew(&mut self, who: &str, lease: LeaseId, ttl_ms: u64) -> Result<Reply, Refusal> {
        let act = Act::Renew {
            lease,
            ttl_ms: Some(ttl_ms),
            fence: None,
        };
        self.does(who, act)
    }

    pub fn release(&mut self, who: &str, lease: LeaseId) -> Result<Reply, Refusal> {
        self.does(who, released(lease))
    }

    pub fn lease(&self, id: LeaseId) -> &Lease {
        self.state.leases.get(&id).unwrap()
    }

    /// How a lease ended, if it did.
    pub fn end(&self, id: LeaseId) -> Option<End> {
        self.state.ended_lease(id).map(|e| e.end)
    }

    /// The names of what a lease has.
    pub fn names(&self, id: LeaseId) -> Vec<String> {
        let members = self.lease(id).members.iter();
        let resources = members.map(|m| &self.state.resources.get(&m.resource).unwrap().doc.name);
        resources.map(ToString::to_string).collect()
    }

    /// The only member of a lease.
    pub fn member(&self, id: LeaseId) -> &Resource {
        let [member] = &self.lease(id).members[..] else {
            panic!("{:?}", self.lease(id).members);
        };
        self.resource(member.resource)
    }

    pub fn resource(&self, id: ResourceId) -> &Resource {
        self.state.resources.get(&id).unwrap()
    }

    /// How many resources are in a state.
    pub fn count(&self, state: ResourceState) -> usize {
        let all = self.state.resources.values();
        all.filter(|r| r.state == state).count()
    }
}

/// One member of a pool, at once or not at all.
pub fn want(pool: &str) -> Acquire {
    wants(vec![item(pool, 1)])
}

/// All of these, at once or not at all.
pub fn wants(items: Vec<Want>) -> Acquire {
    Acquire {
        owner: None,
        items,
        ttl_ms: Some(60_000),
        wait_ms: 0,
        poll_within_ms: None,
        priority: 5,
        reuse: Reuse::Never,
        purpose: Purpose::Use,
        labels: Labels::default(),
        note: None,
    }
}

pub fn item(pool: &str, count: u32) -> Want {
    Want {
        pool: Some(name(pool)),
        selector: None,
        count,
        amount: None,
    }
}

/// The same, and a minute's patience.
pub fn waiting(acquire: Acquire) -> Acquire {
    Acquire {
        wait_ms: 60_000,
        ..acquire
    }
}

pub fn released(lease: LeaseId) -> Act {
    Act::Release {
        lease,
        members: vec![],
        hold: None,
        ok: true,
        fence: None,
    }
}

/// `cpu=2,mem=3`.
pub fn amounts(text: &str) -> Amounts {
    match text.parse().unwrap() {
        Amount::Quantity(amounts) => amounts,
        other => panic!("{other}"),
    }
}
