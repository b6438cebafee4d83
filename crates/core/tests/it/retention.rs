//! The page about retention says what the code does.

use std::collections::BTreeSet;

use caviada_core::limits::{Limit, sections};

const PAGE: &str = include_str!("../../../../docs/operate/retention.md");

/// As people write it.
fn figure(limit: &Limit) -> String {
    if !limit.name.ends_with("_MS") {
        let digits = limit.value.to_string();
        let groups = digits.as_bytes().rchunks(3).rev();
        let groups = groups.map(|group| String::from_utf8_lossy(group).into_owned());
        return groups.collect::<Vec<_>>().join(",");
    }
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (1_000, "second")];
    let whole = units.iter().find(|(ms, _)| limit.value.is_multiple_of(*ms));
    let (ms, unit) = whole.expect("a whole number of seconds");
    let plural = if limit.value == *ms { "" } else { "s" };
    format!("{} {unit}{plural}", limit.value / ms)
}

#[test]
fn what_is_kept_and_for_how_long_is_on_the_page() {
    let limits: Vec<&Limit> = sections().flat_map(|section| section.limits).collect();
    let mut told = BTreeSet::new();
    for row in PAGE.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, _, bound, is, _] = cells[..] else {
            panic!("a row of four cells: {row}");
        };
        let Some(name) = bound
            .strip_prefix('`')
            .and_then(|name| name.strip_suffix('`'))
        else {
            continue;
        };
        let limit = limits.iter().find(|limit| limit.name == name);
        let limit = limit.unwrap_or_else(|| panic!("no limit is named {name}"));
        assert_eq!(is, figure(limit), "{name}");
        told.insert(name);
    }
    for limit in limits {
        let keeps = limit.name.contains("_KEPT_") || limit.name.contains("_KEEP_");
        assert!(
            !keeps || told.contains(limit.name),
            "{} is not on the page",
            limit.name
        );
    }
}
