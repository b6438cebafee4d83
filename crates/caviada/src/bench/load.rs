//! The load: connections that ask again as soon as they have their answer (closed loop), or at
//! planned instants whether or not the last answer has come (open loop).
//!
//! Latency in the open loop counts from the planned instant, so a server that stalls is charged for
//! all whom it kept waiting and not only for the one whose answer was late.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use caviada_api::BASE_PATH;
use caviada_api::lease::Acquire;
use caviada_server::compat::poolmanager;
use caviada_server::http::bare;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::pace::Pace;

/// How a lease begins its document.
const LEASE_ID: &[u8] = b"\"id\":\"";
/// For leases that are given back at once.
const TTL_MS: u64 = 60_000;

/// Requests made once and sent often.
#[derive(Debug)]
pub struct Requests {
    bare: Vec<u8>,
    /// One for each pool, or for each caller.
    acquires: Vec<Vec<u8>>,
    release: (Vec<u8>, Vec<u8>),
    /// How an acquire is answered.
    granted: u16,
    /// A caller keeps to his own acquire, instead of going round.
    own: bool,
}

impl Requests {
    /// Requests to acquire one of each of these pools, with this key.
    pub fn new(address: SocketAddr, key: &str, pools: &[String]) -> anyhow::Result<Self> {
        let host = format!("Host: {address}\r\n");
        let key = format!("Authorization: Bearer {key}\r\n");
        let acquire = |pool: &String| {
            let body = serde_json::to_string(&Acquire {
                pool: Some(pool.clone()),
                ttl_ms: Some(TTL_MS),
                ..Acquire::default()
            })?;
            let length = body.len();
            let head = format!("POST {BASE_PATH}/leases HTTP/1.1\r\n{host}{key}");
            let kind = "Content-Type: application/json\r\n";
            let all = format!("{head}{kind}Content-Length: {length}\r\n\r\n{body}");
            anyhow::Ok(all.into_bytes())
        };
        Ok(Self {
            bare: format!("GET {} HTTP/1.1\r\n{host}\r\n", bare::PATH).into_bytes(),
            acquires: pools.iter().map(acquire).collect::<Result<_, _>>()?,
            release: (
                format!("DELETE {BASE_PATH}/leases/").into_bytes(),
                format!(" HTTP/1.1\r\n{host}{key}\r\n").into_bytes(),
            ),
            granted: 201,
            own: false,
        })
    }

    /// The same in the words of PoolManager, each of so many callers a user of his own.
    pub fn poolmanager(address: SocketAddr, key: &str, callers: usize) -> Self {
        let tail = format!(" HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n");
        let apply = |n| {
            format!(
                "GET {}/v1/cluster_apply?user_id=user{n}{tail}",
                poolmanager::PATH
            )
        };
        let release = format!("GET {}/v1/cluster_release?cluster_id=", poolmanager::PATH);
        Self {
            bare: Vec::new(),
            acquires: (0..callers).map(|n| apply(n).into_bytes()).collect(),
            release: (release.into_bytes(), tail.into_bytes()),
            granted: 200,
            own: true,
        }
    }
}

/// What a slice of load came to.
#[derive(Debug, Default)]
pub struct Count {
    /// Answers within the slice.
    pub requests: u64,
    /// Leases acquired and given back.
    pub cycles: u64,
    /// Of each acquire, in nanoseconds.
    pub acquired_ns: Vec<u64>,
}

impl Count {
    /// What another load came to, too.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.cycles += other.cycles;
        self.acquired_ns.extend(other.acquired_ns);
    }

    /// The latency that so many percent of the acquires did not exceed, in milliseconds.
    pub fn acquire_ms(&mut self, percent: usize) -> Option<f64> {
        percentile_ms(&mut self.acquired_ns, percent)
    }
}

/// What so many percent of these nanoseconds do not exceed, in milliseconds.
pub fn percentile_ms(ns: &mut [u64], percent: usize) -> Option<f64> {
    ns.sort_unstable();
    let rank = (ns.len() * percent).div_ceil(100);
    let ns = ns.get(rank.saturating_sub(1))?;
    Some(Duration::from_nanos(*ns).as_secs_f64() * 1_000.0)
}

/// When answers count.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// From here.
    pub begin: Instant,
    /// To here; then the load ends.
    pub end: Instant,
}

impl Window {
    /// So long, after some time to get warm.
    pub fn after(warm: Duration, length: Duration) -> Self {
        let begin = Instant::now() + warm;
        let end = begin + length;
        Self { begin, end }
    }

    fn holds(&self, at: Instant) -> bool {
        (self.begin..self.end).contains(&at)
    }
}

/// Somebody who asks, over one connection.
#[derive(Debug)]
pub struct Caller {
    connection: Connection,
    requests: Arc<Requests>,
    /// Which pool is next; each caller begins elsewhere.
    turn: usize,
    lease: Vec<u8>,
    release: Vec<u8>,
}

impl Caller {
    /// The caller of this number.
    pub async fn new(
        address: SocketAddr,
        requests: &Arc<Requests>,
        number: usize,
    ) -> anyhow::Result<Self> {
        let connection = Connection::open(address).await;
        Ok(Self {
            connection: connection.with_context(|| format!("connecting to {address}"))?,
            requests: requests.clone(),
            turn: number,
            lease: Vec::new(),
            release: Vec::new(),
        })
    }

    /// Asks the bare route. Answers how long its body is, in bytes.
    pub async fn bare(&mut self) -> anyhow::Result<usize> {
        let answer = self.connection.ask(&self.requests.bare).await?;
        match answer.status {
            200 => Ok(answer.body.len()),
            status => bail!("the bare route answered {status}"),
        }
    }

    /// Acquires. Answers how long the body is, in bytes.
    pub async fn acquire(&mut self) -> anyhow::Result<usize> {
        let acquires = &self.requests.acquires;
        let request = &acquires[self.turn % acquires.len()];
        self.turn = self.turn.wrapping_add(usize::from(!self.requests.own));
        let answer = self.connection.ask(request).await?;
        let Some(id) = lease_id(answer.body).filter(|_| answer.status == self.requests.granted)
        else {
            let body = String::from_utf8_lossy(answer.body);
            bail!("an acquire was answered {}: {body}", answer.status);
        };
        self.lease.clear();
        self.lease.extend_from_slice(id);
        Ok(answer.body.len())
    }

    /// Gives back what was acquired last. Answers how long the body is, in bytes.
    pub async fn release(&mut self) -> anyhow::Result<usize> {
        let (head, tail) = &self.requests.release;
        self.release.clear();
        for part in [head, &self.lease, tail] {
            self.release.extend_from_slice(part);
        }
        let answer = self.connection.ask(&self.release).await?;
        if answer.status != 200 {
            let body = String::from_utf8_lossy(answer.body);
            bail!("a release was answered {}: {body}", answer.status);
        }
        Ok(answer.body.len())
    }

    async fn bare_loop(mut self, window: Window) -> anyhow::Result<Count> {
        let mut count = Count::default();
        loop {
            self.bare().await?;
            let now = Instant::now();
            count.requests += u64::from(window.holds(now));
            if now >= window.end {
                return Ok(count);
            }
        }
    }

    async fn closed_loop(mut self, window: Window) -> anyhow::Result<Count> {
        let mut count = Count::default();
        let mut began = Instant::now();
        loop {
            self.acquire().await?;
            let acquired = Instant::now();
            self.release().await?;
            let released = Instant::now();
            if window.holds(acquired) {
                count.requests += 1;
                let took = acquired - began;
                count
                    .acquired_ns
                    .push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            }
            if window.holds(released) {
                count.requests += 1;
                count.cycles += 1;
            }
            if released >= window.end {
                return Ok(count);
            }
            began = released;
        }
    }

    async fn open_loop(
        mut self,
        first: Instant,
        each: Duration,
        window: Window,
    ) -> anyhow::Result<Count> {
        let pace = Pace::new()?;
        let mut count = Count::default();
        let mut planned = first;
        while planned < window.end {
            pace.until(planned).await?;
            self.acquire().await?;
            let took = planned.elapsed();
            self.release().await?;
            if window.holds(planned) {
                count.requests += 2;
                count.cycles += 1;
                count
                    .acquired_ns
                    .push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            }
            planned += each;
        }
        Ok(count)
    }
}

fn lease_id(body: &[u8]) -> Option<&[u8]> {
    let at = body.windows(LEASE_ID.len()).position(|w| w == LEASE_ID)?;
    let rest = body.get(at + LEASE_ID.len()..)?;
    rest.split(|b| *b == b'"')
        .next()
        .filter(|id| !id.is_empty())
}

/// A load on one server.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where it listens.
    pub address: SocketAddr,
    /// What is asked.
    pub requests: Arc<Requests>,
}

impl Load {
    /// So many connections ask the bare route.
    pub async fn bare(&self, connections: usize, window: Window) -> anyhow::Result<Count> {
        self.together(connections, |_, caller| caller.bare_loop(window))
            .await
    }

    /// So many connections acquire and release.
    pub async fn closed(&self, connections: usize, window: Window) -> anyhow::Result<Count> {
        self.together(connections, |_, caller| caller.closed_loop(window))
            .await
    }

    /// So many connections begin so many cycles per second between them, evenly spaced.
    pub async fn open(
        &self,
        connections: usize,
        per_s: f64,
        window: Window,
    ) -> anyhow::Result<Count> {
        let gap = Duration::from_secs_f64(1.0 / per_s);
        let each = Duration::from_secs_f64(f64::from(u32::try_from(connections)?) / per_s);
        let first = Instant::now();
        self.together(connections, |number, caller| {
            let lag = gap * u32::try_from(number).unwrap_or(0);
            caller.open_loop(first + lag, each, window)
        })
        .await
    }

    async fn together<F>(
        &self,
        connections: usize,
        each: impl Fn(usize, Caller) -> F,
    ) -> anyhow::Result<Count>
    where
        F: Future<Output = anyhow::Result<Count>> + Send + 'static,
    {
        let mut callers = JoinSet::new();
        for number in 0..connections {
            let caller = Caller::new(self.address, &self.requests, number).await?;
            callers.spawn(each(number, caller));
        }
        let mut all = Count::default();
        while let Some(count) = callers.join_next().await {
            all.add(count??);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_latencies() {
        let mut count = Count {
            acquired_ns: (1..=200).rev().map(|n| n * 1_000_000).collect(),
            ..Count::default()
        };
        assert_eq!(count.acquire_ms(50), Some(100.0));
        assert_eq!(count.acquire_ms(99), Some(198.0));
        assert_eq!(Count::default().acquire_ms(50), None);
    }

    #[test]
    fn the_lease_of_an_answer_is_found() {
        assert_eq!(
            lease_id(br#"{"id":"lease_1","state":"active"}"#),
            Some(&b"lease_1"[..])
        );
        assert_eq!(lease_id(b"{}"), None);
    }
}
