//! TOML as the same tree as YAML, its keys in the order of the file.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::super::limits;
use super::super::problem::{Findings, Lines, Place};
use super::{Entry, Node, Value};

/// The document of `text`. What is wrong is told to `findings`.
pub(in super::super) fn parse(text: &str, findings: &Findings) -> Option<Node> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        let message = format!("is not TOML: {}", error.message());
        findings.say(lines.place(start), "", message);
    }
    if !errors.is_empty() {
        return None;
    }
    let mut nodes = 0;
    let value = map(&lines, table.get_ref(), &mut nodes);
    if nodes > limits::NODES_MAX {
        let most = limits::NODES_MAX;
        findings.say(Place::default(), "", format!("has more than {most} values"));
        return None;
    }
    let at = Place::new(1, 1);
    Some(Node { at, value })
}

/// The TOML parser bounds the nesting (80 levels), and so this recursion.
fn node(lines: &Lines<'_>, value: &Spanned<DeValue<'_>>, nodes: &mut usize) -> Node {
    *nodes += 1;
    let bare = |text: String| Value::Text { text, bare: true };
    Node {
        at: lines.place(value.span().start),
        value: match value.get_ref() {
            DeValue::String(s) => Value::Text {
                text: s.to_string(),
                bare: false,
            },
            DeValue::Integer(n) => bare(
                i64::from_str_radix(n.as_str(), n.radix())
                    .map_or_else(|_| n.to_string(), |n| n.to_string()),
            ),
            DeValue::Float(n) => bare(n.to_string()),
            DeValue::Boolean(b) => bare(b.to_string()),
            DeValue::Datetime(d) => bare(d.to_string()),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| node(lines, item, nodes)).collect())
            }
            DeValue::Table(table) => map(lines, table, nodes),
        },
    }
}

fn map(lines: &Lines<'_>, table: &DeTable<'_>, nodes: &mut usize) -> Value {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: lines.place(key.span().start),
            value: node(lines, value, nodes),
        })
        .collect();
    entries.sort_by_key(|entry| entry.at);
    Value::Map(entries)
}
