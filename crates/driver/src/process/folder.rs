//! Where a resource's things are on the disk.
//!
//! ```text
//! <root>/engine                                  this host's own id
//! <root>/<resource>-g<generation>/resource.json  labels and blueprint: whose it is
//!     volumes/<volume>/
//!     services/<service>/status.json             written by its shim alone
//!                       /lock                    held by its shim while it lives
//!                       /log, log.1 …
//!                       /files/                  what the service sees as its own directory
//! ```
//!
//! A folder appears under its name complete with `resource.json` (it is renamed into place), and
//! `resource.json` is removed last: whatever bears no readable label of ours was never ours.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use caviada_core::id::ResourceId;

use crate::Identity;
use crate::blueprint::Service;

/// Written to a file beside it first, so that a reader sees the old or the new and no half.
pub(super) fn write_atomically(path: &Path, content: &[u8], sync: Sync) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut file = fs::File::create(&beside)?;
    file.write_all(content)?;
    if sync == Sync::Now {
        file.sync_all()?;
    }
    fs::rename(&beside, path)
}

/// Must a file outlive a power cut? Processes do not, so their status need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    Now,
    Later,
}

/// One generation of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourceFolder(pub PathBuf);

/// One of its services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceFolder(pub PathBuf);

impl ResourceFolder {
    pub(super) fn of(root: &Path, identity: &Identity) -> Self {
        Self(root.join(format!("{}-g{}", identity.resource, identity.generation)))
    }

    /// Resource and generation, if the folder's name is one of ours.
    pub(super) fn parse_name(name: &str) -> Option<(ResourceId, u64)> {
        let (resource, generation) = name.rsplit_once("-g")?;
        Some((resource.parse().ok()?, generation.parse().ok()?))
    }

    pub(super) fn record(&self) -> PathBuf {
        self.0.join("resource.json")
    }

    pub(super) fn services(&self) -> PathBuf {
        self.0.join("services")
    }

    pub(super) fn service(&self, name: &str) -> ServiceFolder {
        ServiceFolder(self.services().join(name))
    }

    pub(super) fn volume(&self, name: &str) -> PathBuf {
        self.0.join("volumes").join(name)
    }

    /// The folder that holds a path of a service, and the path below it: a volume if one is
    /// mounted there, else the service's own files.
    pub(super) fn locate(&self, service: &Service, path: &str) -> (PathBuf, PathBuf) {
        let path = Path::new(path);
        let mounted = service
            .mounts
            .iter()
            .filter(|mount| path.starts_with(&mount.path))
            .max_by_key(|mount| Path::new(&mount.path).components().count());
        let (folder, below) = match mounted {
            Some(mount) => (self.volume(&mount.volume), path.strip_prefix(&mount.path)),
            None => (self.service(&service.name).files(), path.strip_prefix("/")),
        };
        (folder, below.unwrap_or(path).to_owned())
    }
}

impl ServiceFolder {
    pub(super) fn status(&self) -> PathBuf {
        self.0.join("status.json")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// What a shim says that cannot do its work.
    pub(super) fn shim_log(&self) -> PathBuf {
        self.0.join("shim.log")
    }

    pub(super) fn files(&self) -> PathBuf {
        self.0.join("files")
    }
}
