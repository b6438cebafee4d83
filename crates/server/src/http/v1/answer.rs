//! Answers: a document, its status, and its ETag.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::problem::Error;

/// A JSON document; every handler that succeeds ends here.
pub fn json(status: StatusCode, document: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(document).map_err(|e| {
        tracing::error!(error = %e, "an answer cannot be written");
        Error::new("internal")
    })?;
    let kind = HeaderValue::from_static("application/json");
    Ok((status, [(header::CONTENT_TYPE, kind)], body).into_response())
}

/// A JSON document of one noun, with its ETag.
pub fn noun(status: StatusCode, etag: &str, document: &impl Serialize) -> Result<Response, Error> {
    let mut response = json(status, document)?;
    if let Ok(tag) = HeaderValue::try_from(format!("\"{etag}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Done, and nothing to show for it.
pub fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Runs what may take long beside the requests that do not.
///
/// # Errors
/// Those of the work itself.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| {
        tracing::error!(error = %panic, "reading a list panicked");
        Err(Error::new("internal"))
    })
}
