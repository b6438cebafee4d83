//! Which line of the author's file a rendered line comes from, so that an error in a rendered
//! compose file is told where it can be mended.
//!
//! The file is rendered once more with a mark before the first literal character of each line. A
//! mark stands directly before a character that is no white space, so it changes nothing in how
//! white space around tags is trimmed; should it change anything else, the result differs from the
//! real one and is not used.

use super::super::problem::{Place, Problem};
use super::lexer::Piece;

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// `source` with marks in it.
pub(super) fn mark(source: &str, pieces: &[Piece<'_>]) -> String {
    let mut marked = String::with_capacity(source.len() * 2);
    let mut done = 0;
    let mut last_line = 0;
    let mut line = 1;
    for piece in pieces {
        let Piece::Literal { at, text } = piece else {
            continue;
        };
        line += source[done..*at].matches('\n').count();
        marked.push_str(&source[done..*at]);
        for c in text.chars() {
            if !c.is_whitespace() && line != last_line {
                marked.push_str(&format!("{OPEN}{line}{CLOSE}"));
                last_line = line;
            }
            line += usize::from(c == '\n');
            marked.push(c);
        }
        done = at + text.len();
    }
    marked.push_str(&source[done..]);
    marked
}

/// Rendered lines and the lines they come from.
pub(in super::super) struct Origin {
    source: Vec<String>,
    rendered: Vec<String>,
    /// Rendered line, from 0 → line in the source, from 1.
    lines: Vec<usize>,
}

impl Origin {
    /// None if the marks changed more than themselves.
    pub(super) fn read(source: &str, rendered: &str, marked: &str) -> Option<Self> {
        let mut lines = Vec::new();
        let mut plain = String::with_capacity(rendered.len());
        let mut current = 1;
        for line in marked.split('\n') {
            let mut first = true;
            let mut rest = line;
            while let Some((before, tail)) = rest.split_once(OPEN) {
                let (number, tail) = tail.split_once(CLOSE)?;
                if std::mem::take(&mut first) {
                    current = number.parse().ok()?;
                }
                plain.push_str(before);
                rest = tail;
            }
            plain.push_str(rest);
            plain.push('\n');
            lines.push(current);
        }
        plain.pop();
        let text = |text: &str| text.split('\n').map(str::to_owned).collect();
        (plain == rendered).then(|| Self {
            source: text(source),
            rendered: text(rendered),
            lines,
        })
    }

    /// A problem of the rendered `file`, placed in its source.
    pub(in super::super) fn back(&self, problem: Problem, file: &str) -> Problem {
        if problem.file != file || problem.line == 0 {
            return problem;
        }
        let at = Place {
            line: problem.line,
            column: problem.column,
        };
        let Place { line, column } = self.place(at, &problem.key);
        Problem {
            line,
            column,
            ..problem
        }
    }

    /// `key` is what stands at the place.
    fn place(&self, at: Place, key: &str) -> Place {
        let index = (at.line as usize).saturating_sub(1);
        let Some(&line) = self.lines.get(index) else {
            return at;
        };
        let source = self.source.get(line - 1).map_or("", String::as_str);
        let rendered = self.rendered.get(index).map_or("", String::as_str);
        let common = source
            .chars()
            .zip(rendered.chars())
            .take_while(|(a, b)| a == b)
            .count();
        let column = at.column as usize;
        let key = key.rsplit('.').next().unwrap_or_default();
        let column = if column <= common + 1 {
            column
        } else {
            let found = source.find(key).filter(|_| !key.is_empty());
            let text = source.len() - source.trim_start().len();
            source[..found.unwrap_or(text)].chars().count() + 1
        };
        Place::new(line, column)
    }
}
