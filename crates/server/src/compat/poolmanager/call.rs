//! One request as it was read.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use caviada_core::limits::server::POOLMANAGER_BODY_BYTES_MAX;

use super::App;
use super::answer::No;
use super::caller::Caller;
use super::parameter::{Form, Parameters};
use super::version::Version;

/// One request.
#[derive(Debug)]
pub(super) struct Call {
    /// `GET` for `HEAD`.
    pub method: Method,
    /// Parts of the path, the first of which may say the version.
    pub path: Vec<String>,
    /// Everything else.
    pub parameters: Parameters,
}

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

impl Call {
    /// Reads a request.
    pub async fn read(request: Request) -> Result<Self, No> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().split('/').filter(|p| !p.is_empty());
        let path = path.map(str::to_owned).collect();
        let method = match parts.method {
            Method::HEAD => Method::GET,
            method => method,
        };
        let body = to_bytes(body, POOLMANAGER_BODY_BYTES_MAX)
            .await
            .map_err(|_| {
                No::new(format!(
                    "the body broke off, or is larger than {POOLMANAGER_BODY_BYTES_MAX} bytes"
                ))
            })?;
        let query = parts.uri.query().unwrap_or_default();
        let parameters = Parameters::read(query, &body, &form(&parts.headers))?;
        Ok(Self {
            method,
            path,
            parameters,
        })
    }
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
