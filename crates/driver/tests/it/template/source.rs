//! Reading a folder.

use std::fs;

use caviada_driver::template::{Source, Template};

use super::{MANIFEST, source};

#[test]
fn a_folder_is_read_with_its_subfolders_and_without_hidden_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("conf/.git")).unwrap();
    fs::write(folder.path().join("template.toml"), MANIFEST).unwrap();
    fs::write(
        folder.path().join("compose.yaml"),
        "services: {a: {image: i}}",
    )
    .unwrap();
    fs::write(folder.path().join("conf/a.txt"), "a").unwrap();
    fs::write(folder.path().join(".hidden"), "x").unwrap();
    let read = Source::read_dir(folder.path()).unwrap();
    let names: Vec<_> = read.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["compose.yaml", "conf/a.txt", "template.toml"]);
    assert!(Template::parse(&read).unwrap().check().is_empty());
}

#[test]
fn what_is_no_plain_text_file_or_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |what: &str| {
        let problem = Source::read_dir(folder.path()).unwrap_err();
        assert!(problem.to_string().contains(what), "{problem}");
    };
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
    refused("neither file nor folder");
    fs::remove_file(folder.path().join("link")).unwrap();
    fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
    refused("binary");
    fs::write(folder.path().join("binary"), vec![b'x'; (1 << 20) + 5]).unwrap();
    refused("more than");
    assert!(Source::read_dir(&folder.path().join("absent")).is_err());
}

#[test]
fn a_digest_tells_any_difference_and_nothing_else() {
    let one = source("a", "b");
    assert_eq!(one.digest(), source("a", "b").digest());
    assert_eq!(one.digest().len(), 64);
    assert_ne!(one.digest(), source("a", "c").digest());
    let mut moved = source("a", "b");
    moved.files.remove("compose.yaml");
    moved
        .files
        .insert("compose.yam".to_owned(), "lb".to_owned());
    assert_ne!(one.digest(), moved.digest());
}

#[test]
fn a_file_name_must_be_one_of_a_folder() {
    for name in ["../x", "/etc/passwd", "a//b", "a/./b", "", "a\nb"] {
        let mut source = source(MANIFEST, "services: {a: {image: i}}");
        source.files.insert(name.to_owned(), String::new());
        assert!(Template::parse(&source).is_err(), "{name}");
    }
}

#[test]
fn a_template_needs_both_files() {
    for file in ["template.toml", "compose.yaml"] {
        let mut source = source(MANIFEST, "services: {a: {image: i}}");
        source.files.remove(file);
        let problems = Template::parse(&source).unwrap_err();
        assert_eq!(problems[0].file, file);
    }
}
