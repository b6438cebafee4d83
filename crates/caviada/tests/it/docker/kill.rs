//! Kills the server while it builds, cleans and removes on a real engine, and looks after each
//! restart what stands there: just what State says, and nothing else. The callers and the judge of
//! what they saw are those of the kill harness.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::engine::Engine;
use super::{ENGINE, put, stall_host, stalls_recycled};
use crate::kill::auditor::Auditor;
use crate::kill::caller::{Caller, POOL};
use crate::kill::chance::Chance;
use crate::kill::gate::Gate;
use crate::kill::wire::{Lost, Request, Wire};
use crate::kill::{Point, judge, program, seed, start};
use crate::site::{ADMIN, Site};

/// Kills at any instant; those at named points come between them.
const RANDOM: usize = 20;
/// Each named point, and how many passes of it may be let through.
const POINTS: [(&str, u64); 14] = [
    ("before-driver-call", 4),
    ("after-driver-call", 4),
    ("before-record", 4),
    ("after-record", 4),
    ("before-commit", 20),
    ("after-commit", 20),
    ("before-publish", 40),
    ("after-publish", 40),
    ("before-answer", 40),
    ("after-answer", 40),
    ("before-projection", 10),
    ("after-projection", 10),
    ("before-checkpoint", 1),
    ("after-checkpoint", 1),
];
/// A point that is not passed within this is tried again later.
const POINT_WITHIN: Duration = Duration::from_secs(15);
const TRIES: usize = 4;
/// Rounds of the reconciler within which all is as State says, once State has no more to do: one sees
/// what is nobody's, the next one removes it.
const ROUNDS: u64 = 2;
/// Longer than a bring-up on a busy machine, and than these rounds.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);
const WARM: u32 = 1;
/// So often one is cleaned in its place; then it is removed and another built. More of them would be
/// built if each was for one holder only: containers of a run are counted.
const USES_MAX: u32 = 3;
/// Callers who never pause only have more built, in each life: containers of a run are counted.
const PAUSE_US_MAX: u64 = 400_000;
/// Callers; the first number is of a caller who declares, which a built pool does not take.
const CALLERS: std::ops::Range<u64> = 1..3;

#[test]
fn after_each_kill_the_engine_holds_what_state_says_and_nothing_else() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let seed = seed();
    println!("CAVIADA_KILL_SEED={seed}");
    let (kills, site) = Harness::new(&image, seed).run();
    println!("{kills} kills");
    judge(site, seed);
}

/// Members at rest, and the reconciler's round in which they were first seen so.
#[derive(Debug)]
struct Rested {
    members: Vec<Value>,
    round: u64,
}

struct Harness {
    site: Site,
    auditor: Auditor,
    wire: Wire,
    gate: Arc<Gate>,
    chance: Chance,
    callers: Vec<std::thread::JoinHandle<()>>,
    // Last: what stands goes once nobody makes more of it.
    engine: Engine,
}

impl Harness {
    fn new(image: &str, seed: u64) -> Self {
        let mut site = Site::of(&program::killable());
        start(&mut site, None);
        site.stay();
        let (address, folder, began) = (site.address(), site.folder(), Instant::now());
        let mut wire = Wire::new(address, ADMIN);
        let engine = Engine::of(&mut wire);
        put(&mut wire, "hosts/here", stall_host(ENGINE)).unwrap();
        let recycle = json!({"class": "reset", "uses_max": USES_MAX});
        stalls_recycled(&mut wire, POOL, "here", image, WARM, recycle);
        put(&mut wire, "pools/ballast", json!({})).unwrap();
        let mut auditor = Auditor::new(address, folder, began);
        let keys = auditor.keys(CALLERS.end);
        let gate: Arc<Gate> = Arc::default();
        let caller = |number: u64| {
            let key = &keys[usize::try_from(number).unwrap()];
            let chance = Chance::new(seed, number);
            let mut caller = Caller::new(number, address, key, folder, began, chance, &gate);
            caller.pause_us_max = PAUSE_US_MAX;
            std::thread::spawn(move || caller.run())
        };
        Self {
            callers: CALLERS.map(caller).collect(),
            chance: Chance::new(seed, u64::MAX),
            auditor,
            wire,
            gate,
            engine,
            site,
        }
    }

    /// Says how often it killed.
    fn run(mut self) -> (usize, Site) {
        assert!(self.settles());
        let points = POINTS.into_iter().map(|point| (Some(point), 0));
        let mut rest: Vec<_> = points.chain([(None, 0); RANDOM]).collect();
        let mut kills = 0;
        self.site.crash();
        while !rest.is_empty() {
            let at = self.chance.below(rest.len() as u64);
            let (point, tries) = rest.swap_remove(usize::try_from(at).unwrap());
            kills += 1;
            if !self.life(point) {
                let (name, _) = point.expect("a kill at any instant needs no point");
                assert!(tries < TRIES, "{name} is not passed");
                rest.push((point, tries + 1));
            }
        }
        assert!(start(&mut self.site, None) && self.settles());
        self.auditor.look().expect("nobody kills it any more");
        let failed = Request::get("/api/v1/events?type=resource.failed");
        let failed = self.wire.call(&failed).unwrap().1["items"].clone();
        assert_eq!(
            failed,
            json!([]),
            "what was cut off is finished, not failed"
        );
        self.gate.close();
        for caller in self.callers {
            caller.join().unwrap();
        }
        self.site.crash();
        (kills, self.site)
    }

    /// One life of the server: it puts right what the last one left, callers come, and the end.
    /// False if that was to be at a point which was not passed.
    fn life(&mut self, point: Option<(&'static str, u64)>) -> bool {
        let order = point.map(|(name, passes)| Point {
            name,
            pass: 1 + self.chance.below(passes),
        });
        let alive = start(&mut self.site, order) && self.settles() && self.auditor.look().is_ok();
        if !alive {
            assert!(self.site.ends(), "it runs and does not answer");
            assert!(order.is_some(), "it ended by itself");
            self.site.cut();
            return true;
        }
        self.gate.let_in();
        let within = match order {
            Some(_) => POINT_WITHIN,
            None => Duration::from_millis(20 + self.chance.below(500)),
        };
        let deadline = Instant::now() + within;
        let fills = order.is_some_and(|order| order.name.ends_with("checkpoint"));
        while Instant::now() < deadline && !self.site.has_ended() {
            if fills {
                let _ = self.fill();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let by_itself = self.site.cut();
        assert!(!by_itself || order.is_some(), "it ended by itself");
        self.gate.gather(self.callers.len());
        by_itself || order.is_none()
    }

    /// Declares enough that a checkpoint is soon due.
    fn fill(&mut self) -> Result<(), Lost> {
        let item = |n: u32| json!({"pool": "ballast", "name": format!("stone-{n}")});
        let items: Vec<Value> = (0..256).map(item).collect();
        let round = self.chance.below(u64::MAX).to_string();
        let items = items.into_iter().map(|mut item| {
            item["labels"] = json!({ "round": round });
            item
        });
        let request = Request {
            method: "POST",
            path: "/api/v1/resources".to_owned(),
            idempotency: None,
            body: Some(json!({ "items": items.collect::<Vec<_>>() })),
        };
        self.wire.call(&request).map(drop)
    }

    /// Waits until nothing is left to do, and then for two rounds of the reconciler. The engine holds
    /// just what State says then. False if the server ended before.
    fn settles(&mut self) -> bool {
        let deadline = Instant::now() + SETTLED_WITHIN;
        let mut rested = None;
        while let Ok(settled) = self.settled(&mut rested) {
            if settled {
                return true;
            }
            assert!(Instant::now() < deadline, "no rest: {rested:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Are two rounds over since the members came to the rest they are in?
    fn settled(&mut self, rested: &mut Option<Rested>) -> Result<bool, Lost> {
        let members = self.members()?;
        let rests = |r: &Value| ["free", "leased"].iter().any(|state| r["state"] == *state);
        if members.len() != WARM as usize || !members.iter().all(rests) {
            *rested = None;
            return Ok(false);
        }
        let round = self.figure("caviada_host_rounds_total")?;
        let since = rested.take().filter(|since| since.members == members);
        let since = rested.insert(since.unwrap_or(Rested { members, round }));
        if round < since.round + ROUNDS || self.figure("caviada_host_calls")? > 0 {
            return Ok(false);
        }
        let built = |r: &Value| {
            let id = r["id"].as_str().unwrap().to_owned();
            (id, r["generation"].as_u64().unwrap())
        };
        let differs = self
            .engine
            .differs(&since.members.iter().map(built).collect());
        // What a caller's lease that ends meanwhile changes is no difference.
        if self.members()? != since.members {
            return Ok(false);
        }
        assert_eq!(differs, None, "after {ROUNDS} rounds");
        Ok(true)
    }

    /// What the metrics say of the one host.
    fn figure(&mut self, name: &str) -> Result<u64, Lost> {
        let (_, page) = self.wire.call(&Request::get("/metrics"))?;
        let line = format!("{name}{{host=\"here\"}} ");
        let value = page.as_str().unwrap().lines();
        let value = value.filter_map(|l| l.strip_prefix(&line)).next();
        Ok(value.unwrap().parse().unwrap())
    }

    fn members(&mut self) -> Result<Vec<Value>, Lost> {
        let path = format!("/api/v1/resources?pool={POOL}&limit=100");
        let (status, document) = self.wire.call(&Request::get(path))?;
        assert_eq!(status, 200, "{document}");
        Ok(document["items"].as_array().unwrap().clone())
    }
}
