//! The listening ends: a small HTTP/1.1 server, one request per connection, and a UDP echo.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const HEAD_BYTES_MAX: u64 = 16 * 1024;
const BODY_BYTES_MAX: u64 = 64 * 1024;
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// What all connections share.
struct Server {
    started: Instant,
    unhealthy: Duration,
    counted: AtomicU64,
}

/// Serves HTTP on `port` of every address from a thread of its own; `/health` answers 503 for the
/// first `unhealthy`.
pub fn http(port: u16, unhealthy: Duration) -> Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    println!("serving on {}", listener.local_addr()?);
    let server = Arc::new(Server {
        started: Instant::now(),
        unhealthy,
        counted: AtomicU64::new(0),
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&server);
            thread::spawn(move || {
                if let Err(why) = server.answer(&stream) {
                    eprintln!("a connection failed: {why}");
                }
            });
        }
    });
    Ok(())
}

/// Sends each datagram on `port` back to its sender, from a thread of its own.
pub fn udp_echo(port: u16) -> Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", port))?;
    println!("echoing on {}", socket.local_addr()?);
    thread::spawn(move || {
        let mut datagram = [0; 2048];
        loop {
            if let Ok((length, from)) = socket.recv_from(&mut datagram) {
                let _ = socket.send_to(&datagram[..length], from);
            }
        }
    });
    Ok(())
}

impl Server {
    fn answer(&self, mut stream: &TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (method, path) = request(stream)?;
        let (status, body) = self.route(&method, &path);
        println!("{method} {path} {status}");
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )?;
        stream.write_all(&body)
    }

    fn route(&self, method: &str, path: &str) -> (&'static str, Vec<u8>) {
        match (method, path) {
            ("GET", "/") => ("200 OK", portrait().into_bytes()),
            ("GET", "/health" | "/healthz") if self.started.elapsed() < self.unhealthy => {
                ("503 Service Unavailable", b"not yet\n".to_vec())
            }
            ("GET", "/health" | "/healthz") => ("200 OK", b"ok\n".to_vec()),
            ("GET", "/count") => ("200 OK", format!("{}\n", self.count()).into_bytes()),
            ("POST", "/" | "/rpc") => {
                let result = self.count();
                let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{result:#x}"}}"#);
                ("200 OK", body.into_bytes())
            }
            ("GET", path) => match path.strip_prefix("/file").map(std::fs::read) {
                Some(Ok(mut text)) => {
                    text.truncate(ANSWER_BYTES_MAX);
                    ("200 OK", text)
                }
                _ => ("404 Not Found", b"no such thing\n".to_vec()),
            },
            _ => ("405 Method Not Allowed", b"not like this\n".to_vec()),
        }
    }

    fn count(&self) -> u64 {
        self.counted.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Reads one request, body included, so that closing the connection resets nothing.
fn request(stream: &TcpStream) -> Result<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut head = reader.by_ref().take(HEAD_BYTES_MAX).lines();
    let first = head.next().ok_or(ErrorKind::UnexpectedEof)??;
    let mut length = 0;
    for line in head.by_ref() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(Error::other)?;
        }
    }
    if length > BODY_BYTES_MAX {
        return Err(Error::other("a body this large is not for me"));
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let mut words = first.split(' ');
    match (words.next(), words.next()) {
        (Some(method), Some(path)) => Ok((method.to_owned(), path.to_owned())),
        _ => Err(Error::other("not an HTTP request")),
    }
}

/// Host name and environment, one `name=value` per line.
fn portrait() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut text = format!("hostname={}\n", host.trim());
    for (name, value) in std::env::vars_os() {
        if text.len() > ANSWER_BYTES_MAX {
            break;
        }
        let _ = writeln!(
            text,
            "{}={}",
            name.to_string_lossy(),
            value.to_string_lossy()
        );
    }
    text
}
