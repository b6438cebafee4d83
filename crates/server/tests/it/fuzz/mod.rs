//! Requests made from the OpenAPI document, good ones and bad ones, against a real server. What is
//! promised of every answer is checked in [`promise`].
//!
//! `CAVIADA_FUZZ_SEED=N` repeats a run, `CAVIADA_FUZZ_CASES=N` makes it longer.

mod description;
mod promise;
mod request;
mod value;
mod world;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use caviada_core::check;
use caviada_fuzz::Chance;

use crate::site::Site;
use description::Description;
use request::Sent;
use world::World;

const CASES: u64 = 6_000;
/// How often the whole State is looked at.
const CHECK_EVERY: u64 = 500;

fn told(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_answer_is_the_described_one() {
    let seed = told("CAVIADA_FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one("api"));
    let cases = told("CAVIADA_FUZZ_CASES").unwrap_or(CASES);
    println!("CAVIADA_FUZZ_SEED={seed}");
    let site = Site::start().await;
    let description = Description::of_the_server();
    let mut world = World::made(&site).await;
    let mut answers = BTreeMap::<u16, u64>::new();
    // One of each kind, so that one run tells them all.
    let mut broken = BTreeMap::<String, String>::new();
    for case in 0..cases {
        let mut chance = Chance::new(seed, case);
        let sent = Sent::made(&description, &world, &mut chance);
        let Some(answer) = sent.send(&site, &world).await else {
            continue;
        };
        *answers.entry(answer.status).or_default() += 1;
        if let Err(promise) = promise::kept(&description, &sent, &answer) {
            let kind: String = promise
                .chars()
                .filter(|c| !c.is_ascii_digit())
                .take(90)
                .collect();
            let told = format!("{promise}\ncase {case}: {sent}\n{answer}");
            broken.entry(kind).or_insert(told);
        }
        world.learn(&answer);
        if case % CHECK_EVERY == 0 {
            is_sound(
                &site,
                &format!("CAVIADA_FUZZ_SEED={seed}, case {case}\n{sent}"),
            )
            .await;
        }
    }
    is_sound(&site, &format!("CAVIADA_FUZZ_SEED={seed}")).await;
    println!("{cases} cases, answers by status: {answers:?}");
    let all: Vec<String> = broken.into_values().collect();
    assert!(
        all.is_empty(),
        "CAVIADA_FUZZ_SEED={seed}\n{}",
        all.join("\n\n")
    );
    // A fuzzer that is refused everywhere finds nothing.
    let good: u64 = answers.range(200..300).map(|(_, count)| count).sum();
    assert!(good * 6 > cases, "only {good} of {cases} were done");
    for status in [201, 400, 401, 403, 404, 405, 409, 422] {
        assert!(
            cases < CASES || answers.contains_key(&status),
            "no {status}: {answers:?}"
        );
    }
    site.admin().stats().await.expect("it serves on");
    site.end().await;
}

async fn is_sound(site: &Site, said: &str) {
    let state = site.handle.snapshot().await.unwrap();
    let found = check::violations(&state);
    assert!(found.is_empty(), "{said}\n{found:?}");
}
