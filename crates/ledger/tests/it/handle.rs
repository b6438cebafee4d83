//! The thread and its handle, on a real store.

use std::time::Duration;

use caviada_core::command::{Act, Command};
use caviada_core::event::Event;
use caviada_core::key::Role;
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::pool::PoolSpec;
use caviada_ledger::clock::System;
use caviada_ledger::directory::Directory;
use caviada_ledger::store::memory::{Fault, Memory};
use caviada_ledger::{Failure, Fatal, Handle, Ledger, Start, spawn};
use futures_util::future::join_all;

use crate::sim::{acquire, asking, declare, lease_of, name, put_pool, release, system};

/// A ledger on SQLite in a directory that goes with the test.
fn on_sqlite() -> (tempfile::TempDir, Handle, caviada_ledger::Ended) {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().to_owned();
    let (handle, ended) = spawn(move || {
        let directory = Directory::lock(&path).unwrap();
        Ledger::open(directory.sqlite()?, System, Start::default())
    })
    .unwrap();
    (files, handle, ended)
}

async fn pool_of(handle: &Handle, members: usize) {
    handle
        .submit(put_pool("machines", PoolSpec::declared()))
        .await
        .unwrap();
    let all = (0..members).map(|i| handle.submit(declare("machines", &format!("m{i}"))));
    for answer in join_all(all).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn whoever_was_answered_reads_it_in_the_next_snapshot() {
    let (_files, handle, _ended) = on_sqlite();
    pool_of(&handle, 8).await;
    let callers = (0..8).map(|_| async {
        for _ in 0..20 {
            let granted = handle.submit(acquire("ann", "machines", 0)).await;
            let id = lease_of(&granted);
            let state = handle.snapshot().await.unwrap();
            assert!(state.revision() >= granted.unwrap().revision);
            assert!(state.leases.get(&id).is_some());
            handle.submit(release(id)).await.unwrap();
            assert!(handle.snapshot().await.unwrap().leases.get(&id).is_none());
        }
    });
    join_all(callers).await;
}

#[tokio::test]
async fn a_snapshot_is_published_once_for_all_who_asked() {
    let (_files, handle, _ended) = on_sqlite();
    pool_of(&handle, 1).await;
    let first = handle.snapshot().await.unwrap();
    let again = join_all((0..8).map(|_| handle.snapshot())).await;
    assert!(
        again
            .iter()
            .flatten()
            .all(|s| std::sync::Arc::ptr_eq(s, &first))
    );
}

#[tokio::test]
async fn whoever_comes_alone_after_a_rush_is_answered() {
    let (_files, handle, ended) = on_sqlite();
    for _ in 0..3 {
        pool_of(&handle, 64).await;
        // One after the other: each waits for those who no longer come.
        for _ in 0..16 {
            let granted = handle.submit(acquire("ann", "machines", 0)).await;
            handle.submit(release(lease_of(&granted))).await.unwrap();
        }
    }
    pool_of(&handle, 64).await;
    let last = handle.submit(acquire("ann", "machines", 0));
    let (granted, ()) = tokio::join!(last, async { handle.close() });
    lease_of(&granted);
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_new_key_is_known_before_its_maker_is_answered() {
    let (_files, handle, _ended) = on_sqlite();
    assert!(handle.keys().is_empty());
    let answer = handle
        .submit(system(Act::PutKey {
            name: name("k1"),
            role: Role::Admin,
            owner: Owner::new("ann").unwrap(),
            groups: Default::default(),
            act_for: Default::default(),
            hash: [7; 32],
            expires_at: None,
            declared_in: None,
        }))
        .await;
    answer.unwrap();
    let keys = handle.keys();
    assert_eq!(keys.hashed(&[7; 32]).unwrap().name, name("k1"));
    assert!(keys.hashed(&[8; 32]).is_none());
}

#[tokio::test]
async fn a_lease_expires_without_anybody_asking() {
    let (_files, handle, _ended) = on_sqlite();
    pool_of(&handle, 1).await;
    let mut followed = handle.follow();
    let mut acquire = asking("ann", "machines", 0);
    acquire.ttl_ms = Some(limits::TTL_MS_MIN);
    let granted = handle
        .submit(system(Act::Acquire(Box::new(acquire))))
        .await
        .unwrap();
    let ended_at = loop {
        let revision = followed.recv().await.unwrap();
        let ended = |e: &Event| matches!(e, Event::LeaseEnded { .. });
        if revision.events().any(|(_, _, event)| ended(event)) {
            break revision.at;
        }
    };
    assert!(ended_at.since(granted.at) >= limits::TTL_MS_MIN);
    assert!(handle.now() >= ended_at);
    assert!(handle.snapshot().await.unwrap().leases.is_empty());
}

#[tokio::test]
async fn a_closed_ledger_finishes_what_is_queued_and_takes_no_more() {
    let (files, handle, ended) = on_sqlite();
    pool_of(&handle, 1).await;
    handle.close();
    assert_eq!(ended.await, Ok(Ok(())));
    assert!(matches!(
        handle.submit(acquire("ann", "machines", 0)).await,
        Err(Failure::Unavailable)
    ));
    assert!(matches!(handle.snapshot().await, Ok(state) if state.resources.len() == 1));
    let directory = Directory::lock(files.path()).unwrap();
    let ledger = Ledger::open(directory.sqlite().unwrap(), System, Start::default()).unwrap();
    assert_eq!(ledger.state().resources.len(), 1);
}

#[tokio::test]
async fn a_fatal_end_tells_everybody_who_waits() {
    let mut store = Memory::default();
    store.plan([None, Some(Fault::Break)]);
    let (handle, ended) = spawn(|| Ledger::open(store, System, Start::default())).unwrap();
    handle
        .submit(put_pool("machines", PoolSpec::declared()))
        .await
        .unwrap();
    let asked: Vec<Command> = (0..8)
        .map(|i| declare("machines", &format!("m{i}")))
        .collect();
    let answers = join_all(asked.into_iter().map(|c| handle.submit(c))).await;
    assert!(
        answers
            .iter()
            .all(|a| matches!(a, Err(Failure::Unavailable))),
        "{answers:?}"
    );
    assert!(matches!(ended.await, Ok(Err(Fatal::Store(_)))));
}

#[tokio::test]
async fn a_command_whose_caller_went_away_is_not_done() {
    let (_files, handle, _ended) = on_sqlite();
    pool_of(&handle, 1).await;
    let gone = tokio::time::timeout(
        Duration::ZERO,
        join_all((0..1_000).map(|_| handle.submit(acquire("ann", "machines", 60_000)))),
    );
    assert!(gone.await.is_err());
    // Whatever was not under way by then was dropped; the rest was decided.
    let alive = handle
        .submit(put_pool("other", PoolSpec::declared()))
        .await
        .unwrap();
    let state = handle.snapshot().await.unwrap();
    assert!(state.revision() >= alive.revision);
    assert!(state.leases.len() <= 2 * limits::COMMANDS_PER_TURN_MAX);
}

#[test]
fn one_data_directory_has_one_process() {
    let files = tempfile::tempdir().unwrap();
    let first = Directory::lock(files.path()).unwrap();
    let second = Directory::lock(files.path()).unwrap_err();
    assert!(second.to_string().contains("another process"), "{second}");
    drop(first);
    Directory::lock(files.path()).unwrap();
}
