//! What differs between two things, field by field.

use caviada_core::limits;
use serde::Serialize;
use serde_json::Value;

/// One line per differing field: `lease.ttl_ms: 1000 → 2000`. Empty when they are equal.
pub fn differences<T: Serialize>(old: &T, new: &T) -> Vec<String> {
    let value = |thing: &T| serde_json::to_value(thing).unwrap_or(Value::Null);
    let mut lines = Vec::new();
    walk("", &value(old), &value(new), &mut lines);
    lines
}

fn walk(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    let empty = serde_json::Map::new();
    let fields = |value| match value {
        Value::Object(fields) => Some(fields),
        Value::Null => Some(empty.clone()),
        _ => None,
    };
    match (fields(old.clone()), fields(new.clone())) {
        (Some(old), Some(new)) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let old = old.get(key).unwrap_or(&Value::Null);
                walk(&path, old, new.get(key).unwrap_or(&Value::Null), lines);
            }
        }
        _ => lines.push(format!("{path}: {} → {}", shown(old), shown(new))),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= limits::client::SHOWN_CHARS_MAX {
        return text;
    }
    let cut: String = text.chars().take(limits::client::SHOWN_CHARS_MAX).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_named() {
        let old = serde_json::json!({"warm": 2, "lease": {"ttl_ms": 1, "x": true}, "a": ["b"]});
        let new = serde_json::json!({"warm": 2, "lease": {"ttl_ms": 2}, "a": ["c"], "max": 9});
        assert_eq!(
            differences(&old, &new),
            [
                "a: [\"b\"] → [\"c\"]",
                "lease.ttl_ms: 1 → 2",
                "lease.x: true → -",
                "max: - → 9"
            ]
        );
        assert!(differences(&old, &old).is_empty());
    }

    #[test]
    fn a_long_value_is_cut() {
        let lines = differences(&Value::Null, &serde_json::json!({"f": "é".repeat(500)}));
        assert!(lines[0].chars().count() < 100 && lines[0].ends_with('…'));
    }
}
