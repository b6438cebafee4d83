//! Programs of this machine in an image: what they are linked with goes along.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::image;

/// Files by their path in an image, without the `/` before it.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The libraries of these programs, where their loader looks for them.
pub(crate) fn of(programs: &[PathBuf]) -> Files {
    let ldd = image::succeeded("ldd", Command::new("ldd").args(programs).output());
    // With several programs, each is a heading with a colon.
    let lines = ldd
        .lines()
        .filter(|line| line.starts_with(char::is_whitespace));
    let libraries: BTreeSet<&str> = lines
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with('/'))
        .collect();
    libraries.into_iter().map(|path| file(path, path)).collect()
}

/// A file of this machine under a path of its own.
pub(crate) fn file(from: impl AsRef<Path>, to: &str) -> (String, Vec<u8>) {
    let content = std::fs::read(from.as_ref());
    let content = content.unwrap_or_else(|why| panic!("{}: {why}", from.as_ref().display()));
    (to.trim_start_matches('/').to_owned(), content)
}

/// An archive of these files, all of which may be run.
pub(crate) fn archive(files: &Files) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    image::add(&mut archive, tar::EntryType::Directory, "tmp/", 0o1777, &[]);
    for (path, content) in files {
        image::add(&mut archive, tar::EntryType::Regular, path, 0o755, content);
    }
    archive.into_inner().expect("memory takes every write")
}
