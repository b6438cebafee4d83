//! What is wrong with a template, and exactly where.

use std::cell::RefCell;
use std::fmt;

use super::limits;

/// One thing wrong in a template's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File in the template's folder; `parameters` for values given by a caller.
    pub file: String,
    /// Line in the file as its author wrote it, from 1; 0 where no line is to blame.
    pub line: u32,
    /// Column in that line, from 1.
    pub column: u32,
    /// Where in the document, such as `services.web.ports`; empty at the top.
    pub key: String,
    /// What is wrong, and what to do instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Problem {}

/// Words of the template's author as a terminal may show them: nothing in them moves the cursor,
/// and they end.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= limits::PROBLEM_BYTES_MAX {
            shown.push('…');
            break;
        }
        match c.is_control() && c != '\n' {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// A place in a file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place {
    pub line: u32,
    pub column: u32,
}

impl Place {
    /// Files are bounded far below 2³² lines, so saturation never shows.
    pub(super) fn new(line: usize, column: usize) -> Self {
        Self {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// Where the lines of a text begin, so that an offset is placed without reading the text again.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after).collect(),
        }
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        // Counting the characters of an absurdly long line for each of its values adds up.
        let column = match before.len() {
            0..=1_000 => before.chars().count(),
            bytes => bytes,
        };
        Place::new(line, column + 1)
    }
}

/// Collects the problems of one file, so that one run tells them all.
pub(super) struct Findings {
    file: String,
    found: RefCell<Vec<Problem>>,
}

impl Findings {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            found: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn say(&self, at: Place, key: &str, message: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        if found.len() < limits::PROBLEMS_MAX {
            found.push(Problem {
                file: self.file.clone(),
                line: at.line,
                column: at.column,
                key: plain(key),
                message: plain(&message.into()),
            });
        }
    }

    /// Takes over what was found in another file.
    pub(super) fn adopt(&self, problems: Vec<Problem>) {
        let mut found = self.found.borrow_mut();
        let room = limits::PROBLEMS_MAX.saturating_sub(found.len());
        found.extend(problems.into_iter().take(room));
    }

    /// Was something found at this key or below it? Then a value that is missing has been told.
    pub(super) fn any_below(&self, key: &str) -> bool {
        self.found.borrow().iter().any(|p| p.key.starts_with(key))
    }

    /// `value` if nothing was found.
    pub(super) fn into_result<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        let mut found = self.found.into_inner();
        match value {
            Some(value) if found.is_empty() => Ok(value),
            _ => {
                if found.is_empty() {
                    found.push(Problem {
                        file: self.file,
                        line: 0,
                        column: 0,
                        key: String::new(),
                        message: "cannot be read".to_owned(),
                    });
                }
                found.sort();
                Err(found)
            }
        }
    }
}
