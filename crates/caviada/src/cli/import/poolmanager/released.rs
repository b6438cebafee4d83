//! Clusters that were given back: leases that are over.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use caviada_api::lease::Past;
use caviada_api::timestamp::Timestamp;
use caviada_core::limits;
use caviada_core::name::Owner;

use super::{ID, NAME, Plan, Step, id, label};
use crate::cli::import::PoolmanagerArgs;
use crate::cli::import::extended::Document;
use crate::cli::import::there::There;

/// Fields of a cluster that a record of it shows; its label is `poolmanager/` and the field.
const SHOWN: [&str; 2] = ["consensus_plugin", "size"];

/// Each a lease that the history remembers, unless it is older than what the history keeps.
pub(super) fn released<'a>(
    args: &PoolmanagerArgs,
    found: impl Iterator<Item = &'a Document>,
    users: &BTreeMap<String, String>,
    there: &There,
    plan: &mut Plan,
) -> Vec<Step> {
    let kept_since = now_ms().saturating_sub(limits::HISTORY_KEPT_MS);
    let (mut steps, mut old) = (Vec::new(), 0);
    let mut seen = there.past.clone();
    for d in found {
        let what = format!("released cluster {}", d.text(&["name"]).unwrap_or_default());
        let Some(id) = id(d) else {
            plan.skip(d, &what, "it has no id");
            continue;
        };
        match past(args, d, &id, users) {
            Err(why) => plan.skip(d, &what, why),
            Ok(past) if past.ended_at.0 <= kept_since => old += 1,
            // It is there already.
            Ok(_) if !seen.insert(id) => {}
            Ok(past) => steps.push(Step::Past {
                at: d.at.clone(),
                past: Box::new(past),
            }),
        }
    }
    if old > 0 {
        let days = limits::HISTORY_KEPT_MS / limits::DAY_MS;
        plan.notes.push(format!(
            "{old} clusters were released before the {days} days that the history keeps: the export stays their record"
        ));
    }
    steps
}

/// By this machine's clock. The server's has the last word.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

fn past(
    args: &PoolmanagerArgs,
    d: &Document,
    id: &str,
    users: &BTreeMap<String, String>,
) -> Result<Past, String> {
    let user = d.text(&["user_id"]).unwrap_or_default();
    let user = users.get(user.trim()).cloned().unwrap_or(user);
    let owner =
        Owner::new(user.trim()).map_err(|why| format!("its user_id can be no owner: {why}"))?;
    let time = |name: &str| match d.text(&[name]) {
        None => Ok(None),
        Some(text) => text
            .parse::<Timestamp>()
            .map(Some)
            .map_err(|why| format!("its {name} is no time: {why}")),
    };
    let ended_at = time("release_ts")?.ok_or("nobody knows when it was released")?;
    let granted_at = match time("apply_ts")? {
        Some(at) => at.min(ended_at),
        None => {
            let ms = d.text(&["duration"]).and_then(|text| duration_ms(&text));
            Timestamp(ended_at.0.saturating_sub(ms.unwrap_or(0)))
        }
    };
    let shown = SHOWN.iter().filter_map(|name| {
        let value = d.text(&[name])?;
        Some((format!("poolmanager/{name}"), label(&value)))
    });
    let name = d
        .text(&["name"])
        .map(|name| (NAME.to_owned(), label(&name)));
    let labels = shown.chain(name).chain([(ID.to_owned(), id.to_owned())]);
    Ok(Past {
        owner: owner.to_string(),
        pool: args.pool.to_string(),
        granted_at,
        ended_at,
        labels: labels.collect(),
        note: None,
    })
}

/// A duration as the old systems wrote it: `0:12:31.000213`, `1 day, 2:00:00`.
fn duration_ms(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once(" day") {
        Some((days, rest)) => (days.parse().ok()?, rest.split_once(", ")?.1),
        None => (0_u64, text),
    };
    let mut parts = clock.split(':');
    let hours: u64 = parts.next()?.parse().ok()?;
    let minutes: u64 = parts.next()?.parse().ok()?;
    let (seconds, fraction) = parts
        .next()
        .map(|s| s.split_once('.').unwrap_or((s, "0")))?;
    let seconds: u64 = seconds.parse().ok()?;
    let ms: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let hours = days.checked_mul(24)?.checked_add(hours)?;
    let whole = hours
        .checked_mul(3_600)?
        .checked_add(minutes.checked_mul(60)?)?;
    whole
        .checked_add(seconds)?
        .checked_mul(1_000)?
        .checked_add(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_the_old_systems_wrote_it() {
        for (text, ms) in [
            ("0:12:31.000213", Some(751_000)),
            ("0:12:31.25", Some(751_250)),
            ("0:00:00", Some(0)),
            ("1 day, 0:00:01", Some(86_401_000)),
            ("3 days, 1:00:00", Some(3 * 86_400_000 + 3_600_000)),
            ("18446744073709551615 days, 1:00:00", None),
            ("-1 day, 23:00:00", None),
            ("12", None),
            ("1:2", None),
            ("", None),
            ("1:2:3.é", None),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
    }
}
