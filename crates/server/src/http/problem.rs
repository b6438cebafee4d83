//! Refusals as HTTP tells them: one table from code to status, title and advice, rendered as RFC
//! 9457 problems. The only place that knows both the domain's no and HTTP.
//!
//! A handler returns an [`Error`]. The document is written at the edge, where the request id is
//! known; what the log keeps and what the caller hears are two texts.

mod table;

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caviada_api::problem::{FieldError, MEDIA_TYPE, Problem};
use caviada_core::refusal::Refusal;
use caviada_ledger::Failure;
use serde_json::{Value, json};

pub use table::{KINDS, Kind, kind_of, page, wire_code};

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
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document, for the request of this id.
    pub fn document(&self, request_id: &str) -> Problem {
        Problem {
            kind: format!("/problems/{}", self.kind.code),
            title: self.kind.title.to_owned(),
            status: self.kind.status,
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
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, ms.div_ceil(1_000).max(1).into());
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"caviada\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// Leaves the writing to the edge, which knows the request id.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
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
        Refusal::NotOwner { owner } => {
            let reason = format!("this key may not act for {owner}");
            error.fact("owner", owner.as_str()).field("owner", reason)
        }
        Refusal::PoolExhausted { waiting } => error.fact("waiting", waiting),
        Refusal::QuotaExceeded {
            owner,
            what,
            allowed,
            used,
        } => error
            .fact("owner", owner.as_str())
            .fact("what", &*what)
            .fact("allowed", allowed)
            .fact("used", used),
        Refusal::LimitReached { what, max } => error.fact("what", what).fact("max", max),
        Refusal::LeaseEnded {
            lease,
            end,
            at,
            reason,
        } => {
            let error = error
                .fact("lease", lease.to_string())
                .fact("end", end.as_str())
                .fact("ended_at", json!(caviada_api::timestamp::Timestamp(at.0)));
            match reason {
                Some(reason) => error.fact("reason", &*reason),
                None => error,
            }
        }
        Refusal::StaleFence { given, current } => {
            error.fact("given", given.0).fact("current", current.0)
        }
        Refusal::Changed { current } => error.fact("etag", current.to_string()),
        Refusal::BadTransition {
            resource, state, ..
        } => error
            .fact("resource", resource.to_string())
            .fact("state", state),
        Refusal::ScanTooLong {
            attribute: Some(attribute),
            ..
        } => error.fact("attribute", attribute),
        Refusal::Conflict { noun, name, .. } => error.fact("noun", noun).fact("id", name),
        Refusal::Retiring { noun, name } => error.fact("noun", noun).fact("id", name.as_str()),
        Refusal::InAll { index, refusal } => {
            told(error.fact("index", index), *refusal, Some(index))
        }
        Refusal::UnknownKey
        | Refusal::Forbidden { .. }
        | Refusal::Impossible { .. }
        | Refusal::ScanTooLong { .. }
        | Refusal::KeyReused => error,
    }
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
