//! The value of an attribute, and what it means for two of them to be equal.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The value of an attribute. There are no fractions: 2.5 GHz is `clock-mhz=2500`, and every
/// comparison is exact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// Anything else.
    Text(Box<str>),
}

/// A [`Value`] borrowed from where it is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueRef<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// Anything else.
    Text(&'a str),
}

impl Value {
    /// The value a text stands for where people write one: `true` and `false`, a whole number in
    /// its usual form (no leading zero or plus, so that serial numbers stay texts), else the text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        ValueRef::from_text(text).to_value()
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Bool(b) => ValueRef::Bool(*b),
            Self::Number(n) => ValueRef::Number(*n),
            Self::Text(text) => ValueRef::Text(text),
        }
    }

    /// The form under which equal values are the same; see [`ValueRef::canonical`].
    #[must_use]
    pub fn canonical(self) -> Self {
        match self {
            Self::Text(text) => match ValueRef::from_text(&text) {
                ValueRef::Bool(b) => Self::Bool(b),
                ValueRef::Number(n) => Self::Number(n),
                ValueRef::Text(_) => Self::Text(text),
            },
            other => other,
        }
    }
}

impl<'a> ValueRef<'a> {
    /// See [`Value::from_text`].
    #[must_use]
    pub fn from_text(text: &'a str) -> Self {
        match text {
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            _ => plain_number(text).map_or(Self::Text(text), Self::Number),
        }
    }

    /// The form under which equal values are the same: a text that reads as a number or as
    /// true or false is that. So `release=2024` finds a label, which is always text, as well as
    /// a number, and an index keyed by this form finds what a comparison finds.
    #[must_use]
    pub fn canonical(self) -> Self {
        match self {
            Self::Text(text) => Self::from_text(text),
            other => other,
        }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Bool(b) => Value::Bool(b),
            Self::Number(n) => Value::Number(n),
            Self::Text(text) => Value::Text(text.into()),
        }
    }
}

/// A number in the one form it is printed in.
fn plain_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let usual = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    if usual { text.parse().ok() } else { None }
}

impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => b.fmt(f),
            Self::Number(n) => n.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        value.to_value()
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Number(n)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Number(n) => s.serialize_i64(*n),
            Self::Text(text) => s.serialize_str(text),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(s)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl serde::de::Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, a whole number of 64 bits or a text")
    }

    fn visit_bool<E: serde::de::Error>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Number(n))
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Value, E> {
        i64::try_from(n)
            .map(Value::Number)
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(n), &self))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }
}
