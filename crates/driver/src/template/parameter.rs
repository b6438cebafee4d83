//! What a template can be told: typed parameters with defaults and bounds.

mod list;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits;
use super::problem::{Findings, Place, Problem};
use super::scalar;
use super::tree::{Entry, Fields, Node, Value};
use crate::alteration;

pub use list::Field;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text: no control characters, at most 1,024 bytes.
    Text(String),
    /// Items with their fields.
    List(Vec<Parameters>),
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => b.fmt(f),
            Self::Int(n) => n.fmt(f),
            Self::Text(s) => s.fmt(f),
            Self::List(items) => write!(f, "a list of {}", items.len()),
        }
    }
}

/// Values by parameter name.
pub type Parameters = BTreeMap<String, ParameterValue>;

/// What a template says of one parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Lower case, digits and underscores.
    pub name: String,
    /// For people.
    pub description: String,
    /// What values it takes.
    #[serde(flatten)]
    pub kind: ParameterKind,
    /// Its value when nobody gives one.
    pub default: ParameterValue,
    /// Whoever holds a resource may have another value of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub holder: bool,
}

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ParameterKind {
    /// A text.
    String,
    /// A text that is safe wherever it is put, in a script too: 1 to 64 letters, digits, `.`, `_`
    /// and `-`, of which the first is a letter or a digit.
    Name,
    /// A name that other names are made of: lower case letters and digits, with single `-` between
    /// them, at most 63.
    Label,
    /// A whole number, bounds included.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// True or false.
    Bool,
    /// One of a few texts.
    Choice {
        /// The texts.
        values: Vec<String>,
        /// What a value sets of other parameters, where they are not given.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        sets: BTreeMap<String, Parameters>,
    },
    /// As many items as are needed; none unless told.
    List {
        /// Most of them.
        max: usize,
        /// What each has.
        fields: Vec<Field>,
    },
}

/// Names that a rendered file already knows, and the words of the language.
const TAKEN: [&str; 22] = [
    "address",
    "host_log_level",
    "index",
    "host_port",
    "range",
    "loop",
    "self",
    "true",
    "false",
    "none",
    "not",
    "and",
    "or",
    "in",
    "is",
    "if",
    "elif",
    "else",
    "for",
    "set",
    "with",
    "recursive",
];

const SETS: &str = "sets";

impl Parameter {
    /// Of a template for these drivers, as far as that is known.
    pub(super) fn read(
        entry: &Entry,
        drivers: Option<&[String]>,
        findings: &Findings,
    ) -> Option<Self> {
        let key = format!("parameters.{}", entry.key);
        if !scalar::is_identifier(&entry.key) || TAKEN.contains(&entry.key.as_str()) {
            let message = "is no name for a parameter: write lower case letters, digits and _, beginning with a letter, and no word of the template language";
            findings.say(entry.at, &key, message);
            return None;
        }
        let mut fields = entry.value.fields(&key, findings);
        let description = fields.text("description").unwrap_or_default();
        let kind = fields.need("type", Node::text);
        let kind = ParameterKind::read(&kind?, &mut fields, findings);
        let default = match &kind {
            Some(ParameterKind::List { .. }) => Some(ParameterValue::List(Vec::new())),
            kind => fields.need("default", |node, key, findings| {
                kind.as_ref()?.value(node, key, findings)
            }),
        };
        let holder = fields.get("holder", |node, key, findings| {
            let holder = node.bool(key, findings)?;
            if let Some(message) = drivers.filter(|_| holder).and_then(unalterable) {
                findings.say(node.at, key, message);
            }
            Some(holder)
        });
        let holder = holder.unwrap_or_default();
        fields.finish_plain();
        Some(Self {
            name: entry.key.clone(),
            description,
            kind: kind?,
            default: default?,
            holder,
        })
    }

    /// The values that a check tries: all of them where that is few, else the bounds.
    pub(super) fn samples(&self) -> Vec<ParameterValue> {
        match &self.kind {
            ParameterKind::String | ParameterKind::Name | ParameterKind::Label => {
                vec![self.default.clone()]
            }
            kind => kind.samples(),
        }
    }
}

impl ParameterKind {
    /// Values to try; of texts there are none that any template takes.
    fn samples(&self) -> Vec<ParameterValue> {
        match self {
            Self::String | Self::Name | Self::Label => Vec::new(),
            Self::Bool => [false, true].map(ParameterValue::Bool).to_vec(),
            Self::Int { min, max } if max.saturating_sub(*min) < 16 => {
                (*min..=*max).map(ParameterValue::Int).collect()
            }
            Self::Int { min, max } => [*min, *max].map(ParameterValue::Int).to_vec(),
            Self::Choice { values, .. } => {
                values.iter().cloned().map(ParameterValue::Text).collect()
            }
            Self::List { fields, .. } => vec![list::sample(fields)],
        }
    }

    fn read(kind: &str, fields: &mut Fields<'_>, findings: &Findings) -> Option<Self> {
        match kind {
            "string" => Some(Self::String),
            "name" => Some(Self::Name),
            "label" => Some(Self::Label),
            "bool" => Some(Self::Bool),
            "int" => {
                let min = fields.need("min", Node::integer)?;
                let max = fields.need("max", Node::integer)?;
                if min > max {
                    findings.say(fields.at, &fields.path("max"), "is below `min`");
                }
                Some(Self::Int { min, max })
            }
            "choice" => {
                let values = fields.need("values", |node, key, findings| {
                    Some(node.texts(key, limits::VALUES_MAX, findings))
                })?;
                if values.is_empty() {
                    findings.say(fields.at, &fields.path("values"), "must name at least one");
                }
                for value in &values {
                    if let Err(message) = acceptable(value) {
                        findings.say(fields.at, &fields.path("values"), message);
                    }
                }
                // Read once all parameters are known.
                fields.take(SETS);
                Some(Self::Choice {
                    values,
                    sets: BTreeMap::new(),
                })
            }
            "list" => list::read(fields, findings),
            _ => {
                let message = "must be string, name, label, int, bool, choice or list";
                findings.say(fields.at, &fields.path("type"), message);
                None
            }
        }
    }

    /// A value as a file has it.
    fn value(&self, node: &Node, key: &str, findings: &Findings) -> Option<ParameterValue> {
        let value = match self {
            Self::Bool => ParameterValue::Bool(node.bool(key, findings)?),
            Self::Int { .. } if !node.is_bare() => {
                findings.say(node.at, key, "must be a number, without quotes");
                return None;
            }
            Self::Int { .. } => ParameterValue::Int(node.integer(key, findings)?),
            Self::String | Self::Name | Self::Label | Self::Choice { .. } => {
                ParameterValue::Text(node.text(key, findings)?)
            }
            Self::List { .. } => {
                findings.say(
                    node.at,
                    key,
                    "is a list, which is given with the pool alone",
                );
                return None;
            }
        };
        match self.accepts(&value) {
            Ok(()) => Some(value),
            Err(message) => {
                findings.say(node.at, key, message);
                None
            }
        }
    }

    fn accepts(&self, value: &ParameterValue) -> Result<(), String> {
        match (self, value) {
            (Self::Bool, ParameterValue::Bool(_)) => Ok(()),
            (Self::Bool, _) => Err("must be true or false".to_owned()),
            (Self::Int { min, max }, ParameterValue::Int(n)) if (min..=max).contains(&n) => Ok(()),
            (Self::Int { min, max }, _) => {
                Err(format!("must be a whole number from {min} to {max}"))
            }
            (Self::Choice { values, .. }, ParameterValue::Text(s)) if values.contains(s) => Ok(()),
            (Self::Choice { values, .. }, _) => {
                Err(format!("must be one of {}", values.join(", ")))
            }
            (Self::String, ParameterValue::Text(s)) => acceptable(s),
            (Self::String, _) => Err("must be a text".to_owned()),
            (Self::Name, ParameterValue::Text(s)) if scalar::is_name(s) => Ok(()),
            (Self::Name, _) => Err(
                "must be 1 to 64 letters, digits, `.`, `_` and `-`, the first a letter or a digit"
                    .to_owned(),
            ),
            (Self::Label, ParameterValue::Text(s)) if scalar::is_label(s) && !s.contains("--") => {
                Ok(())
            }
            (Self::Label, _) => Err(
                "must be lower case letters and digits with single - between them, at most 63"
                    .to_owned(),
            ),
            (Self::List { max, fields }, ParameterValue::List(items)) => {
                list::accepts(*max, fields, items)
            }
            (Self::List { .. }, _) => Err("must be a list of items with their fields".to_owned()),
        }
    }
}

/// Why nothing can be left to holders on hosts of all these drivers, if it cannot.
fn unalterable(drivers: &[String]) -> Option<String> {
    let altering = alteration::DRIVERS;
    let cannot = drivers.iter().map(String::as_str);
    let cannot: Vec<_> = cannot.filter(|d| !altering.contains(d)).collect();
    (!cannot.is_empty()).then(|| {
        format!(
            "cannot be left to holders on hosts of {}: what stands there is not altered, by {} \
             alone; take the others out of `drivers`, or this away",
            cannot.join(" and "),
            altering.join(" and ")
        )
    })
}

/// A newline in a value could add lines of its own to a compose file.
fn acceptable(text: &str) -> Result<(), String> {
    if text.len() > limits::TEXT_BYTES_MAX {
        Err(format!("is longer than {} bytes", limits::TEXT_BYTES_MAX))
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters".to_owned())
    } else {
        Ok(())
    }
}

/// What values of choices set of other parameters; read last, as it needs all of these.
pub(super) fn read_sets(entries: &[Entry], parameters: &mut [Parameter], findings: &Findings) {
    for entry in entries {
        let Value::Map(fields) = &entry.value.value else {
            continue;
        };
        let Some(node) = fields.iter().find(|f| f.key == SETS) else {
            continue;
        };
        let key = format!("parameters.{}.{SETS}", entry.key);
        let all = read_set(&node.value, &key, &entry.key, parameters, findings);
        let mut parameters = parameters.iter_mut();
        if let Some(ParameterKind::Choice { values, sets }) = parameters
            .find(|p| p.name == entry.key)
            .map(|p| &mut p.kind)
        {
            for value in all.keys().filter(|value| !values.contains(value)) {
                let message = format!("`{value}` is none of its values");
                findings.say(node.at, &key, message);
            }
            *sets = all;
        }
    }
}

fn read_set(
    node: &Node,
    key: &str,
    choice: &str,
    parameters: &[Parameter],
    findings: &Findings,
) -> BTreeMap<String, Parameters> {
    let mut sets = BTreeMap::new();
    for value in node.entries(key, limits::VALUES_MAX, findings) {
        let key = format!("{key}.{}", value.key);
        let mut set = Parameters::new();
        for field in value.value.entries(&key, limits::PARAMETERS_MAX, findings) {
            let key = format!("{key}.{}", field.key);
            let target = parameters.iter().find(|p| p.name == field.key);
            match target.filter(|p| p.name != choice) {
                Some(target) => {
                    let value = target.kind.value(&field.value, &key, findings);
                    set.extend(value.map(|value| (field.key.clone(), value)));
                }
                None => findings.say(field.at, &key, "is no other parameter"),
            }
        }
        sets.insert(value.key.clone(), set);
    }
    sets
}

/// `now` with what its holder wants otherwise, or what of it is not his to say.
pub(super) fn altered(
    parameters: &[Parameter],
    now: &Parameters,
    wanted: &Parameters,
) -> Result<Parameters, Vec<Problem>> {
    let findings = Findings::new("parameters");
    let his: Vec<_> = parameters.iter().filter(|p| p.holder).collect();
    for name in wanted.keys().filter(|n| his.iter().all(|p| p.name != **n)) {
        let names: Vec<_> = his.iter().map(|p| p.name.as_str()).collect();
        let message = match names.as_slice() {
            [] => "is not its holder's to change: the template leaves him none".to_owned(),
            names => format!("is not its holder's to change: he may {}", names.join(", ")),
        };
        findings.say(Place::default(), name, message);
    }
    let mut all = now.clone();
    all.extend(wanted.clone());
    findings.into_result(Some(all))
}

/// `given` completed with what its choices set and with defaults, or what is wrong with it.
pub(super) fn complete(
    parameters: &[Parameter],
    given: &Parameters,
) -> Result<Parameters, Vec<Problem>> {
    let findings = Findings::new("parameters");
    let nowhere = Place::default();
    for name in given.keys() {
        if !parameters.iter().any(|p| p.name == *name) {
            let known: Vec<_> = parameters.iter().map(|p| p.name.as_str()).collect();
            let message = match known.as_slice() {
                [] => "is unknown: the template has no parameters".to_owned(),
                known => format!("is unknown: the template has {}", known.join(", ")),
            };
            findings.say(nowhere, name, message);
        }
    }
    let set = parameters.iter().filter_map(|p| {
        let chosen = given.get(&p.name).unwrap_or(&p.default);
        match (&p.kind, chosen) {
            (ParameterKind::Choice { sets, .. }, ParameterValue::Text(value)) => sets.get(value),
            _ => None,
        }
    });
    let set: Vec<&Parameters> = set.collect();
    let mut values = Parameters::new();
    for parameter in parameters {
        let name = &parameter.name;
        let value = given.get(name);
        let value = value.or_else(|| set.iter().find_map(|set| set.get(name)));
        let value = value.unwrap_or(&parameter.default);
        if let Err(message) = parameter.kind.accepts(value) {
            findings.say(nowhere, &parameter.name, message);
        }
        let value = match (&parameter.kind, value) {
            (ParameterKind::List { fields, .. }, ParameterValue::List(items)) => {
                list::filled(fields, items)
            }
            (_, value) => value.clone(),
        };
        values.insert(parameter.name.clone(), value);
    }
    findings.into_result(Some(values))
}
