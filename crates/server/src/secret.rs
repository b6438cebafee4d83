//! The secret that a caller shows, whatever the entrance. Secrets are known to their bearers alone;
//! here there are only their SHA-256.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caviada_core::limits;
use sha2::{Digest as _, Sha256};

/// Longest secret that is taken, in characters.
pub const SECRET_CHARS_MAX: usize = limits::server::SECRET_CHARS_MAX;

/// The secret of `Authorization: Bearer SECRET`.
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, secret) = value.split_at_checked(7)?;
    let secret = secret.trim_ascii();
    let sound = scheme.eq_ignore_ascii_case(b"bearer ") && !secret.is_empty();
    (sound && secret.len() <= SECRET_CHARS_MAX).then_some(secret)
}

/// The secret of `Authorization: Basic …`: the password; the user name is for people.
pub fn basic(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, coded) = value.split_at_checked(6)?;
    let longest = (limits::server::USER_CHARS_MAX + SECRET_CHARS_MAX).div_ceil(3) * 4 + 8;
    if !scheme.eq_ignore_ascii_case(b"basic ") || coded.len() > longest {
        return None;
    }
    let plain = STANDARD.decode(coded.trim_ascii()).ok()?;
    let at = plain.iter().position(|b| *b == b':')?;
    let secret = &plain[at + 1..];
    (1..=SECRET_CHARS_MAX)
        .contains(&secret.len())
        .then(|| secret.to_vec())
}

/// What is kept of a secret.
pub fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn only_a_bearer_is_heard() {
        assert_eq!(bearer(&headers("Bearer abc")), Some(&b"abc"[..]));
        assert_eq!(bearer(&headers("bearer  abc ")), Some(&b"abc"[..]));
        let long = format!("Bearer {}", "x".repeat(257));
        for bad in [
            "",
            "abc",
            "Basic abc",
            "Bearer",
            "Bearer ",
            "Bearerabc",
            &long,
        ] {
            assert_eq!(bearer(&headers(bad)), None, "{bad}");
        }
    }

    #[test]
    fn the_password_is_the_secret() {
        let coded = |text: &str| headers(&format!("Basic {}", STANDARD.encode(text)));
        assert_eq!(basic(&coded("admin:abc:d")).unwrap(), b"abc:d");
        assert_eq!(basic(&coded(":abc")).unwrap(), b"abc");
        for bad in ["abc", "abc:", &format!("a:{}", "x".repeat(257))] {
            assert_eq!(basic(&coded(bad)), None, "{bad}");
        }
        for bad in ["", "Basic", "Basic ?", "Bearer abc"] {
            assert_eq!(basic(&headers(bad)), None, "{bad}");
        }
    }
}
