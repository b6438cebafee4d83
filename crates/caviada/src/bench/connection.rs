//! One kept-alive connection that speaks just enough HTTP/1.1 to ask and to read an answer.
//!
//! The load generator shares the machine with what it measures: requests are bytes made once, and
//! of an answer only the status and the length are looked at.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers larger than this are not read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A connection with one request under way at most.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, borrowed until the next request.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'c> {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'c [u8],
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4_096),
        })
    }

    /// Sends a whole request and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> std::io::Result<Answer<'_>> {
        self.send(request).await?;
        self.answer().await
    }

    /// Sends a whole request, whose answer is to be read before the next.
    pub async fn send(&mut self, request: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(request).await
    }

    /// Reads the answer to what was sent.
    pub async fn answer(&mut self) -> std::io::Result<Answer<'_>> {
        self.buffer.clear();
        let mut head = None;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if head.is_none() {
                head = Head::of(&self.buffer)?;
            }
            if let Some(Head { status, from, to }) = head
                && self.buffer.len() >= to
            {
                let body = self.buffer.get(from..to).unwrap_or_default();
                return Ok(Answer { status, body });
            }
        }
    }
}

/// What the head of an answer says: its status, and where its body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    from: usize,
    to: usize,
}

impl Head {
    fn of(bytes: &[u8]) -> std::io::Result<Option<Self>> {
        let Some(from) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return match bytes.len() {
                ..ANSWER_BYTES_MAX => Ok(None),
                _ => Err(odd("a head without end")),
            };
        };
        let head = str::from_utf8(&bytes[..from]).map_err(|_| odd("a head that is no text"))?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let named = name.eq_ignore_ascii_case("content-length");
            named.then(|| value.trim().parse().ok())?
        });
        let (Some(status), Some(length)) = (status, length) else {
            return Err(odd("an answer without status or length"));
        };
        match length {
            ..ANSWER_BYTES_MAX => Ok(Some(Self {
                status,
                from: from + 4,
                to: from + 4 + length,
            })),
            _ => Err(odd("an answer of more than 1 MiB")),
        }
    }
}

fn odd(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_in_its_bytes() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\nok";
        let head = Head {
            status: 201,
            from: whole.len() - 2,
            to: whole.len(),
        };
        assert_eq!(Head::of(whole).unwrap(), Some(head));
        assert_eq!(Head::of(&whole[..30]).unwrap(), None);
    }

    #[test]
    fn what_is_no_answer_is_said() {
        for bad in [
            &b"HTTP/1.1 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
            b"\xff\r\n\r\n",
        ] {
            assert!(Head::of(bad).is_err());
        }
    }
}
