//! What happens to every request, whatever it asks: an id, a key, a rate, a time limit, an access
//! line, and an answer that is a problem document when it is a no.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use caviada_api::{BASE_PATH, REQUEST_ID};
use caviada_core::name::Name;
use futures_util::FutureExt as _;

use super::App;
use super::auth::{Caller, authenticate};
use super::openapi;
use super::problem::Error;
use super::serve::Origin;

/// A read may be a long-poll, which has this on top.
const LONG_POLL_MAX: Duration = Duration::from_millis(super::v1::LONG_POLL_MS_MAX);
/// Longest request id a caller may bring, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// What the access line and the problem document say of a request.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

impl RequestId {
    /// The caller's, if it is one; else a new one.
    fn of(headers: &HeaderMap) -> Self {
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

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Whom the access line names.
#[derive(Debug, Clone)]
struct Who {
    key: Name,
}

/// The edge itself.
pub async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    let line = Line::of(&request);
    let mut who = None;
    let mut response = match admit(&app, &mut request, line.peer) {
        Ok(caller) => {
            who = caller.map(|c| Who {
                key: c.key.name.clone(),
            });
            answered(&app, request, next, &id).await
        }
        Err(error) => error.answer(id.as_str()),
    };
    finish(&mut response, &id);
    line.write(&app, &id, who.as_ref(), response.status(), began.elapsed());
    response
}

/// Lets the request in: to the API and the metrics only with a key, and within its rate.
fn admit(app: &App, request: &mut Request, peer: Option<IpAddr>) -> Result<Option<Caller>, Error> {
    let path = request.uri().path();
    if !path.starts_with(BASE_PATH) && path != "/metrics" {
        return Ok(None);
    }
    let caller = match authenticate(app.ledger(), request.headers()) {
        Ok(caller) => caller,
        Err(error) => {
            app.limit().failure(peer)?;
            return Err(error);
        }
    };
    app.limit().request(caller.key.id)?;
    unasked(request)?;
    request.extensions_mut().insert(caller.clone());
    Ok(Some(caller))
}

/// Refuses a query that nobody would read: a wish in it would be lost without a word.
fn unasked(request: &Request) -> Result<(), Error> {
    let query = request.uri().query().unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>();
    let (Some(route), false) = (route, query.is_empty()) else {
        return Ok(());
    };
    let method = match *request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let reads = |(m, path): &(Method, String)| m == method && path == route.as_str();
    if !route.as_str().starts_with(BASE_PATH) || openapi::queried().iter().any(reads) {
        return Ok(());
    }
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let field = fields
        .next()
        .map(|(field, _)| field.chars().take(64).collect());
    let field = field.filter(|field: &String| !field.is_empty());
    Err(Error::malformed(
        field.unwrap_or_else(|| "query".to_owned()),
        "this call has no such field in its query",
    ))
}

/// The inner answer, with a problem document in place of a bare no. A panic is a bug and a 500.
async fn answered(app: &App, request: Request, next: Next, id: &RequestId) -> Response {
    let mut limit = app.options().answer_within;
    if request.method() == Method::GET {
        limit += LONG_POLL_MAX;
    }
    let inner = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(limit, inner).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            tracing::error!(request.id = id.as_str(), panic = text, "a handler panicked");
            return Error::new("internal").answer(id.as_str());
        }
        Err(_) => return Error::new("unavailable").answer(id.as_str()),
    };
    let error = match response.extensions_mut().remove::<Error>() {
        Some(error) => error,
        None if response.status().is_success() || response.status().is_informational() => {
            return response;
        }
        None => bare(&response),
    };
    let error = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => error.fact("limit_bytes", app.options().body_bytes_max),
        _ => error,
    };
    error.answer(id.as_str())
}

/// What the framework refused by itself.
fn bare(response: &Response) -> Error {
    match response.status() {
        StatusCode::NOT_FOUND => Error::new("no-such-path"),
        StatusCode::METHOD_NOT_ALLOWED => Error::new("method-not-allowed"),
        StatusCode::PAYLOAD_TOO_LARGE => Error::new("too-large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Error::new("unsupported-media-type"),
        status if status.is_client_error() => Error::malformed("request", status.to_string()),
        _ => Error::new("internal"),
    }
}

fn finish(response: &mut Response, id: &RequestId) {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.0.clone());
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

/// What is known of a request before it is handled. Queries are not logged: they may carry names
/// that are somebody's business.
struct Line {
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    peer: Option<IpAddr>,
    trace: Option<String>,
}

impl Line {
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: extensions.get::<MatchedPath>().cloned(),
            peer: extensions
                .get::<Origin>()
                .map(|origin| network(origin.peer().ip())),
            trace: request.headers().get("traceparent").and_then(trace_id),
        }
    }

    fn write(
        &self,
        app: &App,
        id: &RequestId,
        who: Option<&Who>,
        status: StatusCode,
        took: Duration,
    ) {
        let route = self.route.as_ref().map(MatchedPath::as_str);
        app.meters().record(route, &self.method, status, took);
        let peer = self.peer.map(tracing::field::display);
        tracing::info!(
            target: "caviada::access",
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            request.id = id.as_str(),
            http.method = self.method.as_str(),
            http.path = self.uri.path(),
            http.status = status.as_u16(),
            key.name = who.map(|w| w.key.as_str()),
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
