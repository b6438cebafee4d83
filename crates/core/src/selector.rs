//! Choosing by facts: `cores>=4,zone=a,disk in (ssd,nvme),rack notin (r1),gpu exists`.
//!
//! A selector is a list of conditions that must all hold. Each looks at one key: the attribute of
//! that name, else the label of that name. What is missing never matches, not even `!=` and
//! `notin`, so a resource nobody described is never handed out by mistake.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::attribute::{Attributes, Labels, Value, ValueRef, is_key};
use crate::limits::{CONDITIONS_PER_SELECTOR_MAX, SELECTOR_BYTES_MAX, VALUES_PER_CONDITION_MAX};

mod parse;

/// Conditions that must all hold. The empty one chooses everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Selector {
    conditions: Vec<Condition>,
}

/// One condition on one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    /// Of an attribute or label.
    pub key: Box<str>,
    /// What its value must be.
    pub test: Test,
}

/// What a value must be. Values are equal as [`ValueRef::canonical`] says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// `key=value`.
    Is(Value),
    /// `key!=value`: there is another one.
    Not(Value),
    /// `key in (a,b)`.
    In(Vec<Value>),
    /// `key notin (a,b)`: there is one, and it is none of these.
    NotIn(Vec<Value>),
    /// `key exists`.
    Exists,
    /// `key>=n`: a number.
    AtLeast(i64),
    /// `key<=n`: a number.
    AtMost(i64),
    /// `key>n`: a number.
    Above(i64),
    /// `key<n`: a number.
    Below(i64),
}

/// A text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: expected {expected}")]
pub struct InvalidSelector {
    /// Where, counted in characters from 1.
    pub at: usize,
    /// What was expected there, and what was found.
    pub expected: Cow<'static, str>,
}

impl Selector {
    /// Keeps conditions, their values in canonical form.
    ///
    /// # Errors
    /// A key that is none, an empty list, or more than [`CONDITIONS_PER_SELECTOR_MAX`] conditions,
    /// [`VALUES_PER_CONDITION_MAX`] values in one or [`SELECTOR_BYTES_MAX`] bytes in all; `at` then
    /// counts conditions.
    pub fn new(conditions: Vec<Condition>) -> Result<Self, InvalidSelector> {
        for (index, condition) in conditions.iter().enumerate() {
            condition.check().map_err(|expected| InvalidSelector {
                at: index + 1,
                expected,
            })?;
        }
        if conditions.len() > CONDITIONS_PER_SELECTOR_MAX {
            return Err(InvalidSelector {
                at: conditions.len(),
                expected: too_many_conditions(),
            });
        }
        let conditions = conditions.into_iter().map(Condition::canonical).collect();
        let selector = Self { conditions };
        if selector.to_string().len() > SELECTOR_BYTES_MAX {
            return Err(InvalidSelector {
                at: 1,
                expected: too_long(),
            });
        }
        Ok(selector)
    }

    /// The conditions, in the order given.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether it has no condition and thus chooses everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether every condition holds for these attributes and labels.
    #[must_use]
    pub fn matches(&self, attributes: &Attributes, labels: &Labels) -> bool {
        self.conditions.iter().all(|condition| {
            lookup(&condition.key, attributes, labels)
                .is_some_and(|value| condition.test.holds(value))
        })
    }

    /// The conditions `key=value`, for finding candidates by an index: an index that posts each
    /// resource under (key, [`lookup`] of the key) holds, under each pair yielded here, every
    /// resource the selector can match.
    pub fn equalities(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.conditions
            .iter()
            .filter_map(|condition| match &condition.test {
                Test::Is(value) => Some((&*condition.key, value)),
                Test::In(values) => match values.as_slice() {
                    [value] => Some((&*condition.key, value)),
                    _ => None,
                },
                _ => None,
            })
    }
}

/// What a condition on `key` looks at, in canonical form: the attribute, else the label.
#[must_use]
pub fn lookup<'a>(
    key: &str,
    attributes: &'a Attributes,
    labels: &'a Labels,
) -> Option<ValueRef<'a>> {
    let value = attributes
        .get(key)
        .or_else(|| labels.get(key).map(ValueRef::Text))?;
    Some(value.canonical())
}

impl Test {
    /// Whether a value in canonical form passes.
    fn holds(&self, value: ValueRef<'_>) -> bool {
        let number = match value {
            ValueRef::Number(n) => Some(n),
            ValueRef::Bool(_) | ValueRef::Text(_) => None,
        };
        match self {
            Self::Is(wanted) => value == wanted.as_ref(),
            Self::Not(unwanted) => value != unwanted.as_ref(),
            Self::In(wanted) => wanted.iter().any(|w| value == w.as_ref()),
            Self::NotIn(unwanted) => unwanted.iter().all(|u| value != u.as_ref()),
            Self::Exists => true,
            Self::AtLeast(least) => number.is_some_and(|n| n >= *least),
            Self::AtMost(most) => number.is_some_and(|n| n <= *most),
            Self::Above(bound) => number.is_some_and(|n| n > *bound),
            Self::Below(bound) => number.is_some_and(|n| n < *bound),
        }
    }
}

impl Condition {
    fn check(&self) -> Result<(), Cow<'static, str>> {
        if !is_key(&self.key) {
            return Err("a key of 1 to 63 characters of A-Z, a-z, 0-9 and . _ / -".into());
        }
        match &self.test {
            Test::In(values) | Test::NotIn(values)
                if !(1..=VALUES_PER_CONDITION_MAX).contains(&values.len()) =>
            {
                Err(wrong_value_count())
            }
            _ => Ok(()),
        }
    }

    fn canonical(self) -> Self {
        let all = |values: Vec<Value>| values.into_iter().map(Value::canonical).collect();
        let test = match self.test {
            Test::Is(value) => Test::Is(value.canonical()),
            Test::Not(value) => Test::Not(value.canonical()),
            Test::In(values) => Test::In(all(values)),
            Test::NotIn(values) => Test::NotIn(all(values)),
            other => other,
        };
        Self {
            key: self.key,
            test,
        }
    }
}

fn too_many_conditions() -> Cow<'static, str> {
    format!("the end: a selector has at most {CONDITIONS_PER_SELECTOR_MAX} conditions").into()
}

fn too_long() -> Cow<'static, str> {
    format!("a selector of at most {SELECTOR_BYTES_MAX} bytes").into()
}

fn wrong_value_count() -> Cow<'static, str> {
    format!("a list of 1 to {VALUES_PER_CONDITION_MAX} values").into()
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        parse::selector(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.conditions.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            condition.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.test {
            Test::Is(value) => write!(f, "{key}={}", Literal(value)),
            Test::Not(value) => write!(f, "{key}!={}", Literal(value)),
            Test::In(values) => write!(f, "{key} in {}", List(values)),
            Test::NotIn(values) => write!(f, "{key} notin {}", List(values)),
            Test::Exists => write!(f, "{key} exists"),
            Test::AtLeast(n) => write!(f, "{key}>={n}"),
            Test::AtMost(n) => write!(f, "{key}<={n}"),
            Test::Above(n) => write!(f, "{key}>{n}"),
            Test::Below(n) => write!(f, "{key}<{n}"),
        }
    }
}

/// A value as the parser reads it back: quoted when it must be.
struct Literal<'a>(&'a Value);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Text(text) if text.is_empty() || !text.chars().all(parse::is_bare) => {
                f.write_str("\"")?;
                for c in text.chars() {
                    match c {
                        '"' | '\\' => write!(f, "\\{c}")?,
                        c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"")
            }
            value => value.fmt(f),
        }
    }
}

struct List<'a>(&'a [Value]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            write!(
                f,
                "{}{}",
                if index == 0 { "(" } else { "," },
                Literal(value)
            )?;
        }
        f.write_str(")")
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
