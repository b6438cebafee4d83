//! The access line: one for each request of any entrance, and the id by which the request is known
//! in it and in its answer.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use caviada_core::limits;
use caviada_core::name::Name;

use crate::listener::Origin;

/// Where a request's id is said, by the caller and to him.
pub static REQUEST_ID: HeaderName = HeaderName::from_static(caviada_api::REQUEST_ID);

/// What the access line and the problem document say of a request.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

impl RequestId {
    /// The caller's, if it is one; else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(&REQUEST_ID).filter(|value| {
            let sound = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
            (1..=limits::server::REQUEST_ID_CHARS_MAX).contains(&value.len())
                && value.as_bytes().iter().all(sound)
        });
        given.cloned().map_or_else(Self::fresh, Self)
    }

    /// Unique in this installation: where this process began, and a count.
    fn fresh() -> Self {
        static BEGAN: OnceLock<u64> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let began = BEGAN.get_or_init(|| {
            let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
            since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(0))
        });
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'-'; 22];
        hex(&mut text[..11], *began);
        hex(&mut text[12..], count);
        Self(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("none")))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// As many hexadecimal digits as there is room for, the last of them.
fn hex(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

/// What is known of a request before it is handled. Queries are not logged: they may carry names
/// that are somebody's business.
#[derive(Debug)]
pub struct Line {
    method: Method,
    below: &'static str,
    uri: Uri,
    route: Option<&'static str>,
    origin: Option<Origin>,
    trace: Option<String>,
}

impl Line {
    /// Of a request as it comes in.
    pub fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        Self {
            method: request.method().clone(),
            below: "",
            uri: request.uri().clone(),
            route: None,
            origin: extensions.get::<Origin>().cloned(),
            trace: request.headers().get("traceparent").and_then(trace_id),
        }
    }

    /// Where the path is cut for an entrance beside another one, the whole one is told.
    pub fn below(mut self, path: &'static str) -> Self {
        self.below = path;
        self
    }

    /// Of what endpoint it is, as the description writes its path.
    pub fn route(mut self, path: Option<&'static str>) -> Self {
        self.route = path;
        self
    }

    /// The path of the endpoint that it matched.
    pub fn matched(&self) -> Option<&'static str> {
        self.route
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Who asks: an address, or the network a single IPv6 customer has.
    pub fn peer(&self) -> Option<IpAddr> {
        self.origin.as_ref().map(Origin::network)
    }

    /// Writes the line, with the name of the key that asked.
    pub fn write(&self, id: &RequestId, key: Option<&Name>, status: StatusCode, took: Duration) {
        let path = match self.below {
            "" => Cow::Borrowed(self.uri.path()),
            below => Cow::Owned([below, self.uri.path()].concat()),
        };
        tracing::info!(
            target: "caviada::access",
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            request.id = id.as_str(),
            http.method = self.method.as_str(),
            http.path = &*path,
            http.status = status.as_u16(),
            key.name = key.map(Name::as_str),
            peer = self.origin.as_ref().map(Origin::name),
            trace.id = self.trace.as_deref(),
            "answered",
        );
    }
}

/// The trace id of a W3C `traceparent`.
fn trace_id(value: &HeaderValue) -> Option<String> {
    let mut parts = value.to_str().ok()?.split('-');
    let (_, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    (hex(trace, 32) && hex(span, 16)).then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_taken_only_if_it_is_harmless() {
        let of = |text: &str| {
            let headers =
                HeaderMap::from_iter([(REQUEST_ID.clone(), HeaderValue::from_str(text).unwrap())]);
            RequestId::of(&headers).as_str() == text
        };
        assert!(of("build-17.a_b"));
        let long = "x".repeat(65);
        for bad in ["", "a b", "a\"b", &long] {
            assert!(!of(bad), "{bad}");
        }
        let (first, second) = (RequestId::fresh(), RequestId::fresh());
        assert!(first.as_str() < second.as_str());
        assert!(of(first.as_str()));
    }

    #[test]
    fn a_trace_is_known_by_its_parent() {
        let id = |text: &str| trace_id(&HeaderValue::from_str(text).unwrap());
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(id(good).unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for bad in ["", "00", "00-4bf9-00f0-01", "x"] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }
}
