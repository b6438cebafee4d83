//! Kinds of events, as the journal names them and as whoever is told of them reads them.

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::Event;

/// Bookkeeping, of which nobody is told.
const UNTOLD: &str = "outcome.";

/// Is this a kind of event of which somebody may be told (`lease.granted`), or a noun that has such
/// (`lease`)?
pub fn is_told(word: &str) -> bool {
    let mut told = kinds().iter().filter(|kind| !kind.starts_with(UNTOLD));
    told.any(|kind| *kind == word || kind.split('.').next() == Some(word))
}

/// All kinds, in the order in which [`Event`] has them: read off it, so that no second list can lack one.
fn kinds() -> &'static [&'static str] {
    let mut kinds: &[_] = &[];
    // An error always: the names are told before anything is read.
    let _ = Event::deserialize(Names(&mut kinds));
    kinds
}

/// Notes the names of an enum's variants and reads nothing.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("nothing is read"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_their_nouns_are_told_and_bookkeeping_is_not() {
        for word in ["lease", "lease.granted", "host", "webhook.gone"] {
            assert!(is_told(word), "{word}");
        }
        for word in [
            "",
            ".",
            "lease.",
            "leas",
            "lease.grant",
            "outcome",
            "outcome.kept",
        ] {
            assert!(!is_told(word), "{word}");
        }
        assert!(kinds().iter().all(|kind| kind.matches('.').count() == 1));
    }
}
