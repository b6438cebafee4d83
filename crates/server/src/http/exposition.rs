//! What `/metrics` tells of the ledger and the pools, in the text format of Prometheus. Written when
//! asked, so that what is gone is gone from the page too.

use std::fmt::Write as _;

use caviada_core::host::Host;
use caviada_core::limits;
use caviada_core::resource::ResourceState;
use caviada_core::state::State;
use caviada_ledger::stats::Distribution;

use super::App;
use crate::sight::Sight;

/// The page's part about the ledger and, of this snapshot, the pools and hosts.
pub fn text(app: &App, state: &State) -> String {
    let mut page = Page(String::with_capacity(4_096));
    ledger(app, state, &mut page);
    pools(state, &mut page);
    hosts(app, state, &mut page);
    page.0
}

struct Page(String);

impl Page {
    /// Begins a metric: its kind and what it counts.
    fn metric(&mut self, name: &str, kind: &str, about: &str) {
        let _ = writeln!(self.0, "# HELP {name} {about}\n# TYPE {name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, about: &str, value: impl std::fmt::Display) {
        self.metric(name, kind, about);
        let _ = writeln!(self.0, "{name} {value}");
    }

    /// Quantiles of times, in microseconds, and the longest of them.
    fn times(&mut self, name: &str, about: &str, (times, longest): (&Distribution, u64)) {
        self.metric(name, "gauge", about);
        // A bucket's bound may lie beyond what there was.
        let share = |share| times.quantile(share).unwrap_or(0).min(longest);
        for (text, value) in [("0.5", share(0.5)), ("0.99", share(0.99)), ("1", longest)] {
            let _ = writeln!(self.0, "{name}{{quantile=\"{text}\"}} {value}");
        }
    }
}

fn ledger(app: &App, state: &State, page: &mut Page) {
    let stats = app.ledger().stats();
    let counters = [
        (
            "commands",
            "Commands answered, refusals included.",
            stats.commands,
        ),
        ("refused", "Commands refused.", stats.refused),
        (
            "unavailable",
            "Commands the store did not take.",
            stats.unavailable,
        ),
        (
            "panicked",
            "Commands whose deciding panicked: bugs.",
            stats.panicked,
        ),
        ("commits", "Batches committed.", stats.commits),
        ("events", "Events committed.", stats.events),
    ];
    for (what, about, value) in counters {
        let name = format!("caviada_ledger_{what}_total");
        page.one(&name, "counter", about, value);
    }
    let waiting = state.index.waiters.len();
    let endless = state.index.endless.len();
    let gauges = [
        (
            "caviada_ledger_queue",
            "Commands in the queue.",
            stats.queue,
        ),
        (
            "caviada_ledger_revision",
            "The last revision.",
            state.revision(),
        ),
        (
            "caviada_leases",
            "Leases, waiting and live.",
            state.leases.len() as u64,
        ),
        (
            "caviada_leases_waiting",
            "Leases that wait.",
            waiting as u64,
        ),
        (
            "caviada_leases_no_deadline",
            "Leases without a deadline.",
            endless as u64,
        ),
        (
            "caviada_history_lag_ms",
            "How far the history is behind.",
            app.history_lag_ms(),
        ),
    ];
    for (name, about, value) in gauges {
        page.one(name, "gauge", about, value);
    }
    page.times(
        "caviada_ledger_turn_us",
        "Time of a turn, since the start; within a factor of two, the longest exactly.",
        (&stats.turn_us, stats.turn_us_max),
    );
    page.times(
        "caviada_ledger_commit_us",
        "What of a turn's time the store took; within a factor of two, the longest exactly.",
        (&stats.commit_us, stats.commit_us_max),
    );
}

fn pools(state: &State, page: &mut Page) {
    let name = "caviada_pool_resources";
    page.metric(name, "gauge", "Resources of a pool by state.");
    let shown = || state.pools.values().take(limits::server::POOLS_SHOWN_MAX);
    for pool in shown() {
        let Some(used) = state.index.pools.get(&pool.id) else {
            continue;
        };
        for at in ResourceState::ALL {
            let (pool, at, n) = (&pool.name, at.as_str(), used.in_state(at));
            let _ = writeln!(page.0, "{name}{{pool=\"{pool}\",state=\"{at}\"}} {n}");
        }
    }
    let name = "caviada_pool_waiting";
    page.metric(name, "gauge", "Leases that wait for something of a pool.");
    for pool in shown() {
        let waiting = state.index.pools.get(&pool.id).map_or(0, |u| u.waiting);
        let _ = writeln!(page.0, "{name}{{pool=\"{}\"}} {waiting}", pool.name);
    }
}

fn hosts(app: &App, state: &State, page: &mut Page) {
    let shown = state.hosts.values().take(limits::server::HOSTS_SHOWN_MAX);
    let shown: Vec<_> = shown
        .map(|host| (host, app.sights().of(host.id).unwrap_or_default()))
        .collect();
    let mut metric = |name, kind, about, value: &dyn Fn(&Host, &Sight) -> u64| {
        page.metric(name, kind, about);
        for (host, sight) in &shown {
            let value = value(host, sight);
            let _ = writeln!(page.0, "{name}{{host=\"{}\"}} {value}", host.name);
        }
    };
    metric(
        "caviada_host_seen",
        "gauge",
        "1 while a host answers.",
        &|host, _| host.seen.into(),
    );
    metric(
        "caviada_host_rounds_total",
        "counter",
        "Good looks at a host, each counted once all that it asked for was begun.",
        &|_, sight| sight.rounds,
    );
    metric(
        "caviada_host_calls",
        "gauge",
        "Calls under way on a host: builds, cleanings, removals and what holders ask for.",
        &|_, sight| sight.calls as u64,
    );
}
