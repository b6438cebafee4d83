//! Looking again.

use std::time::Duration;

use caviada_core::limits;
use tokio::time::sleep;

/// Looks again after ever longer pauses.
pub(crate) struct Pause {
    next: Duration,
    max: Duration,
}

impl Pause {
    /// Between two looks at an engine.
    pub fn of_engine() -> Self {
        Self {
            next: Duration::from_millis(limits::driver::ENGINE_PAUSE_MS_MIN),
            max: Duration::from_millis(limits::driver::ENGINE_PAUSE_MS_MAX),
        }
    }

    /// Between two looks at processes.
    pub fn of_processes() -> Self {
        Self {
            next: Duration::from_millis(limits::driver::PROCESS_PAUSE_MS_MIN),
            max: Duration::from_millis(limits::driver::PROCESS_PAUSE_MS_MAX),
        }
    }

    pub async fn wait(&mut self) {
        sleep(self.next).await;
        self.next = (self.next * 2).min(self.max);
    }
}
