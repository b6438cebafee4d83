//! A server's leases, small enough to be told to misbehave: one pool `boards` with two boards; and
//! one host, `here`, which changes as soon as somebody has looked at it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The secret it knows.
const KEY: &str = "the-secret";

struct Lease {
    state: &'static str,
    end: Option<&'static str>,
    board: Option<&'static str>,
    fence: u64,
    ttl: Duration,
    until: Instant,
}

struct State {
    free: Vec<&'static str>,
    leases: BTreeMap<u64, Lease>,
    /// Method, target and body of each request.
    asked: Vec<String>,
    /// Takes requests and answers none.
    silent: bool,
    host: Host,
}

struct Host {
    etag: u64,
    capacity: u64,
    /// What its capacity becomes once somebody has looked; none for no more changes.
    next: Vec<u64>,
}

/// The server.
pub struct StandIn {
    url: String,
    home: tempfile::TempDir,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    /// Both boards are free.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            free: vec!["b2", "b1"],
            leases: BTreeMap::new(),
            asked: Vec::new(),
            silent: false,
            host: Host {
                etag: 1,
                capacity: 1,
                next: vec![],
            },
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(socket, &shared));
            }
        });
        Self {
            url,
            home: tempfile::tempdir().unwrap(),
            state,
        }
    }

    /// The program, told where and who, with an empty home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_caviada"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CAVIADA_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .env("HOME", self.home.path())
            .env_remove("XDG_CONFIG_HOME")
            .env("CAVIADA_URL", &self.url)
            .env("CAVIADA_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// How many requests begin so.
    pub fn count(&self, begin: &str) -> usize {
        self.asked().iter().filter(|a| a.starts_with(begin)).count()
    }

    /// The capacity of the host after each look at it; its etag moves even where that stays.
    pub fn host_becomes(&self, next: &[u64]) {
        self.state.lock().unwrap().host.next = next.to_vec();
    }

    /// Ends every lease.
    pub fn revoke_all(&self) {
        let mut state = self.state.lock().unwrap();
        let ids: Vec<u64> = state.leases.keys().copied().collect();
        for id in ids {
            state.end(id, "revoked");
        }
    }

    /// Answers nothing from now on.
    pub fn fall_silent(&self) {
        self.state.lock().unwrap().silent = true;
    }

    /// How each lease ended, in order; none for a live one.
    pub fn ends(&self) -> Vec<Option<&'static str>> {
        let state = self.state.lock().unwrap();
        state.leases.values().map(|lease| lease.end).collect()
    }

    /// Waits until something holds, at most half a minute.
    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What was printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl State {
    fn end(&mut self, id: u64, how: &'static str) {
        if let Some(lease) = self.leases.get_mut(&id).filter(|l| l.end.is_none()) {
            lease.end = Some(if lease.state == "waiting" && how == "released" {
                "cancelled"
            } else {
                how
            });
            lease.state = "ended";
            self.free.extend(lease.board.take());
        }
    }

    fn settle(&mut self) {
        let now = Instant::now();
        let over: Vec<(u64, &str)> = self
            .leases
            .iter()
            .filter(|(_, lease)| lease.until <= now)
            .map(|(id, lease)| (*id, lease.state))
            .collect();
        for (id, state) in over {
            let how = if state == "waiting" {
                "timed_out"
            } else {
                "expired"
            };
            self.end(id, how);
        }
        for lease in self.leases.values_mut().filter(|l| l.state == "waiting") {
            let Some(board) = self.free.pop() else { break };
            lease.state = "active";
            lease.board = Some(board);
            // Claimed only by a renewal.
            lease.until = now + Duration::from_secs(5).min(lease.ttl);
        }
    }

    fn acquire(&mut self, body: &Value) -> (u16, Value) {
        if body["pool"] != "boards" {
            return problem(404, "unknown-pool");
        }
        let wait_ms = body["wait_ms"].as_u64().unwrap_or(0);
        if self.free.is_empty() && wait_ms == 0 {
            return problem(409, "pool-exhausted");
        }
        let ttl = Duration::from_millis(body["ttl_ms"].as_u64().unwrap_or(60_000));
        let id = self.leases.len() as u64 + 1;
        let board = self.free.pop();
        let lease = Lease {
            state: if board.is_some() { "active" } else { "waiting" },
            end: None,
            board,
            fence: 100 + id,
            ttl,
            until: Instant::now() + board.map_or(Duration::from_millis(wait_ms), |_| ttl),
        };
        self.leases.insert(id, lease);
        (if board.is_some() { 201 } else { 202 }, self.show(id))
    }

    fn renew(&mut self, id: u64, body: &Value) -> (u16, Value) {
        let Some(lease) = self.leases.get_mut(&id).filter(|l| l.end.is_none()) else {
            return problem(409, "lease-ended");
        };
        if body["fence"].as_u64().is_some_and(|f| f != lease.fence) {
            return problem(409, "stale-fence");
        }
        if lease.state == "active" {
            lease.until = Instant::now() + lease.ttl;
        }
        (200, self.show(id))
    }

    fn show(&self, id: u64) -> Value {
        let lease = &self.leases[&id];
        let left = lease.until.saturating_duration_since(Instant::now());
        let mut shown = json!({
            "id": caviada_core::id::LeaseId(id), "state": lease.state, "owner": "ana",
            "pools": ["boards"], "created_at": "2031-04-05T06:07:08.009Z", "resources": [],
            "priority": 5, "purpose": "use", "labels": {}, "etag": "1.0",
        });
        if let Some(end) = lease.end {
            shown["end"] = end.into();
        } else {
            shown["expires_at"] = "2031-04-05T07:07:08.009Z".into();
            shown["expires_in_ms"] = u64::try_from(left.as_millis()).unwrap().into();
        }
        if let Some(board) = lease.board {
            shown["fence"] = lease.fence.into();
            shown["resources"] = json!([{
                "id": "res_0000000000001", "name": board, "pool": "boards",
                "endpoints": {"ssh-url": format!("ssh://{board}.lab:22")},
            }]);
        }
        shown
    }
}

impl Host {
    fn look(&mut self) -> (u16, Value) {
        let shown = self.show();
        if !self.next.is_empty() {
            self.capacity = self.next.remove(0);
            self.etag += 1;
        }
        (200, shown)
    }

    fn put(&mut self, expected: &str, body: &Value) -> (u16, Value) {
        if expected.trim_matches('"') != format!("{}.0", self.etag) {
            return problem(412, "changed");
        }
        self.etag += 1;
        self.capacity = body["capacity"]["resources"].as_u64().unwrap();
        (200, self.show())
    }

    fn show(&self) -> Value {
        json!({
            "id": caviada_core::id::HostId(1), "name": "here", "state": "seen",
            "spec": {
                "driver": "process", "capacity": {"resources": self.capacity},
                "builds_max": 4, "lost_after_ms": 300_000, "declared_in": "lab",
            },
            "counts": {}, "created_at": "2031-04-05T06:07:08.009Z", "etag": format!("{}.0", self.etag),
        })
    }
}

fn problem(status: u16, code: &str) -> (u16, Value) {
    let body = json!({
        "type": format!("/problems/{code}"), "title": code, "status": status, "code": code,
    });
    (status, body)
}

fn serve(socket: TcpStream, shared: &Mutex<State>) {
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let mut socket = socket;
    while let Some(request) = read(&mut reader) {
        let (status, answer) = answer(shared, &request);
        while shared.lock().unwrap().silent {
            std::thread::sleep(Duration::from_millis(50));
        }
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        if socket.write_all((head + &text).as_bytes()).is_err() {
            return;
        }
    }
}

struct Request {
    line: String,
    key: String,
    expected: String,
    body: String,
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let (mut key, mut expected, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_lowercase().as_str() {
            "authorization" => value.clone_into(&mut key),
            "if-match" => value.clone_into(&mut expected),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line,
        key,
        expected,
        body: String::from_utf8(body).unwrap(),
    })
}

fn answer(shared: &Mutex<State>, request: &Request) -> (u16, Value) {
    let Request {
        line,
        key,
        expected,
        body,
    } = request;
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    {
        let mut state = shared.lock().unwrap();
        state.asked.push(format!("{method} {target} {body}"));
    }
    if *key != format!("Bearer {KEY}") {
        return problem(401, "unauthenticated");
    }
    let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path.ends_with("/hosts/here") {
        let host = &mut shared.lock().unwrap().host;
        return match method {
            "PUT" => host.put(expected, &body),
            _ => host.look(),
        };
    }
    let segments: Vec<&str> = path.split('/').skip(4).collect();
    let id = segments
        .first()
        .and_then(|id| id.parse::<caviada_core::id::LeaseId>().ok())
        .map_or(0, |id| id.0);
    let poll_ms = query
        .strip_prefix("wait_ms=")
        .map_or(0, |ms| ms.parse().unwrap());
    let until = Instant::now() + Duration::from_millis(poll_ms);
    loop {
        let mut state = shared.lock().unwrap();
        state.settle();
        match (method, segments.as_slice()) {
            ("POST", []) => return state.acquire(&body),
            ("DELETE", [_]) => {
                state.end(id, "released");
                return (200, state.show(id));
            }
            ("POST", [_, "renew"]) => return state.renew(id, &body),
            ("GET", [_]) if state.leases[&id].state != "waiting" || Instant::now() >= until => {
                return (200, state.show(id));
            }
            ("GET", [_]) => {}
            _ => return problem(404, "unknown"),
        }
        drop(state);
        std::thread::sleep(Duration::from_millis(5));
    }
}
