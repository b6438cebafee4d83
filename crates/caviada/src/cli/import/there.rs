//! What is there already, and how what is not is made.

use std::collections::{BTreeMap, BTreeSet};

use caviada_api::client::{Client, Error, every};
use caviada_api::lease::Acquire;
use caviada_api::list::PageQuery;
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{ResourceQuery, ResourceState, Withhold};

use super::poolmanager::{ID, Step};
use crate::cli::exit::Failure;

/// What an import finds there.
#[derive(Debug, Default)]
pub struct There {
    /// Names of hosts.
    pub hosts: BTreeSet<String>,
    /// Their old ids and their addresses.
    pub known_hosts: BTreeSet<String>,
    /// The pool for clusters, if it is there.
    pub pool: Option<PoolSpec>,
    /// Names of its members.
    pub resources: BTreeSet<String>,
    /// Old id → name and state.
    pub clusters: BTreeMap<String, (String, ResourceState)>,
    /// Names of users.
    pub users: BTreeSet<String>,
}

impl There {
    /// An import has begun to fill the pool and was not finished: nobody sees it yet.
    pub fn hidden(&self) -> bool {
        self.pool.as_ref().is_some_and(is_hidden)
    }
}

/// Nobody but operators sees it.
pub fn is_hidden(spec: &PoolSpec) -> bool {
    spec.visibility.owners.as_ref().is_some_and(Vec::is_empty)
}

/// Looks.
pub async fn look(client: &Client, pool: &str) -> Result<There, Failure> {
    let mut there = There::default();
    let page = |cursor| PageQuery {
        limit: None,
        cursor,
    };
    for host in every(async |cursor| client.hosts(&page(cursor)).await)
        .await?
        .items
    {
        there.known_hosts.extend(host.spec.labels.get(ID).cloned());
        there.known_hosts.extend(host.spec.address);
        there.hosts.insert(host.name);
    }
    let users = every(async |cursor| client.users(&page(cursor)).await).await?;
    there.users = users.items.into_iter().map(|u| u.name).collect();
    match client.pool(pool).await {
        Ok(found) => there.pool = Some(found.spec),
        Err(error) if error.is_unknown() => return Ok(there),
        Err(error) => return Err(error.into()),
    }
    let members = async |cursor| {
        let query = ResourceQuery {
            pool: Some(pool.to_owned()),
            cursor,
            ..ResourceQuery::default()
        };
        client.resources(&query).await
    };
    for r in every(members).await?.items {
        if let Some(id) = r.labels.get(ID) {
            there.clusters.insert(id.clone(), (r.name.clone(), r.state));
        }
        there.resources.insert(r.name);
    }
    Ok(there)
}

/// Makes one thing.
pub async fn make(client: &Client, pool: &str, step: &Step) -> Result<(), Error> {
    match step {
        Step::Host { name, spec, .. } => drop(client.put_host(name, spec, None).await?),
        Step::User { name, spec, .. } => drop(client.put_user(name, spec, None).await?),
        Step::Pool { spec } => drop(client.put_pool(pool, spec, None).await?),
        Step::Cluster { spec, .. } => drop(client.declare(vec![(**spec).clone()]).await?),
        Step::Lease {
            id, owner, labels, ..
        } => {
            let want = Acquire {
                pool: Some(pool.to_owned()),
                selector: Some(format!("{ID}={id}")),
                owner: Some(owner.clone()),
                labels: labels.clone(),
                ..Acquire::default()
            };
            // Whoever imports again goes on where he was.
            let key = format!("import poolmanager {id}");
            if let Err(error) = client.acquire_once(&want, &key).await {
                keep_back(client, pool, id).await?;
                return Err(error);
            }
        }
        Step::Open => {
            let there = client.pool(pool).await?;
            let mut spec = there.spec;
            spec.visibility.owners = None;
            client.put_pool(pool, &spec, Some(&there.etag)).await?;
        }
    }
    Ok(())
}

/// Somebody has it in the old system and could not be given it here: nobody else is, either.
async fn keep_back(client: &Client, pool: &str, id: &str) -> Result<(), Error> {
    let query = ResourceQuery {
        pool: Some(pool.to_owned()),
        selector: Some(format!("{ID}={id}")),
        ..ResourceQuery::default()
    };
    for r in client.resources(&query).await?.items {
        let why = Withhold {
            note: Some("its holder in the old system has no lease here".to_owned()),
            ..Withhold::default()
        };
        client.withhold(r.id, &why).await?;
    }
    Ok(())
}
