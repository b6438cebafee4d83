//! Documents as `mongoexport` writes them: extended JSON, canonical or relaxed, as an array or one
//! after another. A document that cannot be read is named by file and line, and the next is read.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caviada_api::timestamp::Timestamp;
use caviada_core::limits;
use caviada_core::limits::client::IMPORTED_DOCUMENTS_MAX;
use caviada_core::limits::client::IMPORTED_UNREAD_MAX;
use serde_json::{Map, Value};

use super::Skipped;
use crate::cli::exit::Failure;

/// One document.
#[derive(Debug, Clone)]
pub struct Document {
    /// File and line.
    pub at: String,
    fields: Map<String, Value>,
}

/// Reads a file. What cannot be read of it is skipped.
///
/// # Errors
/// When there is no such file, or it is too large to be one of these.
pub fn read(path: &Path, skipped: &mut Vec<Skipped>) -> Result<Vec<Document>, Failure> {
    let named = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| named(&e))?;
    let mut bytes = Vec::new();
    let mut limited = file.take(limits::client::DOCUMENT_BYTES_MAX + 1);
    limited.read_to_end(&mut bytes).map_err(|e| named(&e))?;
    if bytes.len() as u64 > limits::client::DOCUMENT_BYTES_MAX {
        return Err(named(&"larger than 64 MiB; export it in parts"));
    }
    let text = String::from_utf8(bytes).map_err(|e| named(&e))?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    let found = documents(&name.to_string_lossy(), &text, skipped);
    if found.len() > IMPORTED_DOCUMENTS_MAX {
        let why = format!("more than {IMPORTED_DOCUMENTS_MAX} documents; export it in parts");
        return Err(named(&why));
    }
    Ok(found)
}

fn documents(name: &str, text: &str, skipped: &mut Vec<Skipped>) -> Vec<Document> {
    let mut found = Vec::new();
    let (mut at, mut line, mut unread) = (0, 1, 0);
    let text = text.trim_start_matches('\u{feff}');
    let is_array = text.trim_start().starts_with('[');
    let mut opened = false;
    while let Some(next) = text[at..].find(|c: char| !c.is_whitespace()) {
        line += lines(&text[at..at + next]);
        at += next;
        let rest = &text[at..];
        let between = match rest.as_bytes()[0] {
            b'[' if is_array && !opened => {
                opened = true;
                true
            }
            b',' | b']' if is_array => true,
            _ => false,
        };
        if between {
            at += 1;
            continue;
        }
        let place = format!("{name}:{line}");
        let mut read = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let (why, length) = match read.next() {
            Some(Ok(Value::Object(fields))) => {
                found.push(Document { at: place, fields });
                let length = read.byte_offset();
                line += lines(&rest[..length]);
                at += length;
                if found.len() > IMPORTED_DOCUMENTS_MAX {
                    break;
                }
                continue;
            }
            Some(Ok(_)) => ("it is no document".to_owned(), read.byte_offset()),
            Some(Err(error)) => {
                // Where it went wrong, and from there the next line that begins a document.
                let bad = offset(rest, error.line()).saturating_sub(1);
                (error.to_string(), bad + resumed(&rest[bad..]))
            }
            None => break,
        };
        skipped.push(Skipped {
            at: place,
            what: "a document".to_owned(),
            why,
        });
        unread += 1;
        if unread == IMPORTED_UNREAD_MAX {
            skipped.push(Skipped {
                at: format!("{name}:{line}"),
                what: "the rest of the file".to_owned(),
                why: format!("{IMPORTED_UNREAD_MAX} documents of it could not be read"),
            });
            break;
        }
        let length = length.clamp(1, rest.len());
        let length = rest.ceil_char_boundary(length);
        line += lines(&rest[..length]);
        at += length;
    }
    found
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

/// Where a line begins, counted from 1.
fn offset(text: &str, line: usize) -> usize {
    let ends = text.match_indices('\n').map(|(i, _)| i + 1);
    std::iter::once(0)
        .chain(ends)
        .nth(line.saturating_sub(1))
        .unwrap_or(text.len())
}

/// The next line that begins with a brace at its very first place; else the end.
fn resumed(text: &str) -> usize {
    let mut begins = text.match_indices("\n{").map(|(i, _)| i + 1);
    begins.next().unwrap_or(text.len())
}

/// Something stands in a field, but not what belongs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread;

/// Doubles up to here are exact.
const LAST_EXACT: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, reason = "whole, and within bounds")]
fn whole(n: f64) -> Option<i64> {
    (n.fract() == 0.0 && n.abs() <= LAST_EXACT).then_some(n as i64)
}

impl Document {
    /// A field as plain JSON: the words of extended JSON are taken off.
    pub fn get(&self, name: &str) -> Option<Value> {
        let value = plain(self.fields.get(name)?.clone(), 0);
        (!value.is_null()).then_some(value)
    }

    /// The first of these fields that is there and no empty text, as text.
    pub fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| match self.get(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text),
            Value::Number(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            _ => None,
        })
    }

    /// A whole number, which may stand there as text or as a double.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Unread> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(n)) => n.as_i64().or_else(|| whole(n.as_f64()?)),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or(Unread)
    }

    /// `true` in any spelling; `on`, too, as the old forms sent it.
    ///
    /// # Errors
    /// When neither a text nor `true` or `false` stands there.
    pub fn is(&self, name: &str) -> Result<Option<bool>, Unread> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(b)),
            Some(Value::String(text)) => {
                let text = text.to_ascii_lowercase();
                Ok(Some(text == "true" || text == "on"))
            }
            Some(_) => Err(Unread),
        }
    }

    /// Stands something in one of these fields that is no text and nothing that `text` makes one?
    pub fn is_odd(&self, names: &[&str]) -> bool {
        let odd = |value| matches!(value, Value::Array(_) | Value::Object(_));
        names.iter().any(|name| self.get(name).is_some_and(odd))
    }

    /// The texts of an object.
    pub fn map(&self, name: &str) -> Vec<(String, String)> {
        let Some(Value::Object(fields)) = self.get(name) else {
            return Vec::new();
        };
        let text = |(name, value)| match value {
            Value::String(text) => Some((name, text)),
            _ => None,
        };
        fields.into_iter().filter_map(text).collect()
    }
}

fn plain(value: Value, depth: usize) -> Value {
    if depth > limits::client::IMPORTED_DEPTH_MAX {
        return Value::Null;
    }
    match value {
        Value::Object(fields) => {
            if let Some(found) = wrapped(&fields, depth) {
                return found;
            }
            let each = fields.into_iter().map(|(k, v)| (k, plain(v, depth + 1)));
            Value::Object(each.collect())
        }
        Value::Array(items) => {
            let each = items.into_iter().map(|v| plain(v, depth + 1));
            Value::Array(each.collect())
        }
        other => other,
    }
}

/// What stands in an object that is a word of extended JSON.
fn wrapped(fields: &Map<String, Value>, depth: usize) -> Option<Value> {
    let number = |text: &Value| match text {
        Value::String(text) => text.parse::<i64>().ok(),
        Value::Number(n) => n.as_i64(),
        _ => None,
    };
    for (name, value) in fields {
        return Some(match (name.as_str(), value) {
            ("$oid" | "$uuid" | "$symbol", value) => value.clone(),
            // A reference stands for what it refers to.
            ("$id", value) => plain(value.clone(), depth + 1),
            ("$ref" | "$db" | "$type", _) => continue,
            ("$numberInt" | "$numberLong", text) => number(text)?.into(),
            ("$numberDouble" | "$numberDecimal", Value::String(text)) => {
                let n: f64 = text.parse().ok()?;
                serde_json::Number::from_f64(n)?.into()
            }
            ("$date", Value::Object(inner)) => {
                let ms = inner.get("$numberLong").and_then(number)?;
                Value::String(Timestamp(u64::try_from(ms).ok()?).to_string())
            }
            ("$date", Value::Number(ms)) => Value::String(Timestamp(ms.as_u64()?).to_string()),
            ("$date", text) => text.clone(),
            ("$binary", Value::Object(inner)) => decoded(inner.get("base64")?)?,
            ("$binary", text) => decoded(text)?,
            _ => return None,
        });
    }
    None
}

/// Bytes that are a text: an old driver kept hashes so.
fn decoded(text: &Value) -> Option<Value> {
    let bytes = STANDARD.decode(text.as_str()?).ok()?;
    String::from_utf8(bytes).ok().map(Value::String)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Document>, Vec<Skipped>) {
        let mut skipped = vec![];
        let found = documents("f.json", text, &mut skipped);
        (found, skipped)
    }

    #[test]
    fn canonical_and_relaxed_say_the_same() {
        let canonical = r#"{"_id":{"$oid":"5b0d8b3c8b3c8b3c8b3c8b3c"},"capacity":{"$numberInt":"5"},
            "big":{"$numberLong":"5000000000"},"at":{"$date":{"$numberLong":"1542009600000"}},
            "d":{"$numberDouble":"4.0"},"user":{"$ref":"user","$id":"u1"},
            "hash":{"$binary":{"base64":"JDJiJA==","subType":"00"}}}"#;
        let relaxed = r#"{"_id":{"$oid":"5b0d8b3c8b3c8b3c8b3c8b3c"},"capacity":5,"big":5000000000,
            "at":{"$date":"2018-11-12T08:00:00.000Z"},"d":4.0,"user":"u1",
            "hash":{"$binary":"JDJiJA==","$type":"00"}}"#;
        let (one, other) = (read(canonical).0, read(relaxed).0);
        for name in ["_id", "at", "user", "hash"] {
            let text = one[0].text(&[name]);
            assert!(text.is_some(), "{name}");
            assert_eq!(text, other[0].text(&[name]), "{name}");
        }
        assert_eq!(one[0].text(&["hash"]).unwrap(), "$2b$");
        assert_eq!(one[0].number("capacity"), Ok(Some(5)));
        for name in ["big", "d"] {
            assert_eq!(one[0].number(name), other[0].number(name));
            assert!(matches!(one[0].number(name), Ok(Some(_))), "{name}");
        }
    }

    #[test]
    fn what_is_there_and_cannot_be_read_is_not_taken_for_nothing() {
        let text =
            r#"{"half":1.5,"nan":{"$numberDouble":"NaN"},"list":[1],"word":"two","no":null,"":""}"#;
        let d = &read(text).0[0];
        for name in ["half", "nan", "list", "word"] {
            assert_eq!(d.number(name), Err(Unread), "{name}");
        }
        assert_eq!(d.is("list"), Err(Unread));
        assert_eq!(d.is("half"), Err(Unread));
        for name in ["no", "", "absent"] {
            assert_eq!(d.number(name), Ok(None), "{name}");
        }
        assert!(d.is_odd(&["absent", "nan"]) && !d.is_odd(&["word", "half", "no"]));
    }

    #[test]
    fn an_array_and_one_after_another_are_read_with_their_lines() {
        let at = |text: &str| {
            let (found, skipped) = read(text);
            assert!(skipped.is_empty(), "{skipped:?}");
            found.into_iter().map(|d| d.at).collect::<Vec<_>>()
        };
        assert_eq!(at("[{\"a\":1},\n{\"a\":2}\n]\n"), ["f.json:1", "f.json:2"]);
        assert_eq!(at("{\"a\":1}\n\n{\"a\":2}\n"), ["f.json:1", "f.json:3"]);
        assert_eq!(at("\u{feff}[\n  {\n    \"a\": 1\n  }\n]"), ["f.json:2"]);
        assert!(at("").is_empty() && at("[]").is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_named_and_hides_nothing_behind_it() {
        let (found, skipped) = read("{\"a\":1}\n{\"a\":}\n{\"a\":3}\n7\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].at, "f.json:3");
        let at: Vec<&str> = skipped.iter().map(|s| s.at.as_str()).collect();
        assert_eq!(at, ["f.json:2", "f.json:4"]);
        // Where no other document begins, the rest is one thing that cannot be read.
        assert_eq!(read(&"x\n".repeat(1_000)).1.len(), 1);
        let noise = "{x\n".repeat(1_000);
        assert_eq!(read(&noise).1.len(), IMPORTED_UNREAD_MAX + 1);
        for odd in [
            "[",
            "]",
            "{",
            "é",
            "[,]",
            "{\"a\":1",
            "[{\"a\":1}",
            "\"",
            "{\"$date\":1}",
        ] {
            let _ = read(odd);
        }
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert!(read(&deep).0[0].get("a").is_some());
        assert_eq!(read(&"[".repeat(100_000)).0.len(), 0);
    }
}
