//! A time of day on the wire: RFC 3339 in UTC with milliseconds, `2031-04-05T06:07:08.009Z`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

const DAY_S: u64 = 86_400;
const DAY_MS: u64 = DAY_S * 1_000;
/// The last millisecond of the year 9999, the last that RFC 3339 can write.
const LAST_MS: u64 = 253_402_300_799_999;

/// Milliseconds since 1970-01-01T00:00:00Z; later than the year 9999 is written as its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2031-04-05T06:07:08.009Z")]
pub struct Timestamp(pub u64);

/// The text is not an RFC 3339 time between 1970 and 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time like 2031-04-05T06:07:08Z (RFC 3339, from 1970 to 9999)")]
pub struct InvalidTimestamp;

/// Days since 1970 to (year, month, day), by counting from 0000-03-01 so that the leap day is the
/// last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The reverse of [`civil`]; nothing for dates that do not exist.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    let days = (era * 146_097 + of_era).checked_sub(719_468)?;
    (civil(days) == (year, month, day)).then_some(days)
}

/// A time of day with as many digits of a second as `N` leaves: 24 for milliseconds, 27 for
/// microseconds. Laid out by hand, as it stands in every answer and line several times.
fn lay<const N: usize>(seconds: u64, fraction: u64) -> [u8; N] {
    let (year, month, day) = civil(seconds / DAY_S);
    let of_day = seconds % DAY_S;
    let numbers = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, of_day / 3_600),
        (14..16, of_day / 60 % 60),
        (17..19, of_day % 60),
        (20..N - 1, fraction),
    ];
    let mut text = [b'-'; N];
    for (at, mut number) in numbers {
        for digit in text[at].iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
    for (at, mark) in [
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (N - 1, b'Z'),
    ] {
        text[at] = mark;
    }
    text
}

/// Microseconds since 1970-01-01T00:00:00Z as lines of a log have them, `2031-04-05T06:07:08.009010Z`.
#[must_use]
pub fn to_the_microsecond(us: u64) -> [u8; 27] {
    let us = us.min(LAST_MS * 1_000 + 999);
    lay(us / 1_000_000, us % 1_000_000)
}

impl Timestamp {
    fn text(self) -> [u8; 24] {
        let ms = self.0.min(LAST_MS);
        lay(ms / 1_000, ms % 1_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let at_ms = parse(text).filter(|ms| *ms <= LAST_MS);
        at_ms.map(Self).ok_or(InvalidTimestamp)
    }
}

fn parse(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let field = |from: usize, to: usize| -> Option<u64> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0, |n, b| {
            b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark))
        || !matches!(bytes.get(10), Some(b'T' | b't' | b' '))
    {
        return None;
    }
    let day = days(field(0, 4)?, field(5, 7)?, field(8, 10)?)?;
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction_ms, rest) = fraction(bytes.get(19..)?)?;
    let local = day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + fraction_ms;
    match rest {
        b"Z" | b"z" => Some(local),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = text.len() - 5;
            let (hours, minutes) = (field(at, at + 2)?, field(at + 3, at + 5)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = (hours * 60 + minutes) * 60_000;
            if *sign == b'+' {
                local.checked_sub(offset)
            } else {
                Some(local + offset)
            }
        }
        _ => None,
    }
}

/// Milliseconds of a fraction like `.0091`, cut, and what follows it.
fn fraction(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let Some(digits) = bytes.strip_prefix(b".") else {
        return Some((0, bytes));
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || count > 18 {
        return None;
    }
    let ms = (0..3).fold(0, |n, i| {
        n * 10
            + digits
                .get(i)
                .filter(|_| i < count)
                .map_or(0, |b| u64::from(b - b'0'))
    });
    Some((ms, &digits[count..]))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        s.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_print_as_the_calendar_has_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_234_567_890_123, "2009-02-13T23:31:30.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp(ms).to_string(), text);
            let fine = to_the_microsecond(ms.saturating_mul(1_000));
            assert!(fine.starts_with(&text.as_bytes()[..23]), "{fine:?}");
        }
        assert_eq!(
            &to_the_microsecond(1_234_567_890_123_045),
            b"2009-02-13T23:31:30.123045Z"
        );
    }

    #[test]
    fn every_day_of_four_centuries_parses_to_itself() {
        for day in 10_000..160_000 {
            let at = Timestamp(day * DAY_MS + 12_345_678);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
    }

    #[test]
    fn offsets_and_fractions_are_understood() {
        for (text, ms) in [
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01 00:00:00.5z", 500),
            ("1970-01-01t00:00:00.0019999-00:01", 60_001),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "2031",
            "2031-02-29T00:00:00Z",
            "2031-13-01T00:00:00Z",
            "2031-01-01T24:00:00Z",
            "2031-01-01T00:00:00",
            "2031-01-01T00:00:00.Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2031-01-00T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
            "2031-01-01T00:00:00+1:000",
            "2031-01-01T00:00:00Zé",
            "é031-01-01T00:00:00Z",
            "20é1-01-01T00:00:00Z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(InvalidTimestamp), "{bad}");
        }
    }
}
