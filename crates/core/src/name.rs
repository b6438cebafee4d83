//! What things and people may be called. A value of one of these types is valid by construction.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::ResourceId;
use crate::limits::{NAME_BYTES_MAX, OWNER_BYTES_MAX, RESOURCE_NAME_BYTES_MAX};

/// A text cannot be the name it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidName {
    /// What is wrong and what is allowed, as one sentence without a full stop.
    pub reason: String,
}

fn invalid(reason: String) -> InvalidName {
    InvalidName { reason }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident checked by $check:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and keeps a text.
            ///
            /// # Errors
            /// When the text breaks the rule above; the reason names the rule.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(&text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        // Lets a map keyed by names be asked with a plain text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(&String::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// The name of a pool, template or host, or of a kind in a quantity: 1 to 63 characters of
    /// `a`–`z`, `0`–`9` and `-`, a letter or digit first and last. It fits a DNS label, a label on
    /// an engine and a file name without quoting.
    Name checked by check_name;

    /// The name of a resource: 1 to 255 bytes of UTF-8 without control characters. Machines and
    /// addresses bring the names they have.
    ResourceName checked by check_resource_name;

    /// Whom a lease is for: 1 to 128 bytes of UTF-8 without control characters, invisible ones and
    /// blanks first or last, since such a name looks like another one.
    Owner checked by check_owner;
}

impl ResourceName {
    /// A name as close to `text` as the rule allows: control characters become blanks, what is too
    /// long is cut off, nothing at all becomes `unnamed`.
    #[must_use]
    pub fn fitting(text: &str) -> Self {
        let mut name: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        name.truncate(name.floor_char_boundary(RESOURCE_NAME_BYTES_MAX));
        if name.is_empty() {
            Self::default()
        } else {
            Self(name.into())
        }
    }
}

impl ResourceName {
    /// `text-3x5`: a name that no other id can have. What is too long is cut off before the number.
    #[must_use]
    pub fn numbered(text: &str, id: ResourceId) -> Self {
        let id = id.to_string();
        let number = id.rsplit('_').next().unwrap_or(&id).trim_start_matches('0');
        let text = Self::fitting(text);
        let room = RESOURCE_NAME_BYTES_MAX.saturating_sub(number.len() + 1);
        let kept = &text.0[..text.0.floor_char_boundary(room)];
        Self(format!("{kept}-{number}").into())
    }
}

impl Default for ResourceName {
    /// `unnamed`.
    fn default() -> Self {
        Self("unnamed".into())
    }
}

fn check_name(text: &str) -> Result<(), InvalidName> {
    let rule = "a name has 1 to 63 characters of a-z, 0-9 and -, a letter or digit first and last";
    if text.is_empty() || text.len() > NAME_BYTES_MAX {
        return Err(invalid(format!(
            "{rule}; this one has {}",
            text.chars().count()
        )));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Err(invalid(format!("{rule}; {c:?} is none of them")));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(invalid(format!("{rule}; this one has - there")));
    }
    Ok(())
}

fn check_resource_name(text: &str) -> Result<(), InvalidName> {
    check_text("a resource's name", text, RESOURCE_NAME_BYTES_MAX)
}

fn check_owner(text: &str) -> Result<(), InvalidName> {
    check_text("an owner's name", text, OWNER_BYTES_MAX)?;
    if text.trim() != text {
        return Err(invalid("an owner's name has no blank first or last".into()));
    }
    if let Some(c) = text.chars().find(|c| is_invisible(*c)) {
        return Err(invalid(format!(
            "an owner's name has no invisible characters; {c:?} is one"
        )));
    }
    Ok(())
}

/// Joiners, direction marks and separators that show nothing themselves.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}')
}

fn check_text(what: &str, text: &str, bytes_max: usize) -> Result<(), InvalidName> {
    if text.is_empty() || text.len() > bytes_max {
        return Err(invalid(format!(
            "{what} has 1 to {bytes_max} bytes of UTF-8; this one has {}",
            text.len()
        )));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(invalid(format!(
            "{what} has no control characters; {c:?} is one"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_name_is_its_ids_own_however_long_the_text() {
        let name = |text: &str, id| ResourceName::numbered(text, ResourceId(id)).to_string();
        assert_eq!(name("10.20.0.0/29", 37), "10.20.0.0/29-15");
        assert_eq!(name("cpu=2,mem=64", 1_000), "cpu=2,mem=64-z8");
        for long in ["x".repeat(300), "ö".repeat(200)] {
            let (one, other) = (name(&long, 37), name(&long, u64::MAX));
            assert!(one != other && one.ends_with("-15"));
            for text in [one, other] {
                assert!(text.len() <= RESOURCE_NAME_BYTES_MAX);
                assert_eq!(ResourceName::new(&text).unwrap(), *text);
            }
        }
    }

    #[test]
    fn a_name_is_one_dns_label() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "fabric-2", "a--b", &longest] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(64);
        for bad in [
            "", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "a\n", &too_long,
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_resource_brings_the_name_it_has() {
        let longest = "ü".repeat(127);
        for good in ["10.0.0.1", "rack 4 / slot 2", "Кобыла", " ", &longest] {
            assert_eq!(ResourceName::new(good).unwrap().as_str(), good);
        }
        let too_long = "ü".repeat(128);
        for bad in ["", "a\0b", "a\nb", "\u{85}", &too_long] {
            assert!(ResourceName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn any_text_can_be_made_to_fit_a_resource() {
        let long = "ü".repeat(200);
        for text in ["10.0.0.1", "a\nb", "", "\0", &long] {
            let name = ResourceName::fitting(text);
            assert_eq!(ResourceName::new(name.as_str()).as_ref(), Ok(&name));
        }
        assert_eq!(ResourceName::fitting("10.0.0.1"), "10.0.0.1");
        assert_eq!(ResourceName::fitting("a\nb"), "a b");
        assert_eq!(ResourceName::fitting(&long).as_str().len(), 254);
    }

    #[test]
    fn an_owner_does_not_look_like_another() {
        let longest = "o".repeat(128);
        for good in ["ann@example.org", "CI job 7", &longest] {
            assert_eq!(Owner::new(good).unwrap().as_str(), good);
        }
        let too_long = "o".repeat(129);
        for bad in [
            "",
            " ann",
            "ann\u{a0}",
            "an\tn",
            "an\u{200b}n",
            "\u{202e}nna",
            &too_long,
        ] {
            assert!(Owner::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_out_of_json_is_checked() {
        assert_eq!(serde_json::from_str::<Name>("\"p1\"").unwrap(), "p1");
        let error = serde_json::from_str::<Name>("\"P1\"").unwrap_err();
        assert!(error.to_string().contains("'P' is none of them"), "{error}");
        assert_eq!(
            serde_json::to_string(&Name::new("p1").unwrap()).unwrap(),
            "\"p1\""
        );
    }
}
