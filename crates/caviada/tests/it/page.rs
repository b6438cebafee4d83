//! Every command line that a page shows is one that the program takes.

use std::path::{Path, PathBuf};

use crate::site::{Site, program, text};

/// Markdown files below a folder.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// The command lines of a page: in its blocks, and in its sentences.
fn lines(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push(line.trim().to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    // The shim is started by the server alone, and has no help.
    found.retain(|line| {
        line.starts_with("caviada ")
            && line != "caviada shim"
            && !line.contains(['|', '…', '[', '<'])
    });
    found
}

/// Its words, as a shell would split them, up to a comment; `--help` stands before the child's.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (None, '#') if word.is_empty() => break,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, ' ') => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let end = words.iter().position(|word| word == "--");
    words.insert(end.unwrap_or(words.len()), "--help".to_owned());
    words.remove(0);
    words
}

#[test]
fn every_command_line_of_the_documentation_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![root.join("README.md")];
    pages(&root.join("docs"), &mut files);
    let site = Site::new();
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        let page = std::fs::read_to_string(&file).unwrap();
        for line in lines(&page) {
            let words = words(&line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = program(&words, &site.path("home")).output().unwrap();
            seen += 1;
            if !output.status.success() {
                wrong.push(format!(
                    "{}: {line}\n{}",
                    file.display(),
                    text(&output.stderr)
                ));
            }
        }
    }
    assert!(seen > 30, "only {seen} command lines were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_template_of_the_guide_is_in_order_and_a_slip_in_it_is_placed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/guide/first-template.md")).unwrap();
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let site = Site::new();
    let folder = site.path("hello");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("template.toml"), block("toml")).unwrap();
    std::fs::write(folder.join("compose.yaml"), block("yaml")).unwrap();
    let check = || {
        let words = ["template", "check", folder.to_str().unwrap()];
        program(&words, &site.path("home")).output().unwrap()
    };
    let sound = check();
    assert!(sound.status.success(), "{}", text(&sound.stderr));
    let slip = block("yaml").replace("mem_limit", "mem_limt");
    std::fs::write(folder.join("compose.yaml"), slip).unwrap();
    let told = check();
    assert_eq!(told.status.code(), Some(2));
    let said = text(&told.stderr);
    assert!(
        said.contains("compose.yaml:8:") && said.contains("mem_limt"),
        "{said}"
    );
}

/// The two files of the guide's chain after each of its steps: `template.toml` grows,
/// `compose.yaml` is written anew.
pub fn chain() -> Vec<[String; 2]> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/guide/chain-template.md")).unwrap();
    let (mut manifest, mut compose, mut steps) = (String::new(), String::new(), Vec::new());
    for step in page.split("\n## ") {
        let blocks = step.split("```").skip(1).step_by(2);
        let before = steps.len();
        for block in blocks {
            match block.split_once('\n').unwrap() {
                ("toml", text) => manifest += &format!("{text}\n"),
                ("yaml", text) => text.clone_into(&mut compose),
                _ => continue,
            }
            steps.truncate(before);
            steps.push([manifest.clone(), compose.clone()]);
        }
    }
    steps
}

/// Writes these files as a template's folder.
pub fn write(folder: &Path, [manifest, compose]: &[String; 2]) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("template.toml"), manifest).unwrap();
    std::fs::write(folder.join("compose.yaml"), compose).unwrap();
}

#[test]
fn the_chain_of_the_guide_is_in_order_after_each_step() {
    let steps = chain();
    assert_eq!(steps.len(), 4);
    let site = Site::new();
    for (at, step) in (1..).zip(&steps) {
        let folder = site.path(&format!("step-{at}"));
        write(&folder, step);
        let words = ["template", "check", folder.to_str().unwrap()];
        let checked = program(&words, &site.path("home")).output().unwrap();
        let said = text(&checked.stderr);
        assert!(checked.status.success(), "step {at}: {said}");
    }
}

#[test]
fn a_command_line_that_is_none_is_noticed() {
    let site = Site::new();
    for line in ["caviada acquire --colour red x", "caviada aquire x"] {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = program(&words, &site.path("home")).output().unwrap();
        assert!(!output.status.success(), "{line}");
    }
}
