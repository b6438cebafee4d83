//! How soon one of many who wait knows that he has it: from sending a release until the answer to
//! a read that was kept open has come.
//!
//! A waiting lease needs no connection. Only those next in line have a read open, since long before
//! it is their turn, so thousands wait and few files are open.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use caviada_api::BASE_PATH;
use caviada_api::client::POLL_MS_MAX;
use caviada_api::lease::{Acquire, Lease, LeaseState};
use caviada_core::id::LeaseId;
use caviada_core::limits;
use tokio::task::JoinSet;

use super::Plan;
use super::connection::{Answer, Connection};
use super::load::percentile_ms;
use super::own::user_key;
use super::report::{Report, Writer, millis, rounded};
use super::seed::Seed;
use super::server::Server;

/// The pool and the key are called so.
const MARK: &str = "bench-wake";
/// Members of the pool, all held whenever somebody is woken.
const MEMBERS: usize = 64;
/// Those next in line who have a read open.
const READS_MAX: usize = 64;
/// Connections that park leases.
const CALLERS: usize = 16;
/// Owners of the leases, so that none has more waiting than he may, whoever is ahead.
const OWNERS: usize = limits::WAITING_PER_POOL_MAX / limits::WAITING_PER_OWNER_MAX + 1;
/// Longer than the measurement: nobody's wait and nobody's lease ends during it.
const LEASE_MS: u64 = 3_600_000;

/// Parks leases in a pool of their own and wakes one after the other for as long as a slice.
pub async fn measure(plan: &Plan, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let client = server.client()?;
    let seed = Seed {
        pools: 1,
        resources: MEMBERS,
        live: 0,
        clusters: false,
    };
    let pools = seed.declare(&client, MARK).await?;
    let key = user_key(&client, MARK, &pools).await?;
    let requests = Requests::new(server.address(), &key, &pools.concat());
    eprintln!("parking {} leases", plan.parked);
    let mut line = Line::new(requests, plan.parked).await?;
    // The first reads may still be on their way when their turn comes.
    for _ in 0..line.next.len() {
        line.wake().await?;
    }
    let end = Instant::now() + plan.slice;
    let mut ns = Vec::new();
    while ns.is_empty() || Instant::now() < end {
        ns.push(u64::try_from(line.wake().await?.as_nanos())?);
    }
    if let Some(writer) = Writer::ask(&client).await {
        let longest = millis(writer.turn_max, 1);
        eprintln!(
            "{} woken; longest turn, to park too, {longest} ms",
            ns.len()
        );
    }
    report.parked = Some(plan.parked);
    report.wake_p50_ms = percentile_ms(&mut ns, 50).map(|ms| rounded(ms, 3));
    report.wake_p99_ms = percentile_ms(&mut ns, 99).map(|ms| rounded(ms, 3));
    Ok(())
}

/// What is sent, by one key that acts for everybody in one pool.
#[derive(Debug)]
struct Requests {
    address: SocketAddr,
    /// Headers of each.
    headers: String,
    pool: String,
}

impl Requests {
    fn new(address: SocketAddr, key: &str, pool: &str) -> Self {
        Self {
            address,
            headers: format!("Host: {address}\r\nAuthorization: Bearer {key}\r\n"),
            pool: pool.to_owned(),
        }
    }

    /// Acquires for one of the owners, by turns, and waits if it has to.
    fn acquire(&self, number: usize) -> serde_json::Result<Vec<u8>> {
        let body = serde_json::to_string(&Acquire {
            pool: Some(self.pool.clone()),
            owner: Some(format!("waiter-{}", number % OWNERS)),
            ttl_ms: Some(LEASE_MS),
            wait_ms: Some(LEASE_MS),
            ..Acquire::default()
        })?;
        let (headers, length) = (&self.headers, body.len());
        let kind = "Content-Type: application/json\r\n";
        let all = format!(
            "POST {BASE_PATH}/leases HTTP/1.1\r\n{headers}{kind}Content-Length: {length}\r\n\r\n{body}"
        );
        Ok(all.into_bytes())
    }

    /// Reads a lease once it waits no more.
    fn read(&self, lease: LeaseId) -> Vec<u8> {
        let path = format!("{BASE_PATH}/leases/{lease}?wait_ms={POLL_MS_MAX}");
        format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers).into_bytes()
    }

    fn release(&self, lease: LeaseId) -> Vec<u8> {
        let path = format!("{BASE_PATH}/leases/{lease}");
        format!("DELETE {path} HTTP/1.1\r\n{}\r\n", self.headers).into_bytes()
    }

    /// Acquires for each of these, several at once. The order is the ledger's: who came first is
    /// granted first.
    async fn acquired(
        self: &Arc<Self>,
        numbers: Range<usize>,
        state: LeaseState,
    ) -> anyhow::Result<VecDeque<LeaseId>> {
        let mut callers = JoinSet::new();
        for first in 0..CALLERS {
            let (requests, numbers) = (self.clone(), numbers.clone());
            callers.spawn(async move {
                let mut connection = Connection::open(requests.address).await?;
                let mut leases = Vec::new();
                for number in numbers.skip(first).step_by(CALLERS) {
                    let acquire = requests.acquire(number)?;
                    leases.push(lease(connection.ask(&acquire).await?, state)?);
                }
                anyhow::Ok(leases)
            });
        }
        let mut leases = Vec::new();
        while let Some(some) = callers.join_next().await {
            leases.extend(some??);
        }
        leases.sort_unstable();
        Ok(leases.into())
    }
}

/// A pool whose members are all held, and those who wait for one.
#[derive(Debug)]
struct Line {
    requests: Arc<Requests>,
    /// Releases, and parks one more for each who was woken.
    connection: Connection,
    held: VecDeque<LeaseId>,
    /// Next in line, each with a read open.
    next: VecDeque<(LeaseId, Connection)>,
    behind: VecDeque<LeaseId>,
    /// Leases asked for so far.
    asked: usize,
}

impl Line {
    async fn new(requests: Requests, parked: usize) -> anyhow::Result<Self> {
        let requests = Arc::new(requests);
        let asked = MEMBERS + parked;
        let held = requests.acquired(0..MEMBERS, LeaseState::Active);
        let held = held.await.context("holding all members")?;
        let behind = requests.acquired(MEMBERS..asked, LeaseState::Waiting);
        let behind = behind.await.context("parking leases")?;
        let mut line = Self {
            connection: Connection::open(requests.address).await?,
            requests,
            held,
            next: VecDeque::new(),
            behind,
            asked,
        };
        for _ in 0..READS_MAX.min(parked) {
            let read = Connection::open(line.requests.address).await?;
            line.follow(read).await?;
        }
        Ok(line)
    }

    /// Opens a read of the first who has none.
    async fn follow(&mut self, mut read: Connection) -> anyhow::Result<()> {
        let lease = self.behind.pop_front().context("nobody waits")?;
        read.send(&self.requests.read(lease)).await?;
        self.next.push_back((lease, read));
        Ok(())
    }

    /// Releases what was held longest, and says how long it took until the next in line knew that
    /// it is his. Then as many wait as before.
    async fn wake(&mut self) -> anyhow::Result<Duration> {
        let held = self.held.pop_front().context("nothing is held")?;
        let (next, mut read) = self.next.pop_front().context("nobody waits")?;
        let release = self.requests.release(held);
        let began = Instant::now();
        let woken = async {
            let answer = read.answer().await?;
            let took = began.elapsed();
            lease(answer, LeaseState::Active).map(|_| took)
        };
        let released = async {
            let answer = self.connection.ask(&release).await?;
            lease(answer, LeaseState::Ended)
        };
        let (took, _) = tokio::try_join!(woken, released)?;
        self.held.push_back(next);
        let acquire = self.requests.acquire(self.asked)?;
        self.asked += 1;
        let answer = self.connection.ask(&acquire).await?;
        self.behind.push_back(lease(answer, LeaseState::Waiting)?);
        self.follow(read).await?;
        Ok(took)
    }
}

/// The lease of an answer, which must be in this state.
fn lease(answer: Answer<'_>, state: LeaseState) -> anyhow::Result<LeaseId> {
    if !(200..300).contains(&answer.status) {
        let body = String::from_utf8_lossy(answer.body);
        bail!("a lease was answered {}: {body}", answer.status);
    }
    let lease: Lease = serde_json::from_slice(answer.body)?;
    let (id, is) = (lease.id, lease.state);
    ensure!(is == state, "{id} is {is:?} and should be {state:?}");
    Ok(id)
}
