//! Bundles: images in one file, for engines that reach no registry.
//!
//! A bundle is what `docker save` writes with one file before it, which says what is in it, and one
//! behind it, which has the SHA-256 of all before. So `docker load` takes it, too, and a file that was
//! cut short or altered, or brings other names than it says, is known before an engine believes any of
//! it. All of it is read and written as it comes: only the first file, at most [`CONTENTS_BYTES_MAX`],
//! and those with names are ever in memory, one at a time.

mod entry;
mod names;

use caviada_core::limits;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use entry::{Entries, Entry, Kind, Piece};
use names::{NameFile, Names};

/// The first file's name.
pub const CONTENTS: &str = "caviada-bundle.json";
/// The last file's name.
const SUM: &str = "caviada-bundle.sha256";
/// Bytes of the first file.
pub const CONTENTS_BYTES_MAX: u64 = limits::driver::BUNDLE_CONTENTS_BYTES_MAX;
/// The format that is written.
const FORMAT: u32 = 1;

/// What is in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// How it is written; a later one is not read.
    pub format: u32,
    /// By name.
    pub images: Vec<Bundled>,
}

/// An image in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bundled {
    /// As templates write it.
    pub image: String,
    /// The name it has once it is loaded: another one for what is pinned by digest, which archives
    /// lose.
    pub loaded_as: String,
    /// The engine's id of it where it was bundled.
    pub id: String,
}

/// Why a file is no bundle that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Something else.
    #[error(
        "it is no bundle: `caviada image bundle` writes them (an archive of `docker save` goes in \
         with `docker load`)"
    )]
    Foreign,
    /// Of a later version.
    #[error("it is a bundle of format {0}, which this version cannot read: use a later one")]
    Later(u32),
    /// Its end is missing.
    #[error("it is cut short after {0} bytes: copy it again")]
    CutShort(u64),
    /// Its bytes are not those that were written.
    #[error("it was altered or damaged on the way: copy it again")]
    Damaged,
    /// A file of it that says what it brings.
    #[error("its {0} is none that an engine writes: bundle it again")]
    Unreadable(&'static str),
    /// It would bring a name that its list has not.
    #[error("it brings {0}, which is not in its list of images: bundle it again")]
    Unlisted(String),
    /// Its list has a name that it does not bring.
    #[error("it does not bring {0}, which is in its list of images: bundle it again")]
    Lacking(String),
    /// There is more than it.
    #[error("something follows its end: copy it again")]
    Longer,
}

/// Reads a bundle and says what is wrong with it as early as that is known.
#[derive(Debug)]
pub struct Reader {
    entries: Entries,
    hash: Sha256,
    at: Part,
    collected: Vec<u8>,
    contents: Option<Contents>,
    names: Names,
    bytes: u64,
    /// Bytes behind the block that ends it.
    rest: usize,
}

/// Where a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Begin,
    Contents,
    Images,
    Names(NameFile),
    Sum,
    End,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            entries: Entries::default(),
            hash: Sha256::new(),
            at: Part::Begin,
            collected: Vec::new(),
            contents: None,
            names: Names::default(),
            bytes: 0,
            rest: 0,
        }
    }
}

impl Reader {
    /// The next bytes. They are to be passed on only if this succeeds.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Unusable> {
        self.bytes += bytes.len() as u64;
        while let Some(piece) = self.next(&mut bytes)? {
            match piece {
                Piece::Header { raw, entry } => self.begin(&raw, &entry)?,
                Piece::Content(content) => match self.at {
                    Part::Contents | Part::Names(_) => {
                        self.hash.update(content);
                        self.collected.extend_from_slice(content);
                    }
                    Part::Sum => self.collected.extend_from_slice(content),
                    _ => self.hash.update(content),
                },
                Piece::Padding(padding) if self.at != Part::Sum => self.hash.update(padding),
                Piece::Padding(padding) if padding.iter().any(|b| *b != 0) => {
                    return Err(Unusable::Damaged);
                }
                Piece::Padding(_) => {}
                Piece::End => {
                    self.finish()?;
                    match self.at {
                        Part::Sum => self.at = Part::End,
                        Part::Begin | Part::Contents => return Err(Unusable::Foreign),
                        Part::Images | Part::Names(_) | Part::End => {
                            return Err(Unusable::Damaged);
                        }
                    }
                }
                // A second block of zeros, and nothing else.
                Piece::Rest(rest) => {
                    self.rest += rest.len();
                    if self.rest > entry::BLOCK || rest.iter().any(|b| *b != 0) {
                        return Err(Unusable::Longer);
                    }
                }
            }
        }
        Ok(())
    }

    fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Unusable> {
        let next = self.entries.next(bytes);
        next.map_err(|_| match self.at {
            Part::Begin => Unusable::Foreign,
            _ => Unusable::Damaged,
        })
    }

    fn begin(&mut self, raw: &[u8], entry: &Entry) -> Result<(), Unusable> {
        self.finish()?;
        let is_file = |bytes_max| entry.kind == Kind::File && entry.size <= bytes_max;
        self.at = match (self.at, entry.path.as_str()) {
            (Part::Begin, CONTENTS) if is_file(CONTENTS_BYTES_MAX) => Part::Contents,
            (Part::Begin, _) => return Err(Unusable::Foreign),
            (Part::Sum | Part::End, _) => return Err(Unusable::Damaged),
            (_, SUM) if is_file(128) => Part::Sum,
            _ => NameFile::of(entry)?.map_or(Part::Images, Part::Names),
        };
        if self.at != Part::Sum {
            self.hash.update(raw);
        }
        Ok(())
    }

    /// An entry is over: what was collected of it is looked at.
    fn finish(&mut self) -> Result<(), Unusable> {
        let collected = std::mem::take(&mut self.collected);
        match self.at {
            Part::Contents => {
                let format = serde_json::from_slice::<Format>(&collected);
                let format = format.map_err(|_| Unusable::Foreign)?.format;
                if format != FORMAT {
                    return Err(Unusable::Later(format));
                }
                let contents = serde_json::from_slice(&collected);
                let contents = contents.map_err(|_| Unusable::Foreign)?;
                self.names = Names::of(&contents)?;
                self.contents = Some(contents);
            }
            Part::Names(file) => self.names.meet(file, &collected)?,
            Part::Sum if collected != sum(&self.hash) => return Err(Unusable::Damaged),
            Part::Sum => self.names.end()?,
            _ => {}
        }
        Ok(())
    }

    /// What is in it, once that has been read.
    pub fn contents(&self) -> Option<&Contents> {
        self.contents.as_ref()
    }

    /// Bytes read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its end was read.
    pub fn is_whole(&self) -> bool {
        self.at == Part::End
    }

    /// There are no more bytes.
    ///
    /// # Errors
    /// Its end is missing.
    pub fn end(self) -> Result<Contents, Unusable> {
        match (self.at, self.contents) {
            (Part::End, Some(contents)) => Ok(contents),
            (Part::Begin, _) => Err(Unusable::Foreign),
            _ => Err(Unusable::CutShort(self.bytes)),
        }
    }
}

/// All that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Writes a bundle around an archive of images.
#[derive(Debug)]
pub struct Writer {
    entries: Entries,
    hash: Sha256,
    read: u64,
    ended: bool,
}

impl Writer {
    /// Begins one; the bytes are the file's first.
    pub fn new(mut images: Vec<Bundled>) -> (Self, Vec<u8>) {
        images.sort();
        let contents = Contents {
            format: FORMAT,
            images,
        };
        let text = serde_json::to_vec_pretty(&contents).unwrap_or_default();
        let begin = file(CONTENTS, &text);
        let mut hash = Sha256::new();
        hash.update(&begin);
        let writer = Self {
            entries: Entries::default(),
            hash,
            read: 0,
            ended: false,
        };
        (writer, begin)
    }

    /// What the file gets of the next bytes of the archive.
    ///
    /// # Errors
    /// They are of no archive.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, Unusable> {
        self.read += bytes.len() as u64;
        let mut out = Vec::with_capacity(bytes.len() + 512);
        loop {
            match self
                .entries
                .next(&mut bytes)
                .map_err(|_| Unusable::Damaged)?
            {
                Some(Piece::Header { raw, .. }) => out.extend_from_slice(&raw),
                // An engine may write more of nothing.
                Some(Piece::Rest(_)) => {}
                Some(Piece::Content(part) | Piece::Padding(part)) => out.extend_from_slice(part),
                Some(Piece::End) => self.ended = true,
                None => break,
            }
        }
        self.hash.update(&out);
        Ok(out)
    }

    /// The file's last bytes.
    ///
    /// # Errors
    /// The archive has no end.
    pub fn end(self) -> Result<Vec<u8>, Unusable> {
        if !self.ended {
            return Err(Unusable::CutShort(self.read));
        }
        let mut end = file(SUM, &sum(&self.hash));
        end.extend_from_slice(&[0; 1_024]);
        Ok(end)
    }
}

/// The hash so far, in hexadecimal digits.
fn sum(hash: &Sha256) -> Vec<u8> {
    let hash = hash.clone().finalize();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.into_bytes()
}

/// One file of an archive.
fn file(path: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    // Only a path that is too long is refused.
    let _ = header.set_path(path);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut file = header.as_bytes().to_vec();
    file.extend_from_slice(content);
    file.resize(file.len().next_multiple_of(512), 0);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Vec<Bundled> {
        let bundled = |image: &str| Bundled {
            image: image.into(),
            loaded_as: image.into(),
            id: "sha256:0".into(),
        };
        vec![bundled("b:1"), bundled("a:1")]
    }

    /// As `docker save` writes one: files, folders, a long name, an end.
    fn archive() -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let manifest = br#"[{"Config":"c","RepoTags":["a:1","b:1"],"Layers":[]}]"#;
        let layer = vec![7u8; 100_000];
        for (path, content) in [
            ("manifest.json", &manifest[..]),
            ("x/layer.tar", &layer),
            ("e", b""),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, path, content).unwrap();
        }
        let long = "l/".repeat(120) + "x";
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        tar.append_data(&mut header, long, &b"abc"[..]).unwrap();
        tar.into_inner().unwrap()
    }

    fn bundle(cut: usize) -> Vec<u8> {
        let (mut writer, mut file) = Writer::new(images());
        for chunk in archive().chunks(cut) {
            file.extend(writer.push(chunk).unwrap());
        }
        file.extend(writer.end().unwrap());
        file
    }

    fn read(file: &[u8], cut: usize) -> Result<Contents, Unusable> {
        let mut reader = Reader::default();
        for chunk in file.chunks(cut) {
            reader.push(chunk)?;
        }
        reader.end()
    }

    #[test]
    fn a_bundle_reads_as_it_was_written_however_its_bytes_are_cut() {
        let whole = bundle(usize::MAX);
        for cut in [1, 511, 512, 513, 4_096] {
            assert_eq!(bundle(cut), whole);
            let contents = read(&whole, cut).unwrap();
            let names: Vec<_> = contents.images.iter().map(|i| i.image.as_str()).collect();
            assert_eq!(names, ["a:1", "b:1"]);
        }
        // And it is still the archive that it was.
        let mut tar = tar::Archive::new(&*whole);
        let paths = tar
            .entries()
            .unwrap()
            .map(|e| e.unwrap().path().unwrap().into_owned());
        let paths: Vec<_> = paths.map(|p| p.display().to_string()).collect();
        assert_eq!(paths.len(), 6);
        assert_eq!(
            (paths[0].as_str(), paths[1].as_str()),
            (CONTENTS, "manifest.json")
        );
        assert_eq!(paths[5], SUM);
    }

    #[test]
    fn a_bundle_that_is_cut_short_anywhere_or_altered_is_not_loaded() {
        let whole = bundle(4_096);
        // The very last bytes say nothing but that it is over.
        for length in (1..whole.len() - 1_024).step_by(97) {
            let refused = read(&whole[..length], 4_096).unwrap_err();
            let expected = match length {
                0..512 => Unusable::Foreign,
                _ => Unusable::CutShort(length as u64),
            };
            assert_eq!(refused, expected, "{length}");
        }
        for at in (1_600..whole.len() - 1_024).step_by(1_013) {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            assert!(read(&altered, 4_096).is_err(), "{at}");
        }
    }

    /// A bundle of `a:1` around an archive of these files, sound but for what they say.
    fn of(files: &[(&str, &str)]) -> Vec<u8> {
        let (mut writer, mut bundle) = Writer::new(vec![images().remove(1)]);
        let mut archive = Vec::new();
        for (path, content) in files {
            archive.extend(file(path, content.as_bytes()));
        }
        archive.extend([0; 1_024]);
        bundle.extend(writer.push(&archive).unwrap());
        bundle.extend(writer.end().unwrap());
        bundle
    }

    #[test]
    fn a_bundle_brings_what_its_list_has_and_nothing_else() {
        let good = ("manifest.json", r#"[{"RepoTags":["a:1"]}]"#);
        let more = ("manifest.json", r#"[{"RepoTags":["a:1","redis:7"]}]"#);
        assert!(read(&of(&[good]), 512).is_ok());
        let unlisted = Err(Unusable::Unlisted("redis:7".into()));
        for files in [
            vec![more],
            // The last one counts.
            vec![good, more],
            vec![good, ("repositories", r#"{"redis":{"7":"0"}}"#)],
        ] {
            for cut in [1, 512, usize::MAX] {
                assert_eq!(read(&of(&files), cut), unlisted, "{files:?}");
            }
        }
        let lacking = Err(Unusable::Lacking("a:1".into()));
        assert_eq!(read(&of(&[("x", "")]), 512), lacking);
        // Not even its last byte is passed on.
        let whole = of(&[("x", ""), more, ("y", "")]);
        let mut reader = Reader::default();
        let passed = whole.iter().take_while(|b| reader.push(&[**b]).is_ok());
        assert!(passed.count() < whole.len() - 2_048);
    }

    #[test]
    fn nothing_follows_the_end_of_a_bundle() {
        let whole = bundle(4_096);
        assert!(read(&whole[..whole.len() - 512], 512).is_ok());
        for more in [&b"x"[..], &[0; 512], &archive()] {
            let longer = [&whole[..], more].concat();
            for cut in [1, 512, usize::MAX] {
                assert_eq!(read(&longer, cut), Err(Unusable::Longer));
            }
        }
        let inside = [&whole[..whole.len() - 512], &archive()[..]].concat();
        assert_eq!(read(&inside, 4_096), Err(Unusable::Longer));
    }

    #[test]
    fn what_is_no_bundle_says_so_at_its_first_bytes() {
        let mut reader = Reader::default();
        assert_eq!(reader.push(&archive()[..512]), Err(Unusable::Foreign));
        assert_eq!(read(&[b'x'; 2_000], 100), Err(Unusable::Foreign));
        assert_eq!(read(&[0; 2_000], 100), Err(Unusable::Foreign));
        assert_eq!(read(b"", 1), Err(Unusable::Foreign));
        let mut later = file(CONTENTS, br#"{"format":2,"more":true}"#);
        later.extend([0; 1_024]);
        assert_eq!(read(&later, 100), Err(Unusable::Later(2)));
        let mut huge = tar::Header::new_ustar();
        huge.set_path(CONTENTS).unwrap();
        huge.set_size(CONTENTS_BYTES_MAX + 1);
        huge.set_cksum();
        assert_eq!(read(huge.as_bytes(), 512), Err(Unusable::Foreign));
    }

    #[test]
    fn an_archive_without_end_makes_no_bundle() {
        let (mut writer, _) = Writer::new(images());
        writer.push(&archive()[..50_000]).unwrap();
        assert_eq!(writer.end(), Err(Unusable::CutShort(50_000)));
    }
}
