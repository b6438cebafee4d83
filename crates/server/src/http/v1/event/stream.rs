//! The stream of events: without gap or repeat from where the reader was. What happens while a
//! reader is slow waits for him in the journal, not in memory.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use caviada_api::event::{HOST, HostFigures, IMAGE, PROGRESS, Progress};
use caviada_api::image::ImageProgress;
use caviada_core::event::{Event, Number};
use caviada_core::limits;
use caviada_core::state::State;
use caviada_ledger::journal::{Entry, Revision};
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::names::Names;
use super::told::{self, About, Happened};
use super::{Filter, lost};
use crate::http::App;
use crate::http::problem::Error;
use crate::http::v1::answer;
use crate::listener::Ending;

const ALIVE: Duration = Duration::from_millis(limits::server::STREAM_ALIVE_MS);
const NAMES_KEPT: Duration = Duration::from_millis(limits::server::NAMES_FRESH_MS);

/// Begins the stream behind `after`, or now.
pub async fn open(
    app: App,
    state: Arc<State>,
    filter: Filter,
    after: Option<Number>,
    ending: Ending,
) -> Result<Response, Error> {
    let followed = app.ledger().follow();
    let now = Number {
        revision: state.revision(),
        index: u32::MAX,
    };
    let told = after.unwrap_or(now);
    let (messages, ready) = mpsc::channel(limits::server::STREAM_READY_MAX);
    let progress = Some(app.progress().follow());
    let hosts = Some(app.sights().follow());
    let images = Some(app.images().follow());
    let mut teller = Teller {
        app,
        names: Names::of(state),
        named_at: Instant::now(),
        filter,
        told,
        progress,
        hosts,
        images,
        messages,
    };
    // Read once before the answer begins, so that what is gone is still a problem document.
    let first = teller.journal().await?;
    tokio::spawn(async move {
        tokio::select! {
            () = teller.run(first, followed) => {}
            () = ending.ended() => {}
        }
    });
    let frames = stream::unfold(ready, |mut ready| async {
        let frame: Frame = ready.recv().await?;
        Some((Ok::<_, Infallible>(frame), ready))
    });
    Ok(Sse::new(frames)
        .keep_alive(KeepAlive::new().interval(ALIVE))
        .into_response())
}

/// Follows the ledger for one reader.
struct Teller {
    app: App,
    names: Names,
    named_at: Instant,
    filter: Filter,
    /// All up to here was told, or does not interest.
    told: Number,
    progress: Option<Receiver<Progress>>,
    hosts: Option<Receiver<HostFigures>>,
    images: Option<Receiver<ImageProgress>>,
    messages: mpsc::Sender<Frame>,
}

/// The next of what is not kept; never, where nobody tells of any.
async fn next<T: Clone>(told: &mut Option<Receiver<T>>) -> T {
    while let Some(all) = told {
        match all.recv().await {
            Ok(one) => return one,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => *told = None,
        }
    }
    std::future::pending().await
}

/// The reader is gone, or cannot be served any more.
struct Over;

impl Teller {
    async fn run(&mut self, first: Vec<Revision>, mut followed: Receiver<Arc<Revision>>) {
        let begun = self.tell_all(first).await.is_ok() && self.catch_up().await.is_ok();
        while begun && self.follow(&mut followed).await.is_ok() {}
    }

    async fn follow(&mut self, followed: &mut Receiver<Arc<Revision>>) -> Result<(), Over> {
        tokio::select! {
            next = followed.recv() => match next {
                Ok(revision) if revision.revision > self.told.revision + 1 => self.catch_up().await,
                Ok(revision) => self.tell(&revision).await,
                Err(RecvError::Lagged(_)) => self.catch_up().await,
                Err(RecvError::Closed) => Err(Over),
            },
            step = next(&mut self.progress) => self.tell_step(&step).await,
            figures = next(&mut self.hosts) => self.tell_figures(&figures).await,
            image = next(&mut self.images) => self.tell_image(&image).await,
            () = self.messages.closed() => Err(Over),
        }
    }

    /// A bring-up goes on. It has no id: whoever was away has missed it.
    async fn tell_step(&self, step: &Progress) -> Result<(), Over> {
        if !self.filter.takes_step(&self.names, step) {
            return Ok(());
        }
        let data = serde_json::to_string(step).unwrap_or_default();
        let frame = Frame::default().event(PROGRESS).data(data);
        self.messages.send(frame).await.map_err(|_| Over)
    }

    /// A host told what it has; as with steps, whoever was away has missed it.
    async fn tell_figures(&self, figures: &HostFigures) -> Result<(), Over> {
        if !self.filter.takes_host(&self.names, &figures.host) {
            return Ok(());
        }
        let data = serde_json::to_string(figures).unwrap_or_default();
        let frame = Frame::default().event(HOST).data(data);
        self.messages.send(frame).await.map_err(|_| Over)
    }

    /// An image comes to a host; whoever was away has missed it.
    async fn tell_image(&self, image: &ImageProgress) -> Result<(), Over> {
        if !self.filter.takes_host(&self.names, &image.host) {
            return Ok(());
        }
        let data = serde_json::to_string(image).unwrap_or_default();
        let frame = Frame::default().event(IMAGE).data(data);
        self.messages.send(frame).await.map_err(|_| Over)
    }

    /// Reads what was missed, until there is no more.
    async fn catch_up(&mut self) -> Result<(), Over> {
        loop {
            let missed = self.journal().await.map_err(|_| Over)?;
            if missed.is_empty() {
                return Ok(());
            }
            self.tell_all(missed).await?;
        }
    }

    /// The next revisions that may hold something untold.
    async fn journal(&self) -> Result<Vec<Revision>, Error> {
        let history = self.app.history().clone();
        // Of the last one something may be left.
        let left = u64::from(self.told.index != u32::MAX);
        let after = self.told.revision.saturating_sub(left);
        let read = answer::aside(move || {
            history
                .revisions(after, limits::server::STREAM_READ_MAX)
                .map_err(|e| lost(&e))
        });
        read.await?.ok_or_else(|| Error::new("events-gone"))
    }

    async fn tell_all(&mut self, revisions: Vec<Revision>) -> Result<(), Over> {
        for revision in revisions {
            self.tell(&revision).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, revision: &Revision) -> Result<(), Over> {
        if revision.revision < self.told.revision {
            return Ok(());
        }
        for (number, entry, event) in revision.events() {
            if number > self.told {
                self.tell_one(revision, number, entry, event).await?;
            }
            self.names.forget(event);
        }
        self.told = Number {
            revision: revision.revision,
            index: u32::MAX,
        };
        self.look_up_anew().await
    }

    async fn tell_one(
        &mut self,
        revision: &Revision,
        number: Number,
        entry: &Entry,
        event: &Event,
    ) -> Result<(), Over> {
        self.names.learn(event);
        if self.names.lacks(event) {
            self.snapshot().await?;
        }
        let Some(about) = About::of(&self.names, event) else {
            return Ok(());
        };
        if !self.filter.takes(&about, revision.at) {
            return Ok(());
        }
        let kind = about.kind;
        let happened = Happened {
            number,
            at: revision.at,
            by: entry.by,
            act: entry.act.as_deref(),
        };
        let shown = told::render(&self.names, happened, about);
        let data = serde_json::to_string(&shown).unwrap_or_default();
        let frame = Frame::default()
            .id(number.to_string())
            .event(kind)
            .data(data);
        self.messages.send(frame).await.map_err(|_| Over)
    }

    async fn snapshot(&mut self) -> Result<(), Over> {
        self.names.state = self.app.ledger().snapshot().await.map_err(|_| Over)?;
        Ok(())
    }

    /// An old snapshot keeps old nouns in memory: now and then, when all is told, a new one takes
    /// its place and what was learned since can go.
    async fn look_up_anew(&mut self) -> Result<(), Over> {
        if self.named_at.elapsed() < NAMES_KEPT {
            return Ok(());
        }
        self.snapshot().await?;
        if self.names.state.revision() == self.told.revision {
            self.names = Names::of(self.names.state.clone());
            self.named_at = Instant::now();
        }
        Ok(())
    }
}
