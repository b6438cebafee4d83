//! Lists: what stands in them, as of which revision, and where the next page begins.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page. A stream of events begun after `revision` misses nothing and repeats nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// What was asked for, in the order asked for.
    pub items: Vec<T>,
    /// The ledger's revision that the page shows.
    pub revision: u64,
    /// Cursor of the next page; none on the last one. Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Most items one page may hold.
pub const LIMIT_MAX: u32 = caviada_core::limits::PAGE_MAX;
/// Items on a page when the caller does not say.
pub const LIMIT_DEFAULT: u32 = caviada_core::limits::PAGE_DEFAULT;

/// Which page of a list that has no conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items on the page, at most [`LIMIT_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
