//! Templates: from a folder to a blueprint.
//!
//! A template is `template.toml` (parameters, outputs, readiness, reset) and `compose.yaml`, a
//! normal Compose file rendered with the parameters. Rendering is pure: the same source, parameters
//! and reservation give the same blueprint, byte for byte, on any machine; nothing is read but the
//! [`Source`]. A template is also somebody else's text, so everything about it is bounded
//! ([`limits`]) and everything wrong is told with file, line and key.
//!
//! `docs/reference/template.md` describes the format.

mod assemble;
pub mod builtin;
mod compose;
mod file;
mod manifest;
mod output;
mod parameter;
mod problem;
mod readiness;
mod scalar;
mod source;
mod text;
mod tree;

use std::collections::BTreeSet;

use caviada_core::host::LogLevel;
use caviada_core::image;
pub use caviada_core::limits::template as limits;

use crate::blueprint::{Blueprint, Subnet};
use manifest::Manifest;

pub use parameter::{Field, Parameter, ParameterKind, ParameterValue, Parameters};
pub use problem::Problem;
pub use source::Source;

/// A template whose `template.toml` is in order.
#[derive(Debug, Clone)]
pub struct Template {
    source: Source,
    manifest: Manifest,
}

/// Host ports set aside for one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortBlock {
    /// The lowest.
    pub first: u16,
    /// How many.
    pub count: u16,
}

/// What the ledger set aside for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// Its host ports; given out in order, so the same parameters give the same ports.
    pub ports: PortBlock,
    /// The subnet of its networks; none lets the engine choose.
    pub subnet: Option<Subnet>,
    /// How others reach the host: `address` in the template's files.
    pub address: String,
    /// How much services log on this host: `host_log_level` in the template's files.
    pub log_level: LogLevel,
}

impl Template {
    /// Reads `template.toml` and sees that `compose.yaml` is there.
    ///
    /// # Errors
    /// Everything wrong in `template.toml`.
    pub fn parse(source: &Source) -> Result<Self, Vec<Problem>> {
        source.check_size().map_err(|problem| vec![problem])?;
        let missing = |file: &str| {
            vec![Problem {
                file: file.to_owned(),
                line: 0,
                column: 0,
                key: String::new(),
                message: "is missing: a template has template.toml and compose.yaml".to_owned(),
            }]
        };
        let text = source.files.get(manifest::FILE);
        let manifest = Manifest::parse(text.ok_or_else(|| missing(manifest::FILE))?)?;
        if !source.files.contains_key(compose::FILE) {
            return Err(missing(compose::FILE));
        }
        Ok(Self {
            source: source.clone(),
            manifest,
        })
    }

    /// DNS-like.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// For people.
    pub fn description(&self) -> &str {
        &self.manifest.description
    }

    /// In the order of the file.
    pub fn parameters(&self) -> &[Parameter] {
        &self.manifest.parameters
    }

    /// The drivers it is made for.
    pub fn drivers(&self) -> &[String] {
        &self.manifest.drivers
    }

    /// How long a bring-up may take, in milliseconds.
    pub fn create_ms_max(&self) -> u64 {
        self.manifest.create_ms_max
    }

    /// Whether it says how to be reset in place.
    pub fn can_reset(&self) -> bool {
        !self.manifest.reset.is_empty()
    }

    /// The files it was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What one resource shall run.
    ///
    /// # Errors
    /// Parameters that the template does not take, and everything that is wrong in the rendered
    /// files, placed in the files as their author wrote them.
    pub fn render(
        &self,
        parameters: &Parameters,
        reserved: &Reserved,
    ) -> Result<Blueprint, Vec<Problem>> {
        let parameters = parameter::complete(&self.manifest.parameters, parameters)?;
        assemble::blueprint(&self.source, &self.manifest, &parameters, reserved)
    }

    /// All parameters of a resource whose holder wants some of those otherwise that the template
    /// leaves to him.
    ///
    /// # Errors
    /// Parameters that it does not leave to him, by name.
    pub fn altered(
        &self,
        now: &Parameters,
        wanted: &Parameters,
    ) -> Result<Parameters, Vec<Problem>> {
        parameter::altered(&self.manifest.parameters, now, wanted)
    }

    /// How many host ports a resource with these parameters needs.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn ports(&self, parameters: &Parameters) -> Result<u16, Vec<Problem>> {
        let blueprint = self.render(parameters, &Reserved::sample())?;
        let ports: usize = blueprint.services.iter().map(|s| s.ports.len()).sum();
        Ok(u16::try_from(ports).unwrap_or(u16::MAX))
    }

    /// The images that a resource with these parameters is made of.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn images(&self, parameters: &Parameters) -> Result<BTreeSet<String>, Vec<Problem>> {
        let blueprint = self.render(parameters, &Reserved::sample())?;
        let mut images = BTreeSet::new();
        for service in &blueprint.services {
            // One that is no reference is refused when it is built; a process has none.
            let _ = image::add(&mut images, &service.image);
        }
        Ok(images)
    }

    /// Whether it refuses these parameters by a rule of its own.
    fn refuses(&self, parameters: &Parameters) -> bool {
        let Ok(parameters) = parameter::complete(&self.manifest.parameters, parameters) else {
            return false;
        };
        let renderer = text::Renderer::new(&parameters, &Reserved::sample(), None);
        assemble::refused(&self.manifest, &renderer).is_err()
    }

    /// What is wrong with these parameters, or with what they render to.
    pub fn check_with(&self, parameters: &Parameters) -> Vec<Problem> {
        self.render(parameters, &Reserved::sample())
            .err()
            .unwrap_or_default()
    }

    /// Renders with the defaults, then with each allowed value of each parameter (the bounds of a
    /// wide range) while the others keep their defaults, unless the template refuses such a value
    /// alone. Empty if all of it is in order.
    pub fn check(&self) -> Vec<Problem> {
        let reserved = Reserved::sample();
        let mut cases = vec![(String::new(), Parameters::new())];
        for parameter in &self.manifest.parameters {
            for value in parameter.samples() {
                if value != parameter.default {
                    let said = format!(" (with {} = {value})", parameter.name);
                    cases.push((said, Parameters::from([(parameter.name.clone(), value)])));
                }
            }
        }
        let mut known = BTreeSet::new();
        let mut problems = Vec::new();
        for (said, parameters) in cases.into_iter().take(limits::CHECKS_MAX) {
            if !said.is_empty() && self.refuses(&parameters) {
                continue;
            }
            for problem in self
                .render(&parameters, &reserved)
                .err()
                .unwrap_or_default()
            {
                if known.insert(problem.clone()) && problems.len() < limits::PROBLEMS_MAX {
                    let message = format!("{}{said}", problem.message);
                    problems.push(Problem { message, ..problem });
                }
            }
        }
        problems
    }
}

impl Reserved {
    /// Stands in where nothing is reserved yet: every port there may be, on loopback.
    fn sample() -> Self {
        Self {
            ports: PortBlock {
                first: 20_000,
                count: 10_000,
            },
            subnet: None,
            address: "127.0.0.1".to_owned(),
            log_level: LogLevel::default(),
        }
    }
}
