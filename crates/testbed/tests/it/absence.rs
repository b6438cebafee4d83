//! No test passes in silence without its part.

use std::process::{Command, Output};

/// Runs a Docker test of this binary as on a machine without an engine.
fn without_docker(ci: &str, left_out: &std::path::Path) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "docker::the_image_is_imported_once_and_runs"])
        .env("CAVIADA_TEST_DOCKER", "0")
        .env("CAVIADA_TEST_LEFT_OUT", left_out)
        .env("CI", ci)
        .env_remove("NEXTEST_TEST_NAME")
        .output()
        .unwrap()
}

#[test]
fn what_is_left_out_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("left-out");
    assert!(without_docker("false", &file).status.success());
    let told = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        told,
        "Docker (switched off by CAVIADA_TEST_DOCKER=0): docker::the_image_is_imported_once_and_runs\n"
    );
}

#[test]
fn with_ci_nothing_may_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let output = without_docker("true", &folder.path().join("left-out"));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("CI=true leaves nothing out"));
}
