//! A service's log: written with rotation by its shim, its end read by the driver.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::record::is_absent;
use crate::blueprint::LogRotation;

/// The file before `path`: `log` is the newest, `log.1` the one before it.
fn older(path: &Path, n: u32) -> PathBuf {
    match n {
        0 => path.to_owned(),
        n => {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        }
    }
}

/// The writing end.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
    rotation: LogRotation,
}

impl Log {
    pub(super) fn open(path: &Path, rotation: &LogRotation) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            rotation: rotation.clone(),
        })
    }

    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + text.len() as u64 > self.rotation.max_bytes {
            self.rotate()?;
        }
        self.file.write_all(text)?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for n in (1..self.rotation.max_files).rev() {
            match fs::rename(older(&self.path, n - 1), older(&self.path, n)) {
                Err(e) if !is_absent(&e) => return Err(e),
                _ => {}
            }
        }
        self.file = File::create(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

/// The last `lines` lines of a log, and of these the last `bytes_max` bytes.
pub(super) fn tail(path: &Path, lines: usize, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut text: Vec<u8> = Vec::new();
    for n in 0.. {
        let mut file = match File::open(older(path, n)) {
            Ok(file) => file,
            Err(e) if is_absent(&e) => break,
            Err(e) => return Err(e),
        };
        let size = file.metadata()?.len();
        let room = bytes_max.saturating_sub(text.len());
        let wanted = size.min(room as u64);
        file.seek(SeekFrom::Start(size - wanted))?;
        let mut part = Vec::new();
        file.take(wanted).read_to_end(&mut part)?;
        part.append(&mut text);
        text = part;
        let newlines = text.iter().filter(|byte| **byte == b'\n').count();
        if newlines > lines || text.len() >= bytes_max {
            break;
        }
    }
    Ok(last_lines(&text, lines).to_vec())
}

fn last_lines(text: &[u8], lines: usize) -> &[u8] {
    if lines == 0 {
        return &[];
    }
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let newlines = body.iter().enumerate().rev().filter(|(_, b)| **b == b'\n');
    match newlines.map(|(at, _)| at).nth(lines - 1) {
        Some(at) => &text[at + 1..],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_rotates_and_its_end_is_read_across_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let rotation = LogRotation {
            max_bytes: 30,
            max_files: 3,
        };
        let mut log = Log::open(&path, &rotation).unwrap();
        for n in 10..30 {
            log.write(format!("line {n}\n").as_bytes()).unwrap();
        }
        drop(log);
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 3);
        let tail = |lines| String::from_utf8(tail(&path, lines, 1_000).unwrap()).unwrap();
        assert_eq!(tail(1), "line 29\n");
        assert_eq!(tail(5), "line 25\nline 26\nline 27\nline 28\nline 29\n");
        assert!(tail(1_000).starts_with("line 2"));
        assert_eq!(tail(0), "");
    }

    #[test]
    fn the_end_of_a_log_is_bounded_and_may_lack_a_newline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "aaa\nbbb\nccc").unwrap();
        assert_eq!(tail(&path, 1, 100).unwrap(), b"ccc");
        assert_eq!(tail(&path, 2, 100).unwrap(), b"bbb\nccc");
        assert_eq!(tail(&path, 9, 5).unwrap(), b"b\nccc");
        assert_eq!(tail(&folder.path().join("none"), 9, 5).unwrap(), b"");
    }
}
