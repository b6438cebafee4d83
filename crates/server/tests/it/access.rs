//! Who may do what: every endpoint of the router × every role × own, shared and foreign. A new
//! endpoint without a row fails.

mod closed;
pub mod row;
mod show;
pub mod world;

use caviada_api::template::TemplateSpec;
use caviada_driver::template::builtin;
use caviada_server::http;
use reqwest::Method;
use serde_json::Value;

use row::{Row, rows};
use world::{Caller, Says, Standing, World, bare, says};

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

/// A call that is refused changes nothing and tells nothing of whose it is.
async fn refused(world: &World, row: &Row, caller: &Caller, path: &str, status: u16) {
    let what = format!("{} {path} by {}", row.method, caller.name);
    let before = world.revision();
    let (got, body) = world.call(row, path, Some(&caller.secret)).await;
    assert_eq!(got, status, "{what}: {body}");
    assert_eq!(world.revision(), before, "{what} changed something");
    let problem: Value = serde_json::from_str(&body).unwrap();
    let code = if status == 403 {
        "forbidden"
    } else {
        "unknown"
    };
    assert_eq!(problem["code"], code, "{what}");
    for told in ["open", "elsewhere", "\"bob\""] {
        assert!(!body.contains(told), "{what} tells of {told}: {body}");
    }
    if status == 404 {
        // Word for word what is said of one that never was.
        let id = path.split('/').find(|p| p.starts_with("lease_")).unwrap();
        let never = path.replace(id, NEVER);
        let (_, other) = world.call(row, &never, Some(&caller.secret)).await;
        assert_eq!(bare(&body, id), bare(&other, NEVER), "{what}");
    }
}

/// A lease that nobody was ever given.
const NEVER: &str = "lease_00000zzzzzzzz";

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let world = World::new().await;
    let mut n = 0;
    for row in rows() {
        for caller in &world.callers {
            for standing in Standing::of(row.needs) {
                n += 1;
                let path = world.path(&row, caller, *standing, n).await;
                let says = says(row.needs, caller, *standing);
                let what = format!("{} {path} by {}: {standing:?}", row.method, caller.name);
                match says {
                    Says::Yes => {
                        let (status, body) = world.call(&row, &path, Some(&caller.secret)).await;
                        assert!(row.answers.contains(&status), "{what}: {status} {body}");
                    }
                    Says::No => refused(&world, &row, caller, &path, 403).await,
                    Says::NoSuchThing => refused(&world, &row, caller, &path, 404).await,
                }
            }
        }
    }
}

/// What would be wrong with a call is not told to who may not make it: it would tell of templates,
/// targets and names that he may not read.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_so_before_anything_is_looked_at() {
    let world = World::new().await;
    let spec = TemplateSpec {
        files: builtin::source("tiny").unwrap().files,
        declared_in: None,
    };
    let admin = world.site.admin();
    admin.put_template("tiny", &spec, None).await.unwrap();
    for (method, path, body) in early() {
        for caller in world.callers.iter().filter(|c| c.name == "ann" || c.acts) {
            let call = world
                .site
                .request(method.clone(), path, Some(&caller.secret));
            let call = if body.is_null() {
                call
            } else {
                call.json(&body)
            };
            let answer = call.send().await.unwrap();
            let status = answer.status();
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(status, 403, "{method} {path} by {}: {problem}", caller.name);
            assert_eq!(problem["errors"], Value::Null, "{problem}");
        }
    }
}

/// Calls that an admin is told the faults of.
fn early() -> Vec<(Method, &'static str, Value)> {
    use serde_json::json;
    vec![
        (
            Method::PUT,
            "/api/v1/pools/new",
            json!({"template": "tiny", "parameters": {"nonsense": 1}}),
        ),
        (
            Method::PUT,
            "/api/v1/pools/new",
            json!({"template": "no-such"}),
        ),
        (
            Method::PUT,
            "/api/v1/templates/new",
            json!({"files": {"template.toml": "nonsense"}}),
        ),
        (
            Method::PUT,
            "/api/v1/webhooks/new",
            json!({"url": "http://192.0.2.1/"}),
        ),
        (
            Method::PUT,
            "/api/v1/webhooks/new",
            json!({"url": "http://127.0.0.1:9/", "pools": ["no-such"]}),
        ),
        (Method::POST, "/api/v1/hosts/no-such/check", json!({})),
        (
            Method::POST,
            "/api/v1/hosts/no-such/images/pull",
            json!({"images": ["a:1"]}),
        ),
        (
            Method::PATCH,
            "/api/v1/hosts/no-such",
            json!({"autofill": true}),
        ),
        (
            Method::POST,
            "/api/v1/resources",
            json!({"items": [{"pool": "no-such", "name": "x"}]}),
        ),
        (Method::DELETE, "/api/v1/pools/no-such", Value::Null),
        (
            Method::POST,
            "/api/v1/resources/res_00000zzzzzzzz/withhold",
            json!({}),
        ),
        (
            Method::PUT,
            "/api/v1/users/no-such",
            json!({"password": "short"}),
        ),
        (
            Method::PUT,
            "/api/v1/users/no-such/profile",
            json!({"email": "nowhere"}),
        ),
        (
            Method::DELETE,
            "/api/v1/keys/key_00000zzzzzzzz",
            Value::Null,
        ),
    ]
}
