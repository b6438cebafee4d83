//! Users: people who sign in with a name and a password. What they hold is held by the owner of
//! their name.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::event::Number;
use crate::id::UserId;
use crate::key::Role;
use crate::limits;
use crate::name::Owner;
use crate::time::Time;

/// A user as State holds him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// From the ledger's counter.
    pub id: UserId,
    /// What he signs in with, unique, and the owner he acts for.
    pub name: Owner,
    /// What his admin says of him.
    pub spec: UserSpec,
    /// What he says of himself.
    pub profile: Arc<Profile>,
    /// His password, hashed; without one he cannot sign in.
    pub password: Option<Password>,
    /// Sessions that began before this event are over.
    pub sessions: Number,
    /// When he last signed in, in ledger time.
    pub signed_in_at: Option<Time>,
    /// When he was entered, in ledger time.
    pub made_at: Time,
    /// Number of the last event that changed him: his ETag.
    pub changed: Number,
}

/// What an admin says of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSpec {
    /// What he may do.
    pub role: Role,
    /// May he sign in?
    pub active: bool,
    /// Credits, as the older systems counted them. Nothing here depends on it.
    pub balance: i64,
}

/// What a user says of himself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// His name, as people write it.
    pub name: Box<str>,
    /// Where mail reaches him; empty, or one address.
    pub email: Box<str>,
    /// About him.
    pub bio: Box<str>,
    /// Whom he works for.
    pub organization: Box<str>,
    /// His page.
    pub url: Box<str>,
    /// Where he is.
    pub location: Box<str>,
}

impl Profile {
    /// Its texts, each with its name.
    pub fn texts(&self) -> [(&'static str, &str); 6] {
        [
            ("profile.name", &self.name),
            ("profile.email", &self.email),
            ("profile.bio", &self.bio),
            ("profile.organization", &self.organization),
            ("profile.url", &self.url),
            ("profile.location", &self.location),
        ]
    }
}

/// Can a user have this name? Addresses name users, and lose a segment `.` or `..` on their way.
pub fn can_be_called(name: &Owner) -> bool {
    !matches!(name.as_str(), "." | "..")
}

/// A password's hash as text: argon2id, or bcrypt where it came from an older system. It is nobody's
/// to read.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Password(Box<str>);

/// How a password was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashed {
    /// As here.
    Argon2id,
    /// As in an older system.
    Bcrypt,
}

/// A text is no hash that is taken here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a hash as argon2id (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`, m at most {}, t at most {}, p at most {}) or bcrypt (`$2b$12$…`, cost at most {}) writes it",
    limits::ARGON2_MEMORY_KIB_MAX,
    limits::ARGON2_PASSES_MAX,
    limits::ARGON2_LANES_MAX,
    limits::BCRYPT_COST_MAX
)]
pub struct InvalidPassword;

impl Password {
    /// Keeps the text of a hash.
    ///
    /// # Errors
    /// When it is none, or one that would cost more to check than a server has to spare.
    pub fn new(hash: &str) -> Result<Self, InvalidPassword> {
        let sound = hash.len() <= limits::PASSWORD_HASH_BYTES_MAX
            && (argon2id(hash).is_some() || bcrypt(hash).is_some());
        sound.then(|| Self(hash.into())).ok_or(InvalidPassword)
    }

    /// How it was hashed.
    pub fn hashed(&self) -> Hashed {
        match self.0.starts_with("$2") {
            true => Hashed::Bcrypt,
            false => Hashed::Argon2id,
        }
    }

    /// The hash, for whoever checks a password against it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    /// Without the hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Password({:?})", self.hashed())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let hash = Box::<str>::deserialize(d)?;
        Self::new(&hash).map_err(serde::de::Error::custom)
    }
}

/// `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, within bounds.
fn argon2id(text: &str) -> Option<()> {
    let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut costs = parts.next()?.split(',');
    for (name, min, max) in [
        ("m=", 8, limits::ARGON2_MEMORY_KIB_MAX),
        ("t=", 1, limits::ARGON2_PASSES_MAX),
        ("p=", 1, limits::ARGON2_LANES_MAX),
    ] {
        let cost: u32 = number(costs.next()?.strip_prefix(name)?)?;
        (min..=max).contains(&cost).then_some(())?;
    }
    let (salt, hash) = (parts.next()?, parts.next()?);
    let base64 = |t: &str| {
        t.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b))
    };
    let sound = (11..=64).contains(&salt.len())
        && (22..=86).contains(&hash.len())
        && base64(salt)
        && base64(hash);
    (sound && costs.next().is_none() && parts.next().is_none()).then_some(())
}

/// `$2b$12$` and 53 characters of salt and hash.
fn bcrypt(text: &str) -> Option<()> {
    let kinds = ["$2a$", "$2b$", "$2x$", "$2y$"];
    let rest = kinds.iter().find_map(|kind| text.strip_prefix(kind))?;
    let (cost, rest) = rest.split_once('$')?;
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"./".contains(&b);
    let cost: u32 = number(cost).filter(|_| cost.len() == 2)?;
    let sound = (4..=limits::BCRYPT_COST_MAX).contains(&cost)
        && rest.len() == 53
        && rest.bytes().all(base64);
    sound.then_some(())
}

/// Digits alone: `parse` takes a sign, too.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Something before one `@`, and a name with a dot behind it. Whether mail arrives is for mail to
/// say.
pub fn is_address(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let dotted = host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
    !local.is_empty()
        && dotted
        && !host.contains('@')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2ID: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
    const BCRYPT: &str = "$2b$12$abcdefghijklmnopqrstuuJ8k8a1b2c3d4e5f6g7h8i9j0k1l2m3n";

    #[test]
    fn a_hash_is_taken_if_checking_it_costs_no_more_than_there_is() {
        assert_eq!(Password::new(ARGON2ID).unwrap().hashed(), Hashed::Argon2id);
        assert_eq!(Password::new(BCRYPT).unwrap().hashed(), Hashed::Bcrypt);
        let dear = ARGON2ID.replace("m=19456", "m=4194304");
        let slow = ARGON2ID.replace("t=2", "t=1000");
        for bad in [
            "",
            "hush",
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA",
            &dear,
            &slow,
            &ARGON2ID.replace("t=2", "t=+2"),
            &ARGON2ID.replace(",p=1", ""),
            &format!("{ARGON2ID}$x"),
            &BCRYPT.replace("$12$", "$31$"),
            &BCRYPT.replace("$12$", "$+4$"),
            &BCRYPT[..59],
            "$1$salt$hash",
        ] {
            assert_eq!(Password::new(bad), Err(InvalidPassword), "{bad}");
        }
    }

    #[test]
    fn a_hash_does_not_print_itself() {
        let password = Password::new(BCRYPT).unwrap();
        assert_eq!(format!("{password:?}"), "Password(Bcrypt)");
    }

    #[test]
    fn a_hash_out_of_a_store_is_checked() {
        let text = serde_json::to_string(&Password::new(BCRYPT).unwrap()).unwrap();
        assert!(serde_json::from_str::<Password>(&text).is_ok());
        assert!(serde_json::from_str::<Password>("\"hush\"").is_err());
    }

    #[test]
    fn an_address_is_told_from_what_is_none() {
        for good in ["a@b.c", "ann.lee+x@mail.example.org", "jörg@bücher.example"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "", "a", "@b.c", "a@", "a@b", "a@.c", "a@b.", "a b@c.d", "a@b@c.d", "a@b.c\n",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
