//! Where the images of a host come from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom a host's engine asks for images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct HostImages {
    /// Stands in for Docker Hub: images that name no registry are pulled from there, and are known
    /// by their own names afterwards. `mirror.example:5000`, with a path if they lie below one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// Pull nothing before something is built of it; else what may be needed there is pulled
    /// beforehand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Registry → what proves there who we are; `docker.io` is Docker Hub. Sealed in the store and
    /// never shown. A registry that is not named here keeps what is stored for it; an empty
    /// credential, `{}`, removes that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub registries: BTreeMap<String, RegistryCredential>,
}

/// What proves to a registry who we are: user and password, or a token. Its `Debug` says only what
/// is set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryCredential {
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The user's password, or an access token used as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// An identity token, alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_token: Option<String>,
}

impl HostImages {
    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Debug for RegistryCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryCredential")
            .field("username", &self.username.is_some())
            .field("password", &self.password.is_some())
            .field("identity_token", &self.identity_token.is_some())
            .finish()
    }
}
