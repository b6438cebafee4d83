//! ARCHITECTURE.md is true to the code: what it names exists, and each noun has its file in every
//! room.

use std::collections::BTreeSet;

use crate::repository::{Source, none, root, rust};

/// The nouns that all rooms share.
const NOUNS: [&str; 10] = [
    "event", "host", "key", "lease", "pool", "quota", "resource", "template", "user", "webhook",
];
/// Where each noun has its file.
const ROOMS: [&str; 4] = [
    "crates/core/src",
    "crates/api/src",
    "crates/server/src/http/v1",
    "crates/caviada/src/cli",
];

fn named() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut fenced = false;
    let mut names = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            names.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_path_named_in_architecture_exists() {
    let is_path = |name: &String| name.contains('/') && !name.contains(' ');
    let missing = named()
        .into_iter()
        .filter(is_path)
        .filter(|name| !root().join(name).exists());
    none(
        missing.collect(),
        "ARCHITECTURE.md names what is not there:",
    );
}

/// What a file declares: functions and tests, types, modules, variants and itself.
fn declarations(file: &Source) -> Vec<String> {
    const KINDS: [&str; 7] = ["fn", "struct", "enum", "trait", "type", "mod", "const"];
    let stem = file.path.rsplit('/').next().unwrap_or_default();
    let mut names = vec![stem.trim_end_matches(".rs").to_owned()];
    for line in file.text.lines() {
        let code = line.split("//").next().unwrap_or_default();
        let words: Vec<&str> = code
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .collect();
        let pairs = words.windows(2).filter(|pair| KINDS.contains(&pair[0]));
        names.extend(pairs.map(|pair| pair[1].to_owned()));
        // A variant begins its line, and nothing but its fields follows.
        let variant = words.first().filter(|word| {
            let rest = code.trim_start().strip_prefix(**word).unwrap_or_default();
            word.starts_with(char::is_uppercase)
                && matches!(rest.trim_start().chars().next(), Some(',' | '{' | '('))
        });
        names.extend(variant.map(|word| (*word).to_owned()));
    }
    names
}

#[test]
fn every_function_and_type_named_in_architecture_exists() {
    let declared: BTreeSet<String> = rust().iter().flat_map(declarations).collect();
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    // A method of HTTP is none of ours.
    let ours = |name: &String| name.contains(char::is_lowercase);
    let is_name = |name: &String| name.len() > 3 && name.chars().all(word) && ours(name);
    let is_known = |name: &String| {
        // A crate or folder, or else every part of the path is a name that the code declares.
        let here = root().join("crates").join(name).exists();
        here || name.split("::").all(|part| declared.contains(part))
    };
    let unknown = named()
        .into_iter()
        .filter(is_name)
        .filter(|name| !is_known(name));
    none(
        unknown.collect(),
        "ARCHITECTURE.md names what the code does not have:",
    );
}

#[test]
fn each_noun_has_its_file_in_every_room() {
    let places = ROOMS
        .iter()
        .flat_map(|room| NOUNS.map(|noun| format!("{room}/{noun}.rs")));
    let missing = places.filter(|path| !root().join(path).exists());
    none(
        missing.collect(),
        "The same noun has the same file name in every room:",
    );
}
