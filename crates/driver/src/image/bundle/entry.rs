//! The entries of an archive, followed through chunks that are cut anywhere.

use tar::{EntryType, Header, PaxExtensions};

/// Bytes of a header, and what all else is a multiple of.
const BLOCK: usize = 512;
/// Bytes of an entry that says something of the next one.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// What an archive is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// An entry begins.
    Header {
        raw: Vec<u8>,
        path: String,
        size: u64,
    },
    /// Some of its content.
    Content(&'a [u8]),
    /// Some of what fills its last block.
    Padding(&'a [u8]),
    /// There are no more entries.
    End,
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
    /// The entry says something of the next one.
    extends: bool,
    extension: Vec<u8>,
    ended: bool,
}

impl Entries {
    /// The next piece, taken off `bytes`; none when more bytes are needed, or nothing follows.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Odd> {
        if self.ended {
            *bytes = &[];
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if self.content_left > 0 {
            let content = take(bytes, self.content_left);
            self.content_left -= content.len() as u64;
            if self.extends {
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
        let said = header.entry_size().map_err(|_| Odd)?;
        let kind = header.entry_type();
        // Its size is not that of what follows.
        if kind == EntryType::GNUSparse {
            return Err(Odd);
        }
        let size = match std::mem::take(&mut self.extends) {
            // Eight gigabytes and more fit no header of the old kind.
            true => large(&std::mem::take(&mut self.extension))?.unwrap_or(said),
            false => said,
        };
        self.extends = kind == EntryType::XHeader;
        if self.extends && size > EXTENSION_BYTES_MAX {
            return Err(Odd);
        }
        let has_content = !matches!(
            kind,
            EntryType::Directory | EntryType::Symlink | EntryType::Link
        );
        self.content_left = if has_content { size } else { 0 };
        let blocks = self.content_left.checked_next_multiple_of(BLOCK as u64);
        self.padding_left = blocks.ok_or(Odd)? - self.content_left;
        let path = header.path_bytes();
        let path = String::from_utf8_lossy(&path).into_owned();
        Ok(Piece::Header { path, size, raw })
    }
}

/// The size that an extension says.
fn large(extension: &[u8]) -> Result<Option<u64>, Odd> {
    for record in PaxExtensions::new(extension) {
        let record = record.map_err(|_| Odd)?;
        if record.key_bytes() == b"size" {
            let size = record.value().ok().and_then(|v| v.parse().ok());
            return size.map(Some).ok_or(Odd);
        }
    }
    Ok(None)
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
        let record = format!("size={size}\n");
        let record = format!("{} {record}", record.len() + 3);
        let header = |kind, size: u64| {
            let mut header = Header::new_ustar();
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_cksum();
            header.as_bytes().to_vec()
        };
        let mut archive = header(EntryType::XHeader, record.len() as u64);
        archive.extend_from_slice(record.as_bytes());
        archive.resize(1_024, 0);
        archive.extend(header(EntryType::Regular, 0));
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
}
