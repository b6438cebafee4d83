//! A name says what a thing is; these say only that somebody had no name for it.

use crate::repository::{none, rust};

const FILES: [&str; 10] = [
    "common", "helper", "helpers", "manager", "misc", "service", "shared", "stuff", "util", "utils",
];
const TYPE_ENDINGS: [&str; 8] = [
    "Data", "Handler", "Helper", "Impl", "Info", "Manager", "Util", "Utils",
];

#[test]
fn a_file_or_module_is_named_by_its_noun() {
    let mut found = Vec::new();
    for file in rust() {
        let path = file.path.trim_end_matches(".rs");
        let vague = |part: &&str| FILES.contains(part) && !is_noun(&file.path, part);
        if let Some(part) = path.split('/').find(vague) {
            found.push(format!("{}: {part}", file.path));
        }
        for line in file.text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [.., "mod", name, "{"] = *words
                && FILES.contains(&name)
            {
                found.push(format!("{}: mod {name}", file.path));
            }
        }
    }
    none(
        found,
        "Name it by what is in it, or put that where it belongs:",
    );
}

/// Whether the word is the field's own name of the thing there: a Compose file has services.
fn is_noun(path: &str, part: &str) -> bool {
    part == "service" && path.contains("/compose/")
}

#[test]
fn a_type_is_named_by_what_it_is() {
    let mut found = Vec::new();
    for file in rust() {
        for line in file.text.lines() {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let declares = |word: &&str| matches!(*word, "struct" | "enum" | "trait");
            let is_comment = line.trim_start().starts_with("//");
            if words.by_ref().any(|word| declares(&word)) && !is_comment {
                let name = words.next().unwrap_or_default();
                if TYPE_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                    found.push(format!("{}: {name}", file.path));
                }
            }
        }
    }
    none(found, "An ending like this says nothing:");
}
