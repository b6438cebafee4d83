//! The ledger's thread: a shell around the turn, and no more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use caviada_core::event::Event;
use caviada_core::limits;
use tokio::sync::oneshot;

use crate::clock::Source;
use crate::handle::{Handle, Shared};
use crate::history::TRIM_ROWS;
use crate::kill_point;
use crate::store::{Store, StoreError};
use crate::turn::{Fatal, Ledger, Turn};

const SLEEP_MAX: Duration = Duration::from_millis(limits::ledger::SLEEP_MS_MAX);
const REFUSED_PAUSE: Duration = Duration::from_millis(limits::ledger::REFUSED_PAUSE_MS);

/// How a ledger's thread ended: closed, or why the process has to end. Dropped without a word, it
/// panicked.
pub type Ended = oneshot::Receiver<Result<(), Fatal>>;

/// Opens a ledger in a thread of its own and waits until it is open. Blocks; not for the threads of
/// an asynchronous runtime.
///
/// # Errors
/// What `open` returned.
pub fn spawn<S, C, F>(open: F) -> Result<(Handle, Ended), Fatal>
where
    S: Store,
    C: Source,
    F: FnOnce() -> Result<Ledger<S, C>, Fatal> + Send + 'static,
{
    let (opened, opening) = sync_channel(1);
    let (end, ended) = oneshot::channel();
    let body = move || {
        let mut ledger = match open() {
            Ok(ledger) => ledger,
            Err(fatal) => return drop(opened.send(Err(fatal))),
        };
        let shared = Arc::new(Shared::new(ledger.snapshot()));
        let handle = Handle::new(shared.clone());
        let _abandon = Abandon(shared.clone());
        if opened.send(Ok(handle)).is_err() {
            return;
        }
        let result = run(&mut ledger, &shared);
        if let Err(fatal) = &result {
            tracing::error!(%fatal, "the ledger has ended");
        }
        drop(ledger);
        let _ = end.send(result);
    };
    let broken = |what: String| Fatal::Store(StoreError::Broken(what));
    std::thread::Builder::new()
        .name("ledger".into())
        .spawn(body)
        .map_err(|e| broken(format!("no thread for the ledger: {e}")))?;
    let handle = opening
        .recv()
        .map_err(|_| broken("opening panicked".into()))??;
    Ok((handle, ended))
}

/// Whoever waits for a thread that is gone is told, also when it panicked.
struct Abandon(Arc<Shared>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn run<S: Store, C: Source>(ledger: &mut Ledger<S, C>, shared: &Shared) -> Result<(), Fatal> {
    let mut wait = Duration::ZERO;
    while let Some(queued) = shared.next(wait) {
        let (commands, answers): (Vec<_>, Vec<_>) =
            queued.into_iter().map(|q| (q.command, q.answer)).unzip();
        let begun = Instant::now();
        let turn = ledger.turn(&commands)?;
        shared.counts.turn(&turn, begun.elapsed());
        shared.tell_time(ledger.state().now());
        let refused = turn.refused;
        kill_point!("before-publish");
        publish(ledger, shared, &turn);
        kill_point!("after-publish");
        for (answer, to) in turn.answers.into_iter().zip(answers) {
            kill_point!("before-answer");
            // Whoever went away does not care.
            let _ = to.send(answer);
            kill_point!("after-answer");
        }
        let asks = shared.asks();
        if !asks.is_empty() {
            // Of the last commit, never of a batch in hand: one for all who asked.
            let state = ledger.snapshot();
            shared.publish(Some(state.clone()));
            for ask in asks {
                let _ = ask.send(state.clone());
            }
        }
        let up_to = shared.trim_to.swap(0, Ordering::AcqRel);
        if up_to > 0 {
            ledger.trim(up_to, TRIM_ROWS)?;
        }
        let idle = ledger.idle_ms()?.map_or(SLEEP_MAX, Duration::from_millis);
        wait = if refused {
            REFUSED_PAUSE
        } else {
            idle.min(SLEEP_MAX)
        };
    }
    // Who still reads while the server ends reads the last commit.
    shared.publish(Some(ledger.snapshot()));
    Ok(())
}

/// What must be visible before anybody has an answer.
fn publish<S: Store, C: Source>(ledger: &Ledger<S, C>, shared: &Shared, turn: &Turn) {
    let of_key = |e: &Event| matches!(e, Event::KeyMade(_) | Event::KeyGone(_));
    if turn
        .revisions
        .iter()
        .any(|r| r.events().any(|(_, _, event)| of_key(event)))
    {
        shared.publish_keys(ledger.state());
    }
    let Some(last) = turn.revisions.last() else {
        return;
    };
    shared.publish(None);
    shared.committed.send_replace(last.revision);
    for revision in &turn.revisions {
        // Nobody follows, or whoever does will see it.
        let _ = shared.followers.send(revision.clone());
    }
}
