//! Every file is part of something: a file that no module names is compiled by nobody.

use std::collections::BTreeMap;

use crate::repository::{files, none, rust};

#[test]
fn no_file_is_forgotten() {
    let files: BTreeMap<String, String> = rust()
        .into_iter()
        .map(|file| (file.path, file.text))
        .collect();
    let forgotten = files.keys().filter(|path| {
        let Some((name, parents)) = parents(path) else {
            return false;
        };
        let named = |parent: &String| files.get(parent).is_some_and(|text| declares(text, &name));
        !parents.iter().any(named)
    });
    none(forgotten.cloned().collect(), "No module names this file:");
}

#[test]
fn each_crate_has_one_integration_binary() {
    // One binary links once; with one per file, linking would be most of the time.
    let strays = rust().into_iter().map(|file| file.path).filter(|path| {
        let inside = path
            .split_once("/tests/")
            .filter(|(folder, _)| !folder.contains("/src"));
        inside.is_some_and(|(_, inside)| !inside.starts_with("it/"))
    });
    none(strays.collect(), "Make it a module of tests/it/main.rs:");
}

#[test]
fn nothing_that_a_tool_left_behind_is_kept() {
    let leftovers = ["orig", "rej", "bak", "swp", "profraw", "pending-snap"];
    let strays = files().into_iter().map(|file| file.path).filter(|path| {
        let end = path.rsplit_once('.').map_or("", |(_, end)| end);
        // What proptest found becomes a test whose name says what it found.
        let found = path.contains("proptest-regressions/");
        leftovers.contains(&end) || path.ends_with('~') || found
    });
    none(
        strays.collect(),
        "A patch, an editor or a test tool left these:",
    );
}

#[test]
fn no_test_is_ignored_without_a_reason() {
    let ignored = concat!("#[ign", "ore]");
    let files = rust()
        .into_iter()
        .filter(|file| file.text.contains(ignored));
    none(
        files.map(|file| file.path).collect(),
        "Say why it does not run, or let it run:",
    );
}

/// The module's name and the files that may declare it; nothing for the root of a crate.
fn parents(path: &str) -> Option<(String, Vec<String>)> {
    let (folder, file) = path.rsplit_once('/')?;
    let root = ["src/lib.rs", "src/main.rs", "tests/it/main.rs"]
        .iter()
        .any(|root| path.ends_with(root));
    let binary = folder.ends_with("/src/bin") || folder.contains("/src/bin/") && file == "main.rs";
    let example = folder.ends_with("/examples") || folder.ends_with("/benches");
    if root || binary || example {
        return None;
    }
    let (name, folder) = match file {
        "mod.rs" => {
            let (above, name) = folder.rsplit_once('/')?;
            (name, above)
        }
        _ => (file.trim_end_matches(".rs"), folder),
    };
    let inside = ["mod.rs", "lib.rs", "main.rs"].map(|parent| format!("{folder}/{parent}"));
    let beside = format!("{folder}.rs");
    Some((
        name.to_owned(),
        inside.into_iter().chain([beside]).collect(),
    ))
}

fn declares(text: &str, name: &str) -> bool {
    let declaration = format!("mod {name};");
    text.lines().any(|line| {
        let before = line.trim().strip_suffix(&declaration);
        before.is_some_and(|before| {
            before.is_empty() || before.starts_with("pub") || before.starts_with("#[")
        })
    })
}
