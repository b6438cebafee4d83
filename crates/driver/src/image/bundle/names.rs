//! The names that an archive of images gives to what it brings: no others than a bundle's list has.
//!
//! Engines read them from one of three files, by age and kind of their store. Each is read as it comes,
//! and nothing behind one that has another name is passed on, so that an engine gets no end of it.

use std::collections::{BTreeMap, HashMap};

use caviada_core::image::Reference;
use caviada_core::limits;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::entry::{Entry, Kind};
use super::{Contents, Unusable};

/// A file with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameFile {
    Manifest,
    Index,
    Repositories,
}

const FILES: [(&str, NameFile); 3] = [
    ("manifest.json", NameFile::Manifest),
    ("index.json", NameFile::Index),
    ("repositories", NameFile::Repositories),
];

impl NameFile {
    /// Whether an entry is one, as whoever unpacks it would say.
    pub fn of(entry: &Entry) -> Result<Option<Self>, Unusable> {
        if entry.kind == Kind::Extension {
            return Ok(None);
        }
        let mut parts = entry.path.split('/').filter(|p| !matches!(*p, "" | "."));
        let last = parts.next_back().unwrap_or_default();
        let Some((name, file)) = FILES.into_iter().find(|(name, _)| *name == last) else {
            return match last == ".." || parts.any(|part| part == "..") {
                true => Err(Unusable::Damaged),
                false => Ok(None),
            };
        };
        // Below a folder it might be the same file by another way, and a link leads to any other.
        let is_plain = parts.next().is_none() && entry.kind == Kind::File;
        match is_plain && entry.size <= limits::driver::BUNDLE_NAMES_BYTES_MAX {
            true => Ok(Some(file)),
            false => Err(Unusable::Unreadable(name)),
        }
    }

    fn name(self) -> &'static str {
        let mut files = FILES.into_iter();
        files.find(|(_, file)| *file == self).map_or("", |f| f.0)
    }
}

/// Those that the list of a bundle has, and whether they were met.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, bool>);

impl Names {
    /// Those of a list.
    pub fn of(contents: &Contents) -> Result<Self, Unusable> {
        let names = contents.images.iter().map(|image| {
            let read = Reference::read(&image.loaded_as);
            let read = read.map_err(|_| Unusable::Unreadable(super::CONTENTS))?;
            Ok((read.to_string(), false))
        });
        names.collect::<Result<_, _>>().map(Self)
    }

    /// What is in such a file names nothing else.
    pub fn meet(&mut self, file: NameFile, text: &[u8]) -> Result<(), Unusable> {
        let odd = || Unusable::Unreadable(file.name());
        let names = match file {
            NameFile::Manifest => manifest(text),
            NameFile::Index => index(text),
            NameFile::Repositories => repositories(text),
        };
        for name in names.ok_or_else(odd)? {
            let read = Reference::read(&name).map(|read| read.to_string()).ok();
            match read.and_then(|read| self.0.get_mut(&read)) {
                Some(met) => *met = true,
                None => return Err(Unusable::Unlisted(name.chars().take(128).collect())),
            }
        }
        Ok(())
    }

    /// There are no more such files.
    pub fn end(&self) -> Result<(), Unusable> {
        match self.0.iter().find(|(_, met)| !**met) {
            None => Ok(()),
            Some((name, _)) => Err(Unusable::Lacking(name.clone())),
        }
    }
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    serde_json::from_slice(text).ok()
}

/// Other keys of an object. Engines take a key in whatever letters for the one they look for.
type Others = HashMap<String, IgnoredAny>;

fn is_none_of(others: &Others, key: &str) -> bool {
    let mut keys = others.keys();
    keys.all(|other| other.is_ascii() && !other.eq_ignore_ascii_case(key))
}

fn manifest(text: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Image {
        #[serde(rename = "RepoTags", default)]
        tags: Option<Vec<String>>,
        #[serde(flatten)]
        others: Others,
    }
    let images: Vec<Image> = read(text)?;
    let plain = images.iter().all(|i| is_none_of(&i.others, "RepoTags"));
    let tags = images.into_iter().filter_map(|image| image.tags);
    plain.then(|| tags.flatten().collect())
}

fn index(text: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Index {
        #[serde(default)]
        manifests: Option<Vec<Image>>,
        #[serde(flatten)]
        others: Others,
    }
    #[derive(Deserialize)]
    struct Image {
        #[serde(default)]
        annotations: Option<HashMap<String, String>>,
        #[serde(flatten)]
        others: Others,
    }
    let index: Index = read(text)?;
    let images = index.manifests.unwrap_or_default();
    let plain = is_none_of(&index.others, "manifests")
        && images.iter().all(|i| is_none_of(&i.others, "annotations"));
    let names = images.into_iter().filter_map(|image| {
        let mut said = image.annotations?;
        let mut said = |key| said.remove(key).filter(|name: &String| !name.is_empty());
        // Beside it the other one is only its tag.
        said("io.containerd.image.name").or_else(|| said("org.opencontainers.image.ref.name"))
    });
    plain.then(|| names.collect())
}

fn repositories(text: &[u8]) -> Option<Vec<String>> {
    type Tags = BTreeMap<String, IgnoredAny>;
    let all: BTreeMap<String, Option<Tags>> = read(text)?;
    let names = all.into_iter().flat_map(|(repository, tags)| {
        let tags = tags.unwrap_or_default().into_keys();
        tags.map(move |tag| format!("{repository}:{tag}"))
    });
    Some(names.collect())
}

#[cfg(test)]
mod tests {
    use super::super::Bundled;
    use super::*;

    fn listed(names: &[&str]) -> Names {
        let images = names.iter().map(|name| Bundled {
            image: (*name).to_owned(),
            loaded_as: (*name).to_owned(),
            id: String::new(),
        });
        let contents = Contents {
            format: 1,
            images: images.collect(),
        };
        Names::of(&contents).unwrap()
    }

    #[test]
    fn names_are_met_however_an_engine_writes_them() {
        let all =
            r#"[{"Config":"c","RepoTags":["a:1","r.x/b:2"],"Layers":[]},{"RepoTags":null},{}]"#;
        let short = r#"{"manifests":[{"digest":"d","annotations":{"io.containerd.image.name":
            "docker.io/library/a:1","org.opencontainers.image.ref.name":"1"}},{"digest":"e"},
            {"annotations":{"org.opencontainers.image.ref.name":"r.x/b:2"}}]}"#;
        let old = r#"{"a":{"1":"id"},"r.x/b":{"2":"id"}}"#;
        for (file, text) in [
            (NameFile::Manifest, all),
            (NameFile::Index, short),
            (NameFile::Repositories, old),
        ] {
            let mut names = listed(&["a:1", "r.x/b:2"]);
            assert!(names.end().is_err());
            names.meet(file, text.as_bytes()).unwrap();
            assert_eq!(names.end(), Ok(()), "{text}");
            let mut fewer = listed(&["a:1"]);
            let more = fewer.meet(file, text.as_bytes());
            assert_eq!(
                more,
                Err(Unusable::Unlisted("r.x/b:2".to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn a_key_that_an_engine_would_read_otherwise_is_refused() {
        for (file, text) in [
            (
                NameFile::Manifest,
                r#"[{"RepoTags":["a:1"],"repotags":["b:1"]}]"#,
            ),
            (
                NameFile::Manifest,
                "[{\"RepoTags\":[\"a:1\"],\"RepoTag\u{17f}\":[\"b:1\"]}]",
            ),
            (
                NameFile::Manifest,
                r#"[{"RepoTags":["a:1"],"RepoTags":["b:1"]}]"#,
            ),
            (NameFile::Manifest, r#"[] []"#),
            (NameFile::Index, r#"{"Manifests":[]}"#),
            (NameFile::Index, r#"{"manifests":[{"ANNOTATIONS":{}}]}"#),
            (NameFile::Repositories, "[]"),
        ] {
            let odd = listed(&["a:1"]).meet(file, text.as_bytes());
            assert_eq!(odd, Err(Unusable::Unreadable(file.name())), "{text}");
        }
    }

    #[test]
    fn a_file_with_names_is_found_by_whatever_path() {
        let of = |path: &str, kind| {
            NameFile::of(&Entry {
                path: path.to_owned(),
                size: 1,
                kind,
            })
        };
        for path in ["manifest.json", "./manifest.json", "/manifest.json"] {
            assert_eq!(of(path, Kind::File), Ok(Some(NameFile::Manifest)), "{path}");
            let link = Err(Unusable::Unreadable("manifest.json"));
            assert_eq!(of(path, Kind::Empty), link, "{path}");
            assert_eq!(of(path, Kind::Extension), Ok(None), "{path}");
        }
        let below = Err(Unusable::Unreadable("index.json"));
        assert_eq!(of("a/index.json", Kind::File), below);
        assert_eq!(of("a/../x", Kind::File), Err(Unusable::Damaged));
        for path in [
            "blobs/sha256/0",
            "oci-layout",
            "0.json",
            "0/layer.tar",
            "blobs/",
        ] {
            assert_eq!(of(path, Kind::File), Ok(None), "{path}");
        }
    }
}
