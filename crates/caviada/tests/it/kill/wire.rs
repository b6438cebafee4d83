//! HTTP over a blocking socket. No library repeats anything here: each call that is sent is sent
//! once, and it is known whether its answer came.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A server that is silent for longer has a bug of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How a call ended that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// There was no connection: nothing was sent.
    Unsent,
    /// It was sent, at least in part, and nobody knows what became of it.
    Unknown,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request<'r> {
    pub method: &'r str,
    pub path: String,
    pub idempotency: Option<&'r str>,
    pub body: Option<Value>,
}

impl Request<'_> {
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            idempotency: None,
            body: None,
        }
    }
}

/// One caller's connection; opened again after it broke.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    key: String,
    stream: Option<TcpStream>,
}

impl Wire {
    pub fn new(address: SocketAddr, key: &str) -> Self {
        Self {
            address,
            key: key.to_owned(),
            stream: None,
        }
    }

    /// Connects if need be, so that the next call is surely sent to a living server or lost.
    pub fn ready(&mut self) -> Result<(), Lost> {
        // The server of an earlier life may have closed it.
        self.stream.take_if(|stream| is_closed(stream));
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).map_err(|_| Lost::Unsent)?;
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(ANSWER_WITHIN)).unwrap();
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Leaves the server that is gone, so that the next call goes to the next one.
    pub fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Sends a call and reads its answer: status and document.
    pub fn call(&mut self, request: &Request<'_>) -> Result<(u16, Value), Lost> {
        self.ready()?;
        let stream = self.stream.as_mut().unwrap();
        let answer = send(stream, self.address, &self.key, request).and_then(|()| receive(stream));
        answer.map_err(|error| {
            let silent = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            assert!(!silent, "no answer within {ANSWER_WITHIN:?} to {request:?}");
            self.stream = None;
            Lost::Unknown
        })
    }
}

/// The other side has hung up.
fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    match peeked {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

fn send(
    stream: &mut TcpStream,
    address: SocketAddr,
    key: &str,
    request: &Request<'_>,
) -> std::io::Result<()> {
    let Request { method, path, .. } = request;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n");
    if let Some(key) = request.idempotency {
        head += &format!("Idempotency-Key: {key}\r\n");
    }
    let body = request.body.as_ref().map(Value::to_string);
    if let Some(body) = &body {
        let length = body.len();
        head += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    }
    let all = format!("{head}\r\n{}", body.unwrap_or_default());
    stream.write_all(all.as_bytes())
}

fn receive(stream: &mut TcpStream) -> std::io::Result<(u16, Value)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let n = stream.read(&mut chunk)?;
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..n]);
        let Some(from) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = str::from_utf8(&bytes[..from]).unwrap();
        let status = head[9..12].parse().unwrap();
        let length = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let named = name.eq_ignore_ascii_case("content-length");
            named.then(|| value.trim().parse::<usize>().unwrap())
        };
        let length = head.lines().find_map(length).unwrap_or(0);
        let body = &bytes[from + 4..];
        if body.len() >= length {
            let document = match length {
                0 => Value::Null,
                // `/readyz` and `/metrics` speak plainly.
                _ => serde_json::from_slice(&body[..length]).unwrap_or_else(|_| {
                    String::from_utf8_lossy(&body[..length]).into_owned().into()
                }),
            };
            return Ok((status, document));
        }
    }
}
