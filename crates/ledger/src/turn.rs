//! The ledger: the only writer. A turn settles what is due, decides and applies each command,
//! commits all of it as one batch, and only then answers.
//!
//! It is synchronous and knows neither thread nor clock nor engine, so that the simulation drives
//! this code and no copy of it.
//!
//! What can go wrong, and what then happens:
//! - *a step panics*: State goes back to the last commit and the batch is decided again without the
//!   culprit, so no request can take the server down twice;
//! - *the store certainly refuses*: State goes back, every command of the batch is unavailable;
//! - *nobody knows*: the store is asked where it stands, and the batch is sent again if it is not
//!   there;
//! - *anything else* ends the process. An fsync is never retried.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use caviada_core::command::{Command, Reply};
use caviada_core::event::Event;
use caviada_core::limits;
use caviada_core::planted;
use caviada_core::refusal::Refusal;
use caviada_core::settle::{self, Bound, settle};
use caviada_core::state::State;
use caviada_core::step::step;
use caviada_core::time::Time;

use crate::answer::{Accepted, Answer, Failure, Noun};
use crate::clock::{Clock, ClockError, Source};
use crate::journal::{Entry, Revision, act_name};
use crate::kill_point;
use crate::load::load;
use crate::row;
use crate::store::{Batch, Position, Store, StoreError};

/// Why the process has to end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The store cannot be trusted or reached any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process took the store over, or it went back in time.
    #[error(
        "the store stands at epoch {epoch}, revision {revision}: it is not this process's any more"
    )]
    Deposed {
        /// Whose it is.
        epoch: u64,
        /// Where it stands.
        revision: u64,
    },
    /// The clock cannot be followed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// What follows from the State itself panics; no command is to blame.
    #[error("settling panicked: {0}")]
    Panicked(String),
}

/// How a ledger starts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start {
    /// Goes on from the last commit even if the clock is far behind it.
    pub accept_clock: bool,
}

/// What a turn did.
#[derive(Debug, Default)]
pub struct Turn {
    /// One answer per command, in their order.
    pub answers: Vec<Answer>,
    /// What was committed.
    pub revisions: Vec<Arc<Revision>>,
    /// The store did not take something; try again later.
    pub refused: bool,
    /// Time that the store took to commit, or to refuse: the disk's, most of all.
    pub stored: Duration,
}

/// The only writer.
#[derive(Debug)]
pub struct Ledger<S, C> {
    store: S,
    clock: Clock<C>,
    state: State,
    position: Position,
    careful_until: Time,
    /// Until then every lease that lived at the start lives on. None once each of them has it.
    grace_until: Option<Time>,
    published: Option<Arc<State>>,
}

/// What became of a command, before it is committed.
type Decision = Result<(Reply, Noun), Failure>;

/// A batch that is decided and not committed yet.
struct Draft {
    decisions: Vec<Decision>,
    entries: Vec<Entry>,
    events: usize,
    /// Every lease has its restart grace.
    graced: bool,
}

/// A panic, and the command to blame.
struct Panicked {
    culprit: Option<usize>,
    message: String,
}

impl<S: Store, C: Source> Ledger<S, C> {
    /// Takes a store over and loads State from it. The first batches give each live lease at least
    /// the restart grace.
    ///
    /// # Errors
    /// When the store cannot be read, or the clock is far behind its last commit.
    pub fn open(mut store: S, source: C, start: Start) -> Result<Self, Fatal> {
        let position = store.take_over()?;
        let mut clock = Clock::start(source, position.at, start.accept_clock)?;
        let mut state = load(&mut store, &position)?;
        let now = clock.now()?;
        state.begin(now);
        let grace_until = Some(now.plus_ms(limits::RESTART_GRACE_MS));
        Ok(Self {
            store,
            clock,
            state,
            position,
            careful_until: Time(0),
            grace_until,
            published: None,
        })
    }

    /// One turn. An empty one does what is due.
    ///
    /// # Errors
    /// Then the process has to end; the commands are of unknown outcome.
    pub fn turn(&mut self, commands: &[Command]) -> Result<Turn, Fatal> {
        let now = self.clock.now()?;
        let mut turn = Turn::default();
        while self.grace_until.is_some() {
            self.batch(now, &[], &mut turn)?;
            if turn.refused {
                let unavailable = commands.iter().map(|_| Err(Failure::Unavailable));
                turn.answers = unavailable.collect();
                return Ok(turn);
            }
        }
        let mut rest = commands;
        loop {
            let before = turn.answers.len();
            self.batch(now, rest, &mut turn)?;
            rest = &rest[turn.answers.len() - before..];
            if rest.is_empty() {
                return Ok(turn);
            }
        }
    }

    /// The State of the last commit.
    pub fn snapshot(&mut self) -> Arc<State> {
        match &self.published {
            Some(published) => published.clone(),
            None => self.published.insert(Arc::new(self.state.clone())).clone(),
        }
    }

    /// State as it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where the store stands.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Milliseconds until something is due; 0 when the last turn left work.
    ///
    /// # Errors
    /// When the clock cannot be followed any more.
    pub fn idle_ms(&mut self) -> Result<Option<u64>, Fatal> {
        if self.state.has_work() {
            return Ok(Some(0));
        }
        let now = self.clock.now()?;
        Ok(self.state.next_due().map(|due| due.since(now)))
    }

    /// Forgets what the journal need not keep: at most `rows_max` of its oldest rows, none that
    /// the history has yet to read.
    ///
    /// # Errors
    /// Then the process has to end.
    pub fn trim(&mut self, up_to: u64, rows_max: usize) -> Result<(), Fatal> {
        let up_to = up_to + if planted!(UnreadForgotten) { 50 } else { 0 };
        match self.store.trim(up_to, rows_max) {
            Ok(()) | Err(StoreError::Refused(_) | StoreError::Unknown(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The store, for a simulation to hurt.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// The clock, for a simulation to move.
    pub fn clock_mut(&mut self) -> &mut Clock<C> {
        &mut self.clock
    }

    /// The store, when this process is over.
    pub fn into_store(self) -> S {
        self.store
    }

    /// Decides and commits as many of the commands as fit a batch.
    fn batch(&mut self, now: Time, commands: &[Command], turn: &mut Turn) -> Result<(), Fatal> {
        let mut culprits = BTreeSet::new();
        let (keep, draft) = loop {
            let keep = (now < self.careful_until).then(|| self.state.clone());
            match self.draft(now, commands, &culprits) {
                Ok(draft) => break (keep, draft),
                Err(Panicked {
                    culprit: None,
                    message,
                }) => return Err(Fatal::Panicked(message)),
                Err(Panicked {
                    culprit: Some(i),
                    message,
                }) => {
                    tracing::error!(
                        act = act_name(&commands[i].act),
                        message,
                        "a command panicked"
                    );
                    culprits.insert(i);
                    self.put_back(now, keep)?;
                }
            }
        };
        let Draft {
            decisions,
            entries,
            graced,
            ..
        } = draft;
        match self.write(entries, &mut turn.stored) {
            Ok(revision) => {
                self.grace_until = self.grace_until.filter(|_| !graced);
                turn.revisions.extend(revision);
            }
            Err(Fatal::Store(StoreError::Refused(why))) => {
                tracing::error!(why, "the store refused a batch");
                self.put_back(now, keep)?;
                turn.refused = true;
                if planted!(AnswerBeforeCommit) {
                    self.answer(decisions, self.position.revision + 1, turn);
                    return Ok(());
                }
                let unavailable = decisions.iter().map(|_| Err(Failure::Unavailable));
                turn.answers.extend(unavailable);
                return Ok(());
            }
            Err(fatal) => return Err(fatal),
        }
        self.answer(decisions, self.position.revision, turn);
        Ok(())
    }

    /// Answers what stands in a revision.
    fn answer(&self, decisions: Vec<Decision>, revision: u64, turn: &mut Turn) {
        let at = self.state.now();
        turn.answers.extend(decisions.into_iter().map(|decision| {
            decision.map(|(reply, noun)| Accepted {
                reply,
                noun,
                at,
                revision,
            })
        }));
    }

    /// Settles, then decides, applies and settles each command, until the batch is full.
    fn draft(
        &mut self,
        now: Time,
        commands: &[Command],
        culprits: &BTreeSet<usize>,
    ) -> Result<Draft, Panicked> {
        let mut draft = Draft {
            decisions: Vec::with_capacity(commands.len()),
            entries: Vec::with_capacity(commands.len()),
            events: 0,
            graced: true,
        };
        let mut bound = Bound::default();
        let (state, grace_until) = (&mut self.state, self.grace_until);
        state.begin(now);
        let (due, graced) = contained(None, || {
            let mut events = Vec::new();
            // Holders that could not reach the server get the chance to renew, before anything ends.
            let graced = match grace_until {
                Some(until) => settle::grace(state, until, &mut bound, &mut events),
                None => true,
            };
            if graced {
                settle(state, &mut bound, &mut events);
            }
            (events, graced)
        })?;
        draft.graced = graced;
        draft.add(None, due);
        for (i, command) in commands.iter().enumerate() {
            if culprits.contains(&i) {
                draft.decisions.push(Err(Failure::Internal));
                continue;
            }
            if i > 0 && draft.events >= limits::EVENTS_PER_TURN_MAX {
                break;
            }
            let decided = contained(Some(i), || {
                let (reply, events) = step(state, command, &mut bound)?;
                let noun = Noun::of(state, reply.subject);
                Ok::<_, Refusal>((reply, noun, events))
            })?;
            let decision = match decided {
                Ok((reply, noun, events)) => {
                    draft.add(Some(command), events);
                    Ok((reply, noun))
                }
                Err(refusal) => Err(refusal.into()),
            };
            draft.decisions.push(decision);
        }
        Ok(draft)
    }

    /// Commits a batch, whatever it takes to know that it is committed.
    fn commit(&mut self, batch: &Batch) -> Result<(), Fatal> {
        let mut unknown = match self.store.commit(batch) {
            Ok(()) => return Ok(()),
            Err(StoreError::Fenced) => return Err(self.deposed()),
            Err(error @ StoreError::Unknown(_)) => error,
            Err(error) => return Err(error.into()),
        };
        let (old, new) = (batch.old(), batch.new_position());
        for _ in 0..limits::ledger::ASKS_MAX {
            tracing::warn!(%unknown, revision = new.revision, "asking the store where it stands");
            match self.store.position() {
                Ok(stands) if stands.epoch != new.epoch => return Err(self.deposed()),
                Ok(stands) if stands.revision == new.revision => return Ok(()),
                Ok(stands) if stands.revision == old.revision => {}
                Ok(_) => return Err(self.deposed()),
                Err(error @ StoreError::Unknown(_)) => {
                    unknown = error;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            // The first attempt may still arrive. So not even a refusal of the second is certain
            // until the store is seen at the new revision; the guard admits only one of them.
            unknown = match self.store.commit(batch) {
                Ok(()) => return Ok(()),
                Err(error @ StoreError::Broken(_)) => return Err(error.into()),
                Err(error) => error,
            };
        }
        Err(unknown.into())
    }

    fn deposed(&mut self) -> Fatal {
        let Position {
            epoch, revision, ..
        } = self.store.position().unwrap_or_default();
        Fatal::Deposed { epoch, revision }
    }

    /// State as of the last commit: the clone if there is one, else loaded again.
    fn put_back(&mut self, now: Time, keep: Option<State>) -> Result<(), Fatal> {
        self.state = match keep {
            Some(state) => state,
            None => load(&mut self.store, &self.position)?,
        };
        // State goes back, time does not.
        self.state.begin(now);
        self.careful_until = now.plus_ms(limits::ledger::CAREFUL_MS);
        Ok(())
    }

    /// Commits what happened, if something did. `stored` grows by the time that the store took.
    fn write(
        &mut self,
        entries: Vec<Entry>,
        stored: &mut Duration,
    ) -> Result<Option<Arc<Revision>>, Fatal> {
        if entries.is_empty() {
            return Ok(None);
        }
        self.state.finish();
        let batch = row::batch(&mut self.state, &self.position, &entries);
        kill_point!("before-commit");
        let begun = Instant::now();
        let committed = self.commit(&batch);
        *stored += begun.elapsed();
        committed?;
        kill_point!("after-commit");
        self.position = batch.new_position().clone();
        self.published = None;
        let Position {
            revision,
            at,
            events: total,
            ..
        } = self.position;
        Ok(Some(Arc::new(Revision {
            revision,
            at,
            total,
            entries,
        })))
    }
}

impl Draft {
    fn add(&mut self, command: Option<&Command>, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.events += events.len();
        self.entries.push(Entry {
            by: command.map(|c| c.by),
            act: command.map(|c| act_name(&c.act).into()),
            events,
        });
    }
}

/// Runs a part of `core` so that a panic in it is an error. State is torn then and must be put
/// back.
fn contained<T>(culprit: Option<usize>, f: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Panicked {
            culprit,
            message: text.unwrap_or_else(|| "no message".to_owned()),
        }
    })
}
