//! The blueprint of one resource, from a template's files, its parameters and what was reserved.

use std::cell::Cell;

use super::compose::{self, Needs, Project};
use super::limits;
use super::manifest::{FILE, Manifest, Placed, Refused};
use super::parameter::Parameters;
use super::problem::{Findings, Problem, plain};
use super::source::Source;
use super::text::{Escape, HostPorts, Renderer, Wrong};
use super::{Reserved, file, output, readiness};
use crate::blueprint::Blueprint;
use caviada_core::limits::template::COUNT_MAX;

/// Renders everything. `parameters` are complete.
pub(super) fn blueprint(
    source: &Source,
    manifest: &Manifest,
    parameters: &Parameters,
    reserved: &Reserved,
) -> Result<Blueprint, Vec<Problem>> {
    let first = Renderer::new(parameters, reserved, None);
    refused(manifest, &first)?;
    let mut project = project(source, manifest, &first)?;
    let ports = assign_ports(&mut project, reserved)?;
    let renderer = Renderer::new(parameters, reserved, Some(ports.clone()));
    if first.asked_for_ports() {
        // Ports are known only after the file was read once, and the file wants to know them.
        project = self::project(source, manifest, &renderer)?;
        if assign_ports(&mut project, reserved)? != ports {
            let message = "which ports there are must not depend on `host_port`";
            return Err(vec![problem(compose::FILE, message)]);
        }
    }
    let scene = Scene {
        source,
        renderer: &renderer,
        project: &project,
        bytes: Cell::new(0),
        findings: Findings::new(FILE),
    };
    let outputs = output::all(&scene, &manifest.outputs);
    let files = file::all(&scene, &manifest.files, &outputs);
    let readiness = readiness::all(&scene, &manifest.readiness);
    let reset = readiness::reset(&scene, &manifest.reset);
    scene.findings.into_result(Some(()))?;
    Ok(Blueprint {
        services: project.services,
        volumes: project.volumes,
        networks: project.networks,
        subnet: reserved.subnet,
        outputs,
        files,
        readiness,
        reset,
        create_ms_max: manifest.create_ms_max,
    })
}

/// Does the template refuse these parameters?
pub(super) fn refused(manifest: &Manifest, renderer: &Renderer) -> Result<(), Vec<Problem>> {
    let findings = Findings::new(FILE);
    for Refused {
        each,
        when,
        message,
    } in &manifest.refused
    {
        let mut asked = format!("{{% if {} %}}{}\n{{% endif %}}", when.text, message.text);
        if let Some(each) = each {
            asked = format!("{{% for {} %}}{asked}{{% endfor %}}", each.text);
        }
        match renderer.render(&asked, Escape::Nothing) {
            Ok(said) => {
                for line in said.lines() {
                    findings.say(message.at, &message.key, line);
                }
            }
            Err(wrong) => {
                for (_, what) in wrong {
                    findings.say(when.at, &when.key, what);
                }
            }
        }
    }
    findings.into_result(Some(()))
}

fn problem(file: &str, message: impl Into<String>) -> Problem {
    Problem {
        file: file.to_owned(),
        line: 0,
        column: 0,
        key: String::new(),
        message: plain(&message.into()),
    }
}

fn placed(file: &str, wrong: Vec<Wrong>) -> Vec<Problem> {
    let wrong = wrong.into_iter();
    wrong
        .map(|(at, message)| Problem {
            line: at.line,
            column: at.column,
            ..problem(file, message)
        })
        .collect()
}

/// The compose file rendered and read.
fn project(
    source: &Source,
    manifest: &Manifest,
    renderer: &Renderer,
) -> Result<Project, Vec<Problem>> {
    let template = source.files.get(compose::FILE).map_or("", String::as_str);
    let text = renderer
        .render(template, Escape::Dollars)
        .map_err(|wrong| placed(compose::FILE, wrong))?;
    let bytes = Cell::new(text.len());
    let take = |path: &str| {
        let text = read_file(source, renderer, path)?;
        bytes.set(bytes.get() + text.len());
        match bytes.get() <= limits::BLUEPRINT_BYTES_MAX {
            true => Ok(text),
            false => Err(vec![problem(
                path,
                format!(
                    "all files together render to more than {} bytes",
                    limits::BLUEPRINT_BYTES_MAX
                ),
            )]),
        }
    };
    let findings = Findings::new(compose::FILE);
    let named = |driver: &str| manifest.drivers.iter().any(|d| d == driver);
    let process = named("process");
    let needs = Needs {
        image: manifest.drivers.iter().any(|d| d != "process"),
        process,
        swarm: named("swarm"),
    };
    let project = compose::read(&text, needs, &take, &findings);
    findings.into_result(project).map_err(|problems| {
        let origin = renderer.origin(template, &text);
        let back = |problem: Problem| match &origin {
            Some(origin) => origin.back(problem, compose::FILE),
            None => Problem {
                message: format!("{} (line of the rendered file)", problem.message),
                ..problem
            },
        };
        problems.into_iter().map(back).collect()
    })
}

/// Another file of the template; one that ends in `.j2` is rendered. No file, no problems.
pub(super) fn read_file(
    source: &Source,
    renderer: &Renderer,
    path: &str,
) -> Result<String, Vec<Problem>> {
    let text = source.files.get(path).ok_or_else(Vec::new)?;
    if path.ends_with(".j2") {
        let rendered = renderer.render(text, Escape::Nothing);
        rendered.map_err(|wrong| placed(path, wrong))
    } else {
        Ok(text.clone())
    }
}

/// Gives out the block in the order of services and ports.
fn assign_ports(project: &mut Project, reserved: &Reserved) -> Result<HostPorts, Vec<Problem>> {
    let block = reserved.ports;
    let needed: usize = project.services.iter().map(|s| s.ports.len()).sum();
    if needed > limits::PORTS_MAX {
        let most = limits::PORTS_MAX;
        let message = format!("publishes {needed} ports; at most {most} are allowed");
        return Err(vec![problem(compose::FILE, message)]);
    }
    let last = usize::from(block.first) + needed;
    if needed > usize::from(block.count) || last > usize::from(u16::MAX) + 1 {
        let message = format!(
            "publishes {needed} ports, and the block of {} from {} is too small",
            block.count, block.first
        );
        return Err(vec![problem(compose::FILE, message)]);
    }
    let mut ports = HostPorts::new();
    let mut next = block.first;
    for service in &mut project.services {
        for port in &mut service.ports {
            port.host = next;
            next = next.saturating_add(1);
            // With TCP and UDP under one number, the first in the file is the one meant.
            let key = (service.name.clone(), port.container);
            ports.entry(key).or_insert(port.host);
        }
    }
    Ok(ports)
}

/// What outputs, readiness and reset are rendered against.
pub(super) struct Scene<'a> {
    pub source: &'a Source,
    pub renderer: &'a Renderer,
    pub project: &'a Project,
    bytes: Cell<usize>,
    pub findings: Findings,
}

impl Scene<'_> {
    pub(super) fn say(&self, placed: &Placed, message: impl Into<String>) {
        self.findings.say(placed.at, &placed.key, message);
    }

    /// A text with parameters.
    pub(super) fn text(&self, placed: &Placed) -> Option<String> {
        match self.renderer.render(&placed.text, Escape::Nothing) {
            Ok(text) => self.within(placed, text),
            Err(wrong) => {
                for (_, message) in wrong {
                    self.say(placed, message);
                }
                None
            }
        }
    }

    /// A text, if there is room for it.
    pub(super) fn within(&self, placed: &Placed, text: String) -> Option<String> {
        self.bytes.set(self.bytes.get() + text.len());
        if self.bytes.get() <= limits::BLUEPRINT_BYTES_MAX {
            return Some(text);
        }
        let most = limits::BLUEPRINT_BYTES_MAX;
        self.say(
            placed,
            format!("all texts together are more than {most} bytes"),
        );
        None
    }

    /// A number of entries.
    pub(super) fn count(&self, placed: &Placed) -> i64 {
        let text = match self
            .renderer
            .render(&format!("{{{{ {} }}}}", placed.text), Escape::Nothing)
        {
            Ok(text) => text,
            Err(wrong) => {
                for (_, message) in wrong {
                    self.say(placed, message);
                }
                return 0;
            }
        };
        match text.parse() {
            Ok(count) if (0..=COUNT_MAX).contains(&count) => count,
            _ => {
                self.say(placed, format!("`{text}` is no number up to {COUNT_MAX}"));
                0
            }
        }
    }

    /// Is this entry wanted with these parameters?
    pub(super) fn holds(&self, when: Option<&Placed>) -> bool {
        let Some(when) = when else {
            return true;
        };
        self.renderer.holds(&when.text).unwrap_or_else(|wrong| {
            for (_, message) in wrong {
                self.say(when, message);
            }
            false
        })
    }

    /// The services a name or pattern stands for, in order.
    pub(super) fn services(&self, placed: &Placed) -> Vec<&str> {
        let Some(pattern) = self.text(placed) else {
            return Vec::new();
        };
        let names = self.project.services.iter().map(|s| s.name.as_str());
        let found: Vec<_> = match pattern.split_once('*') {
            Some((before, after)) => names
                .filter(|name| {
                    let rest = name.strip_prefix(before);
                    rest.is_some_and(|rest| rest.ends_with(after))
                })
                .collect(),
            None => names.filter(|name| *name == pattern).collect(),
        };
        if found.is_empty() {
            self.say(placed, format!("there is no service `{pattern}`"));
        }
        found
    }
}
