//! Removing a resource: first everything that runs, then everything on the disk, its label last.

use std::io;
use std::time::Duration;

use caviada_core::id::ResourceId;
use caviada_core::limits;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::folder::{ResourceFolder, ServiceFolder};
use super::record::{Record, is_absent};
use super::status::{self, Look};
use super::{Call, create, observe, tree};
use crate::pause::Pause;
use crate::{DriverError, Failure, Identity};

const SHIM_WAIT: Duration = Duration::from_millis(limits::driver::SHIM_KILL_MS_MAX);

/// Removes all generations of `resource` up to and including `generation`.
pub(super) async fn up_to(
    call: &Call<'_>,
    resource: ResourceId,
    generation: u64,
) -> Result<(), DriverError> {
    let root = call.config.root_dir.clone();
    let cleared = call
        .blocking(move || create::clear_halves(&root, resource))
        .await?;
    cleared.map_err(|e| call.io(resource.to_string(), e))?;
    let seen = observe::list(call, Some(resource)).await?;
    let generations = seen.into_iter().map(|s| s.identity);
    for identity in generations.filter(|i| i.generation <= generation) {
        one(call, &identity).await?;
    }
    Ok(())
}

async fn one(call: &Call<'_>, identity: &Identity) -> Result<(), DriverError> {
    let folder = ResourceFolder::of(&call.config.root_dir, identity);
    let subject = folder.0.display().to_string();
    end_all(call, &folder).await?;
    let mut pause = Pause::of_processes();
    loop {
        let place = folder.clone();
        match call.blocking(move || remove(&place)).await? {
            Ok(()) => return Ok(()),
            // Another delete, or a last file of something that was just killed.
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty && !call.is_over() => {}
            Err(e) if is_absent(&e) && !call.is_over() => {}
            Err(e) => return Err(call.io(subject, e)),
        }
        pause.wait().await;
    }
}

/// Ends every process of a resource, whatever it tries.
async fn end_all(call: &Call<'_>, folder: &ResourceFolder) -> Result<(), DriverError> {
    let place = folder.clone();
    let shims = call.blocking(move || shims(&place)).await?;
    let shims = shims.map_err(|e| call.io(folder.0.display().to_string(), e))?;
    for shim in &shims {
        shim.signal(Signal::SIGQUIT);
    }
    let until = Instant::now() + SHIM_WAIT;
    let mut pause = Pause::of_processes();
    while shims.iter().any(|shim| shim.is_alive()) && Instant::now() < until {
        pause.wait().await;
    }
    // Shims that do not answer, that have not even said that they live, and what was left behind
    // by one that was killed.
    kill_tagged(call, folder.services().to_string_lossy().into_owned()).await
}

/// Ends what a service left behind whose shim was killed.
pub(super) async fn sweep(call: &Call<'_>, home: &ServiceFolder) -> Result<(), DriverError> {
    kill_tagged(call, home.0.to_string_lossy().into_owned()).await
}

/// Kills everything that bears the folder or one below it in its environment, and its children.
async fn kill_tagged(call: &Call<'_>, folder: String) -> Result<(), DriverError> {
    let mut pause = Pause::of_processes();
    loop {
        let of = folder.clone();
        let kill = move || {
            tree::kill_all(|| {
                let tagged = tree::tagged(&of);
                let below = tagged.iter().flat_map(|pid| tree::descendants(*pid));
                below.chain(tagged.iter().copied()).collect()
            });
            tree::tagged(&of).len()
        };
        let left = call.blocking(kill).await?;
        if left == 0 {
            return Ok(());
        }
        if call.is_over() {
            let detail = format!("{left} processes of {folder} cannot be killed");
            return Err(call.no(Failure::TimedOut, detail));
        }
        pause.wait().await;
    }
}

fn shims(folder: &ResourceFolder) -> io::Result<Vec<tree::Stamp>> {
    let Some(record) = Record::read(folder)? else {
        return Ok(Vec::new());
    };
    let mut shims = Vec::new();
    for service in &record.blueprint.services {
        if let Look::Lives(status) = status::look(&folder.service(&service.name))? {
            shims.push(status.shim);
        }
    }
    Ok(shims)
}

/// Everything but the label, then the label: a removal that was cut off is seen and gone on with.
fn remove(folder: &ResourceFolder) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(e) if is_absent(&e) => Ok(()),
        result => result,
    };
    let entries = match std::fs::read_dir(&folder.0) {
        Ok(entries) => entries,
        Err(e) if is_absent(&e) => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if path == folder.record() {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => gone(std::fs::remove_dir_all(path))?,
            Ok(_) => gone(std::fs::remove_file(path))?,
            Err(e) => gone(Err(e))?,
        }
    }
    gone(std::fs::remove_file(folder.record()))?;
    gone(std::fs::remove_dir(&folder.0))
}
