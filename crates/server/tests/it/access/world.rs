//! A server with one of everything, and who calls it.

use caviada_api::client::Client;
use caviada_api::host::{DriverName, HostSpec};
use caviada_api::key::{NewKey, Role};
use caviada_api::lease::{Acquire, Lease, Share};
use caviada_api::pool::PoolSpec;
use caviada_api::quota::QuotaSpec;
use caviada_api::resource::Withhold;
use caviada_api::template::TemplateSpec;
use caviada_api::user::UserSpec;
use caviada_api::webhook::WebhookSpec;
use caviada_core::access::{Relation, Verb, allows};
use caviada_core::key::Role as CoreRole;
use caviada_driver::template::builtin;
use serde_json::Value;

use super::row::{HORSE, Needs, Row};
use crate::site::{Site, new_key};

/// Somebody who calls.
pub struct Caller {
    pub name: &'static str,
    pub role: CoreRole,
    /// Speaks for others in the pool `open`.
    pub acts: bool,
    pub secret: String,
    pub client: Client,
}

/// How what stands in the path stands to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody's, or what it is does not matter.
    Free,
    /// The caller's owner's.
    Own,
    /// Shared with the caller's owner.
    Shared,
    /// Shared with a group of the caller.
    InGroup,
    /// Somebody else's, in the pool where one caller acts for others.
    Foreign,
    /// Somebody else's, where nobody acts for others.
    Elsewhere,
}

impl Standing {
    /// As the table of `core` calls it.
    pub fn relation(self) -> Relation {
        match self {
            Self::Free | Self::Own => Relation::Own,
            Self::Shared | Self::InGroup => Relation::Shared,
            Self::Foreign | Self::Elsewhere => Relation::Foreign,
        }
    }

    /// All in which it matters.
    pub fn of(needs: Needs) -> &'static [Self] {
        use Standing::{Elsewhere, Foreign, Free, InGroup, Own, Shared};
        match needs {
            Needs::OfLease(_) => &[Own, Shared, InGroup, Foreign, Elsewhere],
            Needs::OfMember => &[Free, Own, Shared, InGroup, Foreign, Elsewhere],
            Needs::OrOwn(_) | Needs::OfUser(_) => &[Own, Foreign],
            _ => &[Free],
        }
    }
}

/// The server and its callers. What a call needs is made anew before it.
pub struct World {
    pub site: Site,
    pub callers: Vec<Caller>,
    /// Whose all is that is nobody's here.
    pub bob: Client,
}

const CALLERS: [(&str, CoreRole, Role); 4] = [
    ("root", CoreRole::Admin, Role::Admin),
    ("op", CoreRole::Operator, Role::Operator),
    ("ann", CoreRole::User, Role::User),
    ("gate", CoreRole::User, Role::User),
];

pub fn of(pool: &str) -> Acquire {
    Acquire {
        pool: Some(pool.to_owned()),
        ..Acquire::default()
    }
}

impl World {
    pub async fn new() -> Self {
        let site = Site::start().await;
        site.pool("open", 256).await;
        site.pool("elsewhere", 128).await;
        let mut callers = Vec::new();
        for (name, role, wire) in CALLERS {
            let acts = name == "gate";
            let key = NewKey {
                groups: vec!["team".into()],
                act_for: acts.then(|| "open".into()).into_iter().collect(),
                ..new_key(name, wire)
            };
            let made = site.admin().create_key(&key).await.unwrap();
            let secret = made.secret.unwrap();
            callers.push(Caller {
                name,
                role,
                acts,
                client: site.client(&secret),
                secret,
            });
        }
        let bob = site.user("bob").await;
        Self { site, callers, bob }
    }

    /// The row's path with something real in it that stands so to the caller.
    pub async fn path(&self, row: &Row, caller: &Caller, standing: Standing, n: usize) -> String {
        let part = self.part(row, caller, standing, n).await;
        let path = row.path.replace("{id}", &part).replace("{name}", &part);
        let path = path.replace("{owner}", &part).replace("{code}", &part);
        match path.ends_with("/logs") {
            true => path + "?service=main",
            false => path,
        }
    }

    async fn part(&self, row: &Row, caller: &Caller, standing: Standing, n: usize) -> String {
        let admin = self.site.admin();
        let whose = match standing {
            Standing::Own => caller.name,
            _ => "bob",
        };
        let noun = row.path.strip_prefix("/api/v1/").unwrap_or("none");
        match noun.split('/').next().unwrap_or_default() {
            "leases" => self.lease(caller, standing).await.id.to_string(),
            "pools" => {
                let name = format!("pool-{n}");
                let made = admin.put_pool(&name, &PoolSpec::default(), None).await;
                made.unwrap().name
            }
            "resources" => self.member(row, caller, standing, n).await,
            "hosts" => {
                let spec = HostSpec::new(DriverName::Process);
                let made = admin.put_host(&format!("host-{n}"), &spec, None).await;
                made.unwrap().name
            }
            "templates" => {
                let files = builtin::source("tiny").unwrap().files;
                let spec = TemplateSpec {
                    files,
                    declared_in: None,
                };
                admin.put_template("tiny", &spec, None).await.unwrap().name
            }
            "keys" => {
                let key = new_key(&format!("key-{n}"), Role::User);
                admin.create_key(&key).await.unwrap().key.id.to_string()
            }
            "users" => {
                let spec = UserSpec {
                    password: Some(HORSE.into()),
                    ..UserSpec::default()
                };
                admin.put_user(whose, &spec, None).await.unwrap().name
            }
            "webhooks" => {
                let spec = WebhookSpec {
                    url: "http://127.0.0.1:9/".into(),
                    ..WebhookSpec::default()
                };
                let made = admin.put_webhook(&format!("hook-{n}"), &spec, None).await;
                made.unwrap().webhook.name
            }
            "quotas" => {
                let spec = QuotaSpec::default();
                admin.put_quota(whose, &spec, None).await.unwrap().owner
            }
            _ => "malformed".to_owned(),
        }
    }

    /// A lease that stands so to the caller.
    pub async fn lease(&self, caller: &Caller, standing: Standing) -> Lease {
        let (by, pool) = match standing {
            Standing::Own => (&caller.client, "open"),
            Standing::Foreign => (&self.bob, "open"),
            // A sharing alone lets the caller in, not that it acts for others.
            _ => (&self.bob, "elsewhere"),
        };
        let lease = by.acquire(&of(pool)).await.unwrap();
        let with = match standing {
            Standing::Shared => caller.name,
            Standing::InGroup => "team",
            _ => return lease,
        };
        let share = Share {
            owners: vec![with.to_owned()],
            fence: None,
        };
        by.share(lease.id, &share).await.unwrap()
    }

    async fn member(&self, row: &Row, caller: &Caller, standing: Standing, n: usize) -> String {
        if standing != Standing::Free {
            let lease = self.lease(caller, standing).await;
            return lease.resources[0].id.to_string();
        }
        let id = self.site.pool(&format!("members-{n}"), 1).await[0].id;
        if row.path.ends_with("/return") {
            let admin = self.site.admin();
            admin.withhold(id, &Withhold::default()).await.unwrap();
        }
        id.to_string()
    }

    /// Status and body of the row's call.
    pub async fn call(&self, row: &Row, path: &str, secret: Option<&str>) -> (u16, String) {
        let mut request = self.site.request(row.method.clone(), path, secret);
        let body = (row.body)();
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The last committed revision: while it stands, nothing has changed.
    pub fn revision(&self) -> u64 {
        *self.site.handle.committed().borrow()
    }
}

/// What the table of `core` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Yes,
    No,
    /// No, and not even that it is there.
    NoSuchThing,
}

/// What it says of that caller.
pub fn says(needs: Needs, caller: &Caller, standing: Standing) -> Says {
    let (role, relation) = (caller.role, standing.relation());
    let on = |verb| {
        // Who acts for its owner uses a lease like one that is shared with him, but for the files.
        let acts = caller.acts && standing == Standing::Foreign && verb != Verb::TakeFiles;
        allows(role, verb, relation) || acts && allows(role, verb, Relation::Shared)
    };
    let yes = match needs {
        Needs::Nothing | Needs::Key => true,
        Needs::Right(verb) => allows(role, verb, Relation::Own),
        Needs::OfLease(verb) => on(verb),
        Needs::OfMember => {
            let held = standing != Standing::Free;
            allows(role, Verb::Manage, Relation::Own) || held && on(Verb::Operate)
        }
        Needs::OfUser(verb) => allows(role, verb, relation),
        Needs::OfUsers(verb) => allows(role, verb, Relation::Foreign),
        Needs::OrOwn(verb) => relation == Relation::Own || allows(role, verb, Relation::Own),
    };
    let seen = |_: Verb| on(Verb::SeeLease) || caller.acts && standing == Standing::Foreign;
    match needs {
        _ if yes => Says::Yes,
        Needs::OfLease(verb) if !seen(verb) => Says::NoSuchThing,
        _ => Says::No,
    }
}

/// A problem without what differs from one request to the next.
pub fn bare(body: &str, id: &str) -> Value {
    let body = body.replace(id, "…");
    let mut problem: Value = serde_json::from_str(&body).unwrap();
    problem["instance"] = Value::Null;
    problem
}
