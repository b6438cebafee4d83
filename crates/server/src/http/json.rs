//! Reading requests: every field of a body, query or header is named when it cannot be taken.

use std::error::Error as _;

use axum::body::{HttpBody as _, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use caviada_api::IDEMPOTENCY_KEY;
use caviada_api::named::Named;
use caviada_core::command::{Act, By, Command, Idempotency};
use caviada_core::event::Number;
use caviada_core::limits;
use http_body_util::LengthLimitError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::App;
use super::auth::Caller;
use super::duplicate::Distinct;
use super::problem::Error;

/// Who asks, and what in the body. A request without a body reads as one of `{}`.
#[derive(Debug)]
pub struct Ask<T> {
    /// Who asks.
    pub caller: Caller,
    /// What stands in the body.
    pub body: T,
    idempotency: Option<Idempotency>,
    expect: Option<Number>,
}

/// The body of a call that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T> Ask<T> {
    /// The act as a command of the caller, repeat-safe under his idempotency key.
    pub fn command(&mut self, act: Act) -> Command {
        Command {
            by: By::Key(self.caller.key.id),
            idempotency: self.idempotency.take(),
            act,
        }
    }

    /// Takes back the idempotency key of a command that was refused and is tried again.
    pub fn put_back(&mut self, idempotency: Option<Idempotency>) {
        self.idempotency = idempotency;
    }

    /// What `If-Match` or `If-None-Match: *` demands.
    pub fn expect(&self) -> Option<Number> {
        self.expect
    }

    /// Refuses a condition on a noun that knows none, rather than ignoring it.
    ///
    /// # Errors
    /// When there is one.
    pub fn unconditional(&self) -> Result<(), Error> {
        match self.expect {
            None => Ok(()),
            Some(_) => Err(Error::malformed("If-Match", "this call takes no condition")),
        }
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Ask<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let expect = expectation(&parts.headers)?;
        let key = idempotency_key(&parts.headers)?;
        let options = app.options();
        // Who waits for a word to go on does not send in vain. Who does not is heard out while what he
        // sends is not much too large: busy sending, he would not hear the answer.
        let most = match parts.headers.contains_key(header::EXPECT) {
            true => options.body_bytes_max,
            false => 2 * options.body_bytes_max,
        };
        if body.size_hint().lower() > most as u64 {
            return Err(Error::new("too-large"));
        }
        // Well before an answer is given up, which would be blamed on the store.
        let within = options.answer_within / 2;
        let read = tokio::time::timeout(within, to_bytes(body, options.body_bytes_max)).await;
        let read = read.map_err(|_| {
            let why = format!("it did not arrive within {} ms", within.as_millis());
            Error::malformed("body", why)
        })?;
        let bytes = read.map_err(|e| unread(&e))?;
        let media_type = parts.headers.get(header::CONTENT_TYPE);
        if !bytes.is_empty() && media_type.is_some_and(|t| !is_json(t.as_bytes())) {
            return Err(Error::new("unsupported-media-type"));
        }
        Ok(Self {
            body: parse(&bytes)?,
            idempotency: key.map(|key| Idempotency {
                key,
                digest: digest(&parts.method, &parts.uri, &bytes),
            }),
            caller,
            expect,
        })
    }
}

fn is_json(media_type: &[u8]) -> bool {
    let essence = media_type.split(|b| *b == b';').next().unwrap_or_default();
    essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
}

fn unread(error: &axum::Error) -> Error {
    match error.source() {
        Some(source) if source.is::<LengthLimitError>() => Error::new("too-large"),
        _ => Error::malformed("body", "it broke off"),
    }
}

/// Reads JSON and says which field cannot be taken, and why.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let text = if bytes.is_empty() { b"{}" } else { bytes };
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = T::deserialize(Named(&mut json)).and_then(|body| json.end().map(|()| body));
    let read = read.map_err(|error| {
        // Read again, slower, to learn where: most bodies are read only once.
        let mut json = serde_json::Deserializer::from_slice(text);
        match serde_path_to_error::deserialize::<_, T>(Named(&mut json)) {
            Ok(_) => Error::malformed("body", error.to_string()),
            Err(e) => malformed(e.path(), "body", &e.inner().to_string()),
        }
    })?;
    // A body that is one object is a structure; what stands in it may be a map.
    let nested = text.iter().filter(|b| **b == b'{').nth(1).is_some();
    if nested && serde_json::from_slice::<Distinct>(text).is_err() {
        // As above, to learn where.
        let mut json = serde_json::Deserializer::from_slice(text);
        serde_path_to_error::deserialize::<_, Distinct>(&mut json)
            .map_err(|e| malformed(e.path(), "body", &e.inner().to_string()))?;
    }
    Ok(read)
}

/// What makes two requests the same one.
fn digest(method: &Method, uri: &Uri, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let target = uri.path_and_query().map_or("/", |p| p.as_str());
    for part in [method.as_str().as_bytes(), target.as_bytes(), body] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The only value of a header; several are nobody's clear wish.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Error::malformed(name.as_str(), "stands more than once"));
    }
    let text = value.to_str();
    text.map(Some)
        .map_err(|_| Error::malformed(name.as_str(), "printable ASCII only"))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Box<str>>, Error> {
    let Some(key) = single(headers, &HeaderName::from_static(IDEMPOTENCY_KEY))? else {
        return Ok(None);
    };
    if (1..=limits::IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(Some(key.into()));
    }
    let reason = format!(
        "1 to {} printable ASCII characters",
        limits::IDEMPOTENCY_KEY_BYTES_MAX
    );
    Err(Error::malformed("Idempotency-Key", reason))
}

/// `If-Match: "12.0"`, or `If-None-Match: *` for what must not exist yet.
fn expectation(headers: &HeaderMap) -> Result<Option<Number>, Error> {
    let none = single(headers, &header::IF_NONE_MATCH)?;
    match (single(headers, &header::IF_MATCH)?, none) {
        (None, None) => Ok(None),
        (None, Some("*")) => Ok(Some(Number::default())),
        (None, Some(_)) => Err(Error::malformed("If-None-Match", "only * is understood")),
        (Some(_), Some(_)) => Err(Error::malformed("If-None-Match", "not beside If-Match")),
        (Some(tag), None) => number(tag.trim().trim_matches('"'))
            .map(Some)
            .ok_or_else(|| Error::malformed("If-Match", "one ETag as it was given, like \"12.0\"")),
    }
}

/// An event's number as text.
pub fn number(text: &str) -> Option<Number> {
    let (revision, index) = text.split_once('.')?;
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(revision) || !digits(index) {
        return None;
    }
    Some(Number {
        revision: revision.parse().ok()?,
        index: index.parse().ok()?,
    })
}

/// The query, each of its fields once and known.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let fields = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(fields)
            .map(Self)
            .map_err(|e| malformed(e.path(), "query", &e.inner().to_string()))
    }
}

/// Names the field that cannot be taken; the whole where none is to blame.
fn malformed(path: &serde_path_to_error::Path, whole: &str, reason: &str) -> Error {
    let path = path.to_string();
    let path = path.trim_end_matches(['?', '.']);
    // Of a field that is missing, unknown or there twice, only the reason has the name.
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|words| reason.strip_prefix(words)?.split('`').next());
    let field = match (path, named) {
        ("", None | Some("")) => whole.to_owned(),
        ("", Some(name)) => name.to_owned(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        (path, _) => path.to_owned(),
    };
    Error::malformed(field, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_number_reads_as_it_prints() {
        let at = Number {
            revision: 12,
            index: 3,
        };
        assert_eq!(number(&at.to_string()), Some(at));
        for bad in [
            "",
            ".",
            "1.",
            ".1",
            "1",
            "a.b",
            "+1.0",
            "1.-0",
            "1.0.0",
            "99999999999999999999.0",
        ] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn requests_that_differ_have_different_digests() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let post = digest(&Method::POST, &uri("/leases"), b"{}");
        assert_eq!(post, digest(&Method::POST, &uri("/leases"), b"{}"));
        assert_ne!(post, digest(&Method::PUT, &uri("/leases"), b"{}"));
        assert_ne!(post, digest(&Method::POST, &uri("/leases?a=b"), b"{}"));
        assert_ne!(post, digest(&Method::POST, &uri("/leases"), b"{ }"));
    }
}
