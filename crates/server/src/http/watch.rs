//! Waking those who wait for a lease: one task follows the ledger and wakes just whom a batch is
//! about, so that ten thousand parked requests cost a commit nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use caviada_core::event::Event;
use caviada_core::id::LeaseId;
use caviada_ledger::journal::Revision;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Who waits for which lease.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<HashMap<LeaseId, Waiters>>>);

/// Those who wait for one lease.
#[derive(Debug, Default)]
struct Waiters {
    notify: Arc<Notify>,
    count: usize,
}

/// A place among those who wait; leaving it forgets it.
#[derive(Debug)]
pub struct Parked {
    watch: Watch,
    lease: LeaseId,
    notify: Arc<Notify>,
}

impl Watch {
    /// Follows the ledger until it ends.
    pub fn start(mut follow: Receiver<Arc<Revision>>) -> Self {
        let watch = Self::default();
        let kept = watch.clone();
        tokio::spawn(async move {
            loop {
                match follow.recv().await {
                    Ok(revision) => kept.wake(&revision),
                    Err(RecvError::Lagged(_)) => kept.wake_all(),
                    Err(RecvError::Closed) => return kept.wake_all(),
                }
            }
        });
        watch
    }

    /// Waits for this lease from now on.
    pub fn park(&self, lease: LeaseId) -> Parked {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiters = parked.entry(lease).or_default();
        waiters.count += 1;
        Parked {
            watch: self.clone(),
            lease,
            notify: waiters.notify.clone(),
        }
    }

    fn wake(&self, revision: &Revision) {
        let parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.is_empty() {
            return;
        }
        for (_, _, event) in revision.events() {
            if let Some(waiters) = lease_of(event).and_then(|lease| parked.get(&lease)) {
                waiters.notify.notify_waiters();
            }
        }
    }

    fn wake_all(&self) {
        let parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for waiters in parked.values() {
            waiters.notify.notify_waiters();
        }
    }
}

impl Parked {
    /// Done at the next event of the lease after this was called.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let mut parked = self.watch.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiters) = parked.get_mut(&self.lease) {
            waiters.count -= 1;
            if waiters.count == 0 {
                parked.remove(&self.lease);
            }
        }
    }
}

/// The lease an event is about, if it may end a wait.
fn lease_of(event: &Event) -> Option<LeaseId> {
    match event {
        Event::LeaseMet { lease, .. }
        | Event::LeaseActive(lease)
        | Event::LeaseSwapped { lease, .. }
        | Event::LeaseEnded { lease, .. } => Some(*lease),
        _ => None,
    }
}
