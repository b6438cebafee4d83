//! What happens to every request, whatever it asks: an id, a key, a rate, a time limit, an access
//! line, and an answer that is a problem document when it is a no.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use caviada_api::BASE_PATH;
use caviada_core::key::Key;
use caviada_core::limits;
use futures_util::FutureExt as _;
use futures_util::future::Either;
use tower::{Service, service_fn};

use super::App;
use super::auth::authenticate;
use super::openapi;
use super::problem::Error;
use crate::line::{Line, REQUEST_ID, RequestId};
use crate::listener::Answers;
use crate::rate::TooMany;

/// A read may be a long-poll, which has this on top.
const LONG_POLL_MAX: Duration = Duration::from_millis(limits::server::LONG_POLL_MS_MAX);
/// A bundle comes for as long as a pull may take; one that says nothing is given up long before.
const LOAD_MAX: Duration = Duration::from_millis(limits::PULL_MS_MAX);

/// Another entrance of the same listener: what it answers for, and how.
pub type Beside = (&'static str, Router);

/// Puts the edge around endpoints. What needs no waiting is done before they are called, so that one
/// future holds both and nothing is boxed for the edge alone. What is beside has an edge of its own.
pub fn around(app: App, endpoints: Router, beside: Vec<Beside>) -> impl Answers {
    let inside = Arc::new((app, endpoints, beside));
    service_fn(move |mut request: Request| {
        let (app, endpoints, beside) = &*inside;
        let path = request.uri().path();
        if let Some((_, other)) = beside.iter().find(|(below, _)| is_below(path, below)) {
            return Either::Left(other.clone().call(request));
        }
        let mut asked = Asked::of(app.clone(), &request);
        let inner = asked.admit(&mut request).map(|()| {
            let limit = asked.time_limit();
            (limit, endpoints.clone().call(request))
        });
        Either::Right(asked.answered(inner))
    })
}

fn is_below(path: &str, above: &str) -> bool {
    let rest = path.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A request on its way.
struct Asked {
    app: App,
    began: Instant,
    id: RequestId,
    line: Line,
    key: Option<Arc<Key>>,
}

impl Asked {
    fn of(app: App, request: &Request) -> Self {
        Self {
            app,
            began: Instant::now(),
            id: RequestId::of(request.headers()),
            line: Line::of(request).route(openapi::route(request.uri().path())),
            key: None,
        }
    }

    /// Lets the request in: to the API and the metrics only with a key, and within its rate.
    fn admit(&mut self, request: &mut Request) -> Result<(), Error> {
        let path = request.uri().path();
        if !path.starts_with(BASE_PATH) && path != "/metrics" {
            return Ok(());
        }
        let (rates, peer) = (self.app.rates(), self.line.peer());
        let caller = match authenticate(self.app.ledger(), request.headers(), peer) {
            Ok(caller) => caller,
            Err(error) => {
                rates.failure(peer).map_err(too_many_failures)?;
                return Err(error);
            }
        };
        self.key = Some(caller.key.clone());
        rates.request(caller.key.id).map_err(too_many)?;
        self.unasked(request)?;
        request.extensions_mut().insert(caller);
        Ok(())
    }

    /// Refuses a query that nobody would read: a wish in it would be lost without a word.
    fn unasked(&self, request: &Request) -> Result<(), Error> {
        let query = request.uri().query().unwrap_or_default();
        let (Some(route), false) = (self.line.matched(), query.is_empty()) else {
            return Ok(());
        };
        let method = match *request.method() {
            Method::HEAD => &Method::GET,
            ref method => method,
        };
        let reads = |(m, path): &(Method, String)| m == method && path == route;
        if !route.starts_with(BASE_PATH) || openapi::queried().iter().any(reads) {
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

    /// How long it may take to answer.
    fn time_limit(&self) -> Duration {
        let mut limit = self.app.options().answer_within;
        if self.line.method() == Method::GET {
            limit += LONG_POLL_MAX;
        }
        if self.line.matched() == Some(super::v1::image::LOAD_PATH) {
            limit = limit.max(LOAD_MAX);
        }
        limit
    }

    /// The answer, with what every answer says; it is counted and logged.
    async fn answered(
        self,
        inner: Result<(Duration, impl Future<Output = Result<Response, Infallible>>), Error>,
    ) -> Result<Response, Infallible> {
        let mut response = match inner {
            Ok((limit, inner)) => within(&self.app, limit, inner, &self.id).await,
            Err(error) => error.answer(self.id.as_str()),
        };
        let Self { line, id, key, .. } = self;
        let (status, took) = (response.status(), self.began.elapsed());
        let meters = self.app.meters();
        meters.record(line.matched(), line.method(), status, took);
        line.write(&id, key.as_ref().map(|key| &key.name), status, took);
        finish(&mut response, id);
        Ok(response)
    }
}

pub(super) fn too_many(TooMany(wait): TooMany) -> Error {
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Error::new("too-many-requests").retry_after_ms(ms.max(1))
}

fn too_many_failures(wait: TooMany) -> Error {
    too_many(wait).detail("too many requests without a valid key from this address")
}

/// The inner answer, with a problem document in place of a bare no. A panic is a bug and a 500.
async fn within(
    app: &App,
    limit: Duration,
    inner: impl Future<Output = Result<Response, Infallible>>,
    id: &RequestId,
) -> Response {
    let inner = AssertUnwindSafe(inner).catch_unwind();
    let mut response = match tokio::time::timeout(limit, inner).await {
        Ok(Ok(Ok(response))) => response,
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
    // What may be asked instead only the router knows.
    let allow = response.headers_mut().remove(header::ALLOW);
    let mut answer = error.answer(id.as_str());
    answer
        .headers_mut()
        .extend(allow.map(|allow| (header::ALLOW, allow)));
    answer
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

fn finish(response: &mut Response, id: RequestId) {
    let headers = response.headers_mut();
    headers.insert(&REQUEST_ID, id.0);
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn an_entrance_answers_for_its_path_and_what_is_below() {
        for path in ["/bare", "/bare/", "/bare/of/all"] {
            assert!(is_below(path, "/bare"), "{path}");
        }
        for path in ["/", "/barefoot", "/api/v1/bare", "/bar"] {
            assert!(!is_below(path, "/bare"), "{path}");
        }
    }
}
