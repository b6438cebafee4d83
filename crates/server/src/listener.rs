//! The listener: connections with bounds, TLS where asked for, and an end that lets requests in
//! flight finish.

mod mend;

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use caviada_core::limits;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;

const HEADERS_MAX: Duration = Duration::from_millis(limits::server::HEADERS_MS_MAX);
const HANDSHAKE_MAX: Duration = Duration::from_millis(limits::server::HANDSHAKE_MS_MAX);
const FINISH_MAX: Duration = Duration::from_millis(limits::server::FINISH_MS_MAX);

/// What is done with requests that are not quite HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    /// They are refused.
    Strict,
    /// Their lines are mended first, for clients of another decade.
    Mended,
}

pub use mend::TOO_LONG;

/// What answers requests: each connection has one of its own.
pub trait Answers:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<R> Answers for R where
    R: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Serves until `shutdown` is done; then takes no new connection and lets those in flight finish.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: impl Answers,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    serve_requests(listener, tls, Requests::Strict, router, shutdown).await
}

/// The same, and says what is done with requests that are not quite HTTP.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve_requests(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    requests: Requests,
    router: impl Answers,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let tls = tls.map(TlsAcceptor::from);
    let room = Arc::new(Semaphore::new(limits::server::CONNECTIONS_MAX as usize));
    let (end, ending) = watch::channel(());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let next = async {
            let permit = room.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let Ok(permit) = permit else { break };
        match accepted {
            Ok((stream, peer)) => {
                let connection = Connection {
                    peer,
                    requests,
                    router: router.clone(),
                    ending: ending.clone(),
                    permit,
                };
                tokio::spawn(connection.run(stream, tls.clone()));
            }
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => {
                // Out of file descriptors, most likely: some must close first.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(limits::server::ACCEPT_PAUSE_MS)).await;
            }
        }
    }
    drop((listener, end));
    let all_gone = room.acquire_many(limits::server::CONNECTIONS_MAX);
    if tokio::time::timeout(FINISH_MAX, all_gone).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

fn is_fatal(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidInput, NotConnected, Unsupported};
    matches!(error.kind(), InvalidInput | NotConnected | Unsupported)
}

/// The connection a request came by. One for all its requests: what they share with those of other
/// connections, each would have to count anew.
#[derive(Debug, Clone)]
pub struct Origin(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    peer: SocketAddr,
    network: IpAddr,
    name: String,
    ending: Ending,
}

impl Origin {
    /// Who is at its other end.
    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// Whom its requests count for: an address, or the network a single IPv6 customer has.
    pub fn network(&self) -> IpAddr {
        self.0.network
    }

    /// That as text.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        },
    }
}

/// Tells an answer that takes long when the server ends.
#[derive(Debug, Clone)]
pub struct Ending(watch::Receiver<()>);

impl Ending {
    /// Has the server been told to end?
    pub fn has_begun(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Done when the server ends.
    pub async fn ended(mut self) {
        // Nothing is ever sent: the error is the news.
        while self.0.changed().await.is_ok() {}
    }
}

/// Outside a connection nothing ends before its answer.
impl<S: Send + Sync> FromRequestParts<S> for Ending {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let origin = parts.extensions.get::<Origin>();
        let ending = origin.map(|origin| origin.0.ending.clone());
        Ok(ending.unwrap_or_else(|| {
            static NEVER: OnceLock<watch::Sender<()>> = OnceLock::new();
            Self(NEVER.get_or_init(|| watch::channel(()).0).subscribe())
        }))
    }
}

struct Connection<R> {
    peer: SocketAddr,
    requests: Requests,
    router: R,
    /// Its sender is gone once the server ends.
    ending: watch::Receiver<()>,
    permit: OwnedSemaphorePermit,
}

impl<R: Answers> Connection<R> {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Answers are small and whole: waiting for more to send only costs time.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = tls else {
            return self.hear(stream).await;
        };
        match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.hear(stream).await,
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(peer = %self.peer, "the TLS handshake took too long"),
        }
    }

    async fn hear(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        match self.requests {
            Requests::Strict => self.speak(stream).await,
            Requests::Mended => self.speak(mend::Mended::new(stream)).await,
        }
    }

    async fn speak(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let network = network(self.peer.ip());
        let origin = Origin(Arc::new(Inner {
            peer: self.peer,
            network,
            name: network.to_string(),
            ending: Ending(self.ending.clone()),
        }));
        let router = self.router;
        let service = tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(origin.clone());
            tower::ServiceExt::oneshot(router.clone(), request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_MAX)
            .max_buf_size(limits::server::HEADERS_BYTES_MAX)
            .max_headers(limits::server::HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            _ = self.ending.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a connection ended early");
        }
        drop(self.permit);
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn failures_of_one_network_count_together() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_eq!(of("::ffff:10.0.0.1"), "10.0.0.1");
    }
}
