//! Documents of a schema, and documents that are almost of it.

use caviada_fuzz::{Chance, Mutator};
use serde_json::{Map, Value, json};

use super::description::Description;
use super::world::World;

/// Where something may happen.
const NUMBERS: [i64; 16] = [
    0,
    1,
    -1,
    2,
    255,
    256,
    65_535,
    65_536,
    2_147_483_647,
    2_147_483_648,
    4_294_967_295,
    4_294_967_296,
    9_007_199_254_740_993,
    i64::MAX,
    i64::MIN,
    86_400_000,
];
const TEXTS: [&str; 14] = [
    "",
    " ",
    "a",
    "-",
    "A",
    "a b",
    "\u{0}",
    "a\u{7}b",
    "\u{1b}[31m",
    "é",
    "\u{202e}x",
    "10.0.0.0/33",
    "lease_",
    "true",
];
const WORDS: [&str; 18] = [
    "boards", "nets", "lease_", "res_", "0", "z", "=", ">=", ",", "in (", ")", "\"", "/",
    "10.0.0.0", "except", "Gi", "-", "\n",
];
/// Longer than any name, note or selector may be.
const LONG: usize = 5_000;
const DEPTH_MAX: usize = 5;

/// Makes documents.
pub struct Maker<'a> {
    pub description: &'a Description,
    pub world: &'a World,
    pub chance: &'a mut Chance,
}

impl Maker<'_> {
    /// A document of the schema, its texts and numbers mostly such as are known to mean something.
    pub fn of(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        let description = self.description;
        let schema = description.followed(schema);
        if let Some(variants) = schema["oneOf"].as_array() {
            let variant = &variants[self.chance.below(variants.len())];
            return self.of(variant, name, depth);
        }
        if let Some(values) = schema["enum"].as_array() {
            return values[self.chance.below(values.len())].clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => {
                // What may be null mostly is not.
                let index = if self.chance.percent(90) {
                    0
                } else {
                    self.chance.below(kinds.len())
                };
                kinds[index].as_str().unwrap_or("null").to_owned()
            }
            kind => kind.as_str().unwrap_or("").to_owned(),
        };
        match kind.as_str() {
            "object" => self.object(schema, name, depth),
            "array" => {
                let count = self.chance.below(3);
                (0..count)
                    .map(|_| self.of(&schema["items"], name, depth + 1))
                    .collect()
            }
            "string" => Value::String(self.text(name)),
            "integer" | "number" => self.number(name),
            "boolean" => self.chance.percent(50).into(),
            "null" => Value::Null,
            _ => match self.chance.below(3) {
                0 => self.number(name),
                1 => self.chance.percent(50).into(),
                _ => Value::String(self.text(name)),
            },
        }
    }

    fn object(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        let mut object = Map::new();
        let required = schema["required"].as_array();
        let required: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let wanted = if depth > DEPTH_MAX { 0 } else { 30 };
            if required.contains(&key.as_str()) || self.chance.percent(wanted) {
                object.insert(key.clone(), self.of(property, key, depth + 1));
            }
        }
        if schema["additionalProperties"].is_object() {
            for _ in 0..self.chance.below(3) {
                let key = self.world.key(name, self.chance);
                object.insert(
                    key,
                    self.of(&schema["additionalProperties"], name, depth + 1),
                );
            }
        }
        Value::Object(object)
    }

    /// A text for a field of this name.
    pub fn text(&mut self, name: &str) -> String {
        match self.chance.below(20) {
            0 => self.chance.one(&TEXTS).to_owned(),
            1 => {
                let seeds: Vec<&str> = self.world.texts(name);
                let mutator = Mutator {
                    seeds: if seeds.is_empty() { &TEXTS } else { &seeds },
                    words: &WORDS,
                };
                let mut text = mutator.text(self.chance);
                text.truncate(text.floor_char_boundary(LONG));
                text
            }
            _ => match self.world.texts(name).as_slice() {
                [] => self.chance.one(&["a", "b1", "some-thing"]).to_owned(),
                known => self.chance.one(known).to_owned(),
            },
        }
    }

    fn number(&mut self, name: &str) -> Value {
        if self.chance.percent(5) {
            return NUMBERS[self.chance.below(NUMBERS.len())].into();
        }
        let usual: &[u64] = match name {
            name if name.ends_with("_ms") => &[1_000, 5_000, 60_000, 3_600_000],
            "count" => &[1, 1, 1, 2, 3],
            "prefix" => &[28, 29, 30],
            "first" => &[20_000],
            "last" => &[20_999],
            "block" | "ports" => &[4, 16],
            "limit" => &[1, 5, 100],
            "priority" => &[0, 5, 9],
            _ => &[0, 1, 2, 4, 16],
        };
        usual[self.chance.below(usual.len())].into()
    }

    /// Makes a document wrong, somewhere.
    pub fn spoil(&mut self, document: &mut Value) {
        let mut places = Vec::new();
        walk(document, "", &mut places);
        let place = places.swap_remove(self.chance.below(places.len()));
        let wrong = self.wrong();
        let unknown = self
            .chance
            .one(&["colour", "__proto__", "Pool", "ttl", "\u{0}", ""]);
        let Some(found) = document.pointer_mut(&place) else {
            return;
        };
        match (self.chance.below(3), found) {
            (0, Value::Object(object)) => {
                object.insert(unknown.to_owned(), wrong);
            }
            (1, Value::Object(object)) => {
                let key = object.keys().next().cloned();
                if let Some(key) = key {
                    object.remove(&key);
                }
            }
            (0, Value::Array(items)) => items.push(wrong),
            (1, Value::Array(items)) => {
                let again = items.first().cloned().unwrap_or(wrong);
                items.resize(300, again);
            }
            (_, found) => *found = wrong,
        }
    }

    /// A value that fits hardly anywhere.
    fn wrong(&mut self) -> Value {
        match self.chance.below(11) {
            0 => Value::Null,
            1 => true.into(),
            2 => NUMBERS[self.chance.below(NUMBERS.len())].into(),
            3 => json!(1.5),
            4 => json!(u64::MAX),
            5 => json!([]),
            6 => json!([1, "a", null]),
            7 => json!({}),
            8 => json!({"a": {"b": []}}),
            9 => "x".repeat(LONG).into(),
            _ => self.chance.one(&TEXTS).into(),
        }
    }
}

/// The places of a document, as JSON pointers.
fn walk(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                walk(inner, &format!("{at}/{key}"), places);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                walk(inner, &format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}
