//! A bundle on its way through the server to an engine: looked at as it comes, passed on as fast as
//! the engine takes it, and broken off where it is not what it says.

use std::pin::pin;
use std::time::Duration;

use axum::body::Bytes;
use caviada_api::image::{ImageProgress, LoadedImages};
use caviada_core::host::Host;
use caviada_core::image;
use caviada_core::limits;
use caviada_driver::image::bundle::{CONTENTS_BYTES_MAX, Contents, Reader, Unusable};
use caviada_driver::{Capability, DriverError, Failure};
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Images;
use crate::host::{Drivers, Unfit};

/// A bundle may stand still for so long.
const SILENCE_MAX: Duration = Duration::from_millis(limits::BUNDLE_SILENCE_MS_MAX);

/// Why a bundle was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum NotLoaded {
    /// Too many are being loaded.
    #[error("too many bundles are being loaded")]
    Busy,
    /// The host has no images, or no driver can be made of it.
    #[error("{0}")]
    Host(String),
    /// The file is not what it should be.
    #[error("the file: {0}")]
    File(#[from] Unusable),
    /// It is larger than any bundle may be.
    #[error("the file is larger than {} bytes", limits::BUNDLE_BYTES_MAX)]
    TooLarge,
    /// Whoever sends it stopped.
    #[error("the file stopped coming")]
    BrokeOff,
    /// The engine takes no more of it, and does not say why.
    #[error("the engine stopped taking the file; see that its disk and its daemon are well")]
    NotTaken,
    /// The engine does not answer.
    #[error("{0}")]
    Unavailable(DriverError),
    /// The engine said no.
    #[error("{0}")]
    Refused(DriverError),
}

impl From<DriverError> for NotLoaded {
    fn from(error: DriverError) -> Self {
        match error.kind {
            Failure::Unreachable | Failure::TimedOut => Self::Unavailable(error),
            _ => Self::Refused(error),
        }
    }
}

impl From<Unfit> for NotLoaded {
    fn from(unfit: Unfit) -> Self {
        Self::Host(unfit.to_string())
    }
}

/// To the engine; an error breaks it off there.
type Pieces = mpsc::Sender<std::io::Result<Bytes>>;

/// Whether the engine takes a piece; where it takes no more it says why.
async fn given(pieces: &Pieces, piece: Bytes, silence_max: Duration) -> Result<bool, NotLoaded> {
    let sent = timeout(silence_max, pieces.send(Ok(piece))).await;
    sent.map(|sent| sent.is_ok())
        .map_err(|_| NotLoaded::NotTaken)
}

/// What comes, and how it was so far.
struct Incoming<S> {
    body: S,
    reader: Reader,
    silence_max: Duration,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Incoming<S> {
    /// The next piece, if it is sound.
    async fn next(&mut self) -> Result<Option<Bytes>, NotLoaded> {
        let next = timeout(self.silence_max, self.body.next()).await;
        match next.map_err(|_| NotLoaded::BrokeOff)? {
            None => Ok(None),
            Some(Err(_)) => Err(NotLoaded::BrokeOff),
            Some(Ok(piece)) => {
                self.reader.push(&piece)?;
                match self.reader.bytes() > limits::BUNDLE_BYTES_MAX {
                    true => Err(NotLoaded::TooLarge),
                    false => Ok(Some(piece)),
                }
            }
        }
    }

    /// The first pieces, up to where it is known what is in it: little enough to come at once.
    async fn begin(&mut self) -> Result<Vec<Bytes>, NotLoaded> {
        let begun = timeout(self.silence_max, self.first()).await;
        begun.unwrap_or(Err(NotLoaded::BrokeOff))
    }

    async fn first(&mut self) -> Result<Vec<Bytes>, NotLoaded> {
        let mut begin = Vec::new();
        while self.reader.contents().is_none() {
            match self.next().await? {
                Some(piece) => begin.push(piece),
                None => {
                    return Err(std::mem::take(&mut self.reader)
                        .end()
                        .map_or_else(NotLoaded::File, |_| NotLoaded::BrokeOff));
                }
            }
        }
        Ok(begin)
    }
}

impl Images {
    /// Loads a bundle into the engine of a host as it comes.
    ///
    /// # Errors
    /// See [`NotLoaded`]; then the engine has none of it.
    pub async fn load<S, E>(
        &self,
        drivers: &Drivers,
        host: &Host,
        body: S,
    ) -> Result<LoadedImages, NotLoaded>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        self.load_within(drivers, host, body, SILENCE_MAX).await
    }

    async fn load_within<S, E>(
        &self,
        drivers: &Drivers,
        host: &Host,
        body: S,
        silence_max: Duration,
    ) -> Result<LoadedImages, NotLoaded>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let _room = self.0.loads.try_acquire().map_err(|_| NotLoaded::Busy)?;
        let driver = drivers.of(host)?;
        if !driver.can(Capability::Images) {
            let why = format!("hosts of the driver {} have no images", driver.name());
            return Err(NotLoaded::Host(why));
        }
        let mut incoming = Incoming {
            body,
            reader: Reader::default(),
            silence_max,
        };
        let begin = incoming.begin().await?;
        let (pieces, taken) =
            mpsc::channel::<std::io::Result<Bytes>>(limits::server::BUNDLE_PIECES_MAX);
        let archive = stream::unfold(taken, |mut taken| async {
            let piece = taken.recv().await?;
            Some((piece, taken))
        });
        let mut loading = pin!(driver.load(archive.boxed()));
        {
            let mut passing = pin!(self.pass_on(host, &mut incoming, begin, pieces));
            tokio::select! {
                biased;
                passed = &mut passing => match passed {
                    Ok(()) => loading.await?,
                    // Dropped, it breaks off.
                    Err(why @ NotLoaded::NotTaken) => return Err(why),
                    Err(why) => {
                        // Its own end is waited for, but not without one.
                        let _ = timeout(silence_max, loading).await;
                        return Err(why);
                    }
                },
                loaded = &mut loading => match (loaded, passing.as_mut().now_or_never()) {
                    // Of a file that is not sound the engine only knows that it broke off.
                    (_, Some(Err(why))) => return Err(why),
                    (Err(why), _) => return Err(why.into()),
                    (Ok(()), Some(Ok(()))) => {}
                    (Ok(()), None) => passing.await?,
                },
            }
        }
        let bytes = incoming.reader.bytes();
        let contents = incoming.reader.end()?;
        Ok(self.loaded(host, &contents, bytes))
    }

    /// Passes on what is sound, and ends what the engine gets without an end where it is not.
    async fn pass_on<S, E>(
        &self,
        host: &Host,
        incoming: &mut Incoming<S>,
        begin: Vec<Bytes>,
        pieces: Pieces,
    ) -> Result<(), NotLoaded>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let Err(why) = self.pass(host, incoming, begin, &pieces).await else {
            return Ok(());
        };
        let (bytes, text) = (incoming.reader.bytes(), why.to_string());
        self.tell_load(host, "failed", bytes, Some(text.clone()));
        if !matches!(why, NotLoaded::NotTaken) {
            let broken = pieces.send(Err(std::io::Error::other(text)));
            let _ = timeout(incoming.silence_max, broken).await;
        }
        Err(why)
    }

    async fn pass<S, E>(
        &self,
        host: &Host,
        incoming: &mut Incoming<S>,
        begin: Vec<Bytes>,
        pieces: &Pieces,
    ) -> Result<(), NotLoaded>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let mut begin = begin.into_iter();
        let (mut told, mut last) = (0, Vec::new());
        loop {
            let next = match begin.next() {
                Some(piece) => Some(piece),
                None => incoming.next().await?,
            };
            let Some(piece) = next else { break };
            if piece.is_empty() {
                continue;
            }
            if incoming.reader.is_whole() {
                // The engine gets the end once nothing follows it.
                last.push(piece);
                continue;
            }
            if !given(pieces, piece, incoming.silence_max).await? {
                return Ok(());
            }
            let bytes = incoming.reader.bytes();
            if bytes >= told + limits::server::BUNDLE_TOLD_BYTES {
                told = bytes;
                self.tell_load(host, "loading", bytes, None);
            }
        }
        if !incoming.reader.is_whole() {
            let bytes = incoming.reader.bytes();
            return Err(NotLoaded::File(Unusable::CutShort(bytes)));
        }
        for piece in last {
            if !given(pieces, piece, incoming.silence_max).await? {
                break;
            }
        }
        Ok(())
    }

    fn loaded(&self, host: &Host, contents: &Contents, bytes: u64) -> LoadedImages {
        let images: Vec<String> = contents.images.iter().map(|i| i.image.clone()).collect();
        tracing::info!(
            host = host.name.as_str(),
            images = limits::capped(&images.join(" ")),
            bytes,
            "a bundle was loaded"
        );
        self.tell_load(host, "there", bytes, None);
        // What was to be pulled is looked for again.
        let mut names = std::collections::BTreeSet::new();
        for name in &images {
            let _ = image::add(&mut names, name);
        }
        let known: Vec<String> = self.of(host.id).into_iter().map(|shown| shown.0).collect();
        names.retain(|name| known.contains(name));
        if !names.is_empty() {
            self.ask(host.id, names);
        }
        LoadedImages {
            host: host.name.to_string(),
            images,
            bytes,
        }
    }

    fn tell_load(&self, host: &Host, step: &str, bytes: u64, why: Option<String>) {
        self.tell(ImageProgress {
            host: host.name.to_string(),
            image: "bundle".to_owned(),
            step: step.to_owned(),
            bytes_done: bytes,
            bytes: None,
            why,
        });
    }
}

const _: () = assert!(CONTENTS_BYTES_MAX < limits::BUNDLE_BYTES_MAX);

#[cfg(test)]
mod tests;
