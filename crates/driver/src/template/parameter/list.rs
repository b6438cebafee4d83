//! Lists: as many items as somebody needs, each with the same fields.

use serde::Serialize;

use super::super::limits;
use super::super::problem::Findings;
use super::super::scalar;
use super::super::tree::{Entry, Fields, Node, Value};
use super::{ParameterKind, ParameterValue, Parameters, SETS};

/// What a template says of one field of a list's items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Lower case, digits and underscores.
    pub name: String,
    /// For people.
    pub description: String,
    /// What values it takes; no list.
    #[serde(flatten)]
    pub kind: ParameterKind,
    /// Its value where an item has none. Without one, every item must have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<ParameterValue>,
}

/// `max` and `fields` of a list.
pub(super) fn read(fields: &mut Fields<'_>, findings: &Findings) -> Option<ParameterKind> {
    let max = fields.need("max", Node::integer)?;
    if !(1..=limits::ITEMS_MAX).contains(&max) {
        let message = format!("must be 1 to {}", limits::ITEMS_MAX);
        findings.say(fields.at, &fields.path("max"), message);
    }
    let fields = fields.need("fields", |node, key, findings| {
        let entries = node.entries(key, limits::FIELDS_MAX, findings);
        if entries.is_empty() {
            findings.say(node.at, key, "must name at least one");
        }
        let fields = entries.iter().map(|entry| field(entry, key, findings));
        fields.collect::<Option<Vec<_>>>()
    })?;
    Some(ParameterKind::List { max, fields })
}

fn field(entry: &Entry, key: &str, findings: &Findings) -> Option<Field> {
    let key = format!("{key}.{}", entry.key);
    if !scalar::is_identifier(&entry.key) {
        let message = "is no name for a field: write lower case letters, digits and _, beginning with a letter";
        findings.say(entry.at, &key, message);
        return None;
    }
    let mut fields = entry.value.fields(&key, findings);
    let description = fields.text("description").unwrap_or_default();
    let kind = fields.need("type", Node::text)?;
    if kind == "list" {
        findings.say(
            entry.at,
            &fields.path("type"),
            "a list in a list is not supported",
        );
        return None;
    }
    let sets = match &entry.value.value {
        Value::Map(written) => written.iter().find(|f| f.key == SETS),
        _ => None,
    };
    if let Some(sets) = sets {
        findings.say(sets.at, &fields.path(SETS), "a field sets no parameter");
    }
    let kind = ParameterKind::read(&kind, &mut fields, findings)?;
    let default = fields.get("default", |node, key, findings| {
        kind.value(node, key, findings)
    });
    fields.finish_plain();
    Some(Field {
        name: entry.key.clone(),
        description,
        kind,
        default,
    })
}

pub(super) fn accepts(max: usize, fields: &[Field], items: &[Parameters]) -> Result<(), String> {
    if items.len() > max {
        return Err(format!("has more than {max} items"));
    }
    for (at, item) in (1..).zip(items) {
        one(fields, item).map_err(|why| format!("item {at}: {why}"))?;
    }
    Ok(())
}

fn one(fields: &[Field], item: &Parameters) -> Result<(), String> {
    let known = |name: &&String| fields.iter().any(|f| f.name == **name);
    if let Some(name) = item.keys().find(|name| !known(name)) {
        let names: Vec<_> = fields.iter().map(|f| f.name.as_str()).collect();
        return Err(format!("`{name}` is unknown: it has {}", names.join(", ")));
    }
    for field in fields {
        let name = &field.name;
        match item.get(name).or(field.default.as_ref()) {
            Some(value) => field
                .kind
                .accepts(value)
                .map_err(|why| format!("`{name}` {why}"))?,
            None => return Err(format!("`{name}` is missing")),
        }
    }
    // The language takes an item for one text, and no text may be longer.
    let length = |value: &ParameterValue| match value {
        ParameterValue::Text(text) => text.len(),
        _ => 0,
    };
    let values = fields
        .iter()
        .filter_map(|f| item.get(&f.name).or(f.default.as_ref()));
    let bytes: usize = values.map(length).sum();
    match bytes > limits::TEXT_BYTES_MAX {
        true => Err(format!(
            "its texts have more than {} bytes",
            limits::TEXT_BYTES_MAX
        )),
        false => Ok(()),
    }
}

/// Every item with every field.
pub(super) fn filled(fields: &[Field], items: &[Parameters]) -> ParameterValue {
    let fill = |item: &Parameters| {
        let values = fields.iter().filter_map(|field| {
            let value = item.get(&field.name).or(field.default.as_ref());
            value.map(|value| (field.name.clone(), value.clone()))
        });
        values.collect()
    };
    ParameterValue::List(items.iter().map(fill).collect())
}

/// A list of one item, to try the template with.
pub(super) fn sample(fields: &[Field]) -> ParameterValue {
    let value = |field: &Field| {
        let default = field.default.clone();
        default.unwrap_or_else(|| match field.kind.samples().into_iter().next() {
            Some(sample) => sample,
            None => ParameterValue::Text("sample".to_owned()),
        })
    };
    let item = fields.iter().map(|f| (f.name.clone(), value(f)));
    ParameterValue::List(vec![item.collect()])
}
