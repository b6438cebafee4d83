//! Ending by signal. Nothing installs a handler: the signals are blocked and waited for, which
//! also works for process 1, to which the kernel delivers no signal it would have to act on itself.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

/// Blocks SIGTERM and SIGINT for this thread and all it starts.
pub fn block() -> SigSet {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    // It can only fail for an unknown operation, and this one is a constant.
    let _ = signals.thread_block();
    signals
}

/// Returns when one of the blocked `signals` arrives.
pub fn wait(signals: SigSet) {
    while signals.wait().is_err() {}
}

/// Returns when one of the blocked `signals` arrives, or after `duration`.
pub fn wait_at_most(signals: SigSet, duration: Duration) {
    let (arrived, arrival) = mpsc::channel();
    thread::spawn(move || {
        wait(signals);
        let _ = arrived.send(());
    });
    let _ = arrival.recv_timeout(duration);
}
