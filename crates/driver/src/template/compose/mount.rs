//! What a service finds in its file system: named volumes, memory file systems, configs.

use super::super::limits;
use super::super::problem::Findings;
use super::super::scalar;
use super::super::tree::{Node, Value};
use super::Declared;
use crate::blueprint::{File, Mount};

const BIND: &str =
    "is a bind mount, which would open the host: use a named volume, or a config for a file";

/// `volumes` of a service; those of type tmpfs are put into `tmpfs`.
pub(super) fn volumes(
    node: &Node,
    key: &str,
    declared: &Declared,
    tmpfs: &mut Vec<String>,
    findings: &Findings,
) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for item in node.list(key, limits::ENTRIES_MAX, findings) {
        let mount = match item.value {
            Value::Map(_) => long(item, key, tmpfs, findings),
            _ => item.read(key, findings, short),
        };
        let Some(mount) = mount else {
            continue;
        };
        if !declared.volumes.contains(&mount.volume) {
            let message = format!("`{}` is not declared under volumes", mount.volume);
            findings.say(item.at, key, message);
        }
        if mounts.iter().any(|m| m.path == mount.path) {
            let message = format!("`{}` is mounted on twice", mount.path);
            findings.say(item.at, key, message);
        }
        mounts.push(mount);
    }
    mounts
}

fn is_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~']) || source.contains('/') || source.contains('\\')
}

/// `data:/var/lib/data:ro`.
fn short(text: &str) -> Result<Mount, String> {
    let parts: Vec<_> = text.split(':').collect();
    let (volume, path, options) = match parts.as_slice() {
        [source, ..] if parts.len() > 1 && is_path(source) => {
            return Err(format!("`{text}` {BIND}"));
        }
        [volume, path] => (*volume, *path, "rw"),
        [volume, path, options] => (*volume, *path, *options),
        _ => return Err(format!("`{text}`: write name:/path or name:/path:ro")),
    };
    scalar::absolute_path(path)?;
    let read_only = match options {
        "rw" => false,
        "ro" => true,
        other => return Err(format!("`{other}` must be ro or rw")),
    };
    Ok(Mount {
        volume: volume.to_owned(),
        path: path.to_owned(),
        read_only,
    })
}

fn long(node: &Node, key: &str, tmpfs: &mut Vec<String>, findings: &Findings) -> Option<Mount> {
    let mut fields = node.fields(key, findings);
    let kind = fields.need("type", Node::text)?;
    if kind == "bind" {
        findings.say(node.at, key, BIND);
        return None;
    }
    let path = fields.need("target", |node, key, findings| {
        node.read(key, findings, |path| {
            scalar::absolute_path(path).map(|()| path.to_owned())
        })
    });
    if kind == "tmpfs" {
        let size = fields.get("tmpfs", |node, key, findings| {
            let mut fields = node.fields(key, findings);
            let size = fields.read("size", scalar::bytes);
            fields.finish_plain();
            size
        });
        fields.finish_plain();
        let options = size.map(|size| format!(":size={size}")).unwrap_or_default();
        tmpfs.push(format!("{}{options}", path?));
        return None;
    }
    let volume = fields.need("source", Node::text);
    let read_only = fields.bool("read_only").unwrap_or_default();
    fields.finish_plain();
    if kind != "volume" {
        findings.say(node.at, key, "`type` must be volume or tmpfs");
        return None;
    }
    Some(Mount {
        volume: volume?,
        path: path?,
        read_only,
    })
}

/// `tmpfs`: a path with options, or a list of them.
pub(super) fn tmpfs(node: &Node, key: &str, findings: &Findings) -> Option<Vec<String>> {
    let texts = match &node.value {
        Value::Text { text, .. } => vec![text.clone()],
        _ => node.texts(key, limits::ENTRIES_MAX, findings),
    };
    for text in &texts {
        let path = text.split(':').next().unwrap_or_default();
        if let Err(message) = scalar::absolute_path(path) {
            findings.say(node.at, key, message);
        }
    }
    Some(texts)
}

/// `configs` of a service as files.
pub(super) fn configs(
    node: &Node,
    key: &str,
    declared: &Declared,
    findings: &Findings,
) -> Option<Vec<File>> {
    let mut files = Vec::new();
    for item in node.list(key, limits::CONFIGS_MAX, findings) {
        let Some((source, target, mode)) = config(item, key, findings) else {
            continue;
        };
        let Some(content) = declared.configs.get(&source) else {
            let message = format!("`{source}` is not declared under configs");
            findings.say(item.at, key, message);
            continue;
        };
        let path = target.unwrap_or_else(|| format!("/{source}"));
        if let Err(message) = scalar::absolute_path(&path) {
            findings.say(item.at, key, message);
        }
        let bytes = declared.file_bytes.get() + content.len();
        declared.file_bytes.set(bytes);
        if bytes > limits::BLUEPRINT_BYTES_MAX {
            let most = limits::BLUEPRINT_BYTES_MAX;
            let message = format!("all files of all services are more than {most} bytes");
            findings.say(item.at, key, message);
            break;
        }
        files.push(File {
            path,
            content: content.clone(),
            mode,
        });
    }
    Some(files)
}

/// Everybody inside may read a config unless told otherwise, as in Compose.
const CONFIG_MODE: u32 = 0o444;

fn config(node: &Node, key: &str, findings: &Findings) -> Option<(String, Option<String>, u32)> {
    if let Value::Text { text, .. } = &node.value {
        return Some((text.clone(), None, CONFIG_MODE));
    }
    let mut fields = node.fields(key, findings);
    let source = fields.need("source", Node::text);
    let target = fields.text("target");
    let mode = fields.read("mode", scalar::mode).unwrap_or(CONFIG_MODE);
    fields.finish(|key| match key {
        "uid" | "gid" => Some("files belong to root; set mode"),
        _ => None,
    });
    Some((source?, target, mode))
}
