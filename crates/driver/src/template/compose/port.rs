//! `ports`: ports inside; the host ports come from the resource's block.

use super::super::limits;
use super::super::problem::Findings;
use super::super::tree::{Node, Value};
use crate::blueprint::{Port, Protocol};

/// All ports of a service, in the file's order.
pub(super) fn read(node: &Node, key: &str, findings: &Findings) -> Option<Vec<Port>> {
    let mut ports: Vec<Port> = Vec::new();
    for item in node.list(key, limits::PORTS_MAX, findings) {
        let read = match item.value {
            Value::Map(_) => long(item, key, findings),
            _ => item.read(key, findings, short),
        };
        let Some((first, last, protocol)) = read else {
            continue;
        };
        for container in first..=last {
            if ports.len() >= limits::PORTS_MAX {
                let most = limits::PORTS_MAX;
                findings.say(item.at, key, format!("has more than {most} ports"));
                return None;
            }
            let same = |p: &Port| p.container == container && p.protocol == protocol;
            if ports.iter().any(same) {
                findings.say(item.at, key, format!("port {container} stands here twice"));
                break;
            }
            ports.push(Port {
                container,
                host: 0,
                protocol,
            });
        }
    }
    Some(ports)
}

type Range = (u16, u16, Protocol);

/// `80`, `53/udp`, `8000-8009`.
fn short(text: &str) -> Result<Range, String> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if ports.contains(':') {
        return Err(format!(
            "`{text}` names a host port: those come from the resource's block; write the port inside alone"
        ));
    }
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("`{text}` is no port")),
    };
    let (first, last) = (port(first)?, port(last)?);
    if first > last || usize::from(last - first) >= limits::PORTS_MAX {
        return Err(format!("`{ports}` is no range of ports"));
    }
    Ok((first, last, named(protocol)?))
}

fn named(protocol: &str) -> Result<Protocol, String> {
    match protocol {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        _ => Err(format!("`{protocol}` must be tcp or udp")),
    }
}

fn long(node: &Node, key: &str, findings: &Findings) -> Option<Range> {
    let mut fields = node.fields(key, findings);
    let target = fields.need("target", Node::text);
    let protocol = fields.read("protocol", named).unwrap_or_default();
    fields.finish(|key| match key {
        "published" | "host_ip" => {
            Some("host ports come from the resource's block; write target alone")
        }
        _ => Some("there are target and protocol"),
    });
    let wrong = |message: String| findings.say(node.at, key, message);
    match short(&target?) {
        Ok((first, last, _)) => Some((first, last, protocol)),
        Err(message) => {
            wrong(message);
            None
        }
    }
}
