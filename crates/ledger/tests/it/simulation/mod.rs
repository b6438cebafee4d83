//! The deterministic simulation: the real turn, plan and reconciler on simulated disk, clocks and
//! hosts, with clients at random and everything that can go wrong going wrong. The invariants of
//! `states.md` are asked after every step. A seed plays exactly the same each time.
//!
//! `CAVIADA_SIM_SEED=7` plays one seed and tells its story, `CAVIADA_SIM_SEEDS` and
//! `CAVIADA_SIM_STEPS` play more or longer.

mod client;
mod clock;
mod coverage;
mod disk;
mod engine;
#[cfg(feature = "planted-faults")]
mod hunt;
mod play;
mod quiet;
mod run;
#[path = "../../../../core/tests/it/world/mod.rs"]
pub(crate) mod world;

use coverage::Coverage;

/// A million steps in all.
const SEEDS: u64 = 200;
const STEPS: u64 = 5_000;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|e| panic!("{name}={text}: {e}"))
    })
}

#[test]
fn every_invariant_holds_whatever_goes_wrong() {
    let steps = number("CAVIADA_SIM_STEPS", STEPS);
    let one = number("CAVIADA_SIM_SEED", 0);
    if one > 0 {
        if let Err(story) = play::play(one, steps, true) {
            panic!("{story}");
        }
        return;
    }
    let seeds = number("CAVIADA_SIM_SEEDS", SEEDS);
    let coverage = match play::all(1..=seeds, steps) {
        Ok(coverage) => coverage,
        Err(story) => panic!("{story}"),
    };
    println!("{coverage}");
    if seeds >= SEEDS && steps >= STEPS {
        let missing = coverage.missing();
        assert!(missing.is_empty(), "never happened: {missing:#?}");
    }
}

/// Two plays of one seed, told in full, are the same to the last word.
#[test]
fn a_seed_replays_exactly() {
    for seed in [3, 77] {
        let (one, other) = (play::told(seed, 3_000), play::told(seed, 3_000));
        assert!(one == other, "seed {seed} plays differently");
    }
}
