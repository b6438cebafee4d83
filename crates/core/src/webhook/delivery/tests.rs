use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn at(n: u64) -> Number {
    Number {
        revision: n,
        index: 0,
    }
}

/// One step of a world around a delivery.
#[derive(Debug, Clone)]
enum Step {
    /// The next event, about one of a few subjects, or not told.
    Happens(Option<u8>),
    /// One of the calls under way ends.
    Ends(usize, bool),
    /// Time passes.
    Waits(u64),
    /// The process starts again from the stored mark.
    Restarts,
    /// The target lags too far.
    Skips,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => proptest::option::of(0..4u8).prop_map(Step::Happens),
        8 => (any::<usize>(), proptest::bool::weighted(0.7)).prop_map(|(n, ok)| Step::Ends(n, ok)),
        4 => (0..2_000u64).prop_map(Step::Waits),
        1 => Just(Step::Restarts),
        1 => Just(Step::Skips),
    ];
    proptest::collection::vec(step, 0..300)
}

/// What happened, what the target got, and the promises between the two.
struct World {
    delivery: Delivery,
    happened: Vec<Option<u8>>,
    calls: Vec<(Number, Told)>,
    /// Newest event the target accepted per subject, since the last restart.
    accepted: BTreeMap<Box<str>, Number>,
    got: BTreeSet<Number>,
    gaps: Vec<(Number, Number)>,
    now: Time,
}

impl World {
    fn new() -> Self {
        Self {
            delivery: Delivery::new(at(0)),
            happened: vec![],
            calls: vec![],
            accepted: BTreeMap::new(),
            got: BTreeSet::new(),
            gaps: vec![],
            now: Time(0),
        }
    }

    fn subject(&self, number: u64) -> Option<Box<str>> {
        let index = usize::try_from(number).unwrap() - 1;
        self.happened[index].map(|s| s.to_string().into())
    }

    fn read(&mut self) {
        let newest = self.happened.len() as u64;
        while self.delivery.has_room() && self.delivery.read_to().revision < newest {
            let next = self.delivery.read_to().revision + 1;
            self.delivery.read(at(next), self.subject(next));
        }
    }

    fn send(&mut self) {
        for (number, told) in self.delivery.next(self.now) {
            let alone = matches!(told, Told::Gap(_));
            assert!(!alone || self.calls.is_empty(), "a gap stands alone");
            for (other, under_way) in &self.calls {
                assert!(
                    *under_way != told,
                    "{number} is sent beside {other} of its subject"
                );
                assert!(matches!(under_way, Told::Event(_)), "nothing beside a gap");
            }
            self.calls.push((number, told));
        }
        assert!(self.calls.len() <= limits::WEBHOOK_CALLS_MAX);
    }

    fn end(&mut self, n: usize, ok: bool) {
        if self.calls.is_empty() {
            return;
        }
        let (number, told) = self.calls.remove(n % self.calls.len());
        if ok {
            match told {
                Told::Event(subject) => {
                    let newest = self.accepted.entry(subject).or_default();
                    assert!(*newest < number, "in order per subject");
                    *newest = number;
                    self.got.insert(number);
                }
                Told::Gap(after) => self.gaps.push((after, number)),
            }
        }
        self.delivery.finished(number, ok, self.now);
    }

    /// Nothing up to the mark is untold.
    fn whole(&self) {
        let mark = self.delivery.mark().revision;
        for n in 1..=mark.min(self.happened.len() as u64) {
            let told = self.got.contains(&at(n));
            let missed = self
                .gaps
                .iter()
                .any(|(after, to)| *after < at(n) && at(n) <= *to);
            assert!(
                told || missed || self.subject(n).is_none(),
                "{n} was never told"
            );
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Happens(subject) => self.happened.push(*subject),
            Step::Ends(n, ok) => self.end(*n, *ok),
            Step::Waits(ms) => self.now = self.now.plus_ms(*ms),
            Step::Restarts => {
                self.delivery = Delivery::new(self.delivery.mark());
                self.calls.clear();
                self.accepted.clear();
            }
            Step::Skips => {
                let newest = at(self.happened.len() as u64);
                if newest > self.delivery.read_to() {
                    self.delivery.skip_to(newest);
                }
            }
        }
        self.read();
        self.send();
        self.whole();
    }

    /// Everything works from here on: how it ends.
    fn quiet(&mut self) {
        for _ in 0..2_000 {
            self.now = self.now.plus_ms(limits::BACK_OFF_MS_MAX);
            self.read();
            self.send();
            self.whole();
            if self.calls.is_empty() {
                break;
            }
            self.end(0, true);
        }
        assert_eq!(self.delivery.left(), 0);
        assert_eq!(self.delivery.mark(), self.delivery.read_to());
        assert_eq!(self.delivery.read_to().revision, self.happened.len() as u64);
    }
}

proptest! {
    #[test]
    fn everything_is_told_at_least_once_and_in_order_per_subject(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.quiet();
    }
}

#[test]
fn failures_back_off_and_one_success_ends_that() {
    let mut delivery = Delivery::new(at(0));
    for n in 1..=20 {
        delivery.read(at(n), Some(n.to_string().into()));
    }
    let mut now = Time(0);
    let first = delivery.next(now);
    assert_eq!(first.len(), limits::WEBHOOK_CALLS_MAX);
    for (number, _) in first {
        delivery.finished(number, false, now);
    }
    // All of them together are one failure.
    assert_eq!(delivery.failures(), 1);
    let mut pauses = vec![];
    for _ in 0..12 {
        let wake = delivery.next_wake(now).unwrap();
        assert_eq!(delivery.next(Time(wake.0 - 1)), []);
        pauses.push(wake.since(now));
        now = wake;
        let tries = delivery.next(now);
        assert_eq!(tries.len(), 1);
        assert_eq!(tries[0].0, at(1));
        delivery.finished(at(1), false, now);
    }
    assert_eq!(pauses[..3], [1_000, 2_000, 4_000]);
    assert_eq!(pauses.last(), Some(&limits::BACK_OFF_MS_MAX));
    now = delivery.next_wake(now).unwrap();
    delivery.next(now);
    delivery.finished(at(1), true, now);
    assert_eq!(delivery.next(now).len(), limits::WEBHOOK_CALLS_MAX);
}

#[test]
fn who_lags_too_far_is_told_of_one_gap_and_goes_on_with_the_newest() {
    let mut delivery = Delivery::new(at(7));
    delivery.read(at(8), Some("a".into()));
    let max = limits::WEBHOOK_BACKLOG_EVENTS_MAX as u64;
    assert!(!delivery.is_too_late(max - 1));
    assert!(delivery.is_too_late(max));
    delivery.skip_to(at(200_000));
    assert_eq!(delivery.mark(), before(at(8)), "it has yet to be told");
    delivery.read(at(200_001), Some("a".into()));
    let gap = delivery.next(Time(0));
    assert_eq!(gap, [(at(200_000), Told::Gap(before(at(8))))]);
    delivery.finished(at(200_000), true, Time(0));
    assert_eq!(delivery.mark(), before(at(200_001)));
    assert_eq!(
        delivery.next(Time(0)),
        [(at(200_001), Told::Event("a".into()))]
    );
}
