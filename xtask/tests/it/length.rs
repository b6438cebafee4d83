//! No file everything falls into, no function nobody can hold.

use crate::repository::{Source, none, rust};

/// Lines of a file without its unit tests.
const FILE_LINES_MAX: usize = 500;
/// Lines of a file with its unit tests, and of a file of tests.
const WITH_TESTS_LINES_MAX: usize = 1_000;
/// Lines of a function outside tests; the aim is 70.
const FUNCTION_LINES_MAX: usize = 90;

/// What is longer than it should be, and how long it may be until somebody makes it shorter: a path
/// for a file, `path::name` for a function. An entry only ever falls, and goes once it is not needed.
const RATCHET: &[(&str, usize)] = &[
    // One arm per event; the arms are short.
    ("crates/core/src/evolve.rs::evolve", 154),
    ("crates/core/src/evolve/resource.rs::evolve", 129),
];

#[test]
fn no_file_has_grown_too_long() {
    let mut found = Vec::new();
    for file in rust() {
        let (production, all) = (file.production().lines().count(), file.text.lines().count());
        over(&mut found, &file.path, production, FILE_LINES_MAX);
        if all > WITH_TESTS_LINES_MAX {
            found.push(format!(
                "{}: {all} lines with tests, at most {WITH_TESTS_LINES_MAX}",
                file.path
            ));
        }
    }
    none(found, "Split it by noun or operation:");
}

#[test]
fn no_function_has_grown_too_long() {
    let mut found = Vec::new();
    for file in rust() {
        for (name, lines) in functions(file.production()) {
            over(
                &mut found,
                &format!("{}::{name}", file.path),
                lines,
                FUNCTION_LINES_MAX,
            );
        }
    }
    none(found, "Push the ifs up and the fors down:");
}

#[test]
fn the_ratchet_holds_only_what_is_still_too_long() {
    let files = rust();
    let length = |entry: &str| -> Option<usize> {
        let file = |path: &str| files.iter().find(|file: &&Source| file.path == path);
        match entry.split_once(".rs::") {
            None => Some(file(entry)?.production().lines().count()),
            Some((path, name)) => {
                let functions = functions(file(&format!("{path}.rs"))?.production());
                functions
                    .iter()
                    .filter(|function| function.0 == name)
                    .map(|function| function.1)
                    .max()
            }
        }
    };
    let mut found = Vec::new();
    for (entry, max) in RATCHET {
        let cap = if entry.contains("::") {
            FUNCTION_LINES_MAX
        } else {
            FILE_LINES_MAX
        };
        match length(entry) {
            Some(lines) if lines > cap => {}
            lines => found.push(format!("{entry}: allowed {max}, is {lines:?}")),
        }
    }
    none(found, "Remove the entry:");
}

#[test]
fn the_length_of_a_function_is_known() {
    let text = "\
impl Pool {
    #[must_use]
    pub(crate) const fn first() -> u32 {
        1
    }

    async fn second<T>(
        one: T,
    ) -> T
    where
        T: Clone,
    {
        let text = \"fn third() {\";
        one
    }

    fn declared();
}
fn one_line() {}
";
    let expected = [("first", 3), ("second", 9), ("one_line", 1)];
    let expected = expected.map(|(name, lines)| (name.to_owned(), lines));
    assert_eq!(functions(text), expected);
}

fn over(found: &mut Vec<String>, entry: &str, lines: usize, max: usize) {
    let allowed = RATCHET
        .iter()
        .find(|(known, _)| *known == entry)
        .map_or(max, |(_, allowed)| *allowed);
    if lines > allowed {
        found.push(format!("{entry}: {lines} lines, at most {allowed}"));
    }
}

/// The functions with a body, and their lines from `fn` to the closing brace. rustfmt has fixed the
/// layout before: a function ends at the first line that closes its own indentation.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &&str| {
            line.strip_prefix(indentation).is_some_and(|rest| {
                rest.starts_with('}') || rest.ends_with(';') && !rest.starts_with(' ')
            })
        };
        if line.ends_with('}') {
            found.push((name, 1));
        } else if line.ends_with(';') {
            // A declaration without a body.
        } else if let Some(length) = lines[at + 1..].iter().position(ends) {
            found.push((name, length + 2));
        }
    }
    found
}

/// The name of the function that begins in `line`.
fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let modifier = |word: &str| {
        matches!(word, "const" | "async" | "unsafe" | "extern" | "\"C\"") || word.starts_with("pub")
    };
    let first = words.by_ref().find(|word| !modifier(word))?;
    let name = (first == "fn").then(|| words.next()).flatten()?;
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    Some(name[..end].to_owned())
}
