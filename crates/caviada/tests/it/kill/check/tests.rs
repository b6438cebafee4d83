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
        let answer = lease.map(Answer::Lease);
        self.call(caller, at, acquire(key), answer);
    }

    fn renew(&mut self, at: (u64, u64), answer: Option<Lease>) {
        let call = Call::Renew {
            lease: "l1".to_owned(),
            ttl_ms: 60_000,
        };
        self.call("ann", at, call, answer.map(Answer::Lease));
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
                ..Seen::default()
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

    /// The look that was told last.
    fn sight(&mut self) -> &mut Sight {
        let lines = self.0.get_mut("auditor").unwrap();
        match &mut lines.last_mut().unwrap().said {
            Said::Saw(sight) => sight,
            _ => unreachable!(),
        }
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

fn acquire(key: &str) -> Call {
    Call::Acquire {
        pool: "herd".to_owned(),
        key: key.to_owned(),
        count: 1,
        ttl_ms: 1_000,
    }
}

fn refused() -> Answer {
    Answer::Refused {
        status: 409,
        code: "pool-exhausted".to_owned(),
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
        expires_in_ms: 1_000,
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
    story.renew((500, 510), Some(ann()));
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
    let later = Lease {
        expires_at: "2031-01-01T00:00:06.000Z".to_owned(),
        ..ann()
    };
    story.renew((30, 40), Some(later));
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
    story.sight().resources.get_mut("r1").unwrap().lease = Some("l9".to_owned());
    story.breaks("has it");
}

#[test]
fn a_resource_that_is_free_and_held_is_found() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.saw(30, &[&ann()], &[]);
    story.sight().resources.get_mut("r1").unwrap().state = "free".to_owned();
    story.breaks("has it");
}

#[test]
fn a_resource_of_two_leases_and_one_that_is_gone_are_found() {
    let mut story = Story::default();
    story.saw(10, &[&ann(), &ben()], &[]);
    story.breaks("r1 is of l1 and of l2");
    let mut story = Story::default();
    story.saw(10, &[&ann()], &[]);
    story.sight().resources.remove("r1");
    story.breaks("which is not there");
}

#[test]
fn a_lease_that_is_another_now_is_found() {
    let other = [
        Lease { fence: 7, ..ann() },
        Lease {
            owner: "ben".to_owned(),
            ..ann()
        },
        Lease {
            note: "b".to_owned(),
            ..ann()
        },
        lease("l1", 1, "ann", "a", "r2"),
    ];
    for other in other {
        let mut story = Story::default();
        story.acquire("ann", (10, 20), "a", Some(ann()));
        story.saw(30, &[&other], &[]);
        story.breaks("and now it is");
    }
}

#[test]
fn a_lease_of_half_the_count_or_of_somebody_else_is_found() {
    let half = Lease {
        resources: vec![],
        ..ann()
    };
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(half.clone()));
    story.breaks("all or nothing");
    let others = Lease {
        owner: "ben".to_owned(),
        ..ann()
    };
    for lease in [half, others] {
        let mut story = Story::default();
        story.acquire("ann", (10, 20), "a", None);
        story.saw(30, &[&lease], &[]);
        story.breaks("1 of \"ann\" is");
    }
}

#[test]
fn a_key_that_gives_other_fences_or_is_refused_later_is_found() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.acquire("ann", (30, 40), "a", Some(Lease { fence: 2, ..ann() }));
    story.breaks("other fences");
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.call("ann", (30, 40), acquire("a"), Some(refused()));
    story.breaks("one outcome");
}

#[test]
fn a_key_that_gave_something_without_an_answer_is_not_refused_later() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", None);
    story.saw(30, &[&ann()], &[]);
    story.call("ann", (40, 50), acquire("a"), Some(refused()));
    story.breaks("a is there and was refused later");
    let mut story = Story::default();
    story.declare((10, 20), false);
    story.saw(30, &[], &["n1", "n2"]);
    let again = Call::Declare {
        key: "d".to_owned(),
        names: vec!["n1".to_owned(), "n2".to_owned()],
    };
    story.call("ann", (40, 50), again, Some(refused()));
    story.breaks("d is there and was refused later");
}

#[test]
fn a_release_without_answer_is_not_done_later() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.release("ann", (30, 40), &ann(), false);
    story.saw(50, &[&ann()], &[]);
    story.saw(60, &[], &[]);
    story.breaks("was not released and is gone");
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", Some(ann()));
    story.release("ann", (30, 40), &ann(), false);
    story.saw(50, &[&ann()], &[]);
    story.release("ann", (52, 55), &ann(), false);
    story.saw(60, &[], &[]);
    story.holds();
}

#[test]
fn a_renewal_without_answer_is_there_at_once_or_never() {
    let story = |dues_in_ms: [u64; 2]| {
        let mut story = Story::default();
        story.acquire("ann", (10, 20), "a", Some(ann()));
        story.renew((30, 40), None);
        for (at, expires_in_ms) in [50, 60].into_iter().zip(dues_in_ms) {
            let ann = Lease {
                expires_in_ms,
                ..ann()
            };
            story.saw(at, &[&ann], &[]);
        }
        story
    };
    story([60_000, 60_000]).holds();
    // A restart grants half a minute to everybody.
    story([1_000, 30_000]).holds();
    story([30_000, 60_000]).breaks("renewed by nobody");
    story([60_000, 30_000]).breaks("renewed by nobody");
    story([70_000, 70_000]).breaks("renewed by nobody");
}

#[test]
fn a_lease_that_was_gone_and_is_shown_live_is_found() {
    let mut story = Story::default();
    story.saw(10, &[], &[]);
    let ended = &mut story.sight().ended;
    ended.insert("l1".to_owned(), "active".to_owned());
    story.breaks("l1 was released and is active");
}

#[test]
fn calls_without_answer_are_counted_by_what_became_of_them() {
    let mut story = Story::default();
    story.acquire("ann", (10, 20), "a", None);
    story.acquire("ben", (10, 20), "b", None);
    story.declare((30, 40), false);
    story.saw(50, &[&ann()], &["n1", "n2"]);
    let unknown = super::unknown(&story.0);
    assert_eq!((unknown.there, unknown.absent), (2, 1));
}
