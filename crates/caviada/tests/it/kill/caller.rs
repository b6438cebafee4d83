//! Somebody who leases: acquires, renews, releases, repeats himself, and writes all of it down.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::chance::Chance;
use super::gate::Gate;
use super::log::{Answer, Call, Lease, Log};
use super::wire::{Lost, Request, Wire};

/// Pool of the resources that all callers fight for.
pub const POOL: &str = "herd";
/// Pool of those that are processes.
pub const SHEDS: &str = "sheds";
/// Pool of those that are containers, while there is one.
pub const STALLS: &str = "stalls";
/// Leases one caller holds at once.
const HELD_MAX: usize = 4;

/// A caller of one name, which is also his owner's.
pub struct Caller {
    name: String,
    /// Whether his key may declare resources.
    declares: bool,
    /// Longest pause between two calls.
    pub pause_us_max: u64,
    wire: Wire,
    log: Log,
    chance: Chance,
    gate: Arc<Gate>,
    keys: u64,
    held: Vec<(String, String)>,
    /// Calls of unknown outcome, and after which restart they are to be repeated.
    unknown: Vec<(Call, u64)>,
}

impl Caller {
    pub fn new(
        number: u64,
        address: SocketAddr,
        key: &str,
        folder: &Path,
        began: Instant,
        chance: Chance,
        gate: &Arc<Gate>,
    ) -> Self {
        let name = name(number);
        Self {
            wire: Wire::new(address, key),
            log: Log::new(folder, &name, began),
            chance,
            gate: gate.clone(),
            keys: 0,
            held: Vec::new(),
            unknown: Vec::new(),
            declares: number == 0,
            pause_us_max: 3_000,
            name,
        }
    }

    /// Calls until the gate closes for good. While there is no server it waits at the gate.
    pub fn run(mut self) {
        let mut epoch = 0;
        while let Some(now) = self.gate.enter(epoch) {
            epoch = now;
            while self.wire.ready().is_ok() && self.act(epoch).is_ok() && self.gate.open() {
                let pause = self.chance.below(self.pause_us_max);
                std::thread::sleep(Duration::from_micros(pause));
            }
            self.wire.hang_up();
        }
    }

    fn act(&mut self, epoch: u64) -> Result<(), Lost> {
        let due = self.unknown.iter().position(|(_, at)| *at <= epoch);
        if let Some(due) = due {
            let (call, _) = self.unknown.swap_remove(due);
            return self.make(call, epoch);
        }
        let call = match self.chance.below(100) {
            ..15 if self.declares => self.declare(),
            ..50 if self.held.len() < HELD_MAX => self.acquire(),
            50..60 if !self.held.is_empty() => {
                let of = self.chance.below(self.held.len() as u64);
                Call::Renew {
                    lease: self.held[usize::try_from(of).unwrap()].0.clone(),
                    // Longer than what a restart grants to everybody, so that it shows.
                    ttl_ms: 40_000 + self.chance.below(50_000),
                }
            }
            60..63 if !self.held.is_empty() => {
                // A key that has been answered is answered so again.
                let (_, key) = self.held[0].clone();
                self.again(key)
            }
            _ if !self.held.is_empty() => {
                let of = self.chance.below(self.held.len() as u64);
                let (lease, _) = self.held.swap_remove(usize::try_from(of).unwrap());
                Call::Release { lease }
            }
            _ => self.acquire(),
        };
        self.make(call, epoch)
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("{}.{}", self.name, self.keys)
    }

    fn acquire(&mut self) -> Call {
        let key = self.key();
        self.again(key)
    }

    /// The acquire of this key: what it asks for follows from the key alone.
    fn again(&self, key: String) -> Call {
        let number: u64 = key.rsplit('.').next().unwrap().parse().unwrap();
        let pool = match number % 8 {
            0 => STALLS,
            4 => SHEDS,
            _ => POOL,
        };
        Call::Acquire {
            pool: pool.to_owned(),
            count: 1 + usize::from(number.is_multiple_of(3)),
            ttl_ms: 5_000 + number % 7 * 1_000,
            key,
        }
    }

    fn declare(&mut self) -> Call {
        let key = self.key();
        let names = (0..3).map(|n| format!("{key}-{n}")).collect();
        Call::Declare { key, names }
    }

    /// Sends a call and writes down what becomes of it.
    fn make(&mut self, call: Call, epoch: u64) -> Result<(), Lost> {
        let number = self.log.sent(call.clone());
        let answer = match self.wire.call(&request(&call)) {
            Ok((status, document)) => answer(&call, status, &document),
            Err(lost) => {
                self.log.lost(number);
                let later = epoch + 1 + self.chance.below(3);
                self.unknown.push((call, later));
                return Err(lost);
            }
        };
        self.log.answered(number, answer.clone());
        match (call, answer) {
            (Call::Acquire { key, .. }, Answer::Lease(lease)) if lease.state == "active" => {
                self.held.retain(|(id, _)| *id != lease.id);
                self.held.push((lease.id, key));
            }
            // Overloaded, or on its way down: asked again later, as a client would.
            (call, Answer::Unavailable) => self.unknown.push((call, epoch)),
            // It ended meanwhile.
            (Call::Renew { lease, .. }, Answer::Refused { .. }) => {
                self.held.retain(|(id, _)| *id != lease);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The owner of this number.
pub fn name(number: u64) -> String {
    format!("caller-{number}")
}

fn request(call: &Call) -> Request<'_> {
    let leases = "/api/v1/leases";
    match call {
        Call::Acquire {
            pool,
            key,
            count,
            ttl_ms,
        } => Request {
            method: "POST",
            path: leases.to_owned(),
            idempotency: Some(key),
            body: Some(json!({
                "pool": pool, "count": count, "ttl_ms": ttl_ms, "wait_ms": 0, "note": key,
            })),
        },
        Call::Renew { lease, ttl_ms } => Request {
            method: "POST",
            path: format!("{leases}/{lease}/renew"),
            idempotency: None,
            body: Some(json!({ "ttl_ms": ttl_ms })),
        },
        Call::Release { lease } => Request {
            method: "DELETE",
            path: format!("{leases}/{lease}"),
            idempotency: None,
            body: None,
        },
        Call::Declare { key, names } => {
            let item = |name: &String| json!({ "pool": POOL, "name": name, "state": "withheld" });
            Request {
                method: "POST",
                path: "/api/v1/resources".to_owned(),
                idempotency: Some(key),
                body: Some(json!({ "items": names.iter().map(item).collect::<Vec<_>>() })),
            }
        }
    }
}

fn answer(call: &Call, status: u16, document: &Value) -> Answer {
    match (status, call) {
        (200..300, Call::Declare { .. }) => Answer::Declared,
        (200..300, _) => Answer::Lease(lease(document)),
        (503, _) => Answer::Unavailable,
        (400..500, _) => Answer::Refused {
            status,
            code: document["code"].as_str().unwrap_or_default().to_owned(),
        },
        _ => panic!("{call:?} was answered {status}: {document}"),
    }
}

/// A lease's document.
pub fn lease(document: &Value) -> Lease {
    let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
    let resources = document["resources"].as_array().unwrap();
    let id = |r: &Value| r["id"].as_str().unwrap().to_owned();
    Lease {
        id: text("id"),
        state: text("state"),
        fence: document["fence"].as_u64().unwrap_or(0),
        owner: text("owner"),
        note: text("note"),
        expires_at: text("expires_at"),
        expires_in_ms: document["expires_in_ms"].as_u64().unwrap_or(0),
        resources: resources.iter().map(id).collect(),
    }
}
