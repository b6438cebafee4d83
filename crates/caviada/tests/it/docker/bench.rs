//! `caviada bench --pool` and `--refill` on pools that are built on the engine.

use serde_json::Value;

use super::{ENGINE, Running, stall_host, stalls};

#[test]
fn the_bench_measures_a_pool_and_its_refill_and_leaves_all_as_it_was() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let mut running = Running::start();
    running.put("hosts/here", stall_host(ENGINE));
    stalls(&mut running.wire, "stalls", "here", &image, 1);
    running.until_offerable("stalls", 1);
    it_asks_for_no_more_than_the_pool_has(&mut running);
    running.until_offerable("stalls", 1);
    it_compares_a_refill_with_what_the_engine_does_by_itself(&mut running);
}

/// What the bench said of the pool.
fn report(running: &Running, words: &[&str]) -> Value {
    let url = ["bench", "--url", &running.site.url];
    let words = [&url, words, &["-o", "json"]].concat();
    serde_json::from_str(&running.site.ok(&words)).unwrap()
}

fn it_asks_for_no_more_than_the_pool_has(running: &mut Running) {
    let report = report(running, &["--pool", "stalls", "--rounds", "2"]);
    assert_eq!(report["rounds"], 2);
    assert_eq!(report["resources"], 1);
    let of = |name: &str| report[name].as_f64().unwrap();
    assert!(0.0 < of("acquire_p50_ms") && of("acquire_p50_ms") <= of("acquire_p99_ms"));
    // What is of an own server only is told to be unknown.
    assert!(report["bare_requests_per_s"].is_null(), "{report}");
    let query = "/api/v1/events?type=lease.granted&limit=1000";
    let granted = running.get(query)["items"].as_array().unwrap().len();
    assert!(
        (1..=2).contains(&granted),
        "{granted} grants in two rounds of at most one"
    );
    let waiting = running.get("/api/v1/stats")["leases"].clone();
    assert_eq!(waiting["active"], 0, "{waiting}");
}

fn it_compares_a_refill_with_what_the_engine_does_by_itself(running: &mut Running) {
    let before = running.get("/api/v1/pools/stalls")["spec"].clone();
    let members = ["--refill", "stalls", "--refill-members", "1"];
    let report = report(running, &[&members[..], &["--rounds", "1"]].concat());
    assert_eq!(
        (&report["members"], &report["rounds"]),
        (&1.into(), &1.into())
    );
    for figure in ["refill_per_s", "engine_per_s", "refill_ratio"] {
        assert!(report[figure].as_f64().unwrap() > 0.0, "{report}");
    }
    let after = running.get("/api/v1/pools/stalls");
    assert_eq!(after["spec"], before);
    assert_eq!(running.members("stalls").len(), 1, "{after}");
}
