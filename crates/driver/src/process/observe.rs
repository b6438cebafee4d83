//! What stands on this host: every folder that bears our label, and how its services are.

use std::io;
use std::path::Path;

use caviada_core::id::ResourceId;

use super::Call;
use super::folder::{ResourceFolder, Sync, write_atomically};
use super::record::{Record, is_absent};
use super::status::{self, Health, Look, State};
use crate::machine::Memory;
use crate::{Condition, DriverError, HostFacts, Seen};

/// Everything of this installation, of one resource if asked, by resource and generation.
pub(super) async fn list(
    call: &Call<'_>,
    resource: Option<ResourceId>,
) -> Result<Vec<Seen>, DriverError> {
    let root = call.config.root_dir.clone();
    let installation = call.config.installation.clone();
    let seen = call
        .blocking(move || seen(&root, &installation, resource))
        .await?;
    seen.map_err(|(subject, e)| call.io(subject, e))
}

fn seen(
    root: &Path,
    installation: &str,
    resource: Option<ResourceId>,
) -> Result<Vec<Seen>, (String, io::Error)> {
    let at = |path: &Path| path.display().to_string();
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        // Nothing was ever made here.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err((at(root), e)),
    };
    let mut seen = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| (at(root), e))?;
        let name = entry.file_name();
        let Some((of, generation)) = name.to_str().and_then(ResourceFolder::parse_name) else {
            continue;
        };
        if resource.is_some_and(|resource| resource != of) {
            continue;
        }
        let folder = ResourceFolder(entry.path());
        let record = Record::read(&folder).map_err(|e| (at(&folder.0), e))?;
        let Some(record) = record else {
            continue;
        };
        let ours = record.installation == installation
            && (record.resource, record.generation) == (of, generation);
        if ours {
            let (condition, detail) = judge(&folder, &record).map_err(|e| (at(&folder.0), e))?;
            seen.push(Seen {
                identity: record.identity(),
                condition,
                detail,
            });
        }
    }
    seen.sort_by_key(|s| (s.identity.resource, s.identity.generation));
    Ok(seen)
}

/// What the services of one resource amount to, and why if not `Up`.
fn judge(folder: &ResourceFolder, record: &Record) -> io::Result<(Condition, Option<String>)> {
    let mut worst = (Condition::Up, None);
    let (mut lasting, mut paused) = (0, 0);
    for service in &record.blueprint.services {
        let look = status::look(&folder.service(&service.name))?;
        let job = record.blueprint.is_job(&service.name);
        if !job {
            lasting += 1;
            paused += usize::from(matches!(&look, Look::Lives(s) if s.paused));
        }
        let (condition, why) = condition(&look, job);
        if rank(condition) > rank(worst.0) {
            worst = (condition, Some(format!("{}: {why}", service.name)));
        }
    }
    let all_paused = lasting > 0 && paused == lasting;
    Ok(match all_paused && worst.0 != Condition::Partial {
        true => (
            Condition::Paused,
            Some("all services are paused".to_owned()),
        ),
        false => worst,
    })
}

/// Half-made outweighs broken: it is to be finished or removed, whatever else is wrong.
fn rank(condition: Condition) -> u8 {
    match condition {
        Condition::Up => 0,
        Condition::Paused | Condition::Down => 1,
        Condition::Partial => 2,
    }
}

fn condition(look: &Look, job: bool) -> (Condition, String) {
    let code = |code: Option<i64>| code.map_or("?".to_owned(), |code| code.to_string());
    match look {
        Look::Never => (Condition::Partial, "was not started yet".to_owned()),
        Look::Lives(_) if job => (Condition::Partial, "still runs".to_owned()),
        Look::Lives(status) if status.state == State::Restarting => {
            let code = code(status.code);
            (Condition::Down, format!("restarts after exit code {code}"))
        }
        Look::Lives(status) if status.paused => (Condition::Down, "is paused".to_owned()),
        Look::Lives(status) if status.health == Health::Unhealthy => {
            (Condition::Down, "is unhealthy".to_owned())
        }
        Look::Lives(_) => (Condition::Up, "runs".to_owned()),
        Look::Ended(status) if job && status.code == Some(0) && status.output_found => {
            (Condition::Up, "is done".to_owned())
        }
        Look::Ended(status) if status.state == State::Stopped => {
            (Condition::Down, "was stopped".to_owned())
        }
        Look::Ended(status) => {
            let code = code(status.code);
            (Condition::Down, format!("ended with exit code {code}"))
        }
        Look::Lost(_) => (Condition::Down, "lost its shim".to_owned()),
    }
}

/// What this host is.
pub(super) fn facts(root: &Path) -> io::Result<HostFacts> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let memory = Memory::read(&read("/proc/meminfo"));
    Ok(HostFacts {
        engine: engine(root)?,
        version: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        cpus: std::thread::available_parallelism()?.get() as u64,
        memory_bytes: memory.map_or(0, |memory| memory.total),
    })
}

/// The root's own id, made at the first look.
fn engine(root: &Path) -> io::Result<String> {
    let path = root.join("engine");
    match std::fs::read_to_string(&path) {
        Ok(id) => Ok(id),
        Err(e) if is_absent(&e) => {
            std::fs::create_dir_all(root)?;
            let id = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
            write_atomically(&path, id.trim().as_bytes(), Sync::Now)?;
            std::fs::read_to_string(&path)
        }
        Err(e) => Err(e),
    }
}
