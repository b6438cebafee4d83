//! Images: what is here is used as it is, what is absent is pulled once.
//!
//! What comes through a mirror is known by its own name afterwards, so that nobody has to know of the
//! mirror. A digest is no name that an engine gives: what is pinned by one and came through a mirror
//! or an archive bears the tag `sha256-…` of its own repository.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ImportImageOptionsBuilder, TagImageOptionsBuilder,
};
use caviada_core::image::{DOCKER_HUB, Reference};
use futures_util::{StreamExt, TryStreamExt};
use tokio::time::timeout;

use super::call::Call;
use super::fault::Fault;
use crate::image::bundle::Bundled;
use crate::image::{Archive, ImageSources, OnBytes, RegistryCredential};
use crate::{DriverError, Failure};

/// Layers of one image whose bytes are counted; engines take no more.
const LAYERS_MAX: usize = 1_024;
/// An engine that says nothing of a pull for so long has forgotten it.
const SILENCE_MAX: Duration = Duration::from_secs(15 * 60);
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
    if let Some(name) = there(call, &wanted, image).await? {
        return Ok(name);
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
        None => Ok(image.to_owned()),
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
    let kept = match wanted.digest {
        // Else the nodes would look for a digest that an archive has lost.
        Some(_) => there(call, &wanted, image).await?,
        None => None,
    };
    let credential = credential(sources, &wanted.registry);
    Ok((kept.unwrap_or_else(|| image.to_owned()), credential))
}

fn read(call: &Call<'_>, image: &str) -> Result<Reference, DriverError> {
    Reference::read(image).map_err(|e| call.no(Failure::Refused, e.to_string()))
}

fn mirrored(sources: &ImageSources, wanted: &Reference) -> Option<Reference> {
    wanted.through(sources.mirror.as_deref()?)
}

/// The name by which the engine knows it, if it has it.
async fn there(
    call: &Call<'_>,
    wanted: &Reference,
    image: &str,
) -> Result<Option<String>, DriverError> {
    let kept = wanted.kept_tag();
    let kept = kept.map(|tag| format!("{}:{tag}", wanted.repository()));
    for name in [Some(image.to_owned()), kept].into_iter().flatten() {
        match call.quick(call.engine.inspect_image(&name)).await {
            Ok(_) => return Ok(Some(name)),
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
    let mut layers = Layers::default();
    let mut told = call.engine.create_image(Some(options), None, credential);
    let pull = async {
        let silent = |_| Error::RequestTimeoutError;
        while let Some(told) = timeout(SILENCE_MAX, told.try_next())
            .await
            .map_err(silent)??
        {
            if let (Some(layer), Some(detail)) = (told.id, told.progress_detail) {
                let status = told.status.unwrap_or_default();
                layers.tell(layer, &status, detail.current, detail.total);
                let (done, of) = layers.sum();
                bytes(done, of);
            }
        }
        Ok(())
    };
    let fault = match call.long(pull).await {
        Ok(()) => return Ok(()),
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

/// Takes in an archive as it comes. An engine brings nothing of one that breaks off.
pub(crate) async fn load(call: &Call<'_>, archive: Archive) -> Result<(), DriverError> {
    let options = ImportImageOptionsBuilder::new().quiet(true).build();
    let told = call.engine.import_image_stream(options, archive, None);
    let told = told.try_for_each(|_| std::future::ready(Ok(())));
    let loaded = call.long(told).await;
    loaded.map_err(|f| call.failed(f, "the archive"))
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
    if name == image && wanted.digest.is_some() {
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
    fault.kind = Failure::NoImage;
    fault.message = format!(
        "the image is not on the host and cannot be pulled{asked} ({}); {next}",
        fault.message
    );
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

/// How far the layers of an image are: bytes that came, and bytes in all.
#[derive(Default)]
struct Layers(BTreeMap<String, (u64, u64)>);

impl Layers {
    fn tell(&mut self, layer: String, status: &str, current: Option<i64>, total: Option<i64>) {
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
        let Some(total) = count(total) else { return };
        // What is being unpacked has come.
        let done = match status.starts_with("Downloading") {
            true => count(current).unwrap_or(0),
            false => total,
        };
        if self.0.len() < LAYERS_MAX || self.0.contains_key(&layer) {
            self.0.insert(layer, (done, total));
        }
    }

    fn sum(&self) -> (u64, u64) {
        let all = self.0.values();
        all.fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1))
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
