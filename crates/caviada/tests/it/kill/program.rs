//! The programs under test: the one that ships, and the same with kill points in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::site::shipped;

/// Said by every build that can end itself at a point.
const KILL_MARK: &[u8] = b"CAVIADA_KILL_POINT";
/// Said by every build with planted faults.
const FAULT_MARK: &[u8] = b"planted fault";

/// The features that leave the marks. No fault is planted by having them in.
const MARKED: &str = "kill-points,planted-faults";

/// The program with kill points, built beside the other one from the same objects.
pub fn killable() -> PathBuf {
    let program = shipped().with_file_name("caviada-killable");
    // …/target/PROFILE/caviada
    let target = shipped().parent().and_then(Path::parent).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--package", "caviada"])
        .args(["--bin", "caviada-killable", "--features", MARKED])
        .arg("--target-dir")
        .arg(target);
    if shipped().parent().unwrap().ends_with("release") {
        command.arg("--release");
    }
    let built = command.output().unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "cargo build: {said}");
    program
}

fn says(program: &Path, mark: &[u8]) -> bool {
    let bytes = std::fs::read(program).unwrap();
    bytes.windows(mark.len()).any(|bytes| bytes == mark)
}

#[test]
fn what_ships_has_no_kill_points_and_no_planted_faults() {
    assert!(!says(shipped(), KILL_MARK));
    assert!(!says(shipped(), FAULT_MARK));
    // The look itself finds what is there.
    assert!(says(&killable(), KILL_MARK));
    assert!(says(&killable(), FAULT_MARK));
}
