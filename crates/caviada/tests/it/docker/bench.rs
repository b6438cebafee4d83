//! `caviada bench --pool` and `--refill` on pools that are built on the engine.

use serde_json::Value;

use super::{ENGINE, Running, stall_host, stalls};

#[test]
fn the_bench_measures_a_pool_and_asks_for_no_more_than_it_has() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let mut running = Running::start();
    running.put("hosts/here", stall_host(ENGINE));
    stalls(&mut running.wire, "stalls", "here", &image, 2);
    running.until_offerable("stalls", 2);
    let url = running.site.url.clone();
    let words = [
        "bench", "--url", &url, "--pool", "stalls", "--rounds", "2", "-o", "json",
    ];
    let report: Value = serde_json::from_str(&running.site.ok(&words)).unwrap();
    assert_eq!(report["rounds"], 2);
    assert_eq!(report["resources"], 2);
    let of = |name: &str| report[name].as_f64().unwrap();
    assert!(0.0 < of("acquire_p50_ms") && of("acquire_p50_ms") <= of("acquire_p99_ms"));
    // What is of an own server only is told to be unknown.
    assert!(report["bare_requests_per_s"].is_null(), "{report}");
    let query = "/api/v1/events?type=lease.granted&limit=1000";
    let granted = running.get(query)["items"].as_array().unwrap().len();
    assert!(
        (2..=4).contains(&granted),
        "{granted} grants in two rounds of at most two"
    );
    let waiting = running.get("/api/v1/stats")["leases"].clone();
    assert_eq!(waiting["active"], 0, "{waiting}");
}

#[test]
fn the_bench_compares_a_refill_with_what_the_engine_does_by_itself_and_leaves_all_as_it_was() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let mut running = Running::start();
    running.put("hosts/here", stall_host(ENGINE));
    stalls(&mut running.wire, "stalls", "here", &image, 1);
    running.until_offerable("stalls", 1);
    let before = running.get("/api/v1/pools/stalls")["spec"].clone();
    let url = running.site.url.clone();
    let words = [
        "bench",
        "--url",
        &url,
        "--refill",
        "stalls",
        "--refill-members",
        "2",
        "--rounds",
        "1",
        "-o",
        "json",
    ];
    let report: Value = serde_json::from_str(&running.site.ok(&words)).unwrap();
    assert_eq!(
        (&report["members"], &report["rounds"]),
        (&2.into(), &1.into())
    );
    for figure in ["refill_per_s", "engine_per_s", "refill_ratio"] {
        assert!(report[figure].as_f64().unwrap() > 0.0, "{report}");
    }
    let after = running.get("/api/v1/pools/stalls");
    assert_eq!(after["spec"], before);
    assert_eq!(running.members("stalls").len(), 1, "{after}");
}
