//! Where the images of a host come from.

use std::path::PathBuf;

use caviada_api::host::{HostImages, RegistryCredential};
use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::file::read_secret;

/// Flags of `caviada host set`.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// Registry that stands in for Docker Hub, like mirror.example:5000; "" for none
    #[arg(long, value_name = "REGISTRY[/PATH]")]
    mirror: Option<String>,
    /// Pull nothing there before something is built of it
    #[arg(long)]
    pull_late: Option<bool>,
    /// Who we are for a registry; docker.io is Docker Hub. With a password or a token file
    #[arg(long, value_name = "REGISTRY[=USER]", requires = "secret")]
    registry: Option<String>,
    /// File with the password of that user
    #[arg(long, value_name = "FILE", group = "secret", requires = "registry")]
    registry_password: Option<PathBuf>,
    /// File with an identity token for that registry, without a user
    #[arg(long, value_name = "FILE", group = "secret", requires = "registry")]
    registry_token: Option<PathBuf>,
    /// Forget what is stored for a registry; may be repeated
    #[arg(long, value_name = "REGISTRY")]
    no_registry: Vec<String>,
}

impl SourceArgs {
    pub fn change(&self, images: &mut HostImages) -> Result<(), Failure> {
        if let Some(mirror) = &self.mirror {
            images.mirror = Some(mirror.clone()).filter(|text| !text.is_empty());
        }
        images.late = self.pull_late.unwrap_or(images.late);
        for registry in &self.no_registry {
            let nothing = RegistryCredential::default();
            images.registries.insert(registry.clone(), nothing);
        }
        let Some(who) = &self.registry else {
            return Ok(());
        };
        let (registry, user) = match who.split_once('=') {
            Some((registry, user)) => (registry, Some(user.to_owned())),
            None => (who.as_str(), None),
        };
        if user.is_some() != self.registry_password.is_some() {
            let why = "--registry REGISTRY=USER goes with --registry-password FILE, --registry \
                       REGISTRY with --registry-token FILE";
            return Err(Failure::usage(why));
        }
        let read = |path: &Option<PathBuf>| path.as_deref().map(read_secret).transpose();
        let credential = RegistryCredential {
            username: user,
            password: read(&self.registry_password)?,
            identity_token: read(&self.registry_token)?,
        };
        images.registries.insert(registry.to_owned(), credential);
        Ok(())
    }
}
