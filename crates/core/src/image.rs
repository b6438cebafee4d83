//! Images: what one is called, where it comes from, and which ones a host is to have.

pub mod pull;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::host::Host;
use crate::limits;
use crate::pool::Pool;
use crate::state::State;
use crate::template::Template;

/// The registry of images that name none.
pub const DOCKER_HUB: &str = "docker.io";
/// Below which Docker Hub keeps images of one word.
const LIBRARY: &str = "library/";

/// The name of an image, read as engines read it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `registry.example:5000`; [`DOCKER_HUB`] where none is named.
    pub registry: Box<str>,
    /// The repository's path there; on Docker Hub with `library/`.
    pub path: Box<str>,
    /// `2.5`.
    pub tag: Option<Box<str>>,
    /// `sha256:…`: this content and no other, whatever the tag says.
    pub digest: Option<Box<str>>,
}

/// A text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no image reference: write [REGISTRY/]NAME[:TAG][@sha256:DIGEST]")]
pub struct NoReference(String);

impl Reference {
    /// Reads `redis`, `hyperledger/fabric-peer:2.5`, `registry.example:5000/a/b@sha256:…`.
    ///
    /// # Errors
    /// The text names no image, or could lead a request elsewhere.
    pub fn read(text: &str) -> Result<Self, NoReference> {
        let odd = || NoReference(text.chars().take(128).collect());
        if text.len() > limits::IMAGE_BYTES_MAX {
            return Err(odd());
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest)),
            Some(_) => return Err(odd()),
            None => (text, None),
        };
        let (rest, tag) = match rest.rsplit_once(':') {
            // Else it is a port.
            Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
            _ => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(odd());
        }
        let (registry, path) = match rest.split_once('/') {
            Some((first, path)) if names_registry(first) => (hub_or(first), path),
            _ => (DOCKER_HUB, rest),
        };
        let long = rest.len() > limits::IMAGE_NAME_BYTES_MAX - LIBRARY.len();
        if long || !is_registry(registry) || !path.split('/').all(is_part) {
            return Err(odd());
        }
        let short = registry == DOCKER_HUB && !path.contains('/');
        Ok(Self {
            registry: registry.into(),
            path: match short {
                true => format!("{LIBRARY}{path}").into(),
                false => path.into(),
            },
            tag: tag.map(Into::into),
            digest: digest.map(Into::into),
        })
    }

    /// The repository as people write it, without what goes without saying.
    #[must_use]
    pub fn repository(&self) -> String {
        if &*self.registry != DOCKER_HUB {
            return format!("{}/{}", self.registry, self.path);
        }
        let path = &*self.path;
        let word = path.strip_prefix(LIBRARY).filter(|p| !p.contains('/'));
        let short = word.unwrap_or(path);
        match short.split_once('/') {
            // By itself its first word would be taken for a registry.
            Some((first, _)) if names_registry(first) => format!("{DOCKER_HUB}/{path}"),
            _ => short.to_owned(),
        }
    }

    /// The name under which it is known where its digest was lost, as in an archive.
    #[must_use]
    pub fn kept_tag(&self) -> Option<String> {
        Some(self.digest.as_deref()?.replace(':', "-"))
    }

    /// The same in a mirror of Docker Hub; an image of another registry comes from nowhere else.
    #[must_use]
    pub fn through(&self, mirror: &str) -> Option<Self> {
        if &*self.registry != DOCKER_HUB {
            return None;
        }
        let (registry, below) = mirror.split_once('/').unwrap_or((mirror, ""));
        let path = match below {
            "" => self.path.clone(),
            below => format!("{below}/{}", self.path).into(),
        };
        Some(Self {
            registry: registry.into(),
            path,
            ..self.clone()
        })
    }
}

/// What engines understand, and take for the same image as the text it was read from.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository())?;
        match (&self.tag, &self.digest) {
            (_, Some(digest)) => write!(f, "@{digest}"),
            (Some(tag), None) => write!(f, ":{tag}"),
            (None, None) => f.write_str(":latest"),
        }
    }
}

/// `registry.example[:5000]`, as images name it; the names of Docker Hub are one.
///
/// # Errors
/// What is wrong with it.
pub fn registry(text: &str) -> Result<Box<str>, &'static str> {
    let registry = hub_or(text);
    match is_registry(registry) && names_registry(registry) {
        true => Ok(registry.into()),
        false => Err("write it as images do: registry.example or registry.example:5000"),
    }
}

/// Is this a place in a registry that may stand in for Docker Hub?
pub(crate) fn is_mirror(text: &str) -> bool {
    let (registry, below) = text.split_once('/').unwrap_or((text, "mirror"));
    text.len() <= limits::IMAGE_BYTES_MAX / 2
        && names_registry(registry)
        && is_registry(registry)
        && below.split('/').all(is_part)
}

/// One name for the several of Docker Hub.
fn hub_or(registry: &str) -> &str {
    match registry {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        other => other,
    }
}

/// Told from the first word of a path as engines do.
fn names_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|n| n > 0));
    let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|part| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-')
        }),
    };
    port && host
}

/// One part of a path.
fn is_part(part: &str) -> bool {
    let outer = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    let mut bytes = part.bytes();
    !part.contains("..")
        && outer(part.bytes().next())
        && outer(part.bytes().next_back())
        && bytes.all(inner)
}

fn is_tag(tag: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let begins = !tag.is_empty() && !tag.starts_with(['.', '-']);
    begins && tag.len() <= limits::IMAGE_TAG_BYTES_MAX && tag.bytes().all(inner)
}

fn is_digest(digest: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    digest
        .strip_prefix("sha256:")
        .is_some_and(|rest| rest.len() == 64 && rest.bytes().all(hex))
}

/// A pool that may build on a host, and what its members are made of.
pub type Recipe<'a> = (&'a Arc<Pool>, &'a Arc<Template>);

/// What may be built on a host: the images of these it is to have beforehand, unless its operator
/// wants none before they are needed. One that is cordoned is prepared, one that is emptied is not.
pub fn recipes<'a>(state: &'a State, host: &'a Host) -> impl Iterator<Item = Recipe<'a>> + 'a {
    let given_up = host.lost || host.retiring || host.spec.drain;
    let prepared = host.seen && !given_up && !host.spec.images.late;
    let pools = state.pools.values().filter(move |_| prepared);
    pools.filter_map(|pool| {
        let template = state.template_named(pool.spec.template()?)?;
        let builds = pool.spec.max > 0 && !pool.retiring;
        let named = pool.spec.hosts.as_ref();
        let here = named.is_none_or(|names| names.contains(&host.name))
            && template.drivers.contains(&host.spec.driver);
        (builds && here).then_some((pool, template))
    })
}

/// Does it name no image that is already among these, however it is written?
pub fn add(images: &mut BTreeSet<String>, text: &str) -> Result<(), NoReference> {
    images.insert(Reference::read(text)?.to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn an_image_has_one_name_however_it_is_written() {
        for (written, plain) in [
            ("redis", "redis:latest"),
            ("docker.io/library/redis", "redis:latest"),
            ("index.docker.io/redis:7", "redis:7"),
            ("library/redis:7", "redis:7"),
            ("hyperledger/fabric-peer:2.5", "hyperledger/fabric-peer:2.5"),
            ("localhost/a", "localhost/a:latest"),
            ("docker.io/a.b/c", "docker.io/a.b/c:latest"),
            ("docker.io/library/a.b/c", "library/a.b/c:latest"),
            ("r:5000/a", "r:5000/a:latest"),
            ("r.example:5000/a/b/c-d__e:1", "r.example:5000/a/b/c-d__e:1"),
        ] {
            let read = Reference::read(written).unwrap();
            assert_eq!(read.to_string(), plain, "{written}");
            assert_eq!(Reference::read(plain).unwrap().to_string(), plain);
        }
        let pinned = format!("r:5000/a:1@{DIGEST}");
        let read = Reference::read(&pinned).unwrap();
        assert_eq!(read.to_string(), format!("r:5000/a@{DIGEST}"));
        assert!(read.kept_tag().unwrap().starts_with("sha256-0123"));
    }

    #[test]
    fn a_reference_cannot_leave_its_place_in_a_request() {
        for bad in [
            "",
            "../x",
            "a/../b",
            "a//b",
            "/a",
            "a/",
            "a b",
            "a?x=1",
            "a%2f",
            "a#b",
            "a:",
            "a:-b",
            "A/b",
            "a@sha256:ab",
            "a@",
            "r:0/a",
            "r:99999/a",
            "-r.x/a",
            "a:b:c",
            "user:pw@r.x/a",
        ] {
            assert!(Reference::read(bad).is_err(), "{bad}");
        }
        assert!(Reference::read(&"a".repeat(600)).is_err());
    }

    #[test]
    fn only_what_docker_hub_has_comes_through_a_mirror() {
        let through = |image: &str, mirror: &str| {
            let read = Reference::read(image).unwrap();
            read.through(mirror).map(|r| r.to_string())
        };
        let fabric = "hyperledger/fabric-peer:2.5";
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            through(fabric, "m:5000"),
            some("m:5000/hyperledger/fabric-peer:2.5")
        );
        assert_eq!(
            through("redis", "m.x/hub"),
            some("m.x/hub/library/redis:latest")
        );
        let pinned = format!("redis:7@{DIGEST}");
        let expected = format!("m.x/library/redis@{DIGEST}");
        assert_eq!(through(&pinned, "m.x"), Some(expected));
        assert_eq!(through("quay.io/a/b:1", "m:5000"), None);
        assert_eq!(through("localhost:5000/a", "m:5000"), None);
    }

    #[test]
    fn a_mirror_is_a_place_in_a_registry() {
        for good in [
            "m:5000",
            "m.example",
            "localhost",
            "10.0.0.9:80/a/b",
            "[::1]:5000",
        ] {
            assert!(is_mirror(good), "{good}");
        }
        for bad in [
            "",
            "m",
            "http://m:5000",
            "m:5000/",
            "m:5000/A",
            "u:p@m:5000",
            "m:x",
        ] {
            assert!(!is_mirror(bad), "{bad}");
        }
        assert_eq!(
            registry("registry-1.docker.io").unwrap(),
            "docker.io".into()
        );
        assert!(registry("https://index.docker.io/v1/").is_err());
        assert!(registry("registry").is_err());
    }
}
