//! `[[readiness]]` and `[[reset]]`.

use super::super::problem::Findings;
use super::super::scalar;
use super::super::tree::{Fields, Node};
use super::{Placed, only};

/// One readiness test as written.
#[derive(Debug, Clone)]
pub(in super::super) struct Readiness {
    pub kind: CheckKind,
    pub when: Option<Placed>,
    pub interval_ms: u64,
    pub timeout_ms: u64,
    pub within_ms: u64,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(in super::super) enum CheckKind {
    Http {
        service: Placed,
        port: u16,
        path: Placed,
        status: u16,
        contains: Option<Placed>,
    },
    Tcp {
        service: Placed,
        port: u16,
    },
    Exec {
        service: Placed,
        command: Vec<Placed>,
        contains: Option<Placed>,
    },
    JsonRpc {
        call: RpcEntry,
        expect: ExpectKind,
    },
}

/// A JSON-RPC call as written.
#[derive(Debug, Clone)]
pub(in super::super) struct RpcEntry {
    pub service: Placed,
    pub port: u16,
    pub path: Placed,
    pub method: Placed,
    pub params: Option<Placed>,
}

/// What a JSON-RPC result must be.
#[derive(Debug, Clone)]
pub(in super::super) enum ExpectKind {
    Any,
    Equals(Placed),
    AtLeast(i64),
    Grows,
}

/// One step of a reset as written.
#[derive(Debug, Clone)]
pub(in super::super) struct ResetEntry {
    pub kind: ResetKind,
    pub when: Option<Placed>,
}

/// What is done.
#[derive(Debug, Clone)]
pub(in super::super) enum ResetKind {
    Exec {
        service: Placed,
        command: Vec<Placed>,
    },
    Restart {
        service: Placed,
    },
    JsonRpc(RpcEntry),
}

impl Readiness {
    pub(super) fn read(node: &Node, key: &str, findings: &Findings) -> Option<Self> {
        let mut fields = node.fields(key, findings);
        let when = fields.get("when", Placed::read);
        let mut time = |name: &str, default: u64| {
            let ms = fields.read(name, scalar::duration_ms).unwrap_or(default);
            if ms == 0 {
                findings.say(node.at, &format!("{key}.{name}"), "must not be zero");
            }
            ms
        };
        let interval_ms = time("interval", 250);
        let timeout_ms = time("timeout", 5_000);
        let within_ms = time("within", 60_000);
        let mut kinds = Vec::new();
        kinds.extend(fields.get("http", http));
        kinds.extend(fields.get("tcp", tcp));
        kinds.extend(fields.get("exec", exec));
        kinds.extend(fields.get("json_rpc", json_rpc));
        fields.finish_plain();
        let kind = only(kinds, node, key, "http, tcp, exec, json_rpc", findings)?;
        Some(Self {
            kind,
            when,
            interval_ms,
            timeout_ms,
            within_ms,
        })
    }
}

impl ResetEntry {
    pub(super) fn read(node: &Node, key: &str, findings: &Findings) -> Option<Self> {
        let mut fields = node.fields(key, findings);
        let when = fields.get("when", Placed::read);
        let mut kinds = Vec::new();
        kinds.extend(fields.get("exec", |node, key, findings| {
            let mut fields = node.fields(key, findings);
            let service = fields.need("service", Placed::read);
            let command = fields.need("command", Placed::read_list);
            fields.finish_plain();
            Some(ResetKind::Exec {
                service: service?,
                command: command?,
            })
        }));
        kinds.extend(fields.get("restart", |node, key, findings| {
            let mut fields = node.fields(key, findings);
            let service = fields.need("service", Placed::read);
            fields.finish_plain();
            Some(ResetKind::Restart { service: service? })
        }));
        kinds.extend(fields.get("json_rpc", |node, key, findings| {
            let mut fields = node.fields(key, findings);
            let call = RpcEntry::read(&mut fields, node, key);
            fields.finish_plain();
            call.map(ResetKind::JsonRpc)
        }));
        fields.finish_plain();
        let kind = only(kinds, node, key, "exec, restart, json_rpc", findings)?;
        Some(Self { kind, when })
    }
}

fn http(node: &Node, key: &str, findings: &Findings) -> Option<CheckKind> {
    let mut fields = node.fields(key, findings);
    let service = fields.need("service", Placed::read);
    let port = fields.need("port", Node::integer);
    let path = fields.get("path", Placed::read);
    let status = fields.integer("status").unwrap_or(200);
    let contains = fields.get("contains", Placed::read);
    fields.finish_plain();
    Some(CheckKind::Http {
        service: service?,
        port: port?,
        path: path.unwrap_or_else(|| top(node, key)),
        status,
        contains,
    })
}

/// The path that is meant where none is written.
fn top(node: &Node, key: &str) -> Placed {
    Placed {
        text: "/".to_owned(),
        at: node.at,
        key: key.to_owned(),
    }
}

fn tcp(node: &Node, key: &str, findings: &Findings) -> Option<CheckKind> {
    let mut fields = node.fields(key, findings);
    let service = fields.need("service", Placed::read);
    let port = fields.need("port", Node::integer);
    fields.finish_plain();
    Some(CheckKind::Tcp {
        service: service?,
        port: port?,
    })
}

fn exec(node: &Node, key: &str, findings: &Findings) -> Option<CheckKind> {
    let mut fields = node.fields(key, findings);
    let service = fields.need("service", Placed::read);
    let command = fields.need("command", Placed::read_list);
    let contains = fields.get("contains", Placed::read);
    fields.finish_plain();
    Some(CheckKind::Exec {
        service: service?,
        command: command?,
        contains,
    })
}

fn json_rpc(node: &Node, key: &str, findings: &Findings) -> Option<CheckKind> {
    let mut fields = node.fields(key, findings);
    let call = RpcEntry::read(&mut fields, node, key);
    let mut expects = Vec::new();
    expects.extend(fields.get("equals", Placed::read).map(ExpectKind::Equals));
    expects.extend(fields.integer("at_least").map(ExpectKind::AtLeast));
    expects.extend(
        fields
            .bool("grows")
            .filter(|grows| *grows)
            .map(|_| ExpectKind::Grows),
    );
    fields.finish_plain();
    let expect = expects.pop().unwrap_or(ExpectKind::Any);
    if !expects.is_empty() {
        findings.say(node.at, key, "takes one of equals, at_least, grows");
    }
    Some(CheckKind::JsonRpc {
        call: call?,
        expect,
    })
}

impl RpcEntry {
    fn read(fields: &mut Fields<'_>, node: &Node, key: &str) -> Option<Self> {
        let service = fields.need("service", Placed::read);
        let port = fields.need("port", Node::integer);
        let path = fields.get("path", Placed::read);
        let method = fields.need("method", Placed::read);
        let params = fields.get("params", Placed::read);
        Some(Self {
            service: service?,
            port: port?,
            path: path.unwrap_or_else(|| top(node, key)),
            method: method?,
            params,
        })
    }
}
