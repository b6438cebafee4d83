//! What was measured, as one object and as a table.

use std::time::Duration;

use caviada_api::client::Client;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::output::{Format, Out, no_env, plain};

/// The figures of one run; none where one cannot be measured.
#[derive(Debug, Clone, Serialize, Default)]
pub struct Report {
    /// Connections of the load.
    pub connections: usize,
    /// Resources in all pools.
    pub resources: usize,
    /// Pools.
    pub pools: usize,
    /// Leases held through the whole run.
    pub live: usize,
    /// Rounds that count: the searchable history was less than 10 s behind at their end.
    pub rounds: usize,
    /// Requests per second on a route that does nothing, median of the rounds.
    pub bare_requests_per_s: Option<f64>,
    /// Acquires and releases per second, median of the rounds.
    pub requests_per_s: Option<f64>,
    /// Leases acquired and given back per second, median of the rounds.
    pub cycles_per_s: Option<f64>,
    /// Requests per second over those of the bare route in the same round, median.
    pub ratio_to_bare: Option<f64>,
    /// The least of the rounds.
    pub ratio_to_bare_min: Option<f64>,
    /// The most of the rounds.
    pub ratio_to_bare_max: Option<f64>,
    /// Leases acquired and given back per second through an older system's API, median.
    pub via_cycles_per_s: Option<f64>,
    /// That over the cycles of HTTP v1 in the same round, median.
    pub via_ratio_to_v1: Option<f64>,
    /// Processor time of the server per cycle of that, in microseconds, median of the rounds.
    pub via_cpu_us_per_cycle: Option<f64>,
    /// Processor time of the server per cycle, in microseconds, median of the rounds.
    pub cpu_us_per_cycle: Option<f64>,
    /// Processor time of the server per request on the bare route, in microseconds.
    pub bare_cpu_us_per_request: Option<f64>,
    /// Share of the load generator in all processor time of both, the most of the rounds.
    pub client_cpu_share: Option<f64>,
    /// Cycles begun per second in the open loop that the latencies are of.
    pub open_loop_per_s: Option<f64>,
    /// Latency of an acquire from the instant it was planned for, median, in milliseconds.
    pub acquire_p50_ms: Option<f64>,
    /// The same, 99th percentile.
    pub acquire_p99_ms: Option<f64>,
    /// Latency of an acquire of one client alone, median, in milliseconds.
    pub alone_p50_ms: Option<f64>,
    /// The same, 99th percentile.
    pub alone_p99_ms: Option<f64>,
    /// Commits per second under the closed loop.
    pub commits_per_s: Option<f64>,
    /// Commands per commit, median.
    pub batch_p50: Option<u64>,
    /// How far the searchable history was behind at the end of a round, the most, in milliseconds.
    pub history_lag_ms: Option<u64>,
    /// The longest turn of the ledger under all this load, in milliseconds.
    pub turn_max_ms: Option<f64>,
    /// The longest commit of a turn, in milliseconds: the disk's, or the database server's.
    pub commit_max_ms: Option<f64>,
    /// The longest turn without its commit, in milliseconds.
    pub work_max_ms: Option<f64>,
    /// From the start of the killed server to its readiness, in milliseconds.
    pub restart_ms: Option<f64>,
    /// Processor time the server spent on that, in milliseconds.
    pub restart_cpu_ms: Option<f64>,
    /// Leases that waited while one after the other was woken.
    pub parked: Option<usize>,
    /// From sending a release until the next in line had his answer, median, in milliseconds.
    pub wake_p50_ms: Option<f64>,
    /// The same, 99th percentile.
    pub wake_p99_ms: Option<f64>,
    /// Growth of the server's memory by each declared resource, in bytes.
    pub bytes_per_resource: Option<f64>,
}

/// Prints figures, by their names.
pub fn print<R: Serialize>(report: &R, out: &Out) -> Result<(), Failure> {
    match out.format {
        Format::Json => out.json(report),
        Format::Table | Format::Wide => {
            let value = serde_json::to_value(report)
                .map_err(|e| Failure::failed(format!("cannot print: {e}")))?;
            let fields = value.as_object().into_iter().flatten();
            let row = |(name, value): (&String, &serde_json::Value)| {
                let shown = match value {
                    serde_json::Value::Null => "-".to_owned(),
                    value => plain(value),
                };
                (name.clone(), shown)
            };
            out.pairs(&fields.map(row).collect::<Vec<_>>())
        }
        Format::Name => Err(Failure::usage("-o name lists nouns; a bench has none")),
        Format::Env => Err(no_env()),
    }
}

/// The writer's own numbers, of a server that tells them.
#[derive(Debug, Clone, Copy)]
pub struct Writer {
    /// Commits since its start.
    pub commits: u64,
    /// Commands per commit, median.
    pub batch_p50: u64,
    /// How far the history is behind.
    pub history_lag_ms: u64,
    /// The longest turn since its start.
    pub turn_max: Duration,
    /// The longest commit of one.
    pub commit_max: Duration,
    /// The longest turn without its commit.
    pub work_max: Duration,
}

impl Writer {
    /// Asks. None where the key may not see them.
    pub async fn ask(client: &Client) -> Option<Self> {
        let stats = client.stats().await.ok()?;
        stats.ledger.map(|ledger| Self {
            commits: ledger.commits,
            batch_p50: ledger.batch_p50,
            history_lag_ms: ledger.history_lag_ms,
            turn_max: Duration::from_micros(ledger.turn_us_max),
            commit_max: Duration::from_micros(ledger.commit_us_max),
            work_max: Duration::from_micros(ledger.work_us_max),
        })
    }
}

/// A time in milliseconds.
pub fn millis(time: Duration, digits: i32) -> f64 {
    rounded(time.as_secs_f64() * 1_000.0, digits)
}

/// The middle of some figures.
pub fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    let (low, high) = (figures.len().checked_sub(1)? / 2, figures.len() / 2);
    Some((figures[low] + figures[high]) / 2.0)
}

/// With so many digits after the point: more would be noise.
pub fn rounded(figure: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    (figure * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_two_is_between_them() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
        assert_eq!(rounded(0.123_456, 3), 0.123);
    }
}
