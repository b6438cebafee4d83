//! `/api/v1/hosts/{name}/images`: what a host is to have before something is built there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;

/// Content type of a bundle.
pub const BUNDLE: &str = "application/x-tar";

/// The images of a host that the server knows of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
pub struct Images {
    /// By name.
    pub images: Vec<Image>,
}

/// An image of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// The host.
    pub host: String,
    /// Its name, as templates and engines write it.
    pub image: String,
    /// How it stands.
    pub state: ImageState,
    /// Something that may be built there is made of it; else somebody asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wanted: bool,
    /// Of what is being pulled: bytes that came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_done: Option<u64>,
    /// Of as many, as far as is known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// When it was seen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// Why it could not be had, and what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
    /// Failures in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field by reference"
)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// How it stands with an image on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageState {
    /// It will be looked for.
    Waiting,
    /// It is being looked for, or pulled.
    Pulling,
    /// It is there.
    There,
    /// It could not be had.
    Failed,
}

/// `POST /hosts/{name}/images/pull`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct PullImages {
    /// These; without any, all that may be needed there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

/// A pull or load under way. Volatile: only on the stream, without an id, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageProgress {
    /// The host.
    pub host: String,
    /// The image; of a bundle that is being loaded, what it says it is.
    pub image: String,
    /// `pulling`, `loading`, `there`, `failed`.
    pub step: String,
    /// Bytes that came.
    pub bytes_done: u64,
    /// Of as many, as far as is known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a loaded bundle brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoadedImages {
    /// The host.
    pub host: String,
    /// The images that are there now.
    pub images: Vec<String>,
    /// Bytes of the bundle.
    pub bytes: u64,
}
