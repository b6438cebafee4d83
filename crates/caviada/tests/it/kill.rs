//! Kills the server over and over while callers lease from it, and judges by what they saw that
//! nothing acknowledged was lost, nothing was handed out twice, and nothing was done by halves.
//!
//! Callers fight for declared resources and for built ones, which are processes and, for the last
//! kills, containers too. That an engine holds nothing else after each kill is the business of
//! `docker::kill`, which has lives of its own and uses the callers, the auditor and the checker of
//! this module.
//!
//! `CAVIADA_KILLS` sets the number of kills, `CAVIADA_KILL_SEED` the choices. Times are of the
//! machine's, so a seed repeats the choices and not the run.

pub mod auditor;
pub mod caller;
pub mod chance;
pub mod check;
pub mod gate;
pub mod ground;
pub mod harness;
pub mod log;
pub mod program;
pub mod wire;

use std::collections::BTreeMap;

use crate::site::{QUICK, Site};
use harness::Harness;

/// Kills of a run that says nothing else.
const KILLS: u64 = 52;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a whole number"))
}

pub fn seed() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    number("CAVIADA_KILL_SEED").unwrap_or(u64::from(since.subsec_nanos()))
}

/// At which point a server is to end itself, and when it passes there for which time.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub name: &'static str,
    pub pass: u64,
}

/// Starts the server. False if it ended before it was ready, at its point.
pub fn start(site: &mut Site, point: Option<Point>) -> bool {
    let at = point.map(|Point { name, pass }| format!("{name}:{pass}"));
    let at = at.iter().map(|at| ("CAVIADA_KILL_POINT", at.as_str()));
    let variables: Vec<_> = QUICK.into_iter().chain(at).collect();
    site.spawn(&[], &variables);
    let listens = site.listens();
    if !listens {
        assert!(point.is_some(), "it ended by itself; {}", site.log());
        site.cut();
    }
    listens
}

/// Sees that what the callers of a run wrote down keeps every promise.
pub fn judge(mut site: Site, seed: u64) -> BTreeMap<String, Vec<log::Line>> {
    let logs = log::read(site.folder());
    let found = check::check(&logs);
    if !found.is_empty() {
        site.keep();
        let (folder, found) = (site.folder().display(), found.join("\n"));
        panic!("seed {seed}, logs in {folder}:\n{found}");
    }
    logs
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let kills = number("CAVIADA_KILLS").unwrap_or(KILLS);
    let seed = seed();
    println!("CAVIADA_KILL_SEED={seed} CAVIADA_KILLS={kills}");
    let image = caviada_testbed::image();
    let (kills, site) = Harness::new(seed).run(kills, image.as_deref());
    println!("{kills}");
    let logs = judge(site, seed);
    let calls: usize = logs.values().map(Vec::len).sum();
    let unknown = check::unknown(&logs);
    println!("{calls} lines of log; {unknown}");
    // Else nobody was ever in the middle of anything, and the run has proved little.
    assert!(unknown.there > 0 && unknown.absent > 0, "{unknown}");
}
