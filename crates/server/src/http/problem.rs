//! Refusals as HTTP tells them: one table from code to status, title and advice, rendered as RFC
//! 9457 problems. The only place that knows both the domain's no and HTTP.
//!
//! A handler returns an [`Error`]. The document is written at the edge, where the request id is
//! known; what the log keeps and what the caller hears are two texts.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caviada_api::problem::{FieldError, MEDIA_TYPE, Problem};
use caviada_core::refusal::Refusal;
use caviada_ledger::Failure;
use serde_json::{Value, json};

/// One code: what it means and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable, part of the API.
    pub code: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// The code in words.
    pub title: &'static str,
    /// When a repeat of the same request may fare better, in milliseconds; none if it will not.
    pub retry_after_ms: Option<u64>,
    /// What the caller does about it.
    pub advice: &'static str,
}

const fn kind(
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    retry_after_ms: Option<u64>,
    advice: &'static str,
) -> Kind {
    Kind {
        code,
        status,
        title,
        retry_after_ms,
        advice,
    }
}

/// Every problem there is, by status.
pub const KINDS: [Kind; 30] = [
    kind(
        "malformed",
        StatusCode::BAD_REQUEST,
        "The request cannot be read",
        None,
        "Correct the field that `errors` names: it is unknown, or of another type.",
    ),
    kind(
        "unauthenticated",
        StatusCode::UNAUTHORIZED,
        "No valid key",
        None,
        "Send `Authorization: Bearer KEY` with a key that exists and has not expired.",
    ),
    kind(
        "forbidden",
        StatusCode::FORBIDDEN,
        "The key may not do this",
        None,
        "Use a key with the role that `detail` names.",
    ),
    kind(
        "not-owner",
        StatusCode::FORBIDDEN,
        "The key may not act for this owner",
        None,
        "Acquire for the key's own owner, or use a key that names the pool in `act_for`.",
    ),
    kind(
        "unknown",
        StatusCode::NOT_FOUND,
        "There is no such thing",
        None,
        "Check the name or id. What the key may not see does not exist for it.",
    ),
    kind(
        "no-such-path",
        StatusCode::NOT_FOUND,
        "There is no such path",
        None,
        "See `/openapi.json` for the paths there are.",
    ),
    kind(
        "method-not-allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "The path does not take this method",
        None,
        "See `/openapi.json` for the methods of the path.",
    ),
    kind(
        "request-timeout",
        StatusCode::REQUEST_TIMEOUT,
        "The request did not arrive in time",
        Some(1_000),
        "Send it again, under the same `Idempotency-Key`.",
    ),
    kind(
        "pool-exhausted",
        StatusCode::CONFLICT,
        "Nothing free meets this now",
        Some(1_000),
        "Ask again with `wait_ms`, or later.",
    ),
    kind(
        "impossible",
        StatusCode::CONFLICT,
        "Nothing could ever meet this",
        None,
        "Ask for less, or declare or build what is missing; `detail` says what that is.",
    ),
    kind(
        "lease-ended",
        StatusCode::CONFLICT,
        "The lease has ended",
        None,
        "Stop using its resources and acquire anew.",
    ),
    kind(
        "stale-fence",
        StatusCode::CONFLICT,
        "The fence is not the lease's",
        None,
        "Somebody else was granted it since, or a member was swapped: read the lease again.",
    ),
    kind(
        "bad-transition",
        StatusCode::CONFLICT,
        "Its state does not allow this",
        None,
        "Do what `detail` advises first.",
    ),
    kind(
        "conflict",
        StatusCode::CONFLICT,
        "Something stands against it",
        None,
        "Resolve what `detail` names first.",
    ),
    kind(
        "retiring",
        StatusCode::CONFLICT,
        "It is being removed",
        None,
        "Wait until it is gone, or use another name.",
    ),
    kind(
        "events-gone",
        StatusCode::GONE,
        "These events are no longer kept",
        None,
        "Read the lists anew and stream from their revision.",
    ),
    kind(
        "changed",
        StatusCode::PRECONDITION_FAILED,
        "It changed since it was read",
        None,
        "Read it again, decide anew, and send its new ETag.",
    ),
    kind(
        "too-large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
        None,
        "Split it; `limit_bytes` is the most one request may bring.",
    ),
    kind(
        "unsupported-media-type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is not JSON",
        None,
        "Send `Content-Type: application/json`.",
    ),
    kind(
        "invalid",
        StatusCode::UNPROCESSABLE_ENTITY,
        "A field is out of its bounds",
        None,
        "Correct the fields that `errors` names.",
    ),
    kind(
        "scan-too-long",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The selector looks at too many",
        None,
        "Have the pool index the attribute that `detail` names, or narrow the selector.",
    ),
    kind(
        "idempotency-key-reused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The idempotency key stands for another request",
        None,
        "Use a fresh key for each new request, and the same one only for repeats.",
    ),
    kind(
        "quota-exceeded",
        StatusCode::TOO_MANY_REQUESTS,
        "The owner's quota is used up",
        Some(5_000),
        "Release something, or ask for a larger quota.",
    ),
    kind(
        "limit-reached",
        StatusCode::TOO_MANY_REQUESTS,
        "A limit of this installation is reached",
        Some(5_000),
        "Come again later; `what` and `max` say which limit it is.",
    ),
    kind(
        "too-many-requests",
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests",
        Some(1_000),
        "Slow down to the rate this key may have.",
    ),
    kind(
        "headers-too-large",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The headers are too large",
        None,
        "Send fewer or shorter headers.",
    ),
    kind(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "This is a bug in Caviada",
        None,
        "Report it with the request id; nothing was changed.",
    ),
    kind(
        "busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "Too much is waiting",
        Some(500),
        "Send it again after the pause, under the same `Idempotency-Key`.",
    ),
    kind(
        "unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "The store does not answer now",
        Some(1_000),
        "Send it again after the pause, under the same `Idempotency-Key`.",
    ),
    kind(
        "starting",
        StatusCode::SERVICE_UNAVAILABLE,
        "The server is not ready yet",
        Some(500),
        "Send it again after the pause.",
    ),
];

/// The row of a code; a code without one is a bug and reads as such.
pub fn kind_of(code: &str) -> &'static Kind {
    static INTERNAL: Kind = kind(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "This is a bug in Caviada",
        None,
        "Report it with the request id.",
    );
    KINDS.iter().find(|k| k.code == code).unwrap_or(&INTERNAL)
}

/// A refusal's code as this API says it. Two of the domain's codes say `key` where HTTP knows two
/// kinds of keys.
pub fn wire_code(refusal: &'static str) -> &'static str {
    match refusal {
        "unknown-key" => "unauthenticated",
        "key-reused" => "idempotency-key-reused",
        code => code,
    }
}

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    kind: &'static Kind,
    detail: Option<String>,
    errors: Vec<FieldError>,
    facts: BTreeMap<String, Value>,
    retry_after_ms: Option<u64>,
}

impl Error {
    /// A problem of a code of [`KINDS`].
    pub fn new(code: &str) -> Self {
        let kind = kind_of(code);
        Self {
            kind,
            detail: None,
            errors: Vec::new(),
            facts: BTreeMap::new(),
            retry_after_ms: kind.retry_after_ms,
        }
    }

    /// The request cannot be read.
    pub fn malformed(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new("malformed").field(field, reason)
    }

    /// A field cannot be taken.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new("invalid").field(field, reason)
    }

    /// There is no such noun, or none that the caller may see.
    pub fn unknown(noun: &str, id: &str) -> Self {
        let shown: String = id.chars().take(128).collect();
        Self::new("unknown")
            .detail(format!("there is no {noun} {shown}"))
            .fact("noun", noun)
            .fact("id", shown)
    }

    /// The key may not.
    pub fn forbidden(needs: &str) -> Self {
        Self::new("forbidden").detail(format!("this needs the role {needs}"))
    }

    /// Says what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names a field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, reason: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            field: field.into(),
            reason: reason.into(),
        });
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to come again.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// Its code.
    pub fn code(&self) -> &'static str {
        self.kind.code
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.kind.status
    }

    /// The document, for the request of this id.
    pub fn document(&self, request_id: &str) -> Problem {
        Problem {
            kind: format!("/problems/{}", self.kind.code),
            title: self.kind.title.to_owned(),
            status: self.kind.status.as_u16(),
            detail: self.detail.clone(),
            instance: Some(request_id.to_owned()),
            code: self.kind.code.to_owned(),
            retry_after_ms: self.retry_after_ms,
            errors: self.errors.clone(),
            facts: self.facts.clone(),
        }
    }

    /// The whole answer, for the request of this id.
    pub fn answer(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.document(request_id)).unwrap_or_default();
        let mut response = (self.kind.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, ms.div_ceil(1_000).max(1).into());
        }
        if self.kind.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"caviada\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// Leaves the writing to the edge, which knows the request id.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.kind.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Busy => Self::new("busy"),
            Failure::Unavailable => Self::new("unavailable"),
            Failure::Internal => Self::new("internal"),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new(wire_code(refusal.code())).detail(refusal.to_string());
        told(error, refusal, None)
    }
}

/// Adds the facts of a refusal; those of one in `All` with the index of its act.
fn told(error: Error, refusal: Refusal, index: Option<usize>) -> Error {
    match refusal {
        Refusal::Invalid { field, reason } => match index {
            Some(index) => error.field(format!("items[{index}].{field}"), reason),
            None => error.field(field, reason),
        },
        Refusal::Unknown { noun, id } => error.fact("noun", noun).fact("id", id),
        Refusal::NotOwner { owner } => error.fact("owner", owner.as_str()),
        Refusal::PoolExhausted { waiting } => error.fact("waiting", waiting),
        Refusal::QuotaExceeded {
            owner,
            what,
            allowed,
            used,
        } => error
            .fact("owner", owner.as_str())
            .fact("what", what)
            .fact("allowed", allowed)
            .fact("used", used),
        Refusal::LimitReached { what, max } => error.fact("what", what).fact("max", max),
        Refusal::LeaseEnded { lease, end, at } => error
            .fact("lease", lease.to_string())
            .fact("end", end.as_str())
            .fact("ended_at", json!(caviada_api::timestamp::Timestamp(at.0))),
        Refusal::StaleFence { given, current } => {
            error.fact("given", given.0).fact("current", current.0)
        }
        Refusal::Changed { current } => error.fact("etag", current.to_string()),
        Refusal::BadTransition {
            resource, state, ..
        } => error
            .fact("resource", resource.to_string())
            .fact("state", state),
        Refusal::ScanTooLong { attribute, .. } => error.fact("attribute", attribute),
        Refusal::Conflict { noun, name, .. } => error.fact("noun", noun).fact("id", name),
        Refusal::Retiring { noun, name } => error.fact("noun", noun).fact("id", name.as_str()),
        Refusal::InAll { index, refusal } => {
            told(error.fact("index", index), *refusal, Some(index))
        }
        Refusal::UnknownKey
        | Refusal::Forbidden { .. }
        | Refusal::Impossible { .. }
        | Refusal::KeyReused => error,
    }
}

/// The page of a code.
pub fn page(kind: &Kind) -> String {
    let retry = kind.retry_after_ms.map_or_else(
        || "The same request will not fare better by itself.".to_owned(),
        |ms| format!("The same request may fare better after {ms} ms, or what `Retry-After` says."),
    );
    format!(
        "{}\n{}\n\nHTTP status {}. Code `{}`.\n\n{}\n\n{retry}\n",
        kind.title,
        "=".repeat(kind.title.chars().count()),
        kind.status.as_u16(),
        kind.code,
        kind.advice,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use caviada_api::problem::code;

    #[test]
    fn every_refusal_has_a_row() {
        for refusal in Refusal::CODES {
            let code = wire_code(refusal);
            assert_eq!(kind_of(code).code, code, "{refusal}");
            assert_ne!(kind_of(code).code, "internal", "{refusal}");
        }
    }

    #[test]
    fn every_code_the_client_acts_on_has_a_row() {
        for code in [
            code::POOL_EXHAUSTED,
            code::LEASE_ENDED,
            code::STALE_FENCE,
            code::UNAUTHENTICATED,
            code::FORBIDDEN,
            code::CHANGED,
            code::EVENTS_GONE,
            code::QUOTA_EXCEEDED,
            code::TOO_MANY_REQUESTS,
            code::IDEMPOTENCY_KEY_REUSED,
        ] {
            assert_eq!(kind_of(code).code, code);
        }
    }

    #[test]
    fn a_code_stands_once() {
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(
                KINDS[..i].iter().all(|k| k.code != kind.code),
                "{}",
                kind.code
            );
        }
    }

    #[test]
    fn a_refusal_among_several_names_the_act() {
        let refusal = Refusal::InAll {
            index: 3,
            refusal: Box::new(Refusal::Invalid {
                field: "endpoints",
                reason: "at most 64".into(),
            }),
        };
        let error = Error::from(refusal);
        assert_eq!(error.code(), "invalid");
        assert_eq!(error.errors[0].field, "items[3].endpoints");
        assert_eq!(error.facts["index"], 3);
    }
}
