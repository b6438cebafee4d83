//! `/api/v1/keys`: the credentials that speak for owners.

use std::fmt;

use caviada_core::id::KeyId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;

/// `POST /keys`: 201 with a [`CreatedKey`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For people; unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For whom it speaks; its name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Groups of the owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Pools in which it may acquire for any other owner, and see and release what others have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub act_for: Vec<String>,
    /// It stops working after so long, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// A secret of one's own, 8 to 256 printable ASCII characters; made by the server when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// All but keys and quotas.
    Operator,
    /// Leases of its owner.
    User,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// `key_…`.
    #[schema(value_type = String)]
    pub id: KeyId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For whom it speaks.
    pub owner: String,
    /// Groups of the owner.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Pools in which it may acquire for any other owner, and see and release what others have.
    #[serde(default)]
    pub act_for: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
    /// Number of the last event that changed it; also in `ETag`.
    pub etag: String,
}

/// A new key. The secret is shown this once; a repeat of the request answers without it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedKey {
    /// The key.
    pub key: Key,
    /// What goes into `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let new: NewKey =
            serde_json::from_str(r#"{"name":"ci","role":"user","secret":"hush-hush"}"#).unwrap();
        assert!(!format!("{new:?}").contains("hush"));
    }
}
