//! The collections of PoolManager 1 and 2 and of Cello 0.6 to 0.9, and what of them is made here.
//!
//! | theirs | ours |
//! |---|---|
//! | host | a host, cordoned and not filled: nothing starts on it before somebody has looked |
//! | cluster that somebody has | a declared resource and a lease of his, without a deadline |
//! | cluster that is free | a declared resource, withheld: somebody looks at it and returns it |
//! | cluster that is being made, deleted or reset | nothing |
//! | released cluster | a lease that is over, in the history |
//! | user, profile | a user with his hash, and his profile |
//!
//! Old names and ids stay as labels.

mod cluster;
mod host;
mod released;
mod user;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use caviada_api::host::HostSpec;
use caviada_api::key::Role;
use caviada_api::lease::Past;
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{DeclaredState, ResourceSpec};
use caviada_api::user::UserSpec;
use caviada_core::limits;
use cluster::clusters;
use host::hosts;
use released::released;
use user::users;

use super::extended::{Document, read as documents};
use super::there::There;
use super::{PoolmanagerArgs, Skipped};
use crate::cli::exit::Failure;

/// Label with the id something had.
pub const ID: &str = "poolmanager/id";
/// Label with the name something had; the old API shows a host by it.
const NAME: &str = "poolmanager/name";

/// What was read.
#[derive(Debug, Default)]
pub struct Read {
    hosts: Vec<Document>,
    clusters: Vec<Document>,
    service_ports: Vec<Document>,
    released: Vec<Document>,
    users: Vec<Document>,
    profiles: Vec<Document>,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
}

/// One thing to make.
#[derive(Debug)]
pub enum Step {
    /// A host.
    Host {
        at: String,
        name: String,
        spec: Box<HostSpec>,
    },
    /// The pool of the clusters, which nobody sees yet.
    Pool { spec: Box<PoolSpec> },
    /// A cluster.
    Cluster { at: String, spec: Box<ResourceSpec> },
    /// Who has it.
    Lease {
        at: String,
        id: String,
        owner: String,
        labels: BTreeMap<String, String>,
    },
    /// A lease that is over.
    Past { at: String, past: Box<Past> },
    /// Everybody sees the pool, which an import made.
    Open,
    /// A user.
    User {
        at: String,
        name: String,
        spec: Box<UserSpec>,
        /// Why he has no password.
        locked: Option<&'static str>,
    },
}

impl Step {
    /// What it makes.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Host { .. } => "host",
            Self::Pool { .. } => "pool",
            Self::Cluster { .. } => "resource",
            Self::Lease { .. } => "lease",
            Self::Past { .. } => "past lease",
            Self::Open => "visibility of the pool",
            Self::User { .. } => "user",
        }
    }

    /// Is it of the pool that all clusters go into?
    pub fn is_pool(&self) -> bool {
        matches!(self, Self::Pool { .. } | Self::Open)
    }

    /// How that is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Host { name, .. } | Self::User { name, .. } => name,
            Self::Pool { .. } => "of clusters",
            Self::Cluster { spec, .. } => &spec.name,
            Self::Lease { owner, .. } => owner,
            Self::Past { past, .. } => &past.owner,
            Self::Open => "for everybody",
        }
    }

    /// Where it comes from.
    pub fn at(&self) -> &str {
        match self {
            Self::Host { at, .. }
            | Self::Cluster { at, .. }
            | Self::Lease { at, .. }
            | Self::Past { at, .. }
            | Self::User { at, .. } => at,
            Self::Pool { .. } | Self::Open => "",
        }
    }

    /// What people should know of it.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Host { spec, .. } => vec![format!(
                "{}, cordoned, capacity {}",
                spec.address.as_deref().unwrap_or_default(),
                spec.capacity.get("resources").copied().unwrap_or_default()
            )],
            Self::Cluster { spec, .. } => {
                let mut details: Vec<String> = spec
                    .endpoints
                    .iter()
                    .map(|(name, at)| format!("{name} {at}"))
                    .collect();
                if spec.state == DeclaredState::Withheld {
                    details.push("withheld: return it once you have looked at it".to_owned());
                }
                if details.is_empty() {
                    details.push("no address of it is known".to_owned());
                }
                details
            }
            Self::Lease { id, .. } => vec![format!("of the cluster {id}, without a deadline")],
            Self::Past { past, .. } => vec![format!("{} to {}", past.granted_at, past.ended_at)],
            Self::User { spec, locked, .. } => {
                let role = match spec.role {
                    Role::Admin => "admin",
                    Role::Operator => "operator",
                    Role::User => "user",
                };
                let active = if spec.active { "" } else { ", not active" };
                let locked = locked.map(|why| format!(", without a password: {why}"));
                vec![format!("{role}{active}{}", locked.unwrap_or_default())]
            }
            Self::Pool { .. } => {
                vec!["hidden until all of it is there; what is given back waits dirty".to_owned()]
            }
            Self::Open => vec![],
        }
    }
}

/// What is to be made, and what is not.
#[derive(Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub skipped: Vec<Skipped>,
    pub notes: Vec<String>,
}

/// Reads every file.
pub fn read(args: &PoolmanagerArgs) -> Result<Read, Failure> {
    let mut files = [
        args.hosts.clone(),
        args.clusters.clone(),
        args.service_ports.clone(),
        args.released.clone(),
        args.users.clone(),
        args.profiles.clone(),
    ];
    let mut notes = Vec::new();
    if let Some(folder) = &args.folder {
        let in_folder = collections(folder, &mut notes)?;
        for (files, more) in files.iter_mut().zip(in_folder) {
            files.extend(more);
        }
    }
    if files.iter().all(Vec::is_empty) {
        return Err(Failure::usage(
            "name a folder of exported collections, or files: --hosts, --clusters, --users …",
        ));
    }
    let mut skipped = Vec::new();
    let mut next = |files: &[PathBuf]| {
        let mut all = Vec::new();
        for file in files {
            all.extend(documents(file, &mut skipped)?);
        }
        Ok::<_, Failure>(all)
    };
    let [hosts, clusters, service_ports, released, users, profiles] = &files;
    Ok(Read {
        hosts: next(hosts)?,
        clusters: next(clusters)?,
        service_ports: next(service_ports)?,
        released: next(released)?,
        users: next(users)?,
        profiles: next(profiles)?,
        skipped,
        notes,
    })
}

/// The files of a folder by what they hold, in the order of `Read`.
fn collections(folder: &Path, notes: &mut Vec<String>) -> Result<[Vec<PathBuf>; 6], Failure> {
    let named = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", folder.display()));
    let mut found: [Vec<PathBuf>; 6] = Default::default();
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| named(&e))? {
        entries.push(entry.map_err(|e| named(&e))?.path());
    }
    entries.sort();
    for path in entries {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_json = path
            .extension()
            .is_some_and(|e| e == "json" || e == "jsonl");
        let place = match &*stem {
            _ if !is_json => continue,
            "host" | "hosts" => 0,
            "cluster" | "clusters" | "cluster_active" => 1,
            "service_port" | "service_ports" => 2,
            "cluster_released" | "released" => 3,
            "user" | "users" => 4,
            "profile" | "profiles" => 5,
            other => {
                notes.push(format!("{other} is no collection that is read"));
                continue;
            }
        };
        found[place].push(path);
    }
    if found.iter().all(Vec::is_empty) {
        return Err(named(
            &"no collection is here: host.json, cluster_active.json, user.json …",
        ));
    }
    Ok(found)
}

/// Decides what is made.
pub fn plan(args: &PoolmanagerArgs, read: Read, there: &There) -> Plan {
    let mut plan = Plan {
        skipped: read.skipped,
        notes: read.notes,
        ..Plan::default()
    };
    hosts(args, &read.hosts, there, &mut plan);
    let names: BTreeMap<String, String> = read
        .hosts
        .iter()
        .filter_map(|d| Some((id(d)?, d.text(&["name"])?)))
        .collect();
    // From Cello 0.8 on, clusters name users by their ids.
    let user_names: BTreeMap<String, String> = read
        .users
        .iter()
        .filter_map(|d| Some((id(d)?, d.text(&["username"])?)))
        .collect();
    let is_over = |d: &&Document| d.text(&["state"]).as_deref() == Some("released");
    let over = read.clusters.iter().filter(is_over).chain(&read.released);
    let past = released(args, over, &user_names, there, &mut plan);
    clusters(
        args,
        (&read.clusters, &read.service_ports, past),
        (&names, &user_names),
        there,
        &mut plan,
    );
    users(args, &read.users, &read.profiles, there, &mut plan);
    plan
}

impl Plan {
    fn skip(&mut self, document: &Document, what: &str, why: impl Into<String>) {
        self.skipped.push(Skipped {
            at: document.at.clone(),
            what: what.to_owned(),
            why: why.into(),
        });
    }
}

/// The id a document has, as long as it is one: hexadecimal digits, mostly.
fn id(document: &Document) -> Option<String> {
    let id = document.text(&["_id", "id"])?;
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    ((1..=64).contains(&id.len()) && id.bytes().all(sound)).then_some(id)
}

/// A label's value as near to a text as the rule allows.
fn label(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = shown.collect();
    shown.truncate(shown.floor_char_boundary(limits::LABEL_VALUE_BYTES_MAX));
    shown
}
