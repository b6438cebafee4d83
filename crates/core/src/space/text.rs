//! Spaces, amounts and parts as people write them, which is also their form in JSON.
//!
//! | what | for example |
//! |---|---|
//! | space | `10.0.0.0/24`, `10.0.0.0/8 except 10.0.0.0/24,10.255.0.1`, `2001:db8::/48`, `20000-29999`, `cpu=16,mem=64Gi` |
//! | amount | `4` (in a row), `/29` (an aligned prefix), `cpu=2,mem=4Gi` |
//! | part | `10.0.0.8/29`, `10.0.0.7-10.0.0.9`, `20000-20015`, `cpu=2` |

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Amount, Amounts, Family, Interval, InvalidSpace, Part, Space, invalid};
use crate::limits::KINDS_PER_QUANTITY_MAX;
use crate::name::Name;

const UNITS: [(&str, u64); 10] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
];

/// A whole number with a unit if wanted: `64Gi` is 64 × 2^30, `3k` is 3,000. None when it is no
/// number or does not fit.
#[must_use]
pub fn scaled_number(text: &str) -> Option<u64> {
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let factor = match unit {
        "" => 1,
        _ => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// A number as it is read best: whole multiples of 2^20 and more with their unit.
struct Scaled(u64);

impl fmt::Display for Scaled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in UNITS[1..5].iter().rev() {
            if self.0 > 0 && self.0.is_multiple_of(*factor) {
                return write!(f, "{}{unit}", self.0 / factor);
            }
        }
        write!(f, "{}", self.0)
    }
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

fn amounts(text: &str) -> Result<Amounts, InvalidSpace> {
    let mut amounts = Amounts::new();
    for entry in text.split(',') {
        let (kind, number) = entry
            .split_once('=')
            .ok_or_else(|| invalid(format!("a kind is written cpu=2, not {}", shown(entry))))?;
        let kind = Name::new(kind.trim()).map_err(|error| invalid(error.reason))?;
        let amount = scaled_number(number.trim()).ok_or_else(|| {
            invalid(format!(
                "{kind} needs a whole number such as 2 or 4Gi, not {}",
                shown(number)
            ))
        })?;
        if amounts.len() == KINDS_PER_QUANTITY_MAX {
            return Err(invalid(format!(
                "a quantity has at most {KINDS_PER_QUANTITY_MAX} kinds"
            )));
        }
        if let Some(twice) = amounts.insert(kind.clone(), amount) {
            return Err(invalid(format!(
                "{kind} comes twice, as {} at first",
                Scaled(twice)
            )));
        }
    }
    Ok(amounts)
}

fn write_amounts(f: &mut fmt::Formatter<'_>, amounts: &Amounts) -> fmt::Result {
    for (index, (kind, amount)) in amounts.iter().enumerate() {
        write!(
            f,
            "{}{kind}={}",
            if index == 0 { "" } else { "," },
            Scaled(*amount)
        )?;
    }
    Ok(())
}

fn number(text: &str) -> Result<(Family, u128), InvalidSpace> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(match address {
            IpAddr::V4(address) => (Family::V4, u128::from(address.to_bits())),
            IpAddr::V6(address) => (Family::V6, address.to_bits()),
        });
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok((Family::Port, u128::from(port))),
        _ => Err(invalid(format!(
            "a range is of IPv4 or IPv6 addresses or of ports 1 to 65535, not {}",
            shown(text)
        ))),
    }
}

/// `address/length`, `first-last` or one address or port.
fn interval(text: &str) -> Result<(Family, Interval), InvalidSpace> {
    if let Some((address, length)) = text.split_once('/') {
        return prefix(text, address, length);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ((family, first), (last_family, last)) = (number(first)?, number(last)?);
    if family != last_family {
        return Err(invalid(format!(
            "a range has one family, unlike {}",
            shown(text)
        )));
    }
    let interval = Interval::new(first, last).ok_or_else(|| {
        invalid(format!(
            "a range begins with its lowest, unlike {}",
            shown(text)
        ))
    })?;
    Ok((family, interval))
}

fn prefix(text: &str, address: &str, length: &str) -> Result<(Family, Interval), InvalidSpace> {
    let (family, first) = number(address)?;
    let order = family
        .prefix_bits()
        .and_then(|bits| bits.checked_sub(prefix_length(length)?))
        .ok_or_else(|| invalid(format!("{} has no such prefix length", shown(text))))?;
    let host_bits = 1u128
        .checked_shl(u32::from(order))
        .map_or(u128::MAX, |len| len - 1);
    let network = first & !host_bits;
    let interval = Interval::new(network, network | host_bits);
    match interval {
        Some(interval) if network == first => Ok((family, interval)),
        Some(interval) => Err(invalid(format!(
            "{} has bits set behind its prefix; {} has not",
            shown(text),
            Part::Interval { family, interval }
        ))),
        None => Err(invalid(format!("{} is no prefix", shown(text)))),
    }
}

fn prefix_length(text: &str) -> Option<u8> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn intervals(text: &str) -> Result<Vec<(Family, Interval)>, InvalidSpace> {
    text.split(',')
        .map(|piece| interval(piece.trim()))
        .collect()
}

impl FromStr for Space {
    type Err = InvalidSpace;

    fn from_str(text: &str) -> Result<Self, InvalidSpace> {
        if text.contains('=') {
            return Self::quantity(amounts(text)?);
        }
        let (whole, excluded) = match text.split_once(" except ") {
            Some((whole, excluded)) => (intervals(whole)?, intervals(excluded)?),
            None => (intervals(text)?, Vec::new()),
        };
        let Some((family, _)) = whole.first().copied() else {
            return Err(invalid("a range has at least one address or port"));
        };
        if whole
            .iter()
            .chain(&excluded)
            .any(|(other, _)| *other != family)
        {
            return Err(invalid("a range has addresses or ports of one family only"));
        }
        let plain = |list: Vec<(Family, Interval)>| list.into_iter().map(|(_, i)| i).collect();
        Self::range(family, plain(whole), plain(excluded))
    }
}

impl fmt::Display for Space {
    /// The definition; what is free is not in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => write_amounts(f, quantity.whole()),
            Self::Range(range) => {
                write_intervals(f, range.family(), range.whole())?;
                if !range.excluded().is_empty() {
                    f.write_str(" except ")?;
                    write_intervals(f, range.family(), range.excluded())?;
                }
                Ok(())
            }
        }
    }
}

fn write_intervals(
    f: &mut fmt::Formatter<'_>,
    family: Family,
    intervals: &[Interval],
) -> fmt::Result {
    for (index, interval) in intervals.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { "," })?;
        write_interval(f, family, *interval)?;
    }
    Ok(())
}

fn write_interval(f: &mut fmt::Formatter<'_>, family: Family, interval: Interval) -> fmt::Result {
    write_number(f, family, interval.first())?;
    if interval.first() == interval.last() {
        return Ok(());
    }
    match (family.prefix_bits(), interval.block_order()) {
        (Some(bits), Some(order)) => write!(f, "/{}", bits.saturating_sub(order)),
        _ => {
            f.write_str("-")?;
            write_number(f, family, interval.last())
        }
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, family: Family, number: u128) -> fmt::Result {
    match (family, u32::try_from(number)) {
        (Family::V4, Ok(bits)) => write!(f, "{}", Ipv4Addr::from_bits(bits)),
        (Family::V6, _) => write!(f, "{}", Ipv6Addr::from_bits(number)),
        (Family::Port | Family::V4, _) => write!(f, "{number}"),
    }
}

impl FromStr for Part {
    type Err = InvalidSpace;

    fn from_str(text: &str) -> Result<Self, InvalidSpace> {
        if text.contains('=') {
            return amounts(text).map(Self::Quantity);
        }
        let (family, interval) = interval(text.trim())?;
        Ok(Self::Interval { family, interval })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval { family, interval } => write_interval(f, *family, *interval),
            Self::Quantity(amounts) => write_amounts(f, amounts),
        }
    }
}

impl FromStr for Amount {
    type Err = InvalidSpace;

    fn from_str(text: &str) -> Result<Self, InvalidSpace> {
        let text = text.trim();
        if text.contains('=') {
            let amounts = amounts(text)?;
            if let Some((kind, _)) = amounts.iter().find(|(_, amount)| **amount == 0) {
                return Err(invalid(format!(
                    "leave {kind} out instead of asking for 0 of it"
                )));
            }
            return Ok(Self::Quantity(amounts));
        }
        let found = match text.strip_prefix('/') {
            Some(length) => prefix_length(length)
                .filter(|l| *l <= 128)
                .map(Self::Prefix),
            None => scaled_number(text)
                .filter(|count| *count > 0)
                .map(Self::Count),
        };
        found.ok_or_else(|| {
            invalid(format!(
                "an amount is a count, a prefix such as /29, or cpu=2, not {}",
                shown(text)
            ))
        })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Prefix(length) => write!(f, "/{length}"),
            Self::Quantity(amounts) => write_amounts(f, amounts),
        }
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text! { Space Amount Part }
