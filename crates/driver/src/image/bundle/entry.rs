//! The entries of an archive, followed through chunks that are cut anywhere.
//!
//! It takes only what engines write into one. What different programs read differently, as a size in an
//! entry that has no content, is refused: an engine shall see no other entries than we do.

use caviada_core::limits;
use tar::{EntryType, Header, PaxExtensions};

/// Bytes of a header, and what all else is a multiple of.
pub(super) const BLOCK: usize = 512;
/// Where in a header the size is.
const SIZE: std::ops::Range<usize> = 124..136;

/// What an archive is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// An entry begins.
    Header { raw: Vec<u8>, entry: Entry },
    /// Some of its content.
    Content(&'a [u8]),
    /// Some of what fills its last block.
    Padding(&'a [u8]),
    /// There are no more entries.
    End,
    /// Some of what follows the block that says so.
    Rest(&'a [u8]),
}

/// What an entry says of itself, or what the one before it said of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub path: String,
    pub size: u64,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    /// A folder, or another name of something.
    Empty,
    /// It says something of the next one.
    Extension,
}

/// It is no archive, or none that is understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Odd;

/// Where in an archive one is.
#[derive(Debug, Default)]
pub(super) struct Entries {
    header: Vec<u8>,
    content_left: u64,
    padding_left: u64,
    /// The entry says something of the next one, and in which words.
    extends: Option<EntryType>,
    extension: Vec<u8>,
    told: Told,
    ended: bool,
}

/// What was said of the next entry.
#[derive(Debug, Default)]
struct Told {
    size: Option<u64>,
    path: Option<Vec<u8>>,
    long_name: Option<Vec<u8>>,
}

impl Entries {
    /// The next piece, taken off `bytes`; none when more bytes are needed, or nothing follows.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Odd> {
        if bytes.is_empty() {
            return Ok(None);
        }
        if self.ended {
            return Ok(Some(Piece::Rest(std::mem::take(bytes))));
        }
        if self.content_left > 0 {
            let content = take(bytes, self.content_left);
            self.content_left -= content.len() as u64;
            if self.extends.is_some() {
                self.extension.extend_from_slice(content);
            }
            return Ok(Some(Piece::Content(content)));
        }
        if self.padding_left > 0 {
            let padding = take(bytes, self.padding_left);
            self.padding_left -= padding.len() as u64;
            return Ok(Some(Piece::Padding(padding)));
        }
        let part = take(bytes, (BLOCK - self.header.len()) as u64);
        self.header.extend_from_slice(part);
        if self.header.len() < BLOCK {
            return Ok(None);
        }
        let raw = std::mem::take(&mut self.header);
        if raw.iter().all(|b| *b == 0) {
            self.ended = true;
            return Ok(Some(Piece::End));
        }
        self.begin(raw).map(Some)
    }

    fn begin(&mut self, raw: Vec<u8>) -> Result<Piece<'static>, Odd> {
        let header = Header::from_byte_slice(&raw);
        if header.cksum().ok() != Some(sum(&raw)) {
            return Err(Odd);
        }
        if let Some(extension) = self.extends.take() {
            let content = std::mem::take(&mut self.extension);
            self.told.take_in(extension, content)?;
        }
        let of = header.entry_type();
        let kind = match of {
            EntryType::Regular => Kind::File,
            EntryType::Directory | EntryType::Symlink | EntryType::Link => Kind::Empty,
            EntryType::XHeader | EntryType::GNULongName | EntryType::GNULongLink => Kind::Extension,
            _ => return Err(Odd),
        };
        let told = match kind {
            Kind::Extension => Told::default(),
            _ => std::mem::take(&mut self.told),
        };
        let size = told.size.map_or_else(|| size(&raw), Ok)?;
        let path = told.long_name.or(told.path);
        let path = path.unwrap_or_else(|| header.path_bytes().into_owned());
        let is_odd = match kind {
            // A file by the name of a folder is one to some, and none to others.
            Kind::File => path.ends_with(b"/"),
            Kind::Empty => size > 0,
            Kind::Extension => size > limits::driver::BUNDLE_EXTENSION_BYTES_MAX,
        };
        if is_odd {
            return Err(Odd);
        }
        self.extends = (kind == Kind::Extension).then_some(of);
        self.content_left = size;
        let blocks = size.checked_next_multiple_of(BLOCK as u64);
        self.padding_left = blocks.ok_or(Odd)? - size;
        let path = String::from_utf8_lossy(&path).into_owned();
        let entry = Entry { path, size, kind };
        Ok(Piece::Header { raw, entry })
    }
}

impl Told {
    fn take_in(&mut self, extension: EntryType, content: Vec<u8>) -> Result<(), Odd> {
        match extension {
            EntryType::GNULongName => {
                let name = content.split(|b| *b == 0).next();
                self.long_name = name.filter(|n| !n.is_empty()).map(<[u8]>::to_vec);
            }
            EntryType::XHeader => self.take_in_records(&content)?,
            // Of the name that a link leads to.
            _ => {}
        }
        Ok(())
    }

    /// The later one counts, of records and of extensions.
    fn take_in_records(&mut self, content: &[u8]) -> Result<(), Odd> {
        (self.size, self.path) = (None, None);
        for record in PaxExtensions::new(content) {
            let record = record.map_err(|_| Odd)?;
            match record.key_bytes() {
                // Eight gigabytes and more fit no header of the old kind.
                b"size" => {
                    let size = record.value().ok().and_then(|v| v.parse().ok());
                    self.size = Some(size.ok_or(Odd)?);
                }
                b"path" => {
                    let path = record.value_bytes();
                    self.path = Some(path.to_vec()).filter(|p| !p.is_empty());
                }
                // Its size is not that of what follows.
                key if key.starts_with(b"GNU.sparse") => return Err(Odd),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The size that a header says: digits, or a number where they are too few.
fn size(raw: &[u8]) -> Result<u64, Odd> {
    let field = &raw[SIZE];
    if let [0x80, 0, 0, 0, number @ ..] = field {
        let number = number.try_into().map_err(|_| Odd)?;
        return Ok(u64::from_be_bytes(number));
    }
    let digits = field.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = field.split_at(digits);
    let rest_is_empty = rest.iter().all(|b| matches!(b, 0 | b' '));
    let digits = std::str::from_utf8(digits).map_err(|_| Odd)?;
    let size = u64::from_str_radix(digits, 8).map_err(|_| Odd)?;
    rest_is_empty.then_some(size).ok_or(Odd)
}

/// At most `most` bytes.
fn take<'a>(bytes: &mut &'a [u8], most: u64) -> &'a [u8] {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}

/// The sum of a header's bytes, those of the sum itself counted as spaces.
fn sum(raw: &[u8]) -> u32 {
    let bytes = raw.iter().enumerate();
    let counted = bytes.map(|(at, byte)| match at {
        148..156 => u32::from(b' '),
        _ => u32::from(*byte),
    });
    counted.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_larger_than_eight_gigabytes_is_followed_to_its_end() {
        let size: u64 = 9 << 30;
        let record = record("size", &size.to_string());
        let mut archive = header(EntryType::XHeader, "x", record.len() as u64);
        archive.extend_from_slice(record.as_bytes());
        archive.resize(1_024, 0);
        archive.extend(header(EntryType::Regular, "x", 0));
        let mut entries = Entries::default();
        let mut rest = &archive[..];
        while entries.next(&mut rest).unwrap().is_some() {}
        let chunk = vec![0; 1 << 20];
        for _ in 0..size >> 20 {
            let mut rest = &chunk[..];
            let piece = entries.next(&mut rest);
            assert!(matches!(piece, Ok(Some(Piece::Content(_)))));
        }
        let mut rest = &chunk[..];
        assert_eq!(entries.next(&mut rest), Ok(Some(Piece::End)));
    }

    fn header(kind: EntryType, path: &str, size: u64) -> Vec<u8> {
        let mut header = Header::new_gnu();
        header.set_path(path).unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    fn extension(kind: EntryType, content: &str) -> Vec<u8> {
        let mut bytes = header(kind, "PaxHeaders.0/manifest.json", content.len() as u64);
        bytes.extend_from_slice(content.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn record(key: &str, value: &str) -> String {
        let text = format!(" {key}={value}\n");
        let length = (1..).find(|n: &usize| n.to_string().len() + text.len() == *n);
        format!("{}{text}", length.unwrap())
    }

    /// Path and size of each entry that is one.
    fn entries(archive: &[u8]) -> Result<Vec<(String, u64)>, Odd> {
        let (mut entries, mut rest, mut found) = (Entries::default(), archive, Vec::new());
        while let Some(piece) = entries.next(&mut rest)? {
            if let Piece::Header { entry, .. } = piece
                && entry.kind != Kind::Extension
            {
                found.push((entry.path, entry.size));
            }
        }
        Ok(found)
    }

    #[test]
    fn an_entry_has_the_name_and_size_that_other_programs_read() {
        let (file, pax) = (EntryType::Regular, EntryType::XHeader);
        let long = EntryType::GNULongName;
        let path = |path: &str| record("path", path);
        let named = |name: &str, size| Ok(vec![(name.to_owned(), size)]);
        let all = |parts: &[&[u8]]| entries(&parts.concat());
        let plain = header(file, "x", 0);
        assert_eq!(all(&[&plain]), named("x", 0));
        let told = extension(pax, &path("manifest.json"));
        assert_eq!(all(&[&told, &plain]), named("manifest.json", 0));
        let name = extension(long, "index.json\0rest");
        assert_eq!(all(&[&name, &plain]), named("index.json", 0));
        // What was said in two ways counts as engines count it.
        assert_eq!(all(&[&name, &told, &plain]), named("index.json", 0));
        let twice = extension(pax, &(path("a") + &path("b")));
        assert_eq!(all(&[&twice, &plain]), named("b", 0));
        assert_eq!(all(&[&told, &twice, &plain]), named("b", 0));
        // A size is the file's, not that of what else is said of it.
        let large = extension(pax, &record("size", "512"));
        let block = vec![7; 512];
        assert_eq!(
            all(&[&large, &name, &plain, &block]),
            named("index.json", 512)
        );
    }

    #[test]
    fn what_programs_read_differently_is_refused() {
        let block = vec![0u8; 512];
        for kind in [EntryType::Fifo, EntryType::Char, EntryType::GNUSparse] {
            assert_eq!(entries(&header(kind, "x", 0)), Err(Odd), "{kind:?}");
        }
        for kind in [EntryType::Directory, EntryType::Symlink, EntryType::Link] {
            assert_eq!(entries(&header(kind, "x", 512)), Err(Odd), "{kind:?}");
        }
        assert_eq!(entries(&header(EntryType::XGlobalHeader, "x", 0)), Err(Odd));
        assert_eq!(entries(&header(EntryType::Regular, "x/", 0)), Err(Odd));
        let sparse = extension(EntryType::XHeader, &record("GNU.sparse.name", "y"));
        let file = header(EntryType::Regular, "x", 0);
        assert_eq!(entries(&[sparse, file.clone()].concat()), Err(Odd));
        for odd in [
            &b"\x00\x000000001000"[..],
            b" 00000001000",
            b"0000000100x\0",
            b"-0000001000\0",
        ] {
            let mut header = file.clone();
            header[SIZE].copy_from_slice(odd);
            let sum = format!("{:06o}\0 ", sum(&header));
            header[148..156].copy_from_slice(sum.as_bytes());
            assert_eq!(
                entries(&[header, block.clone()].concat()),
                Err(Odd),
                "{odd:?}"
            );
        }
    }
}
