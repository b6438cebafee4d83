//! The files of a template.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::limits;
use super::problem::Problem;

/// A template's files by path below its folder, with `/` between parts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Source {
    /// Path → text.
    pub files: BTreeMap<String, String>,
}

impl Source {
    /// Reads a folder and the folders in it, names beginning with a dot aside.
    ///
    /// # Errors
    /// A file that cannot be read, is no UTF-8, no regular file, or one too many.
    pub fn read_dir(folder: &Path) -> Result<Self, Problem> {
        let mut source = Self::default();
        source.read_below(folder, "")?;
        source.check_size()?;
        Ok(source)
    }

    fn read_below(&mut self, folder: &Path, prefix: &str) -> Result<(), Problem> {
        let wrong = |path: &str, message: String| problem(path, message);
        let said = |error: std::io::Error| wrong(prefix, format!("cannot be read: {error}"));
        for entry in std::fs::read_dir(folder).map_err(said)? {
            let entry = entry.map_err(said)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(wrong(prefix, format!("{name:?} is no UTF-8 name")));
            };
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(said)?;
            if kind.is_dir() {
                if path.matches('/').count() > 8 {
                    return Err(wrong(&path, "is nested too deep".to_owned()));
                }
                self.read_below(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                let text = read_bounded(&entry.path()).map_err(|e| wrong(&path, e))?;
                self.files.insert(path, text);
            } else {
                return Err(wrong(&path, "is neither file nor folder".to_owned()));
            }
            self.check_size()?;
        }
        Ok(())
    }

    /// Is all of it within the limits?
    pub(super) fn check_size(&self) -> Result<(), Problem> {
        let bytes: usize = self.files.iter().map(|(k, v)| k.len() + v.len()).sum();
        if self.files.len() > limits::FILES_MAX {
            let most = limits::FILES_MAX;
            Err(problem("", format!("has more than {most} files")))
        } else if bytes > limits::FILES_BYTES_MAX {
            let most = limits::FILES_BYTES_MAX;
            let message = format!("files are more than {most} bytes together");
            Err(problem("", message))
        } else if let Some(name) = self.files.keys().find(|name| !is_name(name)) {
            Err(problem(
                name,
                "is no name for a file in a folder".to_owned(),
            ))
        } else {
            Ok(())
        }
    }

    /// SHA-256 over names and contents, in hexadecimal: the same files, the same digest.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for text in self.files.iter().flat_map(|(name, text)| [name, text]) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        let digest = hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A relative path without surprises.
fn is_name(path: &str) -> bool {
    path.len() <= 255
        && !path.contains(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let said = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(said)?;
    let mut text = String::new();
    file.take(limits::FILES_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(said)?;
    Ok(text)
}

fn problem(file: &str, message: String) -> Problem {
    let file = if file.is_empty() { "." } else { file };
    Problem {
        file: file.to_owned(),
        line: 0,
        column: 0,
        key: String::new(),
        message,
    }
}
