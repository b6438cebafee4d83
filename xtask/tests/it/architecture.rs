//! ARCHITECTURE.md is true to the code: what it names exists, and each noun has its file in every
//! room.

use crate::repository::{none, root, rust};

/// The nouns that all rooms share.
const NOUNS: [&str; 8] = [
    "host", "key", "lease", "pool", "quota", "resource", "template", "webhook",
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

#[test]
fn every_function_and_type_named_in_architecture_exists() {
    let code: String = rust().into_iter().map(|file| file.text).collect();
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let is_name = |name: &String| name.len() > 3 && name.chars().all(word);
    let is_known = |name: &String| {
        let last = name.rsplit("::").next().unwrap_or(name);
        let forms = [
            format!("fn {last}("),
            format!("fn {last}<"),
            format!("struct {last}"),
            format!("enum {last}"),
            format!("trait {last}"),
            format!("    {last}"),
            format!("/{last}"),
        ];
        forms.iter().any(|form| code.contains(form)) || root().join("crates").join(last).exists()
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
