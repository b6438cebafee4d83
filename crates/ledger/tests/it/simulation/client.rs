//! What clients and things outside know and hold the ledger to.

use std::collections::BTreeMap;
use std::sync::Arc;

use caviada_core::access::{Principal, Verb};
use caviada_core::command::{Act, By, Command};
use caviada_core::event::Event;
use caviada_core::id::{Fence, KeyId, LeaseId, ResourceId};
use caviada_core::key::{Key, Role};
use caviada_core::lease::{End, Ended, Lease, LeaseState};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::outcome::{OutcomeKey, Subject};
use caviada_core::refusal::Refusal;
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_ledger::{Accepted, Noun};

use super::world::rng::Rng;

/// Where the world stands in true time.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub true_ms: u64,
    /// Number of this process, and when it began.
    pub boot: u64,
    pub booted_ms: u64,
}

/// A deadline somebody was told.
#[derive(Debug, Clone, Copy)]
struct Promise {
    made_ms: u64,
    until_ms: u64,
    boot: u64,
}

/// A lease as its holder knows it, which may be long ago.
#[derive(Debug, Clone)]
struct Belief {
    lease: LeaseId,
    fence: Fence,
    members: Vec<ResourceId>,
}

/// Everybody outside the server.
#[derive(Debug, Default)]
pub struct Clients {
    live: BTreeMap<LeaseId, Promise>,
    waits: BTreeMap<LeaseId, Promise>,
    beliefs: Vec<Belief>,
    /// Highest fence each resource saw, and whose.
    outside: BTreeMap<ResourceId, (Fence, LeaseId)>,
    outcomes: BTreeMap<(KeyId, Box<str>), ([u8; 32], Subject)>,
    /// Commands whose outcome is not known.
    pub retries: Vec<Command>,
}

impl Clients {
    /// A command was answered yes, in a turn between these two states.
    pub fn acknowledged(
        &mut self,
        rng: &mut Rng,
        command: &Command,
        accepted: &Accepted,
        [before, state]: [&State; 2],
        now: Moment,
    ) -> Result<(), String> {
        self.same_outcome(command, accepted)?;
        // What he was shown may have gone to another, or away, later in the same turn.
        private(command, accepted, state).or_else(|why| {
            Principal::of(before, command.by).map_err(|_| why)?;
            private(command, accepted, before)
        })?;
        if let Noun::Lease(lease, _) = &accepted.noun {
            self.told(rng, lease, accepted.at, now);
        }
        Ok(())
    }

    /// 12: what is done under a key is what the key stands for.
    fn same_outcome(&self, command: &Command, accepted: &Accepted) -> Result<(), String> {
        let (Some(asked), By::Key(by)) = (&command.idempotency, command.by) else {
            return Ok(());
        };
        let kept = self.outcomes.get(&(by, asked.key.clone()));
        if kept == Some(&(asked.digest, accepted.reply.subject)) {
            return Ok(());
        }
        // Who gave a lease away is told that he did, and no more.
        let gave = accepted.reply.repeated && matches!(command.act, Act::Give { .. });
        let same = kept.is_some_and(|(digest, _)| *digest == asked.digest);
        if gave && same && accepted.reply.subject == Subject::Nothing {
            return Ok(());
        }
        Err(format!(
            "12: {by} did {:?} under {}, which stands for {kept:?}",
            accepted.reply.subject, asked.key
        ))
    }

    /// 12 and 17: what is kept is what keys stand for, and nothing else.
    pub fn knows_all_outcomes(&self, state: &State) -> Result<(), String> {
        let (kept, known) = (state.outcomes.len(), self.outcomes.len());
        if kept == known {
            return Ok(());
        }
        Err(format!("12: {kept} outcomes are kept of {known}"))
    }

    /// 12: a repeat is refused only where its caller may no longer see what it did.
    pub fn refused(
        &self,
        command: &Command,
        refusal: &Refusal,
        states: [&State; 2],
    ) -> Result<(), String> {
        let (Some(asked), By::Key(by)) = (&command.idempotency, command.by) else {
            return Ok(());
        };
        let kept = self.outcomes.get(&(by, asked.key.clone()));
        let Some((_, subject)) = kept.filter(|(digest, _)| *digest == asked.digest) else {
            return Ok(());
        };
        // The key is gone, or sees less than it did, before this turn or in it.
        let unseen = |state: &State| {
            let who = Principal::of(state, command.by);
            who.is_ok_and(|who| who.may_see(state, *subject).is_err())
        };
        let gone = |state: &State| Principal::of(state, command.by).is_err();
        let lawful = match refusal.code() {
            "unknown" => states.into_iter().any(unseen),
            "unknown-key" => states.into_iter().any(gone),
            _ => false,
        };
        match lawful {
            true => Ok(()),
            false => Err(format!("12: {by} repeats {}: {refusal}", asked.key)),
        }
    }

    fn told(&mut self, rng: &mut Rng, lease: &Lease, at: Time, now: Moment) {
        let promise = |deadline: Time| Promise {
            made_ms: now.true_ms,
            until_ms: now.true_ms + deadline.since(at),
            boot: now.boot,
        };
        match (lease.state, lease.deadline, lease.wait_until) {
            (LeaseState::Waiting, _, Some(until)) => {
                self.waits.insert(lease.id, promise(until));
            }
            (LeaseState::Waiting, ..) => {}
            (_, Some(deadline), _) => {
                self.live.insert(lease.id, promise(deadline));
            }
            // It never expires: until the end of time.
            (_, None, _) => {
                self.live.insert(lease.id, promise(Time(u64::MAX / 2)));
            }
        }
        if lease.members.is_empty() {
            return;
        }
        let belief = Belief {
            lease: lease.id,
            fence: lease.fence,
            members: lease.members.iter().map(|m| m.resource).collect(),
        };
        if self.beliefs.len() < 24 {
            self.beliefs.push(belief);
        } else {
            let i = usize::try_from(rng.below(24)).unwrap();
            self.beliefs[i] = belief;
        }
    }

    /// Something was committed.
    pub fn happened(&mut self, event: &Event, now: Moment) -> Result<(), String> {
        match event {
            Event::OutcomeKept(o) => {
                let at = (o.at.by, o.at.key.clone());
                let new = (o.digest, o.subject);
                match self.outcomes.insert(at, new) {
                    Some(old) => Err(format!("12: {:?} was {old:?} and is {new:?}", o.at)),
                    None => Ok(()),
                }
            }
            Event::OutcomeForgotten(at) => {
                self.outcomes.remove(&(at.by, at.key.clone()));
                Ok(())
            }
            Event::LeaseMet { lease, .. } => {
                self.waits.remove(lease);
                Ok(())
            }
            Event::LeaseEnded { lease, end, .. } => self.ended(*lease, *end, now),
            _ => Ok(()),
        }
    }

    /// 7, in true time: nothing ends before the last deadline its holder was told, unless the
    /// server was started since and gave its grace.
    fn ended(&mut self, lease: LeaseId, end: End, now: Moment) -> Result<(), String> {
        let promise = match end {
            End::Expired => self.live.remove(&lease),
            End::TimedOut => self.waits.remove(&lease),
            _ => {
                self.live.remove(&lease);
                self.waits.remove(&lease);
                return Ok(());
            }
        };
        let Some(p) = promise else { return Ok(()) };
        let passed = now.true_ms - p.made_ms;
        let slew = passed * limits::SLEW_PPM / 1_000_000 + 2;
        let kept = now.true_ms + slew >= p.until_ms;
        let restarted = now.boot != p.boot;
        let grace =
            end == End::TimedOut || now.true_ms - now.booted_ms + 20 >= limits::RESTART_GRACE_MS;
        if kept || (restarted && grace) {
            return Ok(());
        }
        Err(format!(
            "7: {lease} is {} {} ms before its holder was told it would be, {} ms after the start",
            end.as_str(),
            p.until_ms - now.true_ms,
            now.true_ms - now.booted_ms,
        ))
    }

    /// Some holder, maybe a late one, uses what he was given. 2: a thing outside that keeps the
    /// highest fence it saw never takes the same from two leases.
    pub fn use_something(&mut self, rng: &mut Rng, truth: &State) -> Result<bool, String> {
        let Some(b) = rng.pick(&self.beliefs).cloned() else {
            return Ok(false);
        };
        let mut late = false;
        for id in b.members {
            let seen = self.outside.get(&id).copied();
            let highest = seen.map_or(Fence(0), |(f, _)| f);
            if b.fence < highest {
                late = true;
                continue;
            }
            if let Some((fence, lease)) = seen
                && fence == b.fence
                && lease != b.lease
            {
                return Err(format!("2: {id} saw {fence} of {lease} and of {}", b.lease));
            }
            if b.fence.0 > truth.counter() {
                return Err(format!("2: {id} saw {}, which nobody was given", b.fence));
            }
            self.outside.insert(id, (b.fence, b.lease));
        }
        Ok(late)
    }

    /// Nobody knows what became of these: who gave a key asks again.
    pub fn unknown(&mut self, commands: &[Command]) {
        let again = commands.iter().filter(|c| c.idempotency.is_some());
        self.retries.extend(again.cloned());
        let over = self.retries.len().saturating_sub(32);
        self.retries.drain(..over);
    }

    /// An old store was put back: what was told since is void.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// 11: nobody is shown another's lease.
fn private(command: &Command, accepted: &Accepted, state: &State) -> Result<(), String> {
    let Ok(who) = Principal::of(state, command.by) else {
        return Ok(());
    };
    // Whoever gives a lease away sees where it went: then, not whenever he repeats that.
    let again = accepted.reply.repeated && command.idempotency.is_some();
    let gives = !again
        && match &command.act {
            Act::All(acts) => acts.iter().any(|a| matches!(a, Act::Give { .. })),
            act => matches!(act, Act::Give { .. }),
        };
    let lease = match &accepted.noun {
        Noun::Lease(lease, _) => lease,
        Noun::Ended(e) if !gives => return private_past(&who, e),
        Noun::Resource(r) if who.may_see(state, Subject::Resource(r.id)).is_err() => {
            return Err(format!("11: {:?} was shown {}", who.owner, r.id));
        }
        _ => return Ok(()),
    };
    if who.role >= Role::Operator || gives || who.may_with(state, Verb::SeeLease, lease).is_ok() {
        return Ok(());
    }
    Err(format!(
        "11: {:?} was shown {} of {}",
        who.owner, lease.id, lease.owner
    ))
}

/// The same of one that is over. A key that acts for others may have asked for it.
fn private_past(who: &Principal, ended: &Ended) -> Result<(), String> {
    let mine = |o: &Owner| who.owner.as_ref() == Some(o) || who.groups.contains(o);
    let his = who.owner.as_ref() == Some(&ended.owner) || ended.shared.iter().any(mine);
    if his || who.role >= Role::Operator || !who.act_for.is_empty() {
        return Ok(());
    }
    let (owner, id, whose) = (&who.owner, ended.id, &ended.owner);
    Err(format!(
        "11: {owner:?} was shown the end of {id} of {whose}"
    ))
}

/// 11: nobody is told of another's lease by being refused: what he did not name himself.
pub fn untold(command: &Command, refusal: &Refusal, state: &State) -> Result<(), String> {
    let Ok(who) = Principal::of(state, command.by) else {
        return Ok(());
    };
    if who.role >= Role::Operator {
        return Ok(());
    }
    let (asked, told) = (
        format!("{:?}", command.act),
        format!("{refusal:?} {refusal}"),
    );
    if !told.contains("lease_") && !told.contains("LeaseId") {
        return Ok(());
    }
    // What his key stands for he did himself.
    let own = command
        .idempotency
        .as_ref()
        .zip(who.key)
        .and_then(|(i, by)| {
            let key = i.key.clone();
            Some(state.outcomes.get(&OutcomeKey { by, key })?.subject)
        });
    let other = |l: &&Arc<Lease>| {
        let names = |text: &str| {
            let forms = [l.id.to_string(), format!("{:?}", l.id)];
            forms.iter().any(|form| text.contains(form.as_str()))
        };
        let known = names(&asked) || own == Some(Subject::Lease(l.id));
        names(&told) && !known && who.may_with(state, Verb::SeeLease, l).is_err()
    };
    match state.leases.values().find(other) {
        Some(l) => Err(format!("11: {:?} was told of {}: {told}", who.owner, l.id)),
        None => Ok(()),
    }
}

/// 3 and 11: what was done was no stale outcome, and nobody did it to another's lease.
pub fn may(before: &State, command: &Command, beside: &[Command]) -> Result<(), String> {
    if let Act::Record {
        resource,
        generation,
        attempt,
        ..
    } = &command.act
    {
        let r = before.resources.get(resource);
        // Both only rise.
        if r.is_some_and(|r| *generation < r.generation || *attempt < r.attempt) {
            return Err(format!(
                "3: a stale outcome had an effect: {:?}",
                command.act
            ));
        }
    }
    // Beside these nobody's right changes in the turn.
    let alone = |c: &Command| matches!(c.act, Act::Release { .. } | Act::Record { .. });
    let By::Key(key) = command.by else {
        return Ok(());
    };
    let user = before.keys.get(&key).filter(|k| k.role == Role::User);
    match user.filter(|_| beside.iter().all(|c| alone(c) || c == command)) {
        Some(user) => user_may(before, user, &command.act),
        None => Ok(()),
    }
}

/// 11: what a user does, he does to what is his or shared with him; he gives on only what is his. The
/// rule is written here anew, from the promise.
fn user_may(before: &State, user: &Key, act: &Act) -> Result<(), String> {
    let lease = match act {
        Act::Release { lease, .. }
        | Act::Renew { lease, .. }
        | Act::Give { lease, .. }
        | Act::Share { lease, .. }
        | Act::Annotate { lease, .. } => before.leases.get(lease),
        Act::Power { resource, .. } => held(before, *resource),
        Act::Alter(alter) => held(before, alter.resource),
        Act::Acquire(_) | Act::PutProfile { .. } | Act::PutPassword { .. } | Act::All(_) => {
            return Ok(());
        }
        other => {
            return Err(format!(
                "11: {} is no operator and did {other:?}",
                user.name
            ));
        }
    };
    let on_members = matches!(act, Act::Power { .. } | Act::Alter(_));
    let Some(l) = lease else {
        return match on_members {
            true => Err(format!("11: {} did {act:?} to nobody's", user.owner)),
            // It has ended.
            false => Ok(()),
        };
    };
    let gives = matches!(act, Act::Give { .. } | Act::Share { .. });
    let mine = |o: &Owner| *o == user.owner || user.groups.contains(o);
    let shared = !gives && l.shared.iter().any(mine);
    if user.owner == l.owner || shared || !user.act_for.is_empty() {
        return Ok(());
    }
    Err(format!("11: {} did {act:?} to {}", user.owner, l.owner))
}

fn held(state: &State, id: ResourceId) -> Option<&Arc<Lease>> {
    state.leases.get(&state.resources.get(&id)?.lease?)
}
