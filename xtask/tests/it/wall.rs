//! Walls inside a crate, which no manifest can hold.

use crate::repository::{none, rust};

/// What would let time, chance or the outside into the choices.
const NOT_IN_CORE: [&str; 14] = [
    "SystemTime",
    "Instant",
    "std::env",
    "std::fs",
    "std::io",
    "std::process",
    "std::thread",
    // Addresses are values; sockets are not.
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    // Their order differs from run to run.
    "HashMap",
    "HashSet",
    "RandomState",
    "async fn",
];
const DRIVERS: [&str; 5] = ["docker", "swarm", "kubernetes", "process", "agent"];
const SERVER: &str = "crates/server/src/";

#[test]
fn core_knows_no_clock_no_chance_and_no_outside() {
    let mut found = Vec::new();
    for file in rust()
        .iter()
        .filter(|file| file.path.starts_with("crates/core/src/"))
    {
        for (number, line) in file.production().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(word) = NOT_IN_CORE.iter().find(|word| code.contains(**word)) {
                found.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    none(
        found,
        "A choice is a function of State, time and command, and replays exactly:",
    );
}

#[test]
fn an_entrance_knows_no_other_entrance_and_no_driver() {
    let mut found = Vec::new();
    for file in rust() {
        let Some(own) = file.path.strip_prefix(SERVER).and_then(entrance) else {
            continue;
        };
        for (number, line) in file.production().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let driver = |name: &&str| code.contains(&format!("caviada_driver::{name}"));
            let others = others(code).into_iter().filter(|other| *other != own);
            for what in others.chain(DRIVERS.into_iter().filter(driver).map(str::to_owned)) {
                found.push(format!("{}:{}: {what}", file.path, number + 1));
            }
        }
    }
    none(found, "Entrances meet in the ledger only:");
}

/// The entrance a file of the server belongs to: `http`, `console` or `compat::NAME`.
fn entrance(path: &str) -> Option<String> {
    let mut parts = path.trim_end_matches(".rs").split('/');
    match parts.next()? {
        "compat" => parts
            .next()
            .filter(|name| *name != "mod")
            .map(|name| format!("compat::{name}")),
        name @ ("http" | "console") => Some(name.to_owned()),
        _ => None,
    }
}

/// The entrances that a line of code names by their path.
fn others(code: &str) -> Vec<String> {
    let paths =
        code.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
    let inside = paths.filter_map(|path| path.strip_prefix("crate::"));
    let entrance = |path: &str| entrance(&path.replace("::", "/"));
    inside.filter_map(entrance).collect()
}

#[test]
fn an_entrance_is_known_by_its_path() {
    assert_eq!(
        entrance("compat/boskos/acquire.rs").unwrap(),
        "compat::boskos"
    );
    assert_eq!(entrance("http/v1/lease.rs").unwrap(), "http");
    assert_eq!(entrance("compat/mod.rs"), None);
    assert_eq!(entrance("reconciler.rs"), None);
    assert_eq!(
        others("use crate::compat::sorna::kernel; crate::http::problem()"),
        ["compat::sorna", "http"]
    );
}
