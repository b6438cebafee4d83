//! The lives of one server, and how each of them ends.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use super::auditor::Auditor;
use super::caller::Caller;
use super::caller::{SHEDS, STALLS};
use super::chance::Chance;
use super::gate::Gate;
use super::wire::Wire;
use super::{Point, ground, program, start};
use crate::docker::engine::Engine;
use crate::docker::{ENGINE, put, stall_host, stalls_recycled};
use crate::site::{ADMIN, QUICK, Site};

const CALLERS: u64 = 8;
const RESOURCES: u64 = 24;
/// Containers there are at once.
const CONTAINERS: u32 = 2;
/// The last kills of a run, which find containers in the making too. An engine makes a few in a
/// second, and those of a run are counted.
const CONTAINER_KILLS: u64 = 5;
/// A point that is not passed within this is not waited for: the kill is one at any instant.
const POINT_WITHIN: Duration = Duration::from_secs(10);
/// Lives that are given to a point which was never hit by then.
const TRIES: u64 = 10;
/// A run takes no longer than this and so much more for each kill, on a busy machine too.
const RUN_MAX: Duration = Duration::from_secs(240);
const KILL_MAX: Duration = Duration::from_secs(10);
/// The points, and how many passes of each may be let through, by how often it is passed.
const POINTS: [(&str, u64); 14] = [
    ("before-commit", 60),
    ("after-commit", 60),
    ("before-publish", 60),
    ("after-publish", 60),
    ("before-answer", 120),
    ("after-answer", 120),
    ("before-driver-call", 4),
    ("after-driver-call", 4),
    ("before-record", 4),
    ("after-record", 4),
    ("before-projection", 10),
    ("after-projection", 10),
    ("before-checkpoint", 1),
    ("after-checkpoint", 1),
];

/// Those around a call of a driver: the ones to be killed at while it makes containers.
const DRIVER_POINTS: Range<usize> = 6..10;

/// How a life ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// So long after the callers came in.
    After(Duration),
    /// So long after the process was started, ready or not.
    Starting(Duration),
    /// By itself, there.
    At(Point),
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Kills {
    anywhere: u64,
    starting: u64,
    at: BTreeMap<&'static str, u64>,
    /// How many of them while there were containers.
    containers: u64,
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: u64 = self.at.values().sum();
        let (anywhere, starting) = (self.anywhere, self.starting);
        let all = anywhere + starting + at;
        write!(
            f,
            "{all} kills: {anywhere} at any instant, {starting} while starting, {at} at points:"
        )?;
        for (name, n) in &self.at {
            write!(f, " {name} {n}")?;
        }
        write!(f, "; {} of them with containers", self.containers)
    }
}

pub struct Harness {
    site: Site,
    auditor: Auditor,
    chance: Chance,
    gate: Arc<Gate>,
    began: Instant,
    seed: u64,
    kills: Kills,
    // Last: what stands goes once nobody makes more of it.
    engine: Option<Engine>,
}

impl Harness {
    pub fn new(seed: u64) -> Self {
        let (mut site, began) = (Site::of(&program::killable()), Instant::now());
        start(&mut site, None);
        site.stay();
        Self {
            auditor: Auditor::new(site.address(), site.folder(), began),
            chance: Chance::new(seed, u64::MAX),
            gate: Arc::default(),
            kills: Kills::default(),
            engine: None,
            site,
            began,
            seed,
        }
    }

    /// Kills at least so often, and at each point at least once; the last ones while containers of
    /// this image are made, if there is one.
    pub fn run(mut self, kills: u64, image: Option<&str>) -> (Kills, Site) {
        let over = self.began + RUN_MAX + KILL_MAX * u32::try_from(kills).unwrap();
        let keys = self.auditor.declare(CALLERS, RESOURCES);
        self.auditor.build();
        self.site.crash();
        let callers = self.callers(&keys);
        for kill in 0..kills {
            if let Some(image) = image.filter(|_| kill + CONTAINER_KILLS == kills) {
                self.contain(image);
            }
            let end = self.end(kill);
            self.live(end);
            assert!(Instant::now() < over, "time is over after {}", self.kills);
        }
        for (name, _) in POINTS {
            let hit = |kills: &Kills| kills.at.contains_key(name);
            for pass in 1..=TRIES {
                if hit(&self.kills) {
                    break;
                }
                self.live(End::At(Point { name, pass }));
                assert!(Instant::now() < over, "time is over after {}", self.kills);
            }
            assert!(hit(&self.kills), "{name} is never passed: {}", self.kills);
        }
        start(&mut self.site, None);
        self.auditor.look().expect("nobody kills it any more");
        self.gate.close();
        for caller in callers {
            caller.join().unwrap();
        }
        let (site, engine) = (&self.site, &self.engine);
        let pools = [Some(SHEDS), engine.as_ref().map(|_| STALLS)];
        let pools: Vec<&str> = pools.into_iter().flatten().collect();
        for last in [false, true] {
            self.auditor
                .compare(SHEDS, |state| ground::differs(site, state));
            if let Some(engine) = engine {
                self.auditor.compare(STALLS, |state| engine.differs(state));
            }
            if !last {
                self.auditor.clear(&pools);
            }
        }
        self.site.crash();
        (self.kills, self.site)
    }

    /// Declares a pool of containers, which from here on is fought for too.
    fn contain(&mut self, image: &str) {
        start(&mut self.site, None);
        let mut wire = Wire::new(self.site.address(), ADMIN);
        self.engine = Some(Engine::of(&mut wire));
        put(&mut wire, "hosts/yard", stall_host(ENGINE)).unwrap();
        let recycle = serde_json::json!({"class": "reset", "uses_max": 2});
        stalls_recycled(&mut wire, STALLS, "yard", image, CONTAINERS, recycle);
        self.auditor.warm(STALLS, CONTAINERS.into());
        self.site.crash();
    }

    fn callers(&self, keys: &[String]) -> Vec<JoinHandle<()>> {
        let folder = self.site.folder();
        let callers = (0..CALLERS).zip(keys).map(|(number, key)| {
            let chance = Chance::new(self.seed, number);
            let address = self.site.address();
            let caller = Caller::new(number, address, key, folder, self.began, chance, &self.gate);
            std::thread::spawn(move || caller.run())
        });
        callers.collect()
    }

    /// Every other life ends at a named point, each in its turn; some end before they are ready.
    fn end(&mut self, kill: u64) -> End {
        if kill % 2 == 1 {
            let points = match self.engine {
                Some(_) => &POINTS[DRIVER_POINTS],
                None => &POINTS[..],
            };
            let turn = usize::try_from(kill / 2).unwrap();
            let (name, passes) = points[turn % points.len()];
            let pass = 1 + self.chance.below(passes);
            return End::At(Point { name, pass });
        }
        match kill % 10 {
            4 => End::Starting(Duration::from_millis(self.chance.below(200))),
            _ => End::After(Duration::from_millis(20 + self.chance.below(400))),
        }
    }

    /// One life of the server: a look at what the last one left, then callers, then the end.
    fn live(&mut self, end: End) {
        self.kills.containers += u64::from(self.engine.is_some());
        let (point, after) = match end {
            End::Starting(after) => {
                self.site.spawn(&[], &QUICK);
                sleep(after);
                self.site.crash();
                self.kills.starting += 1;
                return;
            }
            End::After(after) => (None, after),
            End::At(point) => (Some(point), POINT_WITHIN),
        };
        if self.begin(point) {
            self.gate.let_in();
            let deadline = Instant::now() + after;
            while Instant::now() < deadline && !self.site.has_ended() {
                sleep(Duration::from_millis(1));
            }
            let by_itself = self.site.cut();
            self.gate.gather(usize::try_from(CALLERS).unwrap());
            match point {
                Some(point) if by_itself => self.at(point),
                _ => self.kills.anywhere += 1,
            }
            assert!(!by_itself || point.is_some(), "the server ended by itself");
        } else {
            self.at(point.expect("a server without a point ended by itself"));
        }
    }

    /// Starts the server and looks around. False if it ended meanwhile, at its point.
    fn begin(&mut self, point: Option<Point>) -> bool {
        if !start(&mut self.site, point) {
            return false;
        }
        if self.auditor.look().is_err() {
            assert!(self.site.ends(), "it lives and does not answer");
            self.site.cut();
            return false;
        }
        true
    }

    fn at(&mut self, point: Point) {
        *self.kills.at.entry(point.name).or_default() += 1;
    }
}
