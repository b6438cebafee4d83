//! How Caviada's things are named and marked on an engine.
//!
//! The names are deterministic, so that making a thing a second time collides with the first; the
//! labels say whose it is. Only labels decide what is ours: names are guessable.

use std::collections::HashMap;

use crate::Identity;

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

/// What the labels of one thing say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub identity: Identity,
    pub service: Option<String>,
    pub role: Role,
    pub services: usize,
    pub depth: usize,
}

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
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
        })
    }

    /// Same resource, same generation; the revision may be of an earlier try.
    pub fn is_of(&self, identity: &Identity) -> bool {
        self.identity.installation == identity.installation
            && self.identity.resource == identity.resource
            && self.identity.generation == identity.generation
    }
}

/// The labels every thing of a resource bears.
pub(super) fn labels(identity: &Identity) -> HashMap<String, String> {
    HashMap::from([
        (INSTALLATION.to_owned(), identity.installation.clone()),
        (RESOURCE.to_owned(), identity.resource.to_string()),
        (GENERATION.to_owned(), identity.generation.to_string()),
        (REVISION.to_owned(), identity.revision.to_string()),
    ])
}

/// The name on the engine of one part (a service, a network, a volume) of a resource.
pub(super) fn name(identity: &Identity, part: &str) -> String {
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

/// The filter of every list: this installation's things, of one resource if asked.
pub(super) fn filter(
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
    fn a_name_says_resource_generation_and_part() {
        assert_eq!(
            name(&identity(), "web"),
            "caviada-in5talla-res_0000000000007-g2-web"
        );
    }
}
