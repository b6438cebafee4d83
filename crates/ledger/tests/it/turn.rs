//! The turn, on a store that fails on demand.

use caviada_core::command::Act;
use caviada_core::limits;
use caviada_core::pool::PoolSpec;
use caviada_core::refusal::Refusal;
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_ledger::load::{load, replay};
use caviada_ledger::store::memory::{Fault, Memory};
use caviada_ledger::store::{Position, Store};
use caviada_ledger::{Failure, Fatal, Ledger, Noun, Start};

use crate::sim::{
    SimClock, acquire, declare, lease_of, one, open, put_pool, release, stocked, system,
};

type SimLedger = Ledger<Memory, SimClock>;

/// What the store holds is what State is, and so is what the journal tells.
fn assert_durable(ledger: &mut SimLedger) {
    let position = ledger.position().clone();
    let state = ledger.state().clone();
    let mut store = ledger.store_mut().clone();
    store.mend();
    assert_eq!(*store.stands_at(), position);
    let mut loaded = load(&mut store, &position).unwrap();
    loaded.begin(state.now());
    assert!(loaded == state, "loaded: {loaded:#?}\nstate: {state:#?}");
    let mut replayed = replay(&mut store, State::default()).unwrap();
    replayed.begin(state.now());
    assert!(
        replayed == state,
        "replayed: {replayed:#?}\nstate: {state:#?}"
    );
}

#[test]
fn what_was_answered_is_in_the_store() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let granted = one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
    let Noun::Lease(lease, members) = &granted.noun else {
        panic!("{granted:?}")
    };
    assert_eq!(members[0].0.lease, Some(lease.id));
    assert_eq!(members[0].1.name.as_str(), "machines");
    assert_eq!(granted.revision, ledger.store_mut().stands_at().revision);
    assert_durable(&mut ledger);
    one(&mut ledger, release(lease.id)).unwrap();
    assert_durable(&mut ledger);
}

#[test]
fn one_turn_is_one_commit_and_an_idle_one_is_none() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let revision = ledger.position().revision;
    let asked = [acquire("ann", "machines", 0), acquire("ben", "machines", 0)];
    let turn = ledger.turn(&asked).unwrap();
    assert_eq!((turn.answers.len(), turn.revisions.len()), (2, 1));
    assert_eq!(ledger.position().revision, revision + 1);
    clock.pass_ms(1_000);
    assert!(ledger.turn(&[]).unwrap().revisions.is_empty());
    assert_eq!(ledger.position().revision, revision + 1);
}

#[test]
fn a_refusal_commits_nothing() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let before = ledger.position().clone();
    let refused = one(&mut ledger, acquire("ann", "nowhere", 0));
    assert!(
        matches!(refused, Err(Failure::Refused(Refusal::Unknown { .. }))),
        "{refused:?}"
    );
    assert_eq!(*ledger.position(), before);
}

#[test]
fn an_expired_lease_ends_in_a_turn_without_commands() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let id = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
    assert_eq!(ledger.idle_ms().unwrap(), Some(60_000));
    clock.pass_ms(60_000);
    assert_eq!(ledger.idle_ms().unwrap(), Some(0));
    assert_eq!(ledger.turn(&[]).unwrap().revisions.len(), 1);
    assert!(ledger.state().leases.get(&id).is_none());
    assert!(ledger.state().ended_lease(id).is_some());
    assert_durable(&mut ledger);
}

#[test]
fn a_restart_finds_everything_acknowledged() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let first = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
    let second = lease_of(&one(&mut ledger, acquire("ben", "machines", 0)));
    let waiting = lease_of(&one(&mut ledger, acquire("cy", "machines", 60_000)));
    one(&mut ledger, release(first)).unwrap();
    let (state, epoch) = (ledger.state().clone(), ledger.position().epoch);
    let mut ledger = open(ledger.into_store(), &clock);
    assert_eq!(ledger.position().epoch, epoch + 1);
    assert!(*ledger.state() == state);
    assert!(ledger.state().leases.get(&second).is_some());
    assert!(ledger.state().ended_lease(first).is_some());
    let granted = ledger.state().leases.get(&waiting).unwrap();
    assert_eq!(granted.members.len(), 1, "the waiter got what came back");
    ledger.turn(&[]).unwrap();
    assert_durable(&mut ledger);
}

#[test]
fn after_a_restart_a_live_lease_has_time_left() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let near = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
    clock.pass_ms(50_000);
    let far = lease_of(&one(&mut ledger, acquire("ben", "machines", 0)));
    clock.pass_ms(20_000);
    let mut ledger = open(ledger.into_store(), &clock);
    ledger.turn(&[]).unwrap();
    let now = ledger.state().now();
    let left = |id| {
        ledger
            .state()
            .leases
            .get(&id)
            .and_then(|l| l.deadline)
            .map(|d| d.since(now))
    };
    assert_eq!(
        left(near),
        Some(30_000),
        "it was over, but nobody had said so"
    );
    assert_eq!(left(far), Some(40_000));
    assert_durable(&mut ledger);
}

#[test]
fn after_a_restart_many_live_leases_have_time_left_before_anything_ends_and_no_turn_is_too_long() {
    let many = 2 * limits::EVENTS_PER_TURN_MAX + 5;
    let clock = SimClock::default();
    let mut ledger = open(Memory::default(), &clock);
    let mut asked = vec![put_pool("machines", PoolSpec::declared())];
    asked.extend((0..many).map(|i| declare("machines", &format!("m{i}"))));
    asked.extend((0..many).map(|_| acquire("ann", "machines", 0)));
    let turn = ledger.turn(&asked).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok));
    let granted: Vec<_> = turn.answers[1 + many..].iter().map(lease_of).collect();
    // All of them are over, but nobody had said so.
    clock.pass_ms(70_000);
    let mut ledger = open(ledger.into_store(), &clock);
    ledger.store_mut().plan([None, Some(Fault::Refuse)]);
    let renew = |lease| {
        system(Act::Renew {
            lease,
            ttl_ms: Some(60_000),
            fence: None,
        })
    };
    let turn = ledger.turn(&[renew(granted[many - 1])]).unwrap();
    assert!(turn.refused && turn.answers.len() == 1, "{turn:?}");
    // A holder who comes as soon as the store is back is in time, whoever has his time already.
    let turn = ledger.turn(&[renew(granted[many - 1])]).unwrap();
    assert!(turn.answers[0].is_ok(), "{:?}", turn.answers);
    let events = turn.revisions.iter().map(|r| r.events().count());
    let longest = events.max().unwrap();
    assert!(longest <= limits::EVENTS_PER_TURN_MAX, "{longest}");
    assert_eq!(ledger.state().leases.len(), many);
    let now = ledger.state().now();
    let left = ledger
        .state()
        .leases
        .values()
        .map(|l| l.deadline.unwrap().since(now));
    assert_eq!(left.min(), Some(limits::RESTART_GRACE_MS));
    assert_durable(&mut ledger);
}

#[test]
fn a_refused_batch_changes_nothing_and_every_command_of_it_is_unavailable() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let before = ledger.state().clone();
    ledger.store_mut().plan([Some(Fault::Refuse); 2]);
    let asked = [acquire("ann", "machines", 0), acquire("ben", "machines", 0)];
    // Once with State loaded again, once with the clone taken since.
    for _ in 0..2 {
        let turn = ledger.turn(&asked).unwrap();
        assert!(turn.refused);
        assert!(
            turn.answers
                .iter()
                .all(|a| matches!(a, Err(Failure::Unavailable)))
        );
        assert!(*ledger.state() == before);
        assert_durable(&mut ledger);
    }
    let turn = ledger.turn(&asked).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok));
    assert_durable(&mut ledger);
}

#[test]
fn a_commit_of_unknown_outcome_is_found_or_sent_again() {
    for fault in [Fault::LoseBefore, Fault::LoseAfter] {
        let clock = SimClock::default();
        let mut ledger = stocked(Memory::default(), &clock);
        let revision = ledger.position().revision;
        ledger.store_mut().plan([Some(fault)]);
        let id = lease_of(&one(&mut ledger, acquire("ann", "machines", 0)));
        assert_eq!(
            ledger.position().revision,
            revision + 1,
            "{fault:?}: once, not twice"
        );
        assert!(ledger.state().leases.get(&id).is_some());
        assert_durable(&mut ledger);
    }
}

#[test]
fn a_refusal_after_an_unknown_outcome_is_not_believed() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    ledger
        .store_mut()
        .plan([Some(Fault::LoseBefore), Some(Fault::Refuse), None]);
    one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
    assert_durable(&mut ledger);
}

#[test]
fn a_deposed_ledger_commits_nothing_more() {
    for lost in [false, true] {
        let clock = SimClock::default();
        let mut ledger = stocked(Memory::default(), &clock);
        let image = ledger.store_mut().clone();
        ledger.store_mut().depose();
        ledger
            .store_mut()
            .plan(lost.then_some(Some(Fault::LoseBefore)));
        let fatal = ledger.turn(&[acquire("ann", "machines", 0)]).unwrap_err();
        assert!(
            matches!(fatal, Fatal::Deposed { epoch: 2, .. }),
            "{fatal:?}"
        );
        let mut store = ledger.into_store();
        let (mut before, mut after) = (image, store.clone());
        let read = |s: &mut Memory| load(s, &Position::default()).unwrap();
        assert!(read(&mut before) == read(&mut after));
        assert_eq!(store.position().unwrap().epoch, 2);
    }
}

#[test]
fn a_broken_disk_ends_the_process() {
    for fault in [Fault::Break, Fault::BreakAfter] {
        let clock = SimClock::default();
        let mut ledger = stocked(Memory::default(), &clock);
        ledger.store_mut().plan([Some(fault)]);
        let fatal = ledger.turn(&[acquire("ann", "machines", 0)]);
        assert!(matches!(fatal, Err(Fatal::Store(_))));
        let mut ledger = open(ledger.into_store(), &clock);
        let leases = usize::from(fault == Fault::BreakAfter);
        assert_eq!(
            ledger.state().leases.len(),
            leases,
            "wholly there or wholly absent"
        );
        assert_durable(&mut ledger);
    }
}

#[test]
fn a_clock_far_behind_has_to_be_accepted() {
    let clock = SimClock::default();
    clock.pass_ms(2 * 86_400_000);
    let store = stocked(Memory::default(), &clock).into_store();
    let behind = SimClock::default();
    let refused = Ledger::open(store.clone(), behind.clone(), Start::default());
    assert!(matches!(refused, Err(Fatal::Clock(_))));
    let accepted = Ledger::open(store, behind, Start { accept_clock: true }).unwrap();
    assert!(accepted.state().now() > Time(0));
}

#[test]
fn a_snapshot_is_the_last_commit_and_made_once() {
    let clock = SimClock::default();
    let mut ledger = stocked(Memory::default(), &clock);
    let first = ledger.snapshot();
    assert!(std::sync::Arc::ptr_eq(&first, &ledger.snapshot()));
    one(&mut ledger, acquire("ann", "machines", 0)).unwrap();
    let second = ledger.snapshot();
    assert_eq!((first.leases.len(), second.leases.len()), (0, 1));
}

#[test]
fn more_events_than_a_batch_may_hold_are_committed_as_several() {
    let clock = SimClock::default();
    let mut ledger = open(Memory::default(), &clock);
    let mut commands = vec![put_pool("machines", PoolSpec::declared())];
    commands.extend((0..2_500).map(|i| declare("machines", &format!("m{i}"))));
    let turn = ledger.turn(&commands).unwrap();
    assert_eq!(turn.answers.len(), commands.len());
    assert!(turn.answers.iter().all(Result::is_ok));
    assert_eq!(turn.revisions.len(), 3);
    assert_durable(&mut ledger);
}
