//! Flat objects with their fields in the order in which the old system wrote them.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record(Vec<(&'static str, Value)>);

impl Record {
    /// One more field.
    pub fn put(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        self.0.push((name, value.into()));
        self
    }

    /// A field's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// Has every field that is named just that value?
    pub fn fits(&self, conditions: &[(String, Value)]) -> bool {
        let mut conditions = conditions.iter();
        conditions.all(|(name, value)| self.get(name) == Some(value))
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
