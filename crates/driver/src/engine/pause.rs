//! Looking again.

use std::time::Duration;

use tokio::time::sleep;

/// Looks again after ever longer pauses, from 25 ms to half a second.
pub(crate) struct Pause(Duration);

impl Pause {
    pub fn new() -> Self {
        Self(Duration::from_millis(25))
    }

    pub async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_millis(500));
    }
}
