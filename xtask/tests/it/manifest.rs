//! What each crate may know, as its manifest says it.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::repository::{files, none};

/// What one crate may use.
struct Room {
    folder: &'static str,
    /// Crates of this workspace.
    ours: &'static [&'static str],
    /// Crates of others, where the list is closed.
    others: Option<&'static [&'static str]>,
}

const ROOMS: [Room; 9] = [
    closed("crates/core", &["imbl", "serde", "thiserror"]),
    open("crates/ledger", &["caviada-core"]),
    open("crates/driver", &["caviada-core"]),
    open("crates/api", &["caviada-core"]),
    open(
        "crates/server",
        &[
            "caviada-api",
            "caviada-core",
            "caviada-driver",
            "caviada-ledger",
        ],
    ),
    open(
        "crates/caviada",
        &[
            "caviada-api",
            "caviada-core",
            "caviada-driver",
            "caviada-ledger",
            "caviada-server",
        ],
    ),
    open(
        "crates/fuzz",
        &[
            "caviada-api",
            "caviada-core",
            "caviada-driver",
            "caviada-server",
        ],
    ),
    open("crates/testbed", &[]),
    closed("xtask", &["anyhow"]),
];

const fn open(folder: &'static str, ours: &'static [&'static str]) -> Room {
    Room {
        folder,
        ours,
        others: None,
    }
}

const fn closed(folder: &'static str, others: &'static [&'static str]) -> Room {
    Room {
        folder,
        ours: &[],
        others: Some(others),
    }
}

/// Libraries that are the business of some crates only; a wall is where they end.
const AT_HOME: &[(&str, &[&str])] = &[
    ("anyhow", &["crates/caviada", "xtask"]),
    ("axum", &["crates/server"]),
    ("bollard", &["crates/driver"]),
    ("clap", &["crates/caviada"]),
    ("kube", &["crates/driver"]),
    ("rusqlite", &["crates/ledger"]),
    ("tokio-postgres", &["crates/ledger"]),
];

/// Each crate's folder and manifest.
fn manifests() -> BTreeMap<String, Table> {
    let manifest = |path: &str| path.strip_suffix("/Cargo.toml").map(str::to_owned);
    let files = files();
    let parsed = files
        .iter()
        .filter_map(|file| Some((manifest(&file.path)?, file.text.parse().unwrap())));
    parsed.collect()
}

/// What ships with the crate: its dependencies on every platform, but not those of its tests.
fn dependencies(manifest: &Table) -> Vec<String> {
    let of = |table: &Table, name: &str| -> Vec<String> {
        let table = table.get(name).and_then(Value::as_table);
        table.into_iter().flat_map(Table::keys).cloned().collect()
    };
    let mut found = of(manifest, "dependencies");
    let targets = manifest.get("target").and_then(Value::as_table);
    for target in targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table)
    {
        found.extend(of(target, "dependencies"));
    }
    found
}

#[test]
fn every_crate_obeys_the_lints_of_the_workspace() {
    let obeys = |manifest: &Table| manifest.get("lints")?.get("workspace")?.as_bool();
    let manifests = manifests().into_iter();
    let found = manifests.filter(|(_, manifest)| obeys(manifest) != Some(true));
    none(
        found.map(|(folder, _)| folder).collect(),
        "Add [lints] workspace = true:",
    );
}

#[test]
fn every_crate_is_private_and_of_one_version() {
    let inherits = |manifest: &Table, key: &str| {
        manifest
            .get("package")?
            .get(key)?
            .get("workspace")?
            .as_bool()
    };
    let mut found = Vec::new();
    for (folder, manifest) in manifests() {
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if inherits(&manifest, key) != Some(true) {
                found.push(format!("{folder}: {key}"));
            }
        }
    }
    none(found, "Inherit it from the workspace:");
}

#[test]
fn a_crate_uses_only_what_the_design_allows_it() {
    let mut found = Vec::new();
    for (folder, manifest) in manifests() {
        let Some(room) = ROOMS.iter().find(|room| room.folder == folder) else {
            found.push(format!("{folder}: a crate the design does not know"));
            continue;
        };
        for name in dependencies(&manifest) {
            let allowed = match name.starts_with("caviada-") {
                true => room.ours.contains(&name.as_str()),
                false => room
                    .others
                    .is_none_or(|others| others.contains(&name.as_str())),
            };
            let home = AT_HOME.iter().find(|(library, _)| *library == name);
            if !allowed || home.is_some_and(|(_, homes)| !homes.contains(&folder.as_str())) {
                found.push(format!("{folder} uses {name}"));
            }
        }
    }
    none(
        found,
        "The wall is the design's; move the code, or change both with a decision record:",
    );
}

#[test]
fn a_dependency_is_named_once_for_all() {
    let mut found = Vec::new();
    for (folder, manifest) in manifests() {
        for kind in ["dependencies", "dev-dependencies"] {
            let table = manifest.get(kind).and_then(Value::as_table);
            for (name, value) in table.into_iter().flatten() {
                if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                    found.push(format!("{folder}: {name}"));
                }
            }
        }
    }
    none(
        found,
        "Name its version in the workspace's manifest and inherit it:",
    );
}

#[test]
fn nothing_is_generated_by_a_build_script() {
    let manifests = manifests().into_iter();
    let scripted = manifests.filter(|(_, manifest)| manifest.contains_key("build-dependencies"));
    let mut found: Vec<String> = scripted.map(|(folder, _)| folder).collect();
    found.extend(
        files()
            .into_iter()
            .map(|file| file.path)
            .filter(|path| path.ends_with("build.rs") && !path.contains("/src/")),
    );
    none(found, "The build must be only a build:");
}
