//! Histories made by hand: the checker accepts the honest one, and finds each broken promise.

use std::collections::BTreeMap;

use super::super::log::{Answer, Call, Lease, Line, Said, Seen, Sight};
use super::check;

const MS: u64 = 1_000_000;

#[derive(Default)]
struct Story(BTreeMap<String, Vec<Line>>);

impl Story {
    fn say(&mut self, caller: &str, at_ms: u64, said: Said) {
        let at_ns = at_ms * MS;
        let lines = self.0.entry(caller.to_owned()).or_default();
        lines.push(Line { at_ns, said });
    }

    /// A call and, unless it is lost, its answer.
    fn call(&mut self, caller: &str, at: (u64, u64), what: Call, answer: Option<Answer>) {
        let call = at.0;
        self.say(caller, at.0, Said::Sent { call, what });
        let said = match answer {
            Some(answer) => Said::Answered { call, answer },
            None => Said::Lost { call },
        };
        self.say(caller, at.1, said);
    }

    fn acquire(&mut self, caller: &str, at: (u64, u64), key: &str, lease: Option<Lease>) {
        let call = Call::Acquire {
            key: key.to_owned(),
            count: 1,
            ttl_ms: 1_000,
        };
        self.call(caller, at, call, lease.map(Answer::Lease));
    }

    fn release(&mut self, caller: &str, at: (u64, u64), lease: &Lease, heard: bool) {
        let call = Call::Release {
            lease: lease.id.clone(),
        };
        let ended = Lease {
            state: "ended".to_owned(),
            ..lease.clone()
        };
        self.call(caller, at, call, heard.then_some(Answer::Lease(ended)));
    }

    fn declare(&mut self, at: (u64, u64), heard: bool) {
        let call = Call::Declare {
            key: "d".to_owned(),
            names: vec!["n1".to_owned(), "n2".to_owned()],
        };
        self.call("ann", at, call, heard.then_some(Answer::Declared));
    }

    /// A look that finds these leases, and resources with their holders.
    fn saw(&mut self, at_ms: u64, leases: &[&Lease], names: &[&str]) {
        let holder = |id: &str| {
            let holds = |l: &&&Lease| l.resources.iter().any(|r| r == id);
            leases.iter().find(holds).map(|l| l.id.clone())
        };
        let seen = |id: &&str| {
            let lease = holder(id);
            let state = if lease.is_some() { "leased" } else { "free" };
            let seen = Seen {
                name: (*id).to_owned(),
                state: state.to_owned(),
                lease,
            };
            ((*id).to_owned(), seen)
        };
        let sight = Sight {
            leases: leases.iter().map(|l| (*l).clone()).collect(),
            resources: ["r1", "r2"].iter().chain(names).map(seen).collect(),
            ended: BTreeMap::new(),
        };
        self.say("auditor", at_ms, Said::Saw(sight));
    }

    #[track_caller]
    fn holds(self) {
        let found = check(&self.0);
        assert!(found.is_empty(), "{found:#?}");
    }

    #[track_caller]
    fn breaks(self, promise: &str) {
        let found = check(&self.0);
        assert!(found.iter().any(|f| f.contains(promise)), "{found:#?}");
    }
}

fn lease(id: &str, fence: u64, owner: &str, key: &str, resource: &str) -> Lease {
    Lease {
        id: id.to_owned(),
        state: "active".to_owned(),
        fence,
        owner: owner.to_owned(),
        note: key.to_owned(),
        expires_at: "2031-01-01T00:00:05.000Z".to_owned(),
        resources: vec![resource.to_owned()],
    }
}

fn ann() -> Lease {
    lease("l1", 1, "ann", "a", "r1")
}

fn ben() -> Lease {
    lease("l2", 2, "ben", "b", "r1")
}

#[test]
fn an_honest_history_is_accepted() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.saw(30, &[&ann()], &[]);
    story.release("ann", (40, 50), &ann(), true);
    story.acquire("ben", (45, 60), "b", Some(ben()));
    story.declare((70, 80), false);
    story.saw(90, &[&ben()], &[]);
    story.declare((95, 97), true);
    story.acquire("cy", (96, 99), "c", None);
    let cy = lease("l3", 3, "cy", "c", "r2");
    story.saw(100, &[&ben(), &cy], &["n1", "n2"]);
    story.acquire("cy", (110, 120), "c", Some(cy.clone()));
    story.saw(130, &[&ben(), &cy], &["n1", "n2"]);
    // Time is over for all of them.
    story.saw(5_000, &[], &["n1", "n2"]);
    story.holds();
}

#[test]
fn two_holders_at_once_are_found() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.acquire("ben", (30, 40), "b", Some(ben()));
    story.breaks("never two holders");
}

#[test]
fn who_was_silent_for_his_time_to_live_holds_no_more() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.acquire("ben", (1_030, 1_040), "b", Some(ben()));
    story.holds();
}

#[test]
fn a_renewal_prolongs_what_is_held() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    let renew = Call::Renew {
        lease: "l1".to_owned(),
        ttl_ms: 1_000,
    };
    story.call("ann", (500, 510), renew, Some(Answer::Lease(ann())));
    story.acquire("ben", (1_030, 1_040), "b", Some(ben()));
    story.breaks("never two holders");
}

#[test]
fn a_lower_fence_later_is_found() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(Lease { fence: 3, ..ann() }));
    story.release("ann", (30, 40), &ann(), true);
    story.acquire("ben", (50, 60), "b", Some(ben()));
    story.breaks("fences rise");
}

#[test]
fn a_lost_grant_is_found() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.saw(30, &[], &[]);
    story.breaks("it is lost");
}

#[test]
fn a_lost_release_is_found() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.release("ann", (30, 40), &ann(), true);
    story.saw(50, &[&ann()], &[]);
    story.breaks("was released");
}

#[test]
fn a_release_without_answer_may_be_there_or_not_but_not_by_turns() {
    let story = |last: &[&Lease]| {
        let mut story = Story::default();
        story.acquire("ann", (10, 20), "a", Some(ann()));
        story.release("ann", (30, 40), &ann(), false);
        story.saw(50, &[], &[]);
        story.saw(60, last, &[]);
        story
    };
    story(&[]).holds();
    story(&[&ann()]).breaks("is back");
}

#[test]
fn a_lost_renewal_is_found() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    let renew = Call::Renew {
        lease: "l1".to_owned(),
        ttl_ms: 1_000,
    };
    let later = Lease {
        expires_at: "2031-01-01T00:00:06.000Z".to_owned(),
        ..ann()
    };
    story.call("ann", (30, 40), renew, Some(Answer::Lease(later)));
    story.saw(50, &[&ann()], &[]);
    story.breaks("lost a renewal");
}

#[test]
fn a_lost_or_half_declaration_is_found() {
    let story = |heard: bool, names: &[&str]| {
        let mut story = Story::default();
        story.declare((10, 20), heard);
        story.saw(30, &[], names);
        story
    };
    story(true, &[]).breaks("are lost");
    story(false, &["n1"]).breaks("only 1");
    story(false, &[]).holds();
    story(false, &["n1", "n2"]).holds();
}

#[test]
fn what_was_absent_does_not_come_by_itself() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", None);
    story.saw(30, &[], &[]);
    story.saw(40, &[&ann()], &[]);
    story.breaks("was absent");
}

#[test]
fn what_was_there_without_an_answer_stays() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", None);
    story.saw(30, &[&ann()], &[]);
    story.saw(40, &[], &[]);
    story.breaks("was there and is lost");
}

#[test]
fn a_key_with_two_outcomes_is_found() {
    let mut story = Story::default();
    let other = lease("l2", 2, "ann", "a", "r2");
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.acquire("ann", (30, 40), "a", Some(other.clone()));
    story.breaks("one outcome");
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", None);
    story.saw(25, &[&ann()], &[]);
    story.acquire("ann", (30, 40), "a", Some(other));
    story.breaks("gave l1 and l2");
}

#[test]
fn a_lease_that_nobody_asked_for_is_found() {
    let mut story = Story::default();
    story.saw(10, &[&ann()], &[]);
    story.breaks("nobody asked");
}

#[test]
fn a_resource_of_a_lease_that_is_not_there_is_found() {
    let mut story = Story::default();
    story.saw(10, &[], &[]);
    let lines = story.0.get_mut("auditor").unwrap();
    let Said::Saw(sight) = &mut lines[0].said else {
        unreachable!()
    };
    sight.resources.get_mut("r1").unwrap().lease = Some("l9".to_owned());
    story.breaks("has it");
}
