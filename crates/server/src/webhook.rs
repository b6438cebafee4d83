//! The webhooks' shell: reads the journal, calls targets and keeps the time around
//! `caviada_core::webhook::delivery`.
//!
//! Each webhook has a task, connections and a mark of its own, so that a sick target harms only
//! itself. Marks are stored a little later than calls end: what a crash takes of them is told again.

mod connect;
mod signature;
mod teller;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use caviada_core::event::{Event, Number};
use caviada_core::id::WebhookId;
use caviada_core::name::Name;
use caviada_core::state::State;
use caviada_core::webhook::target::Targets;
use caviada_core::webhook::{Webhook, secret_place};
use caviada_ledger::Handle;
use caviada_ledger::history::History;
use caviada_ledger::journal::Revision;
use caviada_ledger::seal::{MasterKey, SealError};
use caviada_ledger::webhook::Marks;
use reqwest::Url;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{AbortHandle, JoinSet};

use teller::Teller;

/// What the server knows of webhooks beside State. Clones are one.
#[derive(Debug, Clone)]
pub struct Webhooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: Arc<MasterKey>,
    targets: Arc<Targets>,
    marks: Marks,
    standings: RwLock<HashMap<WebhookId, Standing>>,
}

/// How a webhook's deliveries stand. Volatile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// It was told everything up to here.
    pub told: Number,
    /// Rounds of failures in a row.
    pub failures: u32,
    /// Why the last call failed, while calls fail.
    pub why: Option<String>,
}

impl Webhooks {
    /// Nothing is told yet.
    pub fn new(key: Arc<MasterKey>, targets: Targets, marks: Marks) -> Self {
        Self(Arc::new(Inner {
            key,
            targets: Arc::new(targets),
            marks,
            standings: RwLock::default(),
        }))
    }

    /// How a webhook's deliveries stand, once any was tried.
    pub fn standing(&self, webhook: WebhookId) -> Option<Standing> {
        let standings = self.0.standings.read();
        let standings = standings.unwrap_or_else(PoisonError::into_inner);
        standings.get(&webhook).cloned()
    }

    fn stands(&self, webhook: WebhookId, standing: Option<Standing>) {
        let standings = self.0.standings.write();
        let mut standings = standings.unwrap_or_else(PoisonError::into_inner);
        match standing {
            Some(standing) => standings.insert(webhook, standing),
            None => standings.remove(&webhook),
        };
    }

    /// A webhook's secret as it is kept.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, name: &Name, secret: &str) -> Result<Box<str>, SealError> {
        let sealed = self.0.key.seal(&secret_place(name), secret.as_bytes())?;
        Ok(sealed.into())
    }

    /// A webhook's secret as it is used.
    ///
    /// # Errors
    /// When it was sealed under another master key.
    pub fn open(&self, webhook: &Webhook) -> Result<Vec<u8>, SealError> {
        let place = secret_place(&webhook.name);
        self.0.key.open(&place, &webhook.sealed)
    }

    /// Reads a URL that a webhook may have.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn target(&self, url: &str) -> Result<Url, String> {
        connect::target(&self.0.targets, url)
    }
}

/// Runs until the ledger ends or the task is dropped.
pub async fn run(handle: Handle, history: History, webhooks: Webhooks) {
    let mut tasks = Tasks {
        handle,
        history,
        webhooks,
        running: HashMap::new(),
        set: JoinSet::new(),
    };
    let mut followed = tasks.handle.follow();
    let Ok(state) = tasks.handle.snapshot().await else {
        return;
    };
    tasks.match_to(&state).await;
    drop(state);
    loop {
        // One snapshot for each change of a webhook, and none for anything else.
        let changed = match followed.recv().await {
            Ok(revision) => is_about_webhooks(&revision),
            Err(RecvError::Lagged(_)) => true,
            Err(RecvError::Closed) => return,
        };
        if !changed {
            continue;
        }
        let Ok(state) = tasks.handle.snapshot().await else {
            return;
        };
        tasks.match_to(&state).await;
    }
}

fn is_about_webhooks(revision: &Revision) -> bool {
    revision
        .events()
        .any(|(_, _, e)| matches!(e, Event::WebhookDeclared(_) | Event::WebhookGone(_)))
}

struct Tasks {
    handle: Handle,
    history: History,
    webhooks: Webhooks,
    /// By webhook: the declaration it runs with.
    running: HashMap<WebhookId, (Number, AbortHandle)>,
    set: JoinSet<()>,
}

impl Tasks {
    /// A task for each webhook as it is declared now, and none else.
    async fn match_to(&mut self, state: &Arc<State>) {
        let is_current = |id: &WebhookId, declared: &Number| {
            let webhook = state.webhooks.get(id);
            webhook.is_some_and(|w| w.changed == *declared)
        };
        let old: Vec<WebhookId> = self
            .running
            .iter()
            .filter(|(id, (declared, _))| !is_current(id, declared))
            .map(|(id, _)| *id)
            .collect();
        for id in old {
            if let Some((_, task)) = self.running.remove(&id) {
                task.abort();
            }
            self.webhooks.stands(id, None);
            if state.webhooks.get(&id).is_none() {
                let marks = self.webhooks.0.marks.clone();
                let forgotten = tokio::task::spawn_blocking(move || marks.forget(id)).await;
                if let Ok(Err(error)) = forgotten {
                    tracing::warn!(%error, webhook.id = %id, "its mark stays");
                }
            }
        }
        while self.set.try_join_next().is_some() {}
        for webhook in state.webhooks.values() {
            if self.running.contains_key(&webhook.id) {
                continue;
            }
            let teller = Teller::new(
                self.handle.clone(),
                self.history.clone(),
                self.webhooks.clone(),
                webhook.clone(),
                state.clone(),
            );
            let task = self.set.spawn(teller.run());
            self.running.insert(webhook.id, (webhook.changed, task));
        }
    }
}
