//! `caviada bench` with a server of its own.

use serde_json::Value;

use crate::site::{Site, program, text};

/// What a report has, whatever it was measured on.
const FIGURES: [&str; 14] = [
    "connections",
    "resources",
    "bare_requests_per_s",
    "requests_per_s",
    "cycles_per_s",
    "ratio_to_bare",
    "cpu_us_per_cycle",
    "acquire_p50_ms",
    "acquire_p99_ms",
    "commits_per_s",
    "batch_p50",
    "history_lag_ms",
    "restart_ms",
    "bytes_per_resource",
];

/// The report of a short run with a few connections, wherever else a server may be.
fn report(flags: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let few = ["bench", "--connections", "4", "--resources", "100"];
    let short = ["--rounds", "1", "--slice", "300ms", "-o", "json"];
    let mut command = program(&[&few[..], &short, flags].concat(), home.path());
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

#[test]
fn the_bench_reports_every_figure_of_a_server_of_its_own_and_leaves_nothing() {
    let report = report(&[]);
    for figure in FIGURES {
        assert!(report.get(figure).is_some(), "{figure}: {report}");
    }
    assert_eq!(
        (&report["connections"], &report["resources"]),
        (&4.into(), &100.into())
    );
    for figure in [
        "bare_requests_per_s",
        "cycles_per_s",
        "acquire_p50_ms",
        "restart_ms",
    ] {
        assert!(report[figure].as_f64().unwrap() > 0.0, "{figure}: {report}");
    }
    assert!(report["bytes_per_resource"].is_null(), "too few to tell");
}

#[test]
fn the_bench_measures_on_postgresql() {
    let Some(server) = caviada_testbed::postgres() else {
        return;
    };
    let report = report(&["--store", &server.url()]);
    assert!(report["cycles_per_s"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn no_other_server_has_the_route_that_the_bench_compares_with() {
    let site = Site::start();
    let (status, _) = site.http("GET /bare HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(status, 404);
}
