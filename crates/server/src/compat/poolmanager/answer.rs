//! Answers and refusals in the envelope of each version, which says more than the HTTP status does:
//! that is 200 or 400 and nothing else, but for one 201 of PoolManager 2 and the 401 of a sign-in.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use caviada_ledger::Failure;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::record::Record;
use super::version::Version;

/// What a call gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// An envelope around nothing: `""` or `{}`.
    Done,
    /// The same, of something new: only the code in the envelope says so.
    Created,
    /// An envelope around one object.
    One(Record),
    /// An envelope around several.
    Many(Vec<Record>),
    /// An envelope around plain values.
    Values(Vec<Value>),
    /// An object without envelope.
    Bare(Record),
    /// A page for people.
    Page(&'static str),
    /// Another page, by its whole path.
    Elsewhere(String),
    /// An object without envelope, with a status of its own.
    Plain(StatusCode, Record),
    /// Any of these, with a cookie.
    Cookie(Box<Answer>, String),
}

/// Why a call is not done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct No {
    error: String,
    code: u16,
    data: Option<Value>,
}

impl No {
    pub fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            code: 400,
            data: None,
        }
    }

    /// What is wrong.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// Another code in the envelope than 400; HTTP's stays.
    pub fn code(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    /// What the envelope holds beside the error; else nothing.
    pub fn data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into());
        self
    }
}

impl From<Failure> for No {
    fn from(failure: Failure) -> Self {
        Self::new(failure.to_string())
    }
}

/// What was sent, as far as an answer repeats it.
pub(super) fn shown(sent: &str) -> String {
    sent.chars().take(128).collect()
}

/// Nothing, as each version writes it.
fn nothing(version: Version) -> Value {
    if version.is_pm() {
        json!("")
    } else {
        Value::Object(Map::new())
    }
}

/// The envelope. Its fields stand in the order of the alphabet.
#[derive(Serialize)]
struct Envelope<'a, T> {
    code: u16,
    data: T,
    error: &'a str,
    status: &'static str,
}

/// The whole answer of a call.
pub(super) fn write(version: Version, answered: &Result<Answer, No>) -> Response {
    match answered {
        Ok(Answer::Done) => ok(200, &nothing(version)),
        Ok(Answer::Created) if version.is_pm() => {
            // There it is the other way round.
            let mut response = ok(200, &nothing(version));
            *response.status_mut() = StatusCode::CREATED;
            response
        }
        Ok(Answer::Created) => ok(201, &nothing(version)),
        Ok(Answer::One(record)) => ok(200, record),
        Ok(Answer::Many(records)) => ok(200, records),
        Ok(Answer::Values(values)) => ok(200, values),
        Ok(answer) => bare(version, answer),
        Err(no) => {
            let nothing = nothing(version);
            let envelope = Envelope {
                code: no.code,
                data: no.data.as_ref().unwrap_or(&nothing),
                error: &no.error,
                status: "FAIL",
            };
            json(StatusCode::BAD_REQUEST, &envelope)
        }
    }
}

/// What has no envelope.
fn bare(version: Version, answer: &Answer) -> Response {
    match answer {
        Answer::Bare(record) => json(StatusCode::OK, record),
        Answer::Plain(status, record) => json(*status, record),
        Answer::Page(text) => (
            [(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)],
            Html(*text),
        )
            .into_response(),
        Answer::Elsewhere(page) => {
            (StatusCode::FOUND, [(header::LOCATION, page.as_str())]).into_response()
        }
        Answer::Cookie(answer, cookie) => {
            let mut response = bare(version, answer);
            if let Ok(cookie) = HeaderValue::try_from(cookie.as_str()) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        _ => ok(200, &nothing(version)),
    }
}

/// What a page may do: send a form to where it came from.
const PAGE_POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";

fn ok(code: u16, data: &impl Serialize) -> Response {
    let envelope = Envelope {
        code,
        data,
        error: "",
        status: "OK",
    };
    json(StatusCode::OK, &envelope)
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = (status, body).into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
