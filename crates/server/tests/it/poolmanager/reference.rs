//! The page names a test for each feature.

use std::fs;
use std::path::Path;

/// All test code of the workspace.
fn code(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            *text += &fs::read_to_string(&path).unwrap();
        }
    }
}

#[test]
fn every_row_of_the_page_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/reference/poolmanager.md")).unwrap();
    let mut tests = String::new();
    code(&root.join("crates"), &mut tests);
    let (_, tables) = page.split_once("## Closed").unwrap();
    let mut count = 0;
    let mut states = false;
    for row in tables.lines().filter(|l| l.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (test, others) = cells.split_last().unwrap();
        if *test == "test" {
            states = others == ["feature", "state"];
            continue;
        }
        let known = ["done", "replaced", "open"];
        let sound = !states || known.iter().any(|k| others[1].starts_with(k));
        assert!(sound, "{row}");
        let name = test.trim_matches('`');
        assert!(tests.contains(&format!("fn {name}(")), "no test {name}");
        count += 1;
    }
    assert!(count > 40, "{count} rows");
}
