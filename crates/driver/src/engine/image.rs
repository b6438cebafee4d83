//! Images: what is here is used as it is, what is absent is pulled once.
//!
//! What comes through a mirror is known by its own name afterwards, so that nobody has to know of the
//! mirror. A digest is no name that an engine gives: what is pinned by one and came through a mirror
//! or an archive bears the tag `sha256-…` of its own repository.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ImportImageOptionsBuilder, TagImageOptionsBuilder,
};
use caviada_core::image::{DOCKER_HUB, Reference};
use caviada_core::limits;
use caviada_core::limits::CAUSE_CHARS_MAX;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::time::{Instant, timeout_at};

use super::call::Call;
use super::fault::Fault;
use crate::image::bundle::Bundled;
use crate::image::{Archive, ImageSources, OnBytes, RegistryCredential};
use crate::{DriverError, Failure};

const PATIENCE: Patience = Patience {
    coming: Duration::from_millis(limits::driver::PULL_SILENCE_MS_MAX),
    other: Duration::from_millis(limits::driver::PULL_UNPACKING_MS_MAX),
};
/// What Docker Hub calls itself where somebody signs in.
const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// Has the image on the host, pulling it if it is not there, and says by what name it is known
/// there; `bytes` is told how much came, and of how much.
pub(crate) async fn ensure(
    call: &Call<'_>,
    sources: &ImageSources,
    image: &str,
    bytes: OnBytes<'_>,
) -> Result<String, DriverError> {
    let wanted = read(call, image)?;
    if let Some(found) = there(call, &wanted, image).await? {
        return Ok(found.name);
    }
    let mirrored = mirrored(sources, &wanted);
    pull(
        call,
        sources,
        mirrored.as_ref().unwrap_or(&wanted),
        image,
        bytes,
    )
    .await?;
    match mirrored {
        None => Ok(wanted.to_string()),
        Some(mirrored) => tag(call, &mirrored, &wanted, image).await,
    }
}

/// Has what nodes of a swarm will ask for: they pull by themselves and know of no mirror, so a
/// service bears the mirror's name.
pub(crate) async fn ensure_in_swarm(
    call: &Call<'_>,
    sources: &ImageSources,
    image: &str,
    bytes: OnBytes<'_>,
) -> Result<(), DriverError> {
    let (name, _) = in_swarm(call, sources, image).await?;
    let wanted = read(call, &name)?;
    match there(call, &wanted, &name).await? {
        Some(_) => Ok(()),
        None => pull(call, sources, &wanted, &name, bytes).await,
    }
}

/// By what name a service of a swarm asks for an image, and what its nodes prove themselves with.
pub(crate) async fn in_swarm(
    call: &Call<'_>,
    sources: &ImageSources,
    image: &str,
) -> Result<(String, Option<DockerCredentials>), DriverError> {
    let wanted = read(call, image)?;
    if let Some(mirrored) = mirrored(sources, &wanted) {
        let credential = credential(sources, &mirrored.registry);
        return Ok((mirrored.to_string(), credential));
    }
    let found = match wanted.digest {
        // Else the nodes would look for a digest that an archive has lost.
        Some(_) => there(call, &wanted, image).await?,
        None => None,
    };
    let name = match found.filter(|found| found.kept) {
        // By the tag nodes would ask a registry, which may have anything under it.
        Some(Found { name, id, .. }) => {
            let no_id = || call.no(Failure::Bug, format!("{name} has no id"));
            id.ok_or_else(no_id)?
        }
        None => wanted.to_string(),
    };
    Ok((name, credential(sources, &wanted.registry)))
}

fn read(call: &Call<'_>, image: &str) -> Result<Reference, DriverError> {
    Reference::read(image).map_err(|e| call.no(Failure::Refused, e.to_string()))
}

fn mirrored(sources: &ImageSources, wanted: &Reference) -> Option<Reference> {
    wanted.through(sources.mirror.as_deref()?)
}

/// An image that an engine has.
struct Found {
    /// By which the engine knows it.
    name: String,
    /// This content and no other, on engines that have it.
    id: Option<String>,
    /// Its name is the tag that it has instead of its digest.
    kept: bool,
}

/// Whether the engine has it.
async fn there(
    call: &Call<'_>,
    wanted: &Reference,
    image: &str,
) -> Result<Option<Found>, DriverError> {
    let kept = wanted.kept_tag();
    let kept = kept.map(|tag| (format!("{}:{tag}", wanted.repository()), true));
    for (name, kept) in [Some((wanted.to_string(), false)), kept]
        .into_iter()
        .flatten()
    {
        match call.quick(call.engine.inspect_image(&name)).await {
            Ok(found) => {
                let id = found.id.filter(|id| !id.is_empty());
                return Ok(Some(Found { name, id, kept }));
            }
            Err(fault) if fault.is(404) => {}
            Err(fault) => return Err(call.failed(fault, image)),
        }
    }
    Ok(None)
}

/// Gives what came through a mirror the name it is asked for by.
async fn tag(
    call: &Call<'_>,
    mirrored: &Reference,
    wanted: &Reference,
    image: &str,
) -> Result<String, DriverError> {
    let repository = wanted.repository();
    let own = wanted.tag.as_deref().unwrap_or("latest");
    let kept = wanted.kept_tag();
    let tag = kept.as_deref().unwrap_or(own);
    let options = TagImageOptionsBuilder::new().repo(&repository).tag(tag);
    let from = mirrored.to_string();
    let tagged = call.engine.tag_image(&from, Some(options.build()));
    let tagged = call.quick(tagged).await;
    tagged.map_err(|f| call.failed(f, image))?;
    Ok(format!("{repository}:{tag}"))
}

async fn pull(
    call: &Call<'_>,
    sources: &ImageSources,
    from: &Reference,
    image: &str,
    bytes: OnBytes<'_>,
) -> Result<(), DriverError> {
    // Without a tag an engine would pull every tag there is.
    let (repository, tag) = match &from.digest {
        Some(digest) => (format!("{}@{digest}", from.repository()), String::new()),
        None => {
            let tag = from.tag.as_deref().unwrap_or("latest");
            (from.repository(), tag.to_owned())
        }
    };
    let options = CreateImageOptionsBuilder::new()
        .from_image(&repository)
        .tag(&tag)
        .build();
    let credential = credential(sources, &from.registry);
    let proven = credential.is_some();
    let told = call.engine.create_image(Some(options), None, credential);
    let fault = match call.long(follow(told, &PATIENCE, bytes)).await {
        Ok(None) => return Ok(()),
        Ok(Some(stood)) => Fault::new(Failure::TimedOut, stood.why(&from.registry)),
        Err(fault) => fault,
    };
    let passing = matches!(
        fault.kind,
        Failure::Unreachable | Failure::TimedOut | Failure::NoRoom
    );
    match passing {
        true => Err(call.failed(fault, image)),
        false => Err(call.failed(absent(fault, from, image, proven), image)),
    }
}

/// How long a pull may get no further.
struct Patience {
    /// While bytes of a layer are on their way.
    coming: Duration,
    /// While none are.
    other: Duration,
}

/// A pull that got no further: for how long, and how far it was.
#[derive(Debug)]
struct Stood {
    patience: Duration,
    done: u64,
    of: u64,
}

impl Stood {
    fn why(&self, registry: &str) -> String {
        format!(
            "no more bytes came within {} s ({} of {} MiB are there); see that the host reaches \
             {registry}, or load the image there (`caviada image load`)",
            self.patience.as_secs(),
            self.done >> 20,
            self.of >> 20
        )
    }
}

/// Tells how far a pull is until it ends or gets no further.
async fn follow(
    mut told: impl Stream<Item = Result<CreateImageInfo, Error>> + Unpin,
    patience: &Patience,
    bytes: OnBytes<'_>,
) -> Result<Option<Stood>, Error> {
    let mut layers = Layers::default();
    let mut since = Instant::now();
    loop {
        let patience = match layers.any_is_coming() {
            true => patience.coming,
            false => patience.other,
        };
        let next = timeout_at(since + patience, told.try_next()).await;
        let (done, of) = layers.sum();
        let told = match next {
            Ok(told) if since.elapsed() < patience => told?,
            _ => return Ok(Some(Stood { patience, done, of })),
        };
        let Some(told) = told else { return Ok(None) };
        if let (Some(layer), Some(detail)) = (told.id, told.progress_detail) {
            let status = told.status.unwrap_or_default();
            if layers.tell(layer, &status, detail.current, detail.total) {
                since = Instant::now();
            }
            let (done, of) = layers.sum();
            bytes(done, of);
        }
    }
}

/// Takes in an archive as it comes. An engine brings nothing of one that breaks off.
pub(crate) async fn load(call: &Call<'_>, archive: Archive) -> Result<(), DriverError> {
    // An engine that unpacks says how far it is.
    let options = ImportImageOptionsBuilder::new().quiet(false).build();
    let moved = Moved::default();
    let bytes = moved.clone();
    let archive = archive.inspect(move |_| bytes.now());
    let told = call.engine.import_image_stream(options, archive, None);
    let patience = PATIENCE.other;
    let fault = match call.long(taken_in(told, &moved, patience)).await {
        Ok(true) => return Ok(()),
        Ok(false) => Fault::new(
            Failure::TimedOut,
            format!(
                "the engine took and said nothing more within {} s; see that its disk is well",
                patience.as_secs()
            ),
        ),
        Err(fault) => fault,
    };
    Err(call.failed(fault, "the archive"))
}

/// When something moved last.
#[derive(Debug, Clone)]
struct Moved(Arc<Mutex<Instant>>);

impl Default for Moved {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Moved {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an engine came to the end of an archive before nothing moved any more: no bytes of it, and no
/// words.
async fn taken_in<T>(
    mut told: impl Stream<Item = Result<T, Error>> + Unpin,
    moved: &Moved,
    patience: Duration,
) -> Result<bool, Error> {
    loop {
        match timeout_at(moved.at() + patience, told.try_next()).await {
            Ok(Ok(Some(_))) => moved.now(),
            Ok(Ok(None)) => return Ok(true),
            Ok(Err(error)) => return Err(error),
            Err(_) if moved.at() + patience <= Instant::now() => return Ok(false),
            // Bytes did meanwhile.
            Err(_) => {}
        }
    }
}

/// What an image is called in a bundle.
pub(crate) async fn bundled(
    call: &Call<'_>,
    sources: &ImageSources,
    image: &str,
    bytes: OnBytes<'_>,
) -> Result<Bundled, DriverError> {
    let mut name = ensure(call, sources, image, bytes).await?;
    let wanted = read(call, image)?;
    if wanted.digest.is_some() && name == wanted.to_string() {
        name = tag(call, &wanted, &wanted, image).await?;
    }
    let found = call.quick(call.engine.inspect_image(&name)).await;
    let found = found.map_err(|f| call.failed(f, image))?;
    Ok(Bundled {
        image: image.to_owned(),
        loaded_as: name,
        id: found.id.unwrap_or_default(),
    })
}

/// The archive of these, as the engine writes it.
pub(crate) fn archive(call: &Call<'_>, images: &[Bundled]) -> Archive {
    let names: Vec<&str> = images.iter().map(|i| i.loaded_as.as_str()).collect();
    let archive = call.engine.export_images(&names);
    archive.map_err(std::io::Error::other).boxed()
}

/// What an engine said that could not pull, and what to do next.
fn absent(mut fault: Fault, from: &Reference, image: &str, proven: bool) -> Fault {
    let said = fault.message.to_ascii_lowercase();
    let closed = [
        "unauthorized",
        "authentication required",
        "no basic auth",
        "denied",
    ];
    let registry = &from.registry;
    let next = match (closed.iter().any(|words| said.contains(words)), proven) {
        (true, true) => {
            format!("give the host another credential for {registry}, or correct the name")
        }
        (true, false) => format!(
            "give the host a credential for {registry} (`caviada host set --registry`), or correct \
             the name"
        ),
        (false, _) => "load it there (`caviada image load`) or correct the template".to_owned(),
    };
    let asked = match from.to_string() {
        name if name == image => String::new(),
        name => format!(" as {name}"),
    };
    // What to do next is not to be cut off behind it.
    let said: String = fault.message.chars().take(CAUSE_CHARS_MAX / 2).collect();
    fault.kind = Failure::NoImage;
    fault.message =
        format!("the image is not on the host and cannot be pulled{asked} ({said}); {next}");
    fault
}

/// What goes with a request for something of a registry.
fn credential(sources: &ImageSources, registry: &str) -> Option<DockerCredentials> {
    let serveraddress = Some(match registry {
        DOCKER_HUB => HUB_SERVER.to_owned(),
        other => other.to_owned(),
    });
    Some(match sources.registries.get(registry)? {
        RegistryCredential::Password { username, password } => DockerCredentials {
            username: Some(username.to_string()),
            password: Some(password.to_string()),
            serveraddress,
            ..DockerCredentials::default()
        },
        RegistryCredential::Token(token) => DockerCredentials {
            identitytoken: Some(token.to_string()),
            serveraddress,
            ..DockerCredentials::default()
        },
    })
}

/// How far the layers of an image are.
#[derive(Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Default)]
struct Layer {
    /// Bytes that came, and bytes in all.
    done: u64,
    total: u64,
    /// What the engine does with it, and how far it is with that.
    status: Box<str>,
    current: Option<i64>,
}

/// Does an engine fetch a layer that it says this of?
fn comes(status: &str) -> bool {
    status.starts_with("Downloading") || status.starts_with("Retrying")
}

impl Layers {
    /// Says whether it got further: by bytes, or by what is done with those that came.
    fn tell(
        &mut self,
        layer: String,
        status: &str,
        current: Option<i64>,
        total: Option<i64>,
    ) -> bool {
        if self.0.len() >= limits::driver::LAYERS_MAX && !self.0.contains_key(&layer) {
            return false;
        }
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
        let layer = self.0.entry(layer).or_default();
        let before = layer.done;
        if let Some(total) = count(total).filter(|_| !status.starts_with("Retrying")) {
            // What is being unpacked has come.
            let done = match status.starts_with("Downloading") {
                true => count(current).unwrap_or(0),
                false => total,
            };
            (layer.done, layer.total) = (done, total);
        }
        let other = *layer.status != *status || layer.current != current;
        let further = match comes(status) {
            true => layer.done > before,
            false => other,
        };
        if *layer.status != *status {
            layer.status = status.into();
        }
        layer.current = current;
        further
    }

    fn any_is_coming(&self) -> bool {
        self.0.values().any(|layer| comes(&layer.status))
    }

    fn sum(&self) -> (u64, u64) {
        let all = self.0.values();
        all.fold((0, 0), |(done, of), layer| {
            (
                done.saturating_add(layer.done),
                of.saturating_add(layer.total),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_an_image_are_those_of_its_layers() {
        let mut layers = Layers::default();
        layers.tell("a".into(), "Downloading", Some(10), Some(100));
        layers.tell("b".into(), "Downloading", Some(5), Some(50));
        assert_eq!(layers.sum(), (15, 150));
        layers.tell("a".into(), "Extracting", Some(1), Some(100));
        layers.tell("c".into(), "Waiting", None, None);
        assert_eq!(layers.sum(), (105, 150));
    }

    #[test]
    fn a_layer_gets_further_by_bytes_and_by_being_unpacked_and_by_no_words() {
        let mut layers = Layers::default();
        let mut tell = |status: &str, current| layers.tell("a".into(), status, current, Some(100));
        for (status, current, further) in [
            ("Downloading", Some(10), true),
            ("Downloading", Some(10), false),
            ("Retrying in 2 seconds", None, false),
            ("Retrying in 1 second", None, false),
            ("Downloading", Some(11), true),
            ("Verifying Checksum", None, true),
            ("Extracting", Some(1), true),
            ("Extracting", Some(1), false),
            ("Extracting", Some(2), true),
        ] {
            assert_eq!(tell(status, current), further, "{status} {current:?}");
        }
        assert!(!layers.any_is_coming());
        layers.tell("b".into(), "Downloading", Some(i64::MAX), Some(i64::MAX));
        layers.tell("c".into(), "Downloading", Some(i64::MAX), Some(i64::MAX));
        layers.tell("d".into(), "Downloading", Some(i64::MAX), Some(i64::MAX));
        assert_eq!(layers.sum(), (u64::MAX, u64::MAX));
        assert!(layers.any_is_coming());
    }

    #[tokio::test]
    async fn a_pull_that_trickles_words_and_no_bytes_is_ended() {
        let patience = Patience {
            coming: Duration::from_millis(20),
            other: Duration::from_secs(600),
        };
        let said = CreateImageInfo {
            id: Some("a".into()),
            status: Some("Downloading".into()),
            progress_detail: Some(bollard::models::ProgressDetail {
                current: Some(1 << 20),
                total: Some(3 << 20),
            }),
            ..CreateImageInfo::default()
        };
        let words = || futures_util::stream::repeat_with(|| Ok(said.clone()));
        let endless = words().then(|told| async {
            tokio::task::yield_now().await;
            told
        });
        let stood = follow(endless.boxed(), &patience, &|_, _| ()).await;
        let why = stood.unwrap().unwrap().why("r.example");
        assert!(
            why.contains("1 of 3 MiB") && why.contains("r.example"),
            "{why}"
        );
        let ended = follow(words().take(3).boxed(), &PATIENCE, &|_, _| ()).await;
        assert!(ended.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_load_of_which_nothing_moves_any_more_is_ended() {
        let patience = Duration::from_millis(20);
        let silent = || futures_util::stream::pending::<Result<(), Error>>();
        let moved = Moved::default();
        assert!(!taken_in(silent(), &moved, patience).await.unwrap());
        // Words keep it alive, and so do bytes that the engine takes.
        let words = futures_util::stream::iter([Ok(()), Ok(())]);
        let gone = Moved::default();
        assert!(taken_in(words, &gone, Duration::ZERO).await.unwrap());
        let last = Instant::now() + 2 * patience;
        *moved.0.lock().unwrap() = last;
        assert!(!taken_in(silent(), &moved, patience).await.unwrap());
        assert!(last + patience <= Instant::now());
    }

    #[test]
    fn a_registry_that_asks_who_we_are_is_told_from_one_that_lacks_the_image() {
        let from = Reference::read("m.x/library/redis:7").unwrap();
        let says = |message: &str, proven| {
            let fault = Fault::new(Failure::Refused, message);
            absent(fault, &from, "redis:7", proven).message
        };
        let closed = says("Head: unauthorized: authentication required", false);
        assert!(closed.contains("--registry") && closed.contains("as m.x/library/redis:7"));
        assert!(says("no basic auth credentials", true).contains("another credential for m.x"));
        assert!(says("manifest unknown", true).contains("caviada image load"));
    }

    #[test]
    fn a_credential_goes_to_its_own_registry_only() {
        let token = RegistryCredential::Token("t".into());
        let sources = ImageSources {
            mirror: None,
            registries: [(DOCKER_HUB.to_owned(), token)].into(),
        };
        assert_eq!(credential(&sources, "quay.io"), None);
        let hub = credential(&sources, DOCKER_HUB).unwrap();
        assert_eq!(hub.serveraddress.as_deref(), Some(HUB_SERVER));
        assert_eq!(hub.identitytoken.as_deref(), Some("t"));
    }
}
