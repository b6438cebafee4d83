//! Tables for people, and how values look in them.

use std::fmt::Write as _;

use caviada_api::duration::Duration;
use caviada_api::timestamp::Timestamp;

/// Rows of text cells, each column as wide as its widest cell.
#[derive(Debug)]
pub struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    color: bool,
}

impl Table {
    /// An empty table; without heads it prints none.
    pub fn new(heads: &[&'static str], color: bool) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
            color,
        }
    }

    /// One more row.
    pub fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|c| printable(c)).collect());
    }

    /// As lines.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let columns = columns.max(self.heads.len());
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let head = self.heads.get(column).map_or(0, |head| head.len());
            cells
                .map(|c| c.chars().count())
                .max()
                .unwrap_or(0)
                .max(head)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        if !self.heads.is_empty() {
            self.render_row(&mut text, &self.heads, &widths, false);
        }
        for row in &self.rows {
            self.render_row(&mut text, row, &widths, self.color);
        }
        text
    }

    fn render_row<C: AsRef<str>>(
        &self,
        text: &mut String,
        cells: &[C],
        widths: &[usize],
        color: bool,
    ) {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let cell = cell.as_ref();
            let pad = width.saturating_sub(cell.chars().count()) + 2;
            match paint(cell).filter(|_| color) {
                Some(code) => {
                    let _ = write!(line, "\x1b[{code}m{cell}\x1b[0m");
                }
                None => line.push_str(cell),
            }
            line.extend(std::iter::repeat_n(' ', pad));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// Colour of a state's word; other words have none.
fn paint(word: &str) -> Option<u8> {
    match word {
        "active" | "free" | "seen" => Some(32),
        "waiting" | "preparing" | "planned" | "creating" | "dirty" | "cleaning" | "missing"
        | "unseen" => Some(33),
        "failed" | "lost" | "unhealthy" | "gone" => Some(31),
        "withheld" | "deleting" | "ended" => Some(2),
        _ => None,
    }
}

/// Text that cannot steer a terminal: control characters are written out.
pub fn printable(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut shown, c| {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// `29m59s`, the two largest units.
pub fn short(ms: u64) -> String {
    let units = [86_400_000, 3_600_000, 60_000, 1_000];
    let Some(at) = units.iter().position(|unit| ms >= *unit) else {
        return format!("{ms}ms");
    };
    let finest = units.get(at + 1).copied().unwrap_or(1_000);
    Duration(ms - ms % finest).to_string()
}

/// A time, cut to seconds.
pub fn time(at: Timestamp) -> String {
    Timestamp(at.0 - at.0 % 1_000)
        .to_string()
        .replace(".000Z", "Z")
}

/// A cell for what may be absent.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".into(), |v| v.to_string())
}

/// `a=1,b=2`, or a dash.
pub fn key_values<'a, V: std::fmt::Display + 'a>(
    pairs: impl IntoIterator<Item = (&'a String, &'a V)>,
) -> String {
    let texts: Vec<String> = pairs.into_iter().map(|(k, v)| format!("{k}={v}")).collect();
    if texts.is_empty() {
        "-".into()
    } else {
        texts.join(",")
    }
}

/// An enum's word on the wire.
pub fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_do_not_trail() {
        let mut table = Table::new(&["NAME", "N"], false);
        table.push(vec!["é".into(), "10".into()]);
        table.push(vec!["longer".into(), String::new()]);
        assert_eq!(table.render(), "NAME    N\né       10\nlonger\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let mut table = Table::new(&["NAME"], false);
        table.push(vec!["a\x1b[2Jb\n".into()]);
        assert_eq!(table.render(), "NAME\na\\u{1b}[2Jb\\n\n");
    }

    #[test]
    fn durations_are_cut_to_two_units() {
        for (ms, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (61_500, "1m1s"),
            (3_599_999, "59m59s"),
            (90_061_000, "1d1h"),
        ] {
            assert_eq!(short(ms), text);
        }
    }
}
