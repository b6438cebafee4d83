//! Answers: a document, its status, and its ETag.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caviada_api::list::PageQuery;
use caviada_core::limits;
use caviada_core::state::State;
use serde::Serialize;

use crate::aside::Aside;
use crate::http::page::Page;
use crate::http::problem::Error;

/// What most answers fit in.
const BODY_BYTES: usize = 1_024;

/// A JSON document; every handler that succeeds ends here.
pub fn json(status: StatusCode, document: &impl Serialize) -> Result<Response, Error> {
    let mut body = Vec::with_capacity(BODY_BYTES);
    serde_json::to_writer(&mut body, document).map_err(|e| {
        tracing::error!(error = %e, "an answer cannot be written");
        Error::new("internal")
    })?;
    let kind = HeaderValue::from_static("application/json");
    Ok((status, [(header::CONTENT_TYPE, kind)], body).into_response())
}

/// A JSON document of one noun, with its ETag.
pub fn noun(status: StatusCode, etag: &str, document: &impl Serialize) -> Result<Response, Error> {
    let mut response = json(status, document)?;
    if let Ok(tag) = HeaderValue::try_from(["\"", etag, "\""].concat()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// A page of what is listed by name: the `names` after the cursor, each as `render` shows it, without
/// those that it does not.
///
/// # Errors
/// A size out of bounds, and a cursor that is not of this list.
pub fn named<N, V, T>(
    query: &PageQuery,
    list: &str,
    state: &State,
    names: impl IntoIterator<Item = (N, V)>,
    mut render: impl FnMut(V) -> Option<T>,
) -> Result<Response, Error>
where
    N: AsRef<str>,
    T: Serialize,
{
    let page = Page::<String>::plain(query, list)?;
    let after = page.after.as_deref();
    let rest = names
        .into_iter()
        .filter(|(name, _)| after.is_none_or(|after| name.as_ref() > after))
        .filter_map(|(name, value)| Some((name.as_ref().to_owned(), render(value)?)));
    json(StatusCode::OK, &page.fill(state.revision(), rest))
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
    static ROOM: Aside = Aside::room_for(limits::server::ASIDE_MAX);
    let done = ROOM.run(work).await;
    done.unwrap_or_else(|| Err(Error::new("internal")))
}
