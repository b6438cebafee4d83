//! How far bring-ups are. Volatile: told to streams, which only operators read, as it happens, shown
//! with the resource while the call is under way, kept nowhere. Services and images of what is leased
//! may be its holder's own, and are for those who see his lease.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use caviada_api::event::Progress as Step;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::limits;
use tokio::sync::broadcast;

/// Where driver calls tell how far they are, and views and streams ask. Clones are one.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    steps: broadcast::Sender<Step>,
    /// The last step of each call under way, so no more of them than calls.
    last: RwLock<HashMap<ResourceId, Last>>,
}

/// A step, and the lease that had the resource when its call began.
type Last = (Option<LeaseId>, Step);

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Inner {
            steps: broadcast::Sender::new(limits::server::PROGRESS_FOLLOWED_MAX),
            last: RwLock::default(),
        }))
    }
}

/// A call under way: when it ends, however it does, its resource has no progress any more.
#[derive(Debug)]
pub struct UnderWay {
    progress: Progress,
    resource: ResourceId,
    lease: Option<LeaseId>,
    pool: String,
}

impl Progress {
    /// A call begins about a resource, which this lease has.
    pub fn begin(&self, resource: ResourceId, lease: Option<LeaseId>, pool: &str) -> UnderWay {
        UnderWay {
            progress: self.clone(),
            resource,
            lease,
            pool: pool.to_owned(),
        }
    }

    /// The last step of a resource, while a call about it is under way, for somebody who sees the pool
    /// and these leases.
    pub fn of(&self, resource: ResourceId, sees: impl FnOnce(LeaseId) -> bool) -> Option<Step> {
        let last = self.0.last.read().unwrap_or_else(PoisonError::into_inner);
        let (lease, step) = last.get(&resource)?;
        lease.is_none_or(sees).then(|| step.clone())
    }

    /// Every step from now on.
    pub fn follow(&self) -> broadcast::Receiver<Step> {
        self.0.steps.subscribe()
    }
}

impl UnderWay {
    /// One step further.
    pub fn tell(&self, step: &str, subject: String, done: u32, of: u32) {
        let step = Step {
            resource: self.resource,
            pool: self.pool.clone(),
            step: step.to_owned(),
            subject,
            done,
            of,
        };
        let Inner { steps, last } = &*self.progress.0;
        last.write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.resource, (self.lease, step.clone()));
        // Nobody may be listening.
        let _ = steps.send(step);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let last = &self.progress.0.last;
        last.write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.resource);
    }
}
