//! Looks at everything after a restart, while nobody else calls.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::caller::{POOL, SHEDS, lease, name};
use super::ground::{self, Built};
use super::log::{Log, Seen, Sight};
use super::wire::{Lost, Request, Wire};
use crate::site::ADMIN;

/// Tries to see both lists at one revision.
const TRIES: usize = 50;
/// Leases of earlier looks that are asked for one by one, each time.
const ENDED_MAX: usize = 20;
/// What hosts and their resources take to come to rest, on a busy machine too.
const REST_WITHIN: Duration = Duration::from_secs(90);
/// Of the built pool.
const WARM: u64 = 3;

/// The admin's eyes.
pub struct Auditor {
    wire: Wire,
    log: Log,
    /// Leases seen live so far.
    seen: BTreeSet<String>,
}

impl Auditor {
    pub fn new(address: SocketAddr, folder: &Path, began: Instant) -> Self {
        Self {
            wire: Wire::new(address, ADMIN),
            log: Log::new(folder, "auditor", began),
            seen: BTreeSet::new(),
        }
    }

    /// Declares the pool, its resources, and the keys of so many callers.
    pub fn declare(&mut self, callers: u64, resources: u64) -> Vec<String> {
        let spec = json!({ "lease": { "ttl_ms_max": 3_600_000 } });
        self.done("PUT", &format!("/api/v1/pools/{POOL}"), spec);
        let item = |n: u64| json!({ "pool": POOL, "name": format!("horse-{n:02}") });
        let items: Vec<Value> = (0..resources).map(item).collect();
        self.done("POST", "/api/v1/resources", json!({ "items": items }));
        self.keys(callers)
    }

    /// Declares the keys of so many callers.
    pub fn keys(&mut self, callers: u64) -> Vec<String> {
        let key = |number: u64| {
            let role = if number == 0 { "operator" } else { "user" };
            let body = json!({ "name": name(number), "role": role });
            let made = self.done("POST", "/api/v1/keys", body);
            made["secret"].as_str().unwrap().to_owned()
        };
        (0..callers).map(key).collect()
    }

    /// A call that has to succeed; without a body if it is null.
    fn done(&mut self, method: &str, path: &str, body: Value) -> Value {
        let request = Request {
            method,
            path: path.to_owned(),
            idempotency: None,
            body: Some(body).filter(|body| !body.is_null()),
        };
        let (status, document) = self.wire.call(&request).unwrap();
        assert!((200..300).contains(&status), "{path}: {status} {document}");
        document
    }

    /// Declares the pool of processes, and waits until it is warm.
    pub fn build(&mut self) {
        self.done("PUT", "/api/v1/templates/shed", ground::template());
        self.done("PUT", "/api/v1/hosts/ground", ground::host());
        let spec = json!({
            "template": "shed", "warm": WARM, "max": 6,
            "lease": { "ttl_ms_max": 3_600_000 },
        });
        self.done("PUT", &format!("/api/v1/pools/{SHEDS}"), spec);
        self.warm(SHEDS, WARM);
    }

    /// Waits until so many of a pool would be granted at once.
    pub fn warm(&mut self, pool: &str, many: u64) {
        self.until("the pool to be warm", |auditor| {
            let path = format!("/api/v1/pools/{pool}");
            let (_, pool) = auditor.wire.call(&Request::get(path))?;
            let offerable = pool["counts"]["offerable"].as_u64();
            Ok((offerable < Some(many)).then(|| pool.to_string()))
        });
    }

    /// Waits until what is built for a pool stands as the ledger says, and nothing else does.
    pub fn compare(&mut self, pool: &str, differs: impl Fn(&BTreeSet<Built>) -> Option<String>) {
        self.until("ledger and ground to be the same", |auditor| {
            let before = auditor.built(pool)?;
            let state = before.iter().map(|(built, _)| built.clone()).collect();
            let differs = differs(&state);
            let moving = before
                .iter()
                .find(|(_, state)| !matches!(&**state, "free" | "leased" | "withheld"));
            Ok(match (differs, moving) {
                (Some(differs), _) => Some(differs),
                (None, Some((resource, state))) => Some(format!("{resource:?} is {state}")),
                (None, None) if auditor.built(pool)? != before => Some("it moves".to_owned()),
                (None, None) => None,
            })
        });
    }

    /// Gives back and deletes all that was built for these pools.
    pub fn clear(&mut self, pools: &[&str]) {
        let (_, leases) = self.list("/api/v1/leases").unwrap();
        for lease in leases {
            let path = format!("/api/v1/leases/{}", lease["id"].as_str().unwrap());
            self.done("DELETE", &path, Value::Null);
        }
        for pool in pools {
            self.done("DELETE", &format!("/api/v1/pools/{pool}"), Value::Null);
            self.until("all that was built to go", |auditor| {
                let left = auditor.built(pool)?;
                Ok((!left.is_empty()).then(|| format!("{left:?} are left")))
            });
        }
    }

    /// What the ledger says is built for a pool, and in which state it is.
    fn built(&mut self, pool: &str) -> Result<BTreeSet<(Built, String)>, Lost> {
        let (_, resources) = self.list("/api/v1/resources")?;
        let of_pool = resources.iter().map(seen).filter(|(_, r)| r.pool == pool);
        Ok(of_pool
            .map(|(id, r)| ((id, r.generation), r.state))
            .collect())
    }

    /// Waits until there is nothing that `unlike` finds.
    fn until(
        &mut self,
        what: &str,
        mut unlike: impl FnMut(&mut Self) -> Result<Option<String>, Lost>,
    ) {
        let deadline = Instant::now() + REST_WITHIN;
        while let Some(why) = unlike(self).expect("nobody kills it now") {
            assert!(Instant::now() < deadline, "waited for {what}: {why}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Writes down what there is. An error if the server ended meanwhile.
    pub fn look(&mut self) -> Result<(), Lost> {
        self.wire.hang_up();
        let mut sight = self.at_one_revision()?;
        let live: BTreeSet<String> = sight.leases.iter().map(|l| l.id.clone()).collect();
        let gone: Vec<String> = self.seen.difference(&live).cloned().collect();
        // The newest of those that are gone, which a lost commit would bring back.
        for id in gone.iter().rev().take(ENDED_MAX) {
            let path = format!("/api/v1/leases/{id}");
            let (status, document) = self.wire.call(&Request::get(path))?;
            let state = match status {
                200 => document["state"].as_str().unwrap().to_owned(),
                _ => format!("answered {status}"),
            };
            sight.ended.insert(id.clone(), state);
        }
        self.seen.extend(live);
        self.log.saw(sight);
        Ok(())
    }

    fn at_one_revision(&mut self) -> Result<Sight, Lost> {
        for _ in 0..TRIES {
            let (before, leases) = self.list("/api/v1/leases")?;
            let (after, resources) = self.list("/api/v1/resources")?;
            if before == after {
                return Ok(Sight {
                    leases: leases.iter().map(lease).collect(),
                    resources: resources.iter().map(seen).collect(),
                    ended: BTreeMap::new(),
                });
            }
        }
        panic!("the server does not come to rest");
    }

    /// All pages of a list, and the revision that all of them are of.
    fn list(&mut self, path: &str) -> Result<(Option<u64>, Vec<Value>), Lost> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        let mut revisions = BTreeSet::new();
        loop {
            let (status, document) = self
                .wire
                .call(&Request::get(format!("{path}?limit=1000{cursor}")))?;
            assert_eq!(status, 200, "{path}: {document}");
            revisions.insert(document["revision"].as_u64().unwrap());
            items.extend(document["items"].as_array().unwrap().iter().cloned());
            match document["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let one = revisions.len() == 1;
        Ok((revisions.pop_first().filter(|_| one), items))
    }
}

fn seen(document: &Value) -> (String, Seen) {
    let text = |field: &str| document[field].as_str().map(str::to_owned);
    let seen = Seen {
        name: text("name").unwrap(),
        pool: text("pool").unwrap(),
        generation: document["generation"].as_u64().unwrap(),
        state: text("state").unwrap(),
        lease: document["holder"]["lease"].as_str().map(str::to_owned),
    };
    (text("id").unwrap(), seen)
}
