//! `caviada status`.

use caviada_api::client::Client;
use caviada_api::stats::Stats;

use super::exit::{Exit, Failure};
use super::output::{Format, Out, no_env};
use super::table::{Table, or_dash, short, time};

/// `caviada status`.
pub async fn status(client: &Client, out: &Out) -> Result<Exit, Failure> {
    let stats = client.stats().await?;
    match out.format {
        Format::Env => return Err(no_env()),
        Format::Json => out.json(&stats)?,
        Format::Name => {
            let names: String = stats
                .pools
                .iter()
                .map(|p| format!("{}\n", p.name))
                .collect();
            out.raw(&names)?;
        }
        Format::Table | Format::Wide => {
            out.pairs(&summary(client.url(), &stats, out.format == Format::Wide))?;
            if !stats.pools.is_empty() {
                out.raw(&pools(&stats))?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn summary(url: &str, stats: &Stats, wide: bool) -> Vec<(String, String)> {
    let leases = &stats.leases;
    let hosts = &stats.hosts;
    let mut rows = vec![
        ("server", format!("{url} (caviada {})", stats.version)),
        ("up", short(stats.uptime_ms)),
        (
            "leases",
            format!(
                "{} active, {} preparing, {} waiting, {} without deadline",
                leases.active, leases.preparing, leases.waiting, leases.no_deadline
            ),
        ),
        (
            "hosts",
            format!(
                "{} seen, {} unseen, {} unschedulable",
                hosts.seen, hosts.unseen, hosts.unschedulable
            ),
        ),
    ];
    if wide {
        rows.push(("installation", stats.installation.clone()));
        rows.push(("revision", stats.revision.to_string()));
        rows.push(("ledger time", time(stats.now)));
        if let Some(ledger) = &stats.ledger {
            rows.push((
                "ledger",
                format!(
                    "{} commits, {} commands, {} queued, history {} behind",
                    ledger.commits,
                    ledger.commands,
                    ledger.queue,
                    short(ledger.history_lag_ms)
                ),
            ));
        }
    }
    rows.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

fn pools(stats: &Stats) -> String {
    let mut table = Table::new(
        &[
            "POOL", "FREE", "LEASED", "DIRTY", "FAILED", "TOTAL", "WAITING", "WHY",
        ],
        false,
    );
    for pool in &stats.pools {
        let counts = &pool.counts;
        table.push(vec![
            pool.name.clone(),
            counts.free.to_string(),
            counts.leased.to_string(),
            (counts.dirty + counts.cleaning).to_string(),
            counts.failed.to_string(),
            counts.total().to_string(),
            pool.waiting.to_string(),
            or_dash(pool.why.as_deref()),
        ]);
    }
    format!("\n{}", table.render())
}
