//! `CAVIADA_FUZZ_SEED=N` repeats a run, `CAVIADA_FUZZ_CASE=N` with it just one case;
//! `CAVIADA_FUZZ_SECONDS=N` makes each target run longer.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use caviada_fuzz::{Chance, Mutator, TARGETS, Target, named};

const SECONDS: u64 = 4;
/// Tells an answer from a hang, not fast from slow.
const CASE_MAX: Duration = Duration::from_secs(60);

fn told(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
    )
}

/// Checks one text; what breaks a promise is told with all that repeats it.
fn holds(target: &Target, text: &str, repeat: &str) {
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.check)(text)));
    let shown: String = text.chars().take(600).collect();
    if outcome.is_err() {
        panic!(
            "{} breaks a promise ({repeat}) with {} bytes: {shown:?}",
            target.name,
            text.len()
        );
    }
    let took = began.elapsed();
    assert!(
        took < CASE_MAX,
        "{} takes {took:?} ({repeat}) for {shown:?}",
        target.name
    );
}

/// What the program's own thread has. A test's has less, and texts that nest as deep as the parsers
/// allow need more than that in a build that is not optimised.
const STACK_BYTES: usize = 8 << 20;

fn run(name: &'static str) {
    let body = std::thread::Builder::new().stack_size(STACK_BYTES);
    let checked = body.spawn(move || cases(name)).unwrap().join();
    checked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn cases(name: &str) {
    let target = named(name).unwrap();
    for seed in target.seeds {
        holds(target, seed, "a seed");
    }
    let seed = told("CAVIADA_FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one(name));
    println!("{name}: CAVIADA_FUZZ_SEED={seed}");
    let mutator = Mutator {
        seeds: target.seeds,
        words: target.words,
    };
    let check = |case: u64| {
        let text = mutator.text(&mut Chance::new(seed, case));
        let repeat = format!("CAVIADA_FUZZ_SEED={seed} CAVIADA_FUZZ_CASE={case}");
        holds(target, &text, &repeat);
    };
    if let Some(case) = told("CAVIADA_FUZZ_CASE") {
        return check(case);
    }
    let seconds = told("CAVIADA_FUZZ_SECONDS").unwrap_or(SECONDS);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut cases = 0;
    while cases < 100 || Instant::now() < until {
        check(cases);
        cases += 1;
    }
    println!("{name}: {cases} cases");
}

#[test]
fn a_selector_reads_as_it_prints_and_any_text_gets_an_answer() {
    run("selector");
}

#[test]
fn a_divisible_whole_gives_and_takes_back_whatever_its_text() {
    run("space");
}

#[test]
fn names_and_ids_read_as_they_print() {
    run("name");
}

#[test]
fn numbers_durations_amounts_and_times_read_as_they_print() {
    run("number");
}

#[test]
fn any_template_gets_an_answer_with_file_and_line() {
    run("template");
}

#[test]
fn any_configuration_gets_an_answer_with_its_origin() {
    run("config");
}

#[test]
fn any_file_to_load_gets_an_answer() {
    run("declare");
}

#[test]
fn an_address_of_an_engine_reads_as_it_prints() {
    run("address");
}

#[test]
fn a_name_of_an_image_reads_as_it_prints_and_no_text_is_a_bundle() {
    run("image");
}

#[test]
fn every_target_is_run_here() {
    let text = include_str!("fuzz.rs");
    let run: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(run.len(), TARGETS.len(), "two targets of one name");
    for name in run {
        assert!(
            text.contains(&format!("run(\"{name}\")")),
            "no test runs {name}"
        );
    }
}

#[test]
fn the_same_seed_and_case_give_the_same_text() {
    let target = &TARGETS[0];
    let mutator = Mutator {
        seeds: target.seeds,
        words: target.words,
    };
    let text = |case| mutator.text(&mut Chance::new(7, case));
    let texts: BTreeSet<String> = (0..100).map(text).collect();
    assert_eq!((0..100).map(text).collect::<BTreeSet<_>>(), texts);
    assert!(texts.len() > 60, "only {} texts differ", texts.len());
}
