//! How a service is run: command, environment, health, limits.

use std::collections::BTreeMap;

use super::super::limits;
use super::super::problem::Findings;
use super::super::scalar;
use super::super::tree::{Fields, Node, Value};
use super::hint;
use crate::blueprint::{Dependency, Healthcheck, Job, JobFile, Limits, LogRotation, Restart};
use crate::swarm::constraint;

/// `command` and `entrypoint`: a line, or a list of words.
pub(super) fn command(node: &Node, key: &str, findings: &Findings) -> Option<Vec<String>> {
    match &node.value {
        Value::Null => None,
        Value::Text { .. } => node.read(key, findings, scalar::words),
        _ => Some(node.texts(key, limits::ENTRIES_MAX, findings)),
    }
}

/// `environment` and `labels`: a map, or a list of `name=value`.
pub(super) fn pairs(
    node: &Node,
    key: &str,
    findings: &Findings,
) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    if let Value::List(items) = &node.value {
        for item in items.iter().take(limits::ENTRIES_MAX) {
            let pair = item.read(key, findings, |text| {
                let (name, value) = text
                    .split_once('=')
                    .ok_or(format!("`{text}` has no value: write name=value"))?;
                Ok((name.to_owned(), value.to_owned()))
            });
            if let Some((name, value)) = pair
                && pairs.insert(name.clone(), value).is_some()
            {
                findings.say(item.at, key, format!("`{name}` stands here twice"));
            }
        }
        return Some(pairs);
    }
    for entry in node.entries(key, limits::ENTRIES_MAX, findings) {
        let key = format!("{key}.{}", entry.key);
        if entry.value.is_null() {
            findings.say(entry.at, &key, "has no value: write \"\" for an empty one");
        } else if let Some(value) = entry.value.text(&key, findings) {
            pairs.insert(entry.key.clone(), value);
        }
    }
    if !pairs.keys().all(|name| is_variable(name)) {
        findings.say(node.at, key, NO_VARIABLE);
    }
    Some(pairs)
}

const NO_VARIABLE: &str = "a name must not be empty or contain = or control characters";

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '=' || c.is_control())
}

/// `x-caviada-environment`: variables that are files of jobs.
pub(super) fn job_files(
    node: &Node,
    key: &str,
    findings: &Findings,
) -> Option<BTreeMap<String, JobFile>> {
    let mut files = BTreeMap::new();
    for entry in node.entries(key, limits::ENTRIES_MAX, findings) {
        let key = format!("{key}.{}", entry.key);
        let mut fields = entry.value.fields(&key, findings);
        let service = fields.need("service", Node::text);
        let path = fields.need("path", |node, key, findings| {
            node.read(key, findings, |path| {
                scalar::absolute_path(path).map(|()| path.to_owned())
            })
        });
        fields.finish_plain();
        if !is_variable(&entry.key) {
            findings.say(entry.at, &key, NO_VARIABLE);
        }
        if let (Some(service), Some(path)) = (service, path) {
            files.insert(entry.key.clone(), JobFile { service, path });
        }
    }
    Some(files)
}

/// `depends_on`: a list of names, or a map with conditions.
pub(super) fn depends_on(
    node: &Node,
    key: &str,
    findings: &Findings,
) -> Option<BTreeMap<String, Dependency>> {
    if let Value::List(_) = node.value {
        let names = node.texts(key, limits::SERVICES_MAX, findings).into_iter();
        return Some(names.map(|n| (n, Dependency::ServiceStarted)).collect());
    }
    let mut on = BTreeMap::new();
    for entry in node.entries(key, limits::SERVICES_MAX, findings) {
        let key = format!("{key}.{}", entry.key);
        let mut fields = entry.value.fields(&key, findings);
        let condition = fields.read("condition", |text| match text {
            "service_started" => Ok(Dependency::ServiceStarted),
            "service_healthy" => Ok(Dependency::ServiceHealthy),
            "service_completed_successfully" => Ok(Dependency::ServiceCompletedSuccessfully),
            _ => Err(
                "must be service_started, service_healthy or service_completed_successfully"
                    .to_owned(),
            ),
        });
        for (name, only) in [("required", true), ("restart", false)] {
            if fields.bool(name).is_some_and(|value| value != only) {
                let message = format!("must be {only} or left out");
                findings.say(entry.at, &format!("{key}.{name}"), message);
            }
        }
        fields.finish_plain();
        on.insert(
            entry.key.clone(),
            condition.unwrap_or(Dependency::ServiceStarted),
        );
    }
    Some(on)
}

/// `healthcheck`, with Compose's defaults.
pub(super) fn healthcheck(node: &Node, key: &str, findings: &Findings) -> Option<Healthcheck> {
    let mut fields = node.fields(key, findings);
    let disabled = fields.bool("disable").unwrap_or_default();
    let test = fields.get("test", |node, key, findings| match &node.value {
        Value::Text { text, .. } => Some(vec!["CMD-SHELL".to_owned(), text.clone()]),
        _ => {
            let test = node.texts(key, limits::ENTRIES_MAX, findings);
            let kind = test.first().map_or("", String::as_str);
            let fits = match kind {
                "CMD" => test.len() > 1,
                "CMD-SHELL" => test.len() == 2,
                "NONE" => test.len() == 1,
                _ => false,
            };
            if !fits {
                let message = "must be a text, or a list that begins with CMD, CMD-SHELL or NONE";
                findings.say(node.at, key, message);
            }
            fits.then_some(test)
        }
    });
    let mut time = |name: &str, default: u64| {
        let ms = fields.read(name, scalar::duration_ms);
        ms.unwrap_or(default)
    };
    let interval_ms = time("interval", 30_000);
    let timeout_ms = time("timeout", 30_000);
    let start_period_ms = time("start_period", 0);
    let start_interval_ms = fields.read("start_interval", scalar::duration_ms);
    let retries = fields.integer("retries").unwrap_or(3);
    fields.finish_plain();
    if interval_ms == 0 || timeout_ms == 0 || retries == 0 || start_interval_ms == Some(0) {
        let message = "intervals, timeout and retries must not be zero";
        findings.say(node.at, key, message);
    }
    let test = match (disabled, test) {
        (true, _) => vec!["NONE".to_owned()],
        (false, Some(test)) => test,
        (false, None) => {
            if !findings.any_below(key) {
                findings.say(node.at, key, "needs `test`");
            }
            return None;
        }
    };
    Some(Healthcheck {
        test,
        interval_ms,
        timeout_ms,
        retries,
        start_period_ms,
        start_interval_ms,
    })
}

/// `x-caviada-job`.
pub(super) fn job(node: &Node, key: &str, findings: &Findings) -> Option<Job> {
    let mut fields = node.fields(key, findings);
    let output_contains = fields.text("output_contains");
    fields.finish_plain();
    Some(Job { output_contains })
}

/// `x-caviada-process`: program and arguments for the process driver.
pub(super) fn process(node: &Node, key: &str, findings: &Findings) -> Option<Vec<String>> {
    let mut fields = node.fields(key, findings);
    let program = fields.need("program", Node::text);
    let args = fields.get("args", command);
    fields.finish_plain();
    let program = program?;
    if program.is_empty() {
        findings.say(node.at, key, "`program` must not be empty");
    }
    let args = args.unwrap_or_default();
    Some(std::iter::once(program).chain(args).collect())
}

/// `restart`.
pub(super) fn restart(text: &str) -> Result<Restart, String> {
    match text {
        "no" => Ok(Restart::No),
        "always" => Ok(Restart::Always),
        "on-failure" => Ok(Restart::OnFailure),
        "unless-stopped" => Ok(Restart::UnlessStopped),
        text if text.starts_with("on-failure:") => {
            Err("on-failure takes no count: the pool replaces what keeps failing".to_owned())
        }
        _ => Err("must be \"no\", always, on-failure or unless-stopped".to_owned()),
    }
}

/// `mem_limit`, `cpus`, `pids_limit` and `deploy.resources.limits`, which must agree; and the
/// constraints of `deploy.placement`.
pub(super) fn deploy(fields: &mut Fields<'_>, findings: &Findings) -> (Limits, Vec<String>) {
    let short = Limits {
        cpu_milli: fields.read("cpus", scalar::cpu_milli),
        memory_bytes: fields.read("mem_limit", scalar::bytes),
        pids: fields.read("pids_limit", pids),
    };
    let at = fields.at;
    let key = fields.path("deploy");
    let mut constraints = Vec::new();
    let long = fields.get("deploy", |node, key, findings| {
        let mut fields = node.fields(key, findings);
        let limits = fields.get("resources", |node, key, findings| {
            let mut fields = node.fields(key, findings);
            let limits = fields.get("limits", |node, key, findings| {
                let mut fields = node.fields(key, findings);
                let limits = Limits {
                    cpu_milli: fields.read("cpus", scalar::cpu_milli),
                    memory_bytes: fields.read("memory", scalar::bytes),
                    pids: fields.read("pids", pids),
                };
                fields.finish_plain();
                Some(limits)
            });
            fields.finish(hint::deploy);
            limits
        });
        let placement = fields.get("placement", |node, key, findings| {
            let mut fields = node.fields(key, findings);
            let read = fields.get("constraints", |node, key, findings| {
                Some(self::constraints(node, key, findings))
            });
            fields.finish(hint::deploy);
            read
        });
        constraints = placement.unwrap_or_default();
        fields.finish(hint::deploy);
        limits
    });
    let Some(long) = long else {
        return (short, constraints);
    };
    let differ = |a: Option<u64>, b: Option<u64>| a.is_some() && b.is_some() && a != b;
    if differ(short.cpu_milli, long.cpu_milli)
        || differ(short.memory_bytes, long.memory_bytes)
        || differ(short.pids.map(u64::from), long.pids.map(u64::from))
    {
        let message = "says another limit than mem_limit, cpus or pids_limit";
        findings.say(at, &key, message);
    }
    let limits = Limits {
        cpu_milli: short.cpu_milli.or(long.cpu_milli),
        memory_bytes: short.memory_bytes.or(long.memory_bytes),
        pids: short.pids.or(long.pids),
    };
    (limits, constraints)
}

/// `deploy.placement.constraints`: a list of `node.labels.disk==ssd` and the like.
fn constraints(node: &Node, key: &str, findings: &Findings) -> Vec<String> {
    let items = node.list(key, limits::ENTRIES_MAX, findings).iter();
    let read = items.filter_map(|item| item.read(key, findings, constraint::read));
    read.collect()
}

fn pids(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("`{text}` is no number of processes")),
    }
}

/// `logging`: rotation of json-file, nothing else.
pub(super) fn logging(node: &Node, key: &str, findings: &Findings) -> Option<LogRotation> {
    let mut fields = node.fields(key, findings);
    if fields.text("driver").is_some_and(|d| d != "json-file") {
        let message = "must be json-file: logs are read through the driver";
        findings.say(node.at, &format!("{key}.driver"), message);
    }
    let mut rotation = LogRotation::default();
    let told = fields.get("options", |node, key, findings| {
        let mut fields = node.fields(key, findings);
        let told = (
            fields.read("max-size", scalar::bytes),
            fields.integer::<u32>("max-file"),
        );
        fields.finish_plain();
        Some(told)
    });
    fields.finish_plain();
    let (max_bytes, max_files) = told.unwrap_or_default();
    rotation.max_bytes = max_bytes.unwrap_or(rotation.max_bytes);
    rotation.max_files = max_files.unwrap_or(rotation.max_files);
    if rotation.max_bytes == 0 || rotation.max_files == 0 {
        findings.say(node.at, key, "max-size and max-file must not be zero");
    }
    Some(rotation)
}

/// `ulimits`: one number, or soft and hard.
pub(super) fn ulimits(
    node: &Node,
    key: &str,
    findings: &Findings,
) -> Option<BTreeMap<String, (i64, i64)>> {
    let mut limits = BTreeMap::new();
    for entry in node.entries(key, limits::ENTRIES_MAX, findings) {
        let key = format!("{key}.{}", entry.key);
        let pair = match &entry.value.value {
            Value::Map(_) => {
                let mut fields = entry.value.fields(&key, findings);
                let soft = fields.need("soft", Node::integer::<i64>);
                let hard = fields.need("hard", Node::integer::<i64>);
                fields.finish_plain();
                soft.zip(hard)
            }
            _ => entry.value.integer(&key, findings).map(|n: i64| (n, n)),
        };
        let Some((soft, hard)) = pair else {
            continue;
        };
        let endless = |n: i64| if n == -1 { i64::MAX } else { n };
        if soft < -1 || hard < -1 || endless(soft) > endless(hard) {
            findings.say(
                entry.at,
                &key,
                "soft must not be above hard; -1 is no limit",
            );
        }
        limits.insert(entry.key.clone(), (soft, hard));
    }
    Some(limits)
}
