//! Amounts of divisible things, such as `cpu=16,mem=64Gi`. On the wire whole numbers; in files and
//! on the command line they may carry a suffix.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Dimension → amount in the dimension's own unit.
pub type Quantity = BTreeMap<String, u64>;

const SUFFIXES: [(&str, u64); 8] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
];

/// One amount as written by people: `16`, `64Gi`, `2k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub u64);

/// The text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an amount: write a whole number, with k, M, G, T, Ki, Mi, Gi or Ti if wanted, like 64Gi"
)]
pub struct InvalidAmount;

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let (number, factor) = SUFFIXES
            .iter()
            .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))
            .unwrap_or((text, 1));
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidAmount);
        }
        number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(factor))
            .map(Self)
            .ok_or(InvalidAmount)
    }
}

/// Takes a whole number or a text.
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a text like \"64Gi\"")
            }
            fn visit_u64<E>(self, n: u64) -> Result<Amount, E> {
                Ok(Amount(n))
            }
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Amount, E> {
                u64::try_from(n)
                    .map(Amount)
                    .map_err(|_| E::custom(InvalidAmount))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// Reads `cpu=2,mem=4Gi`. A dimension may stand once.
pub fn parse(text: &str) -> Result<Quantity, InvalidAmount> {
    let mut quantity = Quantity::new();
    for part in text.split(',') {
        let (name, amount) = part.split_once('=').ok_or(InvalidAmount)?;
        let amount: Amount = amount.trim().parse()?;
        let name = name.trim();
        if name.is_empty() || quantity.insert(name.to_owned(), amount.0).is_some() {
            return Err(InvalidAmount);
        }
    }
    Ok(quantity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_with_suffixes_are_multiplied_out() {
        for (text, n) in [("16", 16), ("64Gi", 64 << 30), ("2k", 2_000), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Amount(n)), "{text}");
        }
        for bad in [
            "",
            "Gi",
            "-1",
            "+1",
            "1.5",
            "1KB",
            "18446744073709551616",
            "99999999999Ti",
        ] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_quantity_is_read_from_one_word() {
        let quantity = parse("cpu=2, mem=4Gi").unwrap();
        assert_eq!(quantity["cpu"], 2);
        assert_eq!(quantity["mem"], 4 << 30);
        for bad in ["", "cpu", "=2", "cpu=1,cpu=2", "cpu=1,"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
