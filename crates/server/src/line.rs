//! The access line: one for each request of any entrance, and the id by which the request is known
//! in it and in its answer.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use caviada_api::REQUEST_ID;
use caviada_core::name::Name;

use crate::listener::Origin;

/// Longest request id a caller may bring, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// What the access line and the problem document say of a request.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

impl RequestId {
    /// The caller's, if it is one; else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).filter(|value| {
            let sound = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
            (1..=REQUEST_ID_CHARS_MAX).contains(&value.len()) && value.as_bytes().iter().all(sound)
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
        let mut text = String::with_capacity(32);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let _ = write!(text, "{began:011x}-{count:08x}");
        Self(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("none")))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// What is known of a request before it is handled. Queries are not logged: they may carry names
/// that are somebody's business.
#[derive(Debug)]
pub struct Line {
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    /// Who asks: an address, or the network a single IPv6 customer has.
    pub peer: Option<IpAddr>,
    trace: Option<String>,
}

impl Line {
    /// Of a request as it comes in.
    pub fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        Self {
            method: request.method().clone(),
            // Where the path is cut for an entrance beside another one, the whole one is told.
            uri: match extensions.get::<OriginalUri>() {
                Some(OriginalUri(uri)) => uri.clone(),
                None => request.uri().clone(),
            },
            route: extensions.get::<MatchedPath>().cloned(),
            peer: extensions
                .get::<Origin>()
                .map(|origin| network(origin.peer().ip())),
            trace: request.headers().get("traceparent").and_then(trace_id),
        }
    }

    /// The path of the endpoint that it matched.
    pub fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Writes the line, with the name of the key that asked.
    pub fn write(&self, id: &RequestId, key: Option<&Name>, status: StatusCode, took: Duration) {
        let peer = self.peer.map(tracing::field::display);
        tracing::info!(
            target: "caviada::access",
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            request.id = id.as_str(),
            http.method = self.method.as_str(),
            http.path = self.uri.path(),
            http.status = status.as_u16(),
            key.name = key.map(Name::as_str),
            peer,
            trace.id = self.trace.as_deref(),
            "answered",
        );
    }
}

/// Whom failures are counted for: an address, or the network a single IPv6 customer has.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        },
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
    use axum::http::header;

    use super::*;

    #[test]
    fn a_request_id_is_taken_only_if_it_is_harmless() {
        let of = |text: &str| {
            let headers = HeaderMap::from_iter([(
                header::HeaderName::from_static(REQUEST_ID),
                HeaderValue::from_str(text).unwrap(),
            )]);
            RequestId::of(&headers).as_str() == text
        };
        assert!(of("build-17.a_b"));
        let long = "x".repeat(65);
        for bad in ["", "a b", "a\"b", &long] {
            assert!(!of(bad), "{bad}");
        }
        assert_ne!(RequestId::fresh().as_str(), RequestId::fresh().as_str());
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

    #[test]
    fn failures_of_one_network_count_together() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_eq!(of("::ffff:10.0.0.1"), "10.0.0.1");
    }
}
