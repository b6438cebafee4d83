//! Counts for the charts of the old dashboard.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, No};
use super::call::Ask;
use super::cluster::{Clusters, kind};
use super::host;
use super::record::Record;

/// `stat`: of hosts or of clusters; PoolManager 2 says `hosts` and `clusters`.
pub(super) async fn stat(ask: Ask<'_>) -> Result<Answer, No> {
    let what = ask.parameters.text("res")?.unwrap_or_default();
    let mut record = Record::default();
    let state = ask.app.ledger().snapshot().await?;
    match what.trim_end_matches('s') {
        "host" => {
            // Who may see hosts is who may change them, here as in every other call about them.
            ask.caller.operator(ask.app)?;
            let active = state.hosts.values().filter(|h| h.seen).count();
            let inactive = state.hosts.len() - active;
            record
                .put(
                    "status",
                    slices([("active".into(), active), ("inactive".into(), inactive)]),
                )
                .put(
                    "type",
                    slices(counted(
                        state.hosts.values().map(|h| host::kind(h).to_owned()),
                    )),
                );
        }
        "cluster" => {
            let all = Clusters::of(&state, ask.caller)?.all(None);
            let used = all.iter().filter(|r| r.lease.is_some()).count();
            let free = all.len() - used;
            record
                .put(
                    "status",
                    slices([("free".into(), free), ("used".into(), used)]),
                )
                .put("type", slices(counted(all.iter().map(|r| kind(r)))));
        }
        _ => {
            record.put("example", "/api/stat?res=host");
        }
    }
    Ok(Answer::Bare(record))
}

fn counted(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}

fn slices(counts: impl IntoIterator<Item = (String, usize)>) -> Vec<Value> {
    let slice = |(name, y): (String, usize)| json!({"name": name, "y": y});
    counts.into_iter().map(slice).collect()
}
