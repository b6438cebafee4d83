//! `caviada demo --exit`: the tour that the README begins with.

use crate::site::{program, text};

/// Takes the tour with what the flags choose; what it said.
fn tour(flags: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let words = [&["demo", "--exit"], flags].concat();
    let output = program(&words, home.path()).output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("Every step held."), "{said}");
    said
}

#[test]
fn every_step_of_the_tour_holds_where_there_is_no_engine() {
    let said = tour(&["--docker", "unix:///nowhere.sock"]);
    assert!(!said.contains("docker kill"), "{said}");
}

mod docker {
    #[test]
    fn every_step_of_the_tour_holds_on_an_engine() {
        if caviada_testbed::image().is_some() {
            super::tour(&["--docker", "unix:///var/run/docker.sock"]);
        }
    }
}
