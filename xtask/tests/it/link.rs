//! Every relative link of a page leads somewhere.

use std::path::Path;

use crate::repository::{files, none, root};

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut found = Vec::new();
    let mut links = 0;
    for file in files().iter().filter(|file| file.path.ends_with(".md")) {
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        for target in targets(&file.text) {
            links += 1;
            let path = target.split('#').next().unwrap_or_default();
            if !root().join(folder).join(path).exists() {
                found.push(format!("{}: {target}", file.path));
            }
        }
    }
    assert!(links > 10, "only {links} links were understood");
    none(found, "A page links to what is not there:");
}

/// What a page links to below this repository.
fn targets(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let links = line.split("](").skip(1).filter(|_| !fenced);
        let inside = links.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
        found.extend(inside.filter(|t| !t.contains("://") && !t.starts_with(['#', '/'])));
    }
    found
}

#[test]
fn links_are_read_from_the_text_and_not_from_code() {
    let text = "[a](b.md) and [c](https://d/e) [f](g/h.md#i)\n```\n[j](k.md)\n```\n[l](#m)\n";
    assert_eq!(targets(text), ["b.md", "g/h.md#i"]);
}
