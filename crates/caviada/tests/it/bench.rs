//! `caviada bench` with a server of its own.

use serde_json::Value;

use crate::site::{Site, program, text};

/// What is more than nothing on a server of its own.
const FIGURES: [&str; 24] = [
    "connections",
    "resources",
    "pools",
    "rounds",
    "bare_requests_per_s",
    "requests_per_s",
    "cycles_per_s",
    "cpu_us_per_cycle",
    "bare_cpu_us_per_request",
    "client_cpu_share",
    "open_loop_per_s",
    "acquire_p50_ms",
    "acquire_p99_ms",
    "alone_p50_ms",
    "alone_p99_ms",
    "commits_per_s",
    "batch_p50",
    "turn_max_ms",
    "commit_max_ms",
    "work_max_ms",
    "restart_ms",
    "parked",
    "wake_p50_ms",
    "wake_p99_ms",
];

/// What may be 0: nothing held, a history that keeps up, a start within a tick of the clock.
const MAY_BE_NOTHING: [&str; 3] = ["live", "history_lag_ms", "restart_cpu_ms"];

/// There is no ratio where the load generator itself has more of the processor time.
const CLIENT_SHARE_MAX: f64 = 0.6;

/// The report of a short run with a few connections, wherever else a server may be.
fn report(flags: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let few = ["bench", "--connections", "4", "--resources", "100"];
    let short = ["--rounds", "1", "--slice", "300ms", "-o", "json"];
    // A flag is given once.
    let parked: &[&str] = match flags.contains(&"--parked") {
        true => &[],
        false => &["--parked", "100"],
    };
    let mut command = program(&[&few[..], &short, parked, flags].concat(), home.path());
    // Nothing answers there: whoever asked it would fail.
    command.env("CAVIADA_URL", "http://127.0.0.1:1");
    command.env("TMPDIR", home.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let left = std::fs::read_dir(home.path()).unwrap();
    let left: Vec<_> = left.map(|f| f.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each figure of a server of its own is there; how much it is tells of the machine alone.
fn is_whole(report: &Value) {
    for figure in FIGURES {
        let value = report[figure].as_f64();
        assert!(value.is_some_and(|v| v > 0.0), "{figure}: {report}");
    }
    for figure in MAY_BE_NOTHING {
        assert!(report[figure].is_number(), "{figure}: {report}");
    }
    for ratio in ["ratio_to_bare", "ratio_to_bare_min", "ratio_to_bare_max"] {
        match report[ratio].as_f64() {
            Some(value) => assert!(value > 0.0, "{ratio}: {report}"),
            None => {
                let share = report["client_cpu_share"].as_f64().unwrap();
                assert!(share >= CLIENT_SHARE_MAX, "{ratio}: {report}");
            }
        }
    }
    for kind in ["acquire", "alone", "wake"] {
        let of = |percent| report[format!("{kind}_{percent}_ms")].as_f64();
        assert!(of("p50") <= of("p99"), "{kind}: {report}");
    }
    assert!(report["bytes_per_resource"].is_null(), "too few to tell");
    let via = ["cycles_per_s", "ratio_to_v1", "cpu_us_per_cycle"];
    let via = via.map(|figure| format!("via_{figure}"));
    for figure in &via {
        assert!(report[figure].is_null(), "nobody asked: {report}");
    }
    let known = FIGURES.len() + MAY_BE_NOTHING.len() + 3 + 1 + via.len();
    assert_eq!(report.as_object().unwrap().len(), known, "{report}");
}

#[test]
fn the_bench_reports_every_figure_of_a_server_of_its_own_and_leaves_nothing() {
    let report = report(&[]);
    is_whole(&report);
    let told = ["connections", "resources", "pools", "live", "parked"].map(|name| &report[name]);
    assert_eq!(told, [4, 100, 1, 0, 100]);
}

#[test]
fn the_bench_measures_beside_other_pools_and_leases_that_are_held() {
    let report = report(&["--pools", "3", "--live", "5"]);
    is_whole(&report);
    assert_eq!([&report["pools"], &report["live"]], [3, 5]);
}

#[test]
fn the_bench_parks_nobody_when_told_so_and_no_more_than_may_wait() {
    let told = report(&["--parked", "0"]);
    for figure in ["parked", "wake_p50_ms", "wake_p99_ms"] {
        assert!(told[figure].is_null(), "{figure}: {told}");
    }
    let home = tempfile::tempdir().unwrap();
    let output = program(&["bench", "--parked", "10001"], home.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("--parked must be at most 10000"), "{said}");
}

#[test]
fn the_bench_measures_on_postgresql() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    let report = report(&["--store", &server.url()]);
    is_whole(&report);
}

#[test]
fn no_other_server_has_the_route_that_the_bench_compares_with() {
    let site = Site::start();
    let (status, _) = site.http("GET /bare HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(status, 404);
}
