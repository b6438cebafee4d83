//! Calls that are made again, and calls about what never was.

use caviada_core::key::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access::row::{Row, rows};
use crate::access::world::{Caller, Standing, World};

/// A call under an idempotency key.
struct Keyed<'a> {
    method: Method,
    path: &'a str,
    body: Value,
    key: &'a str,
}

async fn call(world: &World, keyed: &Keyed<'_>, secret: &str) -> (u16, Value) {
    let Keyed {
        method,
        path,
        body,
        key,
    } = keyed;
    let request = world.site.request(method.clone(), path, Some(secret));
    let request = if body.is_null() {
        request
    } else {
        request.json(body)
    };
    let request = request.header("idempotency-key", *key);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

fn root(world: &World) -> &Caller {
    world
        .callers
        .iter()
        .find(|c| c.role == Role::Admin)
        .unwrap()
}

/// What looks and changes nothing has no outcome, and what may come with a password keeps none: its
/// digest would tell the password to whoever tries them all.
fn keeps_an_outcome(row: &Row) -> bool {
    let changes = row.method != Method::GET && row.answers[0] < 300;
    let secret = row.path.ends_with("/password") || row.path == "/api/v1/users/{name}";
    changes && !row.path.ends_with("/check") && !(secret && row.method == Method::PUT)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_under_the_same_key_has_the_same_outcome_and_changes_nothing() {
    let world = World::new().await;
    let root = root(&world);
    for (n, row) in rows().into_iter().enumerate() {
        if !keeps_an_outcome(&row) {
            continue;
        }
        let path = world
            .path(&row, root, *Standing::of(row.needs).first().unwrap(), n)
            .await;
        let what = format!("{} {path}", row.method);
        let key = format!("call-{n}");
        let keyed = Keyed {
            method: row.method.clone(),
            path: &path,
            body: (row.body)(),
            key: &key,
        };
        let (status, _) = call(&world, &keyed, &root.secret).await;
        assert!(row.answers.contains(&status), "{what}: {status}");
        let before = world.revision();
        let (again, body) = call(&world, &keyed, &root.secret).await;
        assert_eq!(again, status, "{what}: {body}");
        assert!(body["secret"].is_null(), "{what} tells a secret again");
        assert_eq!(world.revision(), before, "{what} was done twice");
        // The key stands for that call and for no other.
        let other = world
            .site
            .request(Method::PUT, "/api/v1/pools/other", Some(&root.secret));
        let other = other.header("idempotency-key", &key).json(&json!({}));
        let other = other.send().await.unwrap();
        assert_eq!(other.status(), 422, "{what}");
        let problem: Value = other.json().await.unwrap();
        assert_eq!(problem["code"], "key-reused", "{what}");
        assert_eq!(world.revision(), before, "{what}");
    }
}

/// Of another principal the same key is another one, so nobody is answered with what is not his.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_somebody_else_uses_too_is_his_own() {
    let world = World::new().await;
    let keyed = Keyed {
        method: Method::POST,
        path: "/api/v1/leases",
        body: json!({"pool": "open"}),
        key: "job-17",
    };
    let mut ids = std::collections::BTreeSet::new();
    for caller in &world.callers {
        let (status, lease) = call(&world, &keyed, &caller.secret).await;
        assert_eq!((status, &lease["owner"]), (201, &caller.name.into()));
        assert!(ids.insert(lease["id"].to_string()), "{}", caller.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_was_is_unknown_on_every_endpoint_and_nothing_changes() {
    let world = World::new().await;
    let root = root(&world);
    let before = world.revision();
    for row in rows() {
        let Some(at) = row.path.find('{') else {
            continue;
        };
        // What is not there is made by a PUT of it, and a quota may be absent before it is removed.
        if row.method == Method::PUT && row.path.ends_with('}') {
            continue;
        }
        let noun = row.path["/api/v1/".len().min(at)..at].trim_end_matches('/');
        let never: &[&str] = match noun {
            "leases" => &["lease_00000zzzzzzzz", "res_00000zzzzzzzz", "lease_", "x"],
            "resources" => &["res_00000zzzzzzzz", "lease_00000zzzzzzzz", "res_!", "x"],
            "keys" => &["key_00000zzzzzzzz", "lease_00000zzzzzzzz", "key_", "x"],
            _ => &["no-such", "No%20such%07", "x%2Fy"],
        };
        let long = "x".repeat(3_000);
        for id in never.iter().copied().chain([&*long]) {
            let end = row.path.find('}').unwrap();
            let path = format!("{}{id}{}", &row.path[..at], &row.path[end + 1..]);
            let path = match path.ends_with("/logs") {
                true => path + "?service=main",
                false => path,
            };
            let (status, body) = world.call(&row, &path, Some(&root.secret)).await;
            let shown: String = path.chars().take(80).collect();
            let what = format!("{} {shown}: {body}", row.method);
            assert_eq!(status, 404, "{what}");
            let problem: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(problem["code"], "unknown", "{what}");
            assert!(body.len() < 1_000, "{what}");
        }
    }
    assert_eq!(world.revision(), before);
}
