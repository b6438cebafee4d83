//! What a holder takes along and what his resource wrote, read from the host while he waits.
//!
//! It does not pass the ledger: the entrance has looked at rights and lease, this module speaks with
//! the driver, and nothing is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use caviada_core::id::ResourceId;
use caviada_core::limits;
use caviada_core::state::State;
use caviada_driver::{Driver, DriverError, Failure, Identity, holder};
use tokio::sync::Semaphore;

use crate::host::{Drivers, Templates, Unfit};
use crate::reconciler;

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
pub enum NoFiles {
    /// Too many ask already.
    #[error("too many holders take files along")]
    Busy,
    /// The resource, its host or its template cannot be had.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The host does not answer.
    #[error("{0}")]
    Unavailable(DriverError),
    /// The host said no.
    #[error("{0}")]
    Refused(DriverError),
}

impl From<DriverError> for NoFiles {
    fn from(error: DriverError) -> Self {
        match error.kind {
            Failure::Unreachable | Failure::TimedOut => Self::Unavailable(error),
            _ => Self::Refused(error),
        }
    }
}

/// The archive of what has no files.
pub use caviada_driver::holder::none;

/// Who speaks with the host of a resource, and how it is known there.
type Standing = (Arc<dyn Driver>, Identity);

/// Reads what stands of resources.
#[derive(Debug)]
pub struct HolderFiles {
    drivers: Drivers,
    templates: Arc<Templates>,
    room: Semaphore,
}

impl HolderFiles {
    /// Reads through drivers of its own, made of what the reconciler's are.
    pub fn new(options: &reconciler::Options) -> Self {
        Self {
            drivers: options.drivers.clone(),
            templates: options.templates.clone(),
            room: Semaphore::new(limits::FILES_TAKEN_AT_ONCE_MAX),
        }
    }

    /// The last lines of a service of a resource as it stands. A declared one writes none.
    ///
    /// # Errors
    /// See [`NoFiles`].
    pub async fn logs(
        &self,
        state: &State,
        id: ResourceId,
        service: &str,
        lines: usize,
    ) -> Result<Vec<u8>, NoFiles> {
        let Some((driver, identity)) = self.standing(state, id)? else {
            return Ok(vec![]);
        };
        let _room = self.room.try_acquire().map_err(|_| NoFiles::Busy)?;
        Ok(driver.logs(&identity, service, lines).await?)
    }

    /// What stands for a built resource, and who speaks with its host.
    fn standing(&self, state: &State, id: ResourceId) -> Result<Option<Standing>, Unfit> {
        let gone = || Unfit::Gone(id);
        let resource = state.resources.get(&id).ok_or_else(gone)?;
        let Some(site) = resource.site() else {
            return Ok(None);
        };
        let host = state.hosts.get(&site.host).ok_or_else(gone)?;
        let identity = Identity {
            installation: self.drivers.installation.clone(),
            resource: id,
            generation: resource.generation,
            revision: state.revision(),
        };
        Ok(Some((self.drivers.of(host)?, identity)))
    }

    /// The files of a resource as it stands, as a tar archive. A declared one has none.
    ///
    /// # Errors
    /// See [`NoFiles`].
    pub async fn archive(&self, state: &State, id: ResourceId) -> Result<Vec<u8>, NoFiles> {
        let Some((driver, identity)) = self.standing(state, id)? else {
            return Ok(none());
        };
        let blueprint = self.templates.blueprint(state, id)?;
        let resource = state.resources.get(&id);
        let Some(resource) = resource.filter(|_| !blueprint.files.is_empty()) else {
            return Ok(none());
        };
        let outputs = resource.endpoints().iter();
        let outputs: BTreeMap<_, _> = outputs
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let _room = self.room.try_acquire().map_err(|_| NoFiles::Busy)?;
        Ok(holder::archive(&*driver, &identity, &blueprint, &outputs).await?)
    }
}
