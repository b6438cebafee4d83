//! The shim's children: their signals, their ends, and ending them.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use caviada_core::limits;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::super::tree;

/// The shim's children, seen through a descriptor.
pub(super) struct Children(SignalFd);

/// How a child ended.
pub(super) struct End {
    /// Exit code, or 128 + signal.
    pub code: i64,
}

impl Children {
    /// Blocks all signals that are acted on and listens to them.
    pub(super) fn watch() -> nix::Result<Self> {
        let mut signals = SigSet::empty();
        for signal in [
            Signal::SIGCHLD,
            Signal::SIGTERM,
            Signal::SIGQUIT,
            Signal::SIGUSR1,
            Signal::SIGUSR2,
            Signal::SIGINT,
            Signal::SIGHUP,
        ] {
            signals.add(signal);
        }
        signals.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self(SignalFd::with_flags(&signals, flags)?))
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// The signals that came, children's ends among them.
    pub(super) fn signals(&self) -> Vec<Signal> {
        let mut signals = Vec::new();
        while let Ok(Some(info)) = self.0.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or_default();
            signals.extend(Signal::try_from(number));
        }
        signals
    }

    /// Buries all that ended.
    pub(super) fn reap(&self) -> Vec<(i32, End)> {
        let mut ended = Vec::new();
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => {
                    let code = i64::from(code);
                    ended.push((pid.as_raw(), End { code }));
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) => {
                    let code = 128 + i64::from(signal as i32);
                    ended.push((pid.as_raw(), End { code }));
                }
                Ok(WaitStatus::StillAlive) | Err(_) => return ended,
                Ok(_) => {}
            }
        }
    }

    /// Kills everything below this process and buries it.
    pub(super) fn kill_all(&self) -> Vec<(i32, End)> {
        let own = Pid::this().as_raw();
        let mut ended = Vec::new();
        for _ in 0..limits::driver::KILLS_MAX {
            ended.extend(self.reap());
            let all = Id::All;
            let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
            if waitid(all, look).is_err() {
                break;
            }
            tree::kill_all(|| tree::descendants(own));
            std::thread::sleep(Duration::from_millis(1));
        }
        ended
    }
}
