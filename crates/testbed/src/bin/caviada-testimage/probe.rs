//! Does somebody answer there?

use std::io::{BufRead, BufReader, Error, Result, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// Succeeds when `target` answers: `http://HOST:PORT/PATH` with 2xx or 3xx, `HOST:PORT` by accepting.
pub fn probe(target: &str) -> Result<()> {
    let Some(rest) = target.strip_prefix("http://") else {
        return connect(target).map(drop);
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = match authority.contains(':') {
        true => connect(authority)?,
        false => connect(&format!("{authority}:80"))?,
    };
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n"
    )?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status)?;
    match status.split(' ').nth(1) {
        Some(code) if code.starts_with(['2', '3']) => Ok(()),
        _ => Err(Error::other(format!("{target} answered {}", status.trim()))),
    }
}

fn connect(authority: &str) -> Result<TcpStream> {
    let mut last = Error::other(format!("{authority} has no address"));
    for address in authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(why) => last = why,
        }
    }
    Err(last)
}
