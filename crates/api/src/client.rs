//! The client library: typed calls over HTTP, repeated only where a repeat is safe.
//!
//! Every call that changes something carries an `Idempotency-Key`, the same over all its tries, so
//! that a repeat after a lost answer gets the first outcome. Tries are bounded in number and time.
//! Nothing here follows redirects or uses a proxy: a key goes where it was sent and nowhere else.

mod calls;
mod image;
mod stream;

use std::fmt;
use std::time::Duration;

use caviada_core::limits;
use reqwest::{Method, StatusCode, Url, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::{BASE_PATH, IDEMPOTENCY_KEY};
pub use calls::{POLL_MS_MAX, every};
pub use stream::EventStream;

/// Where a server is and how to speak to it.
#[derive(Clone)]
pub struct Options {
    /// `http://127.0.0.1:7632` or `https://…`, with a path if the server is below one.
    pub url: String,
    /// Secret of the API key.
    pub key: Option<String>,
    /// Authorities to trust beside the system's, PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// For one try, in milliseconds.
    pub timeout_ms: u64,
    /// Tries of one call, at least 1.
    pub tries_max: u32,
}

impl Options {
    /// No key, the system's authorities, 30 s for a try and at most 4 tries.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            key: None,
            ca_pem: None,
            timeout_ms: 30_000,
            tries_max: 4,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("url", &self.url)
            .field("key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server understood and said no.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// No answer came. Whether a change was made is unknown; all tries carried the same
    /// idempotency key.
    #[error("no answer from {url}: {reason}")]
    Unreachable {
        /// The server's address.
        url: String,
        /// What went wrong on the way.
        reason: String,
    },
    /// What answered does not speak this API.
    #[error("{url} does not answer as a Caviada server would: {reason}")]
    Protocol {
        /// The server's address.
        url: String,
        /// What was odd.
        reason: String,
    },
    /// The options cannot be used.
    #[error("{0}")]
    Options(String),
}

impl Error {
    /// The problem's code, if it is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// The server said that this does not exist.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 404)
    }
}

/// Speaks to one server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<header::HeaderValue>,
    timeout: Duration,
    tries_max: u32,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// One call before it is sent.
struct Call {
    method: Method,
    url: Url,
    body: Option<Vec<u8>>,
    if_match: Option<String>,
    key: Option<String>,
    timeout: Duration,
}

/// One try's result, as far as it decides about the next.
enum Try {
    Answer(Vec<u8>),
    Final(Error),
    Again(Error, Option<u64>),
}

impl Client {
    /// Speaks to the server that `options` name. Nothing is sent yet.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let mut base = Url::parse(&options.url)
            .map_err(|e| Error::Options(format!("{} is not an address: {e}", options.url)))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(Error::Options(format!(
                "{} is not an address: it begins with http:// or https://",
                options.url
            )));
        }
        base.set_query(None);
        base.set_fragment(None);
        // TLS is asked of a provider for the whole process. Somebody may have set one: then that.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("caviada/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_millis(options.timeout_ms.min(10_000)));
        if base.scheme() == "http" {
            // Without TLS no authority is needed, and a bare container has none to load.
            http = http.tls_certs_only([]);
        } else if let Some(pem) = &options.ca_pem {
            let authorities = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|e| Error::Options(format!("the CA file cannot be read: {e}")))?;
            http = http.tls_certs_merge(authorities);
        }
        let authorization = options.key.as_deref().map(bearer).transpose()?;
        Ok(Self {
            http: http
                .build()
                .map_err(|e| Error::Options(format!("TLS cannot be set up: {}", chain(&e))))?,
            base,
            authorization,
            timeout: Duration::from_millis(options.timeout_ms),
            tries_max: options.tries_max.max(1),
        })
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        self.base.as_str()
    }

    /// `base/api/v1/segment/segment`, each segment escaped.
    fn address(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(BASE_PATH.split('/').filter(|s| !s.is_empty()))
                .extend(segments);
        }
        url
    }

    fn call(&self, method: Method, segments: &[&str]) -> Call {
        let changes = method != Method::GET;
        Call {
            method,
            url: self.address(segments),
            body: None,
            if_match: None,
            key: changes.then(idempotency_key),
            timeout: self.timeout,
        }
    }

    fn call_with<Q: Serialize>(
        &self,
        method: Method,
        segments: &[&str],
        query: &Q,
    ) -> Result<Call, Error> {
        let mut call = self.call(method, segments);
        let request = self.http.get(call.url).query(query).build();
        call.url = request
            .map_err(|e| Error::Options(format!("the query cannot be written: {}", chain(&e))))?
            .url()
            .clone();
        Ok(call)
    }

    async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let body = self.repeat(&call).await?;
        serde_json::from_slice(&body).map_err(|e| self.protocol(format!("{e}")))
    }

    async fn send_for_nothing(&self, call: Call) -> Result<(), Error> {
        self.repeat(&call).await.map(drop)
    }

    async fn repeat(&self, call: &Call) -> Result<Vec<u8>, Error> {
        let mut tries = 1;
        loop {
            match self.attempt(call).await {
                Try::Answer(body) => return Ok(body),
                Try::Final(error) => return Err(error),
                Try::Again(error, _) if tries >= self.tries_max => return Err(error),
                Try::Again(_, after_ms) => {
                    tokio::time::sleep(pause(tries, after_ms)).await;
                    tries += 1;
                }
            }
        }
    }

    async fn attempt(&self, call: &Call) -> Try {
        let mut request = self
            .http
            .request(call.method.clone(), call.url.clone())
            .timeout(call.timeout)
            .header(header::ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(key) = &call.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(etag) = &call.if_match {
            request = request.header(header::IF_MATCH, format!("\"{etag}\""));
        }
        if let Some(body) = &call.body {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) => Try::Again(self.unreachable(&error), None),
        }
    }

    async fn read(&self, mut response: reqwest::Response) -> Try {
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > limits::client::ANSWER_BYTES_MAX => {
                    return Try::Final(self.protocol("the answer is larger than 64 MiB".into()));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Try::Again(self.unreachable(&error), None),
            }
        }
        if status.is_success() {
            return Try::Answer(body);
        }
        let error = self.refusal(status, &body);
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let after_ms = match &error {
                    Error::Refused(problem) => problem.retry_after_ms,
                    _ => None,
                };
                Try::Again(error, after_ms)
            }
            _ => Try::Final(error),
        }
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Error {
        match serde_json::from_slice(body) {
            Ok(problem) => Error::Refused(Box::new(problem)),
            Err(_) => self.protocol(format!("it answered {status} without a problem document")),
        }
    }

    fn protocol(&self, reason: String) -> Error {
        Error::Protocol {
            url: self.base.to_string(),
            reason,
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        Error::Unreachable {
            url: self.base.to_string(),
            reason: on_the_way(error),
        }
    }
}

impl Call {
    fn body<B: Serialize>(mut self, body: &B) -> Result<Self, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|e| Error::Options(format!("the request cannot be written: {e}")))?;
        self.body = Some(body);
        Ok(self)
    }

    fn if_match(mut self, etag: Option<&str>) -> Self {
        self.if_match = etag.map(str::to_owned);
        self
    }

    /// For calls that the server may keep open for `ms`.
    fn open_for(mut self, ms: u64) -> Self {
        self.timeout += Duration::from_millis(ms);
        self
    }
}

fn bearer(key: &str) -> Result<header::HeaderValue, Error> {
    header::HeaderValue::from_str(&format!("Bearer {key}"))
        .map(|mut value| {
            value.set_sensitive(true);
            value
        })
        .map_err(|_| Error::Options("the key has characters that no key has".into()))
}

/// What went wrong between here and there, without the layers it passed through.
fn on_the_way(error: &reqwest::Error) -> String {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    if error.is_timeout() {
        "it did not answer in time".into()
    } else if error.is_connect() {
        format!("cannot connect: {root}")
    } else {
        root.to_string()
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    text
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    if rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .is_err()
    {
        // The system has no randomness to give; the hasher's seed is the next best.
        use std::hash::{BuildHasher, RandomState};
        let word = RandomState::new().hash_one(std::time::SystemTime::now());
        bytes[..8].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// A fresh idempotency key: 128 random bits as hexadecimal digits.
pub fn idempotency_key() -> String {
    random()
        .iter()
        .fold(String::new(), |text, b| text + &format!("{b:02x}"))
}

/// Grows with the tries, and differs between clients so that they do not come back all at once.
fn pause(tries: u32, after_ms: Option<u64>) -> Duration {
    let step_ms = limits::client::AGAIN_PAUSE_MS_MIN << (tries - 1).min(10);
    let base_ms = after_ms
        .unwrap_or(0)
        .max(step_ms)
        .min(limits::client::AGAIN_PAUSE_MS_MAX);
    let [byte, ..] = random();
    Duration::from_millis(base_ms + base_ms * u64::from(byte) / 512)
}
