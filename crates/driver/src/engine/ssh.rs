//! `docker system dial-stdio` on the far side of an ssh process, one per connection.
//!
//! Host keys, jump hosts and agents are ssh's own business. It never asks (BatchMode), so that an
//! unknown host key is an error and not a question nobody sees.

use std::ffi::OsString;
use std::future::Future;
use std::io::{Error, Result};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use caviada_core::limits;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::credential::{Held, SshCredential, Unusable};

/// Opens connections to one host.
#[derive(Clone)]
pub(super) struct Ssh {
    arguments: Arc<[OsString]>,
    /// What the arguments name is there for as long as somebody may connect.
    _held: Arc<[Held]>,
}

impl Ssh {
    pub fn new(
        destination: &str,
        port: Option<u16>,
        credential: &SshCredential,
    ) -> std::result::Result<Self, Unusable> {
        credential.check()?;
        let (key, known) = (credential.key_file()?, credential.known_hosts_file()?);
        let mut arguments: Vec<OsString> = Vec::new();
        let mut option = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
        option("-o", "BatchMode=yes".into());
        option("-o", "ConnectTimeout=20".into());
        // Quick to notice a host that went away; the far side's keep-alives are its own.
        option("-o", "ServerAliveInterval=15".into());
        if let Some(port) = port {
            option("-p", port.to_string().into());
        }
        if let Some(key) = &key {
            option("-i", key.path.clone().into());
            option("-o", "IdentitiesOnly=yes".into());
        }
        if let Some(known) = &known {
            let mut file = OsString::from("UserKnownHostsFile=");
            file.push(&known.path);
            option("-o", file);
            option("-o", "StrictHostKeyChecking=yes".into());
        }
        arguments.extend(["-T", "--", destination].map(OsString::from));
        arguments.extend(["docker", "system", "dial-stdio"].map(OsString::from));
        Ok(Self {
            arguments: arguments.into(),
            _held: key.into_iter().chain(known).collect(),
        })
    }

    fn spawn(&self) -> Result<Pipe> {
        let mut child = Command::new("ssh")
            .args(self.arguments.iter())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| Error::new(e.kind(), format!("ssh cannot be started: {e}")))?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(Pipe {
                stdin,
                stdout,
                stderr,
                complaint: Vec::new(),
                _child: child,
            }),
            _ => Err(Error::other("ssh has no pipes")),
        }
    }
}

impl tower::Service<hyper::Uri> for Ssh {
    type Response = TokioIo<Pipe>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: hyper::Uri) -> Self::Future {
        let pipe = self.spawn().map(TokioIo::new);
        Box::pin(async move { pipe })
    }
}

/// The pipes of an ssh process as one stream; the process dies with it.
pub(super) struct Pipe {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    complaint: Vec<u8>,
    _child: Child,
}

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Pipe {
    /// Reads what ssh complains of, so that it never blocks on us, and keeps the beginning.
    fn poll_complaint(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut space = [0; 256];
            let mut buffer = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut self.stderr).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
            let room = limits::driver::SSH_COMPLAINT_BYTES_MAX - self.complaint.len();
            let filled = buffer.filled();
            self.complaint
                .extend_from_slice(&filled[..filled.len().min(room)]);
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let complained = self.poll_complaint(cx);
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stdout).poll_read(cx, buf))?;
        if buf.filled().len() > before || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        // The end. Why it ended, only ssh can say.
        ready!(complained);
        let complaint = String::from_utf8_lossy(&self.complaint);
        match complaint.trim() {
            "" => Poll::Ready(Ok(())),
            why => Poll::Ready(Err(Error::other(format!("ssh: {why}")))),
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}
