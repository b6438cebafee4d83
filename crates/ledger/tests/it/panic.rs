//! A panic inside a step costs the command that caused it, and nothing else.

use caviada_core::command::{Act, AttemptOutcome, Command};
use caviada_core::pool::PoolSpec;
use caviada_ledger::field::FieldRef;
use caviada_ledger::store::memory::Memory;
use caviada_ledger::store::{Batch, EachRow, Flow, JournalRow, Part, Position, Store, StoreError};
use caviada_ledger::table::{RESOURCE, Table};
use caviada_ledger::{Failure, Fatal, Ledger};

use crate::sim::{SimClock, acquire, asking, declare, lease_of, one, open, put_pool, system};

/// A store that lost a noun: whatever touches that one meets a State that cannot be.
#[derive(Debug, Default)]
struct Torn {
    memory: Memory,
    /// Its id; no two nouns have the same.
    lost: Option<u64>,
    loads: usize,
}

impl Store for Torn {
    fn take_over(&mut self) -> Result<Position, StoreError> {
        self.memory.take_over()
    }
    fn position(&mut self) -> Result<Position, StoreError> {
        self.memory.position()
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.memory.commit(batch)
    }
    fn read(&mut self, table: &'static Table, each: EachRow<'_>) -> Result<(), StoreError> {
        self.loads += usize::from(table.name == RESOURCE.name);
        let lost = self.lost.map(|id| FieldRef::Int(id.cast_signed()));
        self.memory.read(table, &mut |fields| {
            let gone = lost.as_ref() == fields.first();
            if gone { Ok(()) } else { each(fields) }
        })
    }
    fn journal(
        &mut self,
        part: Part,
        each: &mut dyn FnMut(JournalRow) -> Result<Flow, StoreError>,
    ) -> Result<(), StoreError> {
        self.memory.journal(part, each)
    }
    fn trim(&mut self, up_to: u64, rows_max: usize) -> Result<(), StoreError> {
        self.memory.trim(up_to, rows_max)
    }
}

/// A machine that is being bound to a lease, which the store then lost. The command says that it
/// is bound.
fn torn(clock: &SimClock) -> (Ledger<Torn, SimClock>, Command) {
    let mut ledger = open(Torn::default(), clock);
    let mut prepared = PoolSpec::declared();
    prepared.prepare = true;
    let made = [
        put_pool("machines", prepared),
        put_pool("others", PoolSpec::declared()),
        declare("others", "o1"),
        declare("machines", "m1"),
        acquire("ann", "machines", 0),
    ];
    let turn = ledger.turn(&made).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok), "{turn:?}");
    let lease = lease_of(&turn.answers[4]);
    let member = ledger.state().leases.get(&lease).unwrap().members[0].resource;
    let r = ledger.state().resources.get(&member).unwrap().clone();
    let bound = system(Act::Record {
        resource: member,
        generation: r.generation,
        attempt: r.attempt,
        outcome: AttemptOutcome::Done(vec![]),
    });
    let mut store = ledger.into_store();
    store.lost = Some(lease.0);
    (open(store, clock), bound)
}

#[test]
fn a_command_that_panics_is_answered_as_a_bug_and_its_neighbours_are_done() {
    let clock = SimClock::default();
    let (mut ledger, poison) = torn(&clock);
    let asked = [declare("others", "o2"), poison, acquire("ben", "others", 0)];
    let turn = ledger.turn(&asked).unwrap();
    assert!(
        matches!(turn.answers[1], Err(Failure::Internal)),
        "{turn:?}"
    );
    assert!(
        turn.answers[0].is_ok() && turn.answers[2].is_ok(),
        "{turn:?}"
    );
    assert_eq!(turn.revisions.len(), 1);
    let position = ledger.position().clone();
    let state = ledger.state().clone();
    let loaded = caviada_ledger::load::load(ledger.store_mut(), &position).unwrap();
    assert!(loaded == state);
}

#[test]
fn a_second_panic_does_not_load_the_store_again() {
    let clock = SimClock::default();
    let (mut ledger, poison) = torn(&clock);
    let loads = |ledger: &mut Ledger<Torn, SimClock>| ledger.store_mut().loads;
    let before = loads(&mut ledger);
    for _ in 0..3 {
        assert!(matches!(
            one(&mut ledger, poison.clone()),
            Err(Failure::Internal)
        ));
        assert_eq!(loads(&mut ledger), before + 1);
        clock.pass_ms(1_000);
    }
}

#[test]
fn a_panic_with_no_command_to_blame_ends_the_process_and_says_where() {
    let clock = SimClock::default();
    let mut ledger = open(Torn::default(), &clock);
    let mut asked = asking("ann", "machines", 60_000);
    asked.items[0].count = 2;
    let made = [
        put_pool("machines", PoolSpec::declared()),
        declare("machines", "m1"),
        declare("machines", "m2"),
        acquire("ben", "machines", 0),
        system(Act::Acquire(Box::new(asked))),
    ];
    let turn = ledger.turn(&made).unwrap();
    let waiting = lease_of(&turn.answers[4]);
    let kept = ledger.state().leases.get(&waiting).unwrap().earmarks[0].resource;
    let mut store = ledger.into_store();
    store.lost = Some(kept.0);
    // The waiter's time is over, and what was kept for it is not there.
    let mut ledger = open(store, &clock);
    clock.pass_ms(3_600_000);
    let fatal = ledger.turn(&[]).unwrap_err();
    let named = kept.to_string();
    assert!(
        matches!(&fatal, Fatal::Panicked(what) if what.contains(&named)),
        "{fatal}"
    );
}
