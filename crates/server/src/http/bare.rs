//! A route that does nothing, so that the bench can tell what the rest of an answer costs. It is
//! there only when the bench starts its own server, and only on loopback.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::routing::get;

/// Where it is.
pub const PATH: &str = "/bare";

/// Answers always the same bytes: no key, no ledger, no access line.
pub fn router(answer_bytes: usize) -> Router {
    let body = Bytes::from(vec![b'.'; answer_bytes]);
    let kind = HeaderValue::from_static("application/json");
    let answer = async move || ([(header::CONTENT_TYPE, kind)], body);
    Router::new().route(PATH, get(answer))
}
