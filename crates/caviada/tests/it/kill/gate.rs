//! Where callers wait while there is no server, so that a look after a restart sees what the last
//! server left and not what they do next.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// By then each caller has noticed that the server is gone; one that has not is lost.
const GATHER_WITHIN: Duration = Duration::from_secs(60);

/// Opens once for each life of the server.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Lives begun.
    epoch: u64,
    open: bool,
    over: bool,
    waiting: usize,
}

impl Gate {
    /// Waits for a life of the server after this one. None when there will be no other.
    pub fn enter(&self, after: u64) -> Option<u64> {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        let closed = |s: &mut State| !s.over && (!s.open || s.epoch <= after);
        let mut state = self.changed.wait_while(state, closed).unwrap();
        state.waiting -= 1;
        (!state.over).then_some(state.epoch)
    }

    /// Calls may be made.
    pub fn open(&self) -> bool {
        self.state.lock().unwrap().open
    }

    /// Lets all in: a server is there.
    pub fn let_in(&self) {
        let mut state = self.state.lock().unwrap();
        state.epoch += 1;
        state.open = true;
        self.changed.notify_all();
    }

    /// Waits until so many callers have noticed that the server is gone.
    pub fn gather(&self, callers: usize) {
        let mut state = self.state.lock().unwrap();
        state.open = false;
        let missing = |s: &mut State| s.waiting < callers;
        let waited = self
            .changed
            .wait_timeout_while(state, GATHER_WITHIN, missing);
        assert!(!waited.unwrap().1.timed_out(), "a caller is missing");
    }

    /// Sends all home.
    pub fn close(&self) {
        self.state.lock().unwrap().over = true;
        self.changed.notify_all();
    }
}
