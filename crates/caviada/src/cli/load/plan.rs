//! What must change for the server to have what a file says, and in which order.

mod again;
mod remove;

use std::collections::BTreeMap;

use caviada_api::client::{Client, Error, every};
use caviada_api::host::{DeleteHost, Host, HostSpec};
use caviada_api::key::{Key, NewKey};
use caviada_api::list::PageQuery;
use caviada_api::pool::{Pool, PoolSpec};
use caviada_api::quota::{Quota, QuotaSpec};
use caviada_api::resource::{DECLARE_MAX, DeleteResource, Resource, ResourceQuery, ResourceSpec};
use caviada_api::template::TemplateSpec;
use caviada_api::webhook::{Webhook, WebhookSpec};
use caviada_core::id::{KeyId, ResourceId};
use serde::Serialize;

pub use again::again;

use super::compare::differences;
use super::document::{self, Source};
use crate::cli::exit::Failure;
use crate::cli::{key, resource, webhook};

/// Whether something appears, differs or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there, but not so.
    Change,
    /// It is no longer in the file.
    Remove,
}

/// One difference between file and server.
#[derive(Debug, Serialize)]
pub struct Change {
    /// What happens to it.
    pub action: Action,
    /// `pool`, `resource` …
    pub noun: &'static str,
    /// Its name.
    pub name: String,
    /// What differs.
    pub fields: Vec<String>,
    #[serde(skip)]
    call: Call,
}

/// The call that makes a change; with the etag of what was compared, if it was there.
#[derive(Debug)]
enum Call {
    PutTemplate(TemplateSpec, Option<String>),
    PutHost(Box<HostSpec>, Option<String>),
    PutPool(Box<PoolSpec>, Option<String>),
    Declare(ResourceSpec),
    PutQuota(QuotaSpec, Option<String>),
    PutWebhook(WebhookSpec, Option<String>),
    CreateKey(NewKey),
    DeleteKey(KeyId),
    DeleteQuota,
    DeleteWebhook,
    DeleteResource(ResourceId),
    DeletePool,
    DeleteTemplate,
    DeleteHost,
}

/// All that must change, what is needed first in front.
#[derive(Debug, Default)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
    /// What `--prune` leaves, and why.
    pub kept: Vec<String>,
    /// Something that should go could not be removed.
    pub failed: bool,
}

impl Plan {
    fn change(
        &mut self,
        noun: &'static str,
        name: &str,
        action: Action,
        fields: Vec<String>,
        call: Call,
    ) {
        self.changes.push(Change {
            action,
            noun,
            name: name.to_owned(),
            fields,
            call,
        });
    }
}

/// Compares.
pub async fn make(client: &Client, source: &Source, prune: bool) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    templates(client, source, &mut plan).await?;
    hosts(client, source, &mut plan).await?;
    pools(client, source, &mut plan).await?;
    resources(client, source, &mut plan).await?;
    quotas(client, source, &mut plan).await?;
    keys(client, source, &mut plan).await?;
    webhooks(client, source, &mut plan).await?;
    if prune {
        remove::gone(client, &source.document, &mut plan).await?;
    }
    Ok(plan)
}

async fn templates(client: &Client, source: &Source, plan: &mut Plan) -> Result<(), Failure> {
    for (name, files) in &source.templates {
        let spec = TemplateSpec {
            files: files.clone(),
            declared_in: Some(source.document.name.clone()),
        };
        match known(client.template(name).await)? {
            None => {
                let call = Call::PutTemplate(spec, None);
                plan.change("template", name, Action::Create, Vec::new(), call);
            }
            Some(there) => {
                let old = TemplateSpec {
                    files: there.files,
                    declared_in: there.declared_in,
                };
                let fields = differences(&old, &spec);
                if !fields.is_empty() {
                    let call = Call::PutTemplate(spec, Some(there.etag));
                    plan.change("template", name, Action::Change, fields, call);
                }
            }
        }
    }
    Ok(())
}

async fn hosts(client: &Client, source: &Source, plan: &mut Plan) -> Result<(), Failure> {
    for entry in &source.document.hosts {
        let there: Option<Host> = known(client.host(&entry.name).await)?;
        let before = there.as_ref().map(|host| &host.spec);
        let mut spec = entry.spec(&source.document.name, before);
        spec.credential = source.credentials.get(&entry.name).cloned();
        let registries = source.registries.get(&entry.name).cloned();
        spec.images.registries = registries.unwrap_or_default();
        let fields = there
            .as_ref()
            .map_or(Vec::new(), |there| again::of_host(there, &spec));
        let action = if there.is_some() {
            Action::Change
        } else {
            Action::Create
        };
        if there.is_none() || !fields.is_empty() {
            let call = Call::PutHost(Box::new(spec), there.map(|host| host.etag));
            plan.change("host", &entry.name, action, fields, call);
        }
    }
    Ok(())
}

async fn pools(client: &Client, source: &Source, plan: &mut Plan) -> Result<(), Failure> {
    for entry in &source.document.pools {
        let spec = entry.spec(&source.document.name);
        match known::<Pool>(client.pool(&entry.name).await)? {
            None => {
                let call = Call::PutPool(Box::new(spec), None);
                plan.change("pool", &entry.name, Action::Create, Vec::new(), call);
            }
            Some(there) => {
                let fields = again::of_pool(&there, &spec);
                if !fields.is_empty() {
                    let call = Call::PutPool(Box::new(spec), Some(there.etag));
                    plan.change("pool", &entry.name, Action::Change, fields, call);
                }
            }
        }
    }
    Ok(())
}

async fn resources(client: &Client, source: &Source, plan: &mut Plan) -> Result<(), Failure> {
    let mut wanted: BTreeMap<&str, Vec<ResourceSpec>> = BTreeMap::new();
    for entry in &source.document.resources {
        let specs = entry.specs(&source.document.name);
        wanted.entry(&entry.pool).or_default().extend(specs);
    }
    for (pool, specs) in wanted {
        let there = of_pool(client, pool).await?;
        for spec in specs {
            let name = format!("{pool}/{}", spec.name);
            match there.get(&spec.name) {
                None => {
                    let call = Call::Declare(spec);
                    plan.change("resource", &name, Action::Create, Vec::new(), call);
                }
                Some(resource) => {
                    let fields = differences(&as_declared(resource, &spec), &spec);
                    if !fields.is_empty() {
                        let call = Call::Declare(spec);
                        plan.change("resource", &name, Action::Change, fields, call);
                    }
                }
            }
        }
    }
    Ok(())
}

/// A pool's own resources by name, without the slices cut from them.
async fn of_pool(client: &Client, pool: &str) -> Result<BTreeMap<String, Resource>, Failure> {
    if known::<Pool>(client.pool(pool).await)?.is_none() {
        return Ok(BTreeMap::new());
    }
    let query = ResourceQuery {
        pool: Some(pool.to_owned()),
        limit: Some(caviada_api::list::LIMIT_MAX),
        ..ResourceQuery::default()
    };
    let list = resource::all(client, &query).await?;
    let own = list.items.into_iter().filter(|r| r.slice_of.is_none());
    Ok(own.map(|r| (r.name.clone(), r)).collect())
}

/// What is there in the words of a declaration. How it began is past and not compared.
fn as_declared(there: &Resource, wanted: &ResourceSpec) -> ResourceSpec {
    ResourceSpec {
        pool: there.pool.clone(),
        name: there.name.clone(),
        attributes: there.attributes.clone(),
        labels: there.labels.clone(),
        endpoints: there.endpoints.clone(),
        state: wanted.state,
        reason: wanted.reason,
        divisible: there.divisible.clone(),
        declared_in: there.declared_in.clone(),
    }
}

async fn quotas(client: &Client, source: &Source, plan: &mut Plan) -> Result<(), Failure> {
    for entry in &source.document.quotas {
        let spec = entry.spec(&source.document.name);
        match known::<Quota>(client.quota(&entry.owner).await)? {
            None => {
                let call = Call::PutQuota(spec, None);
                plan.change("quota", &entry.owner, Action::Create, Vec::new(), call);
            }
            Some(there) => {
                let fields = differences(&there.spec, &spec);
                if !fields.is_empty() {
                    let call = Call::PutQuota(spec, Some(there.etag));
                    plan.change("quota", &entry.owner, Action::Change, fields, call);
                }
            }
        }
    }
    Ok(())
}

async fn keys(client: &Client, source: &Source, plan: &mut Plan) -> Result<(), Failure> {
    if source.document.keys.is_empty() {
        return Ok(());
    }
    let there = key::all(client).await?.items;
    for entry in &source.document.keys {
        let mut wanted = entry.new_key(&source.document.name);
        match there.iter().find(|key| key.name == entry.name) {
            None => {
                wanted.secret = document::secret(entry)?;
                let call = Call::CreateKey(wanted);
                plan.change("key", &entry.name, Action::Create, Vec::new(), call);
            }
            Some(there) if !same_rights(there, &wanted) => {
                // A key cannot change: whoever has its secret would not know what it may do now.
                return Err(Failure::failed(format!(
                    "key {0} exists with other rights: `caviada key rm {0}`, then load again",
                    entry.name
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn webhooks(client: &Client, source: &Source, plan: &mut Plan) -> Result<(), Failure> {
    for entry in &source.document.webhooks {
        let mut spec = entry.spec(&source.document.name);
        let there = known::<Webhook>(client.webhook(&entry.name).await)?;
        let fields = there
            .as_ref()
            .map_or(Vec::new(), |there| differences(&there.spec, &spec));
        let action = match &there {
            None => Action::Create,
            Some(_) if fields.is_empty() => continue,
            Some(_) => Action::Change,
        };
        let variable = entry.secret_env.as_deref();
        spec.secret = variable.map(webhook::secret).transpose()?;
        let call = Call::PutWebhook(spec, there.map(|w| w.etag));
        plan.change("webhook", &entry.name, action, fields, call);
    }
    Ok(())
}

fn same_rights(there: &Key, wanted: &NewKey) -> bool {
    let set = |texts: &[String]| {
        texts
            .iter()
            .cloned()
            .collect::<std::collections::BTreeSet<_>>()
    };
    there.role == wanted.role
        && there.owner == *wanted.owner.as_ref().unwrap_or(&wanted.name)
        && set(&there.groups) == set(&wanted.groups)
        && set(&there.act_for) == set(&wanted.act_for)
}

/// What is there, if it is.
fn known<T>(answer: Result<T, Error>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.is_unknown() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What one call did.
#[derive(Debug)]
pub struct Acted {
    /// Changes made.
    pub count: usize,
    /// The server had it so already: it fills in defaults that the file leaves out.
    pub same: bool,
    /// The secret of a key or webhook that was made.
    pub secret: Option<String>,
}

/// Makes the first of `changes`, and those after it that fit into the same call.
pub async fn act(client: &Client, changes: &[Change]) -> Result<Acted, Error> {
    let declared: Vec<ResourceSpec> = changes
        .iter()
        .take(DECLARE_MAX)
        .map_while(|change| match &change.call {
            Call::Declare(spec) => Some(spec.clone()),
            _ => None,
        })
        .collect();
    if !declared.is_empty() {
        let count = declared.len();
        client.declare(declared).await?;
        return Ok(Acted {
            count,
            same: false,
            secret: None,
        });
    }
    let mut acted = Acted {
        count: 1,
        same: false,
        secret: None,
    };
    if let Some(change) = changes.first() {
        act_one(client, change, &mut acted).await?;
    }
    Ok(acted)
}

async fn act_one(client: &Client, change: &Change, acted: &mut Acted) -> Result<(), Error> {
    let name = change.name.as_str();
    let mut put = |before: &Option<String>, after: String| acted.same = *before == Some(after);
    match &change.call {
        Call::PutTemplate(spec, etag) => {
            put(
                etag,
                client.put_template(name, spec, etag.as_deref()).await?.etag,
            );
        }
        Call::PutHost(spec, etag) => {
            put(
                etag,
                client.put_host(name, spec, etag.as_deref()).await?.etag,
            );
        }
        Call::PutPool(spec, etag) => {
            put(
                etag,
                client.put_pool(name, spec, etag.as_deref()).await?.etag,
            );
        }
        Call::PutQuota(spec, etag) => {
            put(
                etag,
                client.put_quota(name, spec, etag.as_deref()).await?.etag,
            );
        }
        Call::PutWebhook(spec, etag) => {
            let declared = client.put_webhook(name, spec, etag.as_deref()).await?;
            put(etag, declared.webhook.etag);
            acted.secret = declared.secret;
        }
        Call::Declare(spec) => drop(client.declare(vec![spec.clone()]).await?),
        Call::CreateKey(new) => {
            let chosen = new.secret.is_some();
            let secret = client.create_key(new).await?.secret;
            // One that came from the environment is known already.
            acted.secret = secret.filter(|_| !chosen);
        }
        Call::DeleteKey(id) => client.delete_key(*id).await?,
        Call::DeleteQuota => client.delete_quota(name).await?,
        Call::DeleteWebhook => client.delete_webhook(name).await?,
        Call::DeleteResource(id) => {
            let query = DeleteResource { force: false };
            client.delete_resource(*id, &query).await?;
        }
        Call::DeletePool => client.delete_pool(name).await?,
        Call::DeleteTemplate => client.delete_template(name).await?,
        Call::DeleteHost => {
            let query = DeleteHost { forget: false };
            client.delete_host(name, &query).await?;
        }
    }
    Ok(())
}

/// All pages of a list without conditions.
async fn all<T>(
    mut fetch: impl AsyncFnMut(PageQuery) -> Result<caviada_api::list::List<T>, Error>,
) -> Result<Vec<T>, Failure> {
    let page = async |cursor| {
        let query = PageQuery {
            limit: Some(caviada_api::list::LIMIT_MAX),
            cursor,
        };
        fetch(query).await
    };
    Ok(every(page).await?.items)
}
