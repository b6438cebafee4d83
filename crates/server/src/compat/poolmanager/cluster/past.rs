//! What was given back: clusters as the history of leases has them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use caviada_core::access::Verb;
use caviada_core::id::PoolId;
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_ledger::history::{LeaseSearch, PastLease};
use caviada_ledger::store::StoreError;
use serde_json::Value;

use super::super::host::NAME;
use super::field::{gmt, iso};
use super::{Clusters, PLUGIN, SIZE, long_id, size, text};
use crate::aside::Aside;
use crate::compat::poolmanager::App;
use crate::compat::poolmanager::answer::{Answer, No};
use crate::compat::poolmanager::call::Ask;
use crate::compat::poolmanager::record::Record;
use crate::compat::poolmanager::version::Version;

/// Labels of a lease that an older system had: its id there, and what it was of.
const ID: &str = "poolmanager/id";
const OLD_PLUGIN: &str = "poolmanager/consensus_plugin";
const OLD_SIZE: &str = "poolmanager/size";

/// `clusters` with the state `released`, and every other field that is named of just that value.
pub(super) async fn list(
    ask: Ask<'_>,
    conditions: &[(String, Value)],
    user: Option<Owner>,
) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let clusters = Clusters::of(&state, ask.caller)?;
    let seen = state.pools.values().filter(|p| clusters.sees(p));
    let seen: BTreeSet<PoolId> = seen.map(|p| p.id).collect();
    let alone = !ask.caller.may(Verb::SeeLease) && ask.caller.key.act_for.is_empty();
    let owner = match (ask.caller.only(), alone) {
        // Who acts for nobody sees what he had himself.
        (Some(only), _) => Some(only.clone()),
        (None, true) => Some(ask.caller.key.owner.clone()),
        (None, false) => user,
    };
    let found = searched(ask.app, owner, seen.clone()).await?;
    let ours = |l: &&PastLease| l.pools.iter().all(|p| seen.contains(p));
    let records = found.iter().filter(ours);
    let records = records.filter_map(|l| record(&state, ask.version, l));
    let records = records.filter(|r| r.fits(conditions));
    Ok(Answer::Many(
        records.take(limits::server::POOLMANAGER_PAST_MAX).collect(),
    ))
}

/// The newest leases of each of these pools. Reads beside the requests that do not take long.
async fn searched(
    app: &App,
    owner: Option<Owner>,
    pools: BTreeSet<PoolId>,
) -> Result<Vec<PastLease>, No> {
    static ROOM: Aside = Aside::room_for(limits::server::POOLMANAGER_SEARCHES_MAX);
    let unread = || No::new("the history cannot be read now; ask again in a moment");
    let history = app.history().clone();
    let work = ROOM.run(move || {
        // Newest first, and each once though it be of two pools.
        let mut found = BTreeMap::new();
        for pool in pools {
            let search = LeaseSearch {
                owner: owner.clone(),
                pool: Some(pool),
                limit: limits::server::POOLMANAGER_PAST_MAX,
                ..LeaseSearch::default()
            };
            let page = history.leases(&search)?;
            found.extend(page.items.into_iter().map(|l| (Reverse(l.id), l)));
            while found.len() > limits::server::POOLMANAGER_PAST_MAX {
                found.pop_last();
            }
        }
        Ok::<_, StoreError>(found.into_values().collect())
    });
    match work.await {
        Some(Ok(found)) => Ok(found),
        Some(Err(error)) => {
            tracing::warn!(%error, "the history was not read");
            Err(unread())
        }
        None => Err(unread()),
    }
}

/// The record of a lease that was granted and is over.
fn record(state: &State, version: Version, l: &PastLease) -> Option<Record> {
    let (from, to) = l.granted_at.zip(l.ended_at)?;
    let r = l.members.last().and_then(|id| state.resources.get(id));
    // What is gone may have been a cluster; what is there and none, was none.
    if r.is_some_and(|r| r.doc.attributes.get(PLUGIN).is_none()) {
        return None;
    }
    let late = version >= Version::Cello08;
    let time = |at| if late { iso(at) } else { gmt(at) };
    // What had no members here was another system's; labels of all else are its holder's words.
    let imported = l.members.is_empty().then_some(&l.labels);
    let label = |key: &str| imported.and_then(|labels| labels.get(key));
    let mut record = Record::default();
    record
        .put("id", label(ID).map_or_else(|| long_id(l.id.0), Into::into))
        .put(
            "name",
            r.map_or_else(|| label(NAME).unwrap_or(""), |r| r.doc.name.as_str()),
        )
        .put("user_id", l.owner().map_or("", Owner::as_str));
    if let Some(r) = r {
        record.put(PLUGIN, text(r, PLUGIN)).put(SIZE, size(r));
    } else if let Some(plugin) = label(OLD_PLUGIN) {
        let size = label(OLD_SIZE).and_then(|s| s.parse().ok()).unwrap_or(4);
        record.put(PLUGIN, plugin).put(SIZE, size);
    }
    record
        .put("apply_ts", time(from))
        .put("release_ts", time(to))
        .put(
            "duration",
            match late {
                true => (to.since(from) / 1_000).into(),
                false => duration(from, to),
            },
        );
    Some(record)
}

/// `0:12:31.000213`, with days before it where there are some.
fn duration(from: Time, to: Time) -> Value {
    let ms = to.since(from);
    let (s, fraction) = (
        ms / 1_000,
        match ms % 1_000 {
            0 => String::new(),
            ms => format!(".{ms:03}000"),
        },
    );
    let days = match s / 86_400 {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let (h, m, s) = (s / 3_600 % 24, s / 60 % 60, s % 60);
    format!("{days}{h}:{m:02}:{s:02}{fraction}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_old_clients_read_it() {
        for (ms, text) in [
            (0, "0:00:00"),
            (751_003, "0:12:31.003000"),
            (86_400_000, "1 day, 0:00:00"),
            (3 * 86_400_000 + 3_600_000, "3 days, 1:00:00"),
        ] {
            assert_eq!(duration(Time(7), Time(7 + ms)), text);
        }
    }
}
