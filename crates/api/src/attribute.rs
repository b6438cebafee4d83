//! Attributes (typed facts about a resource or host) and labels (key=value, for choosing).

use std::collections::BTreeMap;
use std::fmt;

use caviada_core::attribute::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Key → value, both text.
pub type Labels = BTreeMap<String, String>;
/// Name → typed value; at most 16 KiB per resource.
pub type Attributes = BTreeMap<String, Attribute>;

/// One typed fact. Numbers are whole: give the unit in the name (`memory_mib`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Attribute {
    /// True or false.
    Flag(bool),
    /// A whole number; compares with `>= <= > <`.
    Number(i64),
    /// Text.
    Text(String),
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// As typed on a command line and in a selector: `true` and `false` are flags, whole numbers in
/// their usual form are numbers, the rest is text, serial numbers such as `007` among it.
impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        match Value::from_text(text) {
            Value::Bool(flag) => Self::Flag(flag),
            Value::Number(number) => Self::Number(number),
            Value::Text(text) => Self::Text(text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_keeps_its_type_over_the_wire() {
        let json = r#"{"arch":"arm64","cores":8,"ecc":true,"serial":"007"}"#;
        let attributes: Attributes = serde_json::from_str(json).unwrap();
        assert_eq!(attributes["cores"], Attribute::Number(8));
        assert_eq!(attributes["serial"], Attribute::Text("007".into()));
        assert_eq!(serde_json::to_string(&attributes).unwrap(), json);
    }

    #[test]
    fn a_typed_serial_number_keeps_its_zeros() {
        assert_eq!(Attribute::from("007"), Attribute::Text("007".into()));
        assert_eq!(Attribute::from("+7"), Attribute::Text("+7".into()));
        assert_eq!(Attribute::from("-7"), Attribute::Number(-7));
        assert_eq!(Attribute::from("true"), Attribute::Flag(true));
    }

    #[test]
    fn a_fraction_or_a_list_is_no_attribute() {
        assert!(serde_json::from_str::<Attribute>("1.5").is_err());
        assert!(serde_json::from_str::<Attribute>("[1]").is_err());
    }
}
