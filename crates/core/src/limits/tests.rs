use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::*;
use crate::tests::is_current;

fn all() -> impl Iterator<Item = &'static Limit> {
    SECTIONS.iter().flat_map(|section| section.limits)
}

fn is_kind(word: &str) -> bool {
    matches!(word, "MAX" | "MIN" | "DEFAULT")
}

/// The unit the name carries: the last word of it, or the one before `MAX`, `MIN` or `DEFAULT`.
/// What is kept or graced for a time has nothing else behind its unit.
fn unit(name: &str) -> &str {
    let mut words = name.rsplit('_').skip_while(|word| is_kind(word));
    words
        .find(|word| matches!(*word, "MS" | "BYTES" | "PPM"))
        .unwrap_or_default()
}

/// A value as people say it.
fn said(limit: &Limit) -> String {
    let largest = |units: &[(u64, &str)]| {
        let (size, name) = *units
            .iter()
            .find(|(size, _)| limit.value.is_multiple_of(*size))?;
        let count = limit.value / size;
        Some(format!(
            "{} {name}{}",
            grouped(count),
            if count == 1 { "" } else { "s" }
        ))
    };
    match unit(limit.name) {
        "MS" => largest(&[
            (DAY_MS, "day"),
            (HOUR_MS, "hour"),
            (MINUTE_MS, "minute"),
            (SECOND_MS, "second"),
            (1, "millisecond"),
        ]),
        "BYTES" if limit.value.is_multiple_of(MIB as u64) => {
            Some(format!("{} MiB", limit.value / MIB as u64))
        }
        "BYTES" if limit.value.is_multiple_of(KIB as u64) => {
            Some(format!("{} KiB", limit.value / KIB as u64))
        }
        "BYTES" => largest(&[(1, "byte")]),
        "PPM" => Some(format!("{} ppm", limit.value)),
        _ => Some(grouped(limit.value)),
    }
    .unwrap_or_default()
}

/// 10000000 as 10,000,000.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn page() -> String {
    let mut page = String::from(
        "# Limits\n\n\
         Every queue, list, body, wait, retry and batch of Caviada has a bound, and these are all.\n\
         A request beyond one is refused with a problem that says which and what is allowed.\n\n\
         <!-- Written from crates/core/src/limits.rs by its test; change it there. -->\n",
    );
    for section in SECTIONS {
        let _ = write!(
            page,
            "\n## {}\n\n| limit | value | what and why |\n|---|---|---|\n",
            section.title
        );
        for limit in section.limits {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                limit.name,
                said(limit),
                limit.reason.trim()
            );
        }
    }
    page
}

#[test]
fn the_reference_page_says_what_the_code_says() {
    is_current("limits.md", &page());
}

/// The programs' own lines below a folder, but for this list.
fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["tests", "target"].contains(&name) {
            sources(&path, into);
        } else if name.ends_with(".rs")
            && name != "tests.rs"
            && !path.ends_with("core/src/limits.rs")
        {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_bound_is_one_that_some_code_keeps() {
    let mut lines = String::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        &mut lines,
    );
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let words: BTreeSet<&str> = lines.split(word).collect();
    for Limit { name, .. } in all() {
        assert!(words.contains(name), "nothing reads {name}");
    }
}

#[test]
fn every_bound_has_a_reason_that_is_a_sentence() {
    for Limit { name, reason, .. } in all() {
        let reason = reason.trim();
        assert!(
            reason.ends_with('.') && reason.len() >= 20,
            "{name}: {reason:?}"
        );
        assert!(
            !reason.contains("  ") && !reason.contains('|'),
            "{name}: {reason:?}"
        );
    }
}

#[test]
fn a_bound_stands_once_and_is_above_zero() {
    let mut names: Vec<_> = all().map(|limit| limit.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(all().all(|limit| limit.value > 0));
}

#[test]
fn a_value_is_said_as_people_say_it() {
    let said = |name, value| {
        said(&Limit {
            name,
            value,
            reason: "",
        })
    };
    assert_eq!(said("TTL_MS_MAX", 400 * DAY_MS), "400 days");
    assert_eq!(said("TTL_MS_MIN", 1_000), "1 second");
    assert_eq!(said("X_MS", 1_500), "1,500 milliseconds");
    assert_eq!(said("ORPHAN_GRACE_MS", 60_000), "1 minute");
    assert_eq!(said("BODY_BYTES_MAX", 1 << 20), "1 MiB");
    assert_eq!(said("OWNER_BYTES_MAX", 128), "128 bytes");
    assert_eq!(said("SLEW_PPM", 500), "500 ppm");
    assert_eq!(said("RESOURCES_MAX", 10_000_000), "10,000,000");
}
