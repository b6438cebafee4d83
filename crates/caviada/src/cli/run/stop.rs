//! The signals that ask a command to end.

use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::cli::exit::Failure;

/// Takes the signals instead of letting them end the process.
#[derive(Debug)]
pub struct Stop {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
    quit: unix::Signal,
}

impl Stop {
    /// From now on.
    pub fn listen() -> Result<Self, Failure> {
        let listen = || {
            Ok::<_, std::io::Error>(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hangup: signal(SignalKind::hangup())?,
                quit: signal(SignalKind::quit())?,
            })
        };
        listen().map_err(|e| Failure::failed(format!("cannot listen for signals: {e}")))
    }

    /// The next one. None is lost when this is dropped half-way.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hangup.recv() => Signal::SIGHUP,
            _ = self.quit.recv() => Signal::SIGQUIT,
        }
    }
}

/// The exit code of a process that a signal ended, as shells have it.
pub fn code(signal: Signal) -> u8 {
    u8::try_from(128 + signal as i32).unwrap_or(u8::MAX)
}
