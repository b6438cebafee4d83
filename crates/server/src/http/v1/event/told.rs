//! An event in the words of the API: what it is about, by names, and the rest as facts. Secrets,
//! files and bookkeeping stay behind.

mod lease;
mod user;

use std::collections::BTreeMap;
use std::sync::Arc;

use caviada_api::event as wire;
use caviada_api::timestamp::Timestamp;
use caviada_core::command::By;
use caviada_core::event::{After, Event, Number};
use caviada_core::id::{HostId, LeaseId, PoolId, ResourceId};
use caviada_core::name::Owner;
use caviada_core::resource::{Health, Outputs, Then};
use caviada_core::time::Time;
use serde_json::{Value, json};

use super::names::Names;

/// What happened, when and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'a> {
    /// Its number.
    pub number: Number,
    /// Ledger time.
    pub at: Time,
    /// Who acted; nobody where something was due.
    pub by: Option<By>,
    /// Name of the act.
    pub act: Option<&'a str>,
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    pub kind: &'static str,
    pub pools: Vec<PoolId>,
    pub resources: Vec<ResourceId>,
    pub lease: Option<LeaseId>,
    pub host: Option<HostId>,
    pub owner: Option<Owner>,
    facts: BTreeMap<String, Value>,
}

/// The event as it is shown; names of what is gone are its ids.
pub fn render(names: &Names, happened: Happened<'_>, about: About) -> wire::Event {
    let state = &names.state;
    let pool = |id: &PoolId| {
        let pool = state.pools.get(id);
        pool.map_or_else(|| id.to_string(), |p| p.name.to_string())
    };
    let host = |id: HostId| {
        let host = state.hosts.get(&id);
        host.map_or_else(|| id.to_string(), |h| h.name.to_string())
    };
    let principal = |by| match by {
        By::Key(id) => Some(match state.keys.get(&id) {
            Some(key) => key.name.to_string(),
            None => id.to_string(),
        }),
        By::User(id) => Some(match state.users.get(&id) {
            Some(user) => user.name.to_string(),
            None => id.to_string(),
        }),
        By::System => None,
    };
    let mut facts = about.facts;
    if about.resources.len() > 1 {
        facts.insert("resources".to_owned(), json!(about.resources));
    }
    wire::Event {
        id: happened.number.to_string(),
        at: Timestamp(happened.at.0),
        kind: about.kind.to_owned(),
        pool: about.pools.first().map(pool),
        resource: Some(&about.resources)
            .filter(|r| r.len() == 1)
            .map(|r| r[0]),
        lease: about.lease,
        host: about.host.map(host),
        owner: about.owner.map(|o| o.to_string()),
        principal: happened.by.and_then(principal),
        command: happened.act.map(str::to_owned),
        request_id: None,
        facts,
    }
}

impl About {
    /// Reads an event; nothing for what is nobody's business.
    pub fn of(names: &Names, event: &Event) -> Option<Self> {
        let mut about = Self::default();
        about.kind = match event {
            Event::OutcomeKept(_) | Event::OutcomeForgotten(_) => return None,
            Event::PoolDeclared(_)
            | Event::PoolRetiring(_)
            | Event::PoolProven(..)
            | Event::PoolGone(_) => about.pool_event(event),
            Event::TemplateRevised(_)
            | Event::TemplateGone(_)
            | Event::KeyMade(_)
            | Event::KeyGone(_)
            | Event::QuotaSet(_)
            | Event::QuotaGone(_)
            | Event::WebhookDeclared(_)
            | Event::WebhookGone(_) => about.noun_event(event),
            Event::UserSet(_) | Event::UserSignedIn(..) | Event::UserGone(_) => {
                about.user_event(names, event)
            }
            _ => about
                .host_event(event)
                .or_else(|| about.lease_event(names, event))
                .or_else(|| about.resource_event(names, event))?,
        };
        Some(about)
    }

    fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    fn time(&mut self, name: &str, at: Option<Time>) {
        if let Some(at) = at {
            self.fact(name, json!(Timestamp(at.0)));
        }
    }

    fn resource(&mut self, names: &Names, id: ResourceId) {
        self.resources.push(id);
        if let Some(pool) = names.pool_of(id) {
            self.pool(pool);
        }
    }

    fn pool(&mut self, id: PoolId) {
        if !self.pools.contains(&id) {
            self.pools.push(id);
        }
    }

    fn pool_event(&mut self, event: &Event) -> &'static str {
        match event {
            Event::PoolDeclared(pool) => {
                self.pool(pool.id);
                self.fact("name", pool.name.as_str());
                "pool.declared"
            }
            Event::PoolRetiring(id) => {
                self.pool(*id);
                "pool.retiring"
            }
            Event::PoolProven(id, template) => {
                self.pool(*id);
                self.fact("template_revision", template.0);
                "pool.proven"
            }
            Event::PoolGone(id) => {
                self.pool(*id);
                "pool.gone"
            }
            _ => "",
        }
    }

    fn noun_event(&mut self, event: &Event) -> &'static str {
        match event {
            Event::TemplateRevised(template) => {
                self.fact("name", template.name.as_str());
                self.fact("revision", template.id.0);
                "template.revised"
            }
            Event::TemplateGone(id) => {
                self.fact("revision", id.0);
                "template.gone"
            }
            Event::KeyMade(key) => {
                self.owner = Some(key.owner.clone());
                self.fact("key", key.id.to_string());
                self.fact("name", key.name.as_str());
                self.fact("role", json!(key.role));
                "key.made"
            }
            Event::KeyGone(id) => {
                self.fact("key", id.to_string());
                "key.gone"
            }
            Event::QuotaSet(quota) => {
                self.owner = Some(quota.owner.clone());
                self.fact("leases_max", json!(quota.spec.leases_max));
                self.fact("resources_max", json!(quota.spec.resources_max));
                "quota.set"
            }
            // Not its address: that may hold what only the target should read.
            Event::WebhookDeclared(webhook) => {
                self.fact("name", webhook.name.as_str());
                "webhook.declared"
            }
            Event::WebhookGone(id) => {
                self.fact("webhook", id.to_string());
                "webhook.gone"
            }
            Event::QuotaGone(id) => {
                self.fact("quota", id.to_string());
                "quota.gone"
            }
            _ => "",
        }
    }

    fn host_event(&mut self, event: &Event) -> Option<&'static str> {
        let (host, kind) = match event {
            Event::HostDeclared(host) => {
                self.fact("name", host.name.as_str());
                (host.id, "host.declared")
            }
            Event::HostSeen(id) => (*id, "host.seen"),
            Event::HostUnseen(id, lost_at) => {
                self.time("lost_at", Some(*lost_at));
                (*id, "host.unseen")
            }
            Event::HostLost(id) => (*id, "host.lost"),
            Event::HostRetiring { host, forget } => {
                self.fact("forget", *forget);
                (*host, "host.retiring")
            }
            Event::HostBackoff {
                host,
                pool,
                cause,
                tries,
                until,
            } => {
                self.pool(*pool);
                self.fact("cause", &**cause);
                self.fact("tries", *tries);
                self.time("until", Some(*until));
                (*host, "host.backoff")
            }
            Event::HostBackoffOver(host, pool) => {
                self.pool(*pool);
                (*host, "host.backoff_over")
            }
            Event::HostRecovered(host, pool) => {
                self.pool(*pool);
                (*host, "host.recovered")
            }
            Event::HostQuarantined(host, block) => {
                self.fact("block", *block);
                (*host, "host.quarantined")
            }
            Event::HostGone(id) => (*id, "host.gone"),
            _ => return None,
        };
        self.host = Some(host);
        Some(kind)
    }

    fn resource_event(&mut self, names: &Names, event: &Event) -> Option<&'static str> {
        let (id, kind) = match event {
            Event::ResourceDeclared(r) => (self.came(r), "resource.declared"),
            Event::ResourcePlanned(r) => (self.came(r), "resource.planned"),
            Event::ResourceCut(r) => (self.came(r), "resource.cut"),
            Event::ResourceDescribed(id, doc) => {
                self.fact("name", doc.name.as_str());
                (*id, "resource.described")
            }
            Event::ResourceCreating(id, deadline) => {
                self.time("deadline", Some(*deadline));
                (*id, "resource.creating")
            }
            Event::ResourceBuilt {
                resource, outputs, ..
            } => {
                self.endpoints(outputs);
                (*resource, "resource.built")
            }
            Event::ResourceCleaning {
                resource, replace, ..
            } => {
                self.fact("replace", *replace);
                (*resource, "resource.cleaning")
            }
            Event::ResourceCleaned { resource, .. } => (*resource, "resource.cleaned"),
            Event::ResourceFailed {
                resource,
                cause,
                retry_at,
            } => {
                self.fact("cause", &**cause);
                self.time("retry_at", Some(*retry_at));
                (*resource, "resource.failed")
            }
            Event::ResourceDirtied(id, _) => (*id, "resource.dirtied"),
            Event::ResourceWithheld(id, withheld) => {
                self.fact("reason", &*withheld.reason);
                self.time("until", withheld.until);
                (*id, "resource.withheld")
            }
            Event::ResourceReturned(id) => (*id, "resource.returned"),
            _ => self.busy_event(names, event)?,
        };
        if !self.resources.contains(&id) {
            self.resource(names, id);
        }
        Some(kind)
    }

    fn busy_event(&mut self, names: &Names, event: &Event) -> Option<(ResourceId, &'static str)> {
        Some(match event {
            Event::ResourceThen(id, then) => {
                let then = match then {
                    Then::Withhold(_) => "withheld",
                    Then::Delete => "delete",
                };
                self.fact("then", then);
                (*id, "resource.then")
            }
            Event::ResourceTurning { resource, turn, .. } => {
                self.fact("power", turn.way.as_str());
                if let Some(service) = &turn.service {
                    self.fact("service", &**service);
                }
                (*resource, "resource.turning")
            }
            Event::ResourceTurned(id) => (*id, "resource.turned"),
            Event::ResourceUnturned {
                resource, cause, ..
            } => {
                self.fact("cause", &**cause);
                (*resource, "resource.unturned")
            }
            Event::ResourceAltering { resource, .. } => (*resource, "resource.altering"),
            Event::ResourceAltered { resource, .. } => (*resource, "resource.altered"),
            Event::ResourceUnaltered {
                resource, cause, ..
            } => {
                self.fact("cause", &**cause);
                (*resource, "resource.unaltered")
            }
            Event::ResourceRestored(id) => (*id, "resource.restored"),
            Event::ResourceDeleting(id, _) => (*id, "resource.deleting"),
            Event::ResourceUndeleted(id, cause, retry_at) => {
                self.fact("cause", &**cause);
                self.time("retry_at", Some(*retry_at));
                (*id, "resource.undeleted")
            }
            Event::ResourceGone(id) => (*id, "resource.gone"),
            Event::ResourceHealth(id, health, why) => {
                let health = match health {
                    Health::Well => "healthy",
                    Health::Suspect => "unknown",
                    Health::Ill => "unhealthy",
                };
                self.fact("health", health);
                if let Some(why) = why {
                    self.fact("cause", &**why);
                }
                (*id, "resource.health")
            }
            Event::ResourceCooled(id) => (*id, "resource.cooled"),
            Event::ResourceAlert(id) => (*id, "resource.alert"),
            Event::ResourceBound(id) => (*id, "resource.bound"),
            Event::ResourceEarmarked { resource, rank, .. } => {
                self.of_lease(names, rank.lease);
                (*resource, "resource.earmarked")
            }
            Event::ResourceUnmarked(id) => (*id, "resource.unmarked"),
            _ => return None,
        })
    }

    fn came(&mut self, r: &caviada_core::resource::Resource) -> ResourceId {
        self.fact("name", r.doc.name.as_str());
        self.resources.push(r.id);
        self.pool(r.pool);
        self.host = r.site().map(|s| s.host);
        r.id
    }

    /// Names only: values may carry what only a holder should read.
    fn endpoints(&mut self, outputs: &Arc<Outputs>) {
        let names: Vec<&str> = outputs.iter().map(|(name, _)| &**name).collect();
        self.fact("endpoints", json!(names));
    }
}

fn became(after: &After) -> &'static str {
    match after {
        After::Free(_) | After::Cleaned(_) => "free",
        After::Dirty(_) => "dirty",
        After::Withheld(_) => "withheld",
        After::Deleting(_) => "deleting",
        After::Failed(..) => "failed",
        After::Gone => "gone",
    }
}
