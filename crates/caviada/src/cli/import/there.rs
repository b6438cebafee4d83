//! What is there already, and how what is not is made.

use std::collections::{BTreeMap, BTreeSet};

use caviada_api::client::{Client, Error, every};
use caviada_api::lease::{Acquire, Lease, LeaseQuery, LeaseState};
use caviada_api::list::PageQuery;
use caviada_api::pool::PoolSpec;
use caviada_api::problem::{Problem, code};
use caviada_api::resource::{Resource, ResourceQuery, ResourceState, Withhold};

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
    /// Old ids of its leases that are over.
    pub past: BTreeSet<String>,
    /// Names of users.
    pub users: BTreeSet<String>,
}

impl There {
    /// An import made the pool and was not finished: nobody sees it yet. One that somebody else hid
    /// stays hidden.
    pub fn is_unfinished(&self) -> bool {
        self.pool.as_ref().is_some_and(is_unfinished)
    }
}

/// Where a pool says it comes from as long as it is not whole.
pub const UNFINISHED: &str = "import poolmanager, not finished";

fn is_unfinished(spec: &PoolSpec) -> bool {
    is_hidden(spec) && spec.declared_in.as_deref() == Some(UNFINISHED)
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
    let over = async |cursor| {
        let query = LeaseQuery {
            pool: Some(pool.to_owned()),
            state: Some(LeaseState::Ended),
            selector: Some(format!("{ID} exists")),
            cursor,
            ..LeaseQuery::default()
        };
        client.leases(&query).await
    };
    let over = every(over).await?.items.into_iter().filter(is_imported);
    there.past = over.filter_map(|mut l| l.labels.remove(ID)).collect();
    Ok(there)
}

/// Was an ended lease entered by an import? Holders may set labels, too; but what was granted here has a
/// fence, and what only waited was granted nowhere.
fn is_imported(lease: &Lease) -> bool {
    lease.fence.is_none() && lease.granted_at.is_some()
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
            let Some(resource) = member(client, pool, id).await? else {
                return Err(refused(404, "its cluster is gone"));
            };
            let want = Acquire {
                pool: Some(pool.to_owned()),
                selector: Some(format!("{ID}={id}")),
                owner: Some(owner.clone()),
                labels: labels.clone(),
                ..Acquire::default()
            };
            // By this resource: one that was made anew after an undo is another one.
            let key = format!("import poolmanager {}", resource.id);
            let error = match client.acquire_once(&want, &key).await {
                Ok(lease) if holds(&lease, &resource) => return Ok(()),
                Ok(_) => refused(
                    409,
                    "an earlier import gave him this cluster, and he gave it back",
                ),
                Err(error) => error,
            };
            keep_back(client, pool, id).await?;
            return Err(error);
        }
        Step::Past { past, .. } => drop(client.import_lease(past).await?),
        Step::Open => {
            let there = client.pool(pool).await?;
            let mut spec = there.spec;
            if !is_unfinished(&spec) {
                return Ok(());
            }
            spec.visibility.owners = None;
            spec.declared_in = None;
            client.put_pool(pool, &spec, Some(&there.etag)).await?;
        }
    }
    Ok(())
}

/// Somebody has it in the old system and could not be given it here: nobody else is, either.
async fn keep_back(client: &Client, pool: &str, id: &str) -> Result<(), Error> {
    if let Some(r) = member(client, pool, id).await? {
        let why = Withhold {
            note: Some("its holder in the old system has no lease here".to_owned()),
            ..Withhold::default()
        };
        client.withhold(r.id, &why).await?;
    }
    Ok(())
}

/// The member that was the cluster of this id.
async fn member(client: &Client, pool: &str, id: &str) -> Result<Option<Resource>, Error> {
    let query = ResourceQuery {
        pool: Some(pool.to_owned()),
        selector: Some(format!("{ID}={id}")),
        ..ResourceQuery::default()
    };
    Ok(client.resources(&query).await?.items.into_iter().next())
}

/// Is it his now, and no lease of another time?
fn holds(lease: &Lease, resource: &Resource) -> bool {
    lease.state == LeaseState::Active && lease.resources.iter().any(|r| r.id == resource.id)
}

fn refused(status: u16, why: &str) -> Error {
    Error::Refused(Box::new(Problem {
        status,
        code: code::LEASE_ENDED.to_owned(),
        title: why.to_owned(),
        ..Problem::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_a_holder_passes_for_no_import() {
        let lease = |more: serde_json::Value| {
            let mut lease = serde_json::json!({
                "id": "lease_0000000000007", "state": "ended", "owner": "ana",
                "pools": ["imported"], "resources": [], "labels": {ID: "1"},
            });
            let all = more.as_object().unwrap().clone();
            lease.as_object_mut().unwrap().extend(all);
            serde_json::from_value::<Lease>(lease).unwrap()
        };
        let granted = "2031-04-05T06:07:08.009Z";
        assert!(is_imported(&lease(
            serde_json::json!({"granted_at": granted})
        )));
        let here = serde_json::json!({"granted_at": granted, "fence": 8});
        assert!(!is_imported(&lease(here)));
        assert!(!is_imported(&lease(serde_json::json!({}))));
    }
}
