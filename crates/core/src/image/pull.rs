//! What is pulled beforehand, when, and when again: every choice about it. Volatile: who starts anew
//! looks anew, and what is there already costs one look.
//!
//! A host that hangs or whose registry is away keeps its own places only, and hosts take turns; after
//! a failure an image waits, each time longer, and one that a person asks for waits for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use crate::id::HostId;
use crate::limits;
use crate::time::Time;

/// How it stands with one image on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It will be looked for, and pulled if it is not there.
    Waiting,
    /// That is being done.
    Pulling,
    /// It was there.
    There {
        /// When that was seen.
        at: Time,
    },
    /// It could not be had.
    Failed {
        /// Why, and what to do next.
        why: Box<str>,
        /// Not tried again before.
        until: Time,
    },
}

/// Why nobody waits for an image of a host that went away.
const AWAY: &str = "the host does not answer; `caviada host show` says why";

/// One image of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// How it stands.
    pub standing: Standing,
    /// Something that may be built there is made of it; else somebody asked for it once.
    pub wanted: bool,
    /// Failures in a row.
    pub tries: u32,
    /// A person waits for it.
    asked: bool,
}

impl Pull {
    fn new(wanted: bool) -> Self {
        Self {
            standing: Standing::Waiting,
            wanted,
            tries: 0,
            asked: false,
        }
    }

    /// As if nothing were known of it, unless it is under way.
    fn anew(&mut self) {
        self.tries = 0;
        if self.standing != Standing::Pulling {
            self.standing = Standing::Waiting;
        }
    }

    /// Whoever asked for it need not wait: its host does not answer. One that is under way has an end of
    /// its own.
    fn give_up(&mut self, now: Time) {
        if self.asked && self.standing == Standing::Waiting {
            self.asked = false;
            self.standing = Standing::Failed {
                why: AWAY.into(),
                until: now,
            };
        }
    }

    /// When it is looked for next. What nobody wants any more is not: it was asked for once.
    fn due(&self) -> Option<Time> {
        match self.standing {
            Standing::Waiting => Some(Time(0)),
            Standing::Pulling => None,
            Standing::There { at } => self.wanted.then(|| at.plus_ms(limits::IMAGE_SEEN_FOR_MS)),
            Standing::Failed { until, .. } => self.wanted.then_some(until),
        }
    }

    /// Nobody wants it, and whoever asked for it has had time to see what came of it.
    fn is_over(&self, now: Time) -> bool {
        let over = match self.standing {
            Standing::Waiting => !self.asked,
            Standing::Pulling => false,
            Standing::There { at } | Standing::Failed { until: at, .. } => {
                at.plus_ms(limits::IMAGE_SEEN_FOR_MS) <= now
            }
        };
        over && !self.wanted
    }
}

/// The images of all hosts.
#[derive(Debug, Clone, Default)]
pub struct Pulls {
    hosts: BTreeMap<HostId, BTreeMap<Box<str>, Pull>>,
    /// The last that was given a place by turns: whoever comes after it is the next.
    last: Option<HostId>,
}

impl Pulls {
    /// What a host is to have from now on. What is beyond the bound is pulled by the builds themselves.
    pub fn want(&mut self, host: HostId, images: &BTreeSet<String>, now: Time) {
        let known = self.hosts.entry(host).or_default();
        for (image, pull) in known.iter_mut() {
            pull.wanted = images.contains(&**image);
        }
        known.retain(|_, pull| !pull.is_over(now));
        for image in images {
            if known.len() >= limits::IMAGES_PER_HOST_MAX {
                break;
            }
            let image = image.as_str().into();
            known.entry(image).or_insert_with(|| Pull::new(true));
        }
    }

    /// Somebody asks for these now, whatever failed before. Says whether there is room for them.
    pub fn ask(&mut self, host: HostId, images: &BTreeSet<String>) -> bool {
        let known = self.hosts.entry(host).or_default();
        let new = images.iter().filter(|i| !known.contains_key(i.as_str()));
        if known.len() + new.count() > limits::IMAGES_PER_HOST_MAX {
            return false;
        }
        for image in images {
            let image = image.as_str().into();
            let pull = known.entry(image).or_insert_with(|| Pull::new(false));
            pull.asked = true;
            pull.anew();
        }
        true
    }

    /// A host is spoken to in another way, or has come back, and what was under way there is given up:
    /// nothing that failed is held against it, and nothing that was there counts.
    pub fn anew(&mut self, host: HostId) {
        for (_, pull) in self.hosts.get_mut(&host).into_iter().flatten() {
            if pull.standing == Standing::Pulling {
                pull.standing = Standing::Waiting;
            }
            pull.anew();
        }
    }

    /// Keeps these hosts only.
    pub fn retain(&mut self, is_there: impl Fn(HostId) -> bool) {
        self.hosts.retain(|id, _| is_there(*id));
    }

    /// What begins now: on each host that `answers`, within the bounds. What a person asks for comes
    /// first and takes no place of what nobody waits for; on a host that does not answer it has failed.
    pub fn start(
        &mut self,
        now: Time,
        answers: impl Fn(HostId) -> bool,
    ) -> Vec<(HostId, Box<str>)> {
        let away = self.hosts.iter_mut().filter(|(id, _)| !answers(**id));
        for pull in away.flat_map(|(_, images)| images.values_mut()) {
            pull.give_up(now);
        }
        let turns = self.turns().into_iter().filter(|id| answers(*id));
        let turns: Vec<HostId> = turns.collect();
        let mut started = Vec::new();
        for id in &turns {
            self.begin(*id, true, usize::MAX, now, &mut started);
        }
        let mut places = limits::PULLS_AT_ONCE_MAX.saturating_sub(self.under_way());
        for id in turns {
            let begun = self.begin(id, false, places, now, &mut started);
            if begun > 0 {
                self.last = Some(id);
            }
            places -= begun;
        }
        started
    }

    /// All hosts, from the one whose turn it is.
    fn turns(&self) -> Vec<HostId> {
        let Some(last) = self.last else {
            return self.hosts.keys().copied().collect();
        };
        let next = self.hosts.range((Excluded(last), Unbounded));
        next.chain(self.hosts.range(..=last))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Begins at most so many on a host, of those that somebody asked for or of the others.
    fn begin(
        &mut self,
        id: HostId,
        asked: bool,
        most: usize,
        now: Time,
        started: &mut Vec<(HostId, Box<str>)>,
    ) -> usize {
        let Some(images) = self.hosts.get_mut(&id) else {
            return 0;
        };
        let here = limits::PULLS_PER_HOST_MAX.saturating_sub(pulling(images));
        let due = images
            .iter_mut()
            .filter(|(_, pull)| pull.asked == asked && pull.due().is_some_and(|at| at <= now));
        let before = started.len();
        for (image, pull) in due.take(here.min(most)) {
            pull.standing = Standing::Pulling;
            started.push((id, image.clone()));
        }
        started.len() - before
    }

    /// Pulls under way that nobody waits for.
    fn under_way(&self) -> usize {
        let all = self.hosts.values().flat_map(BTreeMap::values);
        all.filter(|p| p.standing == Standing::Pulling && !p.asked)
            .count()
    }

    /// One ended: the image is there, or why it could not be had.
    pub fn ended(&mut self, host: HostId, image: &str, end: Result<(), &str>, now: Time) {
        let images = self.hosts.get_mut(&host);
        let Some(pull) = images.and_then(|images| images.get_mut(image)) else {
            return;
        };
        if pull.standing != Standing::Pulling {
            return;
        }
        pull.asked = false;
        (pull.standing, pull.tries) = match end {
            Ok(()) => (Standing::There { at: now }, 0),
            Err(why) => {
                let failed = Standing::Failed {
                    why: limits::capped(why).into(),
                    until: now.plus_ms(pause_ms(pull.tries)),
                };
                (failed, pull.tries.saturating_add(1))
            }
        };
    }

    /// The images of a host, by name.
    pub fn of(&self, host: HostId) -> impl Iterator<Item = (&str, &Pull)> {
        let images = self.hosts.get(&host).into_iter().flatten();
        images.map(|(image, pull)| (&**image, pull))
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Time> {
        let all = self.hosts.values().flat_map(BTreeMap::values);
        all.filter_map(Pull::due).min()
    }
}

fn pulling(images: &BTreeMap<Box<str>, Pull>) -> usize {
    let all = images.values();
    all.filter(|p| p.standing == Standing::Pulling).count()
}

/// How long an image waits after so many failures before the last.
fn pause_ms(tries: u32) -> u64 {
    // A registry is asked less often than an engine.
    let first = 5 * limits::BACK_OFF_MS_MIN;
    let doubled = first.saturating_mul(1 << tries.min(20));
    doubled.min(limits::BACK_OFF_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: HostId = HostId(1);
    const B: HostId = HostId(2);

    fn images(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    fn standing(pulls: &Pulls, host: HostId, image: &str) -> Option<Standing> {
        let mut all = pulls.of(host);
        all.find(|(name, _)| *name == image)
            .map(|(_, p)| p.standing.clone())
    }

    #[test]
    fn a_host_pulls_a_few_at_once_and_takes_no_places_of_others() {
        let mut pulls = Pulls::default();
        pulls.want(A, &images(&["a", "b", "c"]), Time(1));
        pulls.want(B, &images(&["a"]), Time(1));
        let started = pulls.start(Time(1), |_| true);
        assert_eq!(started.len(), limits::PULLS_PER_HOST_MAX + 1);
        assert_eq!(pulls.start(Time(2), |_| true), []);
        pulls.ended(A, "a", Ok(()), Time(3));
        assert_eq!(pulls.start(Time(3), |_| true), [(A, "c".into())]);
    }

    #[test]
    fn hosts_take_turns_and_who_asks_waits_for_no_place() {
        let sick = limits::PULLS_AT_ONCE_MAX / limits::PULLS_PER_HOST_MAX;
        let ids = || (1..=2 * sick).map(|n| HostId(n as u64));
        let mut pulls = Pulls::default();
        for id in ids() {
            pulls.want(id, &images(&["a", "b"]), Time(1));
        }
        let first = pulls.start(Time(1), |_| true);
        assert_eq!(first.len(), limits::PULLS_AT_ONCE_MAX);
        assert_eq!(pulls.start(Time(1), |_| true), []);
        // The last host of all is asked for something, while every place is taken.
        let last = HostId(2 * sick as u64);
        assert!(pulls.ask(last, &images(&["c", "d", "e"])));
        let asked = [(last, "c".into()), (last, "d".into())];
        assert_eq!(pulls.start(Time(1), |_| true), asked);
        // Who failed is due again as soon as a place is free, and the others come first all the same.
        for (id, image) in &first {
            pulls.ended(*id, image, Err("no"), Time(1));
        }
        let later = Time(1).plus_ms(limits::BACK_OFF_MS_MAX);
        let second = pulls.start(later, |_| true);
        let served: BTreeSet<HostId> = second.iter().map(|(id, _)| *id).collect();
        let well = ids().skip(sick).filter(|id| *id != last);
        assert!(
            well.into_iter().all(|id| served.contains(&id)),
            "{served:?}"
        );
        assert_eq!(second.len(), limits::PULLS_AT_ONCE_MAX);
    }

    #[test]
    fn what_fails_waits_longer_each_time_and_holds_up_nothing_else() {
        let mut pulls = Pulls::default();
        pulls.want(A, &images(&["a", "b"]), Time(1));
        let mut now = Time(1);
        pulls.start(now, |_| true);
        pulls.ended(A, "b", Ok(()), now);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            pulls.ended(A, "a", Err("no"), now);
            let Some(Standing::Failed { until, .. }) = standing(&pulls, A, "a") else {
                panic!("{pulls:?}");
            };
            pauses.push(until.since(now));
            let of_a = |started: Vec<(HostId, Box<str>)>| started.iter().any(|s| &*s.1 == "a");
            assert!(!of_a(pulls.start(Time(until.0 - 1), |_| true)));
            assert!(of_a(pulls.start(until, |_| true)));
            now = until;
        }
        assert!(pauses.is_sorted() && pauses[0] < pauses[1]);
        assert_eq!(pauses.last(), Some(&limits::BACK_OFF_MS_MAX));
        // A person does not wait.
        pulls.ended(A, "a", Err("no"), now);
        pulls.ended(A, "b", Ok(()), now);
        assert!(pulls.ask(A, &images(&["a"])));
        assert_eq!(pulls.start(now, |_| true), [(A, "a".into())]);
    }

    #[test]
    fn a_host_that_is_down_is_asked_for_nothing_until_it_answers() {
        let mut pulls = Pulls::default();
        pulls.want(A, &images(&["a"]), Time(1));
        assert_eq!(pulls.start(Time(1), |_| false), []);
        assert_eq!(pulls.start(Time(2), |_| true).len(), 1);
        pulls.ended(A, "a", Err("it hung up"), Time(2));
        assert_eq!(pulls.start(Time(3), |_| true), []);
        pulls.anew(A);
        assert_eq!(pulls.start(Time(3), |_| true).len(), 1, "it came back");
    }

    #[test]
    fn who_asks_for_an_image_of_a_host_that_goes_away_is_told() {
        let mut pulls = Pulls::default();
        pulls.want(A, &images(&["a", "b", "c"]), Time(1));
        assert!(pulls.ask(A, &images(&["a", "b", "c", "d"])));
        let begun = pulls.start(Time(1), |_| true);
        assert_eq!(begun.len(), limits::PULLS_PER_HOST_MAX);
        assert_eq!(pulls.start(Time(2), |_| false), []);
        for (image, pull) in pulls.of(A) {
            let begun = begun.iter().any(|(_, name)| &**name == image);
            match &pull.standing {
                Standing::Pulling => assert!(begun, "{image}"),
                Standing::Failed { why, .. } => assert!(!begun && why.contains("answer")),
                other => panic!("{image}: {other:?}"),
            }
        }
        // What is wanted there is pulled once it is back.
        pulls.anew(A);
        let back = pulls.start(Time(3), |_| true);
        assert_eq!(back.len(), limits::PULLS_PER_HOST_MAX);
        pulls.ended(A, &back[0].1, Ok(()), Time(3));
        assert_eq!(pulls.start(Time(3), |_| true), [(A, "c".into())]);
    }

    #[test]
    fn a_template_that_changes_meanwhile_changes_what_is_pulled_next() {
        let mut pulls = Pulls::default();
        pulls.want(A, &images(&["a", "b", "c"]), Time(1));
        pulls.start(Time(1), |_| true);
        pulls.want(A, &images(&["d"]), Time(2));
        let on = standing(&pulls, A, "a");
        assert_eq!(on, Some(Standing::Pulling), "it goes on");
        pulls.ended(A, "a", Ok(()), Time(2));
        pulls.ended(A, "b", Err("no"), Time(2));
        assert_eq!(pulls.start(Time(3), |_| true), [(A, "d".into())]);
        pulls.ended(A, "d", Ok(()), Time(3));
        let due = Time(3).plus_ms(limits::IMAGE_SEEN_FOR_MS);
        assert_eq!(pulls.next_due(), Some(due), "nobody wants the others again");
        pulls.want(A, &images(&["d"]), due.plus_ms(limits::BACK_OFF_MS_MAX));
        assert_eq!(standing(&pulls, A, "a"), None);
        assert_eq!(pulls.of(A).count(), 1);
        pulls.start(due, |_| true);
        pulls.retain(|_| false);
        assert_eq!((pulls.under_way(), pulls.of(A).count()), (0, 0));
    }

    #[test]
    fn images_of_one_host_are_bounded() {
        let mut pulls = Pulls::default();
        let many = 0..2 * limits::IMAGES_PER_HOST_MAX;
        let many = many.map(|n| n.to_string()).collect();
        pulls.want(A, &many, Time(1));
        assert_eq!(pulls.of(A).count(), limits::IMAGES_PER_HOST_MAX);
        assert!(!pulls.ask(A, &images(&["one-more"])));
        assert!(pulls.ask(A, &images(&["0"])));
    }
}
