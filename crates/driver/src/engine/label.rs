//! How Caviada's things are named and marked on an engine.
//!
//! The names are deterministic, so that making a thing a second time collides with the first; the
//! labels say whose it is. Only labels decide what is ours: names are guessable.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::Identity;
use crate::blueprint::Service;

/// The installation; every list and every removal filters by it.
pub const INSTALLATION: &str = "caviada.installation";
/// The resource's id.
pub const RESOURCE: &str = "caviada.resource";
/// The resource's generation.
pub const GENERATION: &str = "caviada.generation";
/// The ledger's revision when the thing was made.
pub const REVISION: &str = "caviada.revision";
/// The service a container runs.
pub const SERVICE: &str = "caviada.service";
/// `service` or `job`.
pub const ROLE: &str = "caviada.role";
/// How many services the resource has, so that a list alone shows whether one is missing.
pub const SERVICES: &str = "caviada.services";
/// How many starts must precede this service's, so that power needs no blueprint.
pub const DEPTH: &str = "caviada.depth";
/// A hash of all that a service is told, so that one that is to be another is told from it.
pub const DEFINITION: &str = "caviada.definition";

/// On what a swarm was asked for. Its containers and volumes stand on engines that may be hosts of
/// their own, and must not be taken for theirs.
pub const SWARM: &str = "caviada.swarm";
/// What it says of what a docker host made.
const NO_SWARM: &str = "no";

/// What the labels of one thing say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub identity: Identity,
    pub service: Option<String>,
    pub role: Role,
    pub services: usize,
    pub depth: usize,
    /// It belongs to a swarm, not to the engine it stands on.
    pub swarm: bool,
}

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Service,
    Job,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Job => "job",
        }
    }
}

impl Mark {
    /// None if the labels are not wholly ours.
    pub fn read(labels: &HashMap<String, String>) -> Option<Self> {
        let number = |key: &str| labels.get(key).and_then(|v| v.parse::<usize>().ok());
        Some(Self {
            identity: Identity {
                installation: labels.get(INSTALLATION)?.clone(),
                resource: labels.get(RESOURCE)?.parse().ok()?,
                generation: labels.get(GENERATION)?.parse().ok()?,
                revision: labels.get(REVISION)?.parse().ok()?,
            },
            service: labels.get(SERVICE).cloned(),
            role: match labels.get(ROLE).map(String::as_str) {
                Some("job") => Role::Job,
                _ => Role::Service,
            },
            services: number(SERVICES).unwrap_or(0),
            depth: number(DEPTH).unwrap_or(0),
            swarm: labels.get(SWARM).is_some_and(|v| v != NO_SWARM),
        })
    }

    /// The labels of what runs a service; its author's are among them.
    pub fn labels(&self, service: &Service) -> HashMap<String, String> {
        let mut all: HashMap<_, _> = service.labels.clone().into_iter().collect();
        // Ours last: no template can claim another's identity.
        all.extend(labels(&self.identity));
        all.insert(SERVICE.to_owned(), service.name.clone());
        all.insert(ROLE.to_owned(), self.role.as_str().to_owned());
        all.insert(SERVICES.to_owned(), self.services.to_string());
        all.insert(DEPTH.to_owned(), self.depth.to_string());
        // Said in either case: an image may bear the label, too.
        let swarm = if self.swarm { "" } else { NO_SWARM };
        all.insert(SWARM.to_owned(), swarm.to_owned());
        all
    }

    /// Same resource, same generation; the revision may be of an earlier try.
    pub fn is_of(&self, identity: &Identity) -> bool {
        self.identity.installation == identity.installation
            && self.identity.resource == identity.resource
            && self.identity.generation == identity.generation
    }
}

/// The labels every thing of a resource bears.
pub(crate) fn labels(identity: &Identity) -> HashMap<String, String> {
    HashMap::from([
        (INSTALLATION.to_owned(), identity.installation.clone()),
        (RESOURCE.to_owned(), identity.resource.to_string()),
        (GENERATION.to_owned(), identity.generation.to_string()),
        (REVISION.to_owned(), identity.revision.to_string()),
    ])
}

/// The labels every thing of a resource in a swarm bears.
pub(crate) fn labels_in_swarm(identity: &Identity) -> HashMap<String, String> {
    let mut all = labels(identity);
    all.insert(SWARM.to_owned(), String::new());
    all
}

/// What the label says of a service. What it waits for is none of it.
pub(crate) fn definition(service: &Service) -> String {
    let alone = Service {
        depends_on: Default::default(),
        ..service.clone()
    };
    short_hash(&serde_json::to_string(&alone).unwrap_or_default())
}

/// Twelve letters that stand for a text.
fn short_hash(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash[..6].iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The name on the engine of one part (a service, a network, a volume) of a resource.
pub(crate) fn name(identity: &Identity, part: &str) -> String {
    let short: String = identity
        .installation
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    format!(
        "caviada-{}-{}-g{}-{part}",
        short.to_ascii_lowercase(),
        identity.resource,
        identity.generation
    )
}

/// The same where names have a bound: one that is too long ends with a hash of itself instead.
pub(crate) fn short_name(identity: &Identity, part: &str, length_max: usize) -> String {
    let name = name(identity, part);
    if name.len() <= length_max {
        return name;
    }
    let hash = short_hash(&name);
    let kept: String = name.chars().take(length_max - hash.len() - 1).collect();
    format!("{}-{hash}", kept.trim_end_matches(['-', '_']))
}

/// Service names come from outside and go into the path of a request.
pub(crate) fn plain(service: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    match !service.is_empty() && service.len() <= 128 && service.chars().all(plain) {
        true => Ok(()),
        false => Err(format!("'{service}' is no service name")),
    }
}

/// That a generation has no such service, in words.
pub(crate) fn no_service(identity: &Identity, service: &str) -> String {
    let generation = identity.generation;
    format!(
        "{}, generation {generation}, has no service {service} here",
        identity.resource
    )
}

/// The filter of every list: this installation's things, of one resource if asked.
pub(crate) fn filter(
    installation: &str,
    resource: Option<caviada_core::id::ResourceId>,
) -> HashMap<String, Vec<String>> {
    let mut labels = vec![format!("{INSTALLATION}={installation}")];
    labels.extend(resource.map(|id| format!("{RESOURCE}={id}")));
    HashMap::from([("label".to_owned(), labels)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use caviada_core::id::ResourceId;

    fn identity() -> Identity {
        Identity {
            installation: "in5talla-tion".into(),
            resource: ResourceId(7),
            generation: 2,
            revision: 9,
        }
    }

    #[test]
    fn a_mark_is_read_back_from_the_labels_it_wrote() {
        let mark = Mark::read(&labels(&identity())).unwrap();
        assert_eq!(mark.identity, identity());
        assert!(mark.is_of(&identity()));
    }

    #[test]
    fn a_label_of_an_image_hides_no_container() {
        let read = Mark::read(&labels(&identity())).unwrap();
        let mark = Mark {
            swarm: false,
            ..read
        };
        // Engines give a container its image's labels, where it has none of that name.
        let mut seen = HashMap::from([(SWARM.to_owned(), "x".to_owned())]);
        seen.extend(mark.labels(&Service::default()));
        assert!(!Mark::read(&seen).unwrap().swarm);
    }

    #[test]
    fn labels_that_are_not_wholly_ours_are_nobodys() {
        for missing in [INSTALLATION, RESOURCE, GENERATION, REVISION] {
            let mut labels = labels(&identity());
            labels.remove(missing);
            assert_eq!(Mark::read(&labels), None, "{missing}");
            labels.insert(missing.to_owned(), String::new());
            assert!(missing == INSTALLATION || Mark::read(&labels).is_none());
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_still_its_own() {
        let long = |end: &str| short_name(&identity(), &format!("{}-{end}", "x".repeat(40)), 63);
        assert_eq!(long("a").len(), 63);
        assert_ne!(long("a"), long("b"));
        assert!(long("a").starts_with("caviada-in5talla-res_0000000000007-g2-x"));
        assert_eq!(short_name(&identity(), "web", 63), name(&identity(), "web"));
    }

    #[test]
    fn a_name_says_resource_generation_and_part() {
        assert_eq!(
            name(&identity(), "web"),
            "caviada-in5talla-res_0000000000007-g2-web"
        );
    }
}
