//! Points at which the kill harness ends the process, as a power cut would: between a commit and
//! its answer, say, where chance alone would rarely hit.
//!
//! Nothing of this is in a build without the feature `kill-points`, and no build that ships has it;
//! a test looks at the built program and sees that.

/// Ends the process here if the harness asked for it. Without the feature it is nothing at all.
#[macro_export]
macro_rules! kill_point {
    ($name:literal) => {
        #[cfg(feature = "kill-points")]
        $crate::kill::point($name);
    };
}

/// Names a point and a number: the process ends when it passes there for that time.
#[cfg(feature = "kill-points")]
const KILL_POINT: &str = "CAVIADA_KILL_POINT";

/// Ends the process if this is the point, and it is time.
#[cfg(feature = "kill-points")]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ORDER: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();
    let order = ORDER.get_or_init(|| {
        let order = std::env::var(KILL_POINT).ok()?;
        let (name, passes) = order.split_once(':')?;
        Some((name.to_owned(), AtomicU64::new(passes.parse().ok()?)))
    });
    let Some((chosen, passes)) = order else {
        return;
    };
    if chosen == name && passes.fetch_sub(1, Ordering::Relaxed) == 1 {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        loop {
            std::thread::park();
        }
    }
}
