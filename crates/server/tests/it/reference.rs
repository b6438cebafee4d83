//! Pages of the reference that are written from the code: run the tests, look, commit.

use std::fmt::Write as _;
use std::path::Path;

use caviada_server::http;
use caviada_server::http::problem::KINDS;

/// Writes the page and fails when it was another one.
fn is_current(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/reference")
        .join(name);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found == text {
        return;
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    panic!("docs/reference/{name} was not what the code says; it is now: look at it and commit it");
}

#[test]
fn the_page_of_problems_is_the_table() {
    let mut page = String::from(
        "# Problems\n\nEvery refusal of the HTTP API is an `application/problem+json` document \
         (RFC 9457) with one of\nthese codes. `type` is the page `/problems/CODE` of the server. \
         Written from the code by a test.\n\n| code | status | means | what to do | again after |\n\
         |---|---|---|---|---|\n",
    );
    for kind in KINDS {
        let again = kind
            .retry_after_ms
            .map_or("–".to_owned(), |ms| format!("{ms} ms"));
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {again} |",
            kind.code, kind.status, kind.title, kind.advice
        )
        .unwrap();
    }
    is_current("problems.md", &page);
}

#[test]
fn the_description_of_the_api_is_the_code() {
    is_current("openapi.json", &(http::description() + "\n"));
}

#[test]
fn what_the_description_names_exists() {
    let document: serde_json::Value = serde_json::from_str(&http::description()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut wanted = Vec::new();
    references(&document, &mut wanted);
    assert!(!wanted.is_empty());
    for name in wanted {
        let pointer = name.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{name}");
    }
}

fn references(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            if let Some(target) = map.get("$ref").and_then(|r| r.as_str()) {
                found.push(target.to_owned());
            }
            map.values().for_each(|v| references(v, found));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}
