//! Files that people name: read within a bound, whatever they turn out to be.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

use caviada_core::limits;

use super::exit::Failure;

/// A file's bytes. Its length is not asked for: that of a device or a pipe says nothing.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let max = limits::client::FILE_BYTES_MAX;
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        let why = format!("larger than {} MiB", max >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// A file's text.
pub fn read_to_string(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it is no UTF-8"))
}

/// A file's text; refused with its name.
pub fn read_text(path: &Path) -> std::result::Result<String, Failure> {
    read_to_string(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}

/// A secret in a file of its own: its text without the line's end.
pub fn read_secret(path: &Path) -> std::result::Result<String, Failure> {
    let text = read_text(path)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
