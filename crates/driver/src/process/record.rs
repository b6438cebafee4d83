//! `resource.json`: whose a folder is, and what runs in it.

use std::collections::BTreeMap;
use std::io;

use caviada_core::id::ResourceId;
use serde::{Deserialize, Serialize};

use super::folder::{ResourceFolder, Sync, write_atomically};
use crate::Identity;
use crate::blueprint::{Blueprint, Service};

/// All a shim needs to know, so that it needs nobody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub installation: String,
    pub resource: ResourceId,
    pub generation: u64,
    pub revision: u64,
    /// How others reach this host.
    pub address: String,
    /// Program name → the words it stands for.
    pub programs: BTreeMap<String, Vec<String>>,
    pub blueprint: Blueprint,
}

impl Record {
    pub(super) fn write(&self, folder: &ResourceFolder) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        write_atomically(&folder.record(), &text, Sync::Now)
    }

    /// The record of a folder; none if there is none.
    pub(super) fn read(folder: &ResourceFolder) -> io::Result<Option<Self>> {
        match std::fs::read(folder.record()) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            installation: self.installation.clone(),
            resource: self.resource,
            generation: self.generation,
            revision: self.revision,
        }
    }

    /// Whether it is this generation of this resource, whichever revision made it.
    pub(super) fn is_of(&self, identity: &Identity) -> bool {
        self.installation == identity.installation
            && self.resource == identity.resource
            && self.generation == identity.generation
    }

    /// The program of a service and its arguments, placeholders still in them.
    pub(super) fn argv(&self, service: &Service) -> Vec<String> {
        let argv = match &service.process {
            Some(argv) => argv.clone(),
            None => {
                let entrypoint = service.entrypoint.iter().flatten();
                let command = service.command.iter().flatten();
                entrypoint.chain(command).cloned().collect()
            }
        };
        self.resolved(&argv)
    }

    /// A command with its program's name replaced by what it stands for.
    pub(super) fn resolved(&self, argv: &[String]) -> Vec<String> {
        match argv.split_first() {
            Some((program, args)) if self.programs.contains_key(program) => {
                let stands_for = self.programs[program].iter();
                stands_for.chain(args).cloned().collect()
            }
            _ => argv.to_vec(),
        }
    }
}

/// Not there, or gone meanwhile.
pub(super) fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
