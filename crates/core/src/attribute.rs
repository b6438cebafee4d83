//! Attributes, the typed facts about a resource, and labels, the texts by which people sort things.
//!
//! A million resources have a million of each, so a set is one allocation, shared by its clones:
//! a table of 16-bit offsets, then the entries in order of their keys. A lookup is a binary search
//! and never allocates. Sets do not change; a new one takes the place of the old.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::{
    ATTRIBUTES_BYTES_MAX, KEY_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_BYTES_MAX, LABELS_MAX,
};

mod value;

pub use value::{Value, ValueRef};

/// Attributes or labels cannot be kept as given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidAttribute {
    /// What is wrong and what is allowed, as one sentence without a full stop.
    pub reason: String,
}

fn invalid(reason: String) -> InvalidAttribute {
    InvalidAttribute { reason }
}

/// Whether a text may be the key of an attribute or label: 1 to 63 of `A`–`Z`, `a`–`z`, `0`–`9`,
/// `.`, `_`, `/` and `-`.
#[must_use]
pub fn is_key(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_key_byte)
}

pub(crate) fn is_key_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"._/-".contains(&b)
}

fn check_key(key: &str) -> Result<(), InvalidAttribute> {
    if is_key(key) {
        return Ok(());
    }
    let shown: String = key.chars().take(KEY_BYTES_MAX).collect();
    Err(invalid(format!(
        "a key has 1 to {KEY_BYTES_MAX} characters of A-Z, a-z, 0-9 and . _ / -; {shown:?} has not"
    )))
}

/// Facts about one resource, as a map from key to [`Value`].
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes(Packed);

impl Attributes {
    /// Keeps what `entries` yields, in any order.
    ///
    /// # Errors
    /// A key that is none ([`is_key`]) or comes twice; more than
    /// [`ATTRIBUTES_BYTES_MAX`] bytes in all.
    pub fn new<K: AsRef<str>>(
        entries: impl IntoIterator<Item = (K, Value)>,
    ) -> Result<Self, InvalidAttribute> {
        Packed::new("attributes", entries, ATTRIBUTES_BYTES_MAX).map(Self)
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.0.get(key)
    }

    /// All, in order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, ValueRef<'_>)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    /// Bytes they take, without the two counters of the allocation.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.0.len()
    }
}

/// Texts by which a thing is sorted and found, as a map from key to text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Packed);

impl Labels {
    /// Keeps what `entries` yields, in any order.
    ///
    /// # Errors
    /// A key that is none ([`is_key`]) or comes twice; a value with control characters or of more
    /// than [`LABEL_VALUE_BYTES_MAX`] bytes; more than [`LABELS_MAX`] labels or
    /// [`LABELS_BYTES_MAX`] bytes in all.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, InvalidAttribute> {
        let entries = entries
            .into_iter()
            .map(|(key, text)| {
                check_label_value(key.as_ref(), text.as_ref())?;
                Ok((key, Value::Text(text.as_ref().into())))
            })
            .collect::<Result<Vec<_>, InvalidAttribute>>()?;
        if entries.len() > LABELS_MAX {
            return Err(invalid(format!(
                "at most {LABELS_MAX} labels are kept; there are {}",
                entries.len()
            )));
        }
        Packed::new("labels", entries, LABELS_BYTES_MAX).map(Self)
    }

    /// The text under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(label_text)
    }

    /// All, in order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key, label_text(value)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }
}

fn check_label_value(key: &str, text: &str) -> Result<(), InvalidAttribute> {
    if text.len() > LABEL_VALUE_BYTES_MAX {
        return Err(invalid(format!(
            "a label has at most {LABEL_VALUE_BYTES_MAX} bytes; {key} has {}",
            text.len()
        )));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(invalid(format!(
            "a label has no control characters; {key} has {c:?}"
        )));
    }
    Ok(())
}

/// A label is packed as text and nothing else.
fn label_text(value: ValueRef<'_>) -> &str {
    match value {
        ValueRef::Text(text) => text,
        ValueRef::Bool(_) | ValueRef::Number(_) => "",
    }
}

/// The one allocation. Empty: no byte. Else, for n entries: n offsets of two bytes, then n entries
/// of length of key (one byte), key, kind of value (one byte), value. The first offset is thus 2n.
/// Equal sets have equal bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Packed(Arc<[u8]>);

const FALSE: u8 = 0;
const TRUE: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;

impl Packed {
    fn new<K: AsRef<str>>(
        what: &str,
        entries: impl IntoIterator<Item = (K, Value)>,
        bytes_max: usize,
    ) -> Result<Self, InvalidAttribute> {
        let too_large = || {
            invalid(format!(
                "{what} of one thing have at most {bytes_max} bytes in all"
            ))
        };
        let mut sorted = Vec::new();
        let mut total = 0;
        for (key, value) in entries {
            check_key(key.as_ref())?;
            total += 2 + 1 + key.as_ref().len() + 1 + packed_len(&value);
            if total > bytes_max {
                return Err(too_large());
            }
            sorted.push((key, value));
        }
        sorted.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        if let Some(twice) = sorted
            .windows(2)
            .find(|w| w[0].0.as_ref() == w[1].0.as_ref())
        {
            return Err(invalid(format!(
                "the key {} comes twice",
                twice[0].0.as_ref()
            )));
        }

        let mut table = Vec::with_capacity(total);
        let mut body = Vec::with_capacity(total);
        for (key, value) in &sorted {
            let offset = u16::try_from(2 * sorted.len() + body.len()).map_err(|_| too_large())?;
            table.extend(offset.to_le_bytes());
            pack(&mut body, key.as_ref(), value);
        }
        table.append(&mut body);
        Ok(Self(table.into()))
    }

    fn offset(&self, index: usize) -> usize {
        match self.0.get(2 * index..2 * index + 2) {
            Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
            _ => self.0.len(),
        }
    }

    fn len(&self) -> usize {
        if self.0.is_empty() {
            0
        } else {
            self.offset(0) / 2
        }
    }

    /// Key and packed value of an entry below `len`.
    fn entry(&self, index: usize) -> (&[u8], &[u8]) {
        let end = if index + 1 < self.len() {
            self.offset(index + 1)
        } else {
            self.0.len()
        };
        let entry = &self.0[self.offset(index)..end];
        entry[1..].split_at(usize::from(entry[0]))
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let (found, value) = self.entry(middle);
            match found.cmp(key.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(unpack(value)),
            }
        }
        None
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = (&str, ValueRef<'_>)> {
        (0..self.len()).map(|index| {
            let (key, value) = self.entry(index);
            (text(key), unpack(value))
        })
    }
}

fn packed_len(value: &Value) -> usize {
    match value {
        Value::Bool(_) => 0,
        Value::Number(_) => size_of::<i64>(),
        Value::Text(text) => text.len(),
    }
}

fn pack(body: &mut Vec<u8>, key: &str, value: &Value) {
    // `check_key` held the length below 64.
    body.extend(key.len().to_le_bytes().first());
    body.extend(key.as_bytes());
    match value {
        Value::Bool(false) => body.push(FALSE),
        Value::Bool(true) => body.push(TRUE),
        Value::Number(n) => {
            body.push(NUMBER);
            body.extend(n.to_le_bytes());
        }
        Value::Text(text) => {
            body.push(TEXT);
            body.extend(text.as_bytes());
        }
    }
}

fn unpack(value: &[u8]) -> ValueRef<'_> {
    match value.split_first() {
        Some((&TRUE, _)) => ValueRef::Bool(true),
        Some((&NUMBER, n)) => ValueRef::Number(
            n.first_chunk()
                .map_or(0, |bytes| i64::from_le_bytes(*bytes)),
        ),
        Some((&TEXT, bytes)) => ValueRef::Text(text(bytes)),
        _ => ValueRef::Bool(false),
    }
}

/// Only `pack` writes the bytes, and it was given a `str`.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, &value)?;
        }
        map.end()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.len()))?;
        for (key, text) in self.iter() {
            map.serialize_entry(key, text)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let entries: Vec<(String, Value)> = d.deserialize_map(Entries::new())?;
        Self::new(entries).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let entries: Vec<(String, String)> = d.deserialize_map(Entries::new())?;
        Self::new(entries).map_err(D::Error::custom)
    }
}

/// Reads a map as its entries, so that a key that comes twice is seen.
struct Entries<V>(std::marker::PhantomData<V>);

impl<V> Entries<V> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
    type Value = Vec<(String, V)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests;
