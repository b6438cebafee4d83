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
    let (_, table) = page.split_once("## Feature by feature").unwrap();
    let rows = table.lines().filter(|l| l.starts_with("| ")).skip(1);
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, state, test] = cells[..] else {
            panic!("{row}");
        };
        let known = ["done", "replaced", "open"];
        assert!(known.iter().any(|k| state.starts_with(k)), "{row}");
        let name = test.trim_matches('`');
        assert!(tests.contains(&format!("fn {name}(")), "no test {name}");
        count += 1;
    }
    assert!(count > 25, "{count} rows");
}
