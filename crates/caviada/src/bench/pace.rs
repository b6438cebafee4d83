//! A timer fine enough to send at planned instants: the runtime's own counts in milliseconds, and
//! a lease is granted in less.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

/// Waits for instants.
#[derive(Debug)]
pub struct Pace {
    timer: AsyncFd<Timer>,
}

#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Pace {
    /// A timer of its own. Must be called within a runtime.
    #[expect(
        deprecated,
        reason = "its successor is unsafe; this descriptor is owned and always the same"
    )]
    pub fn new() -> std::io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        Ok(Self {
            timer: AsyncFd::new(Timer(timer))?,
        })
    }

    /// Waits until then; not at all if it is past.
    pub async fn until(&self, at: Instant) -> std::io::Result<()> {
        let left = at.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            return Ok(());
        }
        let once = Expiration::OneShot(TimeSpec::from_duration(left));
        self.timer
            .get_ref()
            .0
            .set(once, TimerSetTimeFlags::empty())?;
        loop {
            let mut ready = self.timer.readable().await?;
            match self.timer.get_ref().0.wait() {
                Ok(()) => return Ok(()),
                Err(nix::errno::Errno::EAGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_is_sent_too_early() {
        let pace = Pace::new().unwrap();
        for left in [0, 100, 1_500] {
            let at = Instant::now() + Duration::from_micros(left);
            pace.until(at).await.unwrap();
            assert!(Instant::now() >= at);
        }
    }
}
