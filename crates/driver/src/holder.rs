//! What a holder takes along: folders of his resource and documents made of them, such as keys and
//! a connection profile.
//!
//! They are read from the host each time he asks and kept nowhere else: no store, journal, list or
//! log ever has them, and they are gone with the resource.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read as _;

use caviada_core::limits;

use crate::blueprint::{Blueprint, HolderContent};
use crate::output::compose;
use crate::{Driver, DriverError, Failure, Identity};

/// Bytes of all files of one resource, and of the archives they are read from: a network of eight
/// organizations has half a MiB of certificates.
pub const BYTES_MAX: usize = limits::driver::HOLDER_BYTES_MAX;
/// Files of one resource.
pub const FILES_MAX: usize = limits::driver::HOLDER_FILES_MAX;

/// A file's content and when it was last changed, in seconds since 1970.
type Content = (Vec<u8>, u64);

/// All of it as a tar archive, every file for its owner only. `outputs` are what it was built with.
///
/// # Errors
/// `Refused` if a document names what a folder has not, if something is no regular file or all of it
/// is too large; the host's own errors.
pub async fn archive(
    driver: &dyn Driver,
    identity: &Identity,
    blueprint: &Blueprint,
    outputs: &BTreeMap<String, String>,
) -> Result<Vec<u8>, DriverError> {
    let mut files: BTreeMap<String, Content> = BTreeMap::new();
    for file in &blueprint.files {
        let refused = |why: String| DriverError {
            op: "files",
            kind: Failure::Refused,
            detail: format!("{}: {why}", file.name),
            source: None,
        };
        match &file.content {
            HolderContent::Folder { service, path } => {
                let tar = driver.get_files(identity, service, path, BYTES_MAX).await?;
                unpack(&tar, &file.name, &mut files).map_err(refused)?;
            }
            HolderContent::Document(text) => {
                let content = document(text, outputs, &files).map_err(refused)?;
                let changed = files.values().map(|(_, at)| *at).max().unwrap_or(0);
                files.insert(file.name.clone(), (content.into_bytes(), changed));
            }
        }
        let bytes: usize = files.values().map(|(content, _)| content.len()).sum();
        if bytes > BYTES_MAX || files.len() > FILES_MAX {
            let why = format!("more than {FILES_MAX} files or {BYTES_MAX} bytes");
            return Err(refused(why));
        }
    }
    pack(&files).map_err(|e| DriverError {
        op: "files",
        kind: Failure::Bug,
        detail: e.to_string(),
        source: None,
    })
}

/// The archive of what has no files.
pub fn none() -> Vec<u8> {
    // Two empty blocks are the end of an archive.
    vec![0; 1_024]
}

/// The files of an archive of one folder, under the name it has at the holder's.
fn unpack(tar: &[u8], name: &str, files: &mut BTreeMap<String, Content>) -> Result<(), String> {
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries().map_err(|e| e.to_string())? {
        let mut entry = entry.map_err(|e| e.to_string())?;
        let path = entry.path().map_err(|e| e.to_string())?.into_owned();
        let path = path.to_str().ok_or("a name in it is no UTF-8")?.to_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(format!("{path} is no regular file"));
        }
        // An archive of a folder begins with the folder's own name.
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        let inside: Vec<&str> = parts.skip(1).collect();
        if inside.is_empty() || inside.contains(&"..") {
            return Err(format!("{path} is no file in a folder"));
        }
        let changed = entry.header().mtime().unwrap_or(0);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|e| e.to_string())?;
        files.insert(format!("{name}/{}", inside.join("/")), (content, changed));
    }
    Ok(())
}

/// A document with outputs and the texts of files in it.
fn document(
    text: &str,
    outputs: &BTreeMap<String, String>,
    files: &BTreeMap<String, Content>,
) -> Result<String, String> {
    let folder = |path: &str| {
        let first = path.split_once('/').map(|(first, _)| format!("{first}/"));
        first.is_some_and(|first| {
            let mut after = files.range(first.clone()..);
            after
                .next()
                .is_some_and(|(name, _)| name.starts_with(&first))
        })
    };
    let wrong = RefCell::new(None);
    let text = compose(text, |name| {
        if let Some(value) = outputs.get(name) {
            return Some(value.as_str());
        }
        let text = files
            .get(name)
            .map(|(content, _)| std::str::from_utf8(content));
        match text {
            Some(Ok(text)) => return Some(text),
            Some(Err(_)) => *wrong.borrow_mut() = Some(format!("{name} is no text")),
            None if folder(name) => *wrong.borrow_mut() = Some(format!("there is no {name}")),
            None => {}
        }
        None
    });
    match wrong.into_inner() {
        Some(why) => Err(why),
        None => Ok(text),
    }
}

fn pack(files: &BTreeMap<String, Content>) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, (content, changed)) in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(*changed);
        tar.append_data(&mut header, name, content.as_slice())?;
    }
    tar.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> Vec<u8> {
        let files = files.iter();
        let files = files.map(|(k, v)| ((*k).to_owned(), (v.as_bytes().to_vec(), 7)));
        pack(&files.collect()).unwrap()
    }

    #[test]
    fn a_folder_comes_under_the_name_it_has_at_the_holders() {
        let mut files = BTreeMap::new();
        unpack(
            &folder(&[("made/a/k.pem", "K"), ("made/b", "B")]),
            "msp",
            &mut files,
        )
        .unwrap();
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["msp/a/k.pem", "msp/b"]);
    }

    #[test]
    fn a_document_has_the_texts_of_files_and_says_which_one_is_missing() {
        let mut files = BTreeMap::new();
        unpack(&folder(&[("made/k.pem", "a\nb")]), "msp", &mut files).unwrap();
        let outputs = BTreeMap::from([("web".to_owned(), "h:1".to_owned())]);
        let document = |text| document(text, &outputs, &files);
        let made = document(r#"{"key": "{msp/k.pem:json}", "at": "{web}", "n": {}}"#);
        assert_eq!(made.unwrap(), r#"{"key": "a\nb", "at": "h:1", "n": {}}"#);
        let wrong = document("{msp/none.pem}").unwrap_err();
        assert_eq!(wrong, "there is no msp/none.pem");
        assert_eq!(document("{other/k.pem}").unwrap(), "{other/k.pem}");
    }

    #[test]
    fn what_leaves_its_folder_or_is_no_file_is_refused() {
        let mut link = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        link.append_link(&mut header, "made/link", "/etc/passwd")
            .unwrap();
        let wrong = unpack(&link.into_inner().unwrap(), "msp", &mut BTreeMap::new());
        assert!(wrong.unwrap_err().contains("no regular file"));
    }
}
