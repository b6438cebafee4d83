//! What a service writes: into its log, and past the eyes of whoever waits for a certain text.

use std::io::{PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};

use caviada_core::limits;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::super::log::Log;

/// The reading ends of one process's standard output and error.
pub(super) struct Output {
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
}

/// Looks for a text in what comes in pieces.
pub(super) struct Search {
    wanted: Vec<u8>,
    kept: Vec<u8>,
    pub found: bool,
}

impl Search {
    /// Nothing wanted is found at once.
    pub(super) fn new(wanted: Option<&str>) -> Self {
        let wanted = wanted.unwrap_or_default().as_bytes().to_vec();
        Self {
            found: wanted.is_empty(),
            kept: Vec::new(),
            wanted,
        }
    }

    fn see(&mut self, text: &[u8]) {
        if self.found {
            return;
        }
        self.kept.extend_from_slice(text);
        self.found = self
            .kept
            .windows(self.wanted.len())
            .any(|window| window == self.wanted);
        let overlap = self.wanted.len() - 1;
        self.kept.drain(..self.kept.len().saturating_sub(overlap));
    }
}

impl Output {
    pub(super) fn new(stdout: PipeReader, stderr: PipeReader) -> Self {
        Self {
            stdout: Some(stdout),
            stderr: Some(stderr),
        }
    }

    /// What can be waited for, standard output first.
    pub(super) fn open(&self) -> Vec<(Stream, BorrowedFd<'_>)> {
        let stdout = self.stdout.as_ref().map(|r| (Stream::Out, r.as_fd()));
        let stderr = self.stderr.as_ref().map(|r| (Stream::Err, r.as_fd()));
        stdout.into_iter().chain(stderr).collect()
    }

    /// The streams that hold something now, or have ended.
    pub(super) fn ready(&self) -> Vec<Stream> {
        let open = self.open();
        let mut waited: Vec<_> = open
            .iter()
            .map(|(_, fd)| PollFd::new(*fd, PollFlags::POLLIN))
            .collect();
        if open.is_empty() || poll(&mut waited, PollTimeout::ZERO).is_err() {
            return Vec::new();
        }
        let ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|r| !r.is_empty());
        let ready = waited.iter().zip(&open).filter(|(fd, _)| ready(fd));
        ready.map(|(_, (stream, _))| *stream).collect()
    }

    /// Takes what a stream holds, which must be ready; closes it at its end.
    pub(super) fn take(&mut self, stream: Stream, log: &mut Log, search: &mut Search) {
        let reader = match stream {
            Stream::Out => &mut self.stdout,
            Stream::Err => &mut self.stderr,
        };
        let mut chunk = vec![0; limits::driver::PIPE_BYTES];
        match reader.as_mut().map(|reader| reader.read(&mut chunk)) {
            Some(Ok(bytes)) if bytes > 0 => {
                // A full disk must not stop the service: what cannot be kept is lost.
                let _ = log.write(&chunk[..bytes]);
                if stream == Stream::Out {
                    search.see(&chunk[..bytes]);
                }
            }
            Some(Err(e)) if e.kind() == std::io::ErrorKind::Interrupted => {}
            _ => *reader = None,
        }
    }
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_across_pieces() {
        let mut search = Search::new(Some("Status: 201"));
        for piece in ["Stat", "us: 20", "0\nStatus", ": 2", "01 ok"] {
            assert!(!search.found, "{piece}");
            search.see(piece.as_bytes());
        }
        assert!(search.found);
        assert!(Search::new(None).found);
    }
}
