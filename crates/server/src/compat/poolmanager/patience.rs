//! Waiting for what the old system did before it answered. What takes longer than half of what an
//! answer may take goes on, and is seen in the cluster.

use std::sync::Arc;

use caviada_core::event::Event;
use caviada_ledger::journal::Revision;
use tokio::sync::broadcast::Receiver;

use super::App;

/// What happens from now on.
pub(super) struct Patience<'a> {
    app: &'a App,
    follow: Receiver<Arc<Revision>>,
}

impl<'a> Patience<'a> {
    /// Listens: whoever asks or looks after this misses nothing.
    pub fn new(app: &'a App) -> Self {
        Self {
            app,
            follow: app.ledger().follow(),
        }
    }

    /// What is heard first, if patience lasts so long.
    pub async fn until<T>(self, hears: impl Fn(&Event) -> Option<T>) -> Option<T> {
        let Self { app, mut follow } = self;
        let heard = async {
            // What it was may be among what was missed.
            while let Ok(revision) = follow.recv().await {
                let heard = revision.events().find_map(|(_, _, event)| hears(event));
                if heard.is_some() {
                    return heard;
                }
            }
            None
        };
        let patience = app.options().answer_within / 2;
        tokio::time::timeout(patience, heard).await.ok().flatten()
    }
}
