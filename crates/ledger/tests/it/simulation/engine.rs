//! Simulated hosts: engines that hold things by (resource, generation), do what they are asked,
//! and at times are away, silent, or lie. They outlive the server's process.

use std::collections::BTreeMap;

use caviada_core::command::AttemptOutcome;
use caviada_core::id::{PoolId, ResourceId, TemplateId};
use caviada_core::name::Name;
use caviada_core::plan::{Action, Condition, Observed, Seen, Verb};
use caviada_core::planted;
use caviada_core::power::Way;
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::state::State;

use super::world::rng::Rng;

/// How an engine behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Does what it is asked; a call may fail.
    Well,
    /// Answers nothing.
    Silent,
    /// Refuses everybody.
    Away,
    /// Says what is not so, now and then.
    Lying,
}

/// What harms its own and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sick {
    /// A host, whose mood says how.
    Host(Name),
    /// Nothing of a template comes up on any host.
    Template(Name),
    /// Nothing of one revision: its image is not to be had.
    Revision(TemplateId),
}

impl Sick {
    /// Is it this that a call would bring up?
    fn hits(&self, call: &Call, truth: &State) -> bool {
        let site = truth.resources.get(&call.action.resource);
        let Some(site) = site.and_then(|r| r.site()) else {
            return false;
        };
        let template = truth.templates.get(&site.template);
        let sick = match self {
            Self::Template(name) => template.is_some_and(|t| t.name == *name),
            Self::Revision(id) => site.template == *id,
            Self::Host(_) => false,
        };
        sick && call.action.verb == Verb::Create
    }

    /// Does a pool build of it?
    pub fn concerns(&self, truth: &State, pool: PoolId) -> bool {
        let pool = truth.pools.get(&pool).and_then(|p| p.spec.template());
        let name = match self {
            Self::Template(name) => Some(name),
            Self::Revision(id) => truth.templates.get(id).map(|t| &t.name),
            Self::Host(_) => None,
        };
        pool.is_some() && pool == name
    }

    /// Does it stand where nobody answers?
    pub fn bears(&self, truth: &State, resource: &Resource) -> bool {
        let host = resource.site().and_then(|s| truth.hosts.get(&s.host));
        host.is_some_and(|h| self.is_host(&h.name))
    }

    pub fn is_host(&self, name: &Name) -> bool {
        matches!(self, Self::Host(sick) if sick == name)
    }
}

/// Something on a host that bears this installation's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thing {
    pub revision: u64,
    pub condition: Condition,
    pub block: Option<u32>,
}

/// A driver call on its way.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub action: Action,
    /// Revision of the State it was made from.
    pub revision: u64,
    pub block: Option<u32>,
    /// What was to be done to its power.
    pub way: Option<Way>,
    /// It was known to be stopped.
    pub stopped: bool,
    /// Nobody waits for its outcome any more.
    pub ghost: bool,
}

#[derive(Debug, Clone)]
pub struct Engine {
    pub things: BTreeMap<(ResourceId, u64), Thing>,
    /// What another installation made here, under its own numbers, which may be ours too.
    foreign: BTreeMap<(ResourceId, u64), Thing>,
    /// How much that was.
    foreign_made: usize,
    pub mood: Mood,
    pub calls: Vec<Call>,
    /// A look on its way, with what it saw if that was when it began.
    pub look: Option<Option<Observed>>,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            things: BTreeMap::new(),
            foreign: BTreeMap::new(),
            foreign_made: 0,
            mood: Mood::Well,
            calls: vec![],
            look: None,
        }
    }
}

/// What a call came to: its outcome for whoever waits, and what must not have happened.
pub struct Ended {
    pub call: Call,
    pub outcome: AttemptOutcome,
    pub wrong: Option<String>,
}

impl Engine {
    /// All that is ours, as an honest list shows it.
    pub fn observed(&self) -> Observed {
        let seen = |t: &Thing| Seen {
            revision: t.revision,
            condition: t.condition,
            // Of some that are up there is something to tell, too.
            why: (t.condition != Condition::Up || t.revision.is_multiple_of(8))
                .then(|| "web: told".into()),
        };
        let others = self.foreign.iter().filter(|_| planted!(ForeignTaken));
        let all = others.chain(&self.things);
        all.map(|(k, t)| (*k, seen(t))).collect()
    }

    /// Another installation makes something here.
    pub fn neighbour(&mut self, rng: &mut Rng, truth: &State) {
        let ours = truth.resources.len() as u64;
        let known = usize::try_from(rng.below(ours)).unwrap();
        let known = truth.resources.iter().nth(known).map(|(id, _)| *id);
        let id = known.filter(|_| rng.percent(50));
        let id = id.unwrap_or(ResourceId(rng.below(truth.counter() + 100)));
        let thing = Thing {
            revision: rng.below(truth.revision() + 1),
            condition: Condition::Up,
            block: None,
        };
        self.foreign.insert((id, rng.within(1, 4)), thing);
        self.foreign_made = self.foreign.len();
    }

    /// 14: what is not ours is as its owner left it.
    pub fn foreign_stands(&self) -> bool {
        self.foreign.len() == self.foreign_made
    }

    /// A look begins.
    pub fn begin_look(&mut self, rng: &mut Rng) {
        let now = rng.percent(50).then(|| self.observed());
        self.look = Some(now);
    }

    /// The look on its way ends, if it does: with what it saw, or without an answer.
    pub fn end_look(&mut self, rng: &mut Rng) -> Option<Option<Observed>> {
        self.look.as_ref()?;
        match self.mood {
            Mood::Silent if !rng.percent(20) => return None,
            Mood::Silent | Mood::Away => {
                self.look = None;
                return Some(None);
            }
            Mood::Well | Mood::Lying => {}
        }
        let mut seen = self.look.take()?.unwrap_or_else(|| self.observed());
        if self.mood == Mood::Lying && rng.percent(30) {
            seen.retain(|_, _| !rng.percent(30));
        }
        Some(Some(seen))
    }

    /// One call goes on. Nothing when the engine leaves it where it is.
    pub fn go_on(
        &mut self,
        rng: &mut Rng,
        truth: &State,
        fails: bool,
        sick: Option<&Sick>,
    ) -> Option<Ended> {
        let i = usize::try_from(rng.below(self.calls.len() as u64)).unwrap();
        let call = *self.calls.get(i)?;
        let failed = |kind: &str| AttemptOutcome::Failed {
            kind: kind.into(),
            detail: "as the engine\0\u{1b}[7m says".into(),
        };
        let (does, outcome) = match self.mood {
            Mood::Silent if rng.percent(90) => return None,
            // The call times out at its caller; whether it had an effect, nobody knows.
            Mood::Silent => (rng.percent(50), Some(failed("timed_out"))),
            Mood::Away => (false, Some(failed("unreachable"))),
            Mood::Lying => match rng.below(3) {
                0 => (false, Some(AttemptOutcome::Done(vec![]))),
                1 => (true, Some(failed("not_ready"))),
                _ => (true, None),
            },
            Mood::Well if sick.is_some_and(|s| s.hits(&call, truth)) => {
                (false, Some(failed("no_image")))
            }
            Mood::Well if fails && rng.percent(12) => {
                let kind = rng.one(&["no_image", "not_ready", "port_taken"]);
                (rng.percent(30), Some(failed(kind)))
            }
            Mood::Well => (true, None),
        };
        self.calls.swap_remove(i);
        let mut wrong = None;
        let mut outcome = outcome;
        if does {
            let real = self.perform(&call, truth, &mut wrong);
            outcome = outcome.or(Some(real));
        }
        Some(Ended {
            call,
            outcome: outcome.unwrap_or_else(|| AttemptOutcome::Done(vec![])),
            wrong,
        })
    }

    /// Does what a call asks, as an honest engine. `truth` is the ledger's committed State.
    pub fn perform(
        &mut self,
        call: &Call,
        truth: &State,
        wrong: &mut Option<String>,
    ) -> AttemptOutcome {
        let Action {
            resource,
            generation,
            verb,
            ..
        } = call.action;
        let taken = |e: &Self| {
            let other = |k: &(ResourceId, u64), t: &Thing| k.0 != resource && t.block == call.block;
            call.block.is_some() && e.things.iter().any(|(k, t)| other(k, t))
        };
        match verb {
            Verb::Create => {
                self.things
                    .retain(|(r, g), _| *r != resource || *g >= generation);
                if taken(self) {
                    return AttemptOutcome::Failed {
                        kind: "port_taken".into(),
                        detail: "a thing holds it".into(),
                    };
                }
                let thing = Thing {
                    revision: call.revision,
                    condition: Condition::Up,
                    block: call.block,
                };
                let there = self.things.entry((resource, generation)).or_insert(thing);
                there.condition = Condition::Up;
                let port = format!("127.0.0.1:{}", 20_000 + call.block.unwrap_or(0) * 10);
                AttemptOutcome::Done(vec![("rpc".into(), port.into())])
            }
            Verb::Reset | Verb::Bind => match self.things.get_mut(&(resource, generation)) {
                // Only what is known to be stopped is started first.
                Some(t) if t.condition == Condition::Down && !call.stopped => {
                    AttemptOutcome::Failed {
                        kind: "not_ready".into(),
                        detail: "it is down".into(),
                    }
                }
                Some(t) => {
                    t.condition = Condition::Up;
                    AttemptOutcome::Done(vec![])
                }
                None => AttemptOutcome::Failed {
                    kind: "gone".into(),
                    detail: "it is not there".into(),
                },
            },
            Verb::Turn => self.turn(resource, generation, call.way),
            Verb::Alter => match self.things.get(&(resource, generation)) {
                Some(t) if t.condition == Condition::Up => AttemptOutcome::Done(vec![]),
                _ => AttemptOutcome::Failed {
                    kind: "not_ready".into(),
                    detail: "it is not well".into(),
                },
            },
            Verb::Delete => {
                let doomed = |k: &(ResourceId, u64)| k.0 == resource && k.1 <= generation;
                if let Some(r) = truth.resources.get(&resource) {
                    let lives = matches!(r.state, ResourceState::Free | ResourceState::Leased);
                    let hit = self.things.keys().any(|k| doomed(k) && k.1 == r.generation);
                    let here = r.site().is_some_and(|s| s.host == call.action.host);
                    if lives && hit && here {
                        *wrong = Some(format!(
                            "14: {resource} generation {generation} was removed while {}",
                            r.state.as_str()
                        ));
                    }
                }
                self.things.retain(|k, _| !doomed(k));
                if planted!(ForeignTaken) {
                    self.foreign.retain(|k, _| !doomed(k));
                }
                AttemptOutcome::Done(vec![])
            }
        }
    }

    /// Starts or stops a thing, as it was asked when the call was made.
    fn turn(&mut self, resource: ResourceId, generation: u64, way: Option<Way>) -> AttemptOutcome {
        let thing = self.things.get_mut(&(resource, generation));
        let (Some(way), Some(thing)) = (way, thing) else {
            return AttemptOutcome::Failed {
                kind: "gone".into(),
                detail: "it is not there, or nothing is to be done".into(),
            };
        };
        thing.condition = match way {
            Way::Stop => Condition::Down,
            Way::Start | Way::Restart => Condition::Up,
        };
        AttemptOutcome::Done(vec![])
    }

    /// Something breaks without being asked.
    pub fn break_something(&mut self, rng: &mut Rng) {
        if rng.percent(3) {
            // Its machine was without power.
            for t in self.things.values_mut() {
                t.condition = Condition::Down;
            }
            return;
        }
        let n = usize::try_from(rng.below(self.things.len() as u64)).unwrap();
        let Some(key) = self.things.keys().nth(n).copied() else {
            return;
        };
        if rng.percent(40) {
            self.things.remove(&key);
        } else if let Some(t) = self.things.get_mut(&key) {
            t.condition = rng.one(&[Condition::Down, Condition::Partial, Condition::Up]);
        }
    }

    /// The server's process ends: nobody waits for outcomes any more.
    pub fn orphaned(&mut self) {
        self.look = None;
        for call in &mut self.calls {
            call.ghost = true;
        }
    }
}
