//! One method per endpoint.

use caviada_core::id::{KeyId, LeaseId, ResourceId};
use caviada_core::limits;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, Error};
use crate::event::{Event, EventQuery};
use crate::host::{CheckHost, DeleteHost, Host, HostCheck, HostPatch, HostSpec};
use crate::key::{CreatedKey, Key, NewKey};
use crate::lease::{
    Acquire, Annotate, Give, Lease, LeaseFiles, LeaseQuery, LeaseWait, Past, Release, Renew,
    Revoke, Share,
};
use crate::list::{List, PageQuery};
use crate::pool::{Pool, PoolSpec};
use crate::quota::{Quota, QuotaSpec};
use crate::resource::{
    Alter, Build, Declare, DeleteResource, LogQuery, Resource, ResourceQuery, ResourceSpec, Turn,
    Withhold,
};
use crate::stats::Stats;
use crate::template::{Template, TemplateSpec};
use crate::user::{NewPassword, Profile, User, UserSpec};
use crate::webhook::{DeclaredWebhook, Webhook, WebhookSpec};

/// Longest single long-poll that a server keeps open, in milliseconds.
pub const POLL_MS_MAX: u64 = limits::server::LONG_POLL_MS_MAX;

impl Client {
    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        self.send(self.call(Method::GET, path)).await
    }

    async fn list<T: DeserializeOwned, Q: Serialize>(
        &self,
        path: &[&str],
        query: &Q,
    ) -> Result<List<T>, Error> {
        self.send(self.call_with(Method::GET, path, query)?).await
    }

    async fn post<T: DeserializeOwned, B: Serialize>(
        &self,
        path: &[&str],
        body: &B,
    ) -> Result<T, Error> {
        self.send(self.call(Method::POST, path).body(body)?).await
    }

    async fn put<T: DeserializeOwned, B: Serialize>(
        &self,
        path: &[&str],
        body: &B,
        if_match: Option<&str>,
    ) -> Result<T, Error> {
        let call = self.call(Method::PUT, path).body(body)?.if_match(if_match);
        self.send(call).await
    }

    async fn delete(&self, path: &[&str]) -> Result<(), Error> {
        self.send_for_nothing(self.call(Method::DELETE, path)).await
    }

    /// Acquires; the lease is preparing or active (granted) or waiting.
    pub async fn acquire(&self, acquire: &Acquire) -> Result<Lease, Error> {
        self.post(&["leases"], acquire).await
    }

    /// Acquires under the caller's own idempotency key, so that even a new process repeats safely.
    pub async fn acquire_once(&self, acquire: &Acquire, key: &str) -> Result<Lease, Error> {
        let mut call = self.call(Method::POST, &["leases"]).body(acquire)?;
        call.key = Some(key.to_owned());
        self.send(call).await
    }

    /// One page of leases.
    pub async fn leases(&self, query: &LeaseQuery) -> Result<List<Lease>, Error> {
        self.list(&["leases"], query).await
    }

    /// A lease as it is.
    pub async fn lease(&self, id: LeaseId) -> Result<Lease, Error> {
        self.get(&["leases", &id.to_string()]).await
    }

    /// A lease once it is neither waiting nor preparing, or as it is after `wait_ms`, at most
    /// [`POLL_MS_MAX`].
    pub async fn lease_settled(&self, id: LeaseId, wait_ms: u64) -> Result<Lease, Error> {
        let wait_ms = wait_ms.min(POLL_MS_MAX);
        let query = LeaseWait {
            wait_ms: Some(wait_ms),
        };
        let call = self
            .call_with(Method::GET, &["leases", &id.to_string()], &query)?
            .open_for(wait_ms);
        self.send(call).await
    }

    /// What the holder of a resource takes along, as a tar archive.
    pub async fn lease_files(&self, id: LeaseId, resource: ResourceId) -> Result<Vec<u8>, Error> {
        let query = LeaseFiles {
            resource: Some(resource),
        };
        let path = &["leases", &id.to_string(), "files"];
        self.repeat(&self.call_with(Method::GET, path, &query)?)
            .await
    }

    /// Releases a lease, or single resources of it. Safe to repeat.
    pub async fn release(&self, id: LeaseId, release: &Release) -> Result<Lease, Error> {
        let call = self.call_with(Method::DELETE, &["leases", &id.to_string()], release)?;
        self.send(call).await
    }

    /// Moves a lease's deadline, or shows that the caller of a waiting one lives.
    pub async fn renew(&self, id: LeaseId, renew: &Renew) -> Result<Lease, Error> {
        self.post(&["leases", &id.to_string(), "renew"], renew)
            .await
    }

    /// Gives a lease to another owner.
    pub async fn give(&self, id: LeaseId, give: &Give) -> Result<Lease, Error> {
        self.post(&["leases", &id.to_string(), "give"], give).await
    }

    /// Says who may use a lease beside its owner.
    pub async fn share(&self, id: LeaseId, share: &Share) -> Result<Lease, Error> {
        self.post(&["leases", &id.to_string(), "share"], share)
            .await
    }

    /// Changes a lease's labels and note.
    pub async fn annotate(&self, id: LeaseId, annotate: &Annotate) -> Result<Lease, Error> {
        let call = self
            .call(Method::PATCH, &["leases", &id.to_string()])
            .body(annotate)?;
        self.send(call).await
    }

    /// Enters a lease that another system had, and that is over. For admins.
    pub async fn import_lease(&self, past: &Past) -> Result<Lease, Error> {
        self.post(&["leases", "past"], past).await
    }

    /// Ends somebody's lease. For operators.
    pub async fn revoke(&self, id: LeaseId, revoke: &Revoke) -> Result<Lease, Error> {
        self.post(&["leases", &id.to_string(), "revoke"], revoke)
            .await
    }

    /// One page of pools, by name.
    pub async fn pools(&self, page: &PageQuery) -> Result<List<Pool>, Error> {
        self.list(&["pools"], page).await
    }

    /// A pool.
    pub async fn pool(&self, name: &str) -> Result<Pool, Error> {
        self.get(&["pools", name]).await
    }

    /// Declares a pool; with `if_match` only if its etag is still this.
    pub async fn put_pool(
        &self,
        name: &str,
        spec: &PoolSpec,
        if_match: Option<&str>,
    ) -> Result<Pool, Error> {
        self.put(&["pools", name], spec, if_match).await
    }

    /// Drains a pool and removes it once its last resource is gone.
    pub async fn delete_pool(&self, name: &str) -> Result<(), Error> {
        self.delete(&["pools", name]).await
    }

    /// Declares resources, all or none; at most 256.
    pub async fn declare(&self, items: Vec<ResourceSpec>) -> Result<List<Resource>, Error> {
        self.post(&["resources"], &Declare { items }).await
    }

    /// One page of resources.
    pub async fn resources(&self, query: &ResourceQuery) -> Result<List<Resource>, Error> {
        self.list(&["resources"], query).await
    }

    /// A resource.
    pub async fn resource(&self, id: ResourceId) -> Result<Resource, Error> {
        self.get(&["resources", &id.to_string()]).await
    }

    /// Deletes a resource.
    pub async fn delete_resource(
        &self,
        id: ResourceId,
        query: &DeleteResource,
    ) -> Result<(), Error> {
        let call = self.call_with(Method::DELETE, &["resources", &id.to_string()], query)?;
        self.send_for_nothing(call).await
    }

    /// Takes a resource out of its pool, at once or when it is no longer busy.
    pub async fn withhold(&self, id: ResourceId, withhold: &Withhold) -> Result<Resource, Error> {
        self.post(&["resources", &id.to_string(), "withhold"], withhold)
            .await
    }

    /// Starts, stops or restarts a built resource, or one of its services.
    pub async fn power(&self, id: ResourceId, turn: &Turn) -> Result<Resource, Error> {
        self.post(&["resources", &id.to_string(), "power"], turn)
            .await
    }

    /// Has a leased resource made with other parameters; with `if_match` only as it was read.
    pub async fn alter(
        &self,
        id: ResourceId,
        alter: &Alter,
        if_match: Option<&str>,
    ) -> Result<Resource, Error> {
        let path = ["resources", &id.to_string(), "parameters"];
        let call = self.call(Method::POST, &path).body(alter)?;
        self.send(call.if_match(if_match)).await
    }

    /// Cleans a built resource that nobody holds, in its place.
    pub async fn recycle(&self, id: ResourceId) -> Result<Resource, Error> {
        let call = self.call(Method::POST, &["resources", &id.to_string(), "recycle"]);
        self.send(call).await
    }

    /// Builds one more member of a pool.
    pub async fn build(&self, pool: &str, build: &Build) -> Result<Resource, Error> {
        self.post(&["pools", pool, "build"], build).await
    }

    /// The last lines of what a service of a resource wrote.
    pub async fn logs(&self, id: ResourceId, query: &LogQuery) -> Result<Vec<u8>, Error> {
        let call = self.call_with(Method::GET, &["resources", &id.to_string(), "logs"], query)?;
        self.repeat(&call).await
    }

    /// Puts a withheld resource back: free if it was clean, else dirty.
    pub async fn return_resource(&self, id: ResourceId) -> Result<Resource, Error> {
        let call = self.call(Method::POST, &["resources", &id.to_string(), "return"]);
        self.send(call).await
    }

    /// One page of hosts, by name.
    pub async fn hosts(&self, page: &PageQuery) -> Result<List<Host>, Error> {
        self.list(&["hosts"], page).await
    }

    /// A host.
    pub async fn host(&self, name: &str) -> Result<Host, Error> {
        self.get(&["hosts", name]).await
    }

    /// Declares a host; with `if_match` only if its etag is still this.
    pub async fn put_host(
        &self,
        name: &str,
        spec: &HostSpec,
        if_match: Option<&str>,
    ) -> Result<Host, Error> {
        self.put(&["hosts", name], spec, if_match).await
    }

    /// Changes single fields of a host: `schedulable = false` cordons it.
    pub async fn patch_host(&self, name: &str, patch: &HostPatch) -> Result<Host, Error> {
        self.send(self.call(Method::PATCH, &["hosts", name]).body(patch)?)
            .await
    }

    /// What would be in the way of building on a host, declared or as `check` says.
    pub async fn check_host(&self, name: &str, check: &CheckHost) -> Result<HostCheck, Error> {
        self.post(&["hosts", name, "check"], check).await
    }

    /// Drains a host and removes it, or forgets one that will not come back.
    pub async fn delete_host(&self, name: &str, query: &DeleteHost) -> Result<(), Error> {
        let call = self.call_with(Method::DELETE, &["hosts", name], query)?;
        self.send_for_nothing(call).await
    }

    /// One page of templates, by name, without their files.
    pub async fn templates(&self, page: &PageQuery) -> Result<List<Template>, Error> {
        self.list(&["templates"], page).await
    }

    /// A template's newest revision with its files.
    pub async fn template(&self, name: &str) -> Result<Template, Error> {
        self.get(&["templates", name]).await
    }

    /// Puts a template; other files than before make a new revision.
    pub async fn put_template(
        &self,
        name: &str,
        spec: &TemplateSpec,
        if_match: Option<&str>,
    ) -> Result<Template, Error> {
        self.put(&["templates", name], spec, if_match).await
    }

    /// Removes a template that no pool uses.
    pub async fn delete_template(&self, name: &str) -> Result<(), Error> {
        self.delete(&["templates", name]).await
    }

    /// One page of keys, without secrets.
    pub async fn keys(&self, page: &PageQuery) -> Result<List<Key>, Error> {
        self.list(&["keys"], page).await
    }

    /// The key that this client uses.
    pub async fn own_key(&self) -> Result<Key, Error> {
        self.get(&["keys", "self"]).await
    }

    /// Makes a key. The answer has the secret, this once.
    pub async fn create_key(&self, key: &NewKey) -> Result<CreatedKey, Error> {
        self.post(&["keys"], key).await
    }

    /// Makes a key's secret worthless at once.
    pub async fn delete_key(&self, id: KeyId) -> Result<(), Error> {
        self.delete(&["keys", &id.to_string()]).await
    }

    /// One page of quotas, by owner.
    pub async fn quotas(&self, page: &PageQuery) -> Result<List<Quota>, Error> {
        self.list(&["quotas"], page).await
    }

    /// An owner's quota.
    pub async fn quota(&self, owner: &str) -> Result<Quota, Error> {
        self.get(&["quotas", owner]).await
    }

    /// Sets an owner's quota.
    pub async fn put_quota(
        &self,
        owner: &str,
        spec: &QuotaSpec,
        if_match: Option<&str>,
    ) -> Result<Quota, Error> {
        self.put(&["quotas", owner], spec, if_match).await
    }

    /// Removes an owner's quota; nothing bounds him then.
    pub async fn delete_quota(&self, owner: &str) -> Result<(), Error> {
        self.delete(&["quotas", owner]).await
    }

    /// One page of users, by name.
    pub async fn users(&self, page: &PageQuery) -> Result<List<User>, Error> {
        self.list(&["users"], page).await
    }

    /// A user.
    pub async fn user(&self, name: &str) -> Result<User, Error> {
        self.get(&["users", name]).await
    }

    /// Enters a user, or changes what is said of him.
    pub async fn put_user(
        &self,
        name: &str,
        spec: &UserSpec,
        if_match: Option<&str>,
    ) -> Result<User, Error> {
        self.put(&["users", name], spec, if_match).await
    }

    /// Changes what a user says of himself.
    pub async fn put_profile(&self, name: &str, profile: &Profile) -> Result<User, Error> {
        self.put(&["users", name, "profile"], profile, None).await
    }

    /// Changes a user's password, which ends his sessions.
    pub async fn put_password(&self, name: &str, password: &NewPassword) -> Result<(), Error> {
        let call = self.call(Method::PUT, &["users", name, "password"]);
        self.send_for_nothing(call.body(password)?).await
    }

    /// Removes a user; what he holds stays with the owner of his name.
    pub async fn delete_user(&self, name: &str) -> Result<(), Error> {
        self.delete(&["users", name]).await
    }

    /// One page of webhooks, by name.
    pub async fn webhooks(&self, page: &PageQuery) -> Result<List<Webhook>, Error> {
        self.list(&["webhooks"], page).await
    }

    /// A webhook.
    pub async fn webhook(&self, name: &str) -> Result<Webhook, Error> {
        self.get(&["webhooks", name]).await
    }

    /// Declares a webhook. The answer has the secret, this once, if the server made one.
    pub async fn put_webhook(
        &self,
        name: &str,
        spec: &WebhookSpec,
        if_match: Option<&str>,
    ) -> Result<DeclaredWebhook, Error> {
        self.put(&["webhooks", name], spec, if_match).await
    }

    /// Removes a webhook; what it has not been told is lost.
    pub async fn delete_webhook(&self, name: &str) -> Result<(), Error> {
        self.delete(&["webhooks", name]).await
    }

    /// One page of events.
    pub async fn events(&self, query: &EventQuery) -> Result<List<Event>, Error> {
        self.list(&["events"], query).await
    }

    /// How things stand.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.get(&["stats"]).await
    }
}

/// All pages that `fetch` gives for a cursor, at most a million items.
pub async fn every<T>(
    mut fetch: impl AsyncFnMut(Option<String>) -> Result<List<T>, Error>,
) -> Result<List<T>, Error> {
    let mut all = fetch(None).await?;
    while let Some(cursor) = all.next.take() {
        if all.items.len() >= limits::client::ITEMS_MAX {
            return Err(Error::Options(
                "more than a million items: ask for fewer".into(),
            ));
        }
        let page = fetch(Some(cursor)).await?;
        all.items.extend(page.items);
        all.next = page.next;
    }
    Ok(all)
}
