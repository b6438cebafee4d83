//! Projection: from revisions of the journal to the history's rows, one transaction per round.

use std::cell::RefCell;
use std::collections::BTreeMap;

use caviada_core::event::{After, Event};
use caviada_core::id::{LeaseId, PoolId, ResourceId};
use caviada_core::name::Owner;
use caviada_core::resource::Resource;
use caviada_core::state::State;
use caviada_core::time::Time;

use super::lease::PastLease;
use super::posting::{self, Postings};
use super::subject::{Context, Subject, subjects};
use crate::engine::{Engine, Guard};
use crate::field::{Field, Reader};
use crate::journal::Revision;
use crate::kill_point;
use crate::migration::{self, HISTORY};
use crate::store::{Flow, StoreError};
use crate::table::{LEASE_HISTORY, LEASE_OF, MEMBER, MEMBER_GONE, POSTING, Verb, Writes};

/// Projects revisions into the history.
pub(crate) struct Projector {
    engine: Box<dyn Engine + Send>,
    /// The last revision that is written.
    mark: u64,
    /// Its ledger time.
    at: Time,
    /// No lease that is written has a greater id.
    newest_lease: u64,
    seen: Seen,
    round: Round,
}

/// Brings the schema up to date and makes the first row.
pub(crate) fn prepare(engine: &mut dyn Engine) -> Result<(), StoreError> {
    migration::migrate(engine, HISTORY)?;
    let first = "INSERT INTO mark (id, revision, at) VALUES (1, 0, 0) ON CONFLICT DO NOTHING";
    engine.execute(&[(first, &[])])
}

/// What later events refer to: live leases and the pools of resources.
#[derive(Default)]
struct Seen {
    pools: BTreeMap<ResourceId, PoolId>,
    leases: BTreeMap<LeaseId, PastLease>,
    marks: BTreeMap<ResourceId, LeaseId>,
    /// Numbers of owners this round has met: each is a digest.
    owners: RefCell<BTreeMap<Owner, Subject>>,
}

/// What is not written yet. Lists are sorted, and freed of what came twice, as they are written.
#[derive(Default)]
struct Round {
    last: u64,
    at: Time,
    postings: Postings,
    lease_of: Postings,
    touched: Vec<LeaseId>,
    ended: Vec<PastLease>,
    members: BTreeMap<ResourceId, [Field; 4]>,
    gone: BTreeMap<ResourceId, Time>,
}

impl Context for Seen {
    fn pool_of(&self, resource: ResourceId) -> Option<PoolId> {
        self.pools.get(&resource).copied()
    }

    fn lease(&self, lease: LeaseId, look: impl FnOnce(&PastLease)) {
        if let Some(lease) = self.leases.get(&lease) {
            look(lease);
        }
    }

    fn owner(&self, owner: &Owner) -> Subject {
        let mut known = self.owners.borrow_mut();
        if let Some(subject) = known.get(owner) {
            return *subject;
        }
        let subject = Subject::owner(owner);
        known.insert(owner.clone(), subject);
        subject
    }
}

impl Projector {
    /// Nothing is read yet.
    pub fn new(engine: Box<dyn Engine + Send>) -> Self {
        Self {
            engine,
            mark: 0,
            at: Time(0),
            newest_lease: 0,
            seen: Seen::default(),
            round: Round::default(),
        }
    }

    /// Goes on from the mark; forgets what was taken and not written.
    pub fn resume(&mut self) -> Result<(), StoreError> {
        self.engine.revive()?;
        prepare(&mut *self.engine)?;
        self.round = Round::default();
        (self.mark, self.at) = mark(&mut *self.engine)?;
        self.newest_lease = newest_lease(&mut *self.engine)?;
        self.seen = Seen::load(&mut *self.engine)?;
        Ok(())
    }

    /// The history's database.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// The last revision that is written.
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// Ledger time of the last revision that is written.
    pub fn at(&self) -> Time {
        self.at
    }

    /// The last revision that was taken, written or not.
    pub fn newest(&self) -> u64 {
        self.mark.max(self.round.last)
    }

    /// Postings that are not written yet.
    pub fn pending(&self) -> usize {
        self.round.postings.len()
    }

    /// Goes on from a State, where the journal does not reach back to the mark, or where the store
    /// went back behind it.
    pub fn seed(&mut self, state: &State) -> Result<(), StoreError> {
        let (revision, counter) = (state.revision(), state.counter());
        if self.mark > revision {
            posting::cut(&POSTING, revision, &mut *self.engine)?;
            posting::cut(&LEASE_OF, counter, &mut *self.engine)?;
            self.engine.execute(&[
                (
                    "DELETE FROM lease_history WHERE last > $1",
                    &[revision.into()],
                ),
                ("DELETE FROM member WHERE id > $1", &[counter.into()]),
            ])?;
            self.newest_lease = newest_lease(&mut *self.engine)?;
            self.seen = Seen::load(&mut *self.engine)?;
        }
        self.round = Round {
            last: revision,
            at: state.now(),
            ..Round::default()
        };
        for r in state.resources.values() {
            self.born(r);
        }
        let gone = |l: &LeaseId| state.leases.get(l).is_none();
        let lost: Vec<LeaseId> = self.seen.leases.keys().copied().filter(gone).collect();
        for id in lost {
            // It ended where nobody looked.
            if let Some(mut lease) = self.seen.leases.remove(&id) {
                lease.ended_at = Some(state.now());
                self.round.ended.push(lease);
            }
        }
        for l in state.leases.values() {
            if !self.seen.leases.contains_key(&l.id) {
                self.begin(PastLease::of(l, revision));
            }
        }
        self.write()
    }

    /// Takes a revision into the round.
    pub fn project(&mut self, revision: &Revision) {
        (self.round.last, self.round.at) = (revision.revision, revision.at);
        let (mut all, mut found) = (Vec::new(), Vec::new());
        for (_, _, event) in revision.events() {
            self.come(event, revision);
            subjects(event, &self.seen, &mut found);
            // Its first and last revision are in the lease's own row.
            let own = match event {
                Event::LeaseWaiting(lease) | Event::LeaseGranted { lease, .. } => Some(lease.id),
                Event::LeaseEnded { lease, .. } => Some(*lease),
                Event::LeaseImported(past) => Some(past.id),
                _ => None,
            };
            let own = own.map(|id| Subject::noun(id.0));
            all.extend(found.drain(..).filter(|s| Some(*s) != own));
            self.go(event, revision.at);
        }
        // Most of a batch is about the same few.
        all.sort_unstable();
        all.dedup();
        for subject in all {
            self.round.postings.push(subject, revision.revision);
        }
    }

    /// What comes with an event, before it is posted.
    fn come(&mut self, event: &Event, revision: &Revision) {
        match event {
            Event::ResourceDeclared(r) | Event::ResourcePlanned(r) | Event::ResourceCut(r) => {
                self.born(r);
            }
            Event::LeaseWaiting(lease) | Event::LeaseGranted { lease, .. } => {
                self.begin(PastLease::of(lease, revision.revision));
            }
            Event::LeaseImported(past) => {
                self.begin(PastLease::imported(past, revision.revision));
            }
            Event::ResourceUnmarked(resource) => self.unmark(*resource),
            _ => {}
        }
        let Some(id) = lease_of(event) else { return };
        if let Event::ResourceEarmarked { resource, .. } = event {
            self.unmark(*resource);
            self.seen.marks.insert(*resource, id);
        }
        let Some(lease) = self.seen.leases.get_mut(&id) else {
            return;
        };
        if matches!(event, Event::LeaseMet { .. } | Event::LeaseEnded { .. }) {
            for resource in &lease.marked {
                self.seen.marks.remove(resource);
            }
        }
        lease.apply(event, revision.at);
        lease.last = revision.revision;
        self.round.touched.push(id);
        let more = |e: &Event| {
            use Event::{LeaseGiven, LeaseMet, LeaseSwapped};
            matches!(e, LeaseMet { .. } | LeaseSwapped { .. } | LeaseGiven(..))
        };
        if more(event) {
            self.listed(id);
        }
    }

    /// What goes with an event, after it is posted.
    fn go(&mut self, event: &Event, at: Time) {
        match event {
            Event::ResourceGone(id) => self.gone(*id, at),
            Event::LeaseEnded { lease, members, .. } => {
                for (id, after) in members {
                    if *after == After::Gone {
                        self.gone(*id, at);
                    }
                }
                self.over(*lease);
            }
            Event::LeaseImported(past) => self.over(past.id),
            Event::LeaseReduced(_, id, After::Gone)
            | Event::LeaseSwapped {
                out: id,
                after: After::Gone,
                ..
            } => self.gone(*id, at),
            _ => {}
        }
    }

    fn born(&mut self, r: &Resource) {
        self.seen.pools.insert(r.id, r.pool);
        let row = [
            r.id.0.into(),
            r.pool.0.into(),
            r.doc.name.as_str().into(),
            Field::Null,
        ];
        self.round.members.insert(r.id, row);
    }

    fn gone(&mut self, id: ResourceId, at: Time) {
        self.seen.pools.remove(&id);
        match self.round.members.get_mut(&id) {
            Some(row) => row[3] = at.0.into(),
            None => drop(self.round.gone.insert(id, at)),
        }
    }

    fn begin(&mut self, mut lease: PastLease) {
        let id = lease.id;
        for resource in &lease.marked {
            self.seen.marks.insert(*resource, id);
        }
        self.round.list(&mut lease, &self.seen);
        self.round.touched.push(id);
        self.seen.leases.insert(id, lease);
    }

    /// A lease is over: nothing more will change it.
    fn over(&mut self, id: LeaseId) {
        self.round.ended.extend(self.seen.leases.remove(&id));
    }

    fn unmark(&mut self, resource: ResourceId) {
        let Some(id) = self.seen.marks.remove(&resource) else {
            return;
        };
        if let Some(lease) = self.seen.leases.get_mut(&id) {
            lease.marked.retain(|r| *r != resource);
            self.round.touched.push(id);
        }
    }

    /// A lease has to do with somebody else.
    fn listed(&mut self, id: LeaseId) {
        if let Some(mut lease) = self.seen.leases.remove(&id) {
            self.round.list(&mut lease, &self.seen);
            self.seen.leases.insert(id, lease);
        }
    }

    /// Writes the round. After an error everything is read again from the mark.
    pub fn write(&mut self) -> Result<(), StoreError> {
        let mut round = std::mem::take(&mut self.round);
        self.seen.owners.get_mut().clear();
        round.sort();
        let mut leases = Writes::with_room(Verb::Put, &LEASE_HISTORY, round.ended.len());
        for lease in &round.ended {
            leases.push(lease.row());
        }
        // What ended is among them no more.
        let live = |id| self.seen.leases.get(id);
        for lease in round.touched.iter().filter_map(live) {
            leases.push(lease.row());
        }
        let newest_lease = round.lease_of.last().max(Some(self.newest_lease));
        let engine = &mut *self.engine;
        let lease_of = round.lease_of.write(&LEASE_OF, self.newest_lease, engine)?;
        let postings = round.postings.write(&POSTING, self.mark, engine)?;
        let mut members = Writes::new(Verb::Put, &MEMBER);
        for row in round.members.into_values() {
            members.push(row);
        }
        let mut gone = Writes::new(Verb::Change, &MEMBER_GONE);
        for (id, at) in round.gone {
            gone.push([id.0.into(), at.0.into()]);
        }
        let mut writes = vec![leases, lease_of, postings, members, gone];
        writes.retain(|w| !w.is_empty());
        let guard = Guard {
            table: "mark",
            set: "revision = $2, at = $3",
            holds: "revision = $1",
            args: vec![self.mark.into(), round.last.into(), round.at.0.into()],
        };
        kill_point!("before-projection");
        self.engine.commit(&guard, &writes)?;
        kill_point!("after-projection");
        (self.mark, self.at) = (round.last, round.at);
        self.newest_lease = newest_lease.unwrap_or_default();
        Ok(())
    }
}

impl Round {
    /// Lists a lease under everybody it has to do with, the pools of its members among them.
    fn list(&mut self, lease: &mut PastLease, seen: &Seen) {
        for member in &lease.members {
            let pool = seen.pools.get(member);
            if let Some(pool) = pool.filter(|p| !lease.pools.contains(p)) {
                lease.pools.push(*pool);
            }
        }
        let owners = lease.owners.iter().map(|o| seen.owner(o));
        let pools = lease.pools.iter().map(|p| Subject::noun(p.0));
        let members = lease.members.iter().map(|r| Subject::noun(r.0));
        let all = owners.chain(pools).chain(members);
        all.for_each(|subject| self.lease_of.push(subject, lease.id.0));
    }

    /// Rows in the order of their keys, each once.
    fn sort(&mut self) {
        self.touched.sort_unstable();
        self.touched.dedup();
        self.ended.sort_unstable_by_key(|lease| lease.id);
    }
}

/// The lease an event changes.
fn lease_of(event: &Event) -> Option<LeaseId> {
    match event {
        Event::ResourceEarmarked { rank, .. } => Some(rank.lease),
        Event::LeaseMet { lease, .. }
        | Event::LeaseSwapped { lease, .. }
        | Event::LeaseEnded { lease, .. }
        | Event::LeaseActive(lease)
        | Event::LeaseRenewed(lease, _)
        | Event::LeasePolled(lease, _)
        | Event::LeaseReduced(lease, ..)
        | Event::LeaseFlagged(lease, _)
        | Event::LeaseGiven(lease, _)
        | Event::LeaseShared(lease, _)
        | Event::LeaseNoted(lease, ..) => Some(*lease),
        _ => None,
    }
}

/// Where a history stands: revision, and its ledger time.
pub(crate) fn mark(engine: &mut dyn Engine) -> Result<(u64, Time), StoreError> {
    let mut found = None;
    engine.query("SELECT revision, at FROM mark", &[], &mut |fields| {
        let mut row = Reader::new("mark", fields);
        found = Some((row.u64()?, Time(row.u64()?)));
        Ok(Flow::Break(()))
    })?;
    found.ok_or_else(|| StoreError::Broken("the history has no mark".into()))
}

/// The greatest id of a lease the history knows.
fn newest_lease(engine: &mut dyn Engine) -> Result<u64, StoreError> {
    let mut found = None;
    let sql = "SELECT MAX(id) FROM lease_history";
    engine.query(sql, &[], &mut |fields| {
        found = Reader::new(LEASE_HISTORY.name, fields).maybe_u64()?;
        Ok(Flow::Break(()))
    })?;
    Ok(found.unwrap_or_default())
}

impl Seen {
    fn load(engine: &mut dyn Engine) -> Result<Self, StoreError> {
        let mut seen = Self::default();
        let names: Vec<_> = LEASE_HISTORY.columns.iter().map(|c| c.name).collect();
        let live = format!(
            "SELECT {} FROM lease_history WHERE ended_at IS NULL",
            names.join(", ")
        );
        engine.query(&live, &[], &mut |fields| {
            let lease = PastLease::read(Reader::new(LEASE_HISTORY.name, fields))?;
            seen.marks
                .extend(lease.marked.iter().map(|r| (*r, lease.id)));
            seen.leases.insert(lease.id, lease);
            Ok(Flow::Continue(()))
        })?;
        engine.query(
            "SELECT id, pool FROM member WHERE gone_at IS NULL",
            &[],
            &mut |fields| {
                let mut row = Reader::new(MEMBER.name, fields);
                seen.pools
                    .insert(ResourceId(row.u64()?), PoolId(row.u64()?));
                Ok(Flow::Continue(()))
            },
        )?;
        Ok(seen)
    }
}
