//! Requests as programs of another decade write them: blanks and other bytes stand bare in the
//! address, and the parser of today refuses the line before anybody can answer. Here such bytes
//! are written as they should have been; blanks around the address are left out.
//!
//! Where a request ends is only looked at to find the next line, and the parser behind it decides
//! what is a request. Where the two could find different ends (a length that is cut, is no plain
//! number or is another one than before, a header's line that is folded, a transfer encoding), all
//! that follows on the connection goes on as it comes: nothing in a body is taken for a line.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use caviada_core::limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection whose requests are mended as they come in.
#[derive(Debug)]
pub struct Mended<S> {
    stream: S,
    mender: Mender,
    /// Mended, and read up to there.
    ready: Vec<u8>,
    read: usize,
    ended: bool,
}

impl<S> Mended<S> {
    /// Mends what comes over this connection.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            mender: Mender::default(),
            ready: Vec::new(),
            read: 0,
            ended: false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Mended<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        loop {
            let left = &this.ready[this.read..];
            if !left.is_empty() || this.ended {
                let many = left.len().min(buf.remaining());
                buf.put_slice(&left[..many]);
                this.read += many;
                return Poll::Ready(Ok(()));
            }
            this.ready.clear();
            this.read = 0;
            let mut bytes = [0; limits::server::READ_BYTES];
            let mut taken = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut taken))?;
            if taken.filled().is_empty() {
                this.ended = true;
                // A line that broke off goes on as it is.
                this.ready = std::mem::take(&mut this.mender.line);
            } else {
                this.mender.feed(taken.filled(), &mut this.ready);
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Mended<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Where in a request the next byte stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Line,
    Headers,
    Body(u64),
    /// Its end is not known: everything goes on as it comes.
    Rest,
}

#[derive(Debug, Default)]
struct Mender {
    place: Place,
    line: Vec<u8>,
    too_long: bool,
    header: Vec<u8>,
    cut: bool,
    body_bytes: Option<u64>,
    open_end: bool,
}

impl Mender {
    /// Takes bytes as they come, and gives what the parser is to see of them.
    fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let many = match self.place {
                Place::Line => self.line(bytes, out),
                Place::Headers => self.headers(bytes, out),
                Place::Body(left) => {
                    let many = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    out.extend_from_slice(&bytes[..many]);
                    let left = left - many as u64;
                    self.place = if left == 0 {
                        Place::Line
                    } else {
                        Place::Body(left)
                    };
                    many
                }
                Place::Rest => {
                    out.extend_from_slice(bytes);
                    bytes.len()
                }
            };
            bytes = &bytes[many..];
        }
    }

    fn line(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let end = bytes.iter().position(|b| *b == b'\n');
        let many = end.map_or(bytes.len(), |at| at + 1);
        let room = limits::server::LINE_BYTES_MAX.saturating_sub(self.line.len());
        self.too_long |= many > room;
        self.line.extend_from_slice(&bytes[..many.min(room)]);
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            // Blank lines before a request are allowed.
            if line.iter().any(|b| !b.is_ascii_whitespace()) {
                self.place = Place::Headers;
                mended(&line, std::mem::take(&mut self.too_long), out);
            } else {
                out.extend_from_slice(&line);
            }
        }
        many
    }

    fn headers(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let end = bytes.iter().position(|b| *b == b'\n');
        let many = end.map_or(bytes.len(), |at| at + 1);
        out.extend_from_slice(&bytes[..many]);
        let room = limits::server::HEADER_LINE_BYTES_MAX.saturating_sub(self.header.len());
        self.cut |= many > room;
        self.header.extend_from_slice(&bytes[..many.min(room)]);
        if end.is_some() {
            let header = std::mem::take(&mut self.header);
            let cut = std::mem::take(&mut self.cut);
            if matches!(&header[..], b"\n" | b"\r\n") {
                self.place = match (self.open_end, self.body_bytes.take()) {
                    (true, _) => Place::Rest,
                    (false, None | Some(0)) => Place::Line,
                    (false, Some(left)) => Place::Body(left),
                }
            } else {
                self.header(&header, cut);
            }
        }
        many
    }

    fn header(&mut self, header: &[u8], cut: bool) {
        // A line that begins with a blank goes on with the one before it.
        self.open_end |= header.first().is_some_and(u8::is_ascii_whitespace);
        let Some(at) = header.iter().position(|b| *b == b':') else {
            // No name of a header that counts is so long; but what stands before it may be blanks.
            self.open_end |= !cut || header.iter().any(u8::is_ascii_whitespace);
            return;
        };
        let (name, value) = (header[..at].trim_ascii(), header[at + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = length(value).filter(|_| !cut);
            self.open_end |= length.is_none() || self.body_bytes.is_some_and(|b| Some(b) != length);
            self.body_bytes = length;
        }
        let open = [&b"transfer-encoding"[..], b"upgrade"];
        self.open_end |= open.iter().any(|n| name.eq_ignore_ascii_case(n));
    }
}

/// A number of digits and nothing else.
fn length(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// A line of a request as it should have been. What is none goes on as it is.
fn mended(line: &[u8], too_long: bool, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let text = line.trim_ascii_end();
    let method = text.split(|b| *b == b' ').next().unwrap_or_default();
    let version = text.windows(6).rposition(|w| w == b" HTTP/");
    let version = match (too_long, version) {
        (true, _) => &b" HTTP/1.1"[..],
        (false, Some(at)) if at >= method.len() => &text[at..],
        _ => return out.extend_from_slice(line),
    };
    out.extend_from_slice(method);
    out.push(b' ');
    if too_long {
        out.extend_from_slice(TOO_LONG.as_bytes());
    } else {
        let target = text[method.len()..text.len() - version.len()].trim_ascii();
        for b in target {
            match b {
                b'!' | b'#'..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~' => {
                    out.push(*b);
                }
                b => out.extend([b'%', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]),
            }
        }
        if target.is_empty() {
            out.push(b'/');
        }
    }
    out.extend_from_slice(version);
    out.extend_from_slice(b"\r\n");
}

/// Where a request goes whose line is too long.
pub const TOO_LONG: &str = "/.too-long";

#[cfg(test)]
mod tests {
    use super::*;

    /// However the bytes are cut, the same comes out.
    fn through(text: &[u8]) -> String {
        let mut outs = [1, 2, 7, text.len().max(1)].map(|size| {
            let (mut mender, mut out) = (Mender::default(), Vec::new());
            for part in text.chunks(size) {
                mender.feed(part, &mut out);
            }
            String::from_utf8_lossy(&out).into_owned()
        });
        outs.sort();
        assert_eq!(outs[0], outs[3]);
        outs[0].clone()
    }

    #[test]
    fn blanks_around_an_address_are_left_out_and_within_it_written_out() {
        for (line, mended) in [
            (
                "GET /v1/a?user_id=b  HTTP/1.1\r\n",
                "GET /v1/a?user_id=b HTTP/1.1\r\n",
            ),
            (
                "GET  /v1/a?user_id=b c HTTP/1.1\n",
                "GET /v1/a?user_id=b%20c HTTP/1.1\r\n",
            ),
            (
                "GET /a?b=\"{é}\" HTTP/1.0\r\n",
                "GET /a?b=%22%7B%C3%A9%7D%22 HTTP/1.0\r\n",
            ),
            ("GET /a%20b HTTP/1.1\r\n", "GET /a%20b HTTP/1.1\r\n"),
            ("GET  HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"),
            ("nonsense\r\n", "nonsense\r\n"),
        ] {
            assert_eq!(through(line.as_bytes()), mended, "{line}");
        }
    }

    #[test]
    fn bodies_go_on_as_they_come_and_the_next_request_is_mended_again() {
        let post = "POST /a  HTTP/1.1\r\ncontent-LENGTH:  16\r\n\r\nGET /x  HTTP/1.1";
        let next = "\r\nGET /b  HTTP/1.1\r\nHost: c  d\r\n\r\n";
        let mended = "POST /a HTTP/1.1\r\ncontent-LENGTH:  16\r\n\r\nGET /x  HTTP/1.1\
                      \r\nGET /b HTTP/1.1\r\nHost: c  d\r\n\r\n";
        assert_eq!(through(format!("{post}{next}").as_bytes()), mended);
        let open =
            "POST /a  HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b  HTTP/1.1\r\n";
        assert!(through(open.as_bytes()).ends_with("GET /b  HTTP/1.1\r\n"));
    }

    /// What is a body for the parser must be none of ours to change.
    #[test]
    fn a_length_that_could_be_read_in_two_ways_ends_the_mending() {
        let next = "GET /b  c HTTP/1.1\r\nHost: a\r\n\r\n";
        for headers in [
            format!("Content-Length:{}{}", " ".repeat(65), next.len()),
            format!("Content-Length{}: {}", " ".repeat(65), next.len()),
            format!("Content-Length:\r\n {}", next.len()),
            format!("Content-Length: {}\r\nContent-Length: 0", next.len()),
            "Content-Length: 99999999999999999999".to_owned(),
            "Content-Length: +0".to_owned(),
            "Content-Length: x".to_owned(),
            "Content-Length:".to_owned(),
            "Content-Length 7".to_owned(),
        ] {
            let text = format!("POST /a HTTP/1.1\r\n{headers}\r\n\r\n{next}");
            assert_eq!(through(text.as_bytes()), text, "{headers}");
        }
        // What is long and has nothing to do with it changes nothing.
        let long = format!("Cookie: {}\r\nX{}: y", "a b".repeat(99), "x".repeat(99));
        let text = format!("GET /a HTTP/1.1\r\n{long}\r\n\r\n");
        let after = through(format!("{text}{next}").as_bytes());
        assert!(after.ends_with("\r\n\r\nGET /b%20%20c HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    #[test]
    fn a_body_is_not_kept_back_until_its_line_ends() {
        let text = "POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nuser_id=a";
        assert_eq!(through(text.as_bytes()), text);
        for length in ["Content-Length: x", "Transfer-Encoding: chunked"] {
            let text = format!("POST /a HTTP/1.1\r\n{length}\r\n\r\nuser_id=a");
            assert_eq!(through(text.as_bytes()), text);
        }
    }

    #[test]
    fn a_line_without_end_takes_no_more_memory_than_the_longest() {
        let (mut mender, mut out) = (Mender::default(), Vec::new());
        for _ in 0..1_000 {
            mender.feed(&[b'x'; 1_000], &mut out);
        }
        assert!(mender.line.len() <= limits::server::LINE_BYTES_MAX && out.is_empty());
        let long = format!(
            "GET /{} HTTP/1.1\r\n",
            "x".repeat(limits::server::LINE_BYTES_MAX)
        );
        assert_eq!(through(long.as_bytes()), "GET /.too-long HTTP/1.1\r\n");
    }
}
