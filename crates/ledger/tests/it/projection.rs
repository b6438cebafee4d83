//! The history is what the journal says, wherever a crash left it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use caviada_core::name::Owner;
use caviada_ledger::Running;
use caviada_ledger::history::{EventSearch, History, LeaseSearch, Order, PastLease, Recorded};

use crate::history::{Database, Site, block, on_each_engine};
use crate::simulation::world::acts::{self, Memory, Mix};
use crate::simulation::world::nouns::OWNERS;
use crate::simulation::world::rng::Rng;

/// Leases that have ended up to a revision, page by page.
fn ended(history: &History, revision: u64, mut search: LeaseSearch) -> Vec<PastLease> {
    let mut leases: Vec<PastLease> = vec![];
    search.limit = 50;
    loop {
        let page = history.leases(&search).unwrap();
        let ended = page.items.into_iter().filter(|l| l.end.is_some());
        leases.extend(ended.filter(|l| l.last <= revision));
        search.before = page.next;
        if search.before.is_none() {
            return leases;
        }
    }
}

/// Who asks for an owner's or a member's leases gets them all, in their order.
fn assert_found(history: &History, revision: u64, leases: &[PastLease]) {
    let owners = OWNERS.iter().map(|o| (Owner::new(o).ok(), None));
    let members: BTreeSet<_> = leases.iter().flat_map(|l| &l.members).collect();
    let members = members.into_iter().map(|r| (None, Some(*r)));
    for (owner, resource) in owners.chain(members) {
        let search = LeaseSearch {
            owner: owner.clone(),
            resource,
            ..LeaseSearch::default()
        };
        let theirs = leases.iter().filter(|l| {
            owner.iter().all(|o| l.owners.contains(o))
                && resource.iter().all(|r| l.members.contains(r))
        });
        let theirs: Vec<_> = theirs.cloned().collect();
        let found = ended(history, revision, search);
        assert_eq!(found, theirs, "{owner:?} {resource:?}");
    }
}

/// All leases that have ended, and the events up to a revision about each of them and each owner.
/// Time goes on meanwhile, and with it what is due.
fn up_to(history: &History, revision: u64) -> (Vec<PastLease>, Vec<Vec<Recorded>>) {
    let leases = ended(history, revision, LeaseSearch::default());
    assert_found(history, revision, &leases);
    let of_lease = leases.iter().map(|l| EventSearch {
        lease: Some(l.id),
        ..EventSearch::default()
    });
    let of_owner = OWNERS.iter().map(|o| EventSearch {
        owner: Some(Owner::new(o).unwrap()),
        ..EventSearch::default()
    });
    let searches = of_lease.chain(of_owner).map(|s| EventSearch {
        limit: 1_000,
        order: Order::Oldest,
        ..s
    });
    let events = searches.map(|s| {
        let mut items = history.events(&s).unwrap().items;
        items.retain(|r| r.number.revision <= revision);
        items
    });
    let events = events.collect();
    (leases, events)
}

/// The mark is read first: what is committed only grows.
fn not_ahead(running: &Running) {
    let (mark, _) = running.history.mark();
    let committed = *running.handle.committed().borrow();
    assert!(
        mark <= committed,
        "the history is at {mark}, the journal at {committed}"
    );
}

fn reaches(running: &Running, revision: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while running.history.mark().0 < revision {
        let mark = running.history.mark();
        assert!(Instant::now() < deadline, "the history is at {mark:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

on_each_engine! {
    the_history_is_what_a_replay_of_the_journal_makes_wherever_a_crash_left_it
}

fn the_history_is_what_a_replay_of_the_journal_makes_wherever_a_crash_left_it(site: &Site) {
    let mut rng = Rng::new(5);
    let mut memory = Memory::new(Mix::with_hosts(9));
    let mut kept = vec![];
    for life in 0..8 {
        let running = site.start();
        not_ahead(&running);
        if life == 0 {
            for command in acts::opening(&mut rng) {
                let _ = block(running.handle.submit(command));
            }
        }
        for _ in 0..150 {
            let state = block(running.handle.snapshot()).unwrap();
            memory.look(&mut rng, &state);
            let command = acts::command(&mut rng, &state, &mut memory);
            let _ = block(running.handle.submit(command));
            not_ahead(&running);
        }
        running.close();
        let copy = format!("kept_{life}");
        site.keep(Database::History, &copy);
        kept.push(copy);
        // A crash finds the history at some mark of the past, this or an earlier life's.
        if let Some(copy) = rng.pick(&kept).filter(|_| life % 2 == 1) {
            site.put_back(Database::History, copy);
        }
    }
    let running = site.start();
    let revision = *running.handle.committed().borrow();
    reaches(&running, revision);
    let projected = up_to(&running.history, revision);
    running.close();
    site.remove(Database::History);
    let running = site.start();
    reaches(&running, revision);
    let replayed = up_to(&running.history, revision);
    running.close();
    assert!(projected.0.len() > 50, "{} leases", projected.0.len());
    assert_eq!(projected.0, replayed.0);
    assert!(projected.1 == replayed.1, "events differ");
}
