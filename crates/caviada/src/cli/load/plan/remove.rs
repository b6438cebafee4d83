//! What `--prune` removes: what an earlier load of this file declared and the file no longer has.
//! What is leased stays, and whatever it needs.

use std::collections::BTreeSet;

use caviada_api::client::Client;
use caviada_api::declare::Document;
use caviada_api::resource::{Resource, ResourceQuery, ResourceState};

use super::{Action, Call, Plan, all};
use crate::cli::exit::Failure;
use crate::cli::resource;

/// In the order in which nothing needs what goes before it.
pub async fn gone(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    webhooks(client, document, plan).await?;
    keys(client, document, plan).await?;
    quotas(client, document, plan).await?;
    resources(client, document, plan).await?;
    pools(client, document, plan).await?;
    templates(client, document, plan).await?;
    hosts(client, document, plan).await
}

/// Declared by this file, and no longer in it.
fn is_gone(declared_in: Option<&String>, document: &Document, named: bool) -> bool {
    declared_in == Some(&document.name) && !named
}

/// Keys, quotas and webhooks are for admins: an operator prunes the rest.
fn for_admins<T>(answer: Result<Vec<T>, Failure>, noun: &str) -> Vec<T> {
    answer.unwrap_or_else(|failure| {
        eprintln!("caviada: {noun} are not pruned: {failure}");
        Vec::new()
    })
}

async fn keys(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    let names: BTreeSet<&str> = document.keys.iter().map(|e| e.name.as_str()).collect();
    let there = all(async |page| client.keys(&page).await).await;
    for key in for_admins(there, "keys") {
        if is_gone(
            key.declared_in.as_ref(),
            document,
            names.contains(key.name.as_str()),
        ) {
            let call = Call::DeleteKey(key.id);
            plan.change("key", &key.name, Action::Remove, Vec::new(), call);
        }
    }
    Ok(())
}

async fn webhooks(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    let names: BTreeSet<&str> = document.webhooks.iter().map(|e| e.name.as_str()).collect();
    let there = all(async |page| client.webhooks(&page).await).await;
    for webhook in for_admins(there, "webhooks") {
        let named = names.contains(webhook.name.as_str());
        if is_gone(webhook.spec.declared_in.as_ref(), document, named) {
            let call = Call::DeleteWebhook;
            plan.change("webhook", &webhook.name, Action::Remove, Vec::new(), call);
        }
    }
    Ok(())
}

async fn quotas(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    let owners: BTreeSet<&str> = document.quotas.iter().map(|e| e.owner.as_str()).collect();
    let there = all(async |page| client.quotas(&page).await).await;
    for quota in for_admins(there, "quotas") {
        let named = owners.contains(quota.owner.as_str());
        if is_gone(quota.spec.declared_in.as_ref(), document, named) {
            plan.change(
                "quota",
                &quota.owner,
                Action::Remove,
                Vec::new(),
                Call::DeleteQuota,
            );
        }
    }
    Ok(())
}

async fn resources(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    let names: BTreeSet<(&str, &str)> = document
        .resources
        .iter()
        .flat_map(|e| e.names().map(|name| (e.pool.as_str(), name)))
        .collect();
    let query = ResourceQuery {
        declared_in: Some(document.name.clone()),
        limit: Some(caviada_api::list::LIMIT_MAX),
        ..ResourceQuery::default()
    };
    for resource in resource::all(client, &query).await?.items {
        let named = names.contains(&(resource.pool.as_str(), resource.name.as_str()));
        if !is_gone(resource.declared_in.as_ref(), document, named) {
            continue;
        }
        let name = format!("{}/{}", resource.pool, resource.name);
        if is_used(&resource) {
            plan.kept.push(format!("resource {name}: it is leased"));
        } else {
            let call = Call::DeleteResource(resource.id);
            plan.change("resource", &name, Action::Remove, Vec::new(), call);
        }
    }
    Ok(())
}

fn is_used(resource: &Resource) -> bool {
    // One that slices are cut from is refused by the server, which alone sees them all.
    resource.state == ResourceState::Leased || resource.holder.is_some()
}

async fn pools(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    let names: BTreeSet<&str> = document.pools.iter().map(|e| e.name.as_str()).collect();
    for pool in all(async |page| client.pools(&page).await).await? {
        let named = names.contains(pool.name.as_str());
        if !is_gone(pool.spec.declared_in.as_ref(), document, named) || pool.draining {
            continue;
        }
        if pool.counts.leased > 0 || pool.waiting > 0 {
            plan.kept.push(format!("pool {}: it has leases", pool.name));
        } else {
            plan.change(
                "pool",
                &pool.name,
                Action::Remove,
                Vec::new(),
                Call::DeletePool,
            );
        }
    }
    Ok(())
}

async fn templates(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    let names: BTreeSet<&str> = document.templates.iter().map(|e| e.name.as_str()).collect();
    for template in all(async |page| client.templates(&page).await).await? {
        let named = names.contains(template.name.as_str());
        if is_gone(template.declared_in.as_ref(), document, named) {
            let call = Call::DeleteTemplate;
            plan.change("template", &template.name, Action::Remove, Vec::new(), call);
        }
    }
    Ok(())
}

async fn hosts(client: &Client, document: &Document, plan: &mut Plan) -> Result<(), Failure> {
    let names: BTreeSet<&str> = document.hosts.iter().map(|e| e.name.as_str()).collect();
    for host in all(async |page| client.hosts(&page).await).await? {
        let named = names.contains(host.name.as_str());
        if !is_gone(host.spec.declared_in.as_ref(), document, named) || host.draining {
            continue;
        }
        if host.counts.leased > 0 {
            plan.kept
                .push(format!("host {}: it has leased resources", host.name));
        } else {
            plan.change(
                "host",
                &host.name,
                Action::Remove,
                Vec::new(),
                Call::DeleteHost,
            );
        }
    }
    Ok(())
}
