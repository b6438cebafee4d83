//! Bring-up: the folder with its label, then each service after those it depends on, then
//! readiness. Every step looks first, so a bring-up that was cut off anywhere is finished by
//! running it again.

use std::collections::BTreeSet;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use caviada_core::id::ResourceId;

use super::folder::ResourceFolder;
use super::record::{Record, is_absent};
use super::site::Site;
use super::status::{self, Look};
use super::{Call, delete, files, inside, observe, power, shim};
use crate::blueprint::{Blueprint, Dependency, Port, Protocol, Service};
use crate::pause::Pause;
use crate::{
    Built, Condition, DriverError, Failure, Identity, OnProgress, Progress, output, probe,
};

/// Counts what is done, for those who watch.
pub(super) struct Steps<'a> {
    tell: OnProgress<'a>,
    done: AtomicU32,
    of: u32,
}

impl<'a> Steps<'a> {
    pub(super) fn new(tell: OnProgress<'a>, of: usize) -> Self {
        Self {
            tell,
            done: AtomicU32::new(0),
            of: u32::try_from(of).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn done(&self, step: &'static str, subject: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.tell)(Progress {
            step,
            subject: subject.to_owned(),
            done,
            of: self.of,
        });
    }
}

pub(super) async fn create(
    call: &Call<'_>,
    identity: &Identity,
    blueprint: &Blueprint,
    progress: OnProgress<'_>,
) -> Result<Built, DriverError> {
    if identity.installation != call.config.installation {
        let detail = "this host belongs to another installation";
        return Err(call.no(Failure::Refused, detail));
    }
    let record = Record {
        installation: identity.installation.clone(),
        resource: identity.resource,
        generation: identity.generation,
        revision: identity.revision,
        address: call.config.address.clone(),
        programs: call.config.programs.clone(),
        blueprint: blueprint.clone(),
    };
    coherent(&record).map_err(|why| call.no(Failure::Refused, why))?;
    make_way(call, identity).await?;
    let folder = ResourceFolder::of(&call.config.root_dir, identity);
    let record = claim(call, &folder, record).await?;
    let site = Site {
        call: *call,
        folder,
        record,
    };
    let services = &site.record.blueprint.services;
    let steps = Steps::new(
        progress,
        3 * services.len() + site.record.blueprint.readiness.len(),
    );
    free_ports(&site).await?;
    for service in services {
        prepare(&site, service).await?;
        steps.done("creating", &service.name);
    }
    for service in services {
        for (needed, dependency) in &service.depends_on {
            match dependency {
                Dependency::ServiceStarted => {}
                Dependency::ServiceHealthy => site.until_well(needed).await?,
                Dependency::ServiceCompletedSuccessfully => site.until_done(needed).await?,
            }
        }
        // Told before, so that whoever is cut off here was told what was under way.
        steps.done("starting", &service.name);
        start(&site, service).await?;
    }
    for service in services {
        settled(&site, service).await?;
        let step = match site.record.blueprint.is_job(&service.name) {
            true => "running job",
            false => "waiting",
        };
        steps.done(step, &service.name);
    }
    ready(&site, &site.record.blueprint, &steps).await
}

/// Waits until a service is as it shall be: a job done, anything else well.
pub(super) async fn settled(site: &Site<'_>, service: &Service) -> Result<(), DriverError> {
    match site.record.blueprint.is_job(&service.name) {
        true => site.until_done(&service.name).await,
        false => site.until_well(&service.name).await,
    }
}

/// The last part of a bring-up and of a reset: probes, outputs, a last look at all.
pub(super) async fn ready(
    site: &Site<'_>,
    blueprint: &Blueprint,
    steps: &Steps<'_>,
) -> Result<Built, DriverError> {
    let call = &site.call;
    let passed = |service: &str| steps.done("probing", service);
    probe::until_ready(call.op, blueprint, site, call.deadline, &passed).await?;
    let outputs = output::render(call.op, blueprint, site).await?;
    // One service may have died while another was waited for: what is reported ready must be what
    // the next list will call up.
    let seen = observe::list(call, Some(site.record.resource)).await?;
    let seen = seen
        .into_iter()
        .find(|s| s.identity.generation == site.record.generation);
    match seen {
        Some(seen) if seen.condition == Condition::Up => Ok(Built {
            outputs,
            notes: Vec::new(),
        }),
        seen => {
            let detail = seen.and_then(|s| s.detail);
            let detail = detail.unwrap_or_else(|| "it vanished while it came up".to_owned());
            Err(call.no(Failure::NotReady, detail))
        }
    }
}

/// What a blueprint must be for processes.
fn coherent(record: &Record) -> Result<(), String> {
    if record.blueprint.services.is_empty() {
        return Err("there is no service in it".to_owned());
    }
    let mut earlier = BTreeSet::new();
    for service in &record.blueprint.services {
        let name = service.name.as_str();
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 63 || !name.chars().all(label) {
            return Err(format!("'{name}' is no service name"));
        }
        if record.argv(service).is_empty() {
            return Err(format!(
                "{name} has no program: it needs x-caviada-process or a command"
            ));
        }
        if !service.environment_files.is_empty() {
            return Err(format!(
                "{name}: variables from files of jobs are not for processes"
            ));
        }
        for (needed, dependency) in &service.depends_on {
            if !earlier.contains(needed.as_str()) {
                return Err(format!("{name} comes before {needed}, which it needs"));
            }
            let checked = record
                .blueprint
                .service(needed)
                .is_some_and(|s| s.healthcheck.is_some());
            if *dependency == Dependency::ServiceHealthy && !checked {
                return Err(format!(
                    "{name} waits for the health of {needed}, which has no health check"
                ));
            }
        }
        for mount in &service.mounts {
            if !record.blueprint.volumes.contains(&mount.volume) {
                let volume = &mount.volume;
                return Err(format!("{name} mounts {volume}, which is no volume"));
            }
        }
        let mounted = service.mounts.iter().map(|m| &m.path);
        let files = service.files.iter().map(|f| &f.path);
        for path in mounted.chain(files).chain(&service.working_dir) {
            if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
                return Err(format!("{name}: {path} must be absolute, without `..`"));
            }
        }
        shim::check_limits(service)?;
        shim::signal(service)?;
        if !earlier.insert(name) {
            return Err(format!("two services are called {name}"));
        }
    }
    let plain = |volume: &&String| volume.contains('/') || volume.starts_with('.');
    match record.blueprint.volumes.iter().find(plain) {
        Some(volume) => Err(format!("'{volume}' is no volume name")),
        None => Ok(()),
    }
}

/// Removes older generations; refuses to stand beside a newer one.
async fn make_way(call: &Call<'_>, identity: &Identity) -> Result<(), DriverError> {
    let resource = identity.resource;
    let seen = observe::list(call, Some(resource)).await?;
    let generations = || seen.iter().map(|s| s.identity.generation);
    if let Some(newer) = generations().find(|g| *g > identity.generation) {
        let detail = format!("{resource} stands here in generation {newer}: this call is late");
        return Err(call.no(Failure::Refused, detail));
    }
    match identity.generation.checked_sub(1) {
        Some(older) if generations().any(|g| g <= older) => {
            delete::up_to(call, resource, older).await
        }
        _ => Ok(()),
    }
}

/// Puts the folder up, complete with its label, or finds the one that stands. The record that
/// counts is the one on the disk: shims read it.
async fn claim(
    call: &Call<'_>,
    folder: &ResourceFolder,
    record: Record,
) -> Result<Record, DriverError> {
    let place = folder.clone();
    let made = call.blocking(move || put_up(&place, record)).await?;
    match made.map_err(|e| call.io(folder.0.display().to_string(), e))? {
        Some(record) => Ok(record),
        None => {
            let place = folder.0.display();
            let detail = format!("{place} is there and not ours; remove or rename it");
            Err(call.no(Failure::NotOurs, detail))
        }
    }
}

/// How the name of a folder begins that has no label yet; then come the process that makes it, a
/// number of its own, and the name it is to have.
const HALF: &str = ".new-";

/// None if a folder of that name is not ours.
fn put_up(folder: &ResourceFolder, record: Record) -> io::Result<Option<Record>> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let ours = |found: Option<Record>| found.filter(|f| f.is_of(&record.identity()));
    if folder.0.exists() {
        return Ok(ours(Record::read(folder)?));
    }
    if let Some(root) = folder.0.parent() {
        clear_halves(root, record.resource)?;
    }
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut name = std::ffi::OsString::from(format!("{HALF}{}-{n}-", std::process::id()));
    name.push(folder.0.file_name().unwrap_or_default());
    let new = ResourceFolder(folder.0.with_file_name(name));
    match std::fs::remove_dir_all(&new.0) {
        Err(e) if !is_absent(&e) => return Err(e),
        _ => {}
    }
    // Environments hold secrets: nobody else on the machine may look.
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    private.create(new.services())?;
    for volume in &record.blueprint.volumes {
        private.create(new.volume(volume))?;
    }
    record.write(&new)?;
    match std::fs::rename(&new.0, &folder.0) {
        Ok(()) => Ok(Some(record)),
        Err(_) if folder.0.exists() => {
            std::fs::remove_dir_all(&new.0)?;
            Ok(ours(Record::read(folder)?))
        }
        Err(e) => Err(e),
    }
}

/// Removes what processes that are over left of a resource: halves they were putting up, and
/// folders they had emptied of everything, the label too. A process that is not over, after all,
/// finds its half gone and fails; its next try does not.
pub(super) fn clear_halves(root: &Path, resource: ResourceId) -> io::Result<()> {
    let entries = match std::fs::read_dir(root) {
        Err(e) if is_absent(&e) => return Ok(()),
        entries => entries?,
    };
    let own = std::process::id().to_string();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if ResourceFolder::parse_name(name).is_some_and(|(of, _)| of == resource) {
            // Takes only what is empty.
            let _ = std::fs::remove_dir(entry.path());
            continue;
        }
        let half = || {
            let (pid, rest) = name.strip_prefix(HALF)?.split_once('-')?;
            let (of, _) = ResourceFolder::parse_name(rest.split_once('-')?.1)?;
            Some((pid, of))
        };
        if half().is_some_and(|(pid, of)| of == resource && pid != own) {
            match std::fs::remove_dir_all(entry.path()) {
                Err(e) if !is_absent(&e) => return Err(e),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The ports of services that do not run must be free; taken ones would show much later, and as
/// something else.
async fn free_ports(site: &Site<'_>) -> Result<(), DriverError> {
    for service in &site.record.blueprint.services {
        if matches!(site.look(&service.name).await?, Look::Lives(_)) {
            continue;
        }
        for port in &service.ports {
            if let Err(e) = bind(port) {
                let (name, port) = (&service.name, port.host);
                return Err(match e.kind() {
                    io::ErrorKind::AddrInUse => site.call.no(
                        Failure::PortTaken(port),
                        format!("{name}: somebody else listens on host port {port}"),
                    ),
                    _ => site
                        .call
                        .no(Failure::Refused, format!("{name}: host port {port}: {e}")),
                });
            }
        }
    }
    Ok(())
}

fn bind(port: &Port) -> io::Result<()> {
    match port.protocol {
        Protocol::Tcp => TcpListener::bind(("0.0.0.0", port.host)).map(drop),
        Protocol::Udp => UdpSocket::bind(("0.0.0.0", port.host)).map(drop),
    }
}

/// A service's own folder with what must lie in it before it starts.
async fn prepare(site: &Site<'_>, service: &Service) -> Result<(), DriverError> {
    if site.look(&service.name).await? != Look::Never {
        return Ok(());
    }
    let (folder, service) = (site.folder.clone(), service.clone());
    let name = service.name.clone();
    let done = site
        .call
        .blocking(move || lay_out(&folder, &service))
        .await?;
    done.map_err(|(path, e)| site.call.io(format!("{name}: {path}"), e))
}

fn lay_out(folder: &ResourceFolder, service: &Service) -> Result<(), (String, io::Error)> {
    let home = folder.service(&service.name);
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |e| (path, e)
    };
    // Not with the folders above it: if the resource is being removed, this must fail.
    for path in [home.0.clone(), home.files(), home.files().join("tmp")] {
        match std::fs::create_dir(&path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(at(&path)(e)),
            _ => {}
        }
    }
    for mount in &service.mounts {
        let path = home.files().join(mount.path.trim_matches('/'));
        let parent = path.parent().map(PathBuf::from).unwrap_or_default();
        std::fs::create_dir_all(parent).map_err(at(&path))?;
        match std::os::unix::fs::symlink(folder.volume(&mount.volume), &path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(at(&path)(e)),
            _ => {}
        }
    }
    if let Some(path) = &service.working_dir {
        let (base, below) = folder.locate(service, path);
        let path = base.join(below);
        std::fs::create_dir_all(&path).map_err(at(&path))?;
    }
    for file in &service.files {
        let (base, below) = folder.locate(service, &file.path);
        files::write(&base, &below, file.content.as_bytes(), file.mode)
            .map_err(|e| (file.path.clone(), io::Error::other(e)))?;
    }
    Ok(())
}

/// Starts a service that neither runs nor, being a job, is done; one that is frozen is thawed.
pub(super) async fn start(site: &Site<'_>, service: &Service) -> Result<(), DriverError> {
    let job = site.record.blueprint.is_job(&service.name);
    match site.look(&service.name).await? {
        Look::Lives(status) if status.paused => power::thaw(site, service).await,
        Look::Lives(_) => Ok(()),
        Look::Ended(status) if job && status.code == Some(0) && status.output_found => Ok(()),
        _ => start_anew(site, service).await,
    }
}

/// Starts a shim for a service and waits until it has spoken.
pub(super) async fn start_anew(site: &Site<'_>, service: &Service) -> Result<(), DriverError> {
    let name = service.name.as_str();
    let home = site.folder.service(name);
    if let Look::Lost(_) = site.look(name).await? {
        delete::sweep(&site.call, &home).await?;
    }
    let io_error = |e| site.call.io(name, e);
    let shim_log = std::fs::File::create(home.shim_log()).map_err(io_error)?;
    let mut command = inside::shim(site, "serve", name)?;
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(shim_log);
    let mut child = command.spawn().map_err(|e| site.call.io("shim", e))?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    let mut pause = Pause::of_processes();
    loop {
        // Before the look: what ends quickly may speak and end between the two.
        let ended = child.try_wait().map_err(io_error)?;
        let place = home.clone();
        let look = site.call.blocking(move || status::look(&place)).await?;
        let spoke = match look.map_err(io_error)? {
            Look::Never => false,
            Look::Lives(status) if Some(status.shim.pid) != pid => {
                // Another bring-up was faster. Ours must not wait for its end to start again.
                if ended.is_none() {
                    child.kill().await.map_err(io_error)?;
                }
                return Ok(());
            }
            Look::Lives(s) | Look::Ended(s) | Look::Lost(s) => Some(s.shim.pid) == pid,
        };
        if spoke {
            // It lives on its own; somebody only has to bury it.
            tokio::spawn(async move { child.wait().await });
            return Ok(());
        }
        if let Some(status) = ended {
            let said = std::fs::read_to_string(home.shim_log()).unwrap_or_default();
            let detail = format!("{name}: the shim ended ({status}): {}", said.trim_end());
            return Err(site.call.no(Failure::NotReady, detail));
        }
        if site.call.is_over() {
            let detail = format!("{name}: the shim did not start in time");
            return Err(site.call.no(Failure::TimedOut, detail));
        }
        pause.wait().await;
    }
}
