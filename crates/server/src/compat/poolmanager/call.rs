//! One request as it was read.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use caviada_core::limits::server::POOLMANAGER_BODY_BYTES_MAX;

use super::App;
use super::answer::No;
use super::caller::Caller;
use super::parameter::{Form, Parameters};
use super::version::Version;

/// A call with who makes it, as those read it who answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'r> {
    /// What every request can reach.
    pub app: &'r App,
    /// The version spoken.
    pub version: Version,
    /// Who asks.
    pub caller: &'r Caller,
    /// Everything beside method and path.
    pub parameters: &'r Parameters,
}

/// What a request says beside its method and path.
pub(super) async fn read(request: Request) -> Result<Parameters, No> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, POOLMANAGER_BODY_BYTES_MAX)
        .await
        .map_err(|_| {
            No::new(format!(
                "the body broke off, or is larger than {POOLMANAGER_BODY_BYTES_MAX} bytes"
            ))
        })?;
    let query = parts.uri.query().unwrap_or_default();
    Parameters::read(query, &body, &form(&parts.headers))
}

/// What the body says it is.
fn form(headers: &HeaderMap) -> Form {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (essence, more) = kind.split_once(';').unwrap_or((kind, ""));
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Form::Encoded,
        "multipart/form-data" => {
            let mut fields = more
                .split(';')
                .filter_map(|field| field.trim().split_once('='));
            let boundary = fields.find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
            let boundary = boundary.map_or("", |(_, text)| text.trim_matches('"'));
            Form::Parts(boundary.to_owned())
        }
        _ => Form::None,
    }
}
