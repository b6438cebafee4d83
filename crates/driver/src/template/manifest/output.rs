//! `[[outputs]]`: what the holder is given.

use super::super::problem::Findings;
use super::super::tree::Node;
use super::{Placed, only};
use crate::blueprint::Protocol;

/// One entry as written.
#[derive(Debug, Clone)]
pub(in super::super) struct OutputEntry {
    pub name: Placed,
    /// An expression; the entry is left out where it does not hold.
    pub when: Option<Placed>,
    pub kind: OutputKind,
}

/// Where the value comes from.
#[derive(Debug, Clone)]
pub(in super::super) enum OutputKind {
    Port {
        service: Placed,
        port: u16,
        protocol: Protocol,
        format: Option<Placed>,
    },
    ServiceFile {
        service: Placed,
        path: Placed,
    },
    VolumeFile {
        volume: Placed,
        path: Placed,
    },
    Literal(Placed),
    Document(Placed),
    /// A document that stands in a file of its own.
    DocumentFile(Placed),
}

impl OutputEntry {
    pub(super) fn read(node: &Node, key: &str, findings: &Findings) -> Option<Self> {
        let mut fields = node.fields(key, findings);
        let name = fields.need("name", Placed::read);
        let when = fields.get("when", Placed::read);
        let format = fields.get("format", Placed::read);
        let mut kinds = Vec::new();
        kinds.extend(fields.get("port", |node, key, findings| {
            port(node, key, findings, format.clone())
        }));
        kinds.extend(fields.get("file", file));
        kinds.extend(fields.get("literal", Placed::read).map(OutputKind::Literal));
        let document = fields.get("document", Placed::read);
        kinds.extend(document.map(OutputKind::Document));
        let document = fields.get("document_file", Placed::read);
        kinds.extend(document.map(OutputKind::DocumentFile));
        fields.finish_plain();
        let one = only(
            kinds,
            node,
            key,
            "port, file, literal, document, document_file",
            findings,
        );
        if format.is_some() && !matches!(one, Some(OutputKind::Port { .. }) | None) {
            findings.say(node.at, key, "`format` goes with `port` only");
        }
        Some(Self {
            name: name?,
            when,
            kind: one?,
        })
    }
}

fn port(node: &Node, key: &str, findings: &Findings, format: Option<Placed>) -> Option<OutputKind> {
    let mut fields = node.fields(key, findings);
    let service = fields.need("service", Placed::read);
    let port = fields.need("port", Node::integer);
    let protocol = fields.get("protocol", protocol).unwrap_or_default();
    fields.finish_plain();
    Some(OutputKind::Port {
        service: service?,
        port: port?,
        protocol,
        format,
    })
}

fn file(node: &Node, key: &str, findings: &Findings) -> Option<OutputKind> {
    let mut fields = node.fields(key, findings);
    let service = fields.get("service", Placed::read);
    let volume = fields.get("volume", Placed::read);
    let path = fields.need("path", Placed::read);
    fields.finish_plain();
    match (service, volume, path?) {
        (Some(service), None, path) => Some(OutputKind::ServiceFile { service, path }),
        (None, Some(volume), path) => Some(OutputKind::VolumeFile { volume, path }),
        _ => {
            findings.say(node.at, key, "needs one of service and volume");
            None
        }
    }
}

fn protocol(node: &Node, key: &str, findings: &Findings) -> Option<Protocol> {
    node.read(key, findings, |text| match text {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        _ => Err("must be tcp or udp".to_owned()),
    })
}
