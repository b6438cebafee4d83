//! Who may call what: every call of every version × everybody who may come × own and foreign. A new
//! call without a row fails.
//!
//! The old API says yes where there was nothing to do, so a status proves nothing: who may is seen
//! by what changed, or by what was shown.

mod row;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use caviada_api::key::{NewKey, Role};
use caviada_api::lease::{LeaseQuery, Release};
use caviada_api::user::UserSpec;
use caviada_core::limits;
use caviada_server::compat::poolmanager::{Door, Options, PATH, Version, calls, router};
use caviada_server::http;
use reqwest::Method;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Answer, Old};
use crate::site::{ADMIN, new_key};
use row::{Effect, Needs, Row, Whose, rows};

const HORSE: &str = "correct horse";

/// Who calls, and by what he is known.
struct Caller {
    name: &'static str,
    /// Headers, each with the end of its line.
    headers: String,
    role: Role,
    /// He came without anything: the principal speaks for him.
    walks_in: bool,
}

struct World {
    old: Old,
    callers: Vec<Caller>,
    version: Version,
}

fn options() -> Options {
    Options {
        principal: Some("old".parse().unwrap()),
        plain_tcp: true,
        ..Options::default()
    }
}

const PEOPLE: [(&str, Role); 4] = [
    ("root", Role::Admin),
    ("op", Role::Operator),
    ("ann", Role::User),
    ("bob", Role::User),
];

impl World {
    async fn new(version: Version, options: Options) -> Self {
        let old = Old::with(version, options).await;
        old.principal().await;
        old.chains("chains", 60, "pbft", 4).await;
        let admin = old.site.admin();
        let mut callers = vec![Caller {
            name: "nobody",
            headers: String::new(),
            role: Role::User,
            walks_in: true,
        }];
        for (name, role) in PEOPLE {
            let spec = UserSpec {
                role,
                password: Some(HORSE.into()),
                ..UserSpec::default()
            };
            admin.put_user(name, &spec, None).await.unwrap();
            if name == "bob" {
                continue;
            }
            let secret = old.site.key(name, role).await;
            callers.push(Caller {
                name,
                headers: format!("Authorization: Bearer {secret}\r\n"),
                role,
                walks_in: false,
            });
            let session = session(&old, version, name).await;
            if let Some(session) = session {
                callers.push(Caller {
                    name,
                    headers: format!("{session}Sec-Fetch-Site: same-origin\r\n"),
                    role,
                    walks_in: false,
                });
            }
        }
        Self {
            old,
            callers,
            version,
        }
    }

    fn revision(&self) -> u64 {
        *self.old.site.handle.committed().borrow()
    }

    /// Gives everything of an owner back.
    async fn cleared(&self, owner: &str) {
        let admin = self.old.site.admin();
        let query = LeaseQuery {
            owner: Some(owner.to_owned()),
            ..LeaseQuery::default()
        };
        for lease in admin.leases(&query).await.unwrap().items {
            admin.release(lease.id, &Release::default()).await.unwrap();
        }
    }

    /// What stands in the row's place, made anew, and the call with it.
    async fn asked(&self, row: &Row, caller: &Caller, whose: Whose, n: usize) -> Asked {
        let owner = match whose {
            Whose::Own => caller.name,
            Whose::Foreign => "bob",
        };
        let wants = |text: &str| row.form.contains(text) || row.id.contains(text);
        if row.needs == Needs::Tenant || row.holds {
            self.cleared(owner).await;
        }
        let mut cluster = String::new();
        if row.holds {
            let apply = match self.version {
                Version::Pm1 => "/v1/cluster_apply",
                _ => "/v2/cluster_apply",
            };
            let given = self.old.get(&format!("{apply}?user_id={owner}")).await;
            let given = given.body.get("data").unwrap_or(&given.body);
            cluster = given["id"].as_str().unwrap().to_owned();
        }
        let admin = self.old.site.admin();
        let mut host = String::new();
        if wants("$HOST") || row.path.ends_with("/hosts") {
            let spec = serde_json::from_value(json!({"driver": "process"})).unwrap();
            let made = admin.put_host(&format!("host-{n}"), &spec, None).await;
            host = format!("{:024x}", made.unwrap().id.0);
        }
        let user = match owner {
            "nobody" => "bob",
            other => other,
        };
        let user_id = format!("{:024x}", admin.user(user).await.unwrap().id.0);
        let free = match row.free {
            true => self.free().await,
            false => String::new(),
        };
        let fill = |text: &str| {
            text.replace("$OWNER", owner)
                .replace("$USER_ID", &user_id)
                .replace("$USER", user)
                .replace("$CLUSTER", &cluster)
                .replace("$FREE", &free)
                .replace("$HOST", &host)
                .replace("$N", &n.to_string())
        };
        Asked {
            path: fill(&row.path.replace("{id}", row.id)),
            form: fill(row.form),
            shows: match row.effect {
                Effect::Shows(text) => fill(text),
                _ => String::new(),
            },
        }
    }

    /// The id of a cluster that nobody has, as an operator reads it.
    async fn free(&self) -> String {
        let state = self.old.site.handle.snapshot().await.unwrap();
        let free = state.resources.values().rev().find(|r| r.lease.is_none());
        let free = free.unwrap();
        // Generation and uses follow the resource's number.
        let turn = free.generation << 20 | u64::from(free.uses);
        let id = format!("{:014x}{turn:010x}", free.id.0);
        assert_eq!(id.len(), 24);
        id
    }

    async fn call(&self, method: &Method, asked: &Asked, headers: &str) -> Answer {
        let (path, form) = (&asked.path, &asked.form);
        match *method {
            Method::GET => {
                let target = format!("{path}?{form}");
                self.old.headed("GET", &target, headers, "").await
            }
            _ => self.old.headed(method.as_str(), path, headers, form).await,
        }
    }
}

struct Asked {
    path: String,
    form: String,
    shows: String,
}

/// Nobody signs in before Cello 0.7.
async fn session(old: &Old, version: Version, name: &str) -> Option<String> {
    if version < Version::Cello07 {
        return None;
    }
    let form = format!("username={name}&password=correct+horse");
    let cookie = old.form("/api/auth/login", &form).await.cookie;
    let cookie = cookie.expect("who knows the password signs in");
    let (session, _) = cookie.split_once(';').unwrap();
    Some(format!("Cookie: {session}\r\n"))
}

/// May he, as the module's table of what is closed says?
fn may(needs: Needs, caller: &Caller, whose: Whose) -> bool {
    let own = whose == Whose::Own;
    match needs {
        Needs::Nothing | Needs::Caller => true,
        // The principal speaks for everybody in its pools.
        Needs::Tenant => own || caller.walks_in || caller.role != Role::User,
        Needs::Operator => caller.role != Role::User,
        Needs::User => (own && !caller.walks_in) || caller.role == Role::Admin,
        Needs::Admin => caller.role == Role::Admin,
    }
}

#[test]
fn every_call_of_every_version_has_a_row() {
    let rows = rows();
    let mut used = BTreeSet::new();
    for (version, _) in Version::ALL {
        for (method, path) in calls(version) {
            let has = rows.iter().any(|r| r.method == method && r.path == path);
            assert!(has, "give {method} {path} of {version} a row");
            used.insert((method.to_string(), path));
        }
    }
    for row in rows {
        let of = (row.method.to_string(), row.path);
        assert!(used.contains(&of), "{of:?} is no call");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_module_says_and_nothing_else() {
    let mut versions = tokio::task::JoinSet::new();
    for (version, _) in Version::ALL {
        versions.spawn(every_row(version));
    }
    while let Some(done) = versions.join_next().await {
        done.unwrap();
    }
}

async fn every_row(version: Version) {
    let world = World::new(version, options()).await;
    let there = calls(version);
    let mut n = 0;
    for row in rows() {
        if !there.contains(&(row.method.clone(), row.path)) {
            continue;
        }
        for caller in &world.callers {
            for whose in row.needs.whose() {
                n += 1;
                one(&world, &row, caller, *whose, n).await;
            }
        }
    }
}

async fn one(world: &World, row: &Row, caller: &Caller, whose: Whose, n: usize) {
    let asked = world.asked(row, caller, whose, n).await;
    let before = world.revision();
    let answer = world.call(&row.method, &asked, &caller.headers).await;
    let body = answer.body.to_string();
    let by = caller.headers.split(' ').next().unwrap_or_default();
    let what = format!(
        "{} {}?{} of {} by {} {by} {whose:?}: {body:.300}",
        row.method, asked.path, asked.form, world.version, caller.name
    );
    let may = may(row.needs, caller, whose);
    match row.effect {
        Effect::Changes => assert_eq!(world.revision() > before, may, "{what}"),
        Effect::Shows(_) => assert_eq!(body.contains(&asked.shows), may, "{what}"),
        Effect::Admits => assert_eq!(!is_no(&body), may, "{what}"),
        Effect::Answers(status) => assert_eq!(answer.status, status, "{what}"),
    }
    if row.effect != Effect::Changes {
        assert_eq!(world.revision(), before, "{what} changed something");
    }
    if !may {
        assert!(!body.contains("bob") || row.echoes, "{what}");
    }
}

fn is_no(body: &str) -> bool {
    ["this needs", "there is no such cluster"]
        .iter()
        .any(|no| body.contains(no))
}

/// Those who may not come in at all: strangers, and who shows a key or a session that is worth
/// nothing (any more).
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_reaches_no_call() {
    for (version, _) in Version::ALL {
        let strangers = Options {
            allow_from: "192.0.2.0/24".parse().unwrap(),
            ..options()
        };
        let world = World::new(version, strangers).await;
        let mut worthless = vec![String::new()];
        worthless.extend(ended_keys(&world.old).await);
        worthless.extend(ended_sessions(&world).await);
        let rows = rows();
        let closed = |path: &str, method: &Method| {
            let row = rows.iter().find(|r| r.path == path && r.method == *method);
            row.is_some_and(|r| r.needs != Needs::Nothing)
        };
        for headers in &worthless {
            let before = world.revision();
            for (method, path) in calls(version) {
                if !closed(path, &method) {
                    continue;
                }
                let asked = Asked {
                    path: path.replace("{id}", "000000000000000000000001"),
                    form: "user_id=bob&id=1&cluster_id=1&action=apply".to_owned(),
                    shows: String::new(),
                };
                let no = world.call(&method, &asked, headers).await;
                no.is_refusal();
                let error = no.body["error"].as_str().unwrap();
                let told = ["key is needed", "key is not known", "too many requests"];
                let told = told.iter().any(|t| error.contains(t));
                assert!(told, "{method} {path} of {version} {headers}: {error}");
            }
            assert_eq!(world.revision(), before, "{headers}");
        }
    }
}

async fn ended_keys(old: &Old) -> Vec<String> {
    let admin = old.site.admin();
    let gone = admin
        .create_key(&new_key("gone", Role::Admin))
        .await
        .unwrap();
    admin.delete_key(gone.key.id).await.unwrap();
    let short = NewKey {
        expires_in_ms: Some(limits::TTL_MS_MIN),
        ..new_key("over", Role::Admin)
    };
    let over = admin.create_key(&short).await.unwrap();
    let until = over.key.expires_at.unwrap();
    while old.site.handle.now().0 < until.0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let secrets = [gone.secret.unwrap(), over.secret.unwrap(), "x".into()];
    let headers = secrets.map(|secret| format!("Authorization: Bearer {secret}\r\n"));
    headers.into()
}

/// The sessions of an admin who is not active any more, and of a user who is gone.
async fn ended_sessions(world: &World) -> Vec<String> {
    let admin = world.old.site.admin();
    let mut ended = Vec::new();
    for name in ["root", "ann"] {
        ended.extend(session(&world.old, world.version, name).await);
    }
    let inactive = UserSpec {
        role: Role::Admin,
        active: false,
        ..UserSpec::default()
    };
    admin.put_user("root", &inactive, None).await.unwrap();
    admin.delete_user("ann").await.unwrap();
    ended
}

/// Beside HTTP v1 a session is worth nothing, and an address neither.
#[tokio::test(flavor = "multi_thread")]
async fn beside_another_api_every_call_takes_a_key() {
    let version = Version::Cello07;
    let world = World::new(version, options()).await;
    let beside = router(world.old.app.clone(), version, Door::Beside);
    let beside = axum::Router::new().nest_service(PATH, beside);
    let ask = async |method: &Method, path: &str, header: Option<(&str, &str)>| {
        let path = path.replace("{id}", "000000000000000000000001");
        let mut request = Request::builder()
            .method(method.clone())
            .uri(format!("{PATH}{path}"));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let answer = beside
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await;
        let body = axum::body::to_bytes(answer.unwrap().into_body(), 1 << 20).await;
        String::from_utf8(body.unwrap().into()).unwrap()
    };
    let session = session(&world.old, version, "root").await.unwrap();
    let session = session.trim().strip_prefix("Cookie: ").unwrap().to_owned();
    let key = format!("Bearer {ADMIN}");
    let before = world.revision();
    for row in rows() {
        if row.needs == Needs::Nothing || !calls(version).contains(&(row.method.clone(), row.path))
        {
            continue;
        }
        for header in [None, Some(("cookie", &*session))] {
            let no = ask(&row.method, row.path, header).await;
            assert!(no.contains("an API key is needed"), "{} {no}", row.path);
        }
        let key = Some(("authorization", &*key));
        let asked = ask(&row.method, row.path, key).await;
        assert!(
            !asked.contains("an API key is needed"),
            "{} {asked}",
            row.path
        );
    }
    assert_eq!(world.revision(), before);
}

/// Each entrance answers for its own calls, whatever key is shown.
#[tokio::test(flavor = "multi_thread")]
async fn no_entrance_answers_for_another() {
    for (version, _) in Version::ALL {
        let old = Old::start(version, 1).await;
        let before = *old.site.handle.committed().borrow();
        let headers = format!("Authorization: Bearer {ADMIN}\r\n");
        for (method, path) in http::endpoints() {
            let path = path.replace(['{', '}'], "");
            let no = old.headed(method.as_str(), &path, &headers, "").await;
            if method == Method::HEAD {
                continue;
            }
            no.is_refusal();
            assert_eq!(no.body["code"], 404, "{method} {path} of {version}");
        }
        for (method, path) in calls(version) {
            let request = old.site.request(method.clone(), path, Some(ADMIN));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 404, "{method} {path} of {version}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "no-such-path", "{method} {path}");
        }
        assert_eq!(*old.site.handle.committed().borrow(), before);
    }
}
