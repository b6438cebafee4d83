//! Kills the server over and over while callers lease from it, and judges by what they saw that
//! nothing acknowledged was lost, nothing was handed out twice, and nothing was done by halves.
//!
//! Callers fight for declared resources and for built ones, which are processes here. What a kill
//! leaves on a container engine is the business of `docker::kill`, which has lives of its own and
//! uses the callers, the auditor and the checker of this module.
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
pub mod server;
pub mod wire;

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

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let kills = number("CAVIADA_KILLS").unwrap_or(KILLS);
    let seed = seed();
    println!("CAVIADA_KILL_SEED={seed} CAVIADA_KILLS={kills}");
    let folder = tempfile::tempdir().unwrap();
    let harness = Harness::new(program::killable(), folder.path(), seed);
    let kills = harness.run(kills);
    let logs = log::read(folder.path());
    let found = check::check(&logs);
    let calls: usize = logs.values().map(Vec::len).sum();
    let unknown = check::unknown(&logs);
    println!("{kills}\n{calls} lines of log; {unknown}");
    if !found.is_empty() {
        let kept = folder.keep();
        panic!(
            "seed {seed}, logs in {}:\n{}",
            kept.display(),
            found.join("\n")
        );
    }
    // Else nobody was ever in the middle of anything, and the run has proved little.
    assert!(unknown.there > 0 && unknown.absent > 0, "{unknown}");
}
