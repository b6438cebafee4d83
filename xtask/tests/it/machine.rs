//! Nothing in the repository knows the machine it was written on.

use crate::repository::{files, none};

/// Where one person's checkout may lie. Put together here, so that this file does not hold it.
const CHECKOUTS: &str = concat!("/wo", "rk/");
/// Where files of all tests would meet; inside a container the same path is nobody else's.
const TEMPORARY: &str = concat!("/tm", "p/");
/// Tables of cargo's configuration that would send everybody to one person's registry or proxy.
const CARGO_TABLES: [&str; 5] = ["[source", "[registr", "[net", "[http", "[patch"];
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let mut found = Vec::new();
    for file in files() {
        let for_containers = file.is_test()
            || file.path.starts_with("templates/")
            || file.path.starts_with("examples/");
        for (number, line) in file.text.lines().enumerate() {
            let temporary = !for_containers && begins_a_path(line, TEMPORARY);
            if temporary || begins_a_path(line, CHECKOUTS) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none(
        found,
        "Use a temporary folder made for the purpose, or a relative path:",
    );
}

/// Whether `folder` stands in `line` as the beginning of a path and not inside a longer one.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "/._-}".contains(letter))
    })
}

#[test]
fn cargo_is_sent_to_no_private_registry() {
    let mut found = Vec::new();
    for file in files() {
        let configuration =
            file.path.ends_with(".cargo/config.toml") || file.path.ends_with("Cargo.toml");
        for line in file.text.lines() {
            let private = configuration && CARGO_TABLES.iter().any(|table| line.starts_with(table));
            let source = file.path.ends_with("Cargo.lock") && line.starts_with("source = ");
            if private || source && line != format!("source = \"{CRATES_IO}\"") {
                found.push(format!("{}: {line}", file.path));
            }
        }
    }
    none(
        found,
        "Keep it in your own configuration, outside the repository:",
    );
}
