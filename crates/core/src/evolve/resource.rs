//! What events do to resources.

use std::sync::Arc;

use crate::alter::{Altered, Direction};
use crate::event::{After, Event};
use crate::id::{Fence, LeaseId, ResourceId};
use crate::lease::Earmark;
use crate::planted;
use crate::power::{TurnEnd, Way};
use crate::resource::{Health, LOOKS, Origin, Resource, ResourceDoc, ResourceState, Then};
use crate::state::{State, Work};
use crate::time::Time;

pub(super) fn evolve(state: &mut State, event: &Event) {
    use ResourceState::{Cleaning, Creating, Dirty, Free, Withheld};
    match event {
        Event::ResourceDeclared(r) | Event::ResourcePlanned(r) | Event::ResourceCut(r) => {
            state.insert_resource(r);
        }
        Event::ResourceDescribed(id, doc) => {
            state.describe(*id, doc);
        }
        Event::ResourceCreating(id, deadline) => state.resource(*id, |r, _| {
            r.generation += 1;
            r.work(Creating, *deadline);
        }),
        Event::ResourceBuilt {
            resource,
            outputs,
            retire_at,
        } => {
            state.resource(*resource, |r, now| {
                r.outputs = outputs.clone();
                r.rest(Free, *retire_at);
                (r.born_at, r.freed_at, r.uses, r.tries) = (now, now, 0, 0);
                r.health = Health::Well;
            });
        }
        Event::ResourceCleaning {
            resource,
            replace,
            deadline,
        } => {
            state.resource(*resource, |r, _| {
                if *replace {
                    r.generation += 1;
                }
                r.work(Cleaning, *deadline);
            });
        }
        Event::ResourceCleaned {
            resource,
            outputs,
            cooling_until,
            retire_at,
        } => {
            state.resource(*resource, |r, now| {
                if !outputs.is_empty() {
                    r.outputs = outputs.clone();
                }
                if retire_at.is_some() {
                    r.born_at = now;
                }
                let retire_at = retire_at.or(r.retire_at);
                r.rest(Free, retire_at);
                r.cooling_until = *cooling_until;
                r.power = None;
                (r.freed_at, r.tries) = (now, 0);
                r.uses = r.uses.saturating_add(1);
                r.health = Health::Well;
            });
        }
        Event::ResourceFailed {
            resource,
            cause,
            retry_at,
        } => {
            state.resource(*resource, |r, _| r.fail(cause, *retry_at));
        }
        Event::ResourceDirtied(id, alert_at) => {
            state.resource(*id, |r, _| r.rest(Dirty, Some(*alert_at)));
        }
        Event::ResourceWithheld(id, withheld) => state.resource(*id, |r, _| {
            r.rest(Withheld, withheld.until);
            r.withheld = Some(withheld.clone());
        }),
        Event::ResourceReturned(id) => state.resource(*id, |r, now| {
            let retire_at = r.retire_at;
            r.rest(Free, retire_at);
            r.freed_at = now;
        }),
        Event::ResourceThen(id, then) => state.resource(*id, |r, _| r.then = Some(then.clone())),
        Event::ResourceDeleting(id, deadline) => state.resource(*id, |r, _| {
            if r.state != ResourceState::Deleting {
                r.tries = 0;
            }
            r.work(ResourceState::Deleting, *deadline);
            r.then = None;
        }),
        Event::ResourceUndeleted(id, cause, retry_at) => state.resource(*id, |r, _| {
            r.open = false;
            r.tries += 1;
            r.cause = Some(cause.as_ref().into());
            r.deadline = Some(*retry_at);
        }),
        Event::ResourceGone(id) => state.remove_resource(*id),
        Event::ResourceHealth(id, health, why) => state.resource(*id, |r, _| {
            r.health = *health;
            // That it is well takes back what a look said, and not why an alteration failed.
            let failed = r.cause_kind().is_some_and(|kind| !LOOKS.contains(&kind));
            if why.is_some() || *health != Health::Well || !failed {
                r.cause = why.clone();
            }
        }),
        Event::ResourceTurning { .. }
        | Event::ResourceTurned(_)
        | Event::ResourceUnturned { .. } => power(state, event),
        Event::ResourceCooled(id) => state.resource(*id, |r, _| r.cooling_until = None),
        Event::ResourceAlert(id) => state.resource(*id, |r, _| r.deadline = None),
        Event::ResourceBound(id) => bound(state, *id),
        Event::ResourceEarmarked {
            resource,
            rank,
            item,
        } => {
            state.unmark(*resource);
            state.resource(*resource, |r, _| r.earmark = Some(*rank));
            let mark = Earmark {
                resource: *resource,
                item: *item,
            };
            state.lease(rank.lease, |l| l.earmarks.push(mark));
        }
        Event::ResourceUnmarked(id) => {
            state.unmark(*id);
            state.resource(*id, |r, _| r.earmark = None);
        }
        _ => alter(state, event),
    }
}

fn bound(state: &mut State, id: ResourceId) {
    let lease = state.resources.get(&id).and_then(|r| r.lease);
    state.resource(id, |r, _| {
        r.open = false;
        r.deadline = None;
    });
    if let Some(lease) = lease {
        state.lease(lease, |l| {
            for m in l.members.iter_mut().filter(|m| m.resource == id) {
                m.bound = true;
            }
        });
    }
}

fn power(state: &mut State, event: &Event) {
    match event {
        Event::ResourceTurning {
            resource,
            turn,
            deadline,
        } => state.resource(*resource, |r, _| {
            let power = r.power.as_deref().cloned().unwrap_or_default();
            r.power = Some(Arc::new(power.turning((**turn).clone())));
            r.attempt += 1;
            r.open = true;
            r.deadline = Some(*deadline);
            r.cause = None;
        }),
        Event::ResourceTurned(id) => {
            state.resource(*id, |r, _| r.turned(TurnEnd::Done, None));
        }
        Event::ResourceUnturned {
            resource,
            cause,
            untouched,
        } => state.resource(*resource, |r, _| {
            let end = match untouched {
                true => TurnEnd::Nothing,
                false => TurnEnd::Unknown,
            };
            r.turned(end, Some(cause));
        }),
        _ => debug_assert!(false, "not an event of its power"),
    }
}

fn alter(state: &mut State, event: &Event) {
    match event {
        Event::ResourceAltering {
            resource,
            parameters,
            deadline,
        } => state.resource(*resource, |r, _| {
            let altered = Altered {
                direction: Some(Direction::Towards(parameters.clone())),
                tried: r.tried().to_vec(),
            };
            r.alters(altered, *deadline);
            r.cause = None;
        }),
        Event::ResourceAltered { resource, outputs } => state.resource(*resource, |r, _| {
            if let (Some(Direction::Towards(to)), Origin::Built(site)) =
                (r.altering().cloned(), &mut r.origin)
            {
                Arc::make_mut(site).parameters = to;
            }
            if !outputs.is_empty() {
                r.outputs = outputs.clone();
            }
            r.altered_so_far(vec![]);
        }),
        Event::ResourceUnaltered {
            resource,
            cause,
            undo_by,
        } => state.resource(*resource, |r, _| {
            match (r.altered.as_deref(), r.altering(), undo_by) {
                (Some(altered), Some(Direction::Towards(to)), Some(by)) => {
                    let altered = altered.failed(to);
                    r.alters(altered, *by);
                }
                _ => r.altered_so_far(r.tried().to_vec()),
            }
            r.cause = Some(cause.as_ref().into());
        }),
        Event::ResourceRestored(id) => state.resource(*id, |r, _| r.altered_so_far(vec![])),
        _ => debug_assert!(false, "not an event of a resource"),
    }
}

impl State {
    /// The lease a resource was kept for lacks it again.
    fn unmark(&mut self, id: ResourceId) {
        if let Some(rank) = self.resources.get(&id).and_then(|r| r.earmark)
            && !planted!(LostEarmark)
        {
            self.lease(rank.lease, |l| l.earmarks.retain(|e| e.resource != id));
        }
    }

    fn describe(&mut self, id: ResourceId, doc: &Arc<ResourceDoc>) {
        let Some(r) = self.resources.get(&id).cloned() else {
            return;
        };
        // Postings depend on the attributes: out with the old, in with the new.
        self.relink(id, false);
        if let Some(row) = self.resources.edit(&id) {
            row.doc = doc.clone();
            row.changed = self.next;
        }
        self.relink(id, true);
        self.fewer(&r);
        if r.state == ResourceState::Free {
            self.work.insert(Work::Offer(id));
        }
    }

    /// A resource becomes a lease's member.
    pub(super) fn take(
        &mut self,
        id: ResourceId,
        lease: LeaseId,
        fence: Fence,
        bind_by: Option<Time>,
    ) {
        self.resource(id, |r, _| {
            let cleaning = r.state == ResourceState::Dirty;
            r.state = if cleaning {
                ResourceState::Cleaning
            } else {
                ResourceState::Leased
            };
            r.lease = Some(lease);
            r.earmark = None;
            r.fence = fence;
            r.open = bind_by.is_some();
            r.deadline = bind_by;
            if bind_by.is_some() || cleaning {
                r.attempt += 1;
            }
        });
    }

    /// A lease lets go of a member.
    pub(super) fn let_go(&mut self, id: ResourceId, after: &After) {
        if *after == After::Gone {
            return self.remove_resource(id);
        }
        if let Some(Origin::Slice(cut)) = self.resources.get(&id).map(|r| &r.origin)
            && planted!(SliceRefundedTwice)
        {
            let _ = self
                .index
                .spaces
                .get_mut(&cut.parent)
                .map(|s| s.put(&cut.part));
        }
        self.resource(id, |r, now| match after {
            After::Free(cooling) | After::Cleaned(cooling) => {
                let retire_at = r.retire_at;
                r.rest(ResourceState::Free, retire_at);
                r.cooling_until = *cooling;
                r.freed_at = now;
                r.uses = r.uses.saturating_add(1);
                if matches!(after, After::Cleaned(_)) {
                    (r.tries, r.health) = (0, Health::Well);
                }
            }
            After::Dirty(alert_at) => r.rest(ResourceState::Dirty, Some(*alert_at)),
            After::Withheld(withheld) => {
                r.rest(ResourceState::Withheld, withheld.until);
                r.withheld = Some(withheld.clone());
            }
            After::Deleting(deadline) => {
                r.rest(ResourceState::Deleting, None);
                r.tries = 0;
                r.work(ResourceState::Deleting, *deadline);
            }
            After::Failed(cause, retry_at) => r.fail(cause, *retry_at),
            After::Gone => {}
        });
    }
}

impl Resource {
    /// Enters a state in which an attempt is under way.
    fn work(&mut self, to: ResourceState, deadline: Time) {
        let then: Option<Then> = self.then.take();
        let retire_at = self.retire_at;
        self.rest(to, Some(deadline));
        self.retire_at = retire_at;
        self.then = then;
        self.attempt += 1;
        self.open = true;
    }

    /// Enters a state in which nobody works on it; what belonged to the last one is dropped. For a
    /// free one the deadline is the end of its age.
    fn rest(&mut self, to: ResourceState, deadline: Option<Time>) {
        self.state = to;
        self.deadline = deadline;
        if to == ResourceState::Free {
            self.retire_at = deadline;
        }
        self.open = false;
        if let Some(power) = self.power.take() {
            let power = power.dropped();
            self.power = (!power.runs()).then(|| Arc::new(power));
        }
        if self.altered.is_some() {
            self.altered = Some(Arc::default());
        }
        self.lease = None;
        self.earmark = None;
        self.then = None;
        self.withheld = None;
        self.cooling_until = None;
        if to != ResourceState::Failed && to != ResourceState::Deleting {
            self.cause = None;
        }
    }

    /// What was done to its power is over.
    fn turned(&mut self, end: TurnEnd, failed: Option<&str>) {
        let whole = self
            .turn()
            .is_some_and(|t| t.service.is_none() && t.way != Way::Stop);
        let power = self.power.as_ref().map(|p| p.turned(end));
        // What its holder altered may never come up as a whole, and he must be able to mend that: it
        // is looked at, and not waited for.
        let looked_at = self.altered.is_some() && whole && end == TurnEnd::Unknown;
        let power = power.filter(|p| !p.runs() && !looked_at);
        self.power = power.map(Arc::new);
        self.open = false;
        self.deadline = self.withheld.as_ref().and_then(|w| w.until);
        self.cause = failed.map(Into::into);
    }

    /// An attempt begins that alters it, or undoes that.
    fn alters(&mut self, altered: Altered, deadline: Time) {
        self.altered = Some(Arc::new(altered));
        self.attempt += 1;
        self.open = true;
        self.deadline = Some(deadline);
    }

    /// That attempt is over, and this was tried and is neither done nor undone.
    fn altered_so_far(&mut self, tried: Vec<Arc<str>>) {
        self.altered = Some(Arc::new(Altered {
            direction: None,
            tried,
        }));
        self.open = false;
        self.deadline = None;
    }

    fn fail(&mut self, cause: &str, retry_at: Time) {
        let tries = self.tries.saturating_add(1);
        self.rest(ResourceState::Failed, Some(retry_at));
        self.cause = Some(cause.into());
        self.tries = tries;
    }
}
