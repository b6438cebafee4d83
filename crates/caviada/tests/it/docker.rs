//! The whole product on a real engine: the program that ships, its command line, and what then
//! stands on the engine.

mod bench;
mod chain;
mod credential;
pub mod engine;
mod example;
mod fabric;
mod image;
mod kill;
mod orphan;
mod sick;
mod swarm;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kill::wire::{Lost, Request, Wire};
use crate::site::{ADMIN, Site};
use engine::Engine;

/// The engine that all tests share.
pub const ENGINE: &str = "unix:///var/run/docker.sock";
/// Whatever a pool does, it has done within this.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running server, and what stands of its installation on the shared engine. All goes with it.
struct Running {
    site: Site,
    wire: Wire,
    engine: Engine,
}

impl Running {
    fn start() -> Self {
        let site = Site::quick();
        let mut wire = Wire::new(site.address(), ADMIN);
        Self {
            engine: Engine::of(&mut wire),
            site,
            wire,
        }
    }

    fn get(&mut self, path: &str) -> Value {
        let (status, document) = self.wire.call(&Request::get(path)).unwrap();
        assert_eq!(status, 200, "{path}: {document}");
        document
    }

    fn put(&mut self, path: &str, body: Value) {
        put(&mut self.wire, path, body).unwrap();
    }

    /// The members of a pool.
    fn members(&mut self, pool: &str) -> Vec<Value> {
        let path = format!("/api/v1/resources?pool={pool}&limit=1000");
        self.get(&path)["items"].as_array().unwrap().clone()
    }

    /// Waits until so many of a pool, or more, would be granted at once.
    fn until_offerable(&mut self, pool: &str, count: u64) {
        let path = format!("/api/v1/pools/{pool}");
        self.until(&format!("{count} of {pool} are ready"), |running| {
            running.get(&path)["counts"]["offerable"].as_u64() >= Some(count)
        });
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            let late = Instant::now() > deadline;
            assert!(!late, "never: {what}; {}", self.site.ok(&["status"]));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

pub fn put(wire: &mut Wire, path: &str, body: Value) -> Result<(), Lost> {
    let request = Request {
        method: "PUT",
        path: format!("/api/v1/{path}"),
        idempotency: None,
        body: Some(body),
    };
    let (status, document) = wire.call(&request)?;
    assert!((200..300).contains(&status), "{path}: {status} {document}");
    Ok(())
}

/// Is there a server that serves files of the helper image at this address?
fn answers(url: &str) -> bool {
    let address = url.strip_prefix("http://").unwrap().parse().unwrap();
    let asked = Wire::new(address, "").call(&Request::get("/health"));
    matches!(asked, Ok((200, _)))
}

/// Ports of this machine and addresses of networks that no other test uses: by the id of its process, and
/// within one by a count.
struct Room {
    first: u16,
    last: u16,
    range: String,
}

impl Room {
    /// Sixteen small networks, and so many ports for each of sixteen resources.
    fn with_blocks_of(ports: u16) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = std::process::id() + COUNT.fetch_add(1, Ordering::Relaxed);
        let first = 10_000 + u16::try_from(id % 70).unwrap() * 128;
        let [_, _, high, low] = (id % 9_600).to_be_bytes();
        Self {
            first,
            last: first + 16 * ports.min(8) - 1,
            range: format!("10.{}.{low}.0/24", 214 + u16::from(high)),
        }
    }
}

/// One server with a volume and a network of its own for each resource.
const TEMPLATE: &str = r#"
name = "stall"
description = "One server with a volume"
drivers = ["docker", "swarm"]
[parameters.image]
type = "string"
default = "none"
description = "Image of the server"
[[outputs]]
name = "web"
port = { service = "web", port = 8080 }
format = "http://{address}:{port}"
[[readiness]]
tcp = { service = "web", port = 8080 }
[[reset]]
restart = { service = "web" }
"#;
const COMPOSE: &str = r#"
services:
  web:
    image: {{ image|tojson }}
    command: [serve]
    ports: ["8080"]
    volumes: ["data:/data"]
    stop_grace_period: 1s
    mem_limit: 64m
    pids_limit: 64
volumes:
  data:
"#;

/// A host with room for sixteen such servers.
pub fn stall_host(address: &str) -> Value {
    let room = Room::with_blocks_of(1);
    json!({
        "driver": "docker",
        "address": address,
        "capacity": {"resources": 16},
        "ports": {"first": room.first, "last": room.last, "block": 1},
        "subnets": {"range": room.range, "prefix": 28},
    })
}

/// Declares a pool of such servers on a host, so many of them kept warm and no more.
pub fn stalls(wire: &mut Wire, pool: &str, host: &str, image: &str, warm: u32) {
    stalls_recycled(wire, pool, host, image, warm, json!({"class": "replace"}));
}

/// The same, cleaned in such a way.
pub fn stalls_recycled(
    wire: &mut Wire,
    pool: &str,
    host: &str,
    image: &str,
    warm: u32,
    recycle: Value,
) {
    let files = json!({"template.toml": TEMPLATE, "compose.yaml": COMPOSE});
    put(wire, "templates/stall", json!({"files": files})).unwrap();
    let spec = json!({
        "template": "stall",
        "parameters": {"image": image},
        "warm": warm,
        "max": warm,
        "hosts": [host],
        "lease": {"ttl_ms_max": 3_600_000},
        "recycle": recycle,
    });
    put(wire, &format!("pools/{pool}"), spec).unwrap();
}
