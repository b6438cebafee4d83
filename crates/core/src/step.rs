//! One step: decide, evolve, settle.

use crate::access::Principal;
use crate::command::{Act, Command, Idempotency, Reply};
use crate::decide::{Done, decide};
use crate::event::Event;
use crate::evolve::evolve;
use crate::limits;
use crate::outcome::{Outcome, OutcomeKey, Subject};
use crate::planted;
use crate::refusal::Refusal;
use crate::settle::{Bound, settle};
use crate::state::State;

/// Decides a command, applies what it does, and settles what follows from it. The caller has
/// begun a batch (`State::begin`). A refusal leaves State as it was.
pub fn step(
    state: &mut State,
    command: &Command,
    bound: &mut Bound,
) -> Result<(Reply, Vec<Event>), Refusal> {
    let at = outcome_key(command)?;
    if let Some((at, asked)) = &at
        && let Some(kept) = state.outcomes.get(at)
    {
        if kept.digest != asked.digest {
            return Err(Refusal::KeyReused);
        }
        let reply = Reply {
            subject: again(state, command, kept.subject)?,
            repeated: true,
        };
        return Ok((reply, vec![]));
    }
    let (subject, mut events) = match &command.act {
        Act::All(acts) => all(state, command, acts)?,
        act => {
            let Done { subject, events } = decide(state, command.by, act)?;
            for event in &events {
                evolve(state, event);
            }
            (subject, events)
        }
    };
    let repeated = events.is_empty();
    if let Some((at, asked)) = at
        && !planted!(OutcomeLost)
    {
        let event = kept(state, at, asked, subject);
        evolve(state, &event);
        events.push(event);
    }
    settle(state, bound, &mut events);
    Ok((Reply { subject, repeated }, events))
}

/// What a repeat is answered with: the noun as it now is, if that is still for the caller to see. He
/// who gave a lease away is told that he did, and nothing of what became of it.
fn again(state: &State, command: &Command, subject: Subject) -> Result<Subject, Refusal> {
    let who = Principal::of(state, command.by)?;
    let seen = who.may_see(state, subject);
    if planted!(RepeatShown) {
        return Ok(subject);
    }
    if planted!(RepeatRefused) {
        return Err(Refusal::unknown("lease", 0));
    }
    match &command.act {
        Act::Give { lease, .. } if seen.is_err() || state.leases.get(lease).is_none() => {
            Ok(Subject::Nothing)
        }
        _ => seen.map(|()| subject),
    }
}

/// Acts that succeed or fail as one: each sees what the former did.
fn all(
    state: &mut State,
    command: &Command,
    acts: &[Act],
) -> Result<(Subject, Vec<Event>), Refusal> {
    if acts.is_empty() || acts.len() > limits::COMMANDS_PER_ALL_MAX {
        return Err(Refusal::invalid(
            "all",
            format!("1 to {} acts", limits::COMMANDS_PER_ALL_MAX),
        ));
    }
    let before = state.clone();
    let mut events = Vec::new();
    let mut last = Subject::Nothing;
    for (index, act) in acts.iter().enumerate() {
        match decide(state, command.by, act) {
            Ok(done) => {
                for event in &done.events {
                    evolve(state, event);
                }
                last = done.subject;
                events.extend(done.events);
            }
            Err(refusal) => {
                if !planted!(HalfOfAll) {
                    *state = before;
                }
                return Err(Refusal::InAll {
                    index,
                    refusal: Box::new(refusal),
                });
            }
        }
    }
    Ok((
        if acts.len() == 1 {
            last
        } else {
            Subject::Nothing
        },
        events,
    ))
}

fn outcome_key(command: &Command) -> Result<Option<(OutcomeKey, &Idempotency)>, Refusal> {
    let (Some(asked), crate::command::By::Key(by)) = (&command.idempotency, command.by) else {
        return Ok(None);
    };
    let sound = !asked.key.is_empty()
        && asked.key.len() <= limits::IDEMPOTENCY_KEY_BYTES_MAX
        && asked.key.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !sound {
        let reason = format!(
            "1 to {} printable ASCII characters",
            limits::IDEMPOTENCY_KEY_BYTES_MAX
        );
        return Err(Refusal::invalid("Idempotency-Key", reason));
    }
    Ok(Some((
        OutcomeKey {
            by,
            key: asked.key.clone(),
        },
        asked,
    )))
}

/// The outcome as it is kept.
fn kept(state: &State, at: OutcomeKey, asked: &Idempotency, subject: Subject) -> Event {
    let live = match subject {
        Subject::Lease(id) if state.leases.get(&id).is_some() => Some(id),
        _ => None,
    };
    Event::OutcomeKept(Box::new(Outcome {
        at,
        digest: asked.digest,
        subject,
        lease: live,
        until: live
            .is_none()
            .then(|| state.now().plus_ms(limits::IDEMPOTENCY_KEEP_MS)),
    }))
}
