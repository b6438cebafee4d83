//! Files a holder takes along, counts spelled out.

use std::collections::BTreeSet;

use super::assemble::Scene;
use super::limits;
use super::manifest::{FileEntry, FileKind, Placed};
use super::output::{document_file, volume_file};
use crate::blueprint::{HolderContent, HolderFile, Output, OutputValue};
use crate::output::placeholders;

/// All files, in the order of the file.
pub(super) fn all(scene: &Scene<'_>, entries: &[FileEntry], outputs: &[Output]) -> Vec<HolderFile> {
    let outputs: BTreeSet<&str> = outputs.iter().map(|o| o.name.as_str()).collect();
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for entry in entries {
        if !scene.holds(entry.when.as_ref()) {
            continue;
        }
        let count = entry.count.as_ref().map(|count| scene.count(count));
        for index in 0..count.unwrap_or(1) {
            scene.renderer.set_index(count.map(|_| index));
            let known = Known {
                outputs: &outputs,
                folders: &folders,
            };
            let Some(file) = file(scene, entry, &known) else {
                break;
            };
            if let HolderContent::Folder { .. } = file.content {
                folders.insert(file.name.clone());
            }
            if !names.insert(file.name.clone()) {
                scene.say(&entry.name, format!("`{}` stands here twice", file.name));
            }
            files.push(file);
        }
        scene.renderer.set_index(None);
        if files.len() > limits::OUTPUTS_MAX {
            let most = limits::OUTPUTS_MAX;
            scene.say(&entry.name, format!("more than {most} files"));
            break;
        }
    }
    files
}

fn file(scene: &Scene<'_>, entry: &FileEntry, known: &Known<'_>) -> Option<HolderFile> {
    let name = scene.text(&entry.name)?;
    if !is_path(&name) {
        let message = format!("`{name}` is no relative path of letters, digits and ._@-");
        scene.say(&entry.name, message);
    }
    let content = match &entry.kind {
        FileKind::Folder { volume, path } => match volume_file(scene, volume, path)? {
            OutputValue::File { service, path } => HolderContent::Folder { service, path },
            _ => return None,
        },
        FileKind::Document(placed) => {
            let text = scene.text(placed)?;
            document(scene, placed, &text, known);
            HolderContent::Document(text)
        }
        FileKind::DocumentFile(placed) => {
            let text = document_file(scene, placed)?;
            document(scene, placed, &text, known);
            HolderContent::Document(text)
        }
    };
    Some(HolderFile { name, content })
}

/// What a document may name.
struct Known<'a> {
    outputs: &'a BTreeSet<&'a str>,
    folders: &'a BTreeSet<String>,
}

/// Every `{name}` in a document is an output, every `{folder/path}` of a folder before it.
fn document(scene: &Scene<'_>, placed: &Placed, text: &str, known: &Known<'_>) {
    let named = placeholders(text).filter(|name| is_path(name));
    for path in named.filter(|name| !known.outputs.contains(name)) {
        let within = |folder: &String| {
            let rest = path.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        if !known.folders.iter().any(within) {
            let message = format!("`{path}` is no output, and in no folder that stands before");
            scene.say(placed, message);
        }
    }
}

/// A relative path without surprises.
fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
    path.len() <= 255
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && part.chars().all(plain))
}
