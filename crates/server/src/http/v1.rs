//! `/api/v1`: one file per noun.

mod amend;
mod answer;
pub(crate) mod event;
pub(super) mod host;
pub(super) mod image;
mod key;
mod lease;
pub(super) mod pool;
mod quota;
mod read;
mod render;
mod resource;
mod stats;
mod template;
mod user;
mod webhook;

use utoipa_axum::router::OpenApiRouter;

use super::App;

/// Longest a read may be kept open, in milliseconds.
pub use caviada_core::limits::server::LONG_POLL_MS_MAX;

/// All routes below the base path. Each says its whole path: nested routers would write every
/// request's path anew.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(lease::routes())
        .merge(pool::routes())
        .merge(resource::routes())
        .merge(host::routes())
        .merge(image::routes())
        .merge(template::routes())
        .merge(key::routes())
        .merge(quota::routes())
        .merge(user::routes())
        .merge(webhook::routes())
        .merge(event::routes())
        .merge(stats::routes())
}
