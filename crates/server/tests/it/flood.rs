//! Far more callers at once than the ledger takes, while its store stands still.

use std::collections::BTreeSet;

use axum::http::Method;
use caviada_core::check::violations;
use caviada_core::id::LeaseId;
use caviada_core::limits;
use tokio::sync::mpsc::unbounded_channel;

use crate::stall::{Gate, Said, Stalled, ask};

/// What one caller was answered, each word of it looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Granted(LeaseId),
    Waits(LeaseId),
    /// The queue is full.
    Busy,
    /// Its owner waits for enough.
    Enough,
}

fn told(said: &Said) -> Told {
    let id = || said.body["id"].as_str().unwrap().parse().unwrap();
    match said.status {
        201 => {
            assert_eq!(said.body["state"], "active", "{said:?}");
            Told::Granted(id())
        }
        202 => {
            assert_eq!(said.body["state"], "waiting", "{said:?}");
            Told::Waits(id())
        }
        503 => {
            said.is_problem(503, "busy");
            said.says_when();
            Told::Busy
        }
        _ => {
            said.is_problem(429, "limit-reached");
            said.says_when();
            assert_eq!(said.body["max"], limits::WAITING_PER_OWNER_MAX, "{said:?}");
            assert!(said.body["what"].is_string() && said.body["detail"].is_string());
            Told::Enough
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_ledger_refuses_what_it_cannot_queue_and_nobody_refused_has_anything() {
    let stalled = Stalled::start().await;
    let before = *stalled.handle.committed().borrow();
    stalled.set(Gate::Closed);
    let many = limits::QUEUE_COMMANDS_MAX + limits::COMMANDS_PER_TURN_MAX + 5_000;
    let (tell, mut answers) = unbounded_channel();
    for i in 0..many {
        let (router, tell) = (stalled.router.clone(), tell.clone());
        tokio::spawn(async move {
            let body = r#"{"pool":"boards","wait_ms":60000}"#;
            let key = format!("call-{i}");
            let said = ask(router, Method::POST, "/api/v1/leases", &key, body).await;
            tell.send((i, told(&said))).unwrap();
        });
    }
    drop(tell);
    // Whoever is answered now is told to come again: nothing is committed, so nobody has anything.
    let mut all = Vec::new();
    while all.len() < 4_000 {
        let (i, told) = answers.recv().await.expect("somebody panicked");
        assert_eq!(told, Told::Busy);
        all.push((i, told));
    }
    let queued = stalled.handle.stats().queue;
    assert!(queued <= limits::QUEUE_COMMANDS_MAX as u64, "{queued}");
    assert_eq!(*stalled.handle.committed().borrow(), before);
    stalled.set(Gate::Open);
    while let Some(one) = answers.recv().await {
        all.push(one);
    }
    assert_eq!(all.len(), many, "somebody panicked");

    let state = stalled.handle.snapshot().await.unwrap();
    assert_eq!(violations(&state), []);
    let granted = all.iter().filter_map(|(_, told)| match told {
        Told::Granted(id) => Some(*id),
        _ => None,
    });
    let waits = all.iter().filter_map(|(_, told)| match told {
        Told::Waits(id) => Some(*id),
        _ => None,
    });
    // There is one board, and the whole room to wait is used: no place is lost to who was refused.
    let (granted, waits): (BTreeSet<_>, BTreeSet<_>) = (granted.collect(), waits.collect());
    assert_eq!(
        (granted.len(), waits.len()),
        (1, limits::WAITING_PER_OWNER_MAX)
    );
    let there: BTreeSet<LeaseId> = state.leases.values().map(|l| l.id).collect();
    assert_eq!(
        there,
        &granted | &waits,
        "a lease of somebody who was refused"
    );
    assert_eq!(state.index.waiters.len(), waits.len());
    // A refusal is no outcome: keys are kept for what was accepted and for nothing else.
    assert_eq!(state.outcomes.len(), there.len());
    assert_eq!(stalled.handle.stats().queue, 0);
    answers_again(&stalled, &all, &granted).await;
}

/// Who was refused asks again under the same key and is decided anew; what is given back goes on.
async fn answers_again(stalled: &Stalled, all: &[(usize, Told)], granted: &BTreeSet<LeaseId>) {
    let (refused, _) = all.iter().find(|(_, told)| *told == Told::Busy).unwrap();
    let body = r#"{"pool":"boards","wait_ms":60000}"#;
    let again = || stalled.ask(Method::POST, "/api/v1/leases", "", body);
    assert_eq!(told(&again().await), Told::Enough);
    let held = granted.first().unwrap();
    let path = format!("/api/v1/leases/{held}");
    let released = stalled.ask(Method::DELETE, &path, "", "").await;
    assert_eq!(
        (released.status, &released.body["state"]),
        (200, &"ended".into())
    );
    let key = format!("call-{refused}");
    let anew = stalled
        .ask(Method::POST, "/api/v1/leases", &key, body)
        .await;
    assert!(matches!(told(&anew), Told::Waits(_)), "{anew:?}");
    let stats = stalled.ask(Method::GET, "/api/v1/stats", "", "").await;
    assert_eq!(
        stats.body["leases"]["waiting"],
        limits::WAITING_PER_OWNER_MAX
    );
    assert_eq!(stats.body["leases"]["active"], 1);
}
