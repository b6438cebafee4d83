//! What `core` keeps, in the words of the API.

use std::collections::BTreeMap;

use caviada_api::attribute::{Attribute, Attributes as WireAttributes, Labels as WireLabels};
use caviada_api::quantity::Quantity;
use caviada_core::attribute::{Attributes, Labels, ValueRef};
use caviada_core::resource::Outputs;
use caviada_core::space::Amounts;

pub fn attributes(attributes: &Attributes) -> WireAttributes {
    let value = |v| match v {
        ValueRef::Bool(b) => Attribute::Flag(b),
        ValueRef::Number(n) => Attribute::Number(n),
        ValueRef::Text(t) => Attribute::Text(t.to_owned()),
    };
    let each = |(k, v): (&str, _)| (k.to_owned(), value(v));
    attributes.iter().map(each).collect()
}

pub fn labels(labels: &Labels) -> WireLabels {
    let each = |(k, v): (&str, &str)| (k.to_owned(), v.to_owned());
    labels.iter().map(each).collect()
}

pub fn endpoints(outputs: &Outputs) -> BTreeMap<String, String> {
    let each = |(k, v): &(Box<str>, Box<str>)| (k.to_string(), v.to_string());
    outputs.iter().map(each).collect()
}

pub fn amounts(amounts: &Amounts) -> Quantity {
    amounts.iter().map(|(k, n)| (k.to_string(), *n)).collect()
}
