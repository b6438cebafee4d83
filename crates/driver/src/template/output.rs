//! Outputs of a blueprint, patterns spelled out.

use std::collections::BTreeSet;

use super::assemble::{self, Scene};
use super::limits;
use super::manifest::{OutputEntry, OutputKind, Placed};
use super::scalar;
use crate::blueprint::{Output, OutputValue, Service};

/// All outputs, in the order of the file.
pub(super) fn all(scene: &Scene<'_>, entries: &[OutputEntry]) -> Vec<Output> {
    let mut outputs = Vec::new();
    let mut names = BTreeSet::new();
    for entry in entries {
        if !scene.holds(entry.when.as_ref()) {
            continue;
        }
        for (name, value) in values(scene, entry, &names) {
            if !is_name(&name) {
                let message =
                    format!("`{name}` is no name: lower case letters, digits, - and _, at most 63");
                scene.say(&entry.name, message);
            }
            if !names.insert(name.clone()) {
                scene.say(&entry.name, format!("`{name}` stands here twice"));
            }
            outputs.push(Output { name, value });
        }
        if outputs.len() > limits::OUTPUTS_MAX {
            let most = limits::OUTPUTS_MAX;
            scene.say(&entry.name, format!("more than {most} outputs"));
            break;
        }
    }
    outputs
}

fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// One entry's outputs: one for each service it is about.
fn values(
    scene: &Scene<'_>,
    entry: &OutputEntry,
    earlier: &BTreeSet<String>,
) -> Vec<(String, OutputValue)> {
    let Some(name) = scene.text(&entry.name) else {
        return Vec::new();
    };
    let named = |service: &str| name.replace("{service}", service);
    match &entry.kind {
        OutputKind::Port {
            service,
            port,
            protocol,
            format,
        } => {
            let format = match format {
                Some(format) => scene.text(format),
                None => Some("{address}:{port}".to_owned()),
            };
            let Some(format) = format else {
                return Vec::new();
            };
            let value = |found: &str| {
                let of = find(scene, found);
                let has = |s: &Service| {
                    let mut ports = s.ports.iter();
                    ports.any(|p| p.container == *port && p.protocol == *protocol)
                };
                if !of.is_some_and(has) {
                    let message = format!("service `{found}` publishes no such port {port}");
                    scene.say(service, message);
                }
                let value = OutputValue::Port {
                    service: found.to_owned(),
                    port: *port,
                    protocol: *protocol,
                    format: format.replace("{service}", found),
                };
                (named(found), value)
            };
            scene.services(service).into_iter().map(value).collect()
        }
        OutputKind::ServiceFile { service, path } => {
            let Some(path) = absolute(scene, path) else {
                return Vec::new();
            };
            let value = |found: &str| (named(found), file(found, &path));
            scene.services(service).into_iter().map(value).collect()
        }
        OutputKind::VolumeFile { volume, path } => {
            let value = volume_file(scene, volume, path);
            value.map(|value| (name, value)).into_iter().collect()
        }
        OutputKind::Literal(text) => {
            let text = scene.text(text);
            text.map(|text| (name, OutputValue::Literal(text)))
                .into_iter()
                .collect()
        }
        OutputKind::Document(text) => {
            let rendered = scene.text(text);
            document(scene, text, rendered, earlier)
                .map(|value| (name, value))
                .into_iter()
                .collect()
        }
        OutputKind::DocumentFile(path) => {
            let rendered = document_file(scene, path);
            document(scene, path, rendered, earlier)
                .map(|value| (name, value))
                .into_iter()
                .collect()
        }
    }
}

fn find<'a>(scene: &'a Scene<'_>, name: &str) -> Option<&'a Service> {
    scene.project.services.iter().find(|s| s.name == name)
}

fn file(service: &str, path: &str) -> OutputValue {
    OutputValue::File {
        service: service.to_owned(),
        path: path.to_owned(),
    }
}

fn absolute(scene: &Scene<'_>, path: &Placed) -> Option<String> {
    let text = scene.text(path)?;
    match scalar::absolute_path(&text) {
        Ok(()) => Some(text),
        Err(message) => {
            scene.say(path, message);
            None
        }
    }
}

/// A file of a volume is a file of a service that mounts it: one that keeps running, if any does.
pub(super) fn volume_file(
    scene: &Scene<'_>,
    volume: &Placed,
    path: &Placed,
) -> Option<OutputValue> {
    let name = scene.text(volume)?;
    let path = {
        let text = scene.text(path)?;
        let rooted = format!("/{}", text.trim_start_matches('/'));
        match scalar::absolute_path(&rooted) {
            Ok(()) => rooted,
            Err(message) => {
                scene.say(path, message);
                return None;
            }
        }
    };
    let mounted = |service: &'_ Service| {
        let mount = service.mounts.iter().find(|m| m.volume == name)?;
        let folder = mount.path.trim_end_matches('/');
        // The volume itself is a folder as any other.
        let below = path.trim_end_matches('/');
        Some(file(&service.name, &format!("{folder}{below}")))
    };
    let services = &scene.project.services;
    let (lasting, jobs): (Vec<_>, Vec<_>) = services.iter().partition(|s| s.job.is_none());
    let found = lasting.into_iter().chain(jobs).find_map(mounted);
    if found.is_none() {
        scene.say(volume, format!("no service mounts a volume `{name}`"));
    }
    found
}

pub(super) fn document_file(scene: &Scene<'_>, path: &Placed) -> Option<String> {
    let name = scene.text(path)?;
    match assemble::read_file(scene.source, scene.renderer, name.trim_start_matches("./")) {
        Ok(text) => scene.within(path, text),
        Err(problems) => {
            if problems.is_empty() {
                scene.say(path, format!("the template has no file `{name}`"));
            }
            scene.findings.adopt(problems);
            None
        }
    }
}

/// A document, if every `{name}` and `{name:json}` in it is an output before it.
fn document(
    scene: &Scene<'_>,
    placed: &Placed,
    text: Option<String>,
    earlier: &BTreeSet<String>,
) -> Option<OutputValue> {
    let text = text?;
    for part in text.split('{').skip(1) {
        if let Some((name, _)) = part.split_once('}')
            && let name = name.strip_suffix(":json").unwrap_or(name)
            && is_name(name)
            && !earlier.contains(name)
        {
            scene.say(placed, format!("there is no earlier output `{name}`"));
        }
    }
    Some(OutputValue::Document(text))
}
