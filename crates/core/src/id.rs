//! Typed ids. Every id and every fence comes from one rising counter in `State`, so an id is never
//! used twice and sorts by creation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Crockford's base 32 in lower case: digits sort before letters, and no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 digits of five bits hold 64 bits.
const WIDTH: usize = 13;

/// The longest prefix, `_` and the digits.
const TEXT_BYTES: usize = 5 + 1 + WIDTH;

/// An id as text, made in place: it stands in every answer and event several times.
struct Text {
    bytes: [u8; TEXT_BYTES],
    len: usize,
}

impl Text {
    fn of(prefix: &str, n: u64) -> Self {
        let (mut bytes, at) = ([b'_'; TEXT_BYTES], prefix.len() + 1);
        bytes[..prefix.len()].copy_from_slice(prefix.as_bytes());
        for (i, digit) in bytes[at..at + WIDTH].iter_mut().rev().enumerate() {
            *digit = ALPHABET[((n >> (5 * i)) & 31) as usize];
        }
        Self {
            bytes,
            len: at + WIDTH,
        }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

fn decode(s: &str) -> Option<u64> {
    if s.len() != WIDTH {
        return None;
    }
    s.bytes().try_fold(0u64, |n, b| {
        let digit = ALPHABET.iter().position(|a| *a == b)? as u64;
        n.checked_mul(32)?.checked_add(digit)
    })
}

/// An id as text was not of the form `prefix_` and 13 base-32 digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ and {WIDTH} characters")]
pub struct InvalidId {
    /// What the id should have begun with.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Text::of($prefix, self.0).as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                s.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() {
                    s.serialize_str(Text::of($prefix, self.0).as_str())
                } else {
                    s.serialize_u64(self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
                } else {
                    u64::deserialize(d).map(Self)
                }
            }
        }
    )*};
}

ids! {
    /// A pool.
    PoolId = "pool";
    /// A resource, slices included.
    ResourceId = "res";
    /// A lease; the id of a call to acquire, whether it was granted at once or waits.
    LeaseId = "lease";
    /// A host.
    HostId = "host";
    /// One immutable revision of a template.
    TemplateId = "tmpl";
    /// An API key. Not the secret.
    KeyId = "key";
    /// A quota.
    QuotaId = "quota";
    /// A webhook.
    WebhookId = "hook";
    /// A user.
    UserId = "user";
}

/// A lease's grant number. Per resource it only ever rises, so whoever remembers the highest he
/// saw can refuse a late holder.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_and_parses_to_itself_and_sorts_by_number() {
        let mut last = String::new();
        for n in [0, 1, 31, 32, 1 << 40, u64::MAX] {
            let text = LeaseId(n).to_string();
            assert_eq!(text.parse(), Ok(LeaseId(n)));
            assert!(text > last, "{text} after {last}");
            last = text;
        }
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for bad in [
            "",
            "lease_",
            "pool_0000000000001",
            "lease_000000000000u",
            "lease_g000000000000",
            "lease_0000000000001x",
        ] {
            assert!(bad.parse::<LeaseId>().is_err(), "{bad}");
        }
    }
}
