//! Who may do what: every endpoint of the router × every role × own, shared and foreign. A new
//! endpoint without a row fails.

use std::time::{SystemTime, UNIX_EPOCH};

use caviada_api::client::Client;
use caviada_api::host::{DriverName, HostSpec};
use caviada_api::key::{NewKey, Role};
use caviada_api::lease::{Acquire, LeaseQuery, Share};
use caviada_api::list::PageQuery;
use caviada_api::pool::{PoolSpec, Visibility};
use caviada_api::quota::QuotaSpec;
use caviada_api::resource::{ResourceQuery, Withhold};
use caviada_api::template::TemplateSpec;
use caviada_api::timestamp::Timestamp;
use caviada_api::user::UserSpec;
use caviada_api::webhook::WebhookSpec;
use caviada_core::access::{Relation, Verb, allows};
use caviada_core::key::Role as CoreRole;
use caviada_driver::template::builtin;
use caviada_server::http;
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Site, new_key};

/// What an endpoint asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Needs {
    /// Nothing, not even a key.
    Nothing,
    /// Any key: it shows only what is the caller's.
    Key,
    /// A right, in nobody's matter.
    Right(Verb),
    /// A right with a lease.
    OfLease(Verb),
    /// A right, unless it is the caller's own.
    OrOwn(Verb),
    /// A right with a user.
    OfUser(Verb),
    /// A right with every user.
    OfUsers(Verb),
}

/// One endpoint and what stands in its path.
struct Row {
    method: Method,
    path: &'static str,
    needs: Needs,
    body: fn() -> Value,
    /// What who may call is answered.
    status: u16,
}

fn row(method: Method, path: &'static str, needs: Needs) -> Row {
    Row {
        method,
        path,
        needs,
        body: || Value::Null,
        status: 200,
    }
}

impl Row {
    fn with(self, body: fn() -> Value) -> Self {
        Self { body, ..self }
    }

    /// Who may call is told that it cannot be done: what stands in the path is declared, not built.
    fn in_vain(self) -> Self {
        self.status(422)
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

fn rows() -> Vec<Row> {
    use Needs::{Key, Nothing, OfLease, OfUser, OfUsers, OrOwn, Right};
    use Verb::*;
    let (get, put, post, patch, delete) = (
        || Method::GET,
        || Method::PUT,
        || Method::POST,
        || Method::PATCH,
        || Method::DELETE,
    );
    vec![
        row(get(), "/livez", Nothing),
        row(get(), "/readyz", Nothing),
        row(get(), "/openapi.json", Nothing),
        row(get(), "/problems/{code}", Nothing),
        row(get(), "/metrics", Right(SeeEvents)),
        row(post(), "/api/v1/leases", Right(Acquire)).with(|| json!({"pool": "open"})),
        row(get(), "/api/v1/leases", Key),
        row(get(), "/api/v1/leases/{id}", OfLease(SeeLease)),
        row(delete(), "/api/v1/leases/{id}", OfLease(Release)),
        row(patch(), "/api/v1/leases/{id}", OfLease(Annotate)).with(|| json!({"note": "n"})),
        row(get(), "/api/v1/leases/{id}/files", OfLease(TakeFiles)),
        row(post(), "/api/v1/leases/{id}/renew", OfLease(Renew)).with(|| json!({})),
        row(post(), "/api/v1/leases/{id}/give", OfLease(Give)).with(|| json!({"owner": "eve"})),
        row(post(), "/api/v1/leases/{id}/share", OfLease(Give)).with(|| json!({"owners": []})),
        row(post(), "/api/v1/leases/{id}/revoke", OfLease(Revoke)).with(|| json!({})),
        row(post(), "/api/v1/leases/past", Right(Administer)).with(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let at = Timestamp(u64::try_from(now.as_millis()).unwrap() - 60_000);
            json!({"owner": "eve", "pool": "open", "granted_at": at, "ended_at": at})
        }),
        row(get(), "/api/v1/pools", Right(SeePools)),
        row(get(), "/api/v1/pools/{name}", Right(SeePools)),
        row(put(), "/api/v1/pools/{name}", Right(Manage)).with(|| json!({})),
        row(delete(), "/api/v1/pools/{name}", Right(Manage)),
        row(get(), "/api/v1/resources", Right(SeePools)),
        row(post(), "/api/v1/resources", Right(Manage))
            .with(|| json!({"items": [{"pool": "open", "name": "another"}]})),
        row(get(), "/api/v1/resources/{id}", Right(SeePools)),
        row(delete(), "/api/v1/resources/{id}", Right(Manage)),
        row(post(), "/api/v1/resources/{id}/withhold", Right(Manage)).with(|| json!({})),
        row(post(), "/api/v1/resources/{id}/return", Right(Manage)),
        row(post(), "/api/v1/resources/{id}/power", Right(Manage))
            .with(|| json!({"action": "stop"}))
            .in_vain(),
        row(post(), "/api/v1/resources/{id}/parameters", Right(Manage))
            .with(|| json!({"parameters": {}}))
            .in_vain(),
        row(post(), "/api/v1/resources/{id}/recycle", Right(Manage)).in_vain(),
        row(get(), "/api/v1/resources/{id}/logs", Right(Manage)),
        row(post(), "/api/v1/pools/{name}/build", Right(Manage)).in_vain(),
        row(get(), "/api/v1/hosts", Right(SeeHosts)),
        row(get(), "/api/v1/hosts/{name}", Right(SeeHosts)),
        row(put(), "/api/v1/hosts/{name}", Right(Manage)).with(|| json!({"driver": "process"})),
        row(patch(), "/api/v1/hosts/{name}", Right(Manage)).with(|| json!({"autofill": true})),
        row(delete(), "/api/v1/hosts/{name}", Right(Manage)),
        row(post(), "/api/v1/hosts/{name}/check", Right(Manage)).with(|| json!({})),
        row(get(), "/api/v1/hosts/{name}/images", Right(SeeHosts)),
        row(post(), "/api/v1/hosts/{name}/images/pull", Right(Manage))
            .with(|| json!({"images": ["a:1"]}))
            .status(409),
        // Its host has no images, and no bundle comes.
        row(post(), "/api/v1/hosts/{name}/images/load", Right(Manage)).status(503),
        row(get(), "/api/v1/templates", Right(SeeHosts)),
        row(get(), "/api/v1/templates/{name}", Right(SeeHosts)),
        row(put(), "/api/v1/templates/{name}", Right(Manage))
            .with(|| json!({"files": builtin::source("tiny").unwrap().files})),
        row(delete(), "/api/v1/templates/{name}", Right(Manage)),
        row(get(), "/api/v1/keys", Right(SeeKeys)),
        row(post(), "/api/v1/keys", Right(Administer))
            .with(|| json!({"name": "new", "role": "user"})),
        row(get(), "/api/v1/keys/self", Key),
        row(get(), "/api/v1/keys/{id}", Right(SeeKeys)),
        row(delete(), "/api/v1/keys/{id}", Right(Administer)),
        row(get(), "/api/v1/quotas", Right(SeeKeys)),
        row(get(), "/api/v1/quotas/{owner}", OrOwn(SeeKeys)),
        row(put(), "/api/v1/quotas/{owner}", Right(Administer)).with(|| json!({"leases_max": 3})),
        row(delete(), "/api/v1/quotas/{owner}", Right(Administer)),
        row(get(), "/api/v1/users", OfUsers(SeeUser)),
        row(get(), "/api/v1/users/{name}", OfUser(SeeUser)),
        row(put(), "/api/v1/users/{name}", Right(Administer)).with(|| json!({"balance": 1})),
        row(delete(), "/api/v1/users/{name}", Right(Administer)),
        row(put(), "/api/v1/users/{name}/profile", OfUser(ChangeUser))
            .with(|| json!({"url": "http://a.example"})),
        row(put(), "/api/v1/users/{name}/password", OfUser(ChangeUser))
            .with(|| json!({"password": "another horse", "current": HORSE})),
        row(get(), "/api/v1/webhooks", Right(SeeKeys)),
        row(get(), "/api/v1/webhooks/{name}", Right(SeeKeys)),
        row(put(), "/api/v1/webhooks/{name}", Right(Administer))
            .with(|| json!({"url": "http://127.0.0.1:9/hook"})),
        row(delete(), "/api/v1/webhooks/{name}", Right(Administer)),
        row(get(), "/api/v1/events", Right(SeeEvents)),
        row(get(), "/api/v1/stats", Right(SeePools)),
    ]
}

/// What every user here signs in with.
const HORSE: &str = "correct horse";

/// Somebody who calls.
struct Caller {
    role: CoreRole,
    secret: String,
    client: Client,
}

const ROLES: [(CoreRole, Role, &str); 3] = [
    (CoreRole::Admin, Role::Admin, "root"),
    (CoreRole::Operator, Role::Operator, "op"),
    (CoreRole::User, Role::User, "ann"),
];

/// A server with one of everything, made anew before each call.
struct World {
    site: Site,
    other: Client,
    callers: Vec<Caller>,
}

impl World {
    async fn new() -> Self {
        let site = Site::start().await;
        site.pool("open", 250).await;
        let mut callers = Vec::new();
        for (role, wire, name) in ROLES {
            let secret = site.key(name, wire).await;
            let client = site.client(&secret);
            callers.push(Caller {
                role,
                secret,
                client,
            });
        }
        let other = site.user("bob").await;
        Self {
            site,
            other,
            callers,
        }
    }

    /// The row's path with something real in it that stands so to the caller.
    async fn path(&self, row: &Row, caller: &Caller, relation: Relation, n: usize) -> String {
        let admin = self.site.admin();
        let owner = caller.client.own_key().await.unwrap().owner;
        let part = if row.path.contains("/leases/") {
            self.lease(caller, &owner, relation).await
        } else if row.path.contains("/pools/") {
            let name = format!("pool-{n}");
            admin
                .put_pool(&name, &PoolSpec::default(), None)
                .await
                .unwrap();
            name
        } else if row.path.contains("/resources/") {
            let pool = format!("members-{n}");
            let id = self.site.pool(&pool, 1).await[0].id;
            if row.path.ends_with("/return") {
                admin.withhold(id, &Withhold::default()).await.unwrap();
            }
            id.to_string()
        } else if row.path.contains("/hosts/") {
            let name = format!("host-{n}");
            let spec = HostSpec::new(DriverName::Process);
            admin.put_host(&name, &spec, None).await.unwrap();
            name
        } else if row.path.contains("/templates/") {
            let files = builtin::source("tiny").unwrap().files;
            let spec = TemplateSpec {
                files,
                declared_in: None,
            };
            admin.put_template("tiny", &spec, None).await.unwrap();
            "tiny".to_owned()
        } else if row.path.contains("/keys/{") {
            let key = new_key(&format!("key-{n}"), Role::User);
            admin.create_key(&key).await.unwrap().key.id.to_string()
        } else if row.path.contains("/users/") {
            let name = match relation {
                Relation::Own => owner,
                _ => "bob".to_owned(),
            };
            let spec = UserSpec {
                password: Some(HORSE.into()),
                ..UserSpec::default()
            };
            admin.put_user(&name, &spec, None).await.unwrap();
            name
        } else if row.path.contains("/webhooks/") {
            let name = format!("hook-{n}");
            let spec = WebhookSpec {
                url: "http://127.0.0.1:9/".into(),
                ..WebhookSpec::default()
            };
            admin.put_webhook(&name, &spec, None).await.unwrap();
            name
        } else if row.path.contains("/quotas/") {
            let owner = if relation == Relation::Own {
                owner
            } else {
                "bob".to_owned()
            };
            let spec = QuotaSpec::default();
            admin.put_quota(&owner, &spec, None).await.unwrap();
            owner
        } else {
            "malformed".to_owned()
        };
        let path = row.path.replace("{id}", &part).replace("{name}", &part);
        let path = path.replace("{owner}", &part).replace("{code}", &part);
        match path.ends_with("/logs") {
            true => path + "?service=main",
            false => path,
        }
    }

    async fn lease(&self, caller: &Caller, owner: &str, relation: Relation) -> String {
        let want = Acquire {
            pool: Some("open".into()),
            ..Acquire::default()
        };
        let by = match relation {
            Relation::Own => &caller.client,
            Relation::Shared | Relation::Foreign => &self.other,
        };
        let lease = by.acquire(&want).await.unwrap();
        if relation == Relation::Shared {
            let share = Share {
                owners: vec![owner.to_owned()],
                fence: None,
            };
            by.share(lease.id, &share).await.unwrap();
        }
        lease.id.to_string()
    }

    async fn status(&self, row: &Row, path: &str, secret: Option<&str>) -> u16 {
        let mut request = self.site.request(row.method.clone(), path, secret);
        let body = (row.body)();
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.unwrap().status().as_u16()
    }
}

/// What the table of `core` says, in HTTP's words.
fn expected(needs: Needs, role: CoreRole, relation: Relation) -> u16 {
    let allowed = match needs {
        Needs::Nothing | Needs::Key => true,
        Needs::Right(verb) => allows(role, verb, Relation::Own),
        Needs::OfLease(verb) | Needs::OfUser(verb) => allows(role, verb, relation),
        Needs::OfUsers(verb) => allows(role, verb, Relation::Foreign),
        Needs::OrOwn(verb) => relation == Relation::Own || allows(role, verb, Relation::Own),
    };
    let sees = !matches!(needs, Needs::OfLease(_)) || allows(role, Verb::SeeLease, relation);
    match (allowed, sees) {
        (true, _) => 200,
        (false, true) => 403,
        (false, false) => 404,
    }
}

#[test]
fn every_endpoint_has_a_row() {
    let rows = rows();
    let has =
        |method: &Method, path: &str| rows.iter().any(|r| r.method == *method && r.path == path);
    let endpoints = http::endpoints();
    let missing: Vec<_> = endpoints.iter().filter(|(m, p)| !has(m, p)).collect();
    assert!(missing.is_empty(), "give these a row: {missing:?}");
    assert_eq!(
        endpoints.len(),
        rows.len(),
        "a row of no endpoint, or one twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let world = World::new().await;
    let mut n = 0;
    for row in rows() {
        for caller in &world.callers {
            let relations: &[Relation] = match row.needs {
                Needs::OfLease(_) => &[Relation::Own, Relation::Shared, Relation::Foreign],
                Needs::OrOwn(_) | Needs::OfUser(_) => &[Relation::Own, Relation::Foreign],
                _ => &[Relation::Own],
            };
            for relation in relations {
                n += 1;
                let path = world.path(&row, caller, *relation, n).await;
                let what = format!("{} {path}: {:?}, {relation:?}", row.method, caller.role);
                let status = world.status(&row, &path, Some(&caller.secret)).await;
                let expected = expected(row.needs, caller.role, *relation);
                let got = if (200..300).contains(&status) || status == row.status {
                    200
                } else {
                    status
                };
                assert_eq!(got, expected, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_known_key_nothing_is_shown() {
    let closed: Vec<_> = rows()
        .into_iter()
        .filter(|r| r.needs != Needs::Nothing)
        .collect();
    // Each try counts as a failure, and too many of those at one server are answered otherwise.
    for some in closed.chunks(30) {
        let site = Site::start().await;
        for (i, row) in some.iter().enumerate() {
            let secret = [None, Some("no-such-secret")][i % 2];
            let request = site.request(row.method.clone(), row.path, secret);
            let response = request.json(&(row.body)()).send().await.unwrap();
            assert_eq!(response.status(), 401, "{} {}", row.method, row.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pool_does_not_show_does_not_exist_for_others() {
    let site = Site::start().await;
    let closed = PoolSpec {
        visibility: Visibility {
            owners: Some(vec!["ann".into(), "team".into()]),
            ..Visibility::default()
        },
        ..PoolSpec::default()
    };
    let members = site.pool_with("closed", 2, closed).await;
    let ann = site.user("ann").await;
    let in_team = NewKey {
        groups: vec!["team".into()],
        ..new_key("tim", Role::User)
    };
    let tim = site
        .admin()
        .create_key(&in_team)
        .await
        .unwrap()
        .secret
        .unwrap();
    let (tim, eve) = (site.client(&tim), site.user("eve").await);
    let want = Acquire {
        pool: Some("closed".into()),
        ..Acquire::default()
    };
    let held = ann.acquire(&want).await.unwrap();
    tim.acquire(&want).await.unwrap();

    assert!(eve.acquire(&want).await.unwrap_err().is_unknown());
    assert!(eve.pool("closed").await.unwrap_err().is_unknown());
    assert!(eve.resource(members[0].id).await.unwrap_err().is_unknown());
    assert!(eve.lease(held.id).await.unwrap_err().is_unknown());
    assert!(
        eve.pools(&PageQuery::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        eve.resources(&ResourceQuery::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        eve.leases(&LeaseQuery::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert_eq!(eve.stats().await.unwrap().resources.total(), 0);
    let of_pool = ResourceQuery {
        pool: Some("closed".into()),
        ..ResourceQuery::default()
    };
    assert!(eve.resources(&of_pool).await.unwrap_err().is_unknown());
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_and_endpoints_are_shown_to_whom_they_concern() {
    let site = Site::start().await;
    let members = site.pool("boards", 1).await;
    let (ann, eve) = (site.user("ann").await, site.user("eve").await);
    let want = Acquire {
        pool: Some("boards".into()),
        ..Acquire::default()
    };
    let held = ann.acquire(&want).await.unwrap();
    assert_eq!(eve.resource(members[0].id).await.unwrap().holder, None);
    let own = ann.resource(members[0].id).await.unwrap().holder.unwrap();
    assert_eq!(own.lease, held.id);
    let mut open = PoolSpec::default();
    open.visibility.holders = caviada_api::pool::Holders::Everyone;
    site.admin().put_pool("boards", &open, None).await.unwrap();
    let shown = eve.resource(members[0].id).await.unwrap().holder.unwrap();
    assert_eq!(shown.owner, "ann");
}
