//! Kills the server over and over while callers lease from it, and judges by what they saw that
//! nothing acknowledged was lost, nothing was handed out twice, and nothing was done by halves.
//!
//! `CAVIADA_KILLS` sets the number of kills, `CAVIADA_KILL_SEED` the choices. Times are of the
//! machine's, so a seed repeats the choices and not the run.

pub mod auditor;
pub mod caller;
pub mod chance;
pub mod check;
pub mod gate;
pub mod log;
pub mod program;
pub mod server;
pub mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auditor::Auditor;
use caller::Caller;
use chance::Chance;
use gate::Gate;
use server::{Point, Server};

const KILLS: u64 = 52;
const CALLERS: u64 = 8;
const RESOURCES: u64 = 24;
/// A point that is not passed within this is not waited for: the kill is one at any instant.
const POINT_WITHIN: Duration = Duration::from_secs(3);
/// How many passes of a point may be let through, by how often it is passed.
const POINTS: [(&str, u64); 8] = [
    ("before-commit", 60),
    ("after-commit", 60),
    ("before-publish", 60),
    ("after-publish", 60),
    ("before-answer", 120),
    ("after-answer", 120),
    ("before-checkpoint", 2),
    ("after-checkpoint", 2),
];

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a whole number"))
}

pub fn seed() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    number("CAVIADA_KILL_SEED").unwrap_or(u64::from(since.subsec_nanos()))
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let (kills, seed) = (number("CAVIADA_KILLS").unwrap_or(KILLS), seed());
    println!("CAVIADA_KILL_SEED={seed} CAVIADA_KILLS={kills}");
    let folder = tempfile::tempdir().unwrap();
    let at_points = Harness::new(program::killable(), folder.path(), seed).run(kills);
    let logs = log::read(folder.path());
    let found = check::check(&logs);
    let calls: usize = logs.values().map(Vec::len).sum();
    println!("{kills} kills, {at_points} of them at named points, {calls} lines of log");
    if !found.is_empty() {
        let kept = folder.keep();
        panic!(
            "seed {seed}, logs in {}:\n{}",
            kept.display(),
            found.join("\n")
        );
    }
}

struct Harness {
    server: Server,
    auditor: Auditor,
    chance: Chance,
    gate: Arc<Gate>,
    began: Instant,
    seed: u64,
}

impl Harness {
    fn new(program: std::path::PathBuf, folder: &Path, seed: u64) -> Self {
        let (server, began) = (Server::new(program, folder), Instant::now());
        Self {
            auditor: Auditor::new(server.address(), folder, began),
            chance: Chance::new(seed, u64::MAX),
            gate: Arc::default(),
            server,
            began,
            seed,
        }
    }

    /// Kills so often; says how many of the kills were at a named point.
    fn run(mut self, kills: u64) -> u64 {
        self.server.start(None);
        let keys = self.auditor.declare(CALLERS, RESOURCES);
        let folder = self.server.folder().to_owned();
        let callers: Vec<_> = (0..CALLERS)
            .zip(&keys)
            .map(|(number, key)| {
                let chance = Chance::new(self.seed, number);
                let address = self.server.address();
                let caller = Caller::new(
                    number, address, key, &folder, self.began, chance, &self.gate,
                );
                std::thread::spawn(move || caller.run())
            })
            .collect();
        let mut at_points = 0;
        for kill in 0..kills {
            at_points += u64::from(self.life(kill));
        }
        self.server.start(None);
        self.auditor.look().expect("nobody kills it any more");
        self.gate.close();
        for caller in callers {
            caller.join().unwrap();
        }
        at_points
    }

    /// One life of the server: a look at what the last one left, then callers, then the end. Says
    /// whether it came at a named point.
    fn life(&mut self, kill: u64) -> bool {
        // The first life is begun by the declarations.
        let point = self.point(kill);
        if kill > 0 {
            let alive = self.server.start(point) && self.auditor.look().is_ok();
            if !alive {
                return self.server.kill() && point.is_some();
            }
        }
        self.gate.let_in();
        let deadline = match point {
            Some(_) => Instant::now() + POINT_WITHIN,
            None => Instant::now() + Duration::from_millis(20 + self.chance.below(400)),
        };
        while Instant::now() < deadline && !self.server.has_ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let by_itself = self.server.kill();
        assert!(!by_itself || point.is_some(), "the server ended by itself");
        self.gate.gather(usize::try_from(CALLERS).unwrap());
        by_itself
    }

    /// Every other life ends at a named point, each in its turn.
    fn point(&mut self, kill: u64) -> Option<Point> {
        if kill.is_multiple_of(2) {
            return None;
        }
        let turn = usize::try_from(kill / 2).unwrap();
        let (name, passes) = POINTS[turn % POINTS.len()];
        let pass = 1 + self.chance.below(passes);
        Some(Point { name, pass })
    }
}
