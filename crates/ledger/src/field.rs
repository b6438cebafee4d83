//! Fields: all that a store knows of a noun. Engines move rows of integers and texts and know no
//! pool, lease or host; `row` turns nouns into fields and back.

use crate::store::StoreError;

/// One field of a row that is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Nothing.
    Null,
    /// A number, an id, a time. Unsigned ones keep their bits.
    Int(i64),
    /// Text, also JSON.
    Text(String),
}

/// One field of a row that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRef<'a> {
    /// Nothing.
    Null,
    /// A number, an id, a time.
    Int(i64),
    /// Text, also JSON.
    Text(&'a str),
}

impl Field {
    /// The same, borrowed.
    pub fn as_ref(&self) -> FieldRef<'_> {
        match self {
            Self::Null => FieldRef::Null,
            Self::Int(n) => FieldRef::Int(*n),
            Self::Text(s) => FieldRef::Text(s),
        }
    }
}

impl FieldRef<'_> {
    /// The same, owned.
    pub fn to_field(self) -> Field {
        match self {
            Self::Null => Field::Null,
            Self::Int(n) => Field::Int(n),
            Self::Text(s) => Field::Text(s.to_owned()),
        }
    }
}

/// Keeps the bits: SQL has no unsigned numbers, and nothing in a store is ordered by one beyond
/// 2^63.
impl From<u64> for Field {
    fn from(n: u64) -> Self {
        Self::Int(n.cast_signed())
    }
}

macro_rules! small_numbers {
    ($($t:ty),*) => {$(
        impl From<$t> for Field {
            fn from(n: $t) -> Self {
                Self::Int(i64::from(n))
            }
        }
    )*};
}
small_numbers!(bool, u8, u16, u32);

impl From<String> for Field {
    fn from(s: String) -> Self {
        Self::Text(s)
    }
}

impl From<&str> for Field {
    fn from(s: &str) -> Self {
        Self::Text(s.to_owned())
    }
}

impl<T: Into<Field>> From<Option<T>> for Field {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Reads a row's fields one after the other, in the order of its table's columns.
#[derive(Debug)]
pub struct Reader<'a> {
    table: &'static str,
    fields: &'a [FieldRef<'a>],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins with the first field.
    pub fn new(table: &'static str, fields: &'a [FieldRef<'a>]) -> Self {
        Self {
            table,
            fields,
            at: 0,
        }
    }

    /// What the store holds cannot have been written by us.
    pub fn broken(&self, what: &str) -> StoreError {
        StoreError::Broken(format!("table {}, column {}: {what}", self.table, self.at))
    }

    fn field(&mut self) -> Result<FieldRef<'a>, StoreError> {
        let field = self.fields.get(self.at).copied();
        self.at += 1;
        field.ok_or_else(|| self.broken("missing"))
    }

    /// A number or nothing.
    pub fn maybe_u64(&mut self) -> Result<Option<u64>, StoreError> {
        match self.field()? {
            FieldRef::Null => Ok(None),
            FieldRef::Int(n) => Ok(Some(n.cast_unsigned())),
            FieldRef::Text(_) => Err(self.broken("a text where a number belongs")),
        }
    }

    /// A number.
    pub fn u64(&mut self) -> Result<u64, StoreError> {
        self.maybe_u64()?
            .ok_or_else(|| self.broken("nothing where a number belongs"))
    }

    /// A number of fewer bits.
    pub fn small<T: TryFrom<u64>>(&mut self) -> Result<T, StoreError> {
        T::try_from(self.u64()?).map_err(|_| self.broken("a number out of its bounds"))
    }

    /// Yes or no.
    pub fn bool(&mut self) -> Result<bool, StoreError> {
        Ok(self.u64()? != 0)
    }

    /// Text or nothing.
    pub fn maybe_text(&mut self) -> Result<Option<&'a str>, StoreError> {
        match self.field()? {
            FieldRef::Null => Ok(None),
            FieldRef::Text(s) => Ok(Some(s)),
            FieldRef::Int(_) => Err(self.broken("a number where a text belongs")),
        }
    }

    /// Text.
    pub fn text(&mut self) -> Result<&'a str, StoreError> {
        self.maybe_text()?
            .ok_or_else(|| self.broken("nothing where a text belongs"))
    }

    /// A JSON document or nothing.
    pub fn maybe_json<T: serde::Deserialize<'a>>(&mut self) -> Result<Option<T>, StoreError> {
        let text = self.maybe_text()?;
        text.map(|t| serde_json::from_str(t).map_err(|e| self.broken(&e.to_string())))
            .transpose()
    }

    /// A JSON document.
    pub fn json<T: serde::Deserialize<'a>>(&mut self) -> Result<T, StoreError> {
        self.maybe_json()?
            .ok_or_else(|| self.broken("nothing where a document belongs"))
    }
}

/// A document as JSON. Total for the types of `core`: their maps have text keys.
pub(crate) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|e| unreachable!("a document without text keys: {e}"))
}

/// The same of one that will take about so many bytes, and is not moved as it grows.
pub(crate) fn long_json<T: serde::Serialize + ?Sized>(value: &T, bytes: usize) -> String {
    let mut text = Vec::with_capacity(bytes);
    serde_json::to_writer(&mut text, value)
        .unwrap_or_else(|e| unreachable!("a document without text keys: {e}"));
    String::from_utf8(text).unwrap_or_else(|e| unreachable!("JSON is text: {e}"))
}
