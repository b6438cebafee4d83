//! Where the images of a host come from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::image;
use crate::limits;
use crate::name::Name;
use crate::refusal::Refusal;

/// Whom an engine asks for images, and how it proves who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Stands in for Docker Hub: `mirror.example:5000`, with a path if its images lie below one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Box<str>>,
    /// Nothing is pulled before something is built of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Registry → what proves there who we are, sealed for the place [`registry_place`] names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub registries: BTreeMap<Box<str>, Box<str>>,
}

/// What a host's credential for a registry is sealed for.
pub fn registry_place(host: &Name, registry: &str) -> String {
    format!("host/{host}/registry/{registry}")
}

impl Sources {
    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What no engine could pull from is refused by field.
    pub(crate) fn check(&self, driver: &str) -> Result<(), Refusal> {
        let no = |field: &'static str, reason: String| Err(Refusal::invalid(field, reason));
        if !self.is_empty() && driver == "process" {
            return no("images", "only container engines have images".to_owned());
        }
        if let Some(mirror) = &self.mirror
            && !image::is_mirror(mirror)
        {
            let reason = "write registry.example:5000 or registry.example/path, without http://";
            return no("images.mirror", reason.to_owned());
        }
        let max = limits::REGISTRIES_PER_HOST_MAX;
        if self.registries.len() > max {
            return no("images.registries", format!("at most {max}"));
        }
        for (registry, sealed) in &self.registries {
            if let Err(why) = image::registry(registry) {
                return no("images.registries", why.to_owned());
            }
            if sealed.len() > limits::REGISTRY_SEALED_BYTES_MAX {
                return no("images.registries", "a credential is too long".to_owned());
            }
        }
        Ok(())
    }
}
