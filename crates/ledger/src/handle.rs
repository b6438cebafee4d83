//! The ledger's handle: commands in, answers and snapshots out.
//!
//! Readers never wait for the writer's work and never see what is not committed: they take the
//! published snapshot while it is the newest, and ask for another one when it is not. Nothing is
//! published that nobody asked for, so a busy writer pays for no reader that is not there.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use caviada_core::command::Command;
use caviada_core::id::KeyId;
use caviada_core::index::Index;
use caviada_core::key::Key;
use caviada_core::limits;
use caviada_core::name::Name;
use caviada_core::state::State;
use caviada_core::table::Table;
use caviada_core::time::Time;
use tokio::sync::{broadcast, oneshot, watch};

use crate::answer::{Answer, Failure};
use crate::gather::{GATHER_MAX, Gather};
use crate::journal::Revision;
use crate::stats::{Counts, Stats};

/// Speaks to the ledger's thread. Clones are cheap; with the last of them the thread ends.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    _last: Arc<Last>,
}

impl Handle {
    /// Where the history says how far the journal may be forgotten.
    pub(crate) fn trim_to(&self) -> Arc<AtomicU64> {
        self.shared.trim_to.clone()
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let last = Arc::new(Last(shared.clone()));
        Self {
            shared,
            _last: last,
        }
    }

    /// Hands a command over. The answer comes after its commit.
    ///
    /// # Errors
    /// `Busy` when too many are queued; else what became of it.
    pub async fn submit(&self, command: Command) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.shared.queue(Queued { command, answer })?;
        answered.await.unwrap_or(Err(Failure::Unavailable))
    }

    /// A State that holds at least all that is committed now.
    ///
    /// # Errors
    /// `Unavailable` when the ledger has ended.
    pub async fn snapshot(&self) -> Result<Arc<State>, Failure> {
        if let Some(published) = self.shared.published() {
            return Ok(published);
        }
        let (asked, answer) = oneshot::channel();
        self.shared.ask(asked)?;
        answer.await.map_err(|_| Failure::Unavailable)
    }

    /// The keys, always as the last commit left them.
    pub fn keys(&self) -> Arc<Keys> {
        self.shared.keys().clone()
    }

    /// The key whose secret has this SHA-256. Whether it has expired is for the caller to see.
    pub fn key_hashed(&self, hash: &[u8; 32]) -> Option<Arc<Key>> {
        self.shared.keys().hashed(hash).cloned()
    }

    /// The last committed revision, and a way to wait for the next.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.shared.committed.subscribe()
    }

    /// Every revision from now on. Who lags too far reads the journal.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Revision>> {
        self.shared.followers.subscribe()
    }

    /// Ledger time.
    pub fn now(&self) -> Time {
        let (time, at) = *self
            .shared
            .time
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        time.plus_ms(u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// What the ledger did since its start.
    pub fn stats(&self) -> Stats {
        let queue = self.shared.inbox().queue.len();
        self.shared.counts.stats(queue)
    }

    /// Does it still take commands?
    pub fn is_open(&self) -> bool {
        !self.shared.inbox().closed
    }

    /// Takes no more commands; what is queued is still done, then the thread ends.
    pub fn close(&self) {
        self.shared.close();
    }
}

/// The keys, for authentication without a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    keys: Table<KeyId, Key>,
    index: Index,
}

impl Keys {
    pub(crate) fn of(state: &State) -> Self {
        // Of the index only what finds keys.
        let index = Index {
            key_names: state.index.key_names.clone(),
            key_hashes: state.index.key_hashes.clone(),
            ..Index::default()
        };
        Self {
            keys: state.keys.clone(),
            index,
        }
    }

    /// The key whose secret has this SHA-256. Whether it has expired is for the caller to see.
    pub fn hashed(&self, hash: &[u8; 32]) -> Option<&Arc<Key>> {
        self.index
            .key_hashes
            .get(hash)
            .and_then(|id| self.keys.get(id))
    }

    /// A key by id.
    pub fn get(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.keys.get(&id)
    }

    /// A key by name.
    pub fn named(&self, name: &Name) -> Option<&Arc<Key>> {
        self.index
            .key_names
            .get(name)
            .and_then(|id| self.keys.get(id))
    }

    /// There is no key yet.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[derive(Debug)]
struct Last(Arc<Shared>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A command and where its answer goes.
#[derive(Debug)]
pub(crate) struct Queued {
    pub command: Command,
    pub answer: oneshot::Sender<Answer>,
}

#[derive(Debug, Default)]
struct Inbox {
    queue: VecDeque<Queued>,
    asks: Vec<oneshot::Sender<Arc<State>>>,
    closed: bool,
    gather: Gather,
    /// With so many queued the ledger, which waits for them, is woken; 0 when it does not wait.
    enough: usize,
}

impl Inbox {
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.asks.is_empty() && !self.closed
    }
}

/// What the handle and the thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    published: RwLock<Option<Arc<State>>>,
    keys: RwLock<Arc<Keys>>,
    time: RwLock<(Time, Instant)>,
    pub counts: Counts,
    /// Up to here the ledger may forget the journal.
    pub trim_to: Arc<AtomicU64>,
    pub committed: watch::Sender<u64>,
    pub followers: broadcast::Sender<Arc<Revision>>,
}

impl Shared {
    pub fn new(state: Arc<State>) -> Self {
        Self {
            inbox: Mutex::default(),
            wake: Condvar::new(),
            keys: RwLock::new(Arc::new(Keys::of(&state))),
            time: RwLock::new((state.now(), Instant::now())),
            counts: Counts::default(),
            trim_to: Arc::default(),
            committed: watch::Sender::new(state.revision()),
            followers: broadcast::Sender::new(limits::ledger::FOLLOWED_MAX),
            published: RwLock::new(Some(state)),
        }
    }

    fn keys(&self) -> RwLockReadGuard<'_, Arc<Keys>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshot of the last commit, if somebody has asked for it.
    fn published(&self) -> Option<Arc<State>> {
        let published = self.published.read();
        published.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ledger sleeps on an idle inbox, or until enough has come for a batch: only what ends
    /// that has to wake it. A wake is a call into the kernel, whether anybody sleeps or not.
    fn wake_if(&self, awaited: bool) {
        if awaited {
            self.wake.notify_one();
        }
    }

    fn queue(&self, queued: Queued) -> Result<(), Failure> {
        let mut inbox = self.inbox();
        if inbox.closed {
            return Err(Failure::Unavailable);
        }
        if inbox.queue.len() >= limits::QUEUE_COMMANDS_MAX {
            return Err(Failure::Busy);
        }
        let idle = inbox.is_idle();
        inbox.queue.push_back(queued);
        let awaited = idle || inbox.queue.len() == inbox.enough;
        drop(inbox);
        self.wake_if(awaited);
        Ok(())
    }

    fn ask(&self, asked: oneshot::Sender<Arc<State>>) -> Result<(), Failure> {
        let mut inbox = self.inbox();
        if inbox.closed {
            return Err(Failure::Unavailable);
        }
        let idle = inbox.is_idle();
        inbox.asks.push(asked);
        drop(inbox);
        self.wake_if(idle);
        Ok(())
    }

    pub fn close(&self) {
        self.inbox().closed = true;
        self.wake.notify_one();
    }

    /// Drops what nobody will work on any more: those who wait are told at once.
    pub fn abandon(&self) {
        let mut inbox = self.inbox();
        *inbox = Inbox {
            closed: true,
            ..Inbox::default()
        };
    }

    /// Sleeps while `condition` holds, and no longer than that.
    fn sleep<'a>(
        &self,
        inbox: MutexGuard<'a, Inbox>,
        longest: Duration,
        condition: impl FnMut(&mut Inbox) -> bool,
    ) -> MutexGuard<'a, Inbox> {
        let woken = self.wake.wait_timeout_while(inbox, longest, condition);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The next commands, after at most `wait`, and some more if there are too few for a good batch; none when the ledger is closed and all is done.
    pub fn next(&self, wait: Duration) -> Option<Vec<Queued>> {
        let idle = |inbox: &mut Inbox| inbox.is_idle();
        let mut inbox = self.sleep(self.inbox(), wait, idle);
        if !inbox.queue.is_empty() {
            inbox.enough = inbox.gather.enough();
            let few = |inbox: &mut Inbox| inbox.queue.len() < inbox.enough && !inbox.closed;
            inbox = self.sleep(inbox, GATHER_MAX, few);
            inbox.enough = 0;
        }
        if inbox.closed && inbox.queue.is_empty() {
            return None;
        }
        let many = inbox.queue.len().min(limits::COMMANDS_PER_TURN_MAX);
        let mut taken = Vec::with_capacity(many);
        // Nobody waits for the answer: better not done than done unseen.
        let awaited = |q: &Queued| !q.answer.is_closed();
        taken.extend(inbox.queue.drain(..many).filter(awaited));
        inbox.gather.begins(taken.len());
        Some(taken)
    }

    /// Who asked for a snapshot.
    pub fn asks(&self) -> Vec<oneshot::Sender<Arc<State>>> {
        std::mem::take(&mut self.inbox().asks)
    }

    /// Publishes the snapshot of the last commit, or takes it back when there is a newer one: what
    /// nobody may read any more would only make every change a copy.
    pub fn publish(&self, state: Option<Arc<State>>) {
        *self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner) = state;
    }

    pub fn publish_keys(&self, state: &State) {
        let keys = Arc::new(Keys::of(state));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    pub fn tell_time(&self, now: Time) {
        *self.time.write().unwrap_or_else(PoisonError::into_inner) = (now, Instant::now());
    }
}
