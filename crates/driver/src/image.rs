//! Where images come from, and how they are brought in by hand.

pub mod bundle;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;

/// Whom an engine asks for images, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSources {
    /// Stands in for Docker Hub: `mirror.example:5000`, with a path if its images lie below one.
    pub mirror: Option<String>,
    /// Registry → what proves there who we are.
    pub registries: BTreeMap<String, RegistryCredential>,
}

/// What proves to a registry who we are. Printing it shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum RegistryCredential {
    /// A user and his password.
    Password {
        /// The user.
        username: Arc<str>,
        /// His password.
        password: Arc<str>,
    },
    /// An identity token.
    Token(Arc<str>),
}

impl fmt::Debug for RegistryCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::Token(_) => "Token",
        })
    }
}

/// Takes bytes that came and bytes in all, as far as is known yet.
pub type OnBytes<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// An archive as it comes; an error of its own ends whatever reads it.
pub type Archive = BoxStream<'static, std::io::Result<Bytes>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_does_not_print_itself() {
        let password = RegistryCredential::Password {
            username: "robot-7".into(),
            password: "hush".into(),
        };
        let token = RegistryCredential::Token("hush".into());
        let sources = ImageSources {
            mirror: None,
            registries: [("a.x".into(), password), ("b.x".into(), token)].into(),
        };
        let text = format!("{sources:?}");
        assert!(
            !text.contains("hush") && !text.contains("robot-7"),
            "{text}"
        );
    }
}
