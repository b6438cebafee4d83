//! Playing seeds, on both cores.

use std::hash::Hasher;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Coverage;
use super::run::Simulation;

const THREADS: usize = 2;

/// One seed, quiet end and all. What went wrong is told with how to see it again.
pub fn play(seed: u64, steps: u64, tell: bool) -> Result<Coverage, String> {
    let mut simulation = Simulation::new(seed, tell);
    let ended = catch_unwind(AssertUnwindSafe(|| simulation.play(steps)));
    let wrong = match ended {
        Ok(Ok(())) => return Ok(std::mem::take(&mut simulation.coverage)),
        Ok(Err(wrong)) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            format!("panicked: {}", text.unwrap_or_default())
        }
    };
    Err(format!(
        "{}seed {seed}, step {}: {wrong}\nto see it again: \
         CAVIADA_SIM_SEED={seed} CAVIADA_SIM_STEPS={steps} cargo test -p caviada-ledger --test it simulation",
        simulation.story(),
        simulation.steps,
    ))
}

/// A digest of all that happens in a seed.
pub fn told(seed: u64, steps: u64) -> (u64, u64) {
    let mut simulation = Simulation::new(seed, true);
    if let Err(wrong) = simulation.play(steps) {
        panic!("seed {seed}: {wrong}");
    }
    (simulation.steps, simulation.digest.finish())
}

/// All seeds; the story of the lowest that fails.
pub fn all(seeds: RangeInclusive<u64>, steps: u64) -> Result<Coverage, String> {
    let next = AtomicU64::new(*seeds.start());
    let stop = AtomicBool::new(false);
    let sum = Mutex::new(Coverage::default());
    let failed: Mutex<Vec<(u64, String)>> = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > *seeds.end() {
                        return;
                    }
                    match play(seed, steps, false) {
                        Ok(coverage) => sum.lock().unwrap().add(coverage),
                        Err(story) => {
                            failed.lock().unwrap().push((seed, story));
                            let enough = failed.lock().unwrap().len() >= 3;
                            stop.store(enough, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let Some((seed, _)) = failed.first() else {
        return Ok(sum.into_inner().unwrap());
    };
    // The same again, told this time.
    let told = play(*seed, steps, true).err().unwrap_or_default();
    let others: Vec<&str> = failed
        .iter()
        .map(|(_, s)| s.lines().next().unwrap_or(""))
        .collect();
    Err(format!("{told}\nin all:\n{}", others.join("\n")))
}
