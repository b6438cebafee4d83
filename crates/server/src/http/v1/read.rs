//! What callers write, read into what `core` takes. A text that cannot be what it should is
//! answered with its field.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use caviada_api::attribute::{Attribute, Attributes as WireAttributes, Labels as WireLabels};
use caviada_api::lease::SliceSize;
use caviada_api::quantity::Quantity;
use caviada_core::attribute::{Attributes, Labels, Value};
use caviada_core::name::Name;
use caviada_core::selector::Selector;
use caviada_core::space::{Amount, Amounts};

use crate::http::problem::Error;

/// A text that is checked by its type.
pub fn text<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|e: T::Err| Error::invalid(field, e.to_string()))
}

/// The same, if it is there.
pub fn maybe<T: FromStr<Err: Display>>(
    field: &str,
    value: Option<&str>,
) -> Result<Option<T>, Error> {
    value.map(|v| text(field, v)).transpose()
}

/// A list without order.
pub fn set<T: FromStr<Err: Display> + Ord>(
    field: &str,
    texts: &[String],
) -> Result<BTreeSet<T>, Error> {
    let each = |(i, t): (usize, &String)| text(&format!("{field}[{i}]"), t);
    texts.iter().enumerate().map(each).collect()
}

/// An id in a path: what cannot be one names nothing.
pub fn id<T: FromStr>(noun: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::unknown(noun, text))
}

/// A name in a path of something that exists: what cannot be one names nothing.
pub fn name(noun: &str, text: &str) -> Result<Name, Error> {
    Name::new(text).map_err(|_| Error::unknown(noun, text))
}

pub fn attributes(field: &str, wire: WireAttributes) -> Result<Attributes, Error> {
    let value = |a| match a {
        Attribute::Flag(b) => Value::Bool(b),
        Attribute::Number(n) => Value::Number(n),
        Attribute::Text(t) => Value::Text(t.into()),
    };
    Attributes::new(wire.into_iter().map(|(k, v)| (k, value(v))))
        .map_err(|e| Error::invalid(field, e.reason))
}

pub fn labels(field: &str, wire: &WireLabels) -> Result<Labels, Error> {
    Labels::new(wire).map_err(|e| Error::invalid(field, e.reason))
}

pub fn selector(field: &str, wire: Option<&str>) -> Result<Option<Selector>, Error> {
    maybe(field, wire)
}

/// How much a slice shall be.
pub fn amount(field: &str, size: &SliceSize) -> Result<Amount, Error> {
    Ok(match size {
        SliceSize::Prefix(length) if *length <= 128 => Amount::Prefix(*length),
        SliceSize::Prefix(_) => return Err(Error::invalid(field, "a prefix has at most 128 bits")),
        SliceSize::Ports(0) => return Err(Error::invalid(field, "at least 1")),
        SliceSize::Ports(count) => Amount::Count(u64::from(*count)),
        SliceSize::Quantity(quantity) => {
            let amounts = amounts(field, quantity)?;
            if amounts.is_empty() || amounts.values().any(|n| *n == 0) {
                return Err(Error::invalid(
                    field,
                    "at least one kind, and more than 0 of each",
                ));
            }
            Amount::Quantity(amounts)
        }
    })
}

pub fn amounts(field: &str, quantity: &Quantity) -> Result<Amounts, Error> {
    let each = |(kind, n): (&String, &u64)| Ok((text(&format!("{field}.{kind}"), kind)?, *n));
    quantity.iter().map(each).collect()
}

/// Endpoint name → value, as `core` keeps it.
pub fn outputs(wire: BTreeMap<String, String>) -> Vec<(Box<str>, Box<str>)> {
    let each = |(k, v): (String, String)| (k.into(), v.into());
    wire.into_iter().map(each).collect()
}

/// Refuses what a field may say by itself but this server cannot do.
pub fn without(field: &str, absent: bool, why: &str) -> Result<(), Error> {
    if absent {
        return Ok(());
    }
    Err(Error::invalid(field, why))
}
