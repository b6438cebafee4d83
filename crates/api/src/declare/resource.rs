//! Declared resources in a file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::quantity;
use crate::attribute::{Attributes, Labels};
use crate::lease::SliceSize;
use crate::quantity::Amount;
use crate::resource::{DeclaredState, Divisible, ResourceSpec, WithheldReason};

/// Declared resources that differ only in their names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceEntry {
    /// Its pool.
    pub pool: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Several names.
    #[serde(default)]
    pub names: Vec<String>,
    /// Facts.
    #[serde(default)]
    pub attributes: Attributes,
    /// For choosing.
    #[serde(default)]
    pub labels: Labels,
    /// How to reach it; `{name}` stands for the resource's name.
    #[serde(default)]
    pub endpoints: BTreeMap<String, String>,
    /// How it begins.
    #[serde(default)]
    pub state: DeclaredState,
    /// Why, if it begins withheld.
    #[serde(default)]
    pub reason: Option<WithheldReason>,
    /// Addresses to cut slices from.
    #[serde(default)]
    pub range: Option<String>,
    /// Ports to cut slices from.
    #[serde(default)]
    pub ports: Option<String>,
    /// Amounts to cut slices from.
    #[serde(default)]
    pub quantity: Option<BTreeMap<String, Amount>>,
    /// Never handed out.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Size of a slice: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceEntry {
    /// Prefix length.
    Prefix(u8),
    /// Ports in a row.
    Ports(u32),
    /// Amounts.
    Quantity(BTreeMap<String, Amount>),
}

impl SliceEntry {
    pub(super) fn size(&self) -> SliceSize {
        match self {
            Self::Prefix(prefix) => SliceSize::Prefix(*prefix),
            Self::Ports(count) => SliceSize::Ports(*count),
            Self::Quantity(amounts) => SliceSize::Quantity(quantity(amounts)),
        }
    }
}

impl ResourceEntry {
    /// All names, in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.iter().chain(&self.names).map(String::as_str)
    }

    /// What is declared, one for each name.
    pub fn specs(&self, declared_in: &str) -> Vec<ResourceSpec> {
        self.names()
            .map(|name| self.spec(name, declared_in))
            .collect()
    }

    fn spec(&self, name: &str, declared_in: &str) -> ResourceSpec {
        let whole = self.range.is_some() || self.ports.is_some() || self.quantity.is_some();
        let part = !self.exclude.is_empty();
        ResourceSpec {
            pool: self.pool.clone(),
            name: name.to_owned(),
            attributes: self.attributes.clone(),
            labels: self.labels.clone(),
            endpoints: self
                .endpoints
                .iter()
                .map(|(key, value)| (key.clone(), value.replace("{name}", name)))
                .collect(),
            state: self.state,
            reason: self.reason,
            divisible: (whole || part).then(|| Divisible {
                range: self.range.clone(),
                ports: self.ports.clone(),
                quantity: self.quantity.as_ref().map(quantity),
                // The pool says it, for all its resources alike.
                slice: None,
                exclude: self.exclude.clone(),
            }),
            declared_in: Some(declared_in.to_owned()),
        }
    }
}
