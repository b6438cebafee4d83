//! Metrics of requests, and the page that shows all metrics of the process.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use caviada_core::limits;
use metrics::{Counter, Histogram, counter, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the buckets of every `_seconds` metric.
const BUCKETS_S: [f64; 12] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0,
];
const UPKEEP: Duration = Duration::from_millis(limits::server::METRICS_UPKEEP_MS);

/// The metrics of this process; installs the recorder when first asked.
pub fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS_S)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Somebody may have set one before: then metrics go there, and this page stays empty.
        let _ = metrics::set_global_recorder(recorder);
        let kept = handle.clone();
        let upkeep = move || loop {
            std::thread::sleep(UPKEEP);
            kept.run_upkeep();
        };
        let _ = std::thread::Builder::new()
            .name("metrics".into())
            .spawn(upkeep);
        handle
    })
}

/// Counters of each endpoint, looked up by its path once and not for each request anew.
#[derive(Debug)]
pub struct Meters {
    routes: HashMap<String, Vec<(Method, Meter)>>,
    other: Meter,
}

/// Counters of one endpoint.
pub struct Meter {
    classes: [Counter; 5],
    took: Histogram,
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meter")
    }
}

impl Meter {
    /// Of this endpoint.
    pub fn new(method: &str, route: &str) -> Self {
        recorder();
        let labels = [("method", method.to_owned()), ("route", route.to_owned())];
        let class = |class: &'static str| {
            let [method, route] = labels.clone();
            counter!(
                "caviada_http_requests_total",
                &[method, route, ("status", class.to_owned())]
            )
        };
        Self {
            classes: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(class),
            took: histogram!("caviada_http_request_seconds", &labels),
        }
    }

    /// Counts one answer.
    pub fn record(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.classes[class].increment(1);
        self.took.record(took.as_secs_f64());
    }
}

impl Meters {
    /// One meter for each endpoint.
    pub fn new(endpoints: &[(Method, String)]) -> Self {
        let mut routes: HashMap<String, Vec<(Method, Meter)>> = HashMap::new();
        for (method, path) in endpoints {
            let meter = Meter::new(method.as_str(), path);
            routes
                .entry(path.clone())
                .or_default()
                .push((method.clone(), meter));
        }
        Self {
            routes,
            other: Meter::new("other", "other"),
        }
    }

    /// Counts one answer.
    pub fn record(&self, route: Option<&str>, method: &Method, status: StatusCode, took: Duration) {
        let meters = route.and_then(|r| self.routes.get(r));
        let meter = meters.and_then(|m| m.iter().find(|(m, _)| m == method));
        let meter = meter.map_or(&self.other, |(_, meter)| meter);
        meter.record(status, took);
    }
}
