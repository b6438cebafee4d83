//! `/api/v1/templates`: recipes of built resources, in immutable revisions.

use std::collections::BTreeMap;

use caviada_core::id::TemplateId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;

/// `PUT /templates/{name}`: the whole folder. The same files as before make no new revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateSpec {
    /// Path in the folder (`template.toml`, `compose.yaml` …) → text. At most 64 files and 1 MiB.
    pub files: BTreeMap<String, String>,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
}

/// The newest revision of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// `tmpl_…`, of this revision.
    #[schema(value_type = String)]
    pub id: TemplateId,
    /// DNS-like, unique.
    pub name: String,
    /// Rises with each revision, with gaps.
    pub revision: u64,
    /// It comes with the program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub built_in: bool,
    /// Pools that use it.
    #[serde(default)]
    pub pools: Vec<String>,
    /// Path → text; absent in lists.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// When this revision was put.
    pub created_at: Timestamp,
    /// Name of the file that `load` declared this from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_in: Option<String>,
    /// Number of the last event that changed it; also in `ETag`.
    pub etag: String,
}
