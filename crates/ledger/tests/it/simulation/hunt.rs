//! Is the simulation any good? Each planted fault must be found within so many steps.
//!
//! `CAVIADA_SIM_FAULT=DoublePort` hunts for that one and tells its story.

use caviada_core::fault::{Fault, plant};

use super::play::play;

/// Steps within which each must be found.
const STEPS_MAX: u64 = 200_000;
/// A seed is short, so that its end, at which an old store is put back, comes often.
const STEPS_PER_SEED: u64 = 2_000;

/// How it was found.
fn hunt(fault: Fault, tell: bool) -> Result<String, String> {
    plant(Some(fault));
    let mut steps = 0;
    let mut found = None;
    for seed in 1.. {
        if steps >= STEPS_MAX || found.is_some() {
            break;
        }
        match play(seed, STEPS_PER_SEED, tell) {
            Ok(coverage) => steps += coverage.steps,
            Err(story) => {
                if tell {
                    println!("{story}");
                }
                let said = story.lines().find(|l| l.starts_with("seed "));
                found = Some(format!("{} after {steps} steps", said.unwrap_or("?")));
            }
        }
    }
    plant(None);
    found.ok_or(format!("not found in {steps} steps"))
}

#[test]
fn every_planted_fault_is_found() {
    let one = std::env::var("CAVIADA_SIM_FAULT").ok();
    let wanted = |f: &&Fault| one.as_ref().is_none_or(|name| format!("{f:?}") == *name);
    let faults: Vec<Fault> = Fault::ALL.iter().filter(wanted).copied().collect();
    let (some, others) = faults.split_at(faults.len() / 2);
    let hunts = |faults: &[Fault]| -> Vec<Fault> {
        let mut missed = vec![];
        for fault in faults {
            match hunt(*fault, one.is_some()) {
                Ok(how) => println!("{fault:?} ({}): {how}", fault.as_str()),
                Err(how) => {
                    println!("{fault:?} ({}): {how}", fault.as_str());
                    missed.push(*fault);
                }
            }
        }
        missed
    };
    let missed = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| hunts(some));
        let mut missed = hunts(others);
        missed.extend(theirs.join().unwrap());
        missed
    });
    assert!(!faults.is_empty() && missed.is_empty(), "{missed:?}");
}

#[test]
fn without_a_fault_the_same_seeds_are_clean() {
    for seed in 1..=20 {
        if let Err(story) = play(seed, STEPS_PER_SEED, false) {
            panic!("{story}");
        }
    }
}
