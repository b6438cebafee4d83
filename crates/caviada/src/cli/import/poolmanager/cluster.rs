//! Clusters, and who has them.

use std::collections::{BTreeMap, BTreeSet};

use caviada_api::attribute::Attribute;
use caviada_api::pool::{PoolSpec, RecycleClass};
use caviada_api::resource::{DeclaredState, ResourceSpec, ResourceState};
use caviada_core::limits;
use caviada_core::name::{Owner, ResourceName};

use super::{ID, NAME, Plan, Step, id, label};
use crate::cli::import::PoolmanagerArgs;
use crate::cli::import::extended::Document;
use crate::cli::import::there::{There, UNFINISHED, is_hidden};

/// Label with when a cluster was given to who has it.
const APPLIED: &str = "poolmanager/apply_ts";
/// Label with the host a cluster stood on.
const HOST: &str = "poolmanager/host";
/// Beginning of what stood in place of a user while a cluster was worked on.
const SYSTEM: &str = "__SYSTEM__";

/// Clusters that are there; and the pool for all, with what of it is past.
pub(super) fn clusters(
    args: &PoolmanagerArgs,
    (found, ports, past): (&[Document], &[Document], Vec<Step>),
    (hosts, users): (&BTreeMap<String, String>, &BTreeMap<String, String>),
    there: &There,
    plan: &mut Plan,
) {
    let ports = service_ports(ports);
    let mut names = there.resources.clone();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut steps = Vec::new();
    for d in found {
        let shown = d.text(&["name"]).unwrap_or_default();
        let what = format!("cluster {shown}");
        if d.text(&["state"]).as_deref() == Some("released") {
            continue;
        }
        let Some(id) = id(d) else {
            plan.skip(d, &what, "it has no id");
            continue;
        };
        if let Some(first) = seen.insert(id.clone(), d.at.clone()) {
            plan.skip(d, &what, format!("it stands at {first}, too"));
            continue;
        }
        let holder = match holder(d, users) {
            Ok(holder) => holder,
            Err(why) => {
                plan.skip(d, &what, why);
                continue;
            }
        };
        let lease = holder.map(|owner| lease(d, &id, owner));
        match found_there(args, there, &id, lease.is_some()) {
            Ok(false) => {}
            Ok(true) => {
                steps.extend(lease);
                continue;
            }
            Err(why) => {
                plan.skip(d, &what, why);
                continue;
            }
        }
        let Ok(size) = d.number("size") else {
            plan.skip(d, &what, "its size is no whole number");
            continue;
        };
        let mut spec = cluster(d, &id, &ports, hosts);
        let size = Attribute::Number(size.unwrap_or(4));
        spec.attributes.insert("size".to_owned(), size);
        spec.pool = args.pool.to_string();
        spec.name = resource_name(&shown, &id, &mut names);
        if lease.is_none() {
            spec.state = DeclaredState::Withheld;
        }
        steps.push(Step::Cluster {
            at: d.at.clone(),
            spec: Box::new(spec),
        });
        steps.extend(lease);
    }
    steps.extend(past);
    if !steps.is_empty() && there.pool.is_none() {
        plan.steps.push(Step::Pool {
            spec: Box::new(pool()),
        });
    }
    let opens = (!steps.is_empty() && there.pool.is_none()) || there.is_unfinished();
    plan.steps.extend(steps);
    if opens {
        plan.steps.push(Step::Open);
        plan.notes.push(format!(
            "the key by which old clients call must act for the pool {}: `caviada key add NAME --act-for {}`",
            args.pool, args.pool
        ));
    }
}

fn lease(d: &Document, id: &str, owner: String) -> Step {
    let applied = d.text(&["apply_ts"]).map(|at| label(&at));
    let labels = applied.into_iter().map(|at| (APPLIED.to_owned(), at));
    Step::Lease {
        at: d.at.clone(),
        id: id.to_owned(),
        owner,
        labels: labels.collect(),
    }
}

/// Is it there, and lacks only its lease, which an import that broke off had yet to make? Otherwise it
/// is made, unless something speaks against it.
fn found_there(
    args: &PoolmanagerArgs,
    there: &There,
    id: &str,
    held: bool,
) -> Result<bool, String> {
    let state = there.clusters.get(id);
    let free = state.map(|(_, state)| *state == ResourceState::Free);
    match (free, held) {
        (Some(true), true) if there.is_unfinished() => Ok(true),
        (Some(true), true) => Err("it is there already, and nobody has it".to_owned()),
        (Some(_), _) => Err("it is there already".to_owned()),
        // It is free until its holder has it again, which nobody else may see.
        (None, true) if there.pool.as_ref().is_some_and(|p| !is_hidden(p)) => Err(format!(
            "others lease from the pool {} and could be given it before its holder: import into a new one with --pool, or let only operators see this one meanwhile (`visibility = {{ owners = [] }}`)",
            args.pool
        )),
        (None, _) => Ok(false),
    }
}

/// A pool of clusters that were built elsewhere. Nobody here can make one clean again: what is given
/// back waits dirty for somebody who does, or removes it.
fn pool() -> PoolSpec {
    let mut spec = PoolSpec::default();
    spec.lease.no_deadline = true;
    spec.recycle.class = Some(RecycleClass::Hook);
    spec.visibility.owners = Some(Vec::new());
    spec.declared_in = Some(UNFINISHED.to_owned());
    spec.indexed = vec![ID.to_owned()];
    spec
}

/// Who has it; nobody, if it is free.
fn holder(d: &Document, users: &BTreeMap<String, String>) -> Result<Option<String>, String> {
    if let Some(status @ ("creating" | "deleting")) = d.text(&["status"]).as_deref() {
        return Err(format!("it was being worked on: {status}"));
    }
    if d.is_odd(&["state", "status", "user_id"]) {
        return Err("its state, status or user_id cannot be read".to_owned());
    }
    let user = d.text(&["user_id"]);
    match user.map(|user| users.get(user.trim()).cloned().unwrap_or(user)) {
        None => Ok(None),
        Some(user) if user.starts_with(SYSTEM) => {
            Err(format!("it was being worked on: {}", label(&user)))
        }
        Some(user) if user.trim().is_empty() => Ok(None),
        Some(user) => match Owner::new(user.trim()) {
            Ok(owner) => Ok(Some(owner.to_string())),
            Err(why) => Err(format!("its user_id can be no owner: {why}")),
        },
    }
}

/// Cluster → its services, from the documents of their ports.
fn service_ports(found: &[Document]) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut ports: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for d in found {
        let (Some(cluster), Some(name)) = (d.text(&["cluster"]), d.text(&["name"])) else {
            continue;
        };
        let (Some(ip), Ok(Some(port))) = (d.text(&["ip"]), d.number("port")) else {
            continue;
        };
        ports
            .entry(cluster)
            .or_default()
            .insert(name, format!("{ip}:{port}"));
    }
    ports
}

fn cluster(
    d: &Document,
    id: &str,
    ports: &BTreeMap<String, BTreeMap<String, String>>,
    hosts: &BTreeMap<String, String>,
) -> ResourceSpec {
    let mut spec = ResourceSpec::default();
    let text = |name: &str| d.text(&[name]).map(|text| Attribute::Text(label(&text)));
    // PoolManager 1 knew but one kind.
    let plugin = text("consensus_plugin").unwrap_or(Attribute::Text("pbft".to_owned()));
    spec.attributes
        .insert("consensus_plugin".to_owned(), plugin);
    for name in ["consensus_mode", "network_type", "fabric_version"] {
        spec.attributes
            .extend(text(name).map(|value| (name.to_owned(), value)));
    }
    spec.endpoints = d.map("service_url").into_iter().collect();
    if spec.endpoints.is_empty() {
        spec.endpoints = ports.get(id).cloned().unwrap_or_default();
    }
    if spec.endpoints.is_empty()
        && let Some(url) = d.text(&["api_url"])
    {
        spec.endpoints.insert("rest".to_owned(), url);
    }
    let sound = |name: &str, at: &str| {
        (1..=limits::NAME_BYTES_MAX).contains(&name.len())
            && at.len() <= limits::ENDPOINT_BYTES_MAX
            && !name.chars().chain(at.chars()).any(char::is_control)
    };
    spec.endpoints.retain(|name, at| sound(name, at));
    while spec.endpoints.len() > limits::ENDPOINTS_PER_RESOURCE_MAX {
        spec.endpoints.pop_last();
    }
    spec.labels.insert(ID.to_owned(), id.to_owned());
    if let Some(name) = d.text(&["name"]) {
        spec.labels.insert(NAME.to_owned(), label(&name));
    }
    let host = d.text(&["host_id", "host"]);
    let host = host.map(|id| hosts.get(&id).cloned().unwrap_or(id));
    let host = host.or_else(|| d.text(&["worker_api", "daemon_url"]));
    spec.labels
        .extend(host.map(|host| (HOST.to_owned(), label(&host))));
    spec
}

/// The name it had, unless another one has it.
fn resource_name(shown: &str, id: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = ResourceName::fitting(shown).to_string();
    let name = match taken.contains(&plain) || shown.is_empty() {
        false => plain,
        true => {
            let room = limits::RESOURCE_NAME_BYTES_MAX - id.len() - 1;
            format!("{}-{id}", &plain[..plain.floor_char_boundary(room)])
        }
    };
    taken.insert(name.clone());
    name
}
