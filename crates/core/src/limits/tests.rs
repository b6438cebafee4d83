use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::*;
use crate::tests::is_current;

fn all() -> impl Iterator<Item = &'static Limit> {
    sections().flat_map(|section| section.limits)
}

fn is_kind(word: &str) -> bool {
    matches!(word, "MAX" | "MIN" | "DEFAULT")
}

/// The unit the name carries: the last word of it, or the one before `MAX`, `MIN` or `DEFAULT`.
/// What is kept or graced for a time has nothing else behind its unit.
fn unit(name: &str) -> &str {
    let mut words = name.rsplit('_').skip_while(|word| is_kind(word));
    words
        .find(|word| matches!(*word, "MS" | "US" | "BYTES" | "PPM"))
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
        "US" => Some(format!("{} microseconds", grouped(limit.value))),
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

/// `driver::LINKS_MAX`.
fn path(section: &Section, limit: &Limit) -> String {
    let module = section.module.rsplit_once("limits").unwrap().1;
    let module = module.strip_prefix("::").map(|m| format!("{m}::"));
    format!("{}{}", module.unwrap_or_default(), limit.name)
}

fn page() -> String {
    let mut page = String::from(
        "# Limits\n\n\
         Every queue, list, body, wait, retry and batch of Caviada has a bound, and these are all.\n\
         What one side keeps is named with it: `driver::LINKS_MAX`; what `bench` and `demo` allow themselves stands with them.\n\
         A request beyond what it may ask is refused with a problem that says which and what is allowed.\n\n\
         <!-- Written from crates/core/src/limits.rs and the modules below it by their test; change it there. -->\n",
    );
    for section in sections() {
        let _ = write!(
            page,
            "\n## {}\n\n| limit | value | what and why |\n|---|---|---|\n",
            section.title
        );
        for limit in section.limits {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                path(section, limit),
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
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["tests", "target"].contains(&name) {
            sources(&path, into);
        } else if name.ends_with(".rs")
            && name != "tests.rs"
            && !path.to_str().unwrap().contains("core/src/limits")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn every_bound_is_one_that_some_code_keeps() {
    let files = programs();
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let words = files.iter().flat_map(|(_, text)| text.split(word));
    let words: BTreeSet<&str> = words.collect();
    for Limit { name, .. } in all() {
        assert!(words.contains(name), "nothing reads {name}");
    }
}

fn programs() -> Vec<(String, String)> {
    let mut files = vec![];
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        &mut files,
    );
    files
}

/// What of a line, if it declares a bound that stands nowhere else.
fn loose(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once("const ")?.1.split_once(": ")?;
    let (kind, value) = rest.split_once(" = ")?;
    let kinds = [
        "Duration",
        "NonZeroU32",
        "u8",
        "u16",
        "u32",
        "u64",
        "usize",
        "i64",
    ];
    let counts = kinds.iter().any(|k| kind.ends_with(k));
    let bounds = [
        "MAX", "MIN", "DEFAULT", "PATIENCE", "PAUSE", "WAIT", "WITHIN",
    ];
    let bounds = name.split('_').any(|word| bounds.contains(&word));
    (counts && bounds && !value.contains("limits::")).then_some(name)
}

#[test]
fn no_bound_stands_elsewhere() {
    assert_eq!(loose("const X_MAX: u32 = 5;"), Some("X_MAX"));
    assert_eq!(loose("    pub const PAUSE: Duration = A;"), Some("PAUSE"));
    assert_eq!(loose("const X_MAX: u32 = limits::X_MAX;"), None);
    // Tools of the workshop, and what `bench` and `demo` do to a server of their own.
    let own = [
        "/xtask/",
        "/testbed/",
        "/testimage/",
        "/fuzz/",
        "/bench/",
        "/demo/",
    ];
    let mut found = vec![];
    for (path, text) in programs() {
        if own.iter().any(|own| path.contains(own)) {
            continue;
        }
        let text = text.replace(" =\n", " = ");
        found.extend(
            text.lines()
                .filter_map(loose)
                .map(|n| format!("{path}: {n}")),
        );
    }
    assert_eq!(found, [""; 0], "they belong to core/src/limits");
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
    let of = |section: &'static Section| section.limits.iter().map(move |l| path(section, l));
    let mut names: Vec<_> = sections().flat_map(of).collect();
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
