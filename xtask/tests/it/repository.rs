//! The files of the repository, as the other modules look at them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One text file.
pub struct Source {
    /// From the repository's root, with slashes.
    pub path: String,
    pub text: String,
}

impl Source {
    /// Whether all of it is test code.
    pub fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }

    /// The part before the unit tests; nothing of a file that is all test code.
    pub fn production(&self) -> &str {
        if self.is_test() {
            return "";
        }
        let tests = self.text.find("\n#[cfg(test)]\nmod ");
        &self.text[..tests.map_or(self.text.len(), |at| at + 1)]
    }
}

/// The repository's root: of the checkout that runs the test, which need not be the one that built
/// it when several share a target directory.
pub fn root() -> PathBuf {
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&own).parent().unwrap().to_owned()
}

/// All text files that are tracked, or would be with `git add --all`.
pub fn files() -> Vec<Source> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "not a git checkout: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let list = String::from_utf8(output.stdout).unwrap();
    let mut files: Vec<Source> = list
        .split_terminator('\0')
        // What was deleted but not yet committed, and what is no text, is left alone.
        .filter_map(|path| {
            let text = std::fs::read_to_string(root().join(path)).ok()?;
            Some(Source {
                path: path.to_owned(),
                text,
            })
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    files
}

/// The Rust files.
pub fn rust() -> Vec<Source> {
    let mut files = files();
    files.retain(|file| file.path.ends_with(".rs"));
    assert!(files.len() > 20, "the checkout has almost no Rust files");
    files
}

/// Fails with one line per finding.
pub fn none(findings: Vec<String>, rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}\n", findings.join("\n  "));
}
