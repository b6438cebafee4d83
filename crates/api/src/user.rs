//! `/api/v1/users`: people who sign in with a name and a password. What they hold is held by the
//! owner of their name.

use std::fmt;

use caviada_core::id::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::key::Role;
use crate::timestamp::Timestamp;

/// `PUT /users/{name}`: all that an admin says of a user. An absent password or profile stays.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserSpec {
    /// What he may do.
    pub role: Role,
    /// May he sign in?
    pub active: bool,
    /// Credits, as the older systems counted them. Nothing here depends on it.
    pub balance: i64,
    /// What he says of himself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Another password, 8 to 256 bytes. Without one, now or before, he cannot sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The same as a hash that an older system made, argon2id or bcrypt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}

impl Default for UserSpec {
    fn default() -> Self {
        Self {
            role: Role::User,
            active: true,
            balance: 0,
            profile: None,
            password: None,
            password_hash: None,
        }
    }
}

impl fmt::Debug for UserSpec {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSpec")
            .field("role", &self.role)
            .field("active", &self.active)
            .field("balance", &self.balance)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// What a user says of himself; at most 4 KiB in all. Also `PUT /users/{name}/profile`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// His name, as people write it.
    pub name: String,
    /// Where mail reaches him: empty, or one address.
    pub email: String,
    /// About him.
    pub bio: String,
    /// Whom he works for.
    pub organization: String,
    /// His page.
    pub url: String,
    /// Where he is.
    pub location: String,
}

/// `PUT /users/{name}/password`: ends his sessions.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The new one, 8 to 256 bytes.
    pub password: String,
    /// The present one; an admin need not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

impl fmt::Debug for NewPassword {
    /// Without the passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPassword").finish_non_exhaustive()
    }
}

/// A user without his password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// `user_…`.
    #[schema(value_type = String)]
    pub id: UserId,
    /// What he signs in with, and the owner he acts for.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// May he sign in?
    pub active: bool,
    /// Credits, as the older systems counted them.
    pub balance: i64,
    /// What he says of himself.
    pub profile: Profile,
    /// He has a password.
    pub has_password: bool,
    /// When he was entered.
    pub created_at: Timestamp,
    /// When he last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<Timestamp>,
    /// Number of the last event that changed him; also in `ETag`.
    pub etag: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_print_itself() {
        let spec: UserSpec =
            serde_json::from_str(r#"{"password":"hush-hush","password_hash":"hush"}"#).unwrap();
        let new: NewPassword =
            serde_json::from_str(r#"{"password":"hush-hush","current":"hush"}"#).unwrap();
        assert!(!format!("{spec:?} {new:?}").contains("hush"));
        assert!(spec.active && spec.role == Role::User);
    }
}
