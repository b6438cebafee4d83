//! Readiness tests and reset steps of a blueprint, patterns spelled out.

use super::assemble::Scene;
use super::limits;
use super::manifest::{CheckKind, ExpectKind, Placed, Readiness, ResetEntry, ResetKind, RpcEntry};
use crate::blueprint::{Check, Expect, JsonRpc, Probe, Protocol, ResetStep};

/// All readiness tests, in the order of the file.
pub(super) fn all(scene: &Scene<'_>, entries: &[Readiness]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for entry in entries {
        if !scene.holds(entry.when.as_ref()) {
            continue;
        }
        let service = match &entry.kind {
            CheckKind::Http { service, .. }
            | CheckKind::Tcp { service, .. }
            | CheckKind::Exec { service, .. }
            | CheckKind::JsonRpc {
                call: RpcEntry { service, .. },
                ..
            } => service,
        };
        for name in scene.services(service) {
            let found = scene.project.services.iter().find(|s| s.name == name);
            if found.is_some_and(|s| s.job.is_some()) {
                let message = format!("`{name}` is a job: its success is awaited anyway");
                scene.say(service, message);
            }
            if let Some(check) = check(scene, &entry.kind, service, name) {
                probes.push(Probe {
                    check,
                    interval_ms: entry.interval_ms,
                    timeout_ms: entry.timeout_ms,
                    within_ms: entry.within_ms,
                });
            }
        }
        if probes.len() > limits::OUTPUTS_MAX {
            let most = limits::OUTPUTS_MAX;
            scene.say(service, format!("more than {most} readiness tests"));
            break;
        }
    }
    probes
}

fn check(scene: &Scene<'_>, kind: &CheckKind, placed: &Placed, name: &str) -> Option<Check> {
    let service = name.to_owned();
    Some(match kind {
        CheckKind::Http {
            port,
            path,
            status,
            contains,
            ..
        } => {
            published(scene, placed, name, *port);
            Check::Http {
                service,
                port: *port,
                path: http_path(scene, path)?,
                status: *status,
                contains: optional(scene, contains.as_ref())?,
            }
        }
        CheckKind::Tcp { port, .. } => {
            published(scene, placed, name, *port);
            Check::Tcp {
                service,
                port: *port,
            }
        }
        CheckKind::Exec {
            command, contains, ..
        } => Check::Exec {
            service,
            command: texts(scene, placed, command)?,
            contains: optional(scene, contains.as_ref())?,
        },
        CheckKind::JsonRpc { call, expect } => Check::JsonRpc {
            call: rpc(scene, call, name)?,
            expect: match expect {
                ExpectKind::Any => Expect::Any,
                ExpectKind::Equals(text) => Expect::Equals(json(scene, text, |_| true)?),
                ExpectKind::AtLeast(n) => Expect::AtLeast(*n),
                ExpectKind::Grows => Expect::Grows,
            },
        },
    })
}

/// A call to the service of that name.
fn rpc(scene: &Scene<'_>, call: &RpcEntry, name: &str) -> Option<JsonRpc> {
    published(scene, &call.service, name, call.port);
    Some(JsonRpc {
        service: name.to_owned(),
        port: call.port,
        path: http_path(scene, &call.path)?,
        method: scene.text(&call.method)?,
        params: match &call.params {
            Some(params) => json(scene, params, serde_json::Value::is_array)?,
            None => "[]".to_owned(),
        },
    })
}

fn http_path(scene: &Scene<'_>, placed: &Placed) -> Option<String> {
    let text = scene.text(placed)?;
    let plain = |c: char| c.is_ascii_graphic();
    if !text.starts_with('/') || !text.chars().all(plain) {
        scene.say(placed, format!("`{text}` must be a path such as /healthz"));
    }
    Some(text)
}

/// What is asked over TCP is asked through a host port, so there must be one.
fn published(scene: &Scene<'_>, placed: &Placed, name: &str, port: u16) {
    let mut services = scene.project.services.iter();
    let has = services.any(|s| {
        let mut ports = s.ports.iter();
        s.name == name && ports.any(|p| p.container == port && p.protocol == Protocol::Tcp)
    });
    if !has {
        let message = format!("service `{name}` publishes no TCP port {port}");
        scene.say(placed, message);
    }
}

fn optional(scene: &Scene<'_>, placed: Option<&Placed>) -> Option<Option<String>> {
    match placed {
        Some(placed) => scene.text(placed).map(Some),
        None => Some(None),
    }
}

fn texts(scene: &Scene<'_>, placed: &Placed, command: &[Placed]) -> Option<Vec<String>> {
    if command.is_empty() {
        scene.say(placed, "`command` must not be empty");
    }
    command.iter().map(|word| scene.text(word)).collect()
}

fn json(
    scene: &Scene<'_>,
    placed: &Placed,
    fits: impl Fn(&serde_json::Value) -> bool,
) -> Option<String> {
    let text = scene.text(placed)?;
    match serde_json::from_str(&text) {
        Ok(value) if fits(&value) => Some(text),
        Ok(_) => {
            scene.say(placed, "must be a JSON array");
            None
        }
        Err(error) => {
            scene.say(placed, format!("is not JSON: {error}"));
            None
        }
    }
}

/// All reset steps, in the order of the file.
pub(super) fn reset(scene: &Scene<'_>, entries: &[ResetEntry]) -> Vec<ResetStep> {
    let mut steps = Vec::new();
    for entry in entries {
        if !scene.holds(entry.when.as_ref()) {
            continue;
        }
        match &entry.kind {
            ResetKind::Restart { service } => {
                let names = scene.services(service).into_iter();
                steps.extend(names.map(|name| ResetStep::Restart {
                    service: name.to_owned(),
                }));
            }
            ResetKind::Exec { service, command } => {
                let Some(command) = texts(scene, service, command) else {
                    continue;
                };
                let names = scene.services(service).into_iter();
                steps.extend(names.map(|name| ResetStep::Exec {
                    service: name.to_owned(),
                    command: command.clone(),
                }));
            }
            ResetKind::JsonRpc(call) => {
                let names = scene.services(&call.service).into_iter();
                let calls = names.filter_map(|name| rpc(scene, call, name));
                steps.extend(calls.map(ResetStep::JsonRpc));
            }
        }
    }
    if steps.len() > limits::OUTPUTS_MAX {
        let at = super::problem::Place::default();
        let most = limits::OUTPUTS_MAX;
        scene
            .findings
            .say(at, "reset", format!("more than {most} steps"));
    }
    steps
}
