//! One service, key by key.

use super::super::limits;
use super::super::problem::Findings;
use super::super::scalar;
use super::super::tree::{Entry, Fields, Node};
use super::{Declared, hint, mount, network, port, run};
use crate::blueprint::Service;
use crate::swarm;

/// Reads a service; None if what is missing would make no sense of it.
pub(super) fn read(
    entry: &Entry,
    key: &str,
    declared: &Declared,
    findings: &Findings,
) -> Option<Service> {
    let mut fields = entry.value.fields(key, findings);
    let mut service = Service {
        name: entry.key.clone(),
        image: fields.read("image", image).unwrap_or_default(),
        ..Service::default()
    };
    read_program(&mut service, &mut fields);
    if declared.needs.image && service.image.is_empty() && !findings.any_below(key) {
        findings.say(entry.at, key, "needs `image` for a driver with containers");
    }
    let no_program = service.process.is_none() && service.command.is_none();
    if declared.needs.process && no_program && !findings.any_below(key) {
        let message = "needs `x-caviada-process` or `command` for the process driver";
        findings.say(entry.at, key, message);
    }
    if declared.needs.process && !service.environment_files.is_empty() {
        let message = "is not for the process driver: there a service reads the file itself";
        findings.say(entry.at, &format!("{key}.x-caviada-environment"), message);
    }
    read_surroundings(&mut service, &mut fields, declared);
    read_bounds(&mut service, &mut fields, findings);
    if !declared.needs.swarm && !service.constraints.is_empty() {
        let message = "is for swarms, and `drivers` of template.toml names no `swarm`";
        findings.say(entry.at, &format!("{key}.deploy.placement"), message);
    }
    if declared.needs.swarm
        && let Err(message) = swarm::possible(&service)
    {
        findings.say(entry.at, key, message);
    }
    let in_root = |path: &str| path.rfind('/') == Some(0);
    for file in service
        .files
        .iter()
        .filter(|f| service.read_only && in_root(&f.path))
    {
        let message = format!(
            "read_only leaves no place for {}; put it in a folder",
            file.path
        );
        findings.say(entry.at, &format!("{key}.configs"), message);
    }
    fields.finish(hint::service);
    Some(service)
}

/// What runs, and when.
fn read_program(service: &mut Service, fields: &mut Fields<'_>) {
    service.entrypoint = fields.get("entrypoint", run::command);
    service.command = fields.get("command", run::command);
    service.process = fields.get("x-caviada-process", run::process);
    service.environment = fields.get("environment", run::pairs).unwrap_or_default();
    service.environment_files = fields
        .get("x-caviada-environment", run::job_files)
        .unwrap_or_default();
    service.working_dir = fields.read("working_dir", |path| {
        scalar::absolute_path(path).map(|()| path.to_owned())
    });
    service.user = fields.text("user");
    service.healthcheck = fields.get("healthcheck", run::healthcheck);
    service.depends_on = fields
        .get("depends_on", run::depends_on)
        .unwrap_or_default();
    service.job = fields.get("x-caviada-job", run::job);
    service.restart = fields.read("restart", run::restart).unwrap_or_default();
    service.init = fields.bool("init").unwrap_or_default();
    service.stop_signal = fields.read("stop_signal", signal);
    let grace_ms = fields.read("stop_grace_period", scalar::duration_ms);
    let grace_s = grace_ms
        .unwrap_or(limits::STOP_GRACE_MS_DEFAULT)
        .div_ceil(1_000);
    service.stop_grace_s = u32::try_from(grace_s).unwrap_or(u32::MAX);
}

/// Ports, files, networks.
fn read_surroundings(service: &mut Service, fields: &mut Fields<'_>, declared: &Declared) {
    service.ports = fields.get("ports", port::read).unwrap_or_default();
    let mut tmpfs = fields.get("tmpfs", mount::tmpfs).unwrap_or_default();
    let mounts = fields.get("volumes", |node, key, findings| {
        Some(mount::volumes(node, key, declared, &mut tmpfs, findings))
    });
    service.mounts = mounts.unwrap_or_default();
    service.tmpfs = tmpfs;
    let files = fields.get("configs", |node, key, findings| {
        mount::configs(node, key, declared, findings)
    });
    service.files = files.unwrap_or_default();
    let networks = fields.get("networks", |node, key, findings| {
        network::joined(node, key, declared, findings)
    });
    service.networks = networks.unwrap_or_default();
    service.extra_hosts = fields
        .get("extra_hosts", network::extra_hosts)
        .unwrap_or_default();
    service.hostname = fields.text("hostname");
    let labels = fields.get("labels", |node, key, findings| {
        let labels = run::pairs(node, key, findings)?;
        if labels.keys().any(|name| name.starts_with("caviada.")) {
            findings.say(node.at, key, "labels under `caviada.` are Caviada's own");
        }
        Some(labels)
    });
    service.labels = labels.unwrap_or_default();
}

/// What it may use and do.
fn read_bounds(service: &mut Service, fields: &mut Fields<'_>, findings: &Findings) {
    (service.limits, service.constraints) = run::deploy(fields, findings);
    service.log = fields.get("logging", run::logging);
    service.ulimits = fields.get("ulimits", run::ulimits).unwrap_or_default();
    service.cap_add = fields.get("cap_add", texts).unwrap_or_default();
    service.cap_drop = fields.get("cap_drop", texts).unwrap_or_default();
    service.security_opt = fields.get("security_opt", texts).unwrap_or_default();
    service.read_only = fields.bool("read_only").unwrap_or_default();
}

fn texts(node: &Node, key: &str, findings: &Findings) -> Option<Vec<String>> {
    Some(node.texts(key, limits::ENTRIES_MAX, findings))
}

fn image(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_graphic();
    match !text.is_empty() && text.len() <= 512 && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no image reference")),
    }
}

/// `SIGTERM`, `TERM` or a number.
fn signal(text: &str) -> Result<String, String> {
    let letters = text
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    match letters && (1..=12).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no signal: write SIGTERM or 15")),
    }
}
