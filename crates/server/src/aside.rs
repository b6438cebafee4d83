//! Work that may take long, beside the requests that do not.

use tokio::sync::Semaphore;

/// Room for so many pieces of such work at once; more wait their turn.
#[derive(Debug)]
pub struct Aside(Semaphore);

impl Aside {
    /// Room for this many.
    pub const fn room_for(pieces: usize) -> Self {
        Self(Semaphore::const_new(pieces))
    }

    /// Runs it on a thread that may block. Nothing when it panicked, which is logged.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _room = self.0.acquire().await;
        let done = tokio::task::spawn_blocking(work).await;
        done.inspect_err(|panic| tracing::error!(error = %panic, "reading a list panicked"))
            .ok()
    }
}
