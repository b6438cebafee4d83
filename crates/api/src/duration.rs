//! Durations as people write them, on the command line and in files: `30s`, `1h30m`, `250ms`.

use std::fmt;
use std::str::FromStr;

use caviada_core::limits;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Units from the largest, in milliseconds.
const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A length of time in milliseconds, at most a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(pub u64);

/// The text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// Not number-unit pairs.
    #[error(
        "not a duration: write numbers with units, like 30s, 1h30m or 250ms (w, d, h, m, s, ms)"
    )]
    Malformed,
    /// Longer than can be meant.
    #[error("a duration is at most 100 years")]
    TooLong,
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        if text == "0" {
            return Ok(Self(0));
        }
        let mut rest = text;
        let mut sum_ms = 0_u64;
        let mut last_unit_ms = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..]
                .bytes()
                .take_while(u8::is_ascii_alphabetic)
                .count();
            let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
            if digits == 0 {
                return Err(InvalidDuration::Malformed);
            }
            let (_, unit_ms) = UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .ok_or(InvalidDuration::Malformed)?;
            // Falling units only: `30s1h` and `1h1h` are slips.
            if *unit_ms >= last_unit_ms {
                return Err(InvalidDuration::Malformed);
            }
            last_unit_ms = *unit_ms;
            let number: u64 = number.parse().map_err(|_| InvalidDuration::TooLong)?;
            sum_ms = number
                .checked_mul(*unit_ms)
                .and_then(|ms| ms.checked_add(sum_ms))
                .filter(|ms| *ms <= limits::client::DURATION_MS_MAX)
                .ok_or(InvalidDuration::TooLong)?;
            rest = &rest[digits + letters..];
        }
        if text.is_empty() {
            return Err(InvalidDuration::Malformed);
        }
        Ok(Self(sum_ms))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest_ms = self.0;
        for (unit, unit_ms) in UNITS {
            if rest_ms >= unit_ms {
                write!(f, "{}{unit}", rest_ms / unit_ms)?;
                rest_ms %= unit_ms;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_millis(duration.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_prints_and_parses_to_itself() {
        for (text, ms) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("2w", 1_209_600_000),
            ("1d1ms", 86_400_001),
        ] {
            assert_eq!(text.parse(), Ok(Duration(ms)));
            assert_eq!(Duration(ms).to_string(), text);
        }
        assert_eq!("0".parse(), Ok(Duration(0)));
        assert_eq!(
            "90s".parse::<Duration>().map(|d| d.to_string()),
            Ok("1m30s".into())
        );
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        use InvalidDuration::{Malformed, TooLong};
        for (bad, why) in [
            ("", Malformed),
            ("30", Malformed),
            ("s", Malformed),
            ("-1s", Malformed),
            ("1.5h", Malformed),
            ("30s1h", Malformed),
            ("1h1h", Malformed),
            ("1 h", Malformed),
            ("1é", Malformed),
            ("99999999999999999999999s", TooLong),
            ("101w1000000000000000d", TooLong),
        ] {
            assert_eq!(bad.parse::<Duration>(), Err(why), "{bad}");
        }
    }
}
